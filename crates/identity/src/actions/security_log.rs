//! What happened at the doors, for staff who watch them: failed sign-ins, lock-outs, new
//! devices, stolen tokens, and what staff did to accounts.

use crate::{
    Identity,
    store::{
        self,
        security_log::{Narrowed, Seen},
    },
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use kernel::{
    Permission, Principal, Result,
    audit::Act,
    page::{Page, PageQuery},
    sheet,
};
use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

/// Rows read at once for a file.
const CHUNK: i64 = 1_000;

struct Reading {
    identity: Identity,
    narrowed: Narrowed,
    after: Option<(OffsetDateTime, Uuid)>,
    begun: bool,
    over: bool,
}

impl Identity {
    /// A page of the log, the latest first.
    pub(crate) async fn security_log(
        &self,
        caller: &Principal,
        narrowed: &Narrowed,
        page: &PageQuery,
    ) -> Result<Page<Seen>> {
        caller.require(Permission::AuditRead)?;
        let (limit, after) = (page.limit()?, page.after::<(OffsetDateTime, Uuid)>()?);
        let mut tx = self.0.db.begin_planned().await?;
        let rows = store::security_log::list(&mut tx, narrowed, after, limit + 1).await?;
        tx.commit().await?;
        let place = |row: &Seen| (row.happening.at, row.id);
        Ok(Page::of(rows, limit, place, |row| row))
    }

    /// How often each kind was seen in the last day.
    pub(crate) async fn security_figures(&self, caller: &Principal) -> Result<Vec<(String, i64)>> {
        caller.require(Permission::AuditRead)?;
        let since = self.0.clock.now() - time::Duration::DAY;
        let mut db = self.0.db.acquire().await?;
        Ok(store::security_log::figures(&mut db, since).await?)
    }

    /// The log as CSV. That it was taken out is written down before the first byte leaves.
    pub(crate) async fn export_security_log(
        &self,
        caller: &Principal,
        narrowed: Narrowed,
    ) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<>> {
        caller.require(Permission::AuditRead)?;
        let mut tx = self.0.db.begin().await?;
        let act = Act {
            actor: Some(caller.user),
            action: "security_log.exported",
            subject: "security_log",
            data: json!({ "kinds": narrowed.kinds, "user": narrowed.user, "address": narrowed.address }),
        };
        self.0.audit.append(&mut tx, act).await?;
        tx.commit().await?;
        let reading = Reading {
            identity: self.clone(),
            narrowed,
            after: None,
            begun: false,
            over: false,
        };
        Ok(stream::try_unfold(reading, Reading::next))
    }
}

impl Reading {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>> {
        if self.over {
            return Ok(None);
        }
        let mut tx = self.identity.0.db.begin_planned().await?;
        let rows = store::security_log::list(&mut tx, &self.narrowed, self.after, CHUNK).await?;
        tx.commit().await?;
        self.over = rows.len() < usize::try_from(CHUNK).unwrap_or(usize::MAX);
        self.after = rows.last().map(|row| (row.happening.at, row.id));
        let mut lines = Vec::with_capacity(rows.len() + 1);
        if !self.begun {
            let header = [
                "at", "kind", "user_id", "user", "typed", "by", "address", "device", "data",
            ];
            lines.push(header.map(str::to_owned).to_vec());
        }
        self.begun = true;
        for row in rows {
            let one = row.happening;
            lines.push(vec![
                one.at.format(&Rfc3339).unwrap_or_default(),
                one.kind,
                row.user.map(|id| id.to_string()).unwrap_or_default(),
                row.name.unwrap_or_default(),
                row.identifier.unwrap_or_default(),
                one.actor_name.unwrap_or_default(),
                one.address.unwrap_or_default(),
                one.device.unwrap_or_default(),
                one.data.to_string(),
            ]);
        }
        Ok(Some((sheet::csv(&lines)?.into(), self)))
    }
}
