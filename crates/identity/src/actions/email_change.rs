//! Another address for an account: asked for with a fresh proof, agreed to from both
//! addresses, and taken back from the old one for a week.
//!
//! Whoever asks never learns whether the new address has an account: its owner is told, and
//! nothing comes of the change.

use crate::{
    Identity,
    model::{
        Email,
        email_change::{
            ChangeId, EmailChange, EmailChangeAsked, EmailChanged, LinkKind, LinkOutcome, Side,
        },
        security::{Kind, SecurityEvent},
    },
    secrets::{self, Token},
    store,
};
use kernel::{
    Error, Principal, Result,
    id::SessionId,
    limits::Quota,
    mail::{Mail, Template},
};
use serde_json::json;
use sqlx::PgConnection;
use std::time::Duration;

/// How long both sides have.
const LIFE: time::Duration = time::Duration::days(2);
/// For how long the old address can take it back.
const UNDO: time::Duration = time::Duration::days(7);

impl Identity {
    /// The change that waits for the caller, if one does.
    pub async fn email_change(&self, caller: &Principal) -> Result<Option<EmailChange>> {
        let mut db = self.0.db.acquire().await?;
        Ok(store::email_changes::open(&mut db, caller.user, self.0.clock.now()).await?)
    }

    /// Asks for another address; one that was asked for before is given up.
    pub async fn ask_email_change(&self, caller: &Principal, new: &Email) -> Result<()> {
        self.require_recent(caller)?;
        let (user, now) = (caller.user, self.0.clock.now());
        let quota = Quota {
            burst: 5,
            every: Duration::from_mins(20),
        };
        let limit = format!("email-change:{user}");
        self.0.limits.take(&limit, quota).await?;
        let mut tx = self.0.db.begin().await?;
        let account = store::accounts::get(&mut tx, user)
            .await?
            .ok_or(Error::Unauthenticated)?;
        if Email::parse(&account.email)?.key == new.key {
            return Err(Error::field(
                "email",
                "unchanged",
                "This is the address that you have.",
            ));
        }
        let change = ChangeId::new();
        store::email_changes::insert(&mut tx, change, user, new, now, now + LIFE).await?;
        let event = EmailChangeAsked { user, change };
        self.0.events.append(&mut tx, Some(user), &event).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Gives up the change that waits.
    pub async fn drop_email_change(&self, caller: &Principal) -> Result<()> {
        let mut db = self.0.db.acquire().await?;
        let now = self.0.clock.now();
        if store::email_changes::end_open(&mut db, caller.user, now).await? {
            return Ok(());
        }
        Err(Error::NotFound("change of address"))
    }

    /// Writes the two mails that ask: a job.
    pub(crate) async fn send_email_change(&self, id: ChangeId) -> Result<()> {
        let mut tx = self.0.db.begin().await?;
        let Some(change) = store::email_changes::get(&mut tx, id).await? else {
            return Ok(());
        };
        if change.done_at.is_some() || change.ended_at.is_some() {
            return Ok(());
        }
        let ask = Template::EmailChangeOld;
        self.write(
            &mut tx,
            &change,
            LinkKind::ConfirmOld,
            ask,
            &change.old_email,
        )
        .await?;
        let new = Email::parse(&change.new_email)?;
        if let Some((owner, true)) = store::accounts::by_email(&mut tx, &new).await? {
            let cause = format!("email-change-taken:{id}");
            tx.commit().await?;
            return self.send_already_registered(owner, &cause).await;
        }
        // An account that nobody proved is nobody's: the change decides later.
        let ask = Template::EmailChangeNew;
        self.write(
            &mut tx,
            &change,
            LinkKind::ConfirmNew,
            ask,
            &change.new_email,
        )
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Tells both addresses that it came about, the old one with the way back: a job.
    pub(crate) async fn send_email_changed(&self, id: ChangeId) -> Result<()> {
        let mut tx = self.0.db.begin().await?;
        let Some(change) = store::email_changes::get(&mut tx, id).await? else {
            return Ok(());
        };
        if change.ended_at.is_some() {
            return Ok(());
        }
        let told = Template::EmailChangedUndo;
        self.write(&mut tx, &change, LinkKind::Undo, told, &change.old_email)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// One mail with one link, once.
    async fn write(
        &self,
        tx: &mut PgConnection,
        change: &EmailChange,
        kind: LinkKind,
        template: Template,
        to: &str,
    ) -> Result<()> {
        let token = Token::new()?;
        let mail = Mail {
            cause: format!("{}:{}", kind.purpose(), change.id),
            to: Email::parse(to)?.address,
            template,
            vars: json!({ "name": change.name, "old": change.old_email, "new": change.new_email,
                "link": self.link("/email-change", &token.text) }),
        };
        let now = self.0.clock.now();
        let until = match kind {
            LinkKind::Undo => now + UNDO,
            _ => change.expires_at,
        };
        if let Some(mail) = self.0.mailer.enqueue(tx, &mail).await? {
            let purpose = kind.purpose();
            store::email_changes::insert_token(tx, &token.hash, purpose, change, until).await?;
            kernel::jobs::enqueue(tx, kernel::mail::SendMail { mail }).await?;
        }
        Ok(())
    }

    /// What a link is for; following it is another verb, because mail scanners open links.
    pub async fn look_at_email_link(&self, token: &str) -> Result<(LinkKind, EmailChange)> {
        let mut db = self.0.db.acquire().await?;
        let (kind, id) = self.email_link(&mut db, token).await?;
        let change = store::email_changes::get(&mut db, id).await?;
        let change = change.ok_or_else(stale_link)?;
        stands(kind, &change)?;
        Ok((kind, change))
    }

    async fn email_link(&self, db: &mut PgConnection, token: &str) -> Result<(LinkKind, ChangeId)> {
        let (hash, now) = (secrets::hash(token), self.0.clock.now());
        let (purpose, id) = store::email_changes::of_token(db, &hash, now)
            .await?
            .ok_or_else(stale_link)?;
        let kind = LinkKind::of(&purpose).ok_or_else(stale_link)?;
        Ok((kind, id))
    }

    /// Follows a link.
    pub async fn follow_email_link(&self, token: &str) -> Result<LinkOutcome> {
        let now = self.0.clock.now();
        let mut tx = self.0.db.begin().await?;
        let (kind, id) = self.email_link(&mut tx, token).await?;
        let change = store::email_changes::lock(&mut tx, id).await?;
        let change = change.ok_or_else(stale_link)?;
        stands(kind, &change)?;
        let hash = secrets::hash(token);
        if !store::tokens::consume(&mut tx, &hash, kind.purpose(), now).await? {
            return Err(stale_link());
        }
        let (outcome, ended) = match kind {
            LinkKind::ConfirmOld => (self.agree(&mut tx, &change, Side::Old).await?, Vec::new()),
            LinkKind::ConfirmNew => (self.agree(&mut tx, &change, Side::New).await?, Vec::new()),
            LinkKind::Undo => (LinkOutcome::Undone, self.undo(&mut tx, &change).await?),
        };
        tx.commit().await?;
        self.sessions_over(&ended);
        Ok(outcome)
    }

    async fn agree(
        &self,
        tx: &mut PgConnection,
        change: &EmailChange,
        side: Side,
    ) -> Result<LinkOutcome> {
        let (user, now) = (change.user, self.0.clock.now());
        store::email_changes::confirm(tx, change.id, side, now).await?;
        let other = match side {
            Side::Old => (change.new_confirmed_at, LinkOutcome::WaitsForNew),
            Side::New => (change.old_confirmed_at, LinkOutcome::WaitsForOld),
        };
        if other.0.is_none() {
            return Ok(other.1);
        }
        let new = Email::parse(&change.new_email)?;
        if !store::email_changes::set_address(tx, user, &new, now).await? {
            return Err(taken());
        }
        store::email_changes::done(tx, change.id, now).await?;
        store::email_changes::revoke_links(tx, user, now).await?;
        let data = json!({ "old": change.old_email, "new": change.new_email });
        let event = SecurityEvent::of(user, Kind::EmailChanged).with(data);
        self.record(tx, event).await?;
        let event = EmailChanged {
            user,
            change: change.id,
        };
        self.0.events.append(tx, Some(user), &event).await?;
        Ok(LinkOutcome::Changed)
    }

    /// Gives the old address back. Whoever changed it may be sitting at a device, so every
    /// session ends.
    async fn undo(&self, tx: &mut PgConnection, change: &EmailChange) -> Result<Vec<SessionId>> {
        let (user, now) = (change.user, self.0.clock.now());
        let old = Email::parse(&change.old_email)?;
        if !store::email_changes::set_address(tx, user, &old, now).await? {
            return Err(taken());
        }
        store::email_changes::end(tx, change.id, now).await?;
        store::email_changes::end_open(tx, user, now).await?;
        store::email_changes::revoke_links(tx, user, now).await?;
        let ended = self
            .end_sessions(tx, user, None, "email_change_undone")
            .await?;
        let data = json!({ "old": change.new_email, "new": change.old_email, "undone": true });
        let event = SecurityEvent::of(user, Kind::EmailChanged).with(data);
        self.record(tx, event).await?;
        Ok(ended)
    }
}

fn stands(kind: LinkKind, change: &EmailChange) -> Result<()> {
    let good = match kind {
        LinkKind::Undo => change.done_at.is_some() && change.ended_at.is_none(),
        _ => change.done_at.is_none() && change.ended_at.is_none(),
    };
    if good { Ok(()) } else { Err(stale_link()) }
}

fn stale_link() -> Error {
    Error::conflict(
        "link_stale",
        "This link was used already, is too old, or the change was given up.",
    )
}

fn taken() -> Error {
    Error::conflict(
        "email_taken",
        "Another account has this address by now, so nothing was changed.",
    )
}
