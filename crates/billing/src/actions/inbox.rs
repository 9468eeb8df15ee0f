//! Web hooks: kept for what they are about, applied by a job. What got lost is fetched.

use crate::{
    Billing,
    jobs::FollowEvent,
    model::payments::{About, KINDS},
    store,
    stripe::{
        objects::{Event, List},
        signature,
    },
};
use axum::http::{HeaderMap, StatusCode};
use kernel::{Error, Result, jobs, vault::Context};
use sqlx::PgConnection;
use time::Duration;

/// The largest web hook.
const LARGEST: usize = 1024 * 1024;
/// How far back lost web hooks are looked for, before the look before: clocks differ.
const BEFORE: Duration = Duration::minutes(10);
/// How far back they are looked for the first time: as long as Stripe keeps events.
const ALL: Duration = Duration::days(30);
/// How long web hooks are kept.
const KEPT: Duration = Duration::days(90);

impl Billing {
    /// Keeps a web hook whose signature is good. One that came before changes nothing.
    pub(crate) async fn receive(&self, headers: &HeaderMap, body: &[u8]) -> Result<()> {
        if body.len() > LARGEST {
            return Err(unreadable(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"));
        }
        let secrets = self.secrets().await?;
        let secrets = secrets.iter().map(Vec::as_slice);
        signature::check(headers, body, secrets, self.0.clock.now())?;
        let event: Event = serde_json::from_slice(body)
            .map_err(|_| unreadable(StatusCode::BAD_REQUEST, "event_unreadable"))?;
        if event.livemode {
            // Nothing here is paid with real money yet: such an event is not ours.
            return Err(unreadable(StatusCode::BAD_REQUEST, "event_of_live_mode"));
        }
        let mut tx = self.0.db.begin().await?;
        self.keep(&mut tx, &event).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn secrets(&self) -> Result<Vec<Vec<u8>>> {
        let sealed = {
            let mut db = self.0.db.acquire().await?;
            store::events::endpoints(&mut db).await?
        };
        let opened = sealed.iter().map(|(id, secret)| {
            let secret = self.0.vault.open(endpoint(id), secret);
            Ok(secret.map_err(anyhow::Error::new)?.to_vec())
        });
        opened.collect()
    }

    async fn keep(&self, tx: &mut PgConnection, event: &Event) -> Result<bool> {
        let new = store::events::insert(tx, event, self.0.clock.now()).await?;
        if new && About::of(event).is_some() {
            let event = event.id.clone();
            jobs::enqueue(tx, FollowEvent { event }).await?;
        }
        Ok(new)
    }

    /// Fetches web hooks that did not come, and forgets old ones: a job. How many had not.
    pub(crate) async fn catch_up(&self) -> Result<usize> {
        let Some(stripe) = &self.0.stripe else {
            return Ok(0);
        };
        let now = self.0.clock.now();
        let since = {
            let mut db = self.0.db.acquire().await?;
            store::events::sweep(&mut db, now - KEPT).await?;
            let looked = store::events::looked(&mut db).await?;
            looked.map_or(now - ALL, |looked| looked - BEFORE)
        };
        let since = since.unix_timestamp().to_string();
        let mut missed = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let mut query = vec![("created[gte]", since.as_str()), ("limit", "100")];
            query.extend(KINDS.iter().map(|&kind| ("types[]", kind)));
            query.extend(after.as_deref().map(|id| ("starting_after", id)));
            let page: List<Event> = stripe.get("events", &query).await?;
            after = page.data.last().map(|event| event.id.clone());
            let more = page.has_more;
            missed.extend(page.data);
            if !more {
                break;
            }
        }
        let mut new = 0;
        // The oldest first, as they would have come.
        for event in missed.iter().rev() {
            let mut tx = self.0.db.begin().await?;
            new += usize::from(self.keep(&mut tx, event).await?);
            tx.commit().await?;
        }
        let mut db = self.0.db.acquire().await?;
        store::events::look(&mut db, now).await?;
        if new > 0 {
            tracing::info!(new, "web hooks of the payment provider had not come");
        }
        Ok(new)
    }
}

/// Where a secret of web hooks is sealed to.
pub(super) fn endpoint(id: &str) -> Context<'_> {
    Context {
        table: "billing.provider_endpoints",
        column: "secret_sealed",
        row: id.as_bytes(),
    }
}

fn unreadable(status: StatusCode, code: &'static str) -> Error {
    Error::Unreadable {
        status,
        code,
        detail: "This is no event that is taken here.".to_owned(),
    }
}
