//! Links and codes by mail: six characters that are typed, or all forty-five in a link.

use super::{
    entry::{Arrival, Tokens},
    mails::link,
};
use crate::{
    model::{Email, entry::Method},
    stack_auth::{
        StackAuth, call::Device, fault::Result, known::Known, model::CodeKind, secrets, store,
    },
};
use kernel::mail::Template;
use serde_json::json;

impl StackAuth {
    /// Mails a link and a code; answers the part of the code that stays with the asker.
    ///
    /// An account whose address was never proved is not let in this way: whoever holds the mailbox would
    /// get an account in which somebody else has left a password. It says so, as the protocol does.
    pub(crate) async fn send_sign_in_code(
        &self,
        email: &str,
        callback: &str,
        device: &Device,
    ) -> Result<String> {
        let page = self.trusted(callback)?;
        if !self.config().magic_link_enabled {
            return Err(crate::stack_auth::fault::Fault::forbidden(
                "OTP sign-in is not enabled for this project",
            ));
        }
        let email = Self::email(email)?;
        self.may_mail(&email).await?;
        let mut tx = self.inner().db.begin().await?;
        let known = store::users::entrance(&mut tx, &email).await?;
        match &known {
            Some(found) if !found.verified => {
                return Err(
                    Known::UserEmailAlreadyExists(email.address.as_str().to_owned(), true).into(),
                );
            }
            Some(_) => {}
            None if !self.config().sign_up_enabled => return Err(Known::SignUpNotEnabled.into()),
            None => self.may_sign_up(device).await?,
        }
        let life = time::Duration::minutes(self.config().code_minutes.into());
        let address = email.address.as_str();
        let user = known.map(|found| found.user);
        let code = self
            .issue_code(
                &mut tx,
                CodeKind::SignIn,
                life,
                user,
                Some(address),
                json!({}),
            )
            .await?;
        let (typed, nonce) = code.split_at(secrets::TYPED);
        let vars = json!({
            "link": link(&page, &code),
            "code": typed.to_uppercase(),
            "minutes": self.config().code_minutes,
        });
        self.mail(&mut tx, &email, Template::StackSignIn, vars)
            .await?;
        tx.commit().await?;
        Ok(nonce.to_owned())
    }

    /// Signs in with a mailed code, and up if the address has no account.
    pub(crate) async fn sign_in_with_code(&self, code: &str, device: &Device) -> Result<Tokens> {
        let mut tx = self.inner().db.begin().await?;
        let code = self.locked(&mut tx, CodeKind::SignIn, code).await?;
        self.used(&mut tx, &code).await?;
        let email = Email::parse(code.email.as_deref().unwrap_or_default())?;
        let (user, is_new) = match store::users::entrance(&mut tx, &email).await? {
            // Somebody signed up with the address since the code was mailed, without proving it.
            Some(found) if !found.verified => {
                return Err(
                    Known::UserEmailAlreadyExists(email.address.as_str().to_owned(), true).into(),
                );
            }
            Some(found) => {
                if !found.otp {
                    self.allow_codes(&mut tx, found.user).await?;
                }
                (found.user, false)
            }
            None => {
                if !self.config().sign_up_enabled {
                    return Err(Known::SignUpNotEnabled.into());
                }
                let made = self.make_account(&mut tx, &email, true, true).await?;
                (made.ok_or(Known::VerificationCodeNotFound)?, true)
            }
        };
        let arrival = Arrival {
            is_new,
            ..Arrival::new(user, Method::EmailCode, device)
        };
        let opened = self.let_in(&mut tx, arrival).await?;
        tx.commit().await?;
        Ok(opened.tokens()?)
    }

    async fn allow_codes(
        &self,
        tx: &mut sqlx::PgConnection,
        user: kernel::id::UserId,
    ) -> Result<()> {
        let change = store::users::Change {
            otp_auth_enabled: Some(true),
            ..Default::default()
        };
        store::users::ensure(tx, user, false, true).await?;
        store::users::change(tx, user, change).await?;
        Ok(())
    }
}
