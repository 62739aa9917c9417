//! `kefu reindex`.

use super::progress::{Bars, Unit};
use super::{Common, Failure, Outcome, models, output, serve};
use crate::app::App;
use crate::app::data_dir::{DataDir, ServerInfo};
use crate::lifecycle::Lifecycle;
use crate::storage::shops;
use crate::telemetry;

pub fn run(common: &Common) -> Outcome {
    let config = common.config()?;
    telemetry::start("warn", false);
    if ServerInfo::of(&common.data_dir).is_some() {
        let reason = "a server runs on this data directory and keeps the index in step itself\n\
                      hint: stop it to rebuild the whole index";
        return Err(Failure::Refused(reason.into()));
    }
    let data_dir = DataDir::open(&common.data_dir)?;
    let bars = Bars::default();
    models::fetch_needed(&config, &bars)?;
    serve::runtime(&config)?.block_on(async {
        // An index of another embedder is what this command is for: it is not opened, but replaced.
        crate::app::engines::recreate_index(&config, data_dir.root()).await?;
        let app = App::open(&config, data_dir.root(), Lifecycle::default()).await?;
        for shop in shops::list(&app.db).await? {
            let bar = bars.stage(&shop.name, Unit::Things, 0);
            let on_progress = |done: usize, total: usize| {
                bar.set_length(total as u64);
                bar.set_position(done as u64);
            };
            let n_points = app.ingestion.rebuild(shop.id, &on_progress).await?;
            bar.finish();
            output::say(&format!("{}: {n_points} chunks", shop.name));
        }
        app.engines.vectors.close().await?;
        app.db.close().await;
        Ok(())
    })
}
