//! What answers the bulk of a simulated day: a script in the generator's place.
//!
//! # Why
//! A day has more questions than a laptop's model answers in the minutes it is played in. The script points at the line
//! that shares most with the question; everything after it (quoting, checking, scoring, deciding) is the product's own.
//! It answers nothing but conversations that are marked as simulated, and only a [`Demo`] can allow it: a shop's data
//! directory carries no such mark.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Demo;
use crate::answer::golden::GoldenTier;
use crate::answer::{AnswerError, Answering};
use crate::app::App;
use crate::inference::fake::ScriptedGenerator;
use crate::inference::{PromptPart, Role};
use crate::retrieve::Retriever;

/// A line that shares less of the question than this answers nothing.
const MIN_SHARE: f32 = 0.25;
/// How sure the script is, as a log-probability, that no line answers.
const SURE: f32 = -0.05;
const UNSURE: f32 = -4.0;

impl Demo {
    /// Lets a script answer what is asked in simulated conversations.
    pub fn allow_script(&self, app: &App) -> Result<(), AnswerError> {
        let retriever = Retriever::new(app.db.clone(), app.engines.vectors.clone(), app.engines.embedder.clone());
        let golden = GoldenTier::new(app.db.clone(), app.engines.embedder.clone())?;
        let script = Answering::new(retriever, Arc::new(script()), app.clock.clone())?.with_golden(golden);
        app.answering.allow_script(script);
        Ok(())
    }
}

fn script() -> ScriptedGenerator {
    ScriptedGenerator::new(|request| Ok(best_line(&request.prompt).map_or_else(|| "0".to_owned(), |n| n.to_string())))
        .weighing(|prompt, choices| {
            let none = if best_line(prompt).is_none() { SURE } else { UNSURE };
            vec![none; choices.len()]
        })
}

/// The number of the line that shares most with the question, if one shares enough.
fn best_line(prompt: &[PromptPart]) -> Option<usize> {
    let asked = prompt.iter().rev().find(|part| part.role == Role::User)?;
    let question = pairs(between(&asked.text, "<question>", "</question>")?);
    let lines = between(&asked.text, "<lines>", "</lines>")?;
    let numbered = lines.lines().filter_map(|line| {
        let (number, text) = line.strip_prefix('[')?.split_once("] ")?;
        Some((number.parse::<usize>().ok()?, text))
    });
    let shares = numbered.map(|(number, text)| {
        let shared = pairs(text).intersection(&question).count();
        (number, shared as f32 / question.len().max(1) as f32)
    });
    let (number, share) = shares.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))?;
    (share >= MIN_SHARE).then_some(number)
}

fn between<'a>(text: &'a str, from: &str, until: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(from)?;
    Some(rest.split_once(until)?.0)
}

/// Neighbouring letters: they do for both languages.
fn pairs(text: &str) -> BTreeSet<(char, char)> {
    let letters: Vec<char> = text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    letters.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(question: &str) -> Vec<PromptPart> {
        let text = format!(
            "<lines>\n[1] 默认使用顺丰速运，不支持指定其他快递。\n[2] 换货在收到退回商品后 48 小时内寄出新品。\n</lines>\n\n\
             <question>\n{question}\n</question>"
        );
        vec![PromptPart { role: Role::User, text }]
    }

    #[test]
    fn the_script_points_at_the_line_that_shares_most_and_at_none_where_none_does() {
        assert_eq!(best_line(&prompt("可以指定其他快递吗？")), Some(1));
        assert_eq!(best_line(&prompt("换货多久寄出新品")), Some(2));
        assert_eq!(best_line(&prompt("你们老板是谁")), None);
    }
}
