//! How a buyer feels, by rules that anybody can read: anger makes a person look first.
//!
//! # Why
//! A list of signs errs in known ways. It never lowers a guard: whoever is angry without saying so is answered as before,
//! and whoever is taken for angry without being so waits for a person.

use std::sync::LazyLock;

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a message sounds; later ones are worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mood {
    /// Nothing to be heard.
    Calm,
    /// Losing patience.
    Annoyed,
    /// A person must look.
    Angry,
}

/// Words that sound like anger and speak of something else: goods, and questions about reviews.
const HARMLESS: &str = r"垃圾(?:袋|桶|分类|处理|箱|盒|篓|架|铲)|傻瓜(?:式|相机)|(?:有|多|看到|看见)\S{0,3}差评|差评(?:率|多吗|多不多|怎么回复)|\bworst[- ]case\b|(?:不|没|没有|别)(?:生气|着急|失望|想投诉|要投诉|是投诉|打算投诉)|\b(?:not|n't|never|without) (?:\w+ ){0,2}(?:angry|upset|disappointed|complain\w*|frustrated|annoyed)\b";

/// Threats and insults.
const STRONG: &str = r"投诉|差评|骗子|骗人|欺骗|诈骗|垃圾|曝光|12315|消协|工商局|市场监管|律师|起诉|滚(?:蛋|开|吧|犊子)|妈的|傻[逼叉比]|恶心|气死|坑人|坑爹|黑店|黑心|无良|忍无可忍|什么(?:破|烂|鬼|垃圾)|什么态度|不要脸|退钱|\b(?:scam\w*|fraud\w*|rip[- ]?off|liars?|lawyer|attorney|sue you|suing|disgusting|disgrace\w*|bullshit|fuck\w*|wtf|chargeback|report you|unacceptable|furious|outrageous|worst)\b";

/// Complaints.
const MEDIUM: &str = r"失望|生气|无语|气人|太(?:差|慢|烂|坑|过分)|烦死|烦人|再也不|(?:多少|几|好几|无数)[次遍回]了|没人(?:管|理|回)|敷衍|催了|怎么还(?:没|不)|到底(?:什么|怎么|还|有没有|管不管)|服了|离谱|不满|搞什么|等了(?:这么久|好久|\S{1,4}天)|\b(?:disappointed|annoy\w*|ridiculous|frustrat\w*|still waiting|how many times|fed up|never (?:again|buy)|angry|upset|complain\w*|terrible|horrible|awful|useless|poor service|waste of)\b";

/// Marks that make whatever is said louder.
const LOUD: &str = r"[!！]{2,}|[?？]{2,}|[!！][?？]|[?？][!！]|\b[A-Z]{3,}(?:\W+[A-Z]{3,})+\b";

/// From here on somebody is angry; one threat is enough, and so are two complaints.
const ANGRY_FROM: usize = 3;
/// One complaint.
const ANNOYED_FROM: usize = 2;

struct Rules {
    harmless: Regex,
    strong: Regex,
    medium: Regex,
    loud: Regex,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let rule = |pattern: &str| Regex::new(pattern).expect("constant patterns that the tests run");
    let folded = |pattern: &str| rule(&format!("(?i){pattern}"));
    Rules { harmless: folded(HARMLESS), strong: folded(STRONG), medium: folded(MEDIUM), loud: rule(LOUD) }
});

/// How a message sounds.
pub fn mood(message: &str) -> Mood {
    let said = RULES.harmless.replace_all(message, " ");
    let n_of = |rule: &Regex| rule.find_iter(&said).count();
    let score = ANGRY_FROM * n_of(&RULES.strong) + ANNOYED_FROM * n_of(&RULES.medium);
    // Loud marks alone are joy as often as anger.
    let score = if score > 0 { score + n_of(&RULES.loud).min(1) } else { 0 };
    match score {
        ANGRY_FROM.. => Mood::Angry,
        ANNOYED_FROM.. => Mood::Annoyed,
        _ => Mood::Calm,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anger_is_heard_in_both_languages() {
        for message in [
            "你们就是骗子，我要投诉到12315",
            "再不发货我就给差评了",
            "等了三天还没发货，催了几次都没人理！！",
            "什么破东西，用一次就坏了",
            "太慢了！！到底什么时候发？？",
            "This is a scam, I will report you",
            "Still waiting after two weeks, this is ridiculous",
            "WHERE IS MY ORDER?! I am so frustrated",
            "I'm disappointed!! Nobody answers",
        ] {
            assert_eq!(mood(message), Mood::Angry, "{message}");
        }
    }

    #[test]
    fn one_complaint_is_impatience() {
        for message in ["有点失望", "怎么还没发货", "I am disappointed with the colour", "this is useless"] {
            assert_eq!(mood(message), Mood::Annoyed, "{message}");
        }
    }

    #[test]
    fn questions_and_goods_are_calm_however_loud() {
        for message in [
            "垃圾袋有货吗？",
            "这款有差评吗？？",
            "你好，几天能到？",
            "太好了！！谢谢",
            "不生气，就是问一下",
            "滚筒洗衣机能用吗",
            "I'm not angry, just asking",
            "What is the worst-case delivery time?",
            "Does the AF-500 USB PD HDMI cable fit?",
            "",
        ] {
            assert_eq!(mood(message), Mood::Calm, "{message}");
        }
    }

    #[test]
    fn more_words_of_anger_never_calm_anybody() {
        for message in ["几天能到？", "有点失望", "this is useless"] {
            assert!(mood(&format!("{message} 我要投诉")) >= mood(message), "{message}");
        }
    }
}
