//! The generator points at the lines that answer; the draft quotes them.
//!
//! # Why
//! A small generator is good at pointing and bad at repeating facts, so only numbers of lines are read from its output:
//! whatever a hostile line makes it say, nothing it writes reaches a buyer. How likely it finds "no line answers" is
//! evidence for the confidence.

use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::AnswerError;
use super::extract::{Budget, ExtractWeights, Quote, candidates, extract, render};
use super::rows::{asked_for, with_headers};
use crate::domain::text::Lang;
use crate::inference::{Asker, GenerateError, GenerateRequest, Generated, Generator, PromptPart, Role};
use crate::prompts::{Input, Inputs, Prompts, Rendered, Speaker};
use crate::retrieve::Passage;
use crate::retrieve::query::count_words;

/// Words (Han characters) of the lines the generator reads: what a machine without a GPU reads in a few seconds.
const MAX_READ_WORDS_EN: usize = 200;
const MAX_READ_WORDS_ZH: usize = 300;
/// A pick moves the odds of a line by this factor: e² makes a coin flip a likely line and leaves a poor one poor.
const PICK_LOG_ODDS: f32 = 2.0;

/// A draft that only quotes.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The text.
    pub text: String,
    /// What it quotes, in order.
    pub quotes: Vec<Quote>,
    /// What the generator said, if it was there to say something.
    pub pick: Option<Pick>,
    /// Why it was not, if it was not.
    pub failure: Option<String>,
}

/// What the generator made of the lines.
#[derive(Debug, Clone, PartialEq)]
pub struct Pick {
    /// Chance, as a natural logarithm, that it finds no line that answers.
    pub none_logprob: f32,
    /// How many lines it picked.
    pub n_picked: usize,
    /// Mean logarithm of the probabilities of its output.
    pub mean_logprob: f32,
    /// Hash of the prompt.
    pub prompt_hash: String,
    /// Version of the prompt.
    pub prompt_version: String,
    /// Length of the prompt in tokens.
    pub prompt_tokens: usize,
}

/// Who writes and for whom.
pub struct Drafter<'a> {
    /// Points at lines.
    pub generator: &'a dyn Generator,
    /// How it is asked.
    pub prompts: &'a Prompts,
    /// Who asks.
    pub asker: Asker,
    /// Hears the draft as soon as there is one.
    pub progress: Option<mpsc::Sender<String>>,
}

impl Drafter<'_> {
    /// Drafts an answer from passages. Without a generator the draft is made all the same, and says so.
    pub async fn draft(&self, question: &str, lang: Lang, passages: &[Passage]) -> Result<Draft, AnswerError> {
        let mut candidates = asked_for(question, candidates(passages, &ExtractWeights::SHIPPED), passages);
        let mut draft = Draft { text: String::new(), quotes: vec![], pick: None, failure: None };
        if candidates.is_empty() {
            return Ok(draft);
        }
        let shown = shown(&candidates, passages, lang);
        match self.pick(question, lang, &lines(&shown, &candidates, passages)).await {
            Ok((pick, picked)) => {
                for line in picked {
                    let chance = &mut candidates[shown[line]].chance;
                    *chance = lift(*chance);
                }
                draft.pick = Some(pick);
            }
            Err(AnswerError::Generate(error)) => draft.failure = Some(error.to_string()),
            Err(other) => return Err(other),
        }
        draft.quotes = with_headers(extract(&candidates, passages, lang, &Budget::SHIPPED), passages);
        draft.text = render(&draft.quotes, passages);
        if let Some(progress) = &self.progress {
            // Whoever does not listen any more misses nothing: the draft is stored.
            let _ = progress.try_send(draft.text.clone());
        }
        Ok(draft)
    }

    /// Lets the generator point at lines; also the indexes of those it picked.
    pub async fn pick(&self, question: &str, lang: Lang, lines: &[&str]) -> Result<(Pick, Vec<usize>), AnswerError> {
        let lines_input = lines.iter().map(|line| (*line).to_owned()).collect();
        let inputs =
            Inputs::from([("lines", Input::Lines(lines_input)), ("question", Input::Text(question.to_owned()))]);
        let rendered = self.prompts.render("pick_lines", lang, inputs)?;
        let prompt = parts(&rendered);
        // Both calls read the same prompt; the second finds it read.
        let asker = self.asker_of(question);
        let none_logprob = self.generator.weigh(&prompt, &["0"], asker).await?.first().copied();
        let none_logprob = none_logprob
            .filter(|value| !value.is_nan())
            .ok_or_else(|| GenerateError::Failed { reason: "no weight came for a choice".to_owned() })?;
        let request = GenerateRequest {
            prompt,
            max_output_tokens: rendered.max_output_tokens,
            stop: vec!["\n".to_owned()],
            asker,
        };
        let generated = self.generator.generate(request, None).await?;
        let picked = picked(&generated.text, lines.len());
        let pick = Pick {
            // A probability of 0 is possible for a scripted generator only; a floor keeps the feature finite.
            none_logprob: none_logprob.max(-20.0),
            n_picked: picked.len(),
            mean_logprob: mean_logprob(&generated),
            prompt_hash: rendered.hash,
            prompt_version: rendered.version,
            prompt_tokens: generated.prompt_tokens,
        };
        Ok((pick, picked))
    }

    /// What is read for a question is found again for the very same question only.
    fn asker_of(&self, question: &str) -> Asker {
        Asker { conversation: Some(key_of(question)), ..self.asker }
    }
}

/// A key that only the same question has.
fn key_of(question: &str) -> Uuid {
    let digest = Sha256::digest(question.as_bytes());
    Uuid::from_slice(&digest[..16]).expect("a digest has more than 16 bytes")
}

/// The likeliest candidates that the generator has time to read, as indexes in the order of the text.
fn shown(candidates: &[Quote], passages: &[Passage], lang: Lang) -> Vec<usize> {
    let max_words = match lang {
        Lang::En => MAX_READ_WORDS_EN,
        Lang::Zh => MAX_READ_WORDS_ZH,
    };
    let mut by_chance: Vec<usize> = (0..candidates.len()).collect();
    by_chance.sort_by(|a, b| candidates[*b].chance.total_cmp(&candidates[*a].chance).then(a.cmp(b)));
    let mut n_words = 0;
    let mut shown: Vec<usize> = Vec::new();
    for candidate in by_chance {
        let n = count_words(text_of(&candidates[candidate], passages));
        if shown.is_empty() || n_words + n <= max_words {
            n_words += n;
            shown.push(candidate);
        }
    }
    shown.sort_unstable();
    shown
}

fn lines<'a>(shown: &[usize], candidates: &[Quote], passages: &'a [Passage]) -> Vec<&'a str> {
    shown.iter().map(|candidate| text_of(&candidates[*candidate], passages)).collect()
}

fn text_of<'a>(quote: &Quote, passages: &'a [Passage]) -> &'a str {
    &passages[quote.passage].items[quote.item].item.text
}

fn parts(rendered: &Rendered) -> Vec<PromptPart> {
    let role = |speaker: Speaker| match speaker {
        Speaker::System => Role::System,
        Speaker::User => Role::User,
        Speaker::Assistant => Role::Assistant,
    };
    rendered.sections.iter().map(|(speaker, text)| PromptPart { role: role(*speaker), text: text.clone() }).collect()
}

/// Indexes of the lines that an output names; numbers of no line are ignored, `0` means none.
fn picked(output: &str, n_lines: usize) -> Vec<usize> {
    let mut picked: Vec<usize> = output
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse::<usize>().ok())
        .filter(|number| (1..=n_lines).contains(number))
        .map(|number| number - 1)
        .collect();
    picked.sort_unstable();
    picked.dedup();
    picked
}

fn mean_logprob(generated: &Generated) -> f32 {
    let n = generated.tokens.len();
    if n == 0 { 0.0 } else { generated.tokens.iter().map(|token| token.logprob).sum::<f32>() / n as f32 }
}

fn lift(chance: f32) -> f32 {
    let odds = chance / (1.0 - chance).max(1e-6) * PICK_LOG_ODDS.exp();
    odds / (1.0 + odds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::Lane;
    use crate::inference::fake::ScriptedGenerator;
    use crate::retrieve::testing::passage;

    const QUESTION: &str = "Can the remote get wet?";
    const MANUAL: &str = "The remote needs two batteries. Keep it dry at all times. It has a range of 10 m. \
        Colors vary by model. The box holds one remote.";

    async fn draft(generator: &ScriptedGenerator, passages: &[Passage]) -> Draft {
        let prompts = Prompts::load().unwrap();
        let drafter = Drafter { generator, prompts: &prompts, asker: Lane::Interactive.into(), progress: None };
        drafter.draft(QUESTION, Lang::En, passages).await.unwrap()
    }

    #[tokio::test]
    async fn a_picked_line_is_quoted() {
        let passages = [passage(QUESTION, MANUAL, 1.0)];
        let without = draft(&ScriptedGenerator::with_replies(["0"]), &passages).await;
        let with = draft(&ScriptedGenerator::with_replies(["2"]), &passages).await;
        let chance =
            |draft: &Draft| draft.quotes.iter().find(|quote| quote.item == 1).map_or(0.0, |quote| quote.chance);
        assert!(with.text.contains("Keep it dry at all times."), "{}", with.text);
        assert!(chance(&with) > chance(&without));
        assert_eq!((with.pick.unwrap().n_picked, without.pick.unwrap().n_picked), (1, 0));
    }

    #[tokio::test]
    async fn nothing_the_generator_writes_reaches_the_draft() {
        let generator =
            ScriptedGenerator::with_replies(["Sure! Your refund of $500 is approved. See http://evil.example"]);
        let got = draft(&generator, &[passage(QUESTION, MANUAL, 1.0)]).await;
        assert!(got.text.lines().all(|line| MANUAL.contains(line)), "{}", got.text);
    }

    #[tokio::test]
    async fn lines_and_question_stand_between_marks() {
        let generator = ScriptedGenerator::with_replies(["1"]);
        draft(&generator, &[passage(QUESTION, MANUAL, 1.0)]).await;
        let asked = generator.asked();
        let user = &asked[0].prompt.last().unwrap().text;
        assert!(
            user.contains("[2] Keep it dry at all times.")
                && user.contains("<question>\nCan the remote get wet?\n</question>")
        );
    }

    #[tokio::test]
    async fn without_a_generator_there_is_a_draft_that_says_so() {
        let generator = ScriptedGenerator::new(|_| Err(GenerateError::Overloaded));
        let got = draft(&generator, &[passage(QUESTION, MANUAL, 1.0)]).await;
        assert!(got.pick.is_none() && got.failure.is_some() && !got.text.is_empty());
    }

    #[tokio::test]
    async fn without_passages_nobody_is_asked() {
        let generator = ScriptedGenerator::with_replies(["1"]);
        let got = draft(&generator, &[]).await;
        assert!(got.text.is_empty() && generator.asked().is_empty());
    }

    #[test]
    fn only_numbers_of_lines_are_read() {
        assert_eq!(picked("2, 3", 5), [1, 2]);
        assert_eq!(picked("0", 5), [] as [usize; 0]);
        assert_eq!(picked("[4] and [4], not 99", 5), [3]);
        assert_eq!(picked("没有", 5), [] as [usize; 0]);
    }

    #[test]
    fn a_pick_lifts_but_never_above_certainty() {
        assert!(lift(0.5) > 0.8 && lift(0.01) < 0.1 && lift(1.0) <= 1.0 && lift(0.0) == 0.0);
    }
}
