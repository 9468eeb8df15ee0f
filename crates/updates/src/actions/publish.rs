//! What staff do: write, send, and see what became of it.

use crate::{
    Updates,
    model::{Audience, NewUpdate, Recipient, Update, UpdateId, UpdatePublished},
    store::{self, updates::Row},
};
use anyhow::Context;
use kernel::{
    Error, Permission, Principal, Result,
    audit::Act,
    id::UserId,
    page::{Page, PageQuery},
};
use serde_json::json;
use time::OffsetDateTime;

impl Updates {
    /// Sends an update to everyone it addresses.
    pub async fn publish(&self, author: &Principal, new: &NewUpdate) -> Result<Update> {
        author.require(Permission::UpdatesPublish)?;
        let mut tx = self.0.db.begin().await?;
        let (update, now) = (UpdateId::new(), self.0.clock.now());
        let audience = serde_json::to_value(&new.audience).context("audience")?;
        let row = Row {
            id: update,
            author: author.user,
            new,
            audience,
            now,
            demo: false,
        };
        store::updates::insert(&mut tx, &row).await?;
        let count = store::recipients::address(&mut tx, update, &new.audience, now).await?;
        if count == 0 {
            return Err(Error::field(
                "audience",
                "empty",
                "Nobody is in this audience.",
            ));
        }
        store::updates::set_recipient_count(&mut tx, update, count).await?;
        self.0
            .events
            .append(&mut tx, Some(author.user), &UpdatePublished { update })
            .await?;
        let sent = store::updates::get(&mut tx, update)
            .await?
            .context("just written")?;
        let act = Act {
            actor: Some(author.user),
            action: "update.published",
            subject: &update.to_string(),
            data: json!({ "title": new.title, "recipients": count }),
        };
        self.0.audit.append(&mut tx, act).await?;
        tx.commit().await?;
        Ok(sent)
    }

    /// How many people an audience holds now.
    pub async fn preview(&self, caller: &Principal, audience: &Audience) -> Result<i64> {
        caller.require(Permission::UpdatesPublish)?;
        let mut db = self.0.db.acquire().await?;
        Ok(store::recipients::preview(&mut db, audience).await?)
    }

    /// Every update, the newest first.
    pub async fn list(&self, caller: &Principal, page: &PageQuery) -> Result<Page<Update>> {
        caller.require(Permission::UpdatesRead)?;
        let limit = page.limit()?;
        let after = page.after::<(OffsetDateTime, UpdateId)>()?;
        let mut db = self.0.db.acquire().await?;
        let rows = store::updates::list(&mut db, after, limit + 1).await?;
        Ok(Page::of(
            rows,
            limit,
            |row| (row.published_at, row.id),
            |row| row,
        ))
    }

    /// One update with its counts.
    pub async fn get(&self, caller: &Principal, update: UpdateId) -> Result<Update> {
        caller.require(Permission::UpdatesRead)?;
        let mut db = self.0.db.acquire().await?;
        store::updates::get(&mut db, update)
            .await?
            .ok_or(Error::NotFound("update"))
    }

    /// How far an update has come with each of its readers.
    pub async fn recipients(
        &self,
        caller: &Principal,
        update: UpdateId,
        page: &PageQuery,
    ) -> Result<Page<Recipient>> {
        caller.require(Permission::UpdatesRead)?;
        let (limit, after) = (page.limit()?, page.after::<UserId>()?);
        let mut db = self.0.db.acquire().await?;
        if store::updates::get(&mut db, update).await?.is_none() {
            return Err(Error::NotFound("update"));
        }
        let rows = store::recipients::list(&mut db, update, after, limit + 1).await?;
        Ok(Page::of(rows, limit, |row| row.user, |row| row))
    }
}
