//! What staff do about an account: suspend, restore, delete, sign out, ask for a new
//! password. Each binds at once, on the API and on sockets, and is written down.
//!
//! Invariant: nobody acts on somebody who holds more than they do, nobody on themselves
//! (their own account page is for that), and the last owner stays.

use crate::{
    Identity, STANDING,
    model::{
        Email, PersonDeleted, PersonErased, PersonRestored, PersonSuspended, Session, SignedOut,
        Status,
        people::{After, PersonDetail, Text},
        permission_set,
        security::{Kind, SecurityEvent},
    },
    store::{self, standing::Target},
};
use kernel::{
    Error, Permission, Principal, Result,
    audit::Act,
    cache,
    events::Event,
    id::{SessionId, UserId},
    mail::{Mail, Template},
};
use serde_json::{Value, json};
use sqlx::PgConnection;

/// The longest reason for a suspension.
const REASON: usize = 500;

impl Identity {
    /// Finds and locks somebody whom the caller may act on.
    pub(crate) async fn target(
        &self,
        tx: &mut PgConnection,
        caller: &Principal,
        user: UserId,
    ) -> Result<Target> {
        let target = store::standing::lock(tx, user)
            .await?
            .ok_or(Error::NotFound("person"))?;
        if user == caller.user {
            return Err(Error::conflict(
                "not_yourself",
                "This is your own account: mind it on your own security page.",
            ));
        }
        if !caller
            .permissions
            .covers(permission_set(&target.permissions))
        {
            return Err(Error::forbidden(
                "holds_more",
                "They may do things here that you may not. Ask somebody who may.",
            ));
        }
        Ok(target)
    }

    /// Refuses what would leave this place without an owner.
    pub(crate) async fn spare_last_owner(
        &self,
        tx: &mut PgConnection,
        target: &Target,
    ) -> Result<()> {
        if !target.owner {
            return Ok(());
        }
        store::standing::lock_owners(tx).await?;
        if store::standing::another_owner(tx, target.id, target.demo).await? {
            return Ok(());
        }
        Err(Error::conflict(
            "last_owner",
            "This is the last owner. Make somebody else an owner first.",
        ))
    }

    /// Closes an account until further notice.
    pub async fn suspend(&self, caller: &Principal, user: UserId, reason: &str) -> Result<()> {
        caller.require(Permission::UsersWrite)?;
        let reason = Text::parse("reason", reason, REASON)?;
        let mut tx = self.0.db.begin().await?;
        let after = self.suspend_in(&mut tx, caller, user, &reason).await?;
        tx.commit().await?;
        self.tell(after);
        Ok(())
    }

    /// The same in the caller's transaction, which may hold many.
    pub(crate) async fn suspend_in(
        &self,
        tx: &mut PgConnection,
        caller: &Principal,
        user: UserId,
        reason: &Text,
    ) -> Result<After> {
        let target = self.target(tx, caller, user).await?;
        match target.status {
            Status::Suspended => return Err(standing("suspended", "Suspended already.")),
            Status::Deleted => return Err(standing("deleted", "They are in the trash.")),
            Status::Active | Status::Invited => {}
        }
        self.spare_last_owner(tx, &target).await?;
        store::standing::suspend(tx, user, reason.as_str(), self.0.clock.now()).await?;
        let ended = self.end_all(tx, user, "suspended").await?;
        let data = json!({ "name": target.name, "reason": reason.as_str() });
        self.written(
            tx,
            caller,
            "user.suspended",
            Some(Kind::Suspended),
            user,
            data,
        )
        .await?;
        self.happened(tx, caller, &PersonSuspended { user }).await?;
        Ok(After::ended(user, ended))
    }

    /// Opens a suspended account again, or takes one out of the trash.
    pub async fn restore(&self, caller: &Principal, user: UserId) -> Result<()> {
        caller.require(Permission::UsersWrite)?;
        let mut tx = self.0.db.begin().await?;
        let after = self.restore_in(&mut tx, caller, user).await?;
        tx.commit().await?;
        self.tell(after);
        Ok(())
    }

    pub(crate) async fn restore_in(
        &self,
        tx: &mut PgConnection,
        caller: &Principal,
        user: UserId,
    ) -> Result<After> {
        let target = self.target(tx, caller, user).await?;
        if !matches!(target.status, Status::Suspended | Status::Deleted) {
            return Err(standing("not_suspended", "Neither suspended nor deleted."));
        }
        let now = store::standing::restore(tx, user, self.0.clock.now()).await?;
        let data = json!({ "name": target.name, "from": target.status, "to": now });
        self.written(
            tx,
            caller,
            "user.restored",
            Some(Kind::Restored),
            user,
            data,
        )
        .await?;
        self.happened(tx, caller, &PersonRestored { user }).await?;
        Ok(After::ended(user, Vec::new()))
    }

    /// Puts an account into the trash, from where it can come back for a while.
    pub async fn delete_person(&self, caller: &Principal, user: UserId) -> Result<()> {
        caller.require(Permission::UsersWrite)?;
        self.require_recent(caller)?;
        let mut tx = self.0.db.begin().await?;
        let after = self.delete_in(&mut tx, caller, user).await?;
        tx.commit().await?;
        self.tell(after);
        Ok(())
    }

    pub(crate) async fn delete_in(
        &self,
        tx: &mut PgConnection,
        caller: &Principal,
        user: UserId,
    ) -> Result<After> {
        let target = self.target(tx, caller, user).await?;
        if target.status == Status::Deleted {
            return Err(standing("deleted", "In the trash already."));
        }
        self.spare_last_owner(tx, &target).await?;
        store::standing::delete(tx, user, self.0.clock.now()).await?;
        let ended = self.end_all(tx, user, "deleted").await?;
        let data = json!({ "name": target.name, "days": self.0.config.trash_days });
        self.written(tx, caller, "user.deleted", Some(Kind::Deleted), user, data)
            .await?;
        self.happened(tx, caller, &PersonDeleted { user }).await?;
        Ok(After::ended(user, ended))
    }

    /// A person's signed-in devices. From where somebody signs in is for those who mind
    /// accounts, not for everybody who sees the list.
    pub async fn sessions_of(&self, caller: &Principal, user: UserId) -> Result<Vec<Session>> {
        caller.require(Permission::UsersWrite)?;
        let mut db = self.0.db.acquire().await?;
        if store::people::get(&mut db, user).await?.is_none() {
            return Err(Error::NotFound("person"));
        }
        Ok(store::sessions::list(&mut db, user).await?)
    }

    /// Signs somebody out everywhere, or on one device; on how many.
    pub async fn force_sign_out(
        &self,
        caller: &Principal,
        user: UserId,
        only: Option<SessionId>,
    ) -> Result<usize> {
        caller.require(Permission::UsersWrite)?;
        let mut tx = self.0.db.begin().await?;
        let after = self.sign_out_in(&mut tx, caller, user, only).await?;
        tx.commit().await?;
        let count = after.ended.len();
        self.tell(after);
        Ok(count)
    }

    pub(crate) async fn sign_out_in(
        &self,
        tx: &mut PgConnection,
        caller: &Principal,
        user: UserId,
        only: Option<SessionId>,
    ) -> Result<After> {
        let target = self.target(tx, caller, user).await?;
        let ended = match only {
            None => self.end_all(tx, user, "signed_out_by_staff").await?,
            Some(session) => {
                let now = self.0.clock.now();
                let because = "signed_out_by_staff";
                if !store::sessions::end(tx, session, user, because, now).await? {
                    return Err(Error::NotFound("session"));
                }
                cache::invalidate(tx, STANDING, session).await?;
                self.happened(tx, caller, &SignedOut { user }).await?;
                vec![session]
            }
        };
        let data = json!({ "name": target.name, "devices": ended.len() });
        self.written(
            tx,
            caller,
            "user.signed_out",
            Some(Kind::SignedOut),
            user,
            data,
        )
        .await?;
        Ok(After::ended(user, ended))
    }

    /// Takes somebody's password away: they choose another through the mail that they get.
    pub async fn force_reset(&self, caller: &Principal, user: UserId) -> Result<()> {
        caller.require(Permission::UsersWrite)?;
        let mut tx = self.0.db.begin().await?;
        let target = self.target(&mut tx, caller, user).await?;
        if target.status != Status::Active {
            return Err(standing(
                "not_active",
                "This account cannot be signed in to.",
            ));
        }
        store::standing::forget_password(&mut tx, user).await?;
        let ended = self.end_all(&mut tx, user, "password_reset").await?;
        let mut link = self.0.public_url.clone();
        link.set_path("/forgot-password");
        link.query_pairs_mut().append_pair("email", &target.email);
        let mail = Mail {
            cause: format!("reset-asked:{user}:{}", self.0.clock.now().unix_timestamp()),
            to: Email::parse(&target.email)?.address,
            template: Template::PasswordAsked,
            vars: json!({ "name": target.name, "link": link.as_str() }),
        };
        if let Some(mail) = self.0.mailer.enqueue(&mut tx, &mail).await? {
            kernel::jobs::enqueue(&mut tx, kernel::mail::SendMail { mail }).await?;
        }
        let (kind, data) = (Kind::PasswordForgotten, json!({ "name": target.name }));
        self.written(
            &mut tx,
            caller,
            "user.password_forgotten",
            Some(kind),
            user,
            data,
        )
        .await?;
        tx.commit().await?;
        self.tell(After::ended(user, ended));
        Ok(())
    }

    /// Takes away the second factor of somebody who lost it, and signs them out: they sign
    /// in without it and set up another.
    pub async fn reset_second_factor(&self, caller: &Principal, user: UserId) -> Result<()> {
        caller.require(Permission::UsersWrite)?;
        self.require_recent(caller)?;
        let mut tx = self.0.db.begin().await?;
        let target = self.target(&mut tx, caller, user).await?;
        if !store::standing::drop_second_factor(&mut tx, user).await? {
            return Err(standing("no_second_factor", "They have no second factor."));
        }
        let ended = self.end_all(&mut tx, user, "second_factor_removed").await?;
        let (kind, data) = (Kind::SecondFactorRemoved, json!({ "name": target.name }));
        let action = "user.second_factor_removed";
        self.written(&mut tx, caller, action, Some(kind), user, data)
            .await?;
        tx.commit().await?;
        self.tell(After::ended(user, ended));
        Ok(())
    }

    /// Erases who has been in the trash for long enough: a job.
    pub(crate) async fn erase_overdue(&self) -> Result<()> {
        let inner = &self.0;
        let now = inner.clock.now();
        let before = now - time::Duration::days(inner.config.trash_days.into());
        loop {
            let mut tx = inner.db.begin().await?;
            let due = store::standing::overdue(&mut tx, before, 50).await?;
            if due.is_empty() {
                return Ok(());
            }
            for user in &due {
                self.erase_elsewhere_too(&mut tx, *user).await?;
                store::standing::erase(&mut tx, *user, now).await?;
                inner
                    .events
                    .append(&mut tx, None, &PersonErased { user: *user })
                    .await?;
            }
            for user in &due {
                let act = Act {
                    actor: None,
                    action: "user.erased",
                    subject: &user.to_string(),
                    data: json!({ "days": inner.config.trash_days }),
                };
                inner.audit.append(&mut tx, act).await?;
            }
            tx.commit().await?;
        }
    }

    /// How long somebody stays in the trash.
    pub(crate) fn trash(&self) -> time::Duration {
        time::Duration::days(self.0.config.trash_days.into())
    }

    /// A person's page.
    pub async fn person_detail(&self, caller: &Principal, user: UserId) -> Result<PersonDetail> {
        caller.require(Permission::UsersRead)?;
        let mut db = self.0.db.acquire().await?;
        store::standing::detail(&mut db, user)
            .await?
            .ok_or(Error::NotFound("person"))
    }

    /// Ends every session of somebody, in the caller's transaction.
    async fn end_all(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        because: &'static str,
    ) -> Result<Vec<SessionId>> {
        self.end_sessions(tx, user, None, because).await
    }

    /// Writes down what staff did to somebody: in the chain, and among what the person's
    /// account went through.
    pub(crate) async fn written(
        &self,
        tx: &mut PgConnection,
        caller: &Principal,
        action: &'static str,
        kind: Option<Kind>,
        user: UserId,
        data: Value,
    ) -> Result<()> {
        if let Some(kind) = kind {
            let mut data = data.clone();
            data["by"] = json!(caller.user);
            let event = SecurityEvent {
                data,
                ..SecurityEvent::of(user, kind)
            };
            self.record(tx, event).await?;
        }
        let act = Act {
            actor: Some(caller.user),
            action,
            subject: &user.to_string(),
            data,
        };
        self.0.audit.append(tx, act).await.map(|_| ())
    }

    async fn happened<E: Event>(
        &self,
        tx: &mut PgConnection,
        caller: &Principal,
        event: &E,
    ) -> Result<()> {
        let actor = Some(caller.user);
        self.0.events.append(tx, actor, event).await.map(|_| ())
    }

    /// After the commit: requests and sockets of this node hear of it now.
    pub(crate) fn tell(&self, after: After) {
        for session in after.ended {
            self.session_over(session);
        }
        for session in after.changed {
            self.0.standing.forget(&session);
        }
        self.0.signals.user_changed(after.user);
    }
}

impl After {
    pub(crate) fn ended(user: UserId, ended: Vec<SessionId>) -> Self {
        Self {
            user,
            ended,
            changed: Vec::new(),
        }
    }
}

fn standing(code: &'static str, detail: &'static str) -> Error {
    Error::conflict(code, detail)
}
