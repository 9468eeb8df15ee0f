//! Webhooks: kept as they came, applied by a job.

use super::words;
use crate::{
    HostedStack,
    jobs::ApplyEvent,
    model::Told,
    signature,
    store::{self, inbox::Event},
};
use http::{HeaderMap, StatusCode};
use kernel::{
    Error, Permission, Principal, Result,
    audit::Act,
    jobs,
    page::{Page, PageQuery},
};
use serde_json::json;
use time::{Duration, OffsetDateTime};

/// How long settled webhooks and comparisons are kept.
const KEPT: Duration = Duration::days(90);
/// The largest webhook.
const LARGEST: usize = 256 * 1024;

impl HostedStack {
    /// Keeps a delivery whose signature is good. One that came before changes nothing.
    pub(crate) async fn take(&self, headers: &HeaderMap, body: &[u8]) -> Result<()> {
        let of = self.connected().await?;
        if body.len() > LARGEST {
            return Err(unreadable(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"));
        }
        let now = self.0.clock.now();
        let signed = signature::check(headers, body, &of.webhook_secrets, now)?;
        let text = std::str::from_utf8(body).ok();
        let read = text.and_then(|text| Some((text, Told::parse(text)?)));
        let Some((text, told)) = read else {
            return Err(unreadable(StatusCode::BAD_REQUEST, "event_unreadable"));
        };
        let mut tx = self.0.db.begin().await?;
        let new = store::inbox::insert(&mut tx, signed.id, &told, text, signed.at, now).await?;
        if new && (told.about.is_some() || told.concerns_all) {
            let event = signed.id.to_owned();
            jobs::enqueue(&mut tx, ApplyEvent { event }).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Applies a webhook: a job.
    pub(crate) async fn apply_event(&self, event: &str, last: bool) -> Result<()> {
        let body = {
            let mut db = self.0.db.acquire().await?;
            store::inbox::open(&mut db, event).await?
        };
        let Some(told) = body.as_deref().and_then(Told::parse) else {
            return Ok(());
        };
        let outcome = self.react(&told).await;
        let (state, problem) = match &outcome {
            Ok(state) => (*state, None),
            Err(error) if last => ("failed", Some(words(error))),
            Err(error) => ("waiting", Some(words(error))),
        };
        let mut db = self.0.db.acquire().await?;
        let now = self.0.clock.now();
        store::inbox::settle(&mut db, event, state, problem.as_deref(), now).await?;
        outcome.map(|_| ())
    }

    async fn react(&self, told: &Told) -> Result<&'static str> {
        let Some(of) = self.connection().await? else {
            return Ok("ignored");
        };
        if let Some(about) = told.about {
            self.follow(&of, about).await?;
        } else if told.concerns_all {
            // If a comparison is on its way, the nightly one sees to it.
            self.start_run(None, true).await?;
        }
        Ok("applied")
    }

    /// The webhooks, the latest first.
    pub(crate) async fn events(
        &self,
        caller: &Principal,
        state: Option<&str>,
        page: &PageQuery,
    ) -> Result<Page<Event>> {
        caller.require(Permission::SystemRead)?;
        let (limit, after) = (page.limit()?, page.after::<(OffsetDateTime, String)>()?);
        let mut db = self.0.db.acquire().await?;
        let rows = store::inbox::list(&mut db, state, after, limit + 1).await?;
        let place = |row: &Event| (row.received_at, row.id.clone());
        Ok(Page::of(rows, limit, place, |row| row))
    }

    /// Tries a webhook again that failed for good.
    pub(crate) async fn retry_event(&self, caller: &Principal, event: &str) -> Result<()> {
        caller.require(Permission::SystemManage)?;
        let mut tx = self.0.db.begin().await?;
        if !store::inbox::again(&mut tx, event).await? {
            return Err(Error::NotFound("failed webhook"));
        }
        let job = ApplyEvent {
            event: event.to_owned(),
        };
        jobs::enqueue(&mut tx, job).await?;
        let act = Act {
            actor: Some(caller.user),
            action: "hosted_event.retried",
            subject: event,
            data: json!({}),
        };
        self.0.audit.append(&mut tx, act).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Forgets what is long settled: a job.
    pub(crate) async fn sweep_inbox(&self) -> Result<()> {
        let before = self.0.clock.now() - KEPT;
        let mut db = self.0.db.acquire().await?;
        store::inbox::sweep(&mut db, before).await?;
        store::runs::sweep(&mut db, before).await?;
        Ok(())
    }
}

fn unreadable(status: StatusCode, code: &'static str) -> Error {
    Error::Unreadable {
        status,
        code,
        detail: "This is no event of Stack Auth.".to_owned(),
    }
}
