//! Replies as agents write them, and what is heard in each.

use proptest::prelude::*;

use super::CommitmentKind::{Change, Check, Compensate, Deliver, Invoice, Refund, Reply, Resend, Ship, Urge};
use super::due::ShopClock;
use super::*;
use crate::domain::calendar::{DAY_MS, sheet_moment};
use crate::domain::task::Department;

const CHINA: ShopClock = ShopClock { utc_offset_min: 480, day_ends_min: 21 * 60 };

/// Tuesday, 2026-11-24, 10:00 in China.
const SAID_MS: i64 = 1_795_485_600_000;

/// A reply with the kinds that are heard in it and until when, as the shop's clock shows it: day of the month and time.
const COMMITTED: &[(&str, &[(CommitmentKind, &str)])] = &[
    ("明天给您发货", &[(Ship, "25 21:00")]),
    ("亲，您放心，今天一定给您发出哦~", &[(Ship, "24 21:00")]),
    ("好的呢，我让仓库今天下午5点前给您发顺丰", &[(Ship, "24 17:00")]),
    ("现在仓库爆单，但您这单周四给您寄出。", &[(Ship, "26 21:00")]),
    ("48小时内给您安排发货", &[(Ship, "26 10:00")]),
    ("今天发货的哦亲", &[(Ship, "24 21:00")]),
    ("明天上午，仓库会给您发出。", &[(Ship, "25 12:00")]),
    ("我跟仓库核实一下，稍后回复您", &[(Check, "-")]),
    ("请您稍等，我联系快递帮您核实，明天中午前给您回复。", &[(Check, "25 13:00")]),
    ("24小时内回复您", &[(Reply, "25 10:00")]),
    ("有结果第一时间通知您", &[(Reply, "-")]),
    ("稍后会有专员联系您", &[(Reply, "-")]),
    ("半小时内给您答复", &[(Reply, "24 10:30")]),
    ("实在抱歉，我们给您补发一个新的，明天寄出", &[(Resend, "25 21:00"), (Ship, "25 21:00")]),
    ("这边给您退差价15元，3个工作日内到账", &[(Refund, "27 10:00")]),
    ("周五之前财务会给您打款", &[(Refund, "27 21:00")]),
    ("我给您申请10元优惠券补偿", &[(Compensate, "-")]),
    ("发票我们今晚给您开好发邮箱", &[(Invoice, "24 23:59")]),
    ("已帮您登记，明天给您修改收货地址", &[(Change, "25 21:00")]),
    ("我帮您备注上礼盒包装", &[(Change, "-")]),
    ("今天给您发货，发票明天给您开", &[(Ship, "24 21:00"), (Invoice, "25 21:00")]),
    ("我帮您催一下快递", &[(Urge, "-")]),
    ("马上给您加急处理", &[(Urge, "-")]),
    ("保证12月1日送到您手上", &[(Deliver, "01 21:00")]),
    ("我会一直跟进的，后天晚上8点给您同步", &[(Check, "26 20:00")]),
    ("I will check with the warehouse", &[(Check, "-")]),
    ("I'll ask our courier and get back to you tomorrow morning.", &[(Check, "25 12:00")]),
    ("We’ll ship your order today.", &[(Ship, "24 21:00")]),
    ("Your parcel will be dispatched within 24 hours.", &[(Ship, "25 10:00")]),
    ("We will refund you within 2 business days.", &[(Refund, "26 10:00")]),
    ("I'm going to send you a replacement by Friday", &[(Resend, "27 21:00")]),
    ("Thanks for waiting. I'll let you know as soon as I hear back.", &[(Reply, "-")]),
    ("Sorry about that! I will email you the invoice by 5 pm.", &[(Invoice, "24 17:00")]),
    ("We'll update the address on your order right away.", &[(Change, "-")]),
    ("You will receive it by Dec 1.", &[(Deliver, "01 21:00")]),
    ("Let me check with our finance team.", &[(Check, "-")]),
];

/// Replies that commit nobody: questions, refusals, what others said, what holds for everybody, what is over, what is
/// looked up while the buyer waits.
const NOT_COMMITTED: &[&str] = &[
    "支持7天无理由退货",
    "下单后48小时内发货",
    "我们店铺下午4点前付款当天发货",
    "一般3-5天送到",
    "预计明天发货哦",
    "应该明天能到",
    "需要我帮您核实一下吗？",
    "您是明天要发货吗",
    "不能给您退款哦",
    "抱歉，这个没办法给您补发",
    "今天发不了货的亲",
    "仓库说明天发货",
    "您说明天退货",
    "快递员说今天送到",
    "系统显示24日已发货",
    "昨天已经给您发货了",
    "已经帮您催过了",
    "稍等，我查一下",
    "我马上帮您看一下",
    "如果收到有问题，我们给您补发",
    "收到退货后3天内给您退款",
    "您可以明天联系客服",
    "麻烦您提供一下订单号",
    "请您明天把商品寄回",
    "可以给您退差价，您看行吗",
    "有问题随时联系我们",
    "周一至周五正常发货",
    "全场包邮，满200送优惠券",
    "7天内有质量问题免费换新",
    "长按电源键3秒后松开",
    "这款充电2小时后可以用6小时",
    "Items can be returned within 7 days.",
    "Orders will ship within 48 hours.",
    "We usually reply within 24 hours.",
    "Do you want me to check with the warehouse?",
    "The courier said it will arrive tomorrow.",
    "Once we receive the parcel, we will refund you within 3 days.",
    "I can't refund you for this.",
    "We will not be able to ship today.",
    "I have already shipped your order.",
    "Let me check.",
    "It should arrive tomorrow.",
    "If it breaks, we will replace it.",
    "Our policy is to refund you within 14 days.",
    "Please send it back by Friday.",
    "Press and hold the button for 3 seconds, then release it.",
    "You will need to contact your bank.",
];

fn heard(text: &str) -> Vec<(CommitmentKind, String)> {
    let told = |heard: Heard| {
        let due = heard.due_at_ms.map_or("-".to_owned(), |at_ms| sheet_moment(at_ms, 480)[8..16].to_owned());
        (heard.kind, due)
    };
    hear(text, SAID_MS, CHINA).into_iter().map(told).collect()
}

#[test]
fn what_agents_commit_to_is_heard_with_its_time() {
    let mut wrong = Vec::new();
    for (text, want) in COMMITTED {
        let want: Vec<_> = want.iter().map(|(kind, due)| (*kind, (*due).to_owned())).collect();
        let got = heard(text);
        if got != want {
            wrong.push(format!("{text}: {got:?} instead of {want:?}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_commits_nobody_is_not_heard() {
    let wrong: Vec<_> =
        NOT_COMMITTED.iter().filter(|text| !heard(text).is_empty()).map(|text| (text, heard(text))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_sentence_is_quoted_and_says_whose_hands_it_is_in() {
    let text = "您好！ 明天给您发货。收货后有问题随时找我，财务今天给您退差价";
    let heard = hear(text, SAID_MS, CHINA);
    let told: Vec<_> = heard.iter().map(|one| (one.span.of(text), one.department)).collect();
    assert_eq!(
        told,
        [("明天给您发货。", Department::Warehouse), ("收货后有问题随时找我，财务今天给您退差价", Department::Finance)]
    );
}

#[test]
fn of_a_sentence_that_holds_several_each_clause_is_quoted() {
    let text = "抱歉，今天给您发货，ＡＢ发票明天给您开。I'll refund you today, and we'll ship it tomorrow.";
    let quoted: Vec<_> = hear(text, SAID_MS, CHINA).iter().map(|one| one.span.of(text)).collect();
    assert_eq!(quoted, ["今天给您发货", "ＡＢ发票明天给您开。", "I'll refund you today", "we'll ship it tomorrow."]);
}

#[test]
fn a_day_ends_where_the_shop_is() {
    // 23:30 in China is still the 24th in UTC, and eleven at night is after the shop's day.
    let late_ms = SAID_MS + DAY_MS / 2 + 90 * 60_000;
    let due = |text, clock| hear(text, late_ms, clock)[0].due_at_ms.map(|at_ms| sheet_moment(at_ms, 480));
    assert_eq!(due("今天给您发货", CHINA).as_deref(), Some("2026-11-24 23:59:00"));
    assert_eq!(due("明天给您发货", CHINA).as_deref(), Some("2026-11-25 21:00:00"));
    let greenwich = ShopClock { utc_offset_min: 0, ..CHINA };
    assert_eq!(due("今天给您发货", greenwich).as_deref(), Some("2026-11-25 05:00:00"));
}

#[test]
fn working_days_leave_the_weekend_out() {
    let on_friday = SAID_MS + 3 * DAY_MS;
    let heard = hear("2个工作日内给您退款", on_friday, CHINA);
    assert_eq!(heard[0].due_at_ms, Some(on_friday + 4 * DAY_MS));
}

#[test]
fn what_is_proposed_to_be_told_commits_to_nothing_new() {
    let rules = CommitmentRules::default();
    for (lang, what) in [(Lang::Zh, "明天给您发货"), (Lang::En, "We'll ship your order tomorrow.")] {
        for (kind, now_ms) in [(Ship, SAID_MS), (Reply, SAID_MS + 9 * DAY_MS)] {
            let about = About { kind, what, due_at_ms: SAID_MS + DAY_MS, order: Some("123"), lang };
            let text = rules.message(&about, 480, now_ms);
            assert!(text.contains(what.trim_end_matches('.')) && text.contains("123"), "{text}");
            assert!(!text.contains('{'), "{text}");
            let quoted = text.replace(what.trim_end_matches('.'), "");
            assert_eq!(hear(&quoted, now_ms, CHINA), [], "{text}");
        }
    }
}

#[test]
fn an_order_shows_what_was_kept_and_rules_have_a_range() {
    assert!(Ship.is_shown_by(Stage::Shipped) && Refund.is_shown_by(Stage::Refunded));
    assert!(!Reply.is_shown_by(Stage::Signed) && !Ship.is_shown_by(Stage::Paid));
    let rules = CommitmentRules { nightly_at_min: 1440, ..CommitmentRules::default() };
    assert_eq!(rules.validate(), Err("nightly_at_min"));
    assert_eq!(CommitmentRules::default().usual_due_ms(Reply, 0), 4 * HOUR_MS);
}

proptest! {
    #[test]
    fn any_text_is_heard_without_a_fall_and_quoted_from_itself(text in "[明天给您发货，。？!?~a-z0-9 .点内小时\\n]{0,60}") {
        for one in hear(&text, SAID_MS, CHINA) {
            prop_assert!(!one.span.of(&text).is_empty());
            prop_assert!(one.due_at_ms.is_none_or(|at_ms| at_ms > SAID_MS));
        }
    }
}
