//! A hand-over as Markdown, to be put into a group chat or a wiki.

use std::fmt::Write;

use crate::domain::calendar::told_moment;
use crate::domain::commitment::kind_text;
use crate::domain::shift::AngryBecause;
use crate::domain::text::Lang;
use crate::http::shifts::views::HandoverView;

/// The words of the headings, Chinese and English.
struct Words {
    title: &'static str,
    numbers: &'static str,
    note: &'static str,
    waiting: &'static str,
    due: &'static str,
    angry: &'static str,
    new_questions: &'static str,
    changed: &'static str,
    none: &'static str,
    since: &'static str,
    until: &'static str,
    times: &'static str,
    rules: &'static str,
}

const ZH: Words = Words {
    title: "交班",
    numbers: "提问 {asked} · 助手回复 {by_assistant} · 人工回复 {by_people} · 未回复 {unanswered} · 新承诺 {committed} · 已兑现 {kept}",
    note: "交班人留言",
    waiting: "等待回复的会话",
    due: "到期的承诺",
    angry: "情绪不满的买家",
    new_questions: "新问题",
    changed: "变更的资料与规则",
    none: "无",
    since: "等待自",
    until: "截止",
    times: "次",
    rules: "规则第 {n} 版",
};

const EN: Words = Words {
    title: "Hand-over",
    numbers: "asked {asked} · answered by the assistant {by_assistant} · by people {by_people} · unanswered {unanswered} · commitments made {committed} · kept {kept}",
    note: "Note",
    waiting: "Buyers waiting",
    due: "Commitments due",
    angry: "Angry buyers",
    new_questions: "New questions",
    changed: "Changed documents and rules",
    none: "None",
    since: "since",
    until: "by",
    times: "times",
    rules: "rules, version {n}",
};

/// What people wrote must not become a heading or a link of ours.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => safe.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '!' => {
                safe.push('\\');
                safe.push(c);
            }
            c => safe.push(c),
        }
    }
    safe
}

fn because(because: AngryBecause, lang: Lang) -> &'static str {
    match (because, lang) {
        (AngryBecause::ThumbsDown, Lang::Zh) => "点了踩",
        (AngryBecause::Complaint, Lang::Zh) => "投诉或索赔",
        (AngryBecause::AskedForPerson, Lang::Zh) => "要求人工",
        (AngryBecause::ThumbsDown, Lang::En) => "thumb down",
        (AngryBecause::Complaint, Lang::En) => "complaint or claim",
        (AngryBecause::AskedForPerson, Lang::En) => "asked for a person",
    }
}

/// Writes it.
pub fn to_markdown(one: &HandoverView, lang: Lang, utc_offset_min: i64) -> String {
    let words = if lang == Lang::Zh { &ZH } else { &EN };
    let at = |at_ms: i64| told_moment(at_ms, utc_offset_min, lang);
    let numbers = words
        .numbers
        .replace("{asked}", &one.numbers.asked.to_string())
        .replace("{by_assistant}", &one.numbers.by_assistant.to_string())
        .replace("{by_people}", &one.numbers.by_people.to_string())
        .replace("{unanswered}", &one.numbers.unanswered.to_string())
        .replace("{committed}", &one.numbers.committed.to_string())
        .replace("{kept}", &one.numbers.kept.to_string());
    let span = format!("{} – {}", at(one.began_at_ms), at(one.ended_at_ms));
    let mut text = format!("# {}: {}\n\n{span}\n\n{numbers}\n", words.title, escaped(&one.shift_name));
    if !one.note.is_empty() {
        let _ = write!(text, "\n> {}: {}\n", words.note, escaped(&one.note));
    }
    let waiting =
        one.waiting.iter().map(|each| format!("{} ({} {})", escaped(&each.said), words.since, at(each.since_ms)));
    let due = one.commitments.iter().map(|each| each.as_line(kind_text(each.kind(), lang), (words.until, &at)));
    let angry = one.angry.iter().map(|each| format!("{} ({})", escaped(&each.said), because(each.because, lang)));
    let new =
        one.new_questions.iter().map(|each| format!("{} ({} {})", escaped(&each.question), each.n_asked, words.times));
    let documents = one.documents.iter().map(|each| escaped(&each.name));
    let rules = one.policies.iter().map(|each| {
        let name = words.rules.replace("{n}", &each.number.to_string());
        if each.note.is_empty() { name } else { format!("{name}: {}", escaped(&each.note)) }
    });
    let parts: [(&str, Vec<String>); 5] = [
        (words.waiting, waiting.collect()),
        (words.due, due.map(|line| escaped(&line)).collect()),
        (words.angry, angry.collect()),
        (words.new_questions, new.collect()),
        (words.changed, documents.chain(rules).collect()),
    ];
    for (title, lines) in parts {
        let _ = write!(text, "\n## {title} ({})\n\n", lines.len());
        for line in &lines {
            let _ = writeln!(text, "- {line}");
        }
        if lines.is_empty() {
            let _ = writeln!(text, "{}", words.none);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_buyer_wrote_is_text_and_nothing_else() {
        assert_eq!(escaped("# [x](y)\n<b>`*_"), "\\# \\[x\\](y) \\<b\\>\\`\\*\\_");
    }
}
