//! `kefu backtest`: what other rules would have done with the past, before anybody is asked to trust them.

use std::collections::BTreeMap;

use anyhow::Context;
use serde_json::{Value, json};

use super::ingest::first_shop_of;
use super::remote::Remote;
use super::{Common, Failure, Outcome, output, serve};
use crate::app::data_dir::DataDir;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::domain::certificate::Fingerprint;
use crate::domain::dial::{Dial, Scope};
use crate::domain::ids::ShopId;
use crate::domain::policy::{Mode, Policy, TopicRule};
use crate::http::day::{DAY_MS, day_after_ms, day_start_ms};
use crate::learn::dial::trial;
use crate::learn::replay::preview;
use crate::storage::ops::Period;
use crate::storage::{Db, certificates, policies};

#[derive(Debug, clap::Args)]
pub struct BacktestArgs {
    /// The bar to try, 0 to 1, set by hand; that in force if not given.
    #[arg(long)]
    bar: Option<f64>,
    /// The promise to try: the largest share of wrong answers. It is tried with the proof in force.
    #[arg(long, conflicts_with = "bar")]
    target: Option<f64>,
    /// What topics without a rule of their own may do: shadow, assist, auto.
    #[arg(long)]
    mode: Option<String>,
    /// A rule for one topic: NAME=MODE or NAME=MODE:BAR. May be given several times.
    #[arg(long)]
    topic: Vec<String>,
    /// So many days, up to now.
    #[arg(long, default_value_t = 30, conflicts_with = "from")]
    days: u32,
    /// The first day of the period, as 2026-01-31 (UTC).
    #[arg(long)]
    from: Option<String>,
    /// Its last day.
    #[arg(long, requires = "from")]
    until: Option<String>,
    /// Which shop; the first if not given. A running server knows only that of its own session.
    #[arg(long)]
    shop: Option<ShopId>,
    /// Turns to list whose decision would change.
    #[arg(long, default_value_t = 50)]
    changes: usize,
}

pub fn run(common: &Common, args: &BacktestArgs) -> Outcome {
    let config = common.config()?;
    if let Some(remote) = Remote::of(&common.data_dir) {
        return through_server(&remote, args);
    }
    let data_dir = DataDir::open(&common.data_dir)?;
    serve::runtime(&config)?.block_on(here(&config, &data_dir, args))
}

/// With the database alone: nothing is answered again, so no model is needed.
async fn here(config: &Config, data_dir: &DataDir, args: &BacktestArgs) -> Outcome {
    let clock = std::sync::Arc::new(SystemClock);
    let db = Db::open(&config.storage_url(data_dir.root()), clock).await.context("the database cannot be opened")?;
    let shop = match args.shop {
        Some(shop) => shop,
        None => first_shop_of(&db).await?.ok_or_else(|| Failure::Refused("there is no shop here yet".into()))?,
    };
    let proposed = proposed(policies::current(&db, shop).await?.policy, args)?;
    let period = period(args, db.now_ms())?;
    let fingerprint = as_proven(&db, shop).await?;
    let (past, trial) = trial(&db, shop, (proposed, period, args.changes), &fingerprint).await?;
    output::print_json(&preview(&past, &trial))?;
    db.close().await;
    Ok(())
}

fn through_server(remote: &Remote, args: &BacktestArgs) -> Outcome {
    if args.shop.is_some() {
        let reason = "a server runs on this data directory and answers for its own shop\n\
                      hint: leave --shop away, or stop the server";
        return Err(Failure::Refused(reason.into()));
    }
    let current: Value = remote.get("/v1/ops/policy")?;
    let policy = serde_json::from_value(current["policy"].clone()).context("the policy was not understood")?;
    let mut body = json!({ "policy": proposed(policy, args)?, "days": args.days, "max_changes": args.changes });
    if args.from.is_some() {
        let period = period(args, i64::MAX - 1)?;
        body["from_ms"] = period.from_ms.into();
        body["until_ms"] = period.until_ms.into();
    }
    output::print_json(&remote.post::<Value>("/v1/ops/preview", &body)?)?;
    Ok(())
}

/// The machinery of the newest proof: without a model at hand, a proof is tried as if nothing had changed since.
async fn as_proven(db: &Db, shop: ShopId) -> anyhow::Result<Fingerprint> {
    let newest = certificates::newest(db, shop, &Scope::Shop).await?;
    let nothing = || Fingerprint {
        model: String::new(),
        prompts: String::new(),
        scorer: String::new(),
        retrieval: String::new(),
    };
    Ok(newest.map_or_else(nothing, |certificate| certificate.terms.fingerprint))
}

fn period(args: &BacktestArgs, now_ms: i64) -> Result<Period, Failure> {
    let no_day = |day: &str| Failure::Refused(format!("`{day}` is no day: write it as 2026-01-31"));
    let Some(from) = &args.from else {
        return Ok(Period { from_ms: now_ms - i64::from(args.days) * DAY_MS, until_ms: now_ms + 1 });
    };
    let from_ms = day_start_ms(from).ok_or_else(|| no_day(from))?;
    let until_ms = match &args.until {
        Some(until) => day_after_ms(until).ok_or_else(|| no_day(until))?,
        None => now_ms + 1,
    };
    if until_ms <= from_ms {
        return Err(Failure::Refused("--until is before --from".into()));
    }
    Ok(Period { from_ms, until_ms })
}

/// The rules in force, with what the arguments change. A bar set by hand takes the promise away.
fn proposed(current: Policy, args: &BacktestArgs) -> Result<Policy, Failure> {
    let mut policy = current;
    if let Some(bar) = args.bar {
        (policy.bar, policy.dial) = (bar, None);
    }
    if let Some(target_error) = args.target {
        let (certainty, audit_rate) = policy.dial.map_or((0.95, 0.05), |dial| (dial.certainty, dial.audit_rate));
        policy.dial = Some(Dial { target_error, certainty, audit_rate });
    }
    if let Some(mode) = &args.mode {
        policy.mode = mode_of(mode)?;
    }
    policy.topics.extend(args.topic.iter().map(|rule| topic_rule(rule)).collect::<Result<BTreeMap<_, _>, _>>()?);
    policy.validate().map_err(|error| Failure::Refused(error.to_string()))?;
    Ok(policy)
}

fn topic_rule(text: &str) -> Result<(String, TopicRule), Failure> {
    let refused = || Failure::Refused(format!("`{text}` is no rule: write it as returns=auto:0.8"));
    let (topic, rule) = text.split_once('=').ok_or_else(refused)?;
    let (mode, bar) = match rule.split_once(':') {
        Some((mode, bar)) => (mode, Some(bar.parse().map_err(|_| refused())?)),
        None => (rule, None),
    };
    Ok((topic.to_owned(), TopicRule { mode: mode_of(mode)?, bar, dial: None }))
}

fn mode_of(text: &str) -> Result<Mode, Failure> {
    serde_json::from_value(text.into())
        .map_err(|_| Failure::Refused(format!("`{text}` is no mode: it is shadow, assist or auto")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(topic: &[&str], bar: Option<f64>) -> BacktestArgs {
        BacktestArgs {
            bar,
            target: None,
            mode: Some("auto".into()),
            topic: topic.iter().map(|rule| (*rule).to_owned()).collect(),
            days: 30,
            from: None,
            until: None,
            shop: None,
            changes: 50,
        }
    }

    #[test]
    fn arguments_change_the_rules_in_force_and_nothing_else() {
        let promised = Dial { target_error: 0.05, certainty: 0.95, audit_rate: 0.05 };
        let current = Policy { dial: Some(promised), ..Policy::review_everything() };
        let told = proposed(current.clone(), &args(&["returns=assist", "size=auto:0.7"], Some(0.8))).ok();
        let policy = told.unwrap();
        assert_eq!((policy.bar, policy.dial, policy.mode), (0.8, None, Mode::Auto));
        assert_eq!((policy.topics["returns"].mode, policy.topics["size"].bar), (Mode::Assist, Some(0.7)));
        let kept = proposed(current, &args(&[], None)).ok().unwrap();
        assert_eq!(kept.dial, Some(promised));
    }

    #[test]
    fn nonsense_is_refused() {
        for rule in ["returns", "returns=maybe", "returns=auto:high", "returns=auto:7"] {
            assert!(proposed(Policy::review_everything(), &args(&[rule], None)).is_err(), "{rule}");
        }
        let dated = |from: &str, until: &str| BacktestArgs {
            from: Some(from.into()),
            until: Some(until.into()),
            ..args(&[], None)
        };
        assert!(period(&dated("2026-02-30", "2026-03-01"), 0).is_err());
        assert!(period(&dated("2026-02-02", "2026-02-01"), 0).is_err());
        let day = period(&dated("2026-01-01", "2026-01-01"), 0).ok().unwrap();
        assert_eq!(day.until_ms - day.from_ms, DAY_MS);
    }
}
