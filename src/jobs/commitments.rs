//! Commitments to buyers as time passes: who is to keep one is reminded, the lead hears of what is overdue, the day is
//! summed up at night.
//!
//! What is due is read off the rows, so that it does not matter how long the server slept, and each call is noted in the
//! row that it is about: who looks twice calls once.

use super::{JobError, Runner};
use crate::domain::commitment::CommitmentRules;
use crate::domain::commitment::due::ShopClock;
use crate::domain::ids::{AccountId, ShopId};
use crate::events::{CommitmentNews, Event};
use crate::learn::commitments::clock_of;
use crate::storage::accounts::{self, Role};
use crate::storage::commitments::{self, Called, Hour};
use crate::storage::{Db, StorageError, agents};

const MINUTE_MS: i64 = 60_000;

fn hour(rules: &CommitmentRules, now_ms: i64) -> Hour {
    Hour {
        remind_until_ms: now_ms + rules.remind_before_min * MINUTE_MS,
        overdue_before_ms: now_ms - rules.escalate_after_min * MINUTE_MS,
    }
}

/// The last day whose night has come, and when it began.
fn last_night(rules: &CommitmentRules, clock: ShopClock, now_ms: i64) -> (i64, i64) {
    let today = clock.day(now_ms);
    let day = if clock.at(today, rules.nightly_at_min) <= now_ms { today } else { today - 1 };
    (day, clock.at(day, 0))
}

/// Whom overdue commitments are put before: whom the shop named for that, or else a lead, on duty if one is, or else its
/// first owner.
async fn lead(db: &Db, shop: ShopId, rules: &CommitmentRules) -> Result<Option<AccountId>, StorageError> {
    let people = accounts::list(db, shop).await?;
    let mut tx = db.begin().await?;
    let leads = agents::leads(&mut tx, shop).await?;
    drop(tx);
    let is_named = |id: AccountId| rules.lead.map_or(leads.iter().any(|lead| lead.account == id), |named| named == id);
    let named = people.iter().find(|person| is_named(person.id) && !person.disabled);
    let owner =
        || people.iter().filter(|person| person.role == Role::Owner && !person.disabled).min_by_key(|one| one.id);
    Ok(named.or_else(owner).map(|person| person.id))
}

impl Runner {
    /// Whether somebody is to be called, or a night to be summed up.
    pub(super) async fn are_commitments_due(&self, shop: ShopId) -> Result<bool, StorageError> {
        let rules = commitments::rules(&self.db, shop).await?;
        let now_ms = self.clock.now_ms();
        if commitments::is_anything_due(&self.db, shop, hour(&rules, now_ms)).await? {
            return Ok(true);
        }
        let (day, _) = last_night(&rules, clock_of(&self.db, shop).await?, now_ms);
        Ok(!commitments::was_day_kept(&self.db, shop, day).await?)
    }

    pub(super) async fn mind_commitments(&self, shop: ShopId) -> Result<(), JobError> {
        let rules = commitments::rules(&self.db, shop).await?;
        let (clock, lead) = (clock_of(&self.db, shop).await?, lead(&self.db, shop, &rules).await?);
        let mut tx = self.db.begin().await?;
        let now_ms = tx.now_ms();
        let now = hour(&rules, now_ms);
        let overdue = commitments::escalate(&mut tx, shop, now, lead).await?;
        let due_soon = commitments::call_owners(&mut tx, shop, now).await?;
        let night = commitments::keep_day(&mut tx, shop, last_night(&rules, clock, now_ms)).await?;
        tx.commit().await?;
        // What is overdue is not told a second time as what is due soon.
        let is_overdue = |one: &Called| overdue.iter().any(|other| other.id == one.id);
        for one in &due_soon {
            if !is_overdue(one) {
                self.tell_of(shop, one, CommitmentNews::DueSoon);
            }
        }
        for one in &overdue {
            self.tell_of(shop, one, CommitmentNews::Overdue);
        }
        if night.is_some() {
            self.bus.publish(shop, Event::DaySummedUp);
        }
        Ok(())
    }

    fn tell_of(&self, shop: ShopId, one: &Called, news: CommitmentNews) {
        let event = Event::CommitmentChanged { commitment: one.id, conversation: one.conversation, news };
        self.bus.publish(shop, event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::DAY_MS;

    #[test]
    fn a_night_begins_at_the_hour_of_the_shop() {
        let rules = CommitmentRules { nightly_at_min: 21 * 60, ..CommitmentRules::default() };
        let clock = ShopClock { utc_offset_min: 480, day_ends_min: 21 * 60 };
        let nine_ms = 10 * DAY_MS + 13 * 60 * MINUTE_MS;
        let began_ms = 10 * DAY_MS - 8 * 60 * MINUTE_MS;
        assert_eq!(last_night(&rules, clock, nine_ms), (10, began_ms));
        assert_eq!(last_night(&rules, clock, nine_ms - 1), (9, began_ms - DAY_MS));
    }
}
