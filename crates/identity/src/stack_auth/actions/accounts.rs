//! New accounts, and what becomes true once an address is proved.

use crate::{
    model::{Email, EmailVerified, Name, password::NewPassword},
    stack_auth::{StackAuth, call::Device, fault::Result, known::Known, store},
    store as accounts,
};
use kernel::{Error, id::UserId, limits::Quota};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgConnection;
use std::time::Duration;

/// The forms of the SDK take no longer ones.
const PASSWORD_LONGEST: usize = 70;

impl StackAuth {
    /// Reads an address.
    pub(crate) fn email(text: &str) -> Result<Email> {
        Email::parse(text).map_err(|_| {
            Known::Schema(format!(
                "body.email must be a valid email, but was {text:?}"
            ))
            .into()
        })
    }

    /// Checks a new password against the operator's policy, in the protocol's words.
    pub(crate) fn new_password(
        &self,
        text: &SecretString,
        inputs: &[&str],
    ) -> Result<NewPassword, Known> {
        let policy = self.inner().config.password_policy();
        let length = text.expose_secret().chars().count();
        if length < policy.shortest {
            return Err(Known::PasswordTooShort(policy.shortest));
        }
        if length > PASSWORD_LONGEST {
            return Err(Known::PasswordTooLong(PASSWORD_LONGEST));
        }
        NewPassword::parse(text, inputs, &policy).map_err(|refused| {
            let message = match refused {
                Error::Invalid(faults) => faults.into_iter().next().map(|fault| fault.message),
                _ => None,
            };
            Known::PasswordRequirementsNotMet(
                message.map_or_else(|| "This password cannot be used.".into(), Into::into),
            )
        })
    }

    /// Counts a sign-up of a network. Their app's server may stand behind one address.
    pub(crate) async fn may_sign_up(&self, device: &Device) -> Result<()> {
        let quota = Quota {
            burst: self.config().sign_up_burst,
            every: Duration::from_secs(2),
        };
        let key = format!("stack-sign-up:{}", device.from.network());
        match self.inner().limits.take(&key, quota).await {
            Err(Error::TooMany { retry_after }) => Err(Known::SignUpRejected(format!(
                "Too many sign-ups from this network. Please try again in {} seconds.",
                retry_after.as_secs().max(1)
            ))
            .into()),
            other => Ok(other?),
        }
    }

    /// Makes an account without a name: a member, whose address is proved or not. Nothing if the address
    /// has an account.
    pub(crate) async fn make_account(
        &self,
        tx: &mut PgConnection,
        email: &Email,
        proved: bool,
        otp: bool,
    ) -> Result<Option<UserId>> {
        let now = self.inner().clock.now();
        if accounts::accounts::by_email(tx, email).await?.is_some()
            || store::channels::signs_in(tx, email).await?.is_some()
        {
            return Ok(None);
        }
        let local = email.address.as_str().split('@').next().unwrap_or("");
        let name: String = local.chars().take(100).collect();
        let name = Name::parse("name", &name)?;
        let Some(user) = accounts::accounts::insert(tx, email, &name, now, false).await? else {
            return Ok(None);
        };
        store::users::ensure(tx, user, true, otp).await?;
        store::channels::ensure_primary(tx, user).await?;
        accounts::accounts::grant(tx, user, "member", None).await?;
        if proved {
            self.proved(tx, user).await?;
        }
        Ok(Some(user))
    }

    /// Marks the account's address as proved by its owner.
    pub(crate) async fn proved(&self, tx: &mut PgConnection, user: UserId) -> Result<()> {
        let now = self.inner().clock.now();
        if accounts::accounts::verify_email(tx, user, now).await? {
            self.inner()
                .events
                .append(tx, Some(user), &EmailVerified { user })
                .await?;
        }
        Ok(())
    }
}
