//! What another place that is trusted with identity says of people here.
//!
//! Each verb joins the caller's transaction and writes down what it did, with nobody as its
//! actor. Invariant: nobody with any right here is taken over by an address, an address counts
//! only where it was proved, and the last owner stays.

use crate::{
    Identity, STANDING,
    model::{
        Email, EmailVerified, Name, PersonDeleted, PersonRestored, PersonSuspended, RolesChanged,
        SignedOut, Status,
        entry::Method,
        people::{Held, Told},
        security::{Kind, SecurityEvent},
    },
    ports::Trusted,
    store,
};
use axum::{http::HeaderMap, response::Response};
use kernel::{
    Permission, Principal, Result,
    audit::Act,
    cache,
    client::ClientAddr,
    events::Event,
    id::{SessionId, UserId},
};
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::sync::Arc;
use uuid::Uuid;

/// What staff read where nobody acted.
const BY: &str = "hosted_project";

impl Identity {
    /// From now on, tokens of this place are bearer tokens too. The first call stays.
    pub fn trust(&self, trusted: Arc<dyn Trusted>) {
        let _ = self.0.trusted.set(trusted);
    }

    /// The session that a token of the trusted place was traded for.
    pub(crate) async fn trusted_session(&self, token: &str) -> Result<Option<(SessionId, UserId)>> {
        let Some(trusted) = self.0.trusted.get() else {
            return Ok(None);
        };
        let Some(hosted) = trusted.session_of(token).await? else {
            return Ok(None);
        };
        let mut db = self.0.db.acquire().await?;
        let method = Method::Hosted(hosted).text();
        Ok(store::trusted::session(&mut db, &method).await?)
    }

    /// Fails unless the caller may give each of these roles.
    pub async fn may_give(&self, caller: &Principal, roles: &[String]) -> Result<()> {
        if roles.is_empty() {
            return Ok(());
        }
        caller.require(Permission::RolesWrite)?;
        let mut tx = self.0.db.begin().await?;
        for role in roles {
            self.grantable(&mut tx, caller, role, "roles").await?;
        }
        Ok(())
    }

    /// Gives somebody whose address was proved there an account, or finds theirs: `Err` in it
    /// is a stable code of why not.
    pub async fn join_trusted(
        &self,
        tx: &mut PgConnection,
        (email, name): (&str, &str),
        sign_up: bool,
        link: bool,
    ) -> Result<std::result::Result<UserId, &'static str>> {
        let (Ok(email), now) = (Email::parse(email), self.0.clock.now()) else {
            return Ok(Err("email_invalid"));
        };
        let known = store::accounts::by_email(tx, &email).await?;
        let user = match known {
            None if !sign_up => return Ok(Err("sign_up_closed")),
            None => {
                let local = email.address.as_str().split('@').next().unwrap_or_default();
                let name = Name::parse("name", name).or_else(|_| Name::parse("name", local))?;
                let made = store::accounts::insert(tx, &email, &name, now, false).await?;
                let Some(user) = made else {
                    return Ok(Err("account_exists"));
                };
                store::accounts::grant(tx, user, "member", None).await?;
                user
            }
            Some((user, verified)) => {
                let held = store::standing::lock(tx, user).await?;
                let plain = held.is_some_and(|held| {
                    held.permissions.is_empty()
                        && matches!(held.status, Status::Active | Status::Invited)
                });
                if !plain || (verified && !link) {
                    return Ok(Err("account_exists"));
                }
                if !verified {
                    // Nobody proved it, so nothing that was asked for under it counts.
                    store::registrations::forget(tx, user).await?;
                    self.start_clean(tx, user).await?;
                }
                user
            }
        };
        if store::accounts::verify_email(tx, user, now).await? {
            self.0
                .events
                .append(tx, None, &EmailVerified { user })
                .await?;
        }
        // Somebody who was here already hears of it by mail.
        let kind = known.map(|_| Kind::ProviderLinked);
        self.say(tx, user, ("user.joined", kind), json!({ "by": BY }))
            .await?;
        Ok(Ok(user))
    }

    /// Somebody as they are here, locked; nothing if they were erased.
    pub async fn as_told(&self, tx: &mut PgConnection, user: UserId) -> Result<Option<Told>> {
        let person = store::trusted::get(tx, user).await?;
        Ok(person.map(|person| Told {
            name: person.name,
            email: person.email,
            verified: person.verified,
            status: person.status,
            roles: person.roles,
        }))
    }

    /// Calls them otherwise.
    pub async fn rename_trusted(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        name: &str,
    ) -> Result<()> {
        let name = Name::parse("name", name)?;
        store::trusted::rename(tx, user, &name, self.0.clock.now()).await?;
        self.say(tx, user, ("user.renamed", None), json!({ "by": BY }))
            .await
    }

    /// Gives them another address, proved there; false if it is somebody else's here, or none.
    pub async fn readdress_trusted(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        email: &str,
    ) -> Result<bool> {
        let Ok(email) = Email::parse(email) else {
            return Ok(false);
        };
        let now = self.0.clock.now();
        if !store::email_changes::set_address(tx, user, &email, now).await? {
            return Ok(false);
        }
        let data = json!({ "by": BY });
        self.say(
            tx,
            user,
            ("user.email_changed", Some(Kind::EmailChanged)),
            data,
        )
        .await?;
        Ok(true)
    }

    /// Gives and takes roles; which were given. A role that there is not is left out, and the
    /// last owner stays one.
    pub async fn roles_trusted(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        give: &[String],
        take: &[String],
    ) -> Result<Vec<String>> {
        let Some(target) = store::standing::lock(tx, user).await? else {
            return Ok(Vec::new());
        };
        let given = store::trusted::there(tx, give).await?;
        for role in &given {
            store::accounts::grant(tx, user, role, None).await?;
        }
        let mut taken = Vec::new();
        for role in take {
            let stays = role == "owner" && self.spare_last_owner(tx, &target).await.is_err();
            if !stays && store::roles::revoke(tx, user, role).await? {
                taken.push(role);
            }
        }
        if given.is_empty() && taken.is_empty() {
            return Ok(given);
        }
        store::roles::touch(tx, user, self.0.clock.now()).await?;
        for session in store::standing::open_sessions(tx, user).await? {
            cache::invalidate(tx, STANDING, session).await?;
        }
        self.0
            .events
            .append(tx, None, &RolesChanged { user })
            .await?;
        let data = json!({ "by": BY, "given": given, "taken": taken });
        self.say(
            tx,
            user,
            ("user.roles_changed", Some(Kind::RoleChanged)),
            data,
        )
        .await?;
        Ok(given)
    }

    /// Suspends them, signed out everywhere.
    pub async fn suspend_trusted(&self, tx: &mut PgConnection, user: UserId) -> Result<()> {
        let Some(target) = store::standing::lock(tx, user).await? else {
            return Ok(());
        };
        if !matches!(target.status, Status::Active | Status::Invited) {
            return Ok(());
        }
        self.spare_last_owner(tx, &target).await?;
        let reason = "Restricted at the hosted project.";
        store::standing::suspend(tx, user, reason, self.0.clock.now()).await?;
        self.end_sessions(tx, user, None, "suspended").await?;
        let data = json!({ "by": BY, "name": target.name, "reason": reason });
        self.say(tx, user, ("user.suspended", Some(Kind::Suspended)), data)
            .await?;
        self.tell_log(tx, &PersonSuspended { user }).await
    }

    /// Takes a suspension or a deletion back.
    pub async fn restore_trusted(&self, tx: &mut PgConnection, user: UserId) -> Result<()> {
        let Some(target) = store::standing::lock(tx, user).await? else {
            return Ok(());
        };
        if !matches!(target.status, Status::Suspended | Status::Deleted) {
            return Ok(());
        }
        let now = store::standing::restore(tx, user, self.0.clock.now()).await?;
        let data = json!({ "by": BY, "name": target.name, "from": target.status, "to": now });
        self.say(tx, user, ("user.restored", Some(Kind::Restored)), data)
            .await?;
        self.tell_log(tx, &PersonRestored { user }).await
    }

    /// Puts them into the trash, signed out everywhere.
    pub async fn delete_trusted(&self, tx: &mut PgConnection, user: UserId) -> Result<()> {
        let Some(target) = store::standing::lock(tx, user).await? else {
            return Ok(());
        };
        if target.status == Status::Deleted {
            return Ok(());
        }
        self.spare_last_owner(tx, &target).await?;
        store::standing::delete(tx, user, self.0.clock.now()).await?;
        self.end_sessions(tx, user, None, "deleted").await?;
        let data = json!({ "by": BY, "name": target.name, "days": self.0.config.trash_days });
        self.say(tx, user, ("user.deleted", Some(Kind::Deleted)), data)
            .await?;
        self.tell_log(tx, &PersonDeleted { user }).await
    }

    /// Lets somebody in for a session of the trusted place: the answer of any sign-in.
    pub async fn enter_trusted(
        &self,
        user: UserId,
        hosted: Uuid,
        from: ClientAddr,
        headers: &HeaderMap,
    ) -> Result<Response> {
        let device = crate::routes::sessions::device_of(headers);
        let remembered = self.remembered(headers);
        let method = Method::Hosted(hosted);
        let entry = self.enter(user, method, from, &device, remembered).await?;
        Ok(self.entered(entry))
    }

    /// Open sessions that stand for ones at the trusted place, by id.
    pub async fn held_for_trusted(
        &self,
        after: Option<SessionId>,
        limit: i64,
    ) -> Result<Vec<Held>> {
        let mut db = self.0.db.acquire().await?;
        let rows = store::trusted::sessions(&mut db, after, limit).await?;
        let held = rows.into_iter().map(|row| Held {
            session: row.id,
            user: row.user,
            hosted: match Method::parse(&row.method) {
                Some(Method::Hosted(hosted)) => hosted,
                _ => Uuid::nil(),
            },
        });
        Ok(held.collect())
    }

    /// Ends some of them: their sessions there are over.
    pub async fn end_trusted(
        &self,
        tx: &mut PgConnection,
        sessions: &[(SessionId, UserId)],
    ) -> Result<()> {
        let now = self.0.clock.now();
        for (session, user) in sessions {
            if store::sessions::end(tx, *session, *user, "hosted_session_over", now).await? {
                self.0
                    .events
                    .append(tx, None, &SignedOut { user: *user })
                    .await?;
                cache::invalidate(tx, STANDING, *session).await?;
            }
        }
        Ok(())
    }

    /// After the commit: requests and sockets of this node hear of it now.
    pub fn settled(&self, user: UserId) {
        self.0.standing.forget_all();
        self.0.accounts.forget(&user);
        self.0.signals.user_changed(user);
    }

    async fn say(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        (action, kind): (&'static str, Option<Kind>),
        data: Value,
    ) -> Result<()> {
        if let Some(kind) = kind {
            // The owner's mail about it names who it was.
            let mut told = data.clone();
            told["title"] = json!("The hosted project");
            told["provider"] = json!(BY);
            self.record(tx, SecurityEvent::of(user, kind).with(told))
                .await?;
        }
        let act = Act {
            actor: None,
            action,
            subject: &user.to_string(),
            data,
        };
        self.0.audit.append(tx, act).await.map(|_| ())
    }

    async fn tell_log<E: Event>(&self, tx: &mut PgConnection, event: &E) -> Result<()> {
        self.0.events.append(tx, None, event).await.map(|_| ())
    }
}
