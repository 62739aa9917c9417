//! `kefu demo --traffic`: plays a planned day against the running demo, at a pace that fits the time there is.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use indicatif::ProgressBar;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::shopfront::{OpenChat, Reply, Shopfront, done};
use crate::app::demo::day::{self, Act, CLOSES_S, Day, DayOptions, OPENS_S, Review, THINGS, What};
use crate::cli::progress::{Bars, Unit};
use crate::clock::SharedClock;
use crate::domain::conversation::Simulated;
use crate::domain::order::Stage;

/// How often the player looks at the clock.
const TICK: Duration = Duration::from_millis(200);
/// How often agents look at their queue.
const LOOK_MS: i64 = 1_000;
/// Before the shop opens somebody looks at a product already.
const BEGINS_S: u32 = OPENS_S - 5 * 60;
/// After the shop has closed, agents finish what waits, for so long of the day.
const CLEARING_S: u32 = 60 * 60;

#[derive(Debug, Clone, Copy, clap::Args)]
pub struct TrafficArgs {
    /// Play a simulated day of buyers, orders and agents against the demo, running or started by this command.
    #[arg(long)]
    pub traffic: bool,
    /// The day lasts so many minutes.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=1440), requires = "traffic")]
    minutes: u32,
    /// The same number is the same day.
    #[arg(long, default_value_t = 1, requires = "traffic")]
    seed: u64,
    /// Buyers who ask something.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=2000), requires = "traffic")]
    buyers: u32,
    /// Buyers whom the real model answers; all others are answered by a script.
    #[arg(long, default_value_t = 6, requires = "traffic")]
    by_model: u32,
}

/// What a day came to.
#[derive(Debug, Default)]
struct Tally {
    n_said: usize,
    n_events: usize,
    n_judged: usize,
    /// What the server refused, and how often: shown at the end, so that a day that went wrong does not look well.
    refused: HashMap<String, usize>,
}

struct Player<'a> {
    front: Shopfront,
    day: &'a Day,
    seed: u64,
    clock: SharedClock,
    soft: CancellationToken,
    open: HashMap<usize, OpenChat>,
    /// Whose conversation is whose.
    chat_of: HashMap<String, usize>,
    /// When, in seconds of the day, a turn and its state were first seen waiting.
    seen: HashMap<(String, String), u32>,
    tally: Tally,
}

/// Plays the day until it is over or the process is to stop.
pub async fn play(
    data_dir: &Path,
    args: &TrafficArgs,
    bars: &Bars,
    (clock, soft): (SharedClock, CancellationToken),
) -> anyhow::Result<()> {
    let options = DayOptions {
        seed: args.seed,
        n_chats: args.buyers as usize,
        n_by_model: args.by_model.min(args.buyers) as usize,
    };
    let day = day::plan(&options);
    let n_by_model = day.chats.iter().filter(|chat| chat.answered_by == Simulated::Model).count();
    bars.say(&format!(
        "  A simulated day: {} buyers and {} orders in {} minutes (seed {}).\n  \
         A script answers {} of the buyers, the real model {n_by_model}; every page marks them as simulated, and none of \
         it counts for a promise.",
        day.chats.len(),
        day.orders.len(),
        args.minutes,
        args.seed,
        day.chats.len() - n_by_model,
    ));
    let front = tokio::task::block_in_place(|| Shopfront::open(data_dir))?;
    let mut player = Player {
        front,
        day: &day,
        seed: args.seed,
        clock,
        soft,
        open: HashMap::new(),
        chat_of: HashMap::new(),
        seen: HashMap::new(),
        tally: Tally::default(),
    };
    let bar = bars.stage("a simulated day", Unit::Things, day.acts.len() as u64);
    let played = player.run(args.minutes, &bar).await;
    bar.finish();
    // Also after a fault: what was let in is let out again.
    tokio::task::block_in_place(|| player.front.close());
    bars.say(&player.tally.told());
    played
}

impl Player<'_> {
    async fn run(&mut self, minutes: u32, bar: &ProgressBar) -> anyhow::Result<()> {
        self.open_shop()?;
        let started_ms = self.clock.now_ms();
        let pace = f64::from(CLOSES_S - BEGINS_S) / f64::from(minutes * 60);
        let (mut acts, mut looked_ms) = (self.day.acts.iter().peekable(), 0);
        loop {
            let elapsed_s = (self.clock.now_ms() - started_ms).max(0) as f64 / 1000.0;
            let now_s = BEGINS_S + (elapsed_s * pace) as u32;
            while let Some(act) = acts.next_if(|act| act.at_s <= now_s) {
                if !self.perform(act).await? {
                    return Ok(());
                }
                bar.inc(1);
            }
            if self.clock.now_ms() - looked_ms >= LOOK_MS {
                looked_ms = self.clock.now_ms();
                let n_waiting = self.review(now_s)?;
                let is_over = acts.peek().is_none() && now_s >= CLOSES_S;
                if is_over && (n_waiting == 0 || now_s >= CLOSES_S + CLEARING_S) {
                    return Ok(());
                }
            }
            if !self.wait(TICK).await {
                return Ok(());
            }
        }
    }

    /// False if the process is to stop.
    async fn wait(&self, time: Duration) -> bool {
        tokio::select! {
            () = self.clock.sleep(time) => true,
            () = self.soft.cancelled() => false,
        }
    }

    fn open_shop(&mut self) -> anyhow::Result<()> {
        let product = |thing: &day::Thing| {
            json!({ "sku": thing.sku, "title": thing.title, "price_minor": thing.price_minor,
                "category": thing.category })
        };
        let products = THINGS.iter().map(product).collect();
        tokio::task::block_in_place(|| done(self.front.tell_products(&products)?)).map(|_| ())
    }

    /// Lets one thing happen; what the server is too busy for happens a little later. False if the process is to stop.
    async fn perform(&mut self, act: &Act) -> anyhow::Result<bool> {
        loop {
            match tokio::task::block_in_place(|| self.attempt(&act.what))? {
                Some(Reply::Later(seconds)) => {
                    if !self.wait(Duration::from_secs(seconds.max(1))).await {
                        return Ok(false);
                    }
                }
                Some(Reply::Refused(why)) => {
                    *self.tally.refused.entry(why).or_default() += 1;
                    return Ok(true);
                }
                Some(Reply::Done(_)) | None => return Ok(true),
            }
        }
    }

    fn attempt(&mut self, what: &What) -> anyhow::Result<Option<Reply>> {
        let now_ms = self.clock.now_ms();
        match what {
            What::View { buyer, sku } => {
                let event =
                    json!({ "type": "product.viewed", "at_ms": now_ms, "buyer": self.buyer(*buyer), "sku": sku });
                self.event(&format!("view-{buyer}"), &event).map(Some)
            }
            What::Reach { order, stage } => {
                let event = self.reached(*order, *stage, now_ms);
                self.event(&format!("{order}-{}", stage.code()), &event).map(Some)
            }
            What::Node { order, nth, place, text } => {
                let node = json!({ "at_ms": now_ms, "place": place, "text": text });
                let number = &self.day.orders[*order].number;
                let event = json!({ "type": "order.node", "at_ms": now_ms,
                    "order": { "number": number, "nodes": [node] } });
                self.event(&format!("{order}-node-{nth}"), &event).map(Some)
            }
            What::Say { chat, text } => self.say(*chat, text, now_ms).map(Some),
            What::Thumbs { chat, is_up } => match self.open.get(chat) {
                Some(open) => self.front.thumbs(open, *is_up),
                None => Ok(None),
            },
        }
    }

    fn buyer(&self, buyer: usize) -> String {
        format!("sim-{}-{}", self.seed, buyer + 1)
    }

    /// Sends an event under an id that the same event of the same day always has, whoever plays it how often.
    fn event(&mut self, name: &str, event: &Value) -> anyhow::Result<Reply> {
        self.tally.n_events += 1;
        self.front.event(&format!("sim-{}-{name}", self.seed), self.clock.now_ms(), event)
    }

    fn reached(&self, order: usize, stage: Stage, now_ms: i64) -> Value {
        let purchase = &self.day.orders[order];
        let thing = &THINGS[purchase.thing];
        let mut told = json!({ "number": purchase.number, "buyer": self.buyer(purchase.buyer) });
        match stage {
            Stage::Created => {
                let line = json!({ "sku": thing.sku, "title": thing.title, "amount_minor": thing.price_minor,
                    "category": thing.category });
                told["lines"] = json!([line]);
                told["total_minor"] = json!(thing.price_minor);
            }
            Stage::Shipped => {
                told["carrier"] = json!("顺丰速运");
                told["tracking"] = json!(format!("SF{}", purchase.number));
            }
            Stage::Paid | Stage::Signed | Stage::Cancelled | Stage::Refunded => {}
        }
        json!({ "type": format!("order.{}", stage.code()), "at_ms": now_ms, "order": told })
    }

    fn say(&mut self, chat: usize, text: &str, now_ms: i64) -> anyhow::Result<Reply> {
        if !self.open.contains_key(&chat) {
            let planned = &self.day.chats[chat];
            let how = (planned.lang, planned.sku, planned.answered_by);
            match self.front.start_chat(&self.buyer(planned.buyer), now_ms, how)? {
                Ok(open) => {
                    self.chat_of.insert(open.id.clone(), chat);
                    self.open.insert(chat, open);
                }
                Err(reply) => return Ok(reply),
            }
        }
        self.tally.n_said += 1;
        self.front.say(&self.open[&chat], text, &format!("{chat}-{}", self.tally.n_said))
    }

    /// Agents deal with what has waited as long as they let it; how many of the day's questions still wait.
    fn review(&mut self, now_s: u32) -> anyhow::Result<usize> {
        tokio::task::block_in_place(|| {
            let mut n_waiting = 0;
            for turn in self.front.queue()? {
                let field = |name: &str| turn[name].as_str().unwrap_or_default().to_owned();
                // A visitor of the demo may be chatting, too: that is not ours to answer.
                let Some(&chat) = self.chat_of.get(&field("conversation_id")) else { continue };
                n_waiting += 1;
                let state = field("state");
                let since_s = *self.seen.entry((field("id"), state.clone())).or_insert(now_s);
                if state == "asked" || now_s < since_s + self.day.chats[chat].review_s {
                    continue;
                }
                if let Reply::Refused(why) = self.judge(chat, &turn)? {
                    *self.tally.refused.entry(why).or_default() += 1;
                }
                self.tally.n_judged += 1;
            }
            Ok(n_waiting)
        })
    }

    fn judge(&self, chat: usize, turn: &Value) -> anyhow::Result<Reply> {
        let planned = &self.day.chats[chat];
        let id = turn["id"].as_str().unwrap_or_default();
        let draft = turn["draft"].as_str().filter(|_| turn["state"] == "review");
        let version = &turn["version"];
        let Some(draft) = draft else {
            let conversation = turn["conversation_id"].as_str().unwrap_or_default();
            return self.front.write(conversation, id, day::own_words(planned.theme, planned.lang));
        };
        match planned.review {
            Review::Accept => self.front.judge(id, "accept", &json!({ "version": version })),
            Review::EditLightly | Review::EditHeavily => {
                let (before, after) = day::politeness(planned.lang, planned.review == Review::EditHeavily);
                let body = json!({ "version": version, "text": format!("{before}{draft}{after}"), "kind": "style" });
                self.front.judge(id, "edit", &body)
            }
            Review::Reject(reason) => {
                let body = json!({ "version": version, "reason": reason, "note": "a simulated day" });
                self.front.judge(id, "reject", &body)
            }
        }
    }
}

impl Tally {
    fn told(&self) -> String {
        let mut told = format!(
            "  The day is over: {} messages of buyers, {} events, {} drafts and questions dealt with by agents.",
            self.n_said, self.n_events, self.n_judged
        );
        let mut refused: Vec<_> = self.refused.iter().collect();
        refused.sort();
        for (why, times) in refused {
            told.push_str(&format!("\n  Refused {times} times: {why}"));
        }
        told
    }
}
