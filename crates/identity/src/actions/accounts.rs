//! Registering, proving an address, minding one's profile.

use crate::{
    Identity,
    actions::{entry::Arrival, passwords::At},
    model::{
        Account, AccountRegistered, Email, EmailVerified, NewAccount, ProfileChange,
        RegistrationId, RegistrationRepeated, Status,
        entry::{Entry, Method},
    },
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
use serde_json::json;
use std::{sync::Arc, time::Duration};
use zeroize::Zeroizing;

const VERIFY: &str = "verify_email";
/// How long a verification link works.
pub(crate) const VERIFY_LIFE: time::Duration = time::Duration::days(3);

/// What a verification link stands for.
#[derive(Debug, Clone)]
pub struct PendingEmail {
    /// The address that is about to be proved.
    pub email: String,
    /// Whose it is.
    pub name: String,
}

impl Identity {
    /// Registers an account with its profile. Answers the same, and as slowly, when the
    /// address has one: its owner hears of it by mail instead.
    /// What comes back is for this browser to keep: the link that proves the address signs
    /// in there, and nowhere else.
    pub async fn register(&self, new: NewAccount, from: ClientAddr) -> Result<Zeroizing<String>> {
        let inner = &self.0;
        let quota = Quota {
            burst: 20,
            every: Duration::from_mins(1),
        };
        inner
            .limits
            .take(&format!("register:{}", from.network()), quota)
            .await?;
        let hash = inner.hasher.hash(new.password.expose()).await?;
        let now = inner.clock.now();
        let mut tx = inner.db.begin().await?;
        let known = store::accounts::by_email(&mut tx, &new.email).await?;
        let made = match known {
            None => store::accounts::insert(&mut tx, &new.email, &new.name, now, false).await?,
            Some(_) => None,
        };
        let (registration, browser) = (RegistrationId::new(), Token::new()?);
        if let Some(user) = made {
            let (name, browser) = (&new.name, &browser.hash);
            store::registrations::insert(&mut tx, registration, user, name, &hash, browser, now)
                .await?;
            store::accounts::grant(&mut tx, user, "member", None).await?;
            let event = AccountRegistered { user, registration };
            inner.events.append(&mut tx, Some(user), &event).await?;
        } else if let Some((user, verified)) = known {
            let registration = (!verified).then_some(registration);
            if let Some(id) = registration {
                let (name, browser) = (&new.name, &browser.hash);
                store::registrations::insert(&mut tx, id, user, name, &hash, browser, now).await?;
            }
            let event = RegistrationRepeated { user, registration };
            inner.events.append(&mut tx, None, &event).await?;
        }
        tx.commit().await?;
        Ok(browser.text)
    }

    /// Writes the welcome mail with the link that proves the address for this registration,
    /// and for no other: a job.
    pub(crate) async fn send_welcome(&self, registration: RegistrationId) -> Result<()> {
        let inner = &self.0;
        let now = inner.clock.now();
        let mut tx = inner.db.begin().await?;
        let Some(to) = store::registrations::addressee(&mut tx, registration).await? else {
            return Ok(());
        };
        let token = Token::new()?;
        let mail = Mail {
            cause: format!("welcome:{registration}"),
            to: Email::parse(&to.email)?.address,
            template: Template::WelcomeVerify,
            vars: json!({ "name": to.name, "link": self.link("/verify", &token.text) }),
        };
        if let Some(mail) = inner.mailer.enqueue(&mut tx, &mail).await? {
            let (user, until) = (Some(to.user), now + VERIFY_LIFE);
            let id = Some(registration);
            store::tokens::insert(&mut tx, &token.hash, VERIFY, user, id, until).await?;
            kernel::jobs::enqueue(&mut tx, kernel::mail::SendMail { mail }).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Tells the owner of an address that somebody tried to register with it: a job.
    pub(crate) async fn send_already_registered(&self, user: UserId, cause: &str) -> Result<()> {
        let inner = &self.0;
        let mut tx = inner.db.begin().await?;
        let Some(account) = store::accounts::get(&mut tx, user).await? else {
            return Ok(());
        };
        if account.email_verified_at.is_none() {
            return Ok(());
        }
        let mut sign_in = inner.public_url.clone();
        sign_in.set_path("/sign-in");
        let mail = Mail {
            cause: cause.to_owned(),
            to: Email::parse(&account.email)?.address,
            template: Template::AlreadyRegistered,
            vars: json!({ "name": account.name, "link": sign_in.as_str() }),
        };
        if let Some(mail) = inner.mailer.enqueue(&mut tx, &mail).await? {
            kernel::jobs::enqueue(&mut tx, kernel::mail::SendMail { mail }).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// What a verification link stands for; using it up is another verb, because mail
    /// scanners open links.
    pub async fn pending_email(&self, token: &str) -> Result<PendingEmail> {
        let mut db = self.0.db.acquire().await?;
        let hash = secrets::hash(token);
        let pending = store::tokens::peek(&mut db, &hash, VERIFY, self.0.clock.now()).await?;
        let pending = pending.ok_or_else(stale_link)?;
        match (pending.email, pending.name) {
            (Some(email), Some(name)) => Ok(PendingEmail { email, name }),
            _ => Err(stale_link()),
        }
    }

    /// Proves the address and finishes the profile, both or neither. The browser that
    /// registered is signed in.
    pub async fn verify_email(
        &self,
        token: &str,
        profile: &ProfileChange,
        browser: Option<&str>,
        at: At<'_>,
    ) -> Result<(String, Option<Entry>)> {
        let inner = &self.0;
        let (hash, now) = (secrets::hash(token), inner.clock.now());
        let mut tx = inner.db.begin().await?;
        let pending = store::tokens::peek(&mut tx, &hash, VERIFY, now)
            .await?
            .ok_or_else(stale_link)?;
        let (Some(user), Some(email), Some(registration)) =
            (pending.user, pending.email, pending.registration)
        else {
            return Err(stale_link());
        };
        if !store::tokens::consume(&mut tx, &hash, VERIFY, now).await? {
            return Err(stale_link());
        }
        let mut ended = Vec::new();
        if store::accounts::verify_email(&mut tx, user, now).await? {
            ended = self.start_clean(&mut tx, user).await?;
            inner
                .events
                .append(&mut tx, Some(user), &EmailVerified { user })
                .await?;
        }
        let ours = match browser.map(secrets::hash) {
            Some(hash) => store::registrations::made_by(&mut tx, registration, &hash).await?,
            None => false,
        };
        let chosen = store::registrations::password(&mut tx, registration, user).await?;
        if let Some(hash) = chosen {
            self.put_password(&mut tx, user, &hash).await?;
        }
        store::registrations::apply(&mut tx, registration, user, now).await?;
        store::accounts::update_profile(&mut tx, user, profile, now).await?;
        // Somebody else's registration is proved by who follows its link, but it would sign
        // them in to an account whose password they do not know: only here is it theirs.
        let entry = if ours && store::accounts::status(&mut tx, user).await? == Some(Status::Active)
        {
            let arrival = Arrival {
                user,
                method: Method::Registration,
                from: at.from,
                device: at.device,
                cookie: at.cookie,
                second: None,
            };
            Some(self.admit(&mut tx, arrival).await?)
        } else {
            None
        };
        tx.commit().await?;
        self.sessions_over(&ended);
        Ok((email, entry))
    }

    /// The caller's own account.
    pub async fn me(&self, caller: &Principal) -> Result<Arc<Account>> {
        self.account_of(caller.user).await
    }

    /// Somebody's account, as `me` shows it to them.
    pub(crate) async fn account_of(&self, user: UserId) -> Result<Arc<Account>> {
        let held = self
            .0
            .accounts
            .get::<Error, _>(user, async {
                let mut db = self.0.db.acquire().await?;
                let account = store::accounts::get(&mut db, user).await?;
                Ok(account.map(Arc::new))
            })
            .await?;
        held.ok_or(Error::Unauthenticated)
    }

    /// Changes the caller's own profile.
    pub async fn change_profile(
        &self,
        caller: &Principal,
        change: &ProfileChange,
    ) -> Result<Account> {
        let mut tx = self.0.db.begin().await?;
        store::accounts::update_profile(&mut tx, caller.user, change, self.0.clock.now()).await?;
        let account = store::accounts::get(&mut tx, caller.user)
            .await?
            .ok_or(Error::Unauthenticated)?;
        tx.commit().await?;
        Ok(account)
    }
}

fn stale_link() -> Error {
    Error::conflict(
        "link_stale",
        "This link was used already or is too old. Sign in, or register again to get a new one.",
    )
}
