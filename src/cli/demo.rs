//! `kefu demo`: models, a demo shop, its documents, the server; and how long an answer takes here. With `--traffic` a day
//! of buyers, too.

mod shopfront;
mod traffic;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::net::TcpListener;

use self::traffic::TrafficArgs;
use super::progress::{Bars, Unit};
use super::{Common, Outcome, models, output, serve};
use crate::app::App;
use crate::app::data_dir::{DataDir, ServerInfo};
use crate::app::demo::Demo;
use crate::app::engines::Engines;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::domain::document::RevisionState;
use crate::domain::ids::{RevisionId, ShopId};
use crate::lifecycle::Lifecycle;
use crate::storage::revisions;
use crate::telemetry;

/// How often the terminal looks at the documents' progress.
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Delete the demo and start over.
    #[arg(long)]
    reset: bool,
    /// Where to listen, as 127.0.0.1:8080.
    #[arg(long)]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    traffic: TrafficArgs,
}

pub fn run(common: &Common, args: DemoArgs) -> Outcome {
    let config = common.config_listening_on(args.listen)?;
    telemetry::start("warn", false);
    if args.traffic.traffic && !args.reset && ServerInfo::of(&common.data_dir).is_some() {
        return visit(common, &config, &args.traffic);
    }
    if args.reset {
        // Taken and given back: a demo that is running is not deleted under its feet.
        drop(DataDir::open(&common.data_dir)?);
        Demo::reset(&common.data_dir)?;
    }
    let data_dir = DataDir::open(&common.data_dir)?;
    serve::runtime(&config)?.block_on(async {
        let listener = serve::listen(&config).await?;
        let bars = Bars::default();
        models::fetch_needed(&config, &bars)?;
        let life = Lifecycle::default();
        life.listen_for_signals();
        let clean = play(&config, &data_dir, (listener, args.traffic), &bars, life).await?;
        data_dir.withdraw();
        if clean { Ok(()) } else { Err(anyhow::anyhow!("a part of the server died; the log says which").into()) }
    })
}

/// Plays a day against a demo that runs already.
fn visit(common: &Common, config: &Config, args: &TrafficArgs) -> Outcome {
    Ok(serve::runtime(config)?.block_on(async {
        let life = Lifecycle::default();
        life.listen_for_signals();
        traffic::play(&common.data_dir, args, &Bars::default(), (Arc::new(SystemClock), life.soft())).await
    })?)
}

async fn play(
    config: &Config,
    data_dir: &DataDir,
    (listener, traffic): (TcpListener, TrafficArgs),
    bars: &Bars,
    life: Lifecycle,
) -> anyhow::Result<bool> {
    let app = App::open(config, data_dir.root(), life).await?;
    let demo = Demo::open(&app, data_dir.root()).await?;
    demo.allow_script(&app)?;
    app.start_workers(config).await?;
    serve::announce(&app, data_dir, &listener).await?;
    let url = reachable_url(config, &listener)?;
    let host = async {
        let queued = demo.upload_samples(&app).await?;
        let complete = watch_documents(&app, demo.shop, &queued, bars).await?;
        greet(&url, &demo);
        if complete {
            tell_answer_time(&app.engines).await;
            if traffic.traffic {
                let day = traffic::play(data_dir.root(), &traffic, bars, (app.clock.clone(), app.life.soft()));
                // A day that fails is no reason to close the shop.
                if let Err(error) = day.await {
                    bars.say(&format!("  The simulated day ended early: {error:#}"));
                }
            }
        }
        anyhow::Ok(())
    };
    let state = app.http_state(config, Some(demo.widget));
    let (clean, hosted) = tokio::join!(app.serve(listener, state), async {
        let outcome = host.await;
        if outcome.is_err() {
            app.life.stop();
        }
        outcome
    });
    hosted?;
    Ok(clean)
}

/// What to type into a browser; with a port that the system chose.
fn reachable_url(config: &Config, listener: &TcpListener) -> anyhow::Result<String> {
    if config.server.public_url.is_empty() {
        return Ok(format!("http://{}", listener.local_addr()?));
    }
    Ok(config.public_url())
}

/// Shows a bar a stage until every document has ended one way or the other; false if the process is to stop before.
async fn watch_documents(app: &App, shop: ShopId, queued: &[RevisionId], bars: &Bars) -> anyhow::Result<bool> {
    if queued.is_empty() {
        return Ok(true);
    }
    let reading = bars.stage("reading documents", Unit::Things, queued.len() as u64);
    let embedding = bars.stage("embedding chunks", Unit::Things, 0);
    let soft = app.life.soft();
    loop {
        let mut states = Vec::with_capacity(queued.len());
        for id in queued {
            states.extend(revisions::get(&app.db, shop, *id).await?);
        }
        let is_read = |state: RevisionState| !matches!(state, RevisionState::Queued | RevisionState::Parsing);
        reading.set_position(states.iter().filter(|revision| is_read(revision.state)).count() as u64);
        embedding.set_length(states.iter().map(|r| u64::from(r.n_chunks.unwrap_or(r.stage_total))).sum());
        embedding.set_position(states.iter().map(|r| u64::from(r.n_chunks.unwrap_or(r.stage_done))).sum());
        let has_ended = |state| matches!(state, RevisionState::Indexed | RevisionState::Failed);
        if states.iter().all(|revision| has_ended(revision.state)) {
            reading.finish();
            embedding.finish();
            for failed in states.iter().filter(|revision| revision.state == RevisionState::Failed) {
                let code = failed.error_code.as_deref().unwrap_or("unknown");
                bars.say(&format!("{} could not be read in: {code}", failed.file_name));
            }
            return Ok(true);
        }
        tokio::select! {
            () = app.clock.sleep(LOOK_EVERY) => {}
            () = soft.cancelled() => return Ok(false),
        }
    }
}

fn greet(url: &str, demo: &Demo) {
    let mut lines = vec![
        String::new(),
        format!("  storefront with the chat   {url}/shop"),
        format!("  agent console              {url}/console"),
        format!("  knowledge                  {url}/knowledge"),
        format!("  ops                        {url}/ops"),
        String::new(),
    ];
    for account in &demo.accounts {
        lines.push(format!("  {:<8} {:<18} {}", account.role.code(), account.email, account.password));
    }
    lines.push(String::new());
    lines.push("  Ctrl+C stops; the next start takes seconds and keeps everything.".into());
    output::say(&lines.join("\n"));
}

/// Asks the generator for a short text on a prompt of usual length, once the models are loaded.
async fn tell_answer_time(engines: &Engines) {
    let started = Instant::now();
    match crate::answer::rehearse(engines.generator.as_ref()).await.context("the generator does not answer") {
        Ok(()) => output::say(&format!(
            "  An answer takes about {:.0} s on this machine.\n",
            started.elapsed().as_secs_f64().max(1.0)
        )),
        Err(error) => output::say(&format!("  {error:#}: chats go to a person.\n")),
    }
}
