//! `kefu ask`.

use serde_json::{Value, json};

use super::ingest::first_shop;
use super::remote::Remote;
use super::{Common, Outcome, models, output, serve};
use crate::answer::Ask;
use crate::app::App;
use crate::app::data_dir::DataDir;
use crate::cli::progress::Bars;
use crate::domain::job::Lane;
use crate::lifecycle::Lifecycle;
use crate::retrieve::Scope;
use crate::telemetry;

/// How often a running server is asked whether it has answered.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(300);

#[derive(Debug, clap::Args)]
pub struct AskArgs {
    question: String,
}

pub fn run(common: &Common, args: &AskArgs) -> Outcome {
    let config = common.config()?;
    if let Some(remote) = Remote::of(&common.data_dir) {
        return serve::runtime(&config)?.block_on(through_server(&remote, &args.question));
    }
    telemetry::start("warn", false);
    let data_dir = DataDir::open(&common.data_dir)?;
    models::fetch_needed(&config, &Bars::default())?;
    serve::runtime(&config)?.block_on(async {
        let app = App::open(&config, data_dir.root(), Lifecycle::default()).await?;
        let text = args.question.as_str();
        let shop = first_shop(&app).await?;
        let scope = Scope { shop, buyers_only: true, sku: None, platform: None, lane: Lane::Interactive };
        let ask = Ask { scope, message: text.to_owned(), previous: None };
        let answered = app.answering.answer(&ask, None).await?;
        let reasons = [answered.evidence.escalations, answered.evidence.holds].concat();
        output::print_json(&json!({
            "answer": answered.draft,
            "abstained": answered.abstained,
            "confidence": answered.evidence.confidence,
            "reasons": reasons,
            "citations": answered.citations,
            "ms": answered.timings,
        }))?;
        app.engines.vectors.close().await?;
        app.db.close().await;
        Ok(())
    })
}

async fn through_server(remote: &Remote, question: &str) -> Outcome {
    let asked: Value = remote.post("/v1/knowledge/test", &json!({ "question": question }))?;
    let id = asked["turn_id"].as_str().unwrap_or_default().to_owned();
    loop {
        let answer: Value = remote.get(&format!("/v1/knowledge/test/{id}"))?;
        if !answer["would"].is_null() {
            let turn = &answer["turn"];
            output::print_json(&json!({
                "answer": turn["draft"],
                "confidence": turn["confidence"],
                "decision": answer["would"],
                "reasons": turn["reasons"],
                "citations": turn["citations"],
                "ms": turn["ms"],
            }))?;
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
