//! After a rotation of the vault, the connection's secrets come under the new key.

use crate::{HostedStack, store};
use kernel::Result;

impl HostedStack {
    /// Brings them there: a job. What is under the active key already is left alone.
    pub(crate) async fn reseal(&self) -> Result<()> {
        let inner = &self.0;
        // Whoever rotated may have been another process.
        inner.vault.refresh()?;
        let mut tx = inner.db.begin().await?;
        let Some(row) = store::project::get(&mut tx).await? else {
            return Ok(());
        };
        for sealed in [&row.server_key_sealed, &row.webhook_secrets_sealed] {
            if inner.vault.needs_reseal(sealed) {
                let new = inner.vault.rewrap(sealed)?;
                store::project::reseal(&mut tx, sealed, &new).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }
}
