//! A dress rehearsal: how long does the generator take for an answer on this machine?

use super::AnswerError;
use super::draft::Drafter;
use crate::domain::text::Lang;
use crate::inference::{Generator, Lane};
use crate::prompts::Prompts;

const QUESTION: &str = "How do I pair the remote control with the television?";

/// As much as the generator reads for a usual answer.
const LINES: [&str; 10] = [
    "Switch the television on and wait until the home screen appears.",
    "Point the remote control at the lower right corner of the screen.",
    "Press and hold the back button and the play button together for three seconds or more.",
    "A message on the screen says that the remote control is being connected; this can take up to half a minute.",
    "If the connection fails, take out the batteries, press any button for ten seconds, and insert the batteries again.",
    "The remote control works at a distance of up to ten meters when nothing stands between it and the television.",
    "Use two alkaline batteries of the same kind, and replace both of them at the same time.",
    "Do not use the remote control near a source of heat or in direct sunlight, since this can damage the batteries.",
    "A remote control that came with another television cannot be paired with this model.",
    "The pictures in this manual may differ from the remote control that came with your television.",
];

/// Lets the generator work on a prompt of usual length; what it says is not used. Fails if it does not answer.
pub async fn rehearse(generator: &dyn Generator) -> Result<(), AnswerError> {
    let prompts = Prompts::load()?;
    let drafter = Drafter { generator, prompts: &prompts, asker: Lane::Interactive.into(), progress: None };
    drafter.pick(QUESTION, Lang::En, &LINES).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::GenerateError;
    use crate::inference::fake::ScriptedGenerator;

    #[tokio::test]
    async fn a_rehearsal_asks_once_and_fails_with_the_generator() {
        let generator = ScriptedGenerator::with_replies(["3"]);
        assert!(rehearse(&generator).await.is_ok());
        assert_eq!(generator.asked().len(), 1);
        let broken = ScriptedGenerator::new(|_| Err(GenerateError::Overloaded));
        assert!(rehearse(&broken).await.is_err());
    }
}
