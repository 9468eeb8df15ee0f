//! Comparing everybody there with everybody here: finds what no webhook said, and mends it
//! where that was asked for.

use super::words;
use crate::{
    HostedStack,
    jobs::Reconcile,
    model::{Connection, HostedId, RunId},
    store::{
        self,
        runs::{Found, Run},
    },
};
use kernel::{
    Error, Permission, Principal, Result,
    audit::Act,
    id::UserId,
    jobs,
    page::{Page, PageQuery},
};
use serde_json::json;
use sqlx::types::Json;

/// The most findings that are kept of one run; the counts go on.
const KEPT: i64 = 1_000;
/// The cursor of a run that has read every page.
const READ: &str = "";

impl HostedStack {
    /// Starts a comparison.
    pub(crate) async fn ask_run(&self, caller: &Principal, mends: bool) -> Result<Run> {
        caller.require(Permission::SystemManage)?;
        self.connected().await?;
        let run = self.start_run(Some(caller.user), mends).await?;
        run.ok_or_else(|| {
            Error::conflict(
                "run_on_its_way",
                "A comparison is on its way already. Wait for its end.",
            )
        })
    }

    pub(crate) async fn start_run(&self, by: Option<UserId>, mends: bool) -> Result<Option<Run>> {
        let (run, now) = (RunId::new(), self.0.clock.now());
        let mut tx = self.0.db.begin().await?;
        if !store::runs::insert(&mut tx, run, mends, by, now).await? {
            return Ok(None);
        }
        jobs::enqueue(&mut tx, Reconcile { run }).await?;
        let made = store::runs::list(&mut tx, Some(run))
            .await?
            .into_iter()
            .next();
        if let Some(by) = by {
            let act = Act {
                actor: Some(by),
                action: "hosted_project.compared",
                subject: &run.to_string(),
                data: json!({ "mends": mends }),
            };
            self.0.audit.append(&mut tx, act).await?;
        }
        tx.commit().await?;
        Ok(made)
    }

    /// The nightly one: a job.
    pub(crate) async fn reconcile_nightly(&self) -> Result<()> {
        if self.connection().await?.is_some() {
            self.start_run(None, true).await?;
        }
        Ok(())
    }

    /// Runs a comparison: a job.
    pub(crate) async fn reconcile(&self, id: RunId, last: bool) -> Result<()> {
        let Some(mut run) = self.run(id).await? else {
            return Ok(());
        };
        let outcome = match self.connection().await? {
            Some(of) => self.compare_all(&of, &mut run).await,
            None => Err(Error::NotFound("hosted project")),
        };
        match outcome {
            Ok(()) => {
                run.finished_at = Some(self.0.clock.now());
                run.problem = None;
                self.save(&run).await
            }
            Err(error) => {
                // As of the last whole page: what came after is counted again.
                if let Some(mut kept) = self.run(id).await? {
                    kept.problem = Some(words(&error));
                    kept.finished_at = last.then(|| self.0.clock.now());
                    self.save(&kept).await?;
                }
                Err(error)
            }
        }
    }

    async fn run(&self, id: RunId) -> Result<Option<Run>> {
        let mut db = self.0.db.acquire().await?;
        let run = store::runs::list(&mut db, Some(id))
            .await?
            .into_iter()
            .next();
        Ok(run.filter(|run| run.finished_at.is_none()))
    }

    async fn save(&self, run: &Run) -> Result<()> {
        let mut db = self.0.db.acquire().await?;
        Ok(store::runs::save(&mut db, run).await?)
    }

    async fn compare_all(&self, of: &Connection, run: &mut Run) -> Result<()> {
        while run.cursor.as_deref() != Some(READ) {
            let look = self.look().await?;
            let (people, next) = self.0.client.people(of, run.cursor.as_deref()).await?;
            let mut ids = Vec::with_capacity(people.len());
            for user in people.into_iter().filter(|user| !user.is_anonymous) {
                let id = user.id;
                ids.push(id.0);
                run.seen += 1;
                let Some(there) = self.0.client.whole(of, user).await? else {
                    continue;
                };
                let found = if run.mends {
                    self.apply(of, id, Some(&there), look).await?.found
                } else {
                    self.differs(of, &there).await?
                };
                self.count(run, found).await?;
            }
            {
                let mut db = self.0.db.acquire().await?;
                store::people::seen(&mut db, of.project, &ids, run.id).await?;
            }
            run.cursor = Some(next.unwrap_or_else(|| READ.to_owned()));
            self.save(run).await?;
        }
        self.look_for_missing(of, run).await
    }

    /// Whom no page named, asked about one by one: only the project's own word counts.
    async fn look_for_missing(&self, of: &Connection, run: &mut Run) -> Result<()> {
        let mut after: Option<HostedId> = None;
        loop {
            let ids = {
                let mut db = self.0.db.acquire().await?;
                store::people::unseen(&mut db, of.project, run.id, run.started_at, after, 100)
                    .await?
            };
            let Some(last) = ids.last() else {
                return Ok(());
            };
            after = Some(*last);
            for id in ids {
                let look = self.look().await?;
                let there = self.0.client.person(of, id).await?;
                let found = match (&there, run.mends) {
                    (_, true) => self.apply(of, id, there.as_ref(), look).await?.found,
                    (Some(there), false) => self.differs(of, there).await?,
                    (None, false) => self.missing(of, id).await?,
                };
                self.count(run, found).await?;
            }
        }
    }

    /// Somebody here who is gone there.
    async fn missing(&self, of: &Connection, id: HostedId) -> Result<Option<Found>> {
        let mut tx = self.0.db.begin().await?;
        let known = store::people::get(&mut tx, of.project, id).await?;
        let Some(user) = known.and_then(|known| known.user) else {
            return Ok(None);
        };
        let here = self.0.people.here(&mut tx, user).await?;
        Ok(here.filter(|here| !here.deleted).map(|here| Found {
            hosted_id: id,
            user_id: Some(user),
            kind: "missing_there".to_owned(),
            name: Some(here.name),
            email: Some(here.email),
            fields: Json(Vec::new()),
            mended: false,
            problem: None,
        }))
    }

    async fn count(&self, run: &mut Run, found: Option<Found>) -> Result<()> {
        let Some(found) = found else { return Ok(()) };
        let before = run.missing_here + run.missing_there + run.differing;
        *match found.kind.as_str() {
            "missing_here" => &mut run.missing_here,
            "missing_there" => &mut run.missing_there,
            _ => &mut run.differing,
        } += 1;
        run.mended += i64::from(found.mended);
        if before < KEPT {
            let mut db = self.0.db.acquire().await?;
            store::runs::find(&mut db, run.id, &found).await?;
        }
        Ok(())
    }

    /// The latest comparisons.
    pub(crate) async fn runs(&self, caller: &Principal) -> Result<Vec<Run>> {
        caller.require(Permission::SystemRead)?;
        let mut db = self.0.db.acquire().await?;
        Ok(store::runs::list(&mut db, None).await?)
    }

    /// What one found.
    pub(crate) async fn drift(
        &self,
        caller: &Principal,
        run: RunId,
        page: &PageQuery,
    ) -> Result<Page<Found>> {
        caller.require(Permission::SystemRead)?;
        let (limit, after) = (page.limit()?, page.after::<HostedId>()?);
        let mut db = self.0.db.acquire().await?;
        if store::runs::list(&mut db, Some(run)).await?.is_empty() {
            return Err(Error::NotFound("comparison"));
        }
        let rows = store::runs::drift(&mut db, run, after, limit + 1).await?;
        Ok(Page::of(rows, limit, |row| row.hosted_id, |row| row))
    }
}
