//! The demo shop: its people, its widget, its rules, its few documents and orders.

pub mod day;
mod orders;
mod script;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use rust_embed::RustEmbed;
use serde::{Deserialize, Serialize};

use super::App;
use super::data_dir::write_private;
use crate::domain::decision::ORDER_STATUS;
use crate::domain::ids::{RevisionId, ShopId, WidgetId};
use crate::domain::policy::{Mode, Policy, TopicRule};
use crate::domain::text::Lang;
use crate::http::password::{hash_password, new_password};
use crate::storage::accounts::{self, NewAccount, Role};
use crate::storage::agents::{self, Profile};
use crate::storage::policies::{self, NewPolicy};
use crate::storage::uploads::{self, Said};
use crate::storage::widgets::{self, WidgetForm, WidgetSettings};
use crate::storage::{documents, shops};

/// Marks a data directory as a demo's, and keeps what is printed at every start.
const FILE: &str = "demo.json";
/// What a demo writes into its data directory; the mark comes last, so that a reset that was cut short can be repeated.
const OURS: [&str; 9] = [
    "kefu.db",
    "kefu.db-wal",
    "kefu.db-shm",
    "secrets.key",
    "files",
    "vectors",
    "server.json",
    "last-backup.json",
    FILE,
];
/// Above this the demo sends by itself, so that both lanes are seen.
pub const BAR: f64 = 0.75;

/// The documents of the demo shop.
#[derive(RustEmbed)]
#[folder = "knowledge/samples"]
struct Samples;

/// What a visitor needs to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Demo {
    pub shop: ShopId,
    pub widget: WidgetId,
    pub accounts: Vec<DemoAccount>,
}

/// A person of the demo shop.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DemoAccount {
    pub role: Role,
    pub email: String,
    pub password: String,
}

impl Demo {
    /// The demo of a data directory, if it holds one.
    pub fn load(data_dir: &Path) -> anyhow::Result<Option<Self>> {
        match std::fs::read(data_dir.join(FILE)) {
            Ok(bytes) => {
                Ok(Some(serde_json::from_slice(&bytes).context("`demo.json` is damaged; start over with --reset")?))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes what a demo has written, and nothing else that lies in its directory. Refuses a shop that is no demo.
    pub fn reset(data_dir: &Path) -> anyhow::Result<()> {
        let is_demo = data_dir.join(FILE).exists();
        if !is_demo && data_dir.join("kefu.db").exists() {
            bail!("`{}` holds a shop that is not a demo: it is not deleted", data_dir.display());
        }
        for path in OURS.iter().filter(|_| is_demo).map(|name| data_dir.join(name)) {
            let deleted = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            match deleted {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("`{}` cannot be deleted", path.display()));
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Opens the demo shop, if it is not there yet.
    pub async fn open(app: &App, data_dir: &Path) -> anyhow::Result<Self> {
        if let Some(demo) = Self::load(data_dir)? {
            return Ok(demo);
        }
        if !shops::list(&app.db).await?.is_empty() {
            bail!(
                "`{}` holds a shop that is not a demo\nhint: name another directory with --data-dir",
                data_dir.display()
            );
        }
        let roles = [Role::Agent, Role::Staff, Role::Ops, Role::Owner];
        let accounts: Vec<_> = roles.into_iter().map(DemoAccount::new).collect();
        let mut tx = app.db.begin().await?;
        let shop = shops::create(&mut tx, "山竹数码 Mangosteen Digital", Lang::Zh).await?.id;
        for account in &accounts {
            let password_hash = hash_password(&account.password)?;
            let new = NewAccount {
                email: &account.email,
                name: account.name(),
                role: account.role,
                password_hash: &password_hash,
            };
            let made = accounts::create(&mut tx, shop, &new).await?;
            // Somebody has to be there for what is too hard.
            if account.role == Role::Owner {
                let lead = Profile { is_lead: true, ..Profile::default() };
                agents::set_profile(&mut tx, shop, made.id, &lead).await?;
            }
        }
        let widget = widgets::create(&mut tx, shop, widget()).await?.id;
        let cards = TopicRule { mode: Mode::Auto, bar: None, dial: None };
        let topics = BTreeMap::from([(ORDER_STATUS.to_owned(), cards)]);
        let policy = Policy { bar: BAR, mode: Mode::Auto, topics, ..Policy::review_everything() };
        let new = NewPolicy { policy: &policy, author: None, note: "demo", based_on: None };
        policies::append(&mut tx, shop, &new).await?;
        orders::tell(&mut tx, shop).await?;
        tx.commit().await?;
        let demo = Self { shop, widget, accounts };
        write_private(&data_dir.join(FILE), &serde_json::to_vec_pretty(&demo)?)?;
        Ok(demo)
    }

    /// Queues the sample documents if the shop has none at all: what a visitor deleted stays deleted. The revisions
    /// to wait for.
    pub async fn upload_samples(&self, app: &App) -> anyhow::Result<Vec<RevisionId>> {
        let mut queued = Vec::new();
        if !documents::list(&app.db, self.shop).await?.is_empty() {
            return Ok(queued);
        }
        for name in Samples::iter() {
            let Some(file) = Samples::get(&name) else { continue };
            let stored = app.files.put(&file.data).await?;
            let mut tx = app.db.begin().await?;
            let registered = uploads::register(&mut tx, self.shop, &name, &Said::default(), &stored).await?;
            tx.commit().await?;
            queued.extend(registered.queued());
        }
        app.wake.notify_waiters();
        Ok(queued)
    }
}

impl DemoAccount {
    fn new(role: Role) -> Self {
        Self { role, email: format!("{}@demo.kefu", role.code()), password: new_password() }
    }

    fn name(&self) -> &'static str {
        match self.role {
            Role::Agent => "小林 Lin",
            Role::Staff => "陈编辑 Chen",
            Role::Ops => "王运营 Wang",
            Role::Owner => "店主 Owner",
        }
    }
}

fn widget() -> WidgetForm {
    let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    WidgetForm {
        name: "商城 Shop".into(),
        allowed_origins: vec![],
        settings: WidgetSettings {
            welcome_zh: "您好，我是山竹数码的 AI 客服，商品使用、退换、物流都可以问我。".into(),
            welcome_en:
                "Hello, I am the AI assistant of Mangosteen Digital. Ask me about products, returns and delivery."
                    .into(),
            suggestions_zh: texts(&["七天无理由退货怎么操作？", "空气炸锅怎么清洗？", "多久发货？"]),
            suggestions_en: texts(&[
                "How do I return an item?",
                "How do I pair the headphones?",
                "How long is the warranty?",
            ]),
            hours: "9:00–21:00".into(),
            contact: "400-800-0142".into(),
            ..WidgetSettings::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_deletes_the_demo_and_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| dir.path().join(name);
        std::fs::write(file("holiday.jpg"), b"").unwrap();
        Demo::reset(dir.path()).unwrap();
        assert!(file("holiday.jpg").exists(), "a directory without a demo keeps everything");
        std::fs::write(file("kefu.db"), b"").unwrap();
        assert!(Demo::reset(dir.path()).is_err(), "a shop that is no demo is not deleted");
        std::fs::create_dir(file("files")).unwrap();
        std::fs::write(file(FILE), b"damaged").unwrap();
        Demo::reset(dir.path()).unwrap();
        assert!(file("holiday.jpg").exists() && OURS.iter().all(|name| !file(name).exists()));
    }
}
