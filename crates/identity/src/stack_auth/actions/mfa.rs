//! The second factor of this face: a code from an authenticator app. The protocol has the page make the secret
//! and prove nothing, so a recent sign-in is asked for, and the owner is told.

use super::entry::{Arrival, Tokens};
use crate::{
    actions::factors::place,
    model::{
        entry::{Factor, Method},
        security::{Kind, SecurityEvent},
    },
    stack_auth::{StackAuth, call::Device, fault::Result, known::Known, model::CodeKind, store},
    store as accounts,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use kernel::{id::UserId, limits::Quota};
use serde_json::json;
use sqlx::PgConnection;
use std::time::Duration;

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
        // Whoever has the password can begin as many sign-ins as they like: guesses are counted with
        // those of the first-party door, not by the sign-in alone.
        let key = format!("second-factor:{user}:{}", device.from.network());
        let quota = Quota {
            burst: 10,
            every: Duration::from_mins(1),
        };
        self.inner().limits.take(&key, quota).await?;
        if !self.0.totp_is_right(&mut tx, user, totp, true).await? {
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
        self.inner().limits.reset(&key).await?;
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
            self.keep_totp(tx, user, &secret).await?;
            Kind::SecondFactorAdded
        } else {
            if !self.drop_totp(tx, user).await? {
                return Ok(());
            }
            Kind::SecondFactorRemoved
        };
        let mut event =
            SecurityEvent::of(user, kind).with(json!({ "factor": "totp", "face": "stack_auth" }));
        if let Some(device) = device {
            event = event.seen(device.from, &device.name);
        }
        Ok(self.0.factors_changed(tx, user, event).await?)
    }

    /// The page has shown the secret and checked a code itself: it counts at once, in place of another.
    async fn keep_totp(&self, tx: &mut PgConnection, user: UserId, secret: &[u8]) -> Result<()> {
        let inner = self.inner();
        let now = inner.clock.now();
        let sealed = inner
            .vault
            .seal(place(&user), secret)
            .map_err(anyhow::Error::new)?;
        accounts::factors::remove_totp(tx, user).await?;
        accounts::factors::start_totp(tx, user, &sealed, now).await?;
        accounts::factors::confirm_totp(tx, user, now).await?;
        Ok(())
    }

    /// Takes the app away, and with the last factor what stands in for one.
    async fn drop_totp(&self, tx: &mut PgConnection, user: UserId) -> Result<bool> {
        if !accounts::factors::remove_totp(tx, user).await? {
            return Ok(false);
        }
        if accounts::factors::of(tx, user, false).await?.is_empty() {
            accounts::factors::clear_recovery(tx, user).await?;
            accounts::devices::stop_remembering(tx, user, &[]).await?;
        }
        Ok(true)
    }
}
