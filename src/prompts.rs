//! Prompts are files: loaded, checked and rendered here, and nowhere else.
//!
//! # Why
//! A prompt is reviewed like code and changes behaviour like code. Its front matter names every input, so that a
//! missing one fails at start-up, not at midnight; the hash of what was rendered is stored with the draft.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::{Environment, UndefinedBehavior, Value};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::domain::encoding::HEX;
use crate::domain::fault::Fault;
use crate::domain::text::Lang;

/// The prompts that are shipped; the file name before the language is the id.
const FILES: &[(&str, &str)] = &[
    ("pick_lines.en", include_str!("../prompts/pick_lines.en.prompt.md")),
    ("pick_lines.zh", include_str!("../prompts/pick_lines.zh.prompt.md")),
];

/// SHA-256 of all prompts that are shipped, in hex: another one is another assistant.
pub fn fingerprint() -> String {
    let mut hash = Sha256::new();
    for (file, text) in FILES {
        hash.update(file.as_bytes());
        hash.update([0]);
        hash.update(text.as_bytes());
        hash.update([0]);
    }
    HEX.encode(&hash.finalize())
}

/// What the front matter says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontMatter {
    /// Names the prompt, with its language.
    pub id: String,
    /// Goes up with every change.
    pub version: u32,
    /// Every variable of the body, and nothing else.
    pub inputs: BTreeSet<String>,
    /// Output longer than this is cut.
    pub max_output_tokens: usize,
    /// Why it is written as it is.
    pub why: String,
}

/// Who speaks a section of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// `## system`
    System,
    /// `## user`
    User,
    /// `## assistant`: how the output begins.
    Assistant,
}

/// What a prompt is rendered with, by name.
pub type Inputs = BTreeMap<&'static str, Input>;

/// One input. It is data: template syntax inside it is only text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A text.
    Text(String),
    /// Texts to be numbered.
    Lines(Vec<String>),
}

impl From<Input> for Value {
    fn from(input: Input) -> Self {
        match input {
            Input::Text(text) => Self::from(text),
            Input::Lines(lines) => Self::from(lines),
        }
    }
}

/// A rendered prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// Its sections in order.
    pub sections: Vec<(Speaker, String)>,
    /// Output longer than this is cut.
    pub max_output_tokens: usize,
    /// `id@version`.
    pub version: String,
    /// SHA-256 of version and sections, in hex.
    pub hash: String,
}

/// Why a prompt cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// No front matter between two lines of `+++`, or a wrong one.
    #[error("the prompt `{file}` has no valid front matter: {reason}")]
    FrontMatter {
        /// Which file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// The inputs and the variables of the body differ.
    #[error("the prompt `{file}` names the inputs {named:?} and uses {used:?}")]
    Inputs {
        /// Which file.
        file: String,
        /// In the front matter.
        named: BTreeSet<String>,
        /// In the body.
        used: BTreeSet<String>,
    },
    /// The body is no template, or has no sections.
    #[error("the prompt `{file}` cannot be read: {reason}")]
    Body {
        /// Which file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// There is no such prompt.
    #[error("there is no prompt `{id}`")]
    Unknown {
        /// Which.
        id: String,
    },
    /// An input was not given.
    #[error("the prompt `{id}` could not be rendered: {reason}")]
    Render {
        /// Which.
        id: String,
        /// What is wrong.
        reason: String,
    },
}

impl PromptError {
    /// Prompts are ours, so is the fault.
    pub fn fault(&self) -> Fault {
        Fault::Bug
    }
}

struct Prompt {
    front: FrontMatter,
    sections: Vec<(Speaker, String)>,
}

/// All prompts, checked.
pub struct Prompts {
    by_id: BTreeMap<String, Prompt>,
    templates: Environment<'static>,
}

impl Prompts {
    /// Loads and checks the shipped prompts.
    pub fn load() -> Result<Self, PromptError> {
        Self::from_files(FILES)
    }

    fn from_files(files: &[(&str, &str)]) -> Result<Self, PromptError> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        let mut by_id = BTreeMap::new();
        for (file, text) in files {
            let prompt = parse(file, text)?;
            check(file, &prompt, &templates)?;
            by_id.insert(prompt.front.id.clone(), prompt);
        }
        Ok(Self { by_id, templates })
    }

    /// Renders `id` in a language. Every input must be given.
    pub fn render(&self, id: &str, lang: Lang, inputs: Inputs) -> Result<Rendered, PromptError> {
        let inputs: BTreeMap<String, Value> =
            inputs.into_iter().map(|(name, input)| (name.to_owned(), input.into())).collect();
        let inputs = Value::from(inputs);
        let id = format!("{id}.{}", lang.code());
        let prompt = self.by_id.get(&id).ok_or_else(|| PromptError::Unknown { id: id.clone() })?;
        let version = format!("{id}@{}", prompt.front.version);
        let mut hash = Sha256::new_with_prefix(&version);
        let mut sections = Vec::new();
        for (speaker, template) in &prompt.sections {
            let text = self
                .templates
                .render_str(template, inputs.clone())
                .map_err(|error| PromptError::Render { id: id.clone(), reason: error.to_string() })?;
            // The separator is a byte that no text contains, so that no two prompts hash alike by their borders.
            hash.update([0xff, *speaker as u8]);
            hash.update(&text);
            sections.push((*speaker, text));
        }
        let hash = HEX.encode(&hash.finalize());
        Ok(Rendered { sections, max_output_tokens: prompt.front.max_output_tokens, version, hash })
    }
}

fn parse(file: &str, text: &str) -> Result<Prompt, PromptError> {
    let front = |reason: &str| PromptError::FrontMatter { file: file.to_owned(), reason: reason.to_owned() };
    let rest = text.strip_prefix("+++\n").ok_or_else(|| front("it does not begin with `+++`"))?;
    let (head, body) = rest.split_once("\n+++\n").ok_or_else(|| front("the closing `+++` is missing"))?;
    let matter: FrontMatter = toml::from_str(head).map_err(|error| front(&error.to_string()))?;
    if matter.id != file {
        return Err(front("the id is not the name of the file"));
    }
    Ok(Prompt { front: matter, sections: sections(body) })
}

fn sections(body: &str) -> Vec<(Speaker, String)> {
    let mut out: Vec<(Speaker, String)> = Vec::new();
    for line in body.lines() {
        let speaker = match line {
            "## system" => Some(Speaker::System),
            "## user" => Some(Speaker::User),
            "## assistant" => Some(Speaker::Assistant),
            _ => None,
        };
        match (speaker, out.last_mut()) {
            (Some(speaker), _) => out.push((speaker, String::new())),
            (None, Some((_, text))) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    out.into_iter().map(|(speaker, text)| (speaker, text.trim().to_owned())).collect()
}

fn check(file: &str, prompt: &Prompt, templates: &Environment<'static>) -> Result<(), PromptError> {
    let body = |reason: String| PromptError::Body { file: file.to_owned(), reason };
    if prompt.sections.is_empty() {
        return Err(body("it has no `## system`, `## user` or `## assistant`".to_owned()));
    }
    let mut used = BTreeSet::new();
    for (_, template) in &prompt.sections {
        let template = templates.template_from_str(template).map_err(|error| body(error.to_string()))?;
        used.extend(template.undeclared_variables(false));
    }
    if used != prompt.front.inputs {
        return Err(PromptError::Inputs { file: file.to_owned(), named: prompt.front.inputs.clone(), used });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "+++\nid = \"t.en\"\nversion = 2\ninputs = [\"question\"]\nmax_output_tokens = 8\nwhy = \"test\"\n+++\n## system\nBe short.\n## user\n<q>{{ question }}</q>\n";

    fn question(text: &str) -> Inputs {
        Inputs::from([("question", Input::Text(text.to_owned()))])
    }

    fn load(text: &str) -> Result<Prompts, PromptError> {
        Prompts::from_files(&[("t.en", text)])
    }

    #[test]
    fn the_shipped_prompts_are_valid() {
        assert!(Prompts::load().is_ok());
    }

    #[test]
    fn sections_are_rendered_and_the_hash_follows_every_letter() {
        let prompts = load(GOOD).unwrap();
        let one = prompts.render("t", Lang::En, question("Where?")).unwrap();
        assert_eq!(
            one.sections,
            [(Speaker::System, "Be short.".to_owned()), (Speaker::User, "<q>Where?</q>".to_owned())]
        );
        assert_eq!((one.version.as_str(), one.max_output_tokens), ("t.en@2", 8));
        let again = prompts.render("t", Lang::En, question("Where?")).unwrap();
        let other = prompts.render("t", Lang::En, question("Where!")).unwrap();
        assert!(one.hash == again.hash && one.hash != other.hash);
    }

    #[test]
    fn template_syntax_in_an_input_is_only_text() {
        let rendered = load(GOOD).unwrap().render("t", Lang::En, question("{{ 7*7 }}")).unwrap();
        assert_eq!(rendered.sections[1].1, "<q>{{ 7*7 }}</q>");
    }

    #[test]
    fn a_wrong_prompt_is_refused_when_it_is_loaded() {
        assert!(matches!(load("no front matter"), Err(PromptError::FrontMatter { .. })));
        assert!(matches!(load(&GOOD.replace("[\"question\"]", "[]")), Err(PromptError::Inputs { .. })));
        assert!(matches!(load(&GOOD.replace("{{ question }}", "no variable")), Err(PromptError::Inputs { .. })));
        assert!(matches!(load(&GOOD.replace("version", "revision")), Err(PromptError::FrontMatter { .. })));
        assert!(matches!(load(&GOOD.replace("}}", "")), Err(PromptError::Body { .. })));
    }

    #[test]
    fn a_missing_input_or_prompt_is_an_error() {
        let prompts = load(GOOD).unwrap();
        assert!(matches!(prompts.render("t", Lang::En, Inputs::new()), Err(PromptError::Render { .. })));
        assert!(matches!(prompts.render("t", Lang::Zh, Inputs::new()), Err(PromptError::Unknown { .. })));
    }
}
