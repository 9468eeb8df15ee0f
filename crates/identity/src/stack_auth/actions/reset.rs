//! A new password through a mailed link. Never says whether an address has an account, and takes
//! as long either way.

use super::mails::link;
use crate::{
    model::{
        Email,
        security::{Kind, SecurityEvent},
    },
    stack_auth::{StackAuth, call::Device, fault::Result, known::Known, model::CodeKind, store},
    store as accounts,
};
use kernel::{id::UserId, mail::Template};
use secrecy::SecretString;
use serde_json::json;
use sqlx::PgConnection;

/// How long a link works.
const LIFE: time::Duration = time::Duration::hours(2);

impl StackAuth {
    /// Mails a link, if there is whom to mail it to.
    pub(crate) async fn send_reset(&self, email: &str, callback: &str) -> Result<()> {
        let page = self.trusted(callback)?;
        let email = Self::email(email)?;
        self.may_mail(&email).await?;
        let mut tx = self.inner().db.begin().await?;
        let found = store::users::entrance(&mut tx, &email).await?;
        // The code is made either way: unknown addresses take as long as known ones.
        let user = found.map(|found| found.user);
        let code = self
            .issue_code(
                &mut tx,
                CodeKind::PasswordReset,
                LIFE,
                user,
                Some(email.address.as_str()),
                json!({}),
            )
            .await?;
        if let Some(user) = user {
            let vars =
                json!({ "link": link(&page, &code), "name": self.called(&mut tx, user).await? });
            self.mail(&mut tx, &email, Template::StackPasswordReset, vars)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// How mails call somebody.
    pub(crate) async fn called(&self, tx: &mut PgConnection, user: UserId) -> Result<String> {
        let account = accounts::accounts::get(tx, user).await?;
        Ok(account.map_or_else(String::new, |account| {
            account.display_name.unwrap_or(account.name)
        }))
    }

    /// Sets the new password; all sessions end. Whoever holds the link has the mailbox, so the address is
    /// proved; if it was not before, nothing counts that was left in the account by somebody
    /// who may have been another.
    pub(crate) async fn reset_password(
        &self,
        code: &str,
        password: &SecretString,
        device: &Device,
    ) -> Result<()> {
        let inner = self.inner();
        let seen = self.look_at(CodeKind::PasswordReset, code).await?;
        let email = seen.email.as_deref().unwrap_or_default();
        let password = self.new_password(password, &[email])?;
        let hashed = inner.hasher.hash(password.expose()).await?;
        let now = inner.clock.now();
        let mut tx = inner.db.begin().await?;
        let code = self.locked(&mut tx, CodeKind::PasswordReset, code).await?;
        let user = code.user.ok_or(Known::VerificationCodeNotFound)?;
        self.used(&mut tx, &code).await?;
        store::codes::revoke(&mut tx, CodeKind::PasswordReset, user, now).await?;
        store::codes::revoke(&mut tx, CodeKind::SecondFactor, user, now).await?;
        self.0.put_password(&mut tx, user, &hashed).await?;
        self.mailbox_shown(&mut tx, user, email).await?;
        let ended = self
            .0
            .end_sessions(&mut tx, user, None, "password_reset")
            .await?;
        let event = SecurityEvent::of(user, Kind::PasswordReset)
            .seen(device.from, &device.name)
            .with(json!({ "face": "stack_auth" }));
        self.0.record(&mut tx, event).await?;
        tx.commit().await?;
        self.0.sessions_over(&ended);
        Ok(())
    }

    /// Somebody has followed a link that was mailed to an address of an account.
    async fn mailbox_shown(&self, tx: &mut PgConnection, user: UserId, email: &str) -> Result<()> {
        let Some((owner, proved)) = accounts::accounts::by_email(tx, &Email::parse(email)?).await?
        else {
            return Ok(());
        };
        if owner == user && !proved {
            store::users::forget_proofs(tx, user).await?;
            self.proved(tx, user).await?;
        }
        Ok(())
    }
}
