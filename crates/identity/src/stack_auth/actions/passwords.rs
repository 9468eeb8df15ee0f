//! Passwords: signing up and in with one, changing and setting one.

use super::{
    entry::{Arrival, Tokens},
    mails::link,
};
use crate::{
    model::{
        Email,
        entry::Method,
        security::{Kind, SecurityEvent},
    },
    secrets::hash,
    stack_auth::{
        StackAuth,
        call::Device,
        fault::{Fault, Result},
        known::Known,
        model::CodeKind,
        store,
    },
    store as accounts,
};
use kernel::{Principal, id::UserId, limits::Quota, mail::Template};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sqlx::PgConnection;
use std::time::Duration;
use url::Url;

/// How long a mailed link that proves an address works.
pub(crate) const VERIFICATION: time::Duration = time::Duration::days(7);

impl StackAuth {
    /// Signs somebody up and in. Says that an address has an account, which the protocol's forms need;
    /// so attempts are counted.
    pub(crate) async fn sign_up(
        &self,
        email: &str,
        password: &SecretString,
        callback: Option<&str>,
        device: &Device,
    ) -> Result<Tokens> {
        let callback = callback.map(|url| self.trusted(url)).transpose()?;
        if !self.config().credential_enabled {
            return Err(Known::PasswordAuthenticationNotEnabled.into());
        }
        let email = Self::email(email)?;
        let password = self.new_password(password, &[email.address.as_str()])?;
        if !self.config().sign_up_enabled {
            return Err(Known::SignUpNotEnabled.into());
        }
        self.may_sign_up(device).await?;
        let inner = self.inner();
        let hashed = inner.hasher.hash(password.expose()).await?;
        let mut tx = inner.db.begin().await?;
        let Some(user) = self.make_account(&mut tx, &email, false, false).await? else {
            return Err(
                Known::UserEmailAlreadyExists(email.address.as_str().to_owned(), false).into(),
            );
        };
        self.0.put_password(&mut tx, user, &hashed).await?;
        if let Some(page) = callback {
            self.mail_verification(&mut tx, user, &email, &page).await?;
        }
        let arrival = Arrival {
            is_new: true,
            ..Arrival::new(user, Method::Password, device)
        };
        let opened = self.let_in(&mut tx, arrival).await?;
        tx.commit().await?;
        Ok(opened.tokens()?)
    }

    /// Mails the link that proves an address.
    pub(crate) async fn mail_verification(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        email: &Email,
        page: &Url,
    ) -> Result<()> {
        let code = self
            .issue_code(
                tx,
                CodeKind::Verification,
                VERIFICATION,
                Some(user),
                Some(email.address.as_str()),
                json!({}),
            )
            .await?;
        let name = accounts::accounts::get(tx, user)
            .await?
            .map(|account| account.display_name.unwrap_or(account.name));
        let vars = json!({ "name": name, "link": link(page, &code) });
        self.mail(tx, email, Template::WelcomeVerify, vars).await
    }

    /// Signs in with a password.
    pub(crate) async fn sign_in(
        &self,
        email: &str,
        password: &SecretString,
        device: &Device,
    ) -> Result<Tokens> {
        if !self.config().credential_enabled {
            return Err(Known::PasswordAuthenticationNotEnabled.into());
        }
        let inner = self.inner();
        let parsed = Email::parse(email).ok();
        let key = parsed.as_ref().map_or("", |email| email.key.as_str());
        let guesses = self.count_guess(key, device).await?;
        let found = match &parsed {
            Some(email) => {
                let mut db = inner.db.acquire().await?;
                store::users::entrance(&mut db, email).await?
            }
            None => None,
        };
        let held = found.as_ref().and_then(|found| found.hash.clone());
        let right = inner.hasher.verify(password.expose_secret(), held).await?;
        let Some(found) = found.as_ref().filter(|_| right) else {
            let user = found.map(|found| found.user);
            self.note_failure(user, email, device).await?;
            return Err(Known::EmailPasswordMismatch.into());
        };
        inner.limits.reset(&guesses).await?;
        let mut tx = inner.db.begin().await?;
        let arrival = Arrival::new(found.user, Method::Password, device);
        let opened = self.let_in(&mut tx, arrival).await?;
        tx.commit().await?;
        Ok(opened.tokens()?)
    }

    /// Counts a guess at an account from a network, with those of the first-party door.
    async fn count_guess(&self, key: &str, device: &Device) -> Result<String> {
        let (limits, config) = (&self.inner().limits, &self.inner().config);
        let network = device.from.network();
        let all = Quota {
            burst: config.address_burst.max(self.config().sign_up_burst),
            every: Duration::from_secs(1),
        };
        limits
            .take(&format!("stack-sign-in:{network}"), all)
            .await?;
        let guesses = format!("sign-in:{network}:{}", hex::encode(hash(key)));
        let one = Quota {
            burst: config.sign_in_burst,
            every: Duration::from_secs(30),
        };
        limits.take(&guesses, one).await?;
        Ok(guesses)
    }

    pub(crate) async fn note_failure(
        &self,
        user: Option<UserId>,
        typed: &str,
        device: &Device,
    ) -> Result<()> {
        let typed = crate::actions::sessions::address_of(typed);
        let mut tx = self.inner().db.begin().await?;
        let event = SecurityEvent {
            kind: Kind::SignInFailed,
            user,
            identifier: typed.as_deref(),
            from: Some(device.from),
            device: Some(&device.name),
            data: json!({ "method": "password", "face": "stack_auth" }),
        };
        self.0.record(&mut tx, event).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Changes the caller's password; their other sessions end.
    pub(crate) async fn update_password(
        &self,
        caller: &Principal,
        old: &SecretString,
        new: &SecretString,
        device: &Device,
    ) -> Result<()> {
        let inner = self.inner();
        let (user, held) = {
            let mut db = inner.db.acquire().await?;
            let user = self.able(&mut db, caller.user).await?;
            let held = store::users::password_hash(&mut db, caller.user).await?;
            (user, held)
        };
        if held.is_none() {
            return Err(Known::UserDoesNotHavePassword.into());
        }
        let key = format!("password-update:{}", caller.user);
        let quota = Quota {
            burst: 10,
            every: Duration::from_secs(30),
        };
        inner.limits.take(&key, quota).await?;
        if !inner.hasher.verify(old.expose_secret(), held).await? {
            return Err(Known::PasswordConfirmationMismatch.into());
        }
        inner.limits.reset(&key).await?;
        let new = self.new_password(new, &[user.email.as_deref().unwrap_or_default()])?;
        self.store_password(caller, new.expose(), device).await
    }

    /// Gives a first password to an account that has none.
    pub(crate) async fn set_password(
        &self,
        caller: &Principal,
        new: &SecretString,
        device: &Device,
    ) -> Result<()> {
        let (user, held) = {
            let mut db = self.inner().db.acquire().await?;
            let user = self.able(&mut db, caller.user).await?;
            let held = store::users::password_hash(&mut db, caller.user).await?;
            (user, held)
        };
        if held.is_some() {
            return Err(Fault::Plain(
                axum::http::StatusCode::BAD_REQUEST,
                "User already has a password set.".into(),
            ));
        }
        let new = self.new_password(new, &[user.email.as_deref().unwrap_or_default()])?;
        self.store_password(caller, new.expose(), device).await
    }

    async fn store_password(&self, caller: &Principal, new: &str, device: &Device) -> Result<()> {
        let inner = self.inner();
        let hashed = inner.hasher.hash(new).await?;
        let mut tx = inner.db.begin().await?;
        self.0.put_password(&mut tx, caller.user, &hashed).await?;
        let ended = self
            .0
            .end_sessions(
                &mut tx,
                caller.user,
                Some(caller.session),
                "password_changed",
            )
            .await?;
        let event = SecurityEvent::of(caller.user, Kind::PasswordChanged)
            .seen(device.from, &device.name)
            .with(json!({ "face": "stack_auth" }));
        self.0.record(&mut tx, event).await?;
        tx.commit().await?;
        self.0.sessions_over(&ended);
        Ok(())
    }
}
