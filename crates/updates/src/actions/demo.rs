//! Updates of the demo tenant, with receipts as months of use would leave them.

use crate::{
    Updates,
    model::{NewUpdate, Receipt, UpdateId},
    store::{self, updates::Row},
};
use anyhow::Context;
use kernel::{Result, id::UserId};
use sqlx::PgConnection;
use time::OffsetDateTime;

/// An update that was made up, with who did what with it.
#[derive(Debug)]
pub struct DemoUpdate {
    /// Who wrote it.
    pub author: UserId,
    /// What it says.
    pub new: NewUpdate,
    /// When it was sent.
    pub published_at: OffsetDateTime,
    /// Readers, how far it came with each and when.
    pub receipts: Vec<(UserId, Receipt, OffsetDateTime)>,
}

impl Updates {
    /// Adds demo updates, in the caller's transaction.
    pub async fn add_demo_updates(
        &self,
        tx: &mut PgConnection,
        updates: &[DemoUpdate],
    ) -> Result<()> {
        for demo in updates {
            let (id, now) = (UpdateId::new(), demo.published_at);
            let audience = serde_json::to_value(&demo.new.audience).context("audience")?;
            let row = Row {
                id,
                author: demo.author,
                new: &demo.new,
                audience,
                now,
                demo: true,
            };
            store::updates::insert(tx, &row).await?;
            let count = store::recipients::address(tx, id, &demo.new.audience, now).await?;
            store::updates::set_recipient_count(tx, id, count).await?;
            for (reader, receipt, at) in &demo.receipts {
                let marked = store::recipients::mark(tx, id, *reader, *receipt, *at).await?;
                if let Some(marked) = marked {
                    store::updates::count(
                        tx,
                        id,
                        marked.delivered,
                        marked.read,
                        marked.acknowledged,
                    )
                    .await?;
                }
            }
        }
        Ok(())
    }

    /// Removes the demo tenant's updates, and receipts of people who are gone; how many
    /// updates.
    pub async fn remove_demo_updates(&self, tx: &mut PgConnection) -> Result<u64> {
        Ok(store::updates::remove_demo(tx).await?)
    }
}
