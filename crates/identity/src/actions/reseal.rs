//! After a rotation of the vault, what it sealed comes under the new key.

use crate::{Identity, store};
use anyhow::anyhow;
use kernel::{Result, jobs::Context};

/// How many at once: each batch is a transaction, so that a run that breaks off has done
/// what it has done.
const BATCH: i64 = 500;

impl Identity {
    /// Brings every secret that stays under the vault's active key: a job. What it finds there
    /// already it leaves alone, so it may run at any time and again.
    pub(crate) async fn reseal(&self, context: &Context) -> Result<()> {
        let inner = &self.0;
        // Whoever rotated may have been another process.
        inner.vault.refresh()?;
        let prefix = inner.vault.prefix();
        let left = {
            let mut db = inner.db.acquire().await?;
            store::sealed::left(&mut db, &prefix).await?
        };
        if left == 0 {
            return Ok(());
        }
        let progress = context.progress("identity:reseal", Some(left)).await?;
        let (mut done, mut failed) = self.reseal_own(&prefix).await?;
        let mut after = None;
        loop {
            let mut tx = inner.db.begin().await?;
            let batch = store::sealed::totp(&mut tx, &prefix, after, BATCH).await?;
            let Some(&(last, _)) = batch.last() else {
                break;
            };
            for (user, sealed) in &batch {
                match inner.vault.rewrap(sealed) {
                    Ok(new) => {
                        store::sealed::put_totp(&mut tx, *user, sealed, &new).await?;
                        done += 1;
                    }
                    Err(error) => {
                        tracing::error!(%user, %error, "the secret of an app cannot be resealed");
                        failed += 1;
                    }
                }
            }
            tx.commit().await?;
            after = Some(last);
            progress.done(done, "secrets of authenticator apps").await?;
        }
        if failed > 0 {
            // The others are done; this one is seen among the jobs that failed.
            return Err(anyhow!("{failed} secrets cannot be resealed; the log names them").into());
        }
        progress.finish("under the new key").await
    }

    async fn reseal_own(&self, prefix: &str) -> Result<(i64, i64)> {
        let (mut done, mut failed) = (0, 0);
        let mut tx = self.0.db.begin().await?;
        for sealed in store::sealed::own(&mut tx, prefix).await? {
            match self.0.vault.rewrap(&sealed) {
                Ok(new) => {
                    store::sealed::put_own(&mut tx, &sealed, &new).await?;
                    done += 1;
                }
                Err(error) => {
                    tracing::error!(%error, "a key of this installation cannot be resealed");
                    failed += 1;
                }
            }
        }
        tx.commit().await?;
        Ok((done, failed))
    }
}
