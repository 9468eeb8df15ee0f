//! A file of people on its way in: staged, looked at as often as one likes, and taken over in
//! one transaction. Until that commits nobody of it is there, and afterwards everybody is.

use crate::{
    Identity,
    jobs::{SendInvitation, TakeOver},
    model::{
        Email, Name,
        import::{Import, ImportId, Line, Mapping, Sheet, in_words},
    },
    store::{
        self,
        import::{Portion, Read},
    },
};
use kernel::{
    Error, Permission, Principal, Result,
    audit::Act,
    id::UserId,
    page::{Page, PageQuery},
    sheet,
};
use serde_json::json;
use sqlx::PgConnection;
use std::collections::HashMap;

/// Lines written at once.
const CHUNK: usize = 5_000;
/// Lines shown of a file that was just sent.
const SHOWN: i64 = 8;
/// How long a link of an invitation works.
const LIFE: time::Duration = time::Duration::days(14);

impl Identity {
    /// Stages a file. Nothing of it counts yet.
    pub(crate) async fn stage_import(
        &self,
        caller: &Principal,
        file_name: &str,
        bytes: &[u8],
    ) -> Result<(Import, Vec<Line>)> {
        caller.require(Permission::UsersWrite)?;
        let read = Sheet::parse(bytes)?;
        let name: String = file_name
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect();
        let (id, now) = (ImportId::new(), self.0.clock.now());
        let rows = i32::try_from(read.lines.len()).unwrap_or(i32::MAX);
        let mut tx = self.0.db.begin().await?;
        store::import::insert(&mut tx, id, caller.user, &name, &read.columns, rows, now).await?;
        for lines in read.lines.chunks(CHUNK) {
            store::import::stage(&mut tx, id, lines).await?;
        }
        let lines = store::import::lines(&mut tx, id, false, 0, SHOWN).await?;
        let made = self.import_in(&mut tx, caller, id).await?;
        tx.commit().await?;
        Ok((made, lines))
    }

    /// Looks at every line: what could be taken over, and what not and why. Changes nothing
    /// but what the file says of itself.
    pub(crate) async fn check_import(
        &self,
        caller: &Principal,
        id: ImportId,
        mapping: &Mapping,
    ) -> Result<Import> {
        caller.require(Permission::UsersWrite)?;
        let mut tx = self.0.db.begin_planned().await?;
        let import = self.import_in(&mut tx, caller, id).await?;
        if !matches!(import.state.as_str(), "staged" | "checked") {
            return Err(through());
        }
        let columns = import.columns.len();
        for (field, column) in [
            ("email", Some(mapping.email)),
            ("name", mapping.name),
            ("role", mapping.role),
        ] {
            let there = |column: i32| usize::try_from(column).is_ok_and(|column| column < columns);
            if column.is_some_and(|column| !there(column)) {
                return Err(Error::field(field, "unknown", "There is no such column."));
            }
        }
        let roles = self.givable(&mut tx, caller).await?;
        match roles.get(&mapping.default_role.to_lowercase()) {
            Some((_, true)) => {}
            Some((_, false)) => {
                let message = "You may not give this role.";
                return Err(Error::field("default_role", "not_yours", message));
            }
            None => {
                let message = "There is no such role.";
                return Err(Error::field("default_role", "unknown", message));
            }
        }
        let mut after = 0;
        loop {
            let limit = i64::try_from(CHUNK).unwrap_or(i64::MAX);
            let lines = store::import::lines(&mut tx, id, false, after, limit).await?;
            let Some(last) = lines.last() else { break };
            after = last.line;
            let mut read = Read::default();
            for line in &lines {
                read.add(line, mapping, &roles);
            }
            store::import::write_read(&mut tx, id, &read).await?;
        }
        store::import::mark_repeated(&mut tx, id).await?;
        store::import::checked(&mut tx, id, mapping).await?;
        let checked = self.import_in(&mut tx, caller, id).await?;
        tx.commit().await?;
        Ok(checked)
    }

    /// Every role by name and by title, and whether the caller may give it.
    async fn givable(
        &self,
        tx: &mut PgConnection,
        caller: &Principal,
    ) -> Result<HashMap<String, (String, bool)>> {
        let mut found = HashMap::new();
        for role in store::roles::list(tx).await? {
            let covered = caller
                .permissions
                .covers(crate::model::permission_set(&role.permissions));
            let plain = role.name == "member" || caller.can(Permission::RolesWrite);
            // Owners are made one by one, and by owners.
            let may = covered && plain && role.name != "owner";
            found.insert(role.title.to_lowercase(), (role.name.clone(), may));
            found.insert(role.name.to_lowercase(), (role.name, may));
        }
        Ok(found)
    }

    /// Takes the good lines over, in the background; `invite` has each of them mailed.
    pub(crate) async fn commit_import(
        &self,
        caller: &Principal,
        id: ImportId,
        invite: bool,
    ) -> Result<Import> {
        caller.require(Permission::UsersWrite)?;
        let mut tx = self.0.db.begin().await?;
        let import = self.import_in(&mut tx, caller, id).await?;
        match import.state.as_str() {
            "checked" => {}
            "staged" => {
                let message = "Say first which column holds what, and look at what comes of it.";
                return Err(Error::conflict("not_checked", message));
            }
            _ => return Err(through()),
        }
        if import.good.unwrap_or(0) == 0 {
            let message = "No line of this file can be taken over.";
            return Err(Error::conflict("nobody_meant", message));
        }
        store::import::set_state(&mut tx, id, "running", invite).await?;
        kernel::jobs::enqueue(&mut tx, TakeOver { import: id }).await?;
        let act = Act {
            actor: Some(caller.user),
            action: "users.import_started",
            subject: &id.to_string(),
            data: json!({ "file": import.file_name, "people": import.good, "invite": invite }),
        };
        self.0.audit.append(&mut tx, act).await?;
        let running = self.import_in(&mut tx, caller, id).await?;
        tx.commit().await?;
        Ok(running)
    }

    /// Takes over what was asked for, all of it or nothing: a job.
    pub(crate) async fn take_over(&self, id: ImportId) -> Result<()> {
        let inner = &self.0;
        let now = inner.clock.now();
        let mut tx = inner.db.begin().await?;
        let Some(import) = store::import::lock(&mut tx, id).await? else {
            return Ok(());
        };
        if import.state != "running" {
            return Ok(());
        }
        let (by, invite) = (import.actor, import.invite);
        let mut portion = Portion {
            id,
            after: 0,
            until: 0,
            by,
            now,
            expires_at: now + LIFE,
            invite,
        };
        let (mut made, most) = (0, i64::try_from(CHUNK).unwrap_or(i64::MAX));
        while let Some(until) =
            store::import::last_of_next(&mut tx, id, portion.until, most).await?
        {
            (portion.after, portion.until) = (portion.until, until);
            made += store::import::take_over(&mut tx, &portion).await?;
            // Beside the transaction: what it does is seen by nobody before all of it is done.
            let mut beside = inner.db.acquire().await?;
            let through = i32::try_from(made).unwrap_or(i32::MAX);
            store::import::note_progress(&mut beside, id, through, now).await?;
        }
        let count = i32::try_from(made).unwrap_or(i32::MAX);
        store::import::finish(&mut tx, id, "done", count, now).await?;
        if invite {
            let mut after = 0;
            loop {
                let page = store::import::invitations(&mut tx, id, after, 1_000).await?;
                let Some((last, _)) = page.last() else { break };
                after = *last;
                for (_, invitation) in page {
                    kernel::jobs::enqueue(&mut tx, SendInvitation { invitation }).await?;
                }
            }
        }
        let act = Act {
            actor: Some(by),
            action: "users.imported",
            subject: &id.to_string(),
            data: json!({ "file": import.file_name, "people": made, "invite": invite }),
        };
        inner.audit.append(&mut tx, act).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A file on its way in; it is its sender's.
    pub(crate) async fn import(&self, caller: &Principal, id: ImportId) -> Result<Import> {
        caller.require(Permission::UsersWrite)?;
        let mut db = self.0.db.acquire().await?;
        let found = store::import::get(&mut db, id).await?;
        owned(found, caller.user)
    }

    async fn import_in(
        &self,
        tx: &mut PgConnection,
        caller: &Principal,
        id: ImportId,
    ) -> Result<Import> {
        owned(store::import::lock(tx, id).await?, caller.user)
    }

    /// Lines that cannot be taken over.
    pub(crate) async fn import_faults(
        &self,
        caller: &Principal,
        id: ImportId,
        page: &PageQuery,
    ) -> Result<Page<Line>> {
        self.import(caller, id).await?;
        let (limit, after) = (page.limit()?, page.after::<i32>()?.unwrap_or(0));
        let mut db = self.0.db.acquire().await?;
        let rows = store::import::lines(&mut db, id, true, after, limit + 1).await?;
        Ok(Page::of(rows, limit, |row| row.line, |row| row))
    }

    /// The same as a file: every line as it was, and what is wrong with it.
    pub(crate) async fn import_faults_file(
        &self,
        caller: &Principal,
        id: ImportId,
    ) -> Result<Vec<u8>> {
        let import = self.import(caller, id).await?;
        let mut db = self.0.db.acquire().await?;
        let header = ["line", "problem"].map(str::to_owned);
        let mut lines = vec![header.into_iter().chain(import.columns).collect::<Vec<_>>()];
        let most = i64::try_from(crate::model::import::MOST_ROWS).unwrap_or(i64::MAX);
        for row in store::import::lines(&mut db, id, true, 0, most).await? {
            let why = in_words(row.problem.as_deref().unwrap_or_default()).to_owned();
            lines.push(
                [row.line.to_string(), why]
                    .into_iter()
                    .chain(row.cells)
                    .collect(),
            );
        }
        sheet::csv(&lines)
    }
}

impl Read {
    fn add(&mut self, line: &Line, mapping: &Mapping, roles: &HashMap<String, (String, bool)>) {
        let cell = |column: Option<i32>| {
            column
                .and_then(|column| usize::try_from(column).ok())
                .and_then(|column| line.cells.get(column))
                .map_or("", String::as_str)
        };
        let address = cell(Some(mapping.email));
        let mut problem = None;
        let email = Email::parse(address).ok();
        if email.is_none() {
            problem = Some(if address.is_empty() {
                "email_missing"
            } else {
                "email_invalid"
            });
        }
        let named = match cell(mapping.name) {
            "" => address.split('@').next().unwrap_or_default(),
            named => named,
        };
        let name = Name::parse("name", named).ok();
        if name.is_none() {
            problem = problem.or(Some("name_invalid"));
        }
        let wanted = match cell(mapping.role) {
            "" => mapping.default_role.as_str(),
            wanted => wanted,
        };
        let role = roles.get(&wanted.trim().to_lowercase());
        match role {
            None => problem = problem.or(Some("role_unknown")),
            Some((_, false)) => problem = problem.or(Some("role_not_yours")),
            Some((_, true)) => {}
        }
        self.lines.push(line.line);
        self.keys
            .push(email.as_ref().map(|email| email.key.clone()));
        self.emails
            .push(email.map(|email| email.address.as_str().to_owned()));
        self.names.push(name.map(|name| name.as_str().to_owned()));
        self.roles.push(role.map(|(name, _)| name.clone()));
        self.problems.push(problem.map(str::to_owned));
    }
}

fn owned(found: Option<Import>, user: UserId) -> Result<Import> {
    found
        .filter(|import| import.actor == user)
        .ok_or(Error::NotFound("import"))
}

fn through() -> Error {
    Error::conflict(
        "import_over",
        "This file is taken over already. Send it again for another go.",
    )
}
