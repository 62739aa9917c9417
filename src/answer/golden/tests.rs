use super::*;
use crate::clock::ManualClock;
use crate::domain::golden::{GoldenOrigin, GoldenState};
use crate::inference::fake::HashEmbedder;
use crate::storage::golden::{GoldenForm, GoldenSource};
use crate::storage::shops;

struct Shop {
    tier: GoldenTier,
    db: Db,
    scope: Scope,
    _folder: tempfile::TempDir,
}

const NOW_MS: i64 = 1_704_067_200_000;

fn form(question: &str, answer: &str) -> GoldenForm {
    GoldenForm {
        phrasings: vec![question.to_owned()],
        answer: answer.to_owned(),
        sku: None,
        audience: Audience::Buyers,
        platforms: vec![],
        effective_from_ms: None,
        effective_until_ms: None,
        state: GoldenState::Approved,
    }
}

async fn shop(forms: &[GoldenForm]) -> Shop {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(NOW_MS));
    let db = Db::open(&format!("sqlite:{}/kefu.db", folder.path().display()), clock).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let shop = shops::create(&mut tx, "a shop", Lang::Zh).await.unwrap().id;
    let source = GoldenSource { origin: GoldenOrigin::Staff, sheet: None, turn: None, author: None };
    for form in forms {
        golden::create(&mut tx, shop, form, &source).await.unwrap();
    }
    tx.commit().await.unwrap();
    let tier = GoldenTier::new(db.clone(), Arc::new(HashEmbedder::default())).unwrap();
    assert_eq!(tier.embed_pending(shop).await.unwrap(), forms.len());
    let scope = Scope { shop, buyers_only: true, sku: None, platform: None, lane: Lane::Interactive };
    Shop { tier, db, scope, _folder: folder }
}

impl Shop {
    async fn meets(&self, question: &str) -> Option<String> {
        self.tier.meet(&self.scope, question).await.unwrap().map(|met| met.answer)
    }
}

#[tokio::test]
async fn the_same_question_meets_its_answer_and_another_meets_none() {
    let shop = shop(&[form("多久可以退货？", "签收后七天内。"), form("可以开发票吗？", "可以，请联系客服。")]).await;
    let met = shop.tier.meet(&shop.scope, "多久可以退货").await.unwrap().unwrap();
    assert_eq!((met.answer.as_str(), met.golden.question.as_str()), ("签收后七天内。", "多久可以退货？"));
    assert!(met.confidence.value() > 0.9, "{met:?}");
    assert_eq!(shop.meets("空气炸锅怎么清洗？").await, None);
    assert_eq!(shop.meets("How long can I return it?").await, None, "an answer in another language is none");
}

#[tokio::test]
async fn numbers_models_and_denials_must_agree() {
    let shop = shop(&[form("AF-500 满 99 元包邮吗？", "包邮。"), form("为什么不能开机？", "请先充电。")]).await;
    assert!(shop.meets("AF-500 满 99 元包邮吗").await.is_some());
    assert_eq!(shop.meets("AF-500 满 199 元包邮吗").await, None);
    assert_eq!(shop.meets("AF-300 满 99 元包邮吗").await, None);
    assert_eq!(shop.meets("为什么能开机？").await, None);
}

#[tokio::test]
async fn readers_dates_and_products_are_respected() {
    let inside = GoldenForm { audience: Audience::Agents, ..form("进价是多少？", "一百元。") };
    let over = GoldenForm { effective_until_ms: Some(NOW_MS), ..form("双十一有活动吗？", "有。") };
    let later = GoldenForm { effective_from_ms: Some(NOW_MS + 1), ..form("春节发货吗？", "不发。") };
    let product = GoldenForm { sku: Some("AF-500".to_owned()), ..form("保修多久？", "一年。") };
    let mut shop = shop(&[inside, over, later, product]).await;
    for question in ["进价是多少？", "双十一有活动吗？", "春节发货吗？", "保修多久？"] {
        assert_eq!(shop.meets(question).await, None, "{question}");
    }
    shop.scope.sku = Some("AF-500".to_owned());
    assert_eq!(shop.meets("保修多久？").await.as_deref(), Some("一年。"));
    shop.scope.buyers_only = false;
    assert_eq!(shop.meets("进价是多少？").await.as_deref(), Some("一百元。"));
}

#[tokio::test]
async fn what_staff_switch_off_is_not_said_any_more() {
    let shop = shop(&[form("多久可以退货？", "签收后七天内。")]).await;
    assert!(shop.meets("多久可以退货？").await.is_some());
    let id = golden::list(&shop.db, shop.scope.shop).await.unwrap()[0].id;
    let mut tx = shop.db.begin().await.unwrap();
    golden::set_state(&mut tx, shop.scope.shop, id, GoldenState::Off).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(shop.meets("多久可以退货？").await, None);
}

#[test]
fn the_shipped_calibration_is_sound_and_says_where_it_comes_from() {
    let calibration = shipped().unwrap();
    assert!(calibration.provenance.n_rows > 100 && calibration.provenance.auroc_out_of_fold > 0.8);
    assert!(calibration.coefficients.iter().all(|one| one.name.starts_with("golden_")));
}
