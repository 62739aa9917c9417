//! A shift that is over leaves word to the next, whether or not somebody of it pressed a button.

use super::{JobError, Runner};
use crate::domain::ids::ShopId;
use crate::events::Event;
use crate::learn::hand_over::{due, leave};
use crate::storage::StorageError;

impl Runner {
    /// Whether a shift is over and has left no word.
    pub(super) async fn is_hand_over_due(&self, shop: ShopId) -> Result<bool, StorageError> {
        Ok(!due(&self.db, shop).await?.is_empty())
    }

    pub(super) async fn hand_over(&self, shop: ShopId) -> Result<(), JobError> {
        for over in due(&self.db, shop).await? {
            if leave(&self.db, shop, &over, (None, "")).await?.is_some() {
                self.bus.publish(shop, Event::HandedOver);
            }
        }
        Ok(())
    }
}
