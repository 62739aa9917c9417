//! `kefu ingest`.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use serde_json::Value;

use super::progress::{Bars, Unit};
use super::remote::Remote;
use super::{Common, Failure, Outcome, models, output, serve};
use crate::app::App;
use crate::app::data_dir::DataDir;
use crate::domain::document::RevisionState;
use crate::domain::ids::{RevisionId, ShopId};
use crate::domain::text::Lang;
use crate::lifecycle::Lifecycle;
use crate::storage::uploads::{self, Said};
use crate::storage::{Db, revisions, shops};
use crate::telemetry;

#[derive(Debug, clap::Args)]
pub struct IngestArgs {
    /// Files, folders and archives.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

/// What became of a file.
#[derive(Debug, Serialize)]
struct Line {
    file: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    n_chunks: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub fn run(common: &Common, args: IngestArgs) -> Outcome {
    let files = files_below(&args.paths)?;
    if files.is_empty() {
        return Err(Failure::Refused("there is no file to read".into()));
    }
    if let Some(remote) = Remote::of(&common.data_dir) {
        return through_server(&remote, &files);
    }
    let config = common.config()?;
    telemetry::start("warn", false);
    let data_dir = DataDir::open(&common.data_dir)?;
    let bars = Bars::default();
    models::fetch_needed(&config, &bars)?;
    serve::runtime(&config)?.block_on(async {
        let app = App::open(&config, data_dir.root(), Lifecycle::default()).await?;
        let shop = first_shop(&app).await?;
        let lines = read_in(&app, shop, &files, &bars).await?;
        app.engines.vectors.close().await?;
        app.db.close().await;
        report(&lines)
    })
}

/// The shop of this data directory; opened if there is none yet.
pub async fn first_shop(app: &App) -> anyhow::Result<ShopId> {
    if let Some(shop) = shops::list(&app.db).await?.into_iter().next() {
        return Ok(shop.id);
    }
    let mut tx = app.db.begin().await?;
    let shop = shops::create(&mut tx, "My shop", Lang::Zh).await?;
    tx.commit().await?;
    Ok(shop.id)
}

/// The first shop of a database.
pub async fn first_shop_of(db: &Db) -> anyhow::Result<Option<ShopId>> {
    Ok(shops::list(db).await?.into_iter().next().map(|shop| shop.id))
}

/// Adds files and runs the jobs to their end, here. One line a file.
async fn read_in(app: &App, shop: ShopId, files: &[(String, PathBuf)], bars: &Bars) -> anyhow::Result<Vec<Line>> {
    app.runner.recover().await?;
    let bar = bars.stage("reading documents", Unit::Things, files.len() as u64);
    let mut lines = Vec::with_capacity(files.len());
    for (name, path) in files {
        let bytes = tokio::fs::read(path).await.with_context(|| format!("`{}` cannot be read", path.display()))?;
        let line = match add(app, shop, name, &bytes).await? {
            None => Line { file: name.clone(), status: "unchanged", n_chunks: None, error: None },
            Some(revision) => {
                app.runner.drain().await;
                line(app, shop, name, revision).await?
            }
        };
        lines.push(line);
        bar.inc(1);
    }
    bar.finish();
    Ok(lines)
}

/// Queues a file; `None` if the same bytes are there already under this name.
pub async fn add(app: &App, shop: ShopId, name: &str, bytes: &[u8]) -> anyhow::Result<Option<RevisionId>> {
    let stored = app.files.put(bytes).await?;
    let mut tx = app.db.begin().await?;
    let registered = uploads::register(&mut tx, shop, name, &Said::default(), &stored).await?;
    tx.commit().await?;
    Ok(registered.queued())
}

async fn line(app: &App, shop: ShopId, name: &str, revision: RevisionId) -> anyhow::Result<Line> {
    let file = name.to_owned();
    Ok(match revisions::get(&app.db, shop, revision).await? {
        Some(found) if found.state == RevisionState::Indexed => {
            Line { file, status: "indexed", n_chunks: found.n_chunks, error: None }
        }
        Some(found) => Line { file, status: "refused", n_chunks: None, error: found.error_code },
        // An archive was replaced by its files.
        None => Line { file, status: "unpacked", n_chunks: None, error: None },
    })
}

fn through_server(remote: &Remote, files: &[(String, PathBuf)]) -> Outcome {
    let mut lines: Vec<Value> = Vec::with_capacity(files.len());
    for (name, path) in files {
        let bytes = std::fs::read(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
        let answer: Value = remote.upload("/v1/knowledge/documents", name, &bytes)?;
        lines.extend(answer["results"].as_array().cloned().unwrap_or_default());
    }
    output::print_json(&lines)?;
    Ok(())
}

fn report(lines: &[Line]) -> Outcome {
    output::print_json(&lines)?;
    let refused = lines.iter().filter(|line| line.status == "refused").count();
    if refused == 0 {
        Ok(())
    } else {
        Err(Failure::Refused(format!("{refused} of {} files were refused", lines.len())))
    }
}

/// All files below the paths, with the names they get: the path below what was named. Hidden files are left out.
pub fn files_below(paths: &[PathBuf]) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            collect(path, path, &mut found)?;
        } else if path.is_file() {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            found.push((name, path.clone()));
        } else {
            anyhow::bail!("`{}` is neither a file nor a folder", path.display());
        }
    }
    Ok(found)
}

fn collect(root: &Path, dir: &Path, found: &mut Vec<(String, PathBuf)>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(dir).with_context(|| format!("`{}` cannot be read", dir.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if is_hidden {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, found)?;
        } else {
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            found.push((name, path));
        }
    }
    Ok(())
}
