//! Leaving: one's own account goes into the trash at once, and for good after the days that
//! the operator has set. Signing in until then takes it back.

use crate::{
    Identity,
    actions::entry::Arrival,
    jobs::EraseElsewhere,
    model::{
        Email, PersonDeleted, Status,
        security::{Kind, SecurityEvent},
    },
    ports::Subject,
    store,
};
use kernel::{
    Error, Principal, Result,
    audit::Act,
    id::UserId,
    mail::{Mail, SendMail, Template},
};
use serde_json::json;
use sqlx::PgConnection;

impl Identity {
    /// How many days somebody who left can come back.
    pub fn departure_days(&self) -> u16 {
        self.0.config.trash_days
    }

    /// Whether the caller may leave: the last owner may not.
    pub async fn may_leave(&self, caller: &Principal) -> Result<bool> {
        let mut tx = self.0.db.begin().await?;
        let Some(target) = store::standing::lock(&mut tx, caller.user).await? else {
            return Err(Error::Unauthenticated);
        };
        Ok(!target.owner
            || store::standing::another_owner(&mut tx, caller.user, target.demo).await?)
    }

    /// Deletes the caller's account: out of use at once, every session over.
    pub async fn leave(&self, caller: &Principal) -> Result<()> {
        self.require_recent(caller)?;
        let (user, now) = (caller.user, self.0.clock.now());
        let mut tx = self.0.db.begin().await?;
        store::standing::lock_owners(&mut tx).await?;
        let target = store::standing::lock(&mut tx, user)
            .await?
            .ok_or(Error::Unauthenticated)?;
        if target.owner && !store::standing::another_owner(&mut tx, user, target.demo).await? {
            return Err(Error::conflict(
                "last_owner",
                "You are the only owner. Make somebody else an owner first, so that this place has one.",
            ));
        }
        store::standing::delete(&mut tx, user, now).await?;
        store::privacy::depart(&mut tx, user, now).await?;
        let ended = self.end_sessions(&mut tx, user, None, "deleted").await?;
        let event = PersonDeleted { user };
        self.0.events.append(&mut tx, Some(user), &event).await?;
        let days = self.0.config.trash_days;
        let mut link = self.0.public_url.clone();
        link.set_path("/sign-in");
        let mail = Mail {
            cause: format!("deletion:{user}:{}", now.unix_timestamp()),
            to: Email::parse(&target.email)?.address,
            template: Template::DeletionAsked,
            vars: json!({ "name": target.name, "link": link.as_str(), "days": days }),
        };
        if let Some(mail) = self.0.mailer.enqueue(&mut tx, &mail).await? {
            kernel::jobs::enqueue(&mut tx, SendMail { mail }).await?;
        }
        let act = Act {
            actor: Some(user),
            action: "account.deletion_asked",
            subject: &user.to_string(),
            data: json!({ "days": days }),
        };
        self.0.audit.append(&mut tx, act).await?;
        tx.commit().await?;
        self.sessions_over(&ended);
        self.0.signals.user_changed(user);
        Ok(())
    }

    /// Takes a departure back for somebody who has just proved who they are; whether there
    /// was one. Whom staff have put into the trash stays there.
    pub(crate) async fn come_back(
        &self,
        tx: &mut PgConnection,
        arrival: &Arrival<'_>,
        status: Status,
    ) -> Result<bool> {
        let user = arrival.user;
        if status != Status::Deleted || !store::privacy::stay(tx, user).await? {
            return Ok(false);
        }
        store::standing::restore(tx, user, self.0.clock.now()).await?;
        let event = SecurityEvent::of(user, Kind::CameBack).seen(arrival.from, arrival.device);
        self.record(tx, event).await?;
        Ok(true)
    }

    /// Has the rest of the house erase what it holds: in the transaction that erases here.
    pub(crate) async fn erase_elsewhere_too(
        &self,
        tx: &mut PgConnection,
        user: UserId,
    ) -> Result<()> {
        if let Some(account) = store::accounts::get(tx, user).await? {
            let email = account.email;
            kernel::jobs::enqueue(tx, EraseElsewhere { user, email }).await?;
        }
        store::privacy::erase(tx, user).await?;
        Ok(())
    }

    /// Asks every part of the house to erase what it holds about somebody: a job.
    pub(crate) async fn erase_elsewhere(&self, user: UserId, email: String) -> Result<()> {
        let subject = Subject { user, email };
        for holder in &self.0.holders {
            holder.erase(&subject).await?;
        }
        Ok(())
    }
}
