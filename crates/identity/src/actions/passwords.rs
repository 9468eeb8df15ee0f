//! Changing a password, and setting it anew for who forgot it.

use crate::{
    Identity,
    actions::mailed::{Purpose, stale_link},
    model::{
        Email, EmailVerified, Status,
        entry::RequestId,
        password::{Estimate, Fault, NewPassword, PasswordPolicy, estimate},
        security::{Kind, SecurityEvent},
    },
    passwords::BREACHED,
    secrets::{self, Token},
    store,
};
use kernel::{
    Error, Principal, Result,
    client::ClientAddr,
    id::UserId,
    limits::Quota,
    mail::{Mail, Template},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::time::Duration;

const RESET: &str = "reset_password";
/// How long a link to a new password works.
const RESET_LIFE: time::Duration = time::Duration::minutes(10);

/// The browser from which somebody acts.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// Its address.
    pub from: ClientAddr,
    /// What it is called.
    pub device: &'a str,
    /// What its device cookie holds.
    pub cookie: Option<&'a str>,
}

impl Identity {
    /// What the operator asks of passwords.
    pub fn password_policy(&self) -> PasswordPolicy {
        self.0.config.password_policy()
    }

    /// How many password hashes this server has computed: what its sign-ins cost.
    pub fn password_hashes(&self) -> u64 {
        self.0.hasher.done()
    }

    /// The most passwords that were ever hashed at the same time.
    pub fn hashes_at_once(&self) -> usize {
        self.0.hasher.most_at_once()
    }

    /// What is to be thought of a password, before it is sent in earnest.
    pub async fn estimate_password(
        &self,
        password: &SecretString,
        inputs: &[&str],
        from: ClientAddr,
    ) -> Result<Estimate> {
        let quota = Quota {
            burst: 120,
            every: Duration::from_secs(1),
        };
        let key = format!("estimate:{}", from.network());
        self.0.limits.take(&key, quota).await?;
        let mut estimate = estimate(password, inputs, &self.password_policy());
        let typed = crate::model::password::normalised(password.expose_secret());
        if estimate.fault.is_none() && self.0.hasher.is_known(typed.expose_secret()).await? {
            estimate.score = 0;
            estimate.fault = Some(Fault {
                code: "breached",
                message: BREACHED.into(),
            });
        }
        Ok(estimate)
    }

    /// Changes the caller's password. Whoever knows the present one may, and whoever proved
    /// lately who they are. Every other device is signed out.
    pub async fn change_password(
        &self,
        caller: &Principal,
        current: Option<&SecretString>,
        new: &SecretString,
        at: At<'_>,
    ) -> Result<()> {
        let account = self.me(caller).await?;
        let inputs = [account.email.as_str(), account.name.as_str(), "portico"];
        match current {
            Some(current) => self.check_current(caller.user, current).await?,
            None => self.require_recent(caller)?,
        }
        let new = NewPassword::parse(new, &inputs, &self.password_policy())?;
        let hash = self.hash_unused(caller.user, &new).await?;
        let (now, user) = (self.0.clock.now(), caller.user);
        let mut tx = self.0.db.begin().await?;
        self.put_password(&mut tx, user, &hash).await?;
        let keep = crate::actions::entry::hashes_of(at.cookie);
        store::devices::stop_remembering(&mut tx, user, &keep).await?;
        let because = "password_changed";
        let ended = self
            .end_sessions(&mut tx, user, Some(caller.session), because)
            .await?;
        store::tokens::revoke(&mut tx, RESET, Some(user), now).await?;
        let event = SecurityEvent::of(user, Kind::PasswordChanged).seen(at.from, at.device);
        self.record(&mut tx, event).await?;
        tx.commit().await?;
        self.sessions_over(&ended);
        Ok(())
    }

    /// Whether the caller knows their present password; so many tries and no more.
    pub(crate) async fn check_current(&self, user: UserId, typed: &SecretString) -> Result<()> {
        let quota = Quota {
            burst: 10,
            every: Duration::from_mins(1),
        };
        let key = format!("current-password:{user}");
        self.0.limits.take(&key, quota).await?;
        let held = {
            let mut db = self.0.db.acquire().await?;
            store::passwords::get(&mut db, user).await?
        };
        let hash = held.map(|held| held.hash);
        if !self.0.hasher.verify(typed.expose_secret(), hash).await? {
            return Err(Error::field(
                "current_password",
                "wrong",
                "This is not your present password.",
            ));
        }
        self.0.limits.reset(&key).await
    }

    /// Hashes a password that none of the last few was.
    async fn hash_unused(&self, user: UserId, new: &NewPassword) -> Result<String> {
        let count = i64::from(self.0.config.password_history);
        let last = {
            let mut db = self.0.db.acquire().await?;
            store::passwords::last(&mut db, user, count).await?
        };
        if self.0.hasher.is_one_of(new.expose(), last, 0).await? {
            return Err(Error::field(
                "password",
                "used_before",
                "You had this password before. Choose another.",
            ));
        }
        self.0.hasher.hash(new.expose()).await
    }

    /// Sets a password and remembers the one it replaces: the only way to set one, so that none
    /// can be forgotten.
    pub(crate) async fn put_password(
        &self,
        tx: &mut sqlx::PgConnection,
        user: UserId,
        hash: &str,
    ) -> Result<()> {
        // The present one counts as the first of those that are not taken again.
        let before = i64::from(self.0.config.password_history.saturating_sub(1));
        Ok(store::passwords::set(tx, user, hash, before, self.0.clock.now()).await?)
    }

    /// Asks for a link to a new password. Answers the same whether the address has an account
    /// or not.
    pub async fn ask_reset(&self, email: &str, from: ClientAddr, device: &str) -> Result<()> {
        let email = Email::parse(email)?;
        self.ask_mail(Purpose::Reset, &email, None, from, device, None)
            .await
    }

    /// Writes the mail with the link, if the address has an account that may be used: a job.
    pub(crate) async fn send_reset(&self, request: RequestId) -> Result<()> {
        let (inner, now) = (&self.0, self.0.clock.now());
        let mut tx = inner.db.begin().await?;
        let Some(to) = store::mailed::addressee(&mut tx, request, now).await? else {
            return Ok(());
        };
        if to.status != Status::Active {
            return Ok(());
        }
        let token = Token::new()?;
        let mail = Mail {
            cause: format!("reset:{request}"),
            to: Email::parse(&to.email)?.address,
            template: Template::ResetPassword,
            vars: json!({ "name": to.name, "link": self.link("/reset", &token.text),
                "device": to.device }),
        };
        if let Some(mail) = inner.mailer.enqueue(&mut tx, &mail).await? {
            let user = Some(to.user);
            store::tokens::revoke(&mut tx, RESET, user, now).await?;
            store::tokens::insert(&mut tx, &token.hash, RESET, user, None, now + RESET_LIFE)
                .await?;
            kernel::jobs::enqueue(&mut tx, kernel::mail::SendMail { mail }).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Whose password a link sets anew, without using it up.
    pub async fn pending_reset(&self, token: &str) -> Result<String> {
        let mut db = self.0.db.acquire().await?;
        let hash = secrets::hash(token);
        let pending = store::tokens::peek(&mut db, &hash, RESET, self.0.clock.now()).await?;
        pending
            .and_then(|pending| pending.email)
            .ok_or_else(stale_link)
    }

    /// Sets a password through a mailed link: once, and every device is signed out.
    pub async fn reset_password(&self, token: &str, new: &SecretString, at: At<'_>) -> Result<()> {
        let (token, now) = (secrets::hash(token), self.0.clock.now());
        let pending = {
            let mut db = self.0.db.acquire().await?;
            store::tokens::peek(&mut db, &token, RESET, now).await?
        };
        let pending = pending.ok_or_else(stale_link)?;
        let (Some(user), Some(email), Some(name)) = (pending.user, pending.email, pending.name)
        else {
            return Err(stale_link());
        };
        // A password that is refused leaves the link as it is.
        let inputs = [email.as_str(), name.as_str(), "portico"];
        let new = NewPassword::parse(new, &inputs, &self.password_policy())?;
        let hash = self.hash_unused(user, &new).await?;
        let mut tx = self.0.db.begin().await?;
        if !store::tokens::consume(&mut tx, &token, RESET, now).await? {
            return Err(stale_link());
        }
        self.mailbox_proved(&mut tx, user).await?;
        self.put_password(&mut tx, user, &hash).await?;
        store::devices::stop_remembering(&mut tx, user, &[]).await?;
        store::tokens::revoke(&mut tx, RESET, Some(user), now).await?;
        let ended = self
            .end_sessions(&mut tx, user, None, "password_reset")
            .await?;
        let event = SecurityEvent::of(user, Kind::PasswordReset).seen(at.from, at.device);
        self.record(&mut tx, event).await?;
        tx.commit().await?;
        self.sessions_over(&ended);
        Ok(())
    }

    /// Whoever used what was mailed reads the mail: the address is proved, and what others
    /// registered with it is worth nothing.
    pub(crate) async fn mailbox_proved(
        &self,
        tx: &mut sqlx::PgConnection,
        user: UserId,
    ) -> Result<()> {
        store::registrations::forget(tx, user).await?;
        if store::accounts::verify_email(tx, user, self.0.clock.now()).await? {
            self.start_clean(tx, user).await?;
            self.0
                .events
                .append(tx, Some(user), &EmailVerified { user })
                .await?;
        }
        Ok(())
    }

    /// Brings a hash to the cost that is asked for now, where it was made at another.
    pub(crate) async fn rehash(&self, user: UserId, password: &str, before: &str) -> Result<()> {
        if !self.0.hasher.is_outdated(before) {
            return Ok(());
        }
        let password = crate::model::password::normalised(password);
        let after = self
            .0
            .hasher
            .hash_as_it_is(password.expose_secret())
            .await?;
        let mut db = self.0.db.acquire().await?;
        store::passwords::rehash(&mut db, user, before, &after).await?;
        Ok(())
    }
}
