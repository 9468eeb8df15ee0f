//! The event log: what happened, written in the transaction that made it happen.
//!
//! A domain declares its events as types; the binary's wiring says which jobs react to
//! which. The jobs are enqueued in the same transaction, so nothing is delivered that
//! was not committed and nothing committed is forgotten.

use crate::{
    audit,
    clock::Clock,
    error::Result,
    id::UserId,
    jobs::{self, Queued},
};
use anyhow::Context;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sqlx::PgConnection;
use std::sync::Arc;
use time::OffsetDateTime;
use uuid::Uuid;

/// A past fact. Its name is in the past tense and belongs to one domain.
pub trait Event: Serialize + DeserializeOwned + Send + Sync {
    /// `updates.published`.
    const NAME: &'static str;

    /// What it is about: the id of an update, of an account …
    fn subject(&self) -> Option<Uuid>;
}

/// An event as it stands in the log.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its place in the log.
    pub id: i64,
    /// Its name.
    pub name: &'static str,
    /// Who caused it, if anybody.
    pub actor: Option<UserId>,
    /// What it is about.
    pub subject: Option<Uuid>,
    data: Value,
}

impl Recorded {
    /// The event itself, if it is of this kind.
    pub fn of<E: Event>(&self) -> Option<E> {
        (self.name == E::NAME)
            .then(|| serde_json::from_value(self.data.clone()).ok())
            .flatten()
    }
}

type Reactions = Arc<dyn Fn(&Recorded) -> Vec<Queued> + Send + Sync>;

/// Writes events and enqueues what reacts to them.
#[derive(Clone)]
pub struct EventLog {
    clock: Clock,
    reactions: Reactions,
}

impl std::fmt::Debug for EventLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventLog").finish_non_exhaustive()
    }
}

impl EventLog {
    /// A log whose reactions stand on one page of the wiring.
    pub fn new(
        clock: Clock,
        reactions: impl Fn(&Recorded) -> Vec<Queued> + Send + Sync + 'static,
    ) -> Self {
        Self {
            clock,
            reactions: Arc::new(reactions),
        }
    }

    /// Records an event and enqueues its reactions, in the caller's transaction.
    pub async fn append<E: Event>(
        &self,
        db: &mut PgConnection,
        actor: Option<UserId>,
        event: &E,
    ) -> Result<i64> {
        let data = serde_json::to_value(event).context("event data")?;
        let actor = audit::really(actor);
        let subject = event.subject();
        let id = sqlx::query_scalar!(
            r#"
            insert into kernel.events (occurred_at, name, actor, subject, data)
            values ($1, $2, $3, $4, $5)
            returning id
            "#,
            self.clock.now(),
            E::NAME,
            actor.map(|user| user.0),
            subject,
            data,
        )
        .fetch_one(&mut *db)
        .await?;
        let recorded = Recorded {
            id,
            name: E::NAME,
            actor,
            subject,
            data,
        };
        for job in (self.reactions)(&recorded) {
            jobs::enqueue(db, job).await?;
        }
        Ok(id)
    }
}

/// Something in the log, as it is shown.
#[derive(Debug, Clone)]
pub struct Past {
    /// Its place in the log.
    pub id: i64,
    /// When.
    pub at: OffsetDateTime,
    /// Its name.
    pub name: String,
    /// Who caused it, if anybody.
    pub actor: Option<UserId>,
    /// The rest.
    pub data: Value,
}

/// What happened to a subject, the latest first, up to and including `until`; without the
/// events of some names.
pub async fn about(
    db: &mut PgConnection,
    subject: Uuid,
    without: &[String],
    until: Option<OffsetDateTime>,
    limit: i64,
) -> Result<Vec<Past>> {
    let rows = sqlx::query_as!(
        Past,
        r#"
        select id, occurred_at as at, name, actor as "actor: UserId", data
        from kernel.events
        where subject = $1 and name <> all($2) and ($3::timestamptz is null or occurred_at <= $3)
        order by occurred_at desc, id desc
        limit $4
        "#,
        subject,
        without,
        until,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// Makes the partitions of the months ahead; how many were new.
pub async fn make_partitions(db: &mut PgConnection, clock: &Clock, ahead: i32) -> Result<i32> {
    let made = sqlx::query_scalar!(
        r#"select kernel.make_event_partitions($1, $2) as "made!""#,
        clock.now().date(),
        ahead,
    )
    .fetch_one(db)
    .await?;
    Ok(made)
}
