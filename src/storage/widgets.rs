//! Widgets: a storefront's entry to the chat.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use super::columns::{Columns, Json};
use super::{Db, StorageError, Tx};
use crate::domain::ids::{ShopId, WidgetId};

/// What a storefront's chat says before anybody asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WidgetSettings {
    /// Greeting, Chinese.
    pub welcome_zh: String,
    /// Greeting, English.
    pub welcome_en: String,
    /// Questions to click on, Chinese.
    pub suggestions_zh: Vec<String>,
    /// Questions to click on, English.
    pub suggestions_en: Vec<String>,
    /// When people are there, in words.
    pub hours: String,
    /// Where people are to be found otherwise, in words.
    pub contact: String,
    /// Whether only buyers whom the shop has named may chat.
    pub require_identity: bool,
    /// A browser that nobody chatted in for so many minutes forgets its chat, and the chat's token ends: 5 to 525600, or
    /// 0 for the usual 30 days. Few for a device that buyers share.
    pub forget_after_minutes: u32,
}

/// What is usual: a buyer comes back for an answer, and not a year later.
const USUAL_MINUTES: u32 = 30 * 24 * 60;

impl WidgetSettings {
    /// When a chat ends that nobody comes back to, in minutes.
    pub fn minutes_to_come_back(&self) -> u32 {
        if self.forget_after_minutes == 0 { USUAL_MINUTES } else { self.forget_after_minutes }
    }

    /// Whether the minutes lie in their range.
    pub fn is_time_in_range(&self) -> bool {
        matches!(self.forget_after_minutes, 0 | 5..=525_600)
    }
}

/// What can be changed about a widget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WidgetForm {
    /// What staff call it.
    pub name: String,
    /// Origins of the pages that may embed it, such as `https://shop.example`.
    pub allowed_origins: Vec<String>,
    /// What it says.
    pub settings: WidgetSettings,
}

/// A storefront's entry to the chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Widget {
    /// Identity; public, it stands in the storefront's pages.
    pub id: WidgetId,
    /// Whose it is.
    pub shop: ShopId,
    /// The rest.
    pub form: WidgetForm,
    /// When it was made.
    pub created_at_ms: i64,
}

fn read(row: &AnyRow) -> Result<Widget, StorageError> {
    let form = WidgetForm {
        name: row.col("name")?,
        allowed_origins: row.json("allowed_origins")?,
        settings: row.json("settings")?,
    };
    Ok(Widget { id: row.col("id")?, shop: row.col("shop_id")?, form, created_at_ms: row.col("created_at_ms")? })
}

/// Makes a widget.
pub async fn create(tx: &mut Tx, shop: ShopId, form: WidgetForm) -> Result<Widget, StorageError> {
    let widget = Widget { id: WidgetId(tx.new_id()), shop, form, created_at_ms: tx.now_ms() };
    sqlx::query(
        "insert into widgets (id, shop_id, name, allowed_origins, settings, created_at_ms) \
         values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(widget.id)
    .bind(shop)
    .bind(&widget.form.name)
    .bind(Json(&widget.form.allowed_origins))
    .bind(Json(&widget.form.settings))
    .bind(widget.created_at_ms)
    .execute(tx.connection())
    .await?;
    Ok(widget)
}

/// One widget. No shop: a buyer brings the widget, and the widget says which shop.
pub async fn by_id(db: &Db, widget: WidgetId) -> Result<Option<Widget>, StorageError> {
    let row =
        sqlx::query("select id, shop_id, name, allowed_origins, settings, created_at_ms from widgets where id = $1")
            .bind(widget)
            .fetch_optional(&db.readers)
            .await?;
    row.as_ref().map(read).transpose()
}

/// All widgets of the shop, oldest first.
pub async fn list(db: &Db, shop: ShopId) -> Result<Vec<Widget>, StorageError> {
    let rows = sqlx::query(
        "select id, shop_id, name, allowed_origins, settings, created_at_ms from widgets where shop_id = $1 \
         order by created_at_ms, id",
    )
    .bind(shop)
    .fetch_all(&db.readers)
    .await?;
    rows.iter().map(read).collect()
}

/// Changes a widget.
pub async fn update(tx: &mut Tx, shop: ShopId, widget: WidgetId, form: &WidgetForm) -> Result<bool, StorageError> {
    let done =
        sqlx::query("update widgets set name = $3, allowed_origins = $4, settings = $5 where shop_id = $1 and id = $2")
            .bind(shop)
            .bind(widget)
            .bind(&form.name)
            .bind(Json(&form.allowed_origins))
            .bind(Json(&form.settings))
            .execute(tx.connection())
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes a widget; its conversations stay.
pub async fn remove(tx: &mut Tx, shop: ShopId, widget: WidgetId) -> Result<bool, StorageError> {
    let done = sqlx::query("delete from widgets where shop_id = $1 and id = $2")
        .bind(shop)
        .bind(widget)
        .execute(tx.connection())
        .await?;
    Ok(done.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Scratch, scratches, shop};
    use super::*;

    #[tokio::test]
    async fn a_widget_names_its_shop_and_obeys_only_it() {
        for Scratch { db, .. } in scratches().await {
            let (mine, other) = (shop(&db).await, shop(&db).await);
            let mut form = WidgetForm {
                name: "Front".into(),
                allowed_origins: vec!["https://shop.example".into()],
                settings: WidgetSettings { welcome_zh: "您好".into(), ..WidgetSettings::default() },
            };
            let mut tx = db.begin().await.unwrap();
            let widget = create(&mut tx, mine, form.clone()).await.unwrap();
            form.name = "Back".into();
            assert!(!update(&mut tx, other, widget.id, &form).await.unwrap());
            assert!(!remove(&mut tx, other, widget.id).await.unwrap());
            tx.commit().await.unwrap();
            assert_eq!(by_id(&db, widget.id).await.unwrap(), Some(widget.clone()));
            assert_eq!(list(&db, other).await.unwrap(), []);
            let mut tx = db.begin().await.unwrap();
            assert!(update(&mut tx, mine, widget.id, &form).await.unwrap());
            tx.commit().await.unwrap();
            assert_eq!(list(&db, mine).await.unwrap()[0].form, form);
            let mut tx = db.begin().await.unwrap();
            assert!(remove(&mut tx, mine, widget.id).await.unwrap());
            tx.commit().await.unwrap();
            assert_eq!(by_id(&db, widget.id).await.unwrap(), None);
        }
    }
}
