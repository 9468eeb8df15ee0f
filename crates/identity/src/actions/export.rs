//! People out of the list and into a file, in the order of joining: read page by page, so
//! that a million of them need no more memory than a page and hold no lock.

use crate::{
    Identity,
    actions::search,
    model::{Person, people::Filter, search::Found},
    store,
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use kernel::{Permission, Principal, Result, audit::Act, id::UserId, sheet};
use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// People read at once.
const PAGE: i64 = 1_000;
const HEADER: [&str; 9] = [
    "id",
    "name",
    "email",
    "status",
    "roles",
    "verified",
    "second_factor",
    "last_seen_at",
    "created_at",
];

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Json,
}

/// Where an export has come to.
struct Reading {
    identity: Identity,
    filter: Filter,
    found: Found,
    format: Format,
    after: Option<(OffsetDateTime, UserId)>,
    begun: bool,
    over: bool,
}

impl Identity {
    /// A file of everybody whom the filter lets through. That it was made is written down
    /// before the first byte leaves.
    pub(crate) async fn export_people(
        &self,
        caller: &Principal,
        filter: Filter,
        format: Format,
    ) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<>> {
        caller.require(Permission::UsersWrite)?;
        let mut tx = self.0.db.begin_planned().await?;
        let found = search::look(&mut tx, &filter).await?;
        let people = search::count(&mut tx, &filter, &found).await?;
        let act = Act {
            actor: Some(caller.user),
            action: "users.exported",
            subject: "users",
            data: json!({ "people": people, "format": format!("{format:?}").to_lowercase(),
                "search": filter.search, "status": filter.status, "role": filter.role }),
        };
        self.0.audit.append(&mut tx, act).await?;
        tx.commit().await?;
        let reading = Reading {
            identity: self.clone(),
            filter,
            found,
            format,
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
        let (filter, found) = (&self.filter, &self.found);
        let spots = store::people::newest(&mut tx, filter, found, self.after, PAGE).await?;
        let ids: Vec<_> = spots.iter().map(|spot| spot.id).collect();
        let rows = store::people::these(&mut tx, &ids).await?;
        tx.commit().await?;
        self.over = spots.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
        if let Some(last) = spots.last() {
            self.after = Some((last.place, last.id));
        }
        let chunk = match self.format {
            Format::Csv => self.csv(&rows)?,
            Format::Json => self.json(&rows)?,
        };
        self.begun = true;
        Ok(Some((chunk.into(), self)))
    }

    fn csv(&self, rows: &[Person]) -> Result<Vec<u8>> {
        let mut lines: Vec<Vec<String>> = rows.iter().map(|one| cells(one).to_vec()).collect();
        if !self.begun {
            lines.insert(0, HEADER.map(str::to_owned).to_vec());
        }
        sheet::csv(&lines)
    }

    fn json(&self, rows: &[Person]) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        for (at, person) in rows.iter().enumerate() {
            let first = !self.begun && at == 0;
            out.extend_from_slice(if first { b"[\n" } else { b",\n" });
            let line = json!({
                "id": person.id, "name": person.name, "email": person.email,
                "status": person.status, "roles": person.roles, "verified": person.verified,
                "second_factor": person.second_factor,
                "last_seen_at": person.last_seen_at.map(written),
                "created_at": written(person.created_at),
            });
            serde_json::to_writer(&mut out, &line).map_err(anyhow::Error::from)?;
        }
        if self.over {
            let empty = !self.begun && rows.is_empty();
            out.extend_from_slice(if empty { b"[]\n" } else { b"\n]\n" });
        }
        Ok(out)
    }
}

fn cells(person: &Person) -> [String; 9] {
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    [
        person.id.to_string(),
        person.name.clone(),
        person.email.clone(),
        person.status.as_str().to_owned(),
        person.roles.join(" "),
        yes(person.verified),
        yes(person.second_factor),
        person.last_seen_at.map(written).unwrap_or_default(),
        written(person.created_at),
    ]
}

fn written(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}
