//! Chats: who said what, and which of it was a question that a person answered.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::RegexSet;

use super::{Candidate, Collector};
use crate::domain::rehearsal::RowProblem;
use crate::domain::text::fold;

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    Buyer,
    Shop,
    /// Neither: notices of the system.
    Nobody,
}

/// Words that exports use for the two sides, without spaces and case.
const BUYERS: [&str; 18] = [
    "user",
    "customer",
    "buyer",
    "client",
    "visitor",
    "human",
    "guest",
    "consumer",
    "contact",
    "enduser",
    "买家",
    "客户",
    "顾客",
    "用户",
    "访客",
    "消费者",
    "买方",
    "会员",
];
const SHOPS: [&str; 23] = [
    "assistant",
    "agent",
    "seller",
    "staff",
    "service",
    "support",
    "operator",
    "bot",
    "admin",
    "merchant",
    "shop",
    "store",
    "ai",
    "客服",
    "卖家",
    "商家",
    "店铺",
    "小二",
    "坐席",
    "机器人",
    "店主",
    "卖方",
    "人工客服",
];
const NOBODY: [&str; 5] = ["system", "event", "notice", "系统", "通知"];

/// Which side a word means, if it is one we know.
pub(super) fn speaker(word: &str) -> Option<Speaker> {
    let plain: String = fold(word).chars().filter(|c| c.is_alphanumeric()).collect();
    let is_one_of = |words: &[&str]| words.contains(&plain.as_str());
    match () {
        () if is_one_of(&BUYERS) => Some(Speaker::Buyer),
        () if is_one_of(&SHOPS) => Some(Speaker::Shop),
        () if is_one_of(&NOBODY) => Some(Speaker::Nobody),
        () => None,
    }
}

/// Something that was said.
#[derive(Debug, Clone)]
pub(super) struct Utterance {
    pub line: u32,
    pub speaker: Option<Speaker>,
    pub text: String,
}

/// Messages of several chats, gathered by the chat they name.
#[derive(Debug, Default)]
pub(super) struct Chats {
    said: Vec<Vec<Utterance>>,
    places: HashMap<String, usize>,
}

impl Chats {
    pub fn add(&mut self, chat: String, one: Utterance) {
        let place = *self.places.entry(chat).or_insert_with(|| {
            self.said.push(Vec::new());
            self.said.len() - 1
        });
        self.said[place].push(one);
    }

    /// Takes their questions, chat by chat in the order in which they began.
    pub fn read(&self, found: &mut Collector) {
        for said in &self.said {
            read_chat(said, found);
        }
    }
}

/// Takes the questions of a chat, each with the next thing that the shop said.
pub(super) fn read_chat(said: &[Utterance], found: &mut Collector) {
    let thread = found.new_thread();
    let mut previous: Option<&str> = None;
    for (nth, one) in said.iter().enumerate() {
        match one.speaker {
            None => found.refuse(one.line, RowProblem::UnknownSender, &one.text),
            Some(Speaker::Shop | Speaker::Nobody) => {}
            Some(Speaker::Buyer) => {
                if is_question(&one.text) {
                    let reply = reply_to(&said[nth + 1..]);
                    let candidate = Candidate {
                        question: &one.text,
                        previous,
                        person_said: reply.as_deref(),
                        thread: Some(thread),
                    };
                    found.question(one.line, candidate);
                } else {
                    found.skip();
                }
                previous = Some(&one.text);
            }
        }
    }
}

/// All that the shop said next, up to the buyer's next word after it. A buyer who asks in several messages gets one
/// reply to all of them.
fn reply_to(after: &[Utterance]) -> Option<String> {
    let from_reply = after.iter().skip_while(|one| one.speaker != Some(Speaker::Shop));
    let reply: Vec<&str> = from_reply
        .take_while(|one| one.speaker != Some(Speaker::Buyer))
        .filter(|one| one.speaker == Some(Speaker::Shop))
        .map(|one| one.text.trim())
        .collect();
    (!reply.is_empty()).then(|| reply.join("\n"))
}

static QUESTION: LazyLock<RegexSet> = LazyLock::new(|| {
    RegexSet::new([
        r"[?？]\s*\S{0,2}\s*$",
        "吗|呢|么[，。！,.!]?$|怎么|怎样|如何|什么|啥|哪[里儿个些种款天]|多少|多久|多大|多长|多重|几[天个号点时小种件岁月年]|何时|为何|为什么|是否|是不是|有没有|有无|能不能|能否|可不可以|可以.{0,20}[吗么不]|要不要|会不会|请问|咨询|想问|谁",
        r"^\W*(how|what|when|where|which|who|whose|why|can|could|do|does|did|is|are|was|were|will|would|should|may|shall|has|have|am)\b",
        r"\b(how (do|does|can|long|much|many|to)|what('s| is| are)|is (it|there|this)|are (there|these|they)|do you|does (it|this)|can (i|you|we|it)|could you|i('d| would) like to know|wondering (if|whether)|tell me)\b",
    ])
    .expect("constant patterns that the tests run")
});

/// Whether a message of a chat asks something. One that is missed costs nothing but a label; one too many is told apart
/// by whoever judges it.
pub(super) fn is_question(text: &str) -> bool {
    // `在吗?` and `hello?` only look whether somebody is there.
    const GREETINGS: [&str; 12] = [
        "在吗",
        "在么",
        "在不在",
        "有人吗",
        "有人在吗",
        "您好在吗",
        "你好在吗",
        "亲在吗",
        "hello",
        "hi",
        "anyonethere",
        "areyouthere",
    ];
    let folded = fold(text);
    let plain: String = folded.chars().filter(|c| c.is_alphanumeric()).collect();
    !GREETINGS.contains(&plain.as_str()) && QUESTION.is_match(folded.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_told_from_small_talk() {
        for asked in [
            "退货运费谁出",
            "这款可以机洗吗",
            "多久发货？",
            "请问尺码偏大吗",
            "几天能到",
            "How long does shipping take",
            "the charger, does it support 220V",
            "Is it waterproof?",
            "有没有现货",
            "怎么连接蓝牙",
        ] {
            assert!(is_question(asked), "{asked}");
        }
        for said in ["好的谢谢", "在吗？", "hello?", "ok", "我明白了。", "Thanks a lot!", "收到", "[图片]", ""]
        {
            assert!(!is_question(said), "{said}");
        }
    }

    #[test]
    fn both_sides_are_known_by_many_names() {
        for (word, want) in [
            ("User", Some(Speaker::Buyer)),
            (" 买家 ", Some(Speaker::Buyer)),
            ("end-user", Some(Speaker::Buyer)),
            ("客服", Some(Speaker::Shop)),
            ("ASSISTANT", Some(Speaker::Shop)),
            ("system", Some(Speaker::Nobody)),
            ("小王", None),
        ] {
            assert_eq!(speaker(word), want, "{word}");
        }
    }
}
