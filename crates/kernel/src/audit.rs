//! The audit chain: who did what, append-only. The MAC of each row covers the row
//! before it, under a key that the database never sees, so that an altered, removed or
//! reordered row is found, and so is a chain that was cut short.
//!
//! Invariant: rows are appended under the lock of the head row, so their numbers have no
//! gap and their order is the order of commit.

use crate::{
    clock::Clock,
    error::Result,
    id::{ImpersonationId, UserId},
    live::{Rule, Table},
    page::{Page, PageQuery},
    principal::Permission,
};
use anyhow::Context;
use aws_lc_rs::hmac;
use futures_util::TryStreamExt;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use std::{fmt, sync::Arc};
use time::OffsetDateTime;

/// Appends to the chain.
#[derive(Clone)]
pub struct Audit {
    key: Arc<hmac::Key>,
    clock: Clock,
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit").finish_non_exhaustive()
    }
}

/// One act.
#[derive(Debug, Clone)]
pub struct Act<'a> {
    /// Who; nobody for what the system did.
    pub actor: Option<UserId>,
    /// What, as in `user.suspended`.
    pub action: &'static str,
    /// To whom or what: an id or a name.
    pub subject: &'a str,
    /// Details. Never a secret: this is shown to staff and exported.
    pub data: Value,
}

/// Through what a request acts beside its principal: put around it by the authentication
/// layer, so that no verb can forget to write it down.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Via {
    /// A key for machines.
    Key {
        /// The key that the request came with.
        api_key: uuid::Uuid,
        /// As people call it.
        name: String,
    },
    /// Somebody of the staff in a member's place. What the member's verbs write down is
    /// written under the name of who really acts.
    Impersonation {
        /// Which.
        impersonation: ImpersonationId,
        /// In whose place.
        on_behalf_of: UserId,
        /// As people call them.
        name: String,
        /// Who really acts.
        #[serde(skip)]
        by: UserId,
    },
}

tokio::task_local! {
    static VIA: Via;
}

/// Runs a request; what it appends says through what it came.
pub async fn via<F: Future>(via: Via, request: F) -> F::Output {
    VIA.scope(via, request).await
}

/// Who really acts, if this request acts in this person's place.
pub fn in_place_of(person: UserId) -> Option<UserId> {
    VIA.try_with(|via| match via {
        Via::Impersonation {
            on_behalf_of, by, ..
        } if *on_behalf_of == person => Some(*by),
        _ => None,
    })
    .ok()
    .flatten()
}

/// Who really acted, where a verb names its caller.
pub(crate) fn really(actor: Option<UserId>) -> Option<UserId> {
    actor.map(|actor| in_place_of(actor).unwrap_or(actor))
}

/// The tables that sockets may watch.
pub const LIVE: &[Table] = &[Table {
    schema: "kernel",
    name: "audit",
    rules: &[Rule::Permission(Permission::AuditRead)],
}];

/// What the log is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Who did it.
    pub actor: Option<UserId>,
    /// What: a whole name, or the beginning of one up to a dot, as in `user.`.
    pub action: Option<String>,
    /// To whom or what.
    pub subject: Option<String>,
    /// Then or later.
    pub from: Option<OffsetDateTime>,
    /// Before.
    pub until: Option<OffsetDateTime>,
}

/// A row of the chain.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Entry {
    /// Its place, from 1.
    pub seq: i64,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Who.
    pub actor: Option<UserId>,
    /// What.
    pub action: String,
    /// To whom or what.
    pub subject: String,
    /// Details.
    pub data: Value,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// Every row is as it was written.
    Intact {
        /// How many rows there are.
        rows: i64,
    },
    /// The chain is broken.
    Broken {
        /// The first row that is not as it was written.
        seq: i64,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl Audit {
    /// A chain under this key; a chain must be verified with the key it was made with.
    pub fn new(key: &[u8; 32], clock: Clock) -> Self {
        Self {
            key: Arc::new(hmac::Key::new(hmac::HMAC_SHA256, key)),
            clock,
        }
    }

    /// Appends an act, in the caller's transaction. Call it last: the head of the chain
    /// stays locked until the commit.
    pub async fn append(&self, db: &mut PgConnection, act: Act<'_>) -> Result<i64> {
        let head = sqlx::query!("select seq, mac from kernel.audit_head where one for update")
            .fetch_one(&mut *db)
            .await?;
        let (seq, at) = (head.seq + 1, self.clock.now());
        let mut data = act.data;
        if let (Ok(via), Some(data)) = (VIA.try_with(Clone::clone), data.as_object_mut()) {
            data.insert("via".into(), serde_json::to_value(via).context("via")?);
        }
        let data = serde_json::to_string(&data).context("audit data")?;
        let actor = really(act.actor).map(|user| user.0);
        let mac = self.mac(&head.mac, seq, at, actor, act.action, act.subject, &data);
        sqlx::query!(
            r#"
            insert into kernel.audit (seq, at, actor, action, subject, data, mac)
            values ($1, $2, $3, $4, $5, $6::text::json, $7)
            "#,
            seq,
            at,
            actor,
            act.action,
            act.subject,
            data,
            mac.as_ref(),
        )
        .execute(&mut *db)
        .await?;
        sqlx::query!(
            "update kernel.audit_head set seq = $1, mac = $2 where one",
            seq,
            mac.as_ref()
        )
        .execute(db)
        .await?;
        Ok(seq)
    }

    /// Walks the whole chain.
    pub async fn verify(&self, db: &mut PgConnection) -> Result<Verdict> {
        let head = sqlx::query!("select seq, mac from kernel.audit_head where one")
            .fetch_one(&mut *db)
            .await?;
        let (mut seq, mut before) = (0_i64, Vec::new());
        let mut rows = sqlx::query!(
            r#"
            select seq, at, actor, action, subject, data::text as "data!", mac
            from kernel.audit
            where seq <= $1
            order by seq
            "#,
            head.seq,
        )
        .fetch(db);
        while let Some(row) = rows.try_next().await? {
            seq += 1;
            if row.seq != seq {
                return Ok(Verdict::Broken {
                    seq,
                    why: "removed",
                });
            }
            let mac = self.mac(
                &before,
                seq,
                row.at,
                row.actor,
                &row.action,
                &row.subject,
                &row.data,
            );
            if mac.as_ref() != row.mac {
                return Ok(Verdict::Broken {
                    seq,
                    why: "altered or out of order",
                });
            }
            before = row.mac;
        }
        if seq != head.seq || before != head.mac {
            return Ok(Verdict::Broken {
                seq: seq + 1,
                why: "removed from the end",
            });
        }
        Ok(Verdict::Intact { rows: seq })
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "exactly the columns that are bound together"
    )]
    fn mac(
        &self,
        before: &[u8],
        seq: i64,
        at: OffsetDateTime,
        actor: Option<uuid::Uuid>,
        action: &str,
        subject: &str,
        data: &str,
    ) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        let micros = i64::try_from(at.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX);
        let actor = actor.map(|id| id.into_bytes().to_vec()).unwrap_or_default();
        // Each part with its length, so that no two rows make the same bytes.
        for part in [
            before,
            &seq.to_be_bytes(),
            &micros.to_be_bytes(),
            &actor,
            action.as_bytes(),
            subject.as_bytes(),
            data.as_bytes(),
        ] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        context.sign()
    }
}

/// How many entries one person's copy of their data holds at most: the newest.
const CONCERNING: i64 = 10_000;

/// What somebody did, what was done to them and in their place; the newest first.
pub async fn concerning(db: &mut PgConnection, user: UserId) -> Result<Vec<Entry>> {
    let rows = sqlx::query_as!(
        Entry,
        r#"
        select seq, at, actor as "actor: UserId", action, subject, data
        from kernel.audit
        where actor = $1 or subject = $2 or (data -> 'via' ->> 'on_behalf_of') = $2
        order by seq desc
        limit $3
        "#,
        user.0,
        user.to_string(),
        CONCERNING,
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// The chain, newest first.
pub async fn list(db: &mut PgConnection, filter: &Filter, page: &PageQuery) -> Result<Page<Entry>> {
    let limit = page.limit()?;
    let rows = read(db, filter, page.after()?, limit + 1).await?;
    Ok(Page::of(rows, limit, |row| row.seq, |row| row))
}

/// Rows of the chain before a place, newest first.
pub async fn read(
    db: &mut PgConnection,
    filter: &Filter,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Entry>> {
    let action = filter.action.as_deref();
    let (whole, group) = match action {
        Some(action) if action.ends_with('.') => (None, Some(action)),
        action => (action, None),
    };
    let rows = sqlx::query_as!(
        Entry,
        r#"
        select seq, at, actor as "actor: UserId", action, subject, data
        from kernel.audit
        where ($1::bigint is null or seq < $1)
            and ($3::uuid is null or actor = $3)
            and ($4::text is null or action = $4)
            and ($5::text is null or starts_with(action, $5))
            and ($6::text is null or subject = $6)
            and ($7::timestamptz is null or at >= $7)
            and ($8::timestamptz is null or at < $8)
        order by seq desc
        limit $2
        "#,
        before,
        limit,
        filter.actor as Option<UserId>,
        whole,
        group,
        filter.subject,
        filter.from,
        filter.until,
    )
    .fetch_all(db)
    .await?;
    Ok(rows)
}

/// The names of actions that the log holds: a loose index scan, one step a name.
pub async fn actions(db: &mut PgConnection) -> Result<Vec<String>> {
    let names = sqlx::query_scalar!(
        r#"
        with recursive names as (
            (select action from kernel.audit order by action limit 1)
            union all
            select (select a.action from kernel.audit a where a.action > n.action order by a.action limit 1)
            from names n
            where n.action is not null
        )
        select action as "action!" from names where action is not null limit 300
        "#,
    )
    .fetch_all(db)
    .await?;
    Ok(names)
}
