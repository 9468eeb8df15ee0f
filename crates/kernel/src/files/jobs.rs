//! Clears away what nobody can see any more.

use super::{Files, store};
use crate::{error::Result, jobs::Job};
use futures_util::{TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use time::Duration;
use uuid::Uuid;

/// How long the bytes of a deleted file are kept.
pub(super) const KEPT: Duration = Duration::days(30);
/// How old bytes without a row must be: an upload that is still going on has none either.
const ORPHANED: Duration = Duration::days(1);
const BATCH: usize = 500;

/// Clears away deleted files and orphaned bytes. Daily.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct SweepFiles {}

impl Job for SweepFiles {
    const NAME: &'static str = "kernel:sweep_files";
}

/// What was cleared away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Files that were deleted long enough ago.
    pub deleted: u64,
    /// Bytes that no file stands for.
    pub orphans: u64,
    /// Uploads that were killed half-way.
    pub unfinished: u64,
}

impl Files {
    /// Clears away deleted files and orphaned bytes. May be run again at any time.
    pub async fn sweep(&self) -> Result<Swept> {
        let now = self.0.clock.now();
        let mut swept = Swept::default();
        loop {
            let mut db = self.0.db.acquire().await?;
            let limit = i64::try_from(BATCH).unwrap_or(i64::MAX);
            let ids = store::deleted_before(&mut db, now - KEPT, limit).await?;
            drop(db);
            if ids.is_empty() {
                break;
            }
            // The bytes first: a row without them is forgotten at the next run, bytes without a
            // row would have to be found.
            for id in &ids {
                self.0.blobs.remove(*id).await?;
            }
            let mut db = self.0.db.acquire().await?;
            swept.deleted += store::forget(&mut db, &ids).await?;
        }
        let before = now - ORPHANED;
        let written = self.0.blobs.written_before(before);
        let mut batches = std::pin::pin!(written.try_chunks(BATCH).map_err(|error| error.1));
        while let Some(ids) = batches.try_next().await? {
            swept.orphans += self.remove_orphans(&ids).await?;
        }
        swept.unfinished = self.0.blobs.remove_unfinished(before).await?;
        Ok(swept)
    }

    async fn remove_orphans(&self, ids: &[Uuid]) -> Result<u64> {
        let mut db = self.0.db.acquire().await?;
        let known = store::known(&mut db, ids).await?;
        drop(db);
        let orphans = ids.iter().filter(|id| !known.contains(id)).copied();
        let removed = stream::iter(orphans.map(anyhow::Ok)).try_fold(0, async |count, id| {
            self.0.blobs.remove(id).await?;
            Ok(count + 1)
        });
        Ok(removed.await?)
    }
}
