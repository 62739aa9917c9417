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

/// Asks a buyer whom the shop has not named which order is meant.
pub fn ask_which_order(lang: Lang) -> &'static str {
    pick(
        lang,
        "请提供订单号和收货手机号的后四位，我来帮您查询物流。",
        "Please tell me the order number and the last four digits of the phone number on it, and I will look it up.",
    )
}

/// The same for a number that nobody has and for one with another phone: who guesses learns nothing.
pub fn no_such_order(lang: Lang) -> &'static str {
    pick(
        lang,
        "没有找到与该订单号和手机后四位相符的订单，请核对后再发一次，也可以请人工客服协助。",
        "I found no order with that number and those four digits. Please check them and try again, or ask for a person.",
    )
}

/// Asks a buyer with several orders under way which one is meant.
pub fn ask_which_of(lang: Lang, numbers: &[String]) -> String {
    match lang {
        Lang::Zh => format!("您有多个进行中的订单：{}。请告诉我要查询哪一个订单号。", numbers.join("、")),
        Lang::En => {
            format!("You have several orders under way: {}. Please tell me which number you mean.", numbers.join(", "))
        }
    }
}

/// A request was passed on. Nothing is promised: whether and when it is done, a person knows.
pub fn passed_on(lang: Lang) -> &'static str {
    pick(
        lang,
        "您的要求已转给负责的同事处理，处理结果会由客服回复您。",
        "I have passed your request on to the colleagues in charge. They will reply to you here with the result.",
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
        for text in [no_answer, ask_which_order, no_such_order, passed_on] {
            assert_eq!((Lang::of(text(Lang::Zh)), Lang::of(text(Lang::En))), (Lang::Zh, Lang::En));
        }
        assert_eq!(fixed_reply(Intent::Question, Lang::En), None);
    }
}
