//! What is held about somebody: for their copy, and for their leaving.

use crate::store;
use kernel::{Result, database::Database, id::UserId};
use serde_json::Value;

/// What this domain holds about people.
#[derive(Debug, Clone)]
pub struct Kept(Database);

impl Kept {
    /// In this database.
    pub fn new(db: Database) -> Self {
        Self(db)
    }

    /// All of it about somebody.
    pub async fn holdings(&self, user: UserId) -> Result<Value> {
        let mut db = self.0.acquire().await?;
        Ok(store::people::holdings(&mut db, user).await?)
    }

    /// Removes what names them. That they were here stays, so that they do not come again by
    /// themselves.
    pub async fn forget(&self, user: UserId) -> Result<()> {
        let mut db = self.0.acquire().await?;
        Ok(store::people::forget(&mut db, user).await?)
    }
}
