//! What is held about one person: for the copy that they can have, and for their leaving.

use crate::{Updates, store};
use kernel::{Result, id::UserId};
use serde_json::{Value, json};

impl Updates {
    /// What somebody was sent, with what they did, and what they wrote.
    pub async fn holdings(&self, user: UserId) -> Result<Value> {
        let mut db = self.0.db.acquire().await?;
        let received = store::persons::received(&mut db, user).await?;
        let written = store::persons::written(&mut db, user).await?;
        Ok(json!({ "received": received, "written": written }))
    }

    /// Forgets what somebody was sent and did. Totals stay: they name nobody.
    pub async fn forget(&self, user: UserId) -> Result<()> {
        let mut db = self.0.db.acquire().await?;
        store::persons::forget(&mut db, user).await?;
        Ok(())
    }
}
