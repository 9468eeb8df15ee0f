//! Online, away and last seen, as the sockets of every server tell.

use crate::{Identity, store};
use kernel::{Result, id::UserId};
use sqlx::PgConnection;
use std::time::Duration;

/// How somebody is seen on one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// They look at a page.
    Online,
    /// They have pages open, and look at none.
    Away,
    /// They have none.
    Offline,
}

impl Identity {
    /// How these users are seen on a server from now on. Somebody is online who is so on any
    /// server, and away who is so on any and online on none.
    pub async fn set_presence(&self, server: &str, users: &[(UserId, Presence)]) -> Result<()> {
        let now = self.0.clock.now();
        let ids: Vec<UserId> = users.iter().map(|(user, _)| *user).collect();
        let of = |wanted: &[Presence]| -> Vec<bool> {
            let seen = users.iter().map(|(_, seen)| wanted.contains(seen));
            seen.collect()
        };
        let open = of(&[Presence::Online, Presence::Away]);
        let away = of(&[Presence::Away]);
        let mut tx = self.0.db.begin().await?;
        // Invariant: the server's row first, then people's, so that nobody waits in a circle.
        store::presence::beat(&mut tx, server).await?;
        store::presence::lock(&mut tx, &ids, now).await?;
        store::presence::connect(&mut tx, server, &ids, &open, &away, now).await?;
        store::presence::settle(&mut tx, &ids, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// At a server's start: nobody is connected to it yet.
    pub async fn begin_presence(&self, server: &str) -> Result<()> {
        let mut tx = self.0.db.begin().await?;
        let last = store::presence::forget_server(&mut tx, server).await?;
        store::presence::beat(&mut tx, server).await?;
        self.settle_presence(&mut tx, last).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A server lives; of those that have been silent for `patience`, what they had open is over.
    /// True if this one was thought dead, and must say again who is connected to it.
    pub async fn beat_presence(&self, server: &str, patience: Duration) -> Result<bool> {
        let mut db = self.0.db.acquire().await?;
        let forgotten = store::presence::beat(&mut db, server).await?;
        drop(db);
        let mut tx = self.0.db.begin().await?;
        let dead = store::presence::forget_silent(&mut tx, patience.as_secs_f64()).await?;
        self.settle_presence(&mut tx, dead).await?;
        tx.commit().await?;
        Ok(forgotten)
    }

    async fn settle_presence(&self, tx: &mut PgConnection, mut users: Vec<UserId>) -> Result<()> {
        if users.is_empty() {
            return Ok(());
        }
        let now = self.0.clock.now();
        users.sort_unstable();
        users.dedup();
        store::presence::lock(tx, &users, now).await?;
        store::presence::settle(tx, &users, now).await?;
        Ok(())
    }
}
