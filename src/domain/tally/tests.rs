//! One day, small enough to be counted by hand: the comments are the hand.

use uuid::Uuid;

use super::*;

/// 2026-01-05 00:00 in Shanghai.
const DAY: i64 = 1_767_542_400_000;
const WINDOW: Window = Window { from_ms: DAY, until_ms: DAY + DAY_MS, now_ms: DAY + 5 * DAY_MS };
const LIN: AccountId = AccountId(Uuid::from_u128(1));
const WEI: AccountId = AccountId(Uuid::from_u128(2));

/// `10:03:20` of the day.
fn at(clock: &str) -> i64 {
    let parts: Vec<i64> = clock.split(':').map(|part| part.parse().unwrap()).collect();
    DAY + (parts[0] * 3600 + parts[1] * 60 + parts[2]) * 1000
}

fn said(author: Author, account: Option<AccountId>, clock: &str) -> Said {
    Said { author, account, at_ms: at(clock), thumbs: None }
}

fn buyer(clock: &str) -> Said {
    said(Author::Buyer, None, clock)
}

fn thread(n: u128, topic: &str, said: Vec<Said>) -> Thread {
    Thread {
        conversation: ConversationId(Uuid::from_u128(n)),
        simulated: None,
        topic: topic.to_owned(),
        is_named: false,
        said,
        next_ms: None,
        bought: vec![],
        sent: AutoSent::default(),
        drafts: DraftUse::default(),
    }
}

fn fixture() -> Vec<Thread> {
    let liked = |said: Said| Said { thumbs: Some(true), ..said };
    vec![
        // 1. The assistant answers after 5 s; liked; bought the same day, kept. Confirmed.
        Thread {
            is_named: true,
            bought: vec![Bought { at_ms: at("11:00:00"), is_kept: true }],
            sent: AutoSent { n_sent: 1, n_judged: 1, n_wrong: 0 },
            ..thread(1, "shipping", vec![buyer("10:00:00"), liked(said(Author::Assistant, None, "10:00:05"))])
        },
        // 2. Two messages, a notice, Lin sends a draft 200 s after the first one; a second round of 60 s by Wei in own
        // words, who adds another line. The buyer is back on the day after: reopened. Bought before asking: not won.
        Thread {
            is_named: true,
            bought: vec![Bought { at_ms: at("09:00:00"), is_kept: true }],
            next_ms: Some(DAY + DAY_MS + HOUR_MS),
            drafts: DraftUse { n_as_is: 1, ..DraftUse::default() },
            ..thread(
                2,
                "returns",
                vec![
                    buyer("10:10:00"),
                    buyer("10:10:30"),
                    said(Author::Notice, None, "10:10:31"),
                    said(Author::Reviewed, Some(LIN), "10:13:20"),
                    buyer("11:00:00"),
                    said(Author::Agent, Some(WEI), "11:01:00"),
                    said(Author::Agent, Some(WEI), "11:02:00"),
                ],
            )
        },
        // 3. Nobody answers but a notice: lost.
        thread(3, "returns", vec![buyer("12:00:00"), said(Author::Notice, None, "12:00:01")]),
        // 4. The assistant answers after 2 s; the next question is Lin's, after 400 s, past midnight. Ordered on the day
        // after, and paid: won, but not on the same day. Silent since: assumed.
        Thread {
            is_named: true,
            bought: vec![Bought { at_ms: DAY + DAY_MS + HOUR_MS, is_kept: true }],
            sent: AutoSent { n_sent: 1, n_judged: 1, n_wrong: 1 },
            ..thread(
                4,
                "shipping",
                vec![
                    buyer("23:50:00"),
                    said(Author::Assistant, None, "23:50:02"),
                    buyer("23:58:20"),
                    said(Author::Agent, Some(LIN), "24:05:00"),
                ],
            )
        },
        // 5. Wrote yesterday, and is answered today: not of this day.
        thread(5, "other", vec![said(Author::Agent, Some(LIN), "00:05:00")]),
    ]
}

fn sum(cells: &[Cell], is_wanted: impl Fn(&Key) -> bool) -> Counts {
    let mut sum = Counts::default();
    cells.iter().filter(|cell| is_wanted(&cell.key)).for_each(|cell| sum.add(&cell.counts));
    sum
}

#[test]
fn a_day_with_automatic_replies_comes_to_what_a_hand_counts() {
    let day = tally(&fixture(), WINDOW);
    let all = sum(&day.with_automatic, |_| true);
    assert_eq!((all.n_inquiries, all.n_received, all.n_lost, all.n_assistant_alone), (4, 3, 1, 0));
    // 1 + 3 + 1 + 2 questions; 1 + 3 + 0 + 2 replies.
    assert_eq!((all.n_asked, all.n_said), (7, 6));
    // First: 5 + 200 + 2 s. Rounds: 5, 200, 60, 2, 400 s, and one that nobody answered.
    assert_eq!((all.first.n(), all.first.mean_ms()), (3, Some(69_000)));
    assert_eq!((all.rounds.n(), all.rounds.sum_ms, all.n_unanswered), (5, 667_000, 1));
    assert_eq!((all.rounds.within(180), all.rounds.within(300), all.rounds.within(199)), (3, 4, 3));
    assert_eq!((all.n_named, all.n_won_same_day, all.n_won), (3, 1, 2));
    assert_eq!((all.n_confirmed, all.n_assumed, all.n_reopened), (1, 1, 1));
    assert_eq!((all.n_auto_sent, all.n_auto_judged, all.n_auto_wrong), (2, 2, 1));
}

#[test]
fn without_automatic_replies_what_the_assistant_answered_is_nobodys_burden() {
    let day = tally(&fixture(), WINDOW);
    let all = sum(&day.people_only, |_| true);
    assert_eq!((all.n_inquiries, all.n_received, all.n_lost, all.n_assistant_alone), (4, 2, 1, 1));
    // 200 s of thread 2, and 400 s of the only round of thread 4 that was left to a person.
    assert_eq!((all.first.n(), all.first.mean_ms()), (2, Some(300_000)));
    assert_eq!((all.rounds.n(), all.rounds.within(300), all.n_unanswered), (3, 2, 1));
    assert_eq!((all.n_asked, all.n_said), (5, 4));
}

#[test]
fn everybody_has_the_rounds_they_answered_and_the_inquiries_they_answered_first() {
    let day = tally(&fixture(), WINDOW);
    let of = |account| sum(&day.with_automatic, |key| key.account == Some(account));
    let (lin, wei) = (of(LIN), of(WEI));
    assert_eq!((lin.n_received, lin.rounds.n(), lin.rounds.sum_ms), (1, 2, 600_000));
    // Wei's further line is said in Lin's inquiry: it is the inquiry's.
    assert_eq!((wei.n_received, wei.rounds.n(), wei.rounds.sum_ms, wei.n_said), (0, 1, 60_000, 1));
    let drafts = sum(&day.with_automatic, |key| key.by == By::Draft);
    assert_eq!(drafts.rounds.sum_ms, 200_000);
    let at_ten = sum(&day.with_automatic, |key| key.hour == 10);
    assert_eq!((at_ten.n_inquiries, at_ten.rounds.n()), (2, 2));
    let returns = sum(&day.with_automatic, |key| key.topic == "returns");
    assert_eq!((returns.n_inquiries, returns.n_lost), (2, 1));
    assert_eq!(
        day.drafts,
        [TopicDrafts {
            topic: "returns".into(),
            is_simulated: false,
            drafts: DraftUse { n_as_is: 1, ..DraftUse::default() }
        }]
    );
}

#[test]
fn nothing_is_assumed_before_a_day_of_silence() {
    let soon = Window { now_ms: DAY + DAY_MS + HOUR_MS, ..WINDOW };
    assert_eq!(sum(&tally(&fixture(), soon).with_automatic, |_| true).n_assumed, 0);
}

#[test]
fn a_greeting_is_a_light_edit_and_another_answer_a_heavy_one() {
    let mut drafts = DraftUse::default();
    drafts.edited("默认使用顺丰速运，不支持指定其他快递。", "亲，默认使用顺丰速运，不支持指定其他快递。");
    drafts.edited("默认使用顺丰速运，不支持指定其他快递。", "您好，今天下午仓库会联系您处理补发的事。");
    assert_eq!((drafts.n_light, drafts.n_heavy), (1, 1));
}
