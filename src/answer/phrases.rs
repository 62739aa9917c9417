//! Texts that people wrote: said as they are, in the buyer's language.

use super::guard::Intent;
use crate::domain::text::Lang;

/// The reply to a message that asks nothing; none for a question.
pub fn fixed_reply(intent: Intent, lang: Lang) -> Option<&'static str> {
    let (zh, en) = match intent {
        Intent::Greeting => ("您好！请问有什么可以帮您？", "Hello! What can I help you with?"),
        Intent::Thanks => ("不客气！还有其他问题随时告诉我。", "You're welcome! Just ask if there is anything else."),
        Intent::Goodbye => ("再见，祝您生活愉快！", "Goodbye, and have a nice day!"),
        Intent::Empty | Intent::EmojiOnly => (
            "请告诉我您想了解什么，我来帮您查找。",
            "Please tell me what you would like to know, and I will look it up.",
        ),
        Intent::AsksForPerson | Intent::OwnOrder | Intent::ReviewOnly(_) | Intent::Suspicious | Intent::Question => {
            return None;
        }
    };
    Some(pick(lang, zh, en))
}

/// What the assistant says when it has no answer.
pub fn no_answer(lang: Lang) -> &'static str {
    pick(
        lang,
        "抱歉，我在店铺资料里没有找到这个问题的答案，已请客服人员为您解答。",
        "Sorry, I could not find the answer to this in the shop's documents. I have asked a colleague to help you.",
    )
}

fn pick(lang: Lang, zh: &'static str, en: &'static str) -> &'static str {
    match lang {
        Lang::Zh => zh,
        Lang::En => en,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_in_its_language() {
        for intent in [Intent::Greeting, Intent::Thanks, Intent::Goodbye, Intent::Empty, Intent::EmojiOnly] {
            for lang in [Lang::Zh, Lang::En] {
                assert_eq!(fixed_reply(intent, lang).map(Lang::of), Some(lang), "{intent:?}");
            }
        }
        assert_eq!((Lang::of(no_answer(Lang::Zh)), Lang::of(no_answer(Lang::En))), (Lang::Zh, Lang::En));
        assert_eq!(fixed_reply(Intent::Question, Lang::En), None);
    }
}
