//! What buyers of a simulated day say, by what they want, and what agents answer in their own words.

use super::Theme;
use crate::domain::text::Lang;

/// What is said about a theme, in one language. `{order}` is the number of the buyer's own order.
pub fn lines(theme: Theme, lang: Lang) -> &'static [&'static str] {
    match (theme, lang) {
        (Theme::Product, Lang::Zh) => &[
            "空气炸锅怎么清洗？",
            "AF-500 的容量是多少？",
            "炸篮可以放洗碗机吗？",
            "Quiet 20 耳机续航多久？",
            "充电宝 PB-10 可以带上飞机吗？",
            "充电宝充满电要多久？",
            "AF-500 炸薯条要几分钟？",
            "PB-10 支持多少瓦快充？",
        ],
        (Theme::Product, Lang::En) => &[
            "How do I pair the headphones?",
            "How long does the battery of the Quiet 20 last?",
            "How do I reset the headphones?",
            "Can I use the headphones while charging?",
        ],
        (Theme::Shop, Lang::Zh) => &[
            "多久发货？",
            "默认发什么快递？",
            "新疆要几天能到？",
            "满多少包邮？",
            "可以开专用发票吗？",
            "会员积分怎么用？",
            "保修期多长？",
            "运费多少钱？",
        ],
        (Theme::Shop, Lang::En) => &[
            "How long is the warranty?",
            "What does the warranty not cover?",
            "Do I have to pay for return shipping?",
            "When do I get my refund?",
        ],
        (Theme::SmallTalk, Lang::Zh) => &["在吗？", "你好", "谢谢", "好的，明白了"],
        (Theme::SmallTalk, Lang::En) => &["Hello", "Hi there", "Thanks!", "Ok, got it"],
        (Theme::Angry, Lang::Zh) => &[
            "你们什么垃圾服务！等了三天没人理我！！",
            "东西用一天就坏了，太坑人了，我要投诉！",
            "再不处理我就给差评，找12315！",
        ],
        (Theme::Angry, Lang::En) => &[
            "This is ridiculous, nobody answers me for days!!",
            "Your product broke after one day. I want to complain!",
        ],
        (Theme::Order, Lang::Zh) => {
            &["我的订单 {order} 到哪了？", "{order} 什么时候发货？", "帮我催一下 {order} 的发货"]
        }
        (Theme::Order, Lang::En) => &["Where is my order {order}?", "When will {order} be shipped?"],
        (Theme::Return, Lang::Zh) => &["订单 {order} 我想退货", "七天无理由退货怎么操作？", "退款多久到账？"],
        (Theme::Return, Lang::En) => &["I want to return {order}", "How do I return an item?"],
        (Theme::Unknown, Lang::Zh) => &[
            "你们在成都有线下门店吗？",
            "炸锅能配合我家的太阳能板用吗？",
            "可以用比特币付款吗？",
            "明年会出 AF-600 吗？",
        ],
        (Theme::Unknown, Lang::En) => {
            &["Do you have a store in Berlin?", "Can I pay with cryptocurrency?", "Is a new model coming next year?"]
        }
    }
}

/// What an agent writes who has no draft to send.
pub fn own_words(theme: Theme, lang: Lang) -> &'static str {
    match (theme, lang) {
        (Theme::Angry, Lang::Zh) => "非常抱歉给您带来不好的体验，我已经记录并优先处理您的问题，请您稍等。",
        (Theme::Angry, Lang::En) => {
            "I am very sorry about this. I have taken your case and am looking into it right now."
        }
        (Theme::SmallTalk, Lang::Zh) => "您好，请问有什么可以帮您？",
        (Theme::SmallTalk, Lang::En) => "Hello, how can I help you?",
        (Theme::Order | Theme::Return, Lang::Zh) => "您好，我正在为您核实这个订单，请您稍等。",
        (Theme::Order | Theme::Return, Lang::En) => "Hello, I am checking this order for you; one moment please.",
        (Theme::Product | Theme::Shop | Theme::Unknown, Lang::Zh) => "您好，这个问题我帮您向同事确认一下，请您稍等。",
        (Theme::Product | Theme::Shop | Theme::Unknown, Lang::En) => {
            "Hello, let me check that with a colleague; one moment please."
        }
    }
}

/// What an agent puts before or after a draft that is right and stiff.
pub fn politeness(lang: Lang, is_heavy: bool) -> (&'static str, &'static str) {
    match (lang, is_heavy) {
        (Lang::Zh, false) => ("亲，", ""),
        (Lang::En, false) => ("Hello! ", ""),
        (Lang::Zh, true) => (
            "亲，您好，感谢您的耐心等待，我帮您仔细看了一下。",
            "如果还有别的问题，随时告诉我，我一直都在，祝您生活愉快。",
        ),
        (Lang::En, true) => (
            "Hello, and thank you for your patience; I have looked into this for you. ",
            " If there is anything else, just write to me here, I am glad to help.",
        ),
    }
}
