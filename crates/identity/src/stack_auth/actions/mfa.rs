//! The second factor of this face: a code from an authenticator app. The protocol has the page make the secret
//! and prove nothing, so a recent sign-in is asked for, and the owner is told.

use super::entry::{Arrival, Tokens};
use crate::{
    model::{
        entry::{Factor, Method},
        security::{Kind, SecurityEvent},
    },
    stack_auth::{
        StackAuth,
        call::Device,
        fault::{Fault, Result},
        known::Known,
        model::CodeKind,
        store,
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};
use kernel::id::UserId;
use serde_json::json;
use sqlx::PgConnection;
use std::future::{Ready, ready};

/// What RFC 4226 §4 asks for at least, and what no app takes.
const SECRET: std::ops::RangeInclusive<usize> = 16..=64;

impl StackAuth {
    /// Completes a sign-in that waits for its second factor.
    pub(crate) async fn sign_in_with_totp(
        &self,
        code: &str,
        totp: &str,
        device: &Device,
    ) -> Result<Tokens> {
        let mut tx = self.inner().db.begin().await?;
        let attempt = self.locked(&mut tx, CodeKind::SecondFactor, code).await?;
        let user = attempt.user.ok_or(Known::VerificationCodeNotFound)?;
        if !self.0.take_totp(&mut tx, user, totp).await? {
            store::codes::count_attempt(&mut tx, attempt.id).await?;
            let event = SecurityEvent::of(user, Kind::SecondFactorFailed)
                .seen(device.from, &device.name)
                .with(json!({ "factor": "totp", "face": "stack_auth" }));
            self.0.record(&mut tx, event).await?;
            tx.commit().await?;
            return Err(Known::InvalidTotpCode.into());
        }
        self.used(&mut tx, &attempt).await?;
        let method = attempt.data["method"].as_str().and_then(Method::parse);
        let arrival = Arrival {
            is_new: attempt.data["is_new_user"] == true,
            second: Some(Factor::Totp),
            ..Arrival::new(user, method.unwrap_or(Method::Password), device)
        };
        let opened = self.let_in(&mut tx, arrival).await?;
        tx.commit().await?;
        Ok(opened.tokens()?)
    }

    /// Gives an account a second factor, or takes it away.
    pub(crate) async fn set_totp(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        secret: Option<&str>,
        device: Option<&Device>,
    ) -> Result<()> {
        let kind = if let Some(text) = secret {
            let secret = STANDARD
                .decode(text)
                .ok()
                .filter(|bytes| SECRET.contains(&bytes.len()))
                .ok_or_else(|| {
                    Known::Schema("body.totp_secret_base64 is not valid base64".to_owned())
                })?;
            self.0.keep_totp(tx, user, &secret).await?;
            Kind::SecondFactorAdded
        } else {
            if !self.0.drop_totp(tx, user).await? {
                return Ok(());
            }
            Kind::SecondFactorRemoved
        };
        let mut event =
            SecurityEvent::of(user, kind).with(json!({ "factor": "totp", "face": "stack_auth" }));
        if let Some(device) = device {
            event = event.seen(device.from, &device.name);
        }
        self.0.record(tx, event).await?;
        Ok(())
    }
}

/// The second factor is not minded by this face yet: it says so rather than pretend.
impl crate::Identity {
    fn take_totp(&self, _: &mut PgConnection, _: UserId, _: &str) -> Ready<Result<bool>> {
        let _ = self;
        ready(Ok(false))
    }

    fn keep_totp(&self, _: &mut PgConnection, _: UserId, _: &[u8]) -> Ready<Result<()>> {
        let _ = self;
        ready(Err(in_the_product()))
    }

    fn drop_totp(&self, _: &mut PgConnection, _: UserId) -> Ready<Result<bool>> {
        let _ = self;
        ready(Err(in_the_product()))
    }
}

fn in_the_product() -> Fault {
    Fault::forbidden("Two-step verification is set up in the product, on the security page.")
}
