//! The verbs: ask for a mail, deliver it, send it again by hand.

use anyhow::{Context, anyhow};
use sqlx::{PgConnection, PgPool};
use std::{fmt, sync::Arc, time::Duration};

use super::{
    compose::compose,
    config::MailConfig,
    model::{Address, Delivery, Mail, MailId, Seal, State},
    smtp::{self, Failure, Slot, Smtp},
    store::{self, Claimed, NewRow},
    templates::{Rendered, Templates},
};
use crate::{
    clock::Clock,
    error::{Error, Result},
};

/// How long a claim lasts: all that an attempt may take, and time to write its end down.
const LEASE: Duration = smtp::LONGEST.saturating_add(Duration::from_mins(1));

/// Writes mails down and delivers them. Cheap to clone.
#[derive(Clone)]
pub struct Mailer(Arc<Inner>);

struct Inner {
    db: PgPool,
    config: MailConfig,
    relay: Option<Smtp>,
    templates: Templates,
    seal: Option<Arc<dyn Seal>>,
    clock: Clock,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer")
            .field("relay", &self.0.relay)
            .finish_non_exhaustive()
    }
}

impl Mailer {
    /// Fails if the configuration cannot work, saying what to mend. Connects to nothing yet.
    /// Without `seal` the bodies of waiting mails lie readable in the database.
    pub fn new(
        db: PgPool,
        config: MailConfig,
        seal: Option<Arc<dyn Seal>>,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let relay = config.relay()?.map(Smtp::new);
        let folder = config.texts.as_deref();
        let templates = Templates::load(&config.product_name, &config.public_url, folder)?;
        Ok(Self(Arc::new(Inner {
            db,
            config,
            relay,
            templates,
            seal,
            clock,
        })))
    }

    /// Whether mails are kept for the viewer instead of being sent.
    pub fn captures(&self) -> bool {
        self.0.relay.is_none()
    }

    /// Writes a mail down in the caller's transaction. `None`: its cause has one already.
    /// On `Some` the caller enqueues, in the same transaction, the job that delivers it.
    pub async fn enqueue(&self, tx: &mut PgConnection, mail: &Mail) -> Result<Option<MailId>> {
        if !(1..=200).contains(&mail.cause.chars().count()) {
            return Err(anyhow!("a mail's cause has 1 to 200 characters: {:?}", mail.cause).into());
        }
        let rendered = self.worded(tx, mail.template, &mail.vars).await?;
        let shown = hidden(&rendered.subject, &mail.vars);
        self.write_down(tx, &mail.cause, &mail.to, rendered, shown)
            .await
    }

    /// Writes down what is finished; `shown` is the subject without what must not be read.
    pub(super) async fn write_down(
        &self,
        tx: &mut PgConnection,
        cause: &str,
        to: &Address,
        rendered: Rendered,
        shown: Option<String>,
    ) -> Result<Option<MailId>> {
        let inner = &self.0;
        let id = MailId::new();
        let (html, text) = match &inner.seal {
            Some(seal) => (
                seal.seal(id.0, rendered.html.as_bytes())?,
                seal.seal(id.0, rendered.text.as_bytes())?,
            ),
            None => (rendered.html, rendered.text),
        };
        let (subject, subject_sealed) = match (&inner.seal, shown) {
            (Some(seal), Some(shown)) => {
                let whole = seal.seal(id.0, rendered.subject.as_bytes())?;
                (shown, Some(whole))
            }
            _ => (rendered.subject, None),
        };
        let row = NewRow {
            id,
            cause,
            recipient: to.as_str(),
            subject: &subject,
            subject_sealed: subject_sealed.as_deref(),
            html: &html,
            text: &text,
            sealed: inner.seal.is_some(),
            created_at: inner.clock.now(),
        };
        Ok(store::insert(tx, &row).await?.then_some(id))
    }

    /// Delivers a mail: the body of a job. `Ok` means that the job is done, whatever came
    /// of the mail; `Err` that it is to be run again later.
    pub async fn deliver(&self, id: MailId) -> Result<Delivery> {
        let inner = &self.0;
        let Some(relay) = &inner.relay else {
            let mut db = inner.db.acquire().await?;
            if store::caught(&mut db, id, inner.clock.now()).await? {
                return Ok(Delivery::Caught);
            }
            return self.not_queued(&mut db, id).await;
        };
        let slot = relay.slot().await?;
        let claimed = {
            let mut db = inner.db.acquire().await?;
            match store::claim(&mut db, id, inner.clock.now() + LEASE).await? {
                Some(claimed) => claimed,
                None => return self.not_queued(&mut db, id).await,
            }
        };
        let attempt = claimed.attempt;
        let outcome = self.attempt(&slot, id, claimed).await;
        drop(slot);
        self.settle(id, attempt, outcome).await
    }

    /// Queues a mail again that failed, was caught, or may not have arrived. On `Ok` the
    /// caller enqueues, in the same transaction, the job that delivers it.
    pub async fn resend(&self, tx: &mut PgConnection, id: MailId) -> Result<()> {
        if store::requeue(tx, id).await? {
            return Ok(());
        }
        match store::state(tx, id).await? {
            None => Err(Error::NotFound("mail")),
            Some(_) => Err(Error::conflict(
                "mail_not_resendable",
                "This mail has been sent, or is being sent.",
            )),
        }
    }

    /// Which mails went to an address, without their words: those are not kept.
    pub async fn sent_to(&self, address: &str) -> Result<serde_json::Value> {
        let mut db = self.0.db.acquire().await?;
        Ok(store::sent_to(&mut db, address).await?)
    }

    /// Forgets the mails that went to an address, for somebody who leaves.
    pub async fn forget(&self, address: &str) -> Result<()> {
        let mut db = self.0.db.acquire().await?;
        store::forget(&mut db, address).await?;
        Ok(())
    }

    async fn not_queued(&self, db: &mut PgConnection, id: MailId) -> Result<Delivery> {
        let why = "The attempt ended without an answer; the mail may have been sent.";
        if store::abandon(db, id, self.0.clock.now(), why).await? {
            tracing::warn!(mail = %id, "a mail may or may not have been sent");
            return Ok(Delivery::Uncertain);
        }
        match store::state(db, id).await? {
            None => Ok(Delivery::Gone),
            // Another worker has it, or had it a moment ago: its end is to be waited for.
            Some(State::Sending | State::Queued) => {
                Err(Error::Unavailable("This mail is being sent."))
            }
            Some(State::Uncertain) => Ok(Delivery::Uncertain),
            Some(state) => Ok(Delivery::Settled(state)),
        }
    }

    async fn attempt(&self, slot: &Slot<'_>, id: MailId, claimed: Claimed) -> Result<(), Failure> {
        let inner = &self.0;
        let (to, message) = self.message(id, claimed).map_err(Failure::Retry)?;
        slot.send(inner.config.from.wire(), to.wire(), &message)
            .await
    }

    fn message(&self, id: MailId, claimed: Claimed) -> anyhow::Result<(Address, Vec<u8>)> {
        let inner = &self.0;
        let to = Address::parse(&claimed.recipient)?;
        let rendered = Rendered {
            subject: self.subject(id, claimed.subject, claimed.subject_sealed)?,
            html: self.opened(id, claimed.sealed, claimed.html)?,
            text: self.opened(id, claimed.sealed, claimed.text)?,
        };
        let message = compose(&inner.config, id, &to, rendered, claimed.created_at)?;
        Ok((to, message))
    }

    async fn settle(
        &self,
        id: MailId,
        attempt: i32,
        outcome: Result<(), Failure>,
    ) -> Result<Delivery> {
        let mut db = self.0.db.acquire().await?;
        let (state, cause) = match outcome {
            Ok(()) => {
                store::sent(&mut db, id, attempt, self.0.clock.now()).await?;
                return Ok(Delivery::Sent);
            }
            Err(Failure::Retry(cause)) => (State::Queued, cause),
            Err(Failure::Refused(cause)) => (State::Failed, cause),
            Err(Failure::Unknown(cause)) => (State::Uncertain, cause),
        };
        let text: String = super::model::one_line(&format!("{cause:#}"))
            .chars()
            .take(500)
            .collect();
        store::ended(&mut db, id, attempt, state, &text).await?;
        tracing::warn!(mail = %id, attempt, state = state.as_str(), error = text, "a mail was not sent");
        match state {
            State::Queued => Err(cause
                .context("the mail was not sent and stays queued")
                .into()),
            State::Failed => Ok(Delivery::Failed),
            _ => Ok(Delivery::Uncertain),
        }
    }

    /// The subject as it is sent.
    pub(super) fn subject(
        &self,
        id: MailId,
        shown: String,
        sealed: Option<String>,
    ) -> anyhow::Result<String> {
        match sealed {
            Some(_) => self.opened(id, true, sealed),
            None => Ok(shown),
        }
    }

    pub(super) fn opened(
        &self,
        id: MailId,
        sealed: bool,
        body: Option<String>,
    ) -> anyhow::Result<String> {
        let body = body.context("the mail's body is gone")?;
        match (&self.0.seal, sealed) {
            (_, false) => Ok(body),
            (Some(seal), true) => Ok(String::from_utf8(seal.open(id.0, &body)?)?),
            (None, true) => Err(anyhow!("the mail's body is encrypted and there is no key")),
        }
    }

    pub(super) fn db(&self) -> &PgPool {
        &self.0.db
    }

    pub(super) fn config(&self) -> &MailConfig {
        &self.0.config
    }

    pub(super) fn templates(&self) -> &Templates {
        &self.0.templates
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }
}

/// A subject without the one-time code in it, if there is one in it.
fn hidden(subject: &str, vars: &serde_json::Value) -> Option<String> {
    let code = vars["code"].as_str().filter(|code| !code.is_empty())?;
    let dots = "•".repeat(code.chars().count());
    subject.contains(code).then(|| subject.replace(code, &dots))
}
