//! One act on many people: settled at once, done in batches by a job, each refusal kept with
//! its reason. What one person may not be done, is not done to them in a crowd either.

use crate::{
    Identity,
    jobs::ActInBulk,
    model::{
        Status,
        bulk::{Bulk, BulkAction, BulkRun, Refusal, Whom},
        people::{After, Text},
        permission_set,
        search::Found,
    },
    store,
};
use kernel::{
    Error, Permission, Principal, Result,
    audit::Act,
    id::{SessionId, UserId},
    jobs,
    page::{Page, PageQuery},
};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

/// People done in one transaction.
const BATCH: i64 = 100;
/// The most that may be picked by hand; more are meant by a filter.
const PICKED: usize = 1_000;

impl Identity {
    /// Settles who is meant and starts the run. `expected` is the number that was shown
    /// and confirmed: if others are meant by now, nothing is done.
    pub(crate) async fn start_bulk(&self, caller: &Principal, bulk: &Bulk) -> Result<BulkRun> {
        caller.require(bulk.action.needs())?;
        if matches!(bulk.action, BulkAction::Delete | BulkAction::Grant) {
            self.require_recent(caller)?;
        }
        let run = Uuid::now_v7();
        let mut tx = self.0.db.begin_planned().await?;
        self.checked(&mut tx, caller, bulk).await?;
        let (action, argument) = (bulk.action.as_str(), bulk.argument.as_deref());
        self.insert_run(&mut tx, caller, run, (action, argument))
            .await?;
        let settled = match &bulk.whom {
            Whom::Picked(people) => {
                if people.len() > PICKED {
                    let message = "Pick at most 1,000 people, or choose all who match.";
                    return Err(Error::field("people", "too_many", message));
                }
                store::bulk::pick(&mut tx, run, people).await?
            }
            Whom::Matching { filter, but } => match super::search::look(&mut tx, filter).await? {
                Found::Beginning(beginning, _) => {
                    store::words::settle(&mut tx, &beginning, run, but).await?
                }
                found => store::people::settle(&mut tx, filter, &found, run, but).await?,
            },
        };
        if settled == 0 {
            return Err(Error::conflict("nobody_meant", "Nobody fits any more."));
        }
        let total = i32::try_from(settled)
            .map_err(|_| Error::field("people", "too_many", "These are too many at once."))?;
        if bulk
            .expected
            .is_some_and(|expected| expected != i64::from(total))
        {
            return Err(Error::conflict(
                "count_changed",
                format!("{total} people are meant by now. Look again, then confirm."),
            ));
        }
        store::bulk::set_total(&mut tx, run, total).await?;
        jobs::enqueue(&mut tx, ActInBulk { run }).await?;
        let act = Act {
            actor: Some(caller.user),
            action: "users.bulk_started",
            subject: &run.to_string(),
            data: json!({ "action": action, "argument": argument, "people": total }),
        };
        self.0.audit.append(&mut tx, act).await?;
        let made = store::bulk::get(&mut tx, run)
            .await?
            .ok_or(Error::NotFound("run"))?;
        tx.commit().await?;
        Ok(made)
    }

    /// Refuses what would be refused for each of them, before anything is begun.
    async fn checked(&self, tx: &mut PgConnection, caller: &Principal, bulk: &Bulk) -> Result<()> {
        let argument = bulk.argument.as_deref().unwrap_or_default();
        match bulk.action {
            BulkAction::Suspend => Text::parse("reason", argument, 500).map(|_| ()),
            BulkAction::Grant | BulkAction::Revoke => self
                .grantable(tx, caller, argument, "role")
                .await
                .map(|_| ()),
            BulkAction::Restore | BulkAction::Delete | BulkAction::SignOut => Ok(()),
        }
    }

    /// How far a run has come.
    pub(crate) async fn bulk_run(&self, caller: &Principal, run: Uuid) -> Result<BulkRun> {
        caller.require(Permission::UsersRead)?;
        let mut db = self.0.db.acquire().await?;
        let found = store::bulk::get(&mut db, run).await?;
        found
            .filter(|found| found.actor == caller.user || caller.can(Permission::AuditRead))
            .ok_or(Error::NotFound("run"))
    }

    /// Whom a run was not done to, and why.
    pub(crate) async fn bulk_refusals(
        &self,
        caller: &Principal,
        run: Uuid,
        page: &PageQuery,
    ) -> Result<Page<Refusal>> {
        self.bulk_run(caller, run).await?;
        let (limit, after) = (page.limit()?, page.after::<UserId>()?);
        let mut db = self.0.db.acquire().await?;
        let rows = store::bulk::refusals(&mut db, run, after, limit + 1).await?;
        Ok(Page::of(rows, limit, |row| row.user, |row| row))
    }

    /// Takes back what a run did, where that can be taken back: another run over those to
    /// whom it was done.
    pub(crate) async fn undo_bulk(&self, caller: &Principal, run: Uuid) -> Result<BulkRun> {
        let done = self.bulk_run(caller, run).await?;
        let action = BulkAction::parse(&done.action)
            .and_then(BulkAction::undone_by)
            .ok_or_else(|| Error::conflict("not_undoable", "This cannot be taken back."))?;
        caller.require(action.needs())?;
        if done.finished_at.is_none() {
            return Err(Error::conflict(
                "still_running",
                "Wait until it is through.",
            ));
        }
        let argument = match action {
            BulkAction::Suspend => Some("Taken back".to_owned()),
            _ => done.argument.clone(),
        };
        let back = Uuid::now_v7();
        let mut tx = self.0.db.begin().await?;
        let name = action.as_str();
        self.insert_run(&mut tx, caller, back, (name, argument.as_deref()))
            .await?;
        let settled = store::bulk::settle_done(&mut tx, back, run).await?;
        let total = i32::try_from(settled).unwrap_or(i32::MAX);
        store::bulk::set_total(&mut tx, back, total).await?;
        jobs::enqueue(&mut tx, ActInBulk { run: back }).await?;
        let act = Act {
            actor: Some(caller.user),
            action: "users.bulk_undone",
            subject: &back.to_string(),
            data: json!({ "action": name, "undoes": run, "people": total }),
        };
        self.0.audit.append(&mut tx, act).await?;
        let made = store::bulk::get(&mut tx, back)
            .await?
            .ok_or(Error::NotFound("run"))?;
        tx.commit().await?;
        Ok(made)
    }

    /// Carries a run out, batch by batch: a job. What was done before a crash stays done
    /// and is not done again.
    pub(crate) async fn act_in_bulk(&self, run: Uuid) -> Result<()> {
        loop {
            let mut tx = self.0.db.begin().await?;
            let Some(found) = store::bulk::lock(&mut tx, run).await? else {
                return Ok(());
            };
            if found.finished_at.is_some() {
                return Ok(());
            }
            let batch = store::bulk::open(&mut tx, run, BATCH).await?;
            let now = self.0.clock.now();
            if batch.is_empty() {
                store::bulk::finish(&mut tx, run, now).await?;
                tx.commit().await?;
                return Ok(());
            }
            // Whoever asked for it must still be allowed to, at each batch.
            let caller = self.acting_for(&mut tx, &found).await?;
            let mut told = Vec::new();
            let (mut done, mut refused) = (0, 0);
            for user in batch {
                match self
                    .one_of_many(&mut tx, caller.as_ref(), &found, user)
                    .await
                {
                    Ok(after) => {
                        done += 1;
                        told.push(after);
                        store::bulk::outcome(&mut tx, run, user, "done", None).await?;
                    }
                    Err(error) => {
                        let Some((code, detail)) = error.refusal() else {
                            return Err(error);
                        };
                        refused += 1;
                        store::bulk::outcome(&mut tx, run, user, code, Some(&detail)).await?;
                    }
                }
            }
            store::bulk::advance(&mut tx, run, done, refused).await?;
            tx.commit().await?;
            for after in told {
                self.tell(after);
            }
        }
    }

    async fn one_of_many(
        &self,
        tx: &mut PgConnection,
        caller: Option<&Principal>,
        run: &BulkRun,
        user: UserId,
    ) -> Result<After> {
        let gone = || Error::forbidden("permission_missing", "Whoever asked for it no longer may.");
        let caller = caller.ok_or_else(gone)?;
        let action = BulkAction::parse(&run.action).ok_or(Error::NotFound("action"))?;
        caller.require(action.needs())?;
        let argument = run.argument.as_deref().unwrap_or_default();
        match action {
            BulkAction::Suspend => {
                let reason = Text::parse("reason", argument, 500)?;
                self.suspend_in(tx, caller, user, &reason).await
            }
            BulkAction::Restore => self.restore_in(tx, caller, user).await,
            BulkAction::Delete => self.delete_in(tx, caller, user).await,
            BulkAction::SignOut => self.sign_out_in(tx, caller, user, None).await,
            BulkAction::Grant => self.grant_in(tx, caller, user, argument).await,
            BulkAction::Revoke => self.revoke_in(tx, caller, user, argument).await,
        }
    }

    /// Who asked for a job, with the rights that they have now; nobody if they may no longer
    /// sign in.
    async fn acting_for(&self, tx: &mut PgConnection, run: &BulkRun) -> Result<Option<Principal>> {
        let Some(found) = store::standing::lock(tx, run.actor).await? else {
            return Ok(None);
        };
        let asked_with = permission_set(&run.permissions);
        Ok((found.status == Status::Active).then(|| Principal {
            user: found.id,
            session: SessionId(Uuid::nil()),
            permissions: permission_set(&found.permissions).and(asked_with),
            authenticated_at: run.created_at,
            second_factor_due: false,
            acting: None,
        }))
    }

    async fn insert_run(
        &self,
        tx: &mut PgConnection,
        caller: &Principal,
        run: Uuid,
        what: (&str, Option<&str>),
    ) -> Result<()> {
        let permissions: Vec<String> = caller
            .permissions
            .iter()
            .map(|one| one.as_str().to_owned())
            .collect();
        let (who, now) = ((caller.user, permissions.as_slice()), self.0.clock.now());
        Ok(store::bulk::insert(tx, run, who, what, now).await?)
    }
}
