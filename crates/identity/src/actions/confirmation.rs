//! Confirming who somebody is, in a session that is open already.

use crate::{
    Identity, STANDING,
    actions::{
        mailed::{Purpose, code_wrong},
        passkeys::PasskeyAnswer,
        passwords::At,
        sessions::Issued,
    },
    model::{
        Email,
        entry::Factor,
        security::{Kind, SecurityEvent},
    },
    secrets, store,
};
use kernel::{Error, Principal, Result, cache, id::SessionId};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;

/// How somebody confirms who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confirmation {
    /// Their password.
    Password,
    /// A code of their authenticator app.
    Totp,
    /// One of their passkeys.
    Passkey,
    /// A code that is mailed to them: for who has nothing else.
    EmailCode,
}

/// What somebody can confirm with.
#[derive(Debug, Clone)]
pub struct Confirmable {
    /// The ways there are, the handiest first.
    pub methods: Vec<Confirmation>,
    /// Until when the last proof counts.
    pub fresh_until: OffsetDateTime,
}

impl Identity {
    /// What the caller can confirm with.
    pub async fn confirmable(&self, caller: &Principal) -> Result<Confirmable> {
        let mut db = self.0.db.acquire().await?;
        let password = store::passwords::get(&mut db, caller.user).await?;
        let factors = store::factors::of(&mut db, caller.user, false).await?;
        let mut methods = Vec::new();
        if password.is_some() {
            methods.push(Confirmation::Password);
        }
        if factors.contains(&Factor::Totp) {
            methods.push(Confirmation::Totp);
        }
        if !store::passkeys::own_credential_ids(&mut db, caller.user)
            .await?
            .is_empty()
        {
            methods.push(Confirmation::Passkey);
        }
        // A mailbox that stands open beside the session proves little.
        if methods.is_empty() {
            methods.push(Confirmation::EmailCode);
        }
        Ok(Confirmable {
            methods,
            fresh_until: caller.authenticated_at + self.0.config.confirmation(),
        })
    }

    /// Mails a code to confirm with, to who has neither a password nor a second factor.
    pub async fn ask_confirmation(&self, caller: &Principal, at: At<'_>) -> Result<()> {
        let ways = self.confirmable(caller).await?;
        if !ways.methods.contains(&Confirmation::EmailCode) {
            return Err(Error::conflict(
                "confirm_otherwise",
                "Confirm with your password or with your second factor.",
            ));
        }
        let account = self.me(caller).await?;
        let email = Email::parse(&account.email)?;
        let browser = browser_of(caller.session);
        let purpose = Purpose::Confirm;
        self.ask_mail(purpose, &email, Some(&browser), at.from, at.device, None)
            .await
    }

    /// Confirms who the caller is: what asks for a recent proof is open to them again. A browser
    /// goes on with another session and its tokens, so that
    /// whoever has a copy of the ones before has nothing of it.
    pub async fn confirm(
        &self,
        caller: &Principal,
        how: Confirmation,
        secret: &SecretString,
        browser: bool,
        at: At<'_>,
    ) -> Result<Option<Issued>> {
        let user = caller.user;
        if !self.confirmable(caller).await?.methods.contains(&how) {
            return Err(code_wrong());
        }
        let right = match how {
            Confirmation::Password => match self.check_current(user, secret).await {
                Ok(()) => true,
                Err(Error::Invalid(_)) => false,
                Err(other) => return Err(other),
            },
            Confirmation::Totp => {
                self.slow_down("confirm", user).await?;
                let mut tx = self.0.db.begin().await?;
                let code = secret.expose_secret();
                let right = self.totp_is_right(&mut tx, user, code, true).await?;
                tx.commit().await?;
                right
            }
            // Answered by a ceremony, not by a text: `confirm_with_passkey`.
            Confirmation::Passkey => false,
            Confirmation::EmailCode => {
                let (code, browser) = (secret.expose_secret(), browser_of(caller.session));
                let (tried, found) = self.check_code(Purpose::Confirm, &browser, code).await?;
                let mut db = self.0.db.acquire().await?;
                found == Some(user)
                    && store::mailed::consume(&mut db, tried.id, self.0.clock.now()).await?
            }
        };
        if !right {
            return Err(self.not_confirmed(caller, how, at).await?);
        }
        self.proved_again(caller, browser).await
    }

    /// The same, by one of the caller's passkeys.
    pub async fn confirm_with_passkey(
        &self,
        caller: &Principal,
        answer: PasskeyAnswer,
        browser: bool,
    ) -> Result<Option<Issued>> {
        self.proves(caller.user, answer).await?;
        self.proved_again(caller, browser).await
    }

    async fn not_confirmed(
        &self,
        caller: &Principal,
        how: Confirmation,
        at: At<'_>,
    ) -> Result<Error> {
        let event = SecurityEvent::of(caller.user, Kind::SecondFactorFailed)
            .seen(at.from, at.device)
            .with(json!({ "confirmation": how }));
        let mut tx = self.0.db.begin().await?;
        self.record(&mut tx, event).await?;
        tx.commit().await?;
        Ok(match how {
            Confirmation::Password => {
                Error::forbidden("password_wrong", "This is not your password.")
            }
            _ => code_wrong(),
        })
    }

    /// Notes that the caller has proved again who they are.
    async fn proved_again(&self, caller: &Principal, browser: bool) -> Result<Option<Issued>> {
        let (session, now) = (caller.session, self.0.clock.now());
        let mut tx = self.0.db.begin().await?;
        if browser {
            let issued = self.go_on_as_another(&mut tx, session, caller.user).await?;
            tx.commit().await?;
            self.session_over(session);
            self.0.standing.forget(&issued.session);
            return Ok(Some(issued));
        }
        store::sessions::authenticated(&mut tx, session, now).await?;
        cache::invalidate(&mut tx, STANDING, session).await?;
        tx.commit().await?;
        self.0.standing.forget(&session);
        Ok(None)
    }
}

/// A code to confirm with belongs to the session that asked.
fn browser_of(session: SessionId) -> Vec<u8> {
    secrets::hash(&format!("session:{session}"))
}
