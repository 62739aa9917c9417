//! The table of requirements cannot rot: each line that says `met` or `partial` names tests, and these are there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[test]
fn every_requirement_names_tests_that_exist_or_says_why_not() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("tests/requirements.tsv")).unwrap();
    let (mut seen, mut counts, mut wrong) = (BTreeSet::new(), BTreeMap::<&str, usize>::new(), Vec::new());
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let &[standard, id, asked, state, evidence] = columns.as_slice() else {
            wrong.push(format!("not five columns: {line}"));
            continue;
        };
        if !seen.insert((standard, id)) || asked.is_empty() || evidence.is_empty() {
            wrong.push(format!("{standard} {id}: twice, or empty"));
        }
        *counts.entry(state).or_default() += 1;
        match state {
            "met" | "partial" => {
                wrong.extend(missing(root, evidence).map(|test| format!("{id}: there is no test {test}")))
            }
            "missing" | "not applicable" => {}
            other => wrong.push(format!("{id}: no state is called {other}")),
        }
    }
    println!("{counts:?}");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    let llm = seen.iter().filter(|(standard, _)| standard.starts_with("LLM")).count();
    assert_eq!(llm, 10, "the list of risks of language models is complete");
    assert!(seen.len() > 80, "{} lines", seen.len());
}

/// Tests of `evidence` that are not where it says, or are no tests.
fn missing<'a>(root: &Path, evidence: &'a str) -> impl Iterator<Item = &'a str> {
    let root = root.to_owned();
    evidence.split(' ').filter(move |test| {
        let Some((file, name)) = test.split_once("::") else { return true };
        let Ok(text) = std::fs::read_to_string(root.join(file)) else { return true };
        let is_there = text.contains(&format!("fn {name}("));
        let is_test = text.contains("#[test]") || text.contains("#[tokio::test]") || text.contains("VectorStore");
        !(is_there && is_test)
    })
}
