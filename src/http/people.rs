//! Names of people, to be shown beside what they did.

use std::collections::HashMap;

use crate::domain::ids::{AccountId, ShopId};
use crate::storage::{Db, StorageError, accounts};

/// The people of one shop. A shop has few: they are read at once.
pub struct Names(HashMap<AccountId, String>);

impl Names {
    /// Reads them.
    pub async fn of(db: &Db, shop: ShopId) -> Result<Self, StorageError> {
        let people = accounts::list(db, shop).await?;
        Ok(Self(people.into_iter().map(|person| (person.id, person.name)).collect()))
    }

    /// Whose name has this in it, in any case.
    pub fn matching(&self, text: &str) -> Vec<AccountId> {
        let text = text.to_lowercase();
        let named = self.0.iter().filter(|(_, name)| name.to_lowercase().contains(&text));
        named.map(|(account, _)| *account).collect()
    }

    /// What a person is called; empty for one of another shop, which no row of ours names.
    pub fn of_account(&self, account: AccountId) -> String {
        self.0.get(&account).cloned().unwrap_or_default()
    }
}
