//! The key that signs tokens gives way to the next: by hand, and by age.

use crate::{Identity, store};
use kernel::{Result, audit::Act, id::UserId};
use serde_json::json;

impl Identity {
    /// Lets the next key sign from now on. Nobody is signed out. Answers the new key's id.
    pub async fn rotate_signing_key(&self, by: Option<UserId>) -> Result<String> {
        let inner = &self.0;
        let mut tx = inner.db.begin().await?;
        let kid = inner.keys.rotate(&mut tx).await?;
        let act = Act {
            actor: by,
            action: "signing_key.rotated",
            subject: &kid,
            data: json!({}),
        };
        inner.audit.append(&mut tx, act).await?;
        tx.commit().await?;
        inner.keys.rotated().await?;
        Ok(kid)
    }

    /// The same, if the key has signed for as long as the operator lets one: a job.
    pub(crate) async fn rotate_old_signing_key(&self) -> Result<()> {
        let inner = &self.0;
        let since = {
            let mut db = inner.db.acquire().await?;
            store::keys::signing_since(&mut db).await?
        };
        let most = time::Duration::days(inner.config.signing_key_days.max(1).into());
        if since.is_some_and(|since| since + most > inner.clock.now()) {
            return Ok(());
        }
        self.rotate_signing_key(None).await.map(|_| ())
    }
}
