//! What readers do: look through their feed, open, acknowledge.

use crate::{
    Updates,
    model::{FeedItem, Receipt, UpdateAcknowledged, UpdateId, UpdateRead, Waiting},
    store,
};
use kernel::{
    Error, Principal, Result,
    page::{Page, PageQuery},
};
use time::OffsetDateTime;

impl Updates {
    /// What was sent to the caller, the newest first.
    pub async fn feed(
        &self,
        reader: &Principal,
        unread_only: bool,
        page: &PageQuery,
    ) -> Result<Page<FeedItem>> {
        let limit = page.limit()?;
        let after = page.after::<(OffsetDateTime, UpdateId)>()?;
        let mut db = self.0.db.acquire().await?;
        let rows = store::feed::list(&mut db, reader.user, unread_only, after, limit + 1).await?;
        Ok(Page::of(
            rows,
            limit,
            |row| (row.published_at, row.id),
            |row| row,
        ))
    }

    /// One update that was sent to the caller.
    pub async fn feed_item(&self, reader: &Principal, update: UpdateId) -> Result<FeedItem> {
        let mut db = self.0.db.acquire().await?;
        store::feed::get(&mut db, reader.user, update)
            .await?
            .ok_or(Error::NotFound("update"))
    }

    /// What waits for the caller.
    pub async fn waiting(&self, reader: &Principal) -> Result<Waiting> {
        let mut db = self.0.db.acquire().await?;
        Ok(store::feed::waiting(&mut db, reader.user).await?)
    }

    /// Records how far an update has come with the caller. Repeating it changes nothing.
    pub async fn mark(&self, reader: &Principal, update: UpdateId, receipt: Receipt) -> Result<()> {
        let mut tx = self.0.db.begin().await?;
        let now = self.0.clock.now();
        let marked = store::recipients::mark(&mut tx, update, reader.user, receipt, now)
            .await?
            .ok_or(Error::NotFound("update"))?;
        if !(marked.delivered || marked.read || marked.acknowledged) {
            return Ok(());
        }
        let (delivered, read, acknowledged) = (marked.delivered, marked.read, marked.acknowledged);
        store::updates::count(&mut tx, update, delivered, read, acknowledged).await?;
        if read {
            self.0
                .events
                .append(&mut tx, Some(reader.user), &UpdateRead { update })
                .await?;
        }
        if acknowledged {
            self.0
                .events
                .append(&mut tx, Some(reader.user), &UpdateAcknowledged { update })
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
