//! Signing in and out, and the refresh tokens in between.

use crate::{
    Identity, STANDING,
    authenticate::replaced,
    model::{
        Account, Email, Session, SignedIn, SignedOut, Status, TokenReused,
        entry::{Entry, Method},
        permission_set,
        security::{Kind, SecurityEvent},
    },
    secrets::{self, Token},
    store::{self, sessions::NewSession},
};
use kernel::{
    Error, Principal, Result,
    audit::Act,
    cache,
    client::ClientAddr,
    id::{SessionId, UserId},
    limits::Quota,
    principal::PermissionSet,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sqlx::PgConnection;
use std::time::Duration;
use zeroize::Zeroizing;

/// Two tabs that renew at the same moment both hold the old token: within this time the
/// second is not a thief.
const PARALLEL: time::Duration = time::Duration::seconds(30);

/// The tokens of a session, to be handed to its device.
#[derive(Debug)]
pub struct Issued {
    /// Whose it is.
    pub user: UserId,
    /// Which it is.
    pub session: SessionId,
    /// A short-lived JWT.
    pub access: String,
    /// Used once, for the next pair.
    pub refresh: Zeroizing<String>,
    /// What the browser's device cookie is to hold, where that changed.
    pub(crate) device: Option<Zeroizing<String>>,
    /// Whether the account was to be deleted, and stays because of this sign-in.
    pub(crate) kept: bool,
}

impl Identity {
    /// Signs in with a password; `remembered` is what the device cookie holds.
    pub async fn sign_in(
        &self,
        email: &str,
        password: &SecretString,
        from: ClientAddr,
        device: &str,
        remembered: Option<&str>,
    ) -> Result<Entry> {
        let inner = &self.0;
        let every = Duration::from_secs(30);
        // An address that is none has no account: the answer is the same.
        let key = Email::parse(email).map_or_else(|_| String::new(), |email| email.key);
        let network = from.network();
        let quota = |burst, every| Quota { burst, every };
        inner
            .limits
            .take(
                &format!("sign-in:{network}"),
                quota(inner.config.address_burst, every / 10),
            )
            .await?;
        // For one account from one network: nobody can lock its owner out elsewhere.
        let account = hex::encode(secrets::hash(&key));
        let guesses = format!("sign-in:{network}:{account}");
        let one = quota(inner.config.sign_in_burst, every);
        let mut allowed = inner.limits.take(&guesses, one).await;
        // For one account from many networks at once; a browser that it was used from is not
        // counted among them, nor kept out by them.
        let known = {
            let mut db = inner.db.acquire().await?;
            let hashes = super::entry::hashes_of(remembered);
            store::devices::holds(&mut db, &key, &hashes).await?
        };
        if allowed.is_ok() && !known {
            let all = quota(inner.config.account_burst, every);
            allowed = inner.limits.take(&format!("sign-in::{account}"), all).await;
        }
        if let Err(refused) = allowed {
            self.locked_out(&guesses, email, from, device).await?;
            return Err(refused);
        }

        let found = {
            let mut db = inner.db.acquire().await?;
            store::accounts::credentials(&mut db, &key).await?
        };
        let hash = found.as_ref().and_then(|found| found.hash.clone());
        let user = found.as_ref().map(|found| found.id);
        let before = hash.clone();
        let right = inner.hasher.verify(password.expose_secret(), hash).await?;
        let Some(found) = found.filter(|_| right) else {
            return Err(self.wrong_password(user, email, from, device).await?);
        };
        inner.limits.reset(&guesses).await?;
        if let Some(before) = before {
            self.rehash(found.id, password.expose_secret(), &before)
                .await?;
        }
        self.enter(found.id, Method::Password, from, device, remembered)
            .await
    }

    /// Writes down that guessing was stopped: once for each time that it begins.
    async fn locked_out(
        &self,
        guesses: &str,
        typed: &str,
        from: ClientAddr,
        device: &str,
    ) -> Result<()> {
        let once = Quota {
            burst: 1,
            every: Duration::from_mins(10),
        };
        if self
            .0
            .limits
            .take(&format!("told:{guesses}"), once)
            .await
            .is_err()
        {
            return Ok(());
        }
        let typed = address_of(typed);
        let mut db = self.0.db.acquire().await?;
        let event = SecurityEvent {
            kind: Kind::LockedOut,
            user: None,
            identifier: typed.as_deref(),
            from: Some(from),
            device: Some(device),
            data: json!({ "method": "password" }),
        };
        self.record(&mut db, event).await?;
        Ok(())
    }

    /// Writes a failed attempt down, the same way whether the address has an account or not.
    async fn wrong_password(
        &self,
        user: Option<UserId>,
        typed: &str,
        from: ClientAddr,
        device: &str,
    ) -> Result<Error> {
        let typed = address_of(typed);
        let mut tx = self.0.db.begin().await?;
        let event = SecurityEvent {
            kind: Kind::SignInFailed,
            user,
            identifier: typed.as_deref(),
            from: Some(from),
            device: Some(device),
            data: json!({ "method": "password" }),
        };
        self.record(&mut tx, event).await?;
        tx.commit().await?;
        Ok(Error::forbidden(
            "credentials_wrong",
            "The address or the password is not right.",
        ))
    }

    /// Opens a session, in the caller's transaction. The one that the browser had is over
    /// with it, whoever's it was: nothing that was planted or left there goes on.
    pub(crate) async fn open_session(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        method: &Method,
        from: ClientAddr,
        device: &str,
    ) -> Result<Issued> {
        let inner = &self.0;
        let (now, session) = (inner.clock.now(), SessionId::new());
        let new = NewSession {
            id: session,
            user,
            device,
            address: &from.to_string(),
            now,
            expires_at: now + inner.config.absolute(),
            method: &method.text(),
        };
        store::sessions::insert(tx, &new).await?;
        if let Some((held, owner)) = replaced::held() {
            self.end_replaced(tx, held, owner).await?;
        }
        let refresh = Token::new()?;
        store::sessions::insert_refresh(tx, &refresh.hash, session, None, now).await?;
        inner
            .events
            .append(tx, Some(user), &SignedIn { user })
            .await?;
        let access = inner.keys.sign(user, session, inner.config.access())?;
        Ok(Issued {
            user,
            session,
            access,
            refresh: refresh.text,
            device: None,
            kept: false,
        })
    }

    async fn end_replaced(
        &self,
        tx: &mut PgConnection,
        session: SessionId,
        user: UserId,
    ) -> Result<()> {
        let inner = &self.0;
        if store::sessions::end(tx, session, user, "replaced", inner.clock.now()).await? {
            inner
                .events
                .append(tx, Some(user), &SignedOut { user })
                .await?;
            cache::invalidate(tx, STANDING, session).await?;
        }
        Ok(())
    }

    /// Has a session go on as another one, with other tokens, now that its owner has proved
    /// again who they are. Who proves it from two tabs at once is given tokens of the same
    /// session twice: a browser keeps those that come last. The caller tells this node of the
    /// session that is over, after the commit.
    pub(crate) async fn go_on_as_another(
        &self,
        tx: &mut PgConnection,
        session: SessionId,
        user: UserId,
    ) -> Result<Issued> {
        let inner = &self.0;
        let now = inner.clock.now();
        let next = if store::sessions::end(tx, session, user, "replaced", now).await? {
            let next = SessionId::new();
            store::sessions::go_on_as(tx, session, next, now).await?;
            cache::invalidate(tx, STANDING, session).await?;
            next
        } else {
            let next = store::sessions::successor(tx, session, user, now - PARALLEL).await?;
            let next = next.ok_or(Error::Unauthenticated)?;
            store::sessions::authenticated(tx, next, now).await?;
            cache::invalidate(tx, STANDING, next).await?;
            next
        };
        let refresh = Token::new()?;
        store::sessions::insert_refresh(tx, &refresh.hash, next, None, now).await?;
        Ok(Issued {
            user,
            session: next,
            access: inner.keys.sign(user, next, inner.config.access())?,
            refresh: refresh.text,
            device: None,
            kept: false,
        })
    }

    /// Who comes with the tokens of a session that just went on as another one: good for
    /// nothing but to prove, from another tab, who they are.
    pub(crate) async fn went_on(
        &self,
        session: SessionId,
        user: UserId,
    ) -> Result<Option<Principal>> {
        let since = self.0.clock.now() - PARALLEL;
        let next = {
            let mut db = self.0.db.acquire().await?;
            store::sessions::successor(&mut db, session, user, since).await?
        };
        let Some(next) = next else { return Ok(None) };
        let caller = self.standing(next, user).await?;
        Ok(caller.map(|caller| Principal { session, ..caller }))
    }

    /// Trades a refresh token for a new pair; nothing if it is worth nothing.
    ///
    /// A token is used once. If it comes again after its successor was used, somebody
    /// has a copy: the session ends. If no successor was ever used, the answer was lost
    /// on the way, and the owner simply gets another.
    pub async fn refresh(&self, token: &str, from: ClientAddr) -> Result<Option<Issued>> {
        let inner = &self.0;
        let (hash, now) = (secrets::hash(token), inner.clock.now());
        let mut tx = inner.db.begin().await?;
        let Some(held) = store::sessions::lock_refresh(&mut tx, &hash).await? else {
            return Ok(None);
        };
        let (user, session) = (held.user, held.session);
        if held.status != Status::Active
            || held.expires_at <= now
            || held.last_seen_at + inner.config.idle() <= now
        {
            return Ok(None);
        }
        if let Some(used_at) = held.used_at
            && held.child_used
            && used_at + PARALLEL < now
        {
            store::sessions::end(&mut tx, session, user, "token_reused", now).await?;
            inner
                .events
                .append(&mut tx, None, &TokenReused { user })
                .await?;
            cache::invalidate(&mut tx, STANDING, session).await?;
            let act = Act {
                actor: None,
                action: "session.token_reused",
                subject: &user.to_string(),
                data: json!({ "session": session, "address": from.to_string() }),
            };
            let event = SecurityEvent {
                from: Some(from),
                ..SecurityEvent::of(user, Kind::TokenReused)
            };
            self.record(&mut tx, event).await?;
            inner.audit.append(&mut tx, act).await?;
            tx.commit().await?;
            self.session_over(session);
            return Ok(None);
        }
        let refresh = Token::new()?;
        store::sessions::use_refresh(&mut tx, &hash, now).await?;
        store::sessions::insert_refresh(&mut tx, &refresh.hash, session, Some(&hash), now).await?;
        store::sessions::seen(&mut tx, session, &from.to_string(), now).await?;
        tx.commit().await?;
        inner.standing.forget(&session);
        let access = inner.keys.sign(user, session, inner.config.access())?;
        Ok(Some(Issued {
            user,
            session,
            access,
            refresh: refresh.text,
            device: None,
            kept: false,
        }))
    }

    /// The caller's signed-in devices, the latest used first.
    pub async fn sessions(&self, caller: &Principal) -> Result<Vec<Session>> {
        let mut db = self.0.db.acquire().await?;
        Ok(store::sessions::list(&mut db, caller.user).await?)
    }

    /// Signs one of the caller's devices out, at once and on the server.
    pub async fn sign_out(&self, caller: &Principal, session: SessionId) -> Result<()> {
        let inner = &self.0;
        let user = caller.user;
        let mut tx = inner.db.begin().await?;
        if !store::sessions::end(&mut tx, session, user, "signed_out", inner.clock.now()).await? {
            return Err(Error::NotFound("session"));
        }
        inner
            .events
            .append(&mut tx, Some(user), &SignedOut { user })
            .await?;
        cache::invalidate(&mut tx, STANDING, session).await?;
        if caller.permissions != PermissionSet::default() {
            self.note(
                &mut tx,
                user,
                "session.ended",
                json!({ "session": session }),
            )
            .await?;
        }
        tx.commit().await?;
        self.session_over(session);
        Ok(())
    }

    /// Writes down what somebody with rights did with their own sessions.
    async fn note(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        action: &'static str,
        data: serde_json::Value,
    ) -> Result<()> {
        let act = Act {
            actor: Some(user),
            action,
            subject: &user.to_string(),
            data,
        };
        self.0.audit.append(tx, act).await.map(|_| ())
    }

    /// Signs all of the caller's other devices out; how many.
    pub async fn sign_out_others(&self, caller: &Principal) -> Result<usize> {
        let inner = &self.0;
        let user = caller.user;
        let mut tx = inner.db.begin().await?;
        let ended = self
            .end_sessions(&mut tx, user, Some(caller.session), "signed_out")
            .await?;
        tx.commit().await?;
        self.sessions_over(&ended);
        Ok(ended.len())
    }

    /// Ends all of somebody's sessions, or all but one, in the caller's transaction. After
    /// the commit, [`Identity::sessions_over`] tells this node of it.
    pub(crate) async fn end_sessions(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        except: Option<SessionId>,
        because: &'static str,
    ) -> Result<Vec<SessionId>> {
        let inner = &self.0;
        let ended = store::sessions::end_all(tx, user, except, because, inner.clock.now()).await?;
        if !ended.is_empty() {
            inner
                .events
                .append(tx, Some(user), &SignedOut { user })
                .await?;
        }
        for session in &ended {
            cache::invalidate(tx, STANDING, session).await?;
        }
        Ok(ended)
    }

    /// After the commit: requests and sockets of this node hear of it now.
    pub(crate) fn session_over(&self, session: SessionId) {
        self.0.standing.forget(&session);
        self.0.signals.session_ended(session);
    }

    /// The same, of many.
    pub(crate) fn sessions_over(&self, sessions: &[SessionId]) {
        for session in sessions {
            self.session_over(*session);
        }
    }

    /// Ends what idled too long: a job.
    pub(crate) async fn sweep_sessions(&self) -> Result<()> {
        let inner = &self.0;
        let now = inner.clock.now();
        let mut tx = inner.db.begin().await?;
        store::sessions::sweep(&mut tx, now, now - inner.config.idle()).await?;
        store::registrations::sweep(&mut tx, now - time::Duration::days(30)).await?;
        store::tokens::sweep(&mut tx, now - time::Duration::days(30)).await?;
        store::ceremonies::sweep(&mut tx, now).await?;
        crate::stack_auth::sweep(&mut tx, now).await?;
        store::mailed::sweep(&mut tx, now - time::Duration::days(1)).await?;
        store::factors::sweep(&mut tx, now - time::Duration::days(1)).await?;
        store::devices::sweep(&mut tx, now - time::Duration::days(400)).await?;
        let kept = time::Duration::days(inner.config.security_event_days.into());
        store::security::sweep(&mut tx, now - kept).await?;
        store::impersonations::sweep(&mut tx, now - kept).await?;
        store::import::sweep(&mut tx, now - time::Duration::days(7)).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// What was typed as an address, if it is one: people type their password into the wrong field,
/// and what is written down here is read by staff.
pub(crate) fn address_of(typed: &str) -> Option<String> {
    let email = Email::parse(typed).ok()?;
    Some(email.address.as_str().to_owned())
}

/// Where somebody lands after signing in.
pub(crate) fn landing(account: &Account) -> &'static str {
    if account.staff { "/admin" } else { "/home" }
}

/// What an account may do, in words.
pub(crate) fn permissions(account: &Account) -> Vec<&'static str> {
    permission_set(&account.permissions)
        .iter()
        .map(kernel::Permission::as_str)
        .collect()
}
