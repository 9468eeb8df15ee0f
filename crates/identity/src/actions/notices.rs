//! Telling owners what happened to their account.

use crate::{
    Identity,
    model::{
        Email,
        impersonation::Mode,
        security::{Kind, SecurityEventId},
    },
    store,
};
use kernel::{
    Result,
    mail::{Mail, Template},
};
use serde_json::{Value, json};
use time::OffsetDateTime;

impl Identity {
    /// Mails an owner what happened: a job.
    pub(crate) async fn tell_owner(&self, event: SecurityEventId) -> Result<()> {
        let inner = &self.0;
        let mut tx = inner.db.begin().await?;
        let Some(told) = store::security::told(&mut tx, event).await? else {
            return Ok(());
        };
        let kind = Kind::parse(&told.kind);
        let words = match kind {
            Some(Kind::Impersonated) => self.in_your_place(&told.data).await?,
            kind => words(kind, &told.data),
        };
        let Some((template, mut vars)) = words else {
            return Ok(());
        };
        let mut security = inner.public_url.clone();
        security.set_path("/security");
        let mut forgotten = inner.public_url.clone();
        forgotten.set_path("/forgot-password");
        if let Some(vars) = vars.as_object_mut() {
            vars.insert("name".into(), told.name.into());
            vars.insert("link".into(), security.as_str().into());
            vars.insert("reset".into(), forgotten.as_str().into());
            vars.insert("when".into(), moment(told.created_at).into());
            // What has no device was done by staff.
            let how = match (&told.device, &told.address) {
                (Some(device), Some(address)) => format!("on {device} ({address})"),
                (Some(device), None) => format!("on {device}"),
                (None, _) => format!("by the people who run {}", inner.product),
            };
            vars.insert("how".into(), how.into());
            vars.insert(
                "device".into(),
                told.device.unwrap_or_else(|| "a device".into()).into(),
            );
            vars.insert(
                "address".into(),
                told.address
                    .unwrap_or_else(|| "an unknown address".into())
                    .into(),
            );
        }
        let mail = Mail {
            cause: format!("notice:{event}"),
            to: Email::parse(&told.email)?.address,
            template,
            vars,
        };
        if let Some(mail) = inner.mailer.enqueue(&mut tx, &mail).await? {
            kernel::jobs::enqueue(&mut tx, kernel::mail::SendMail { mail }).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

impl Identity {
    /// What is said of somebody who acts in the reader's place: who, until when, and why only
    /// where the operator lets people know.
    async fn in_your_place(&self, data: &Value) -> Result<Option<(Template, Value)>> {
        let id = data["impersonation"]
            .as_str()
            .and_then(|id| id.parse().ok());
        let held = match id {
            Some(id) => self.impersonation(id).await?,
            None => None,
        };
        Ok(held.map(|held| {
            let may = match held.mode {
                Mode::Read => "They can look at everything that you see, and change nothing.",
                Mode::Write => {
                    "They can look at everything that you see, and do things for you. Your password, \
                     your ways to sign in, your address and your data's copy stay yours alone."
                }
            };
            let tells = self.0.config.impersonation_tells_reason;
            let reason = held.reason.as_deref().filter(|_| tells);
            let vars = json!({
                "by": held.by_name, "until": moment(held.expires_at), "may": may,
                "reason": reason.unwrap_or_default(),
            });
            (Template::Impersonated, vars)
        }))
    }
}

/// A moment, for a mail.
fn moment(at: OffsetDateTime) -> String {
    format!(
        "{} {} {}, {:02}:{:02} UTC",
        at.day(),
        at.month(),
        at.year(),
        at.hour(),
        at.minute()
    )
}

/// Which mail tells of a kind of event, and what only this kind needs.
fn words(kind: Option<Kind>, data: &Value) -> Option<(Template, Value)> {
    let factor = match data["factor"].as_str() {
        Some("totp") => "an authenticator app",
        _ => "two-step verification",
    };
    let provider = data["provider"].as_str().unwrap_or("a provider");
    Some(match kind? {
        Kind::NewDevice => {
            let known = data["network_known"].as_bool().unwrap_or(false);
            let place = if known {
                "a network that you have used before"
            } else {
                "somewhere else than usual"
            };
            (Template::NewDevice, json!({ "place": place }))
        }
        Kind::TokenReused => (Template::SessionCopied, json!({})),
        Kind::PasswordChanged | Kind::PasswordReset => (Template::PasswordChanged, json!({})),
        Kind::SecondFactorAdded => (Template::FactorAdded, json!({ "factor": factor })),
        Kind::PasskeyAdded => {
            let name = data["name"].as_str().unwrap_or("a passkey");
            (
                Template::FactorAdded,
                json!({ "factor": format!("the passkey “{name}”") }),
            )
        }
        Kind::SecondFactorRemoved => (Template::FactorRemoved, json!({ "factor": factor })),
        Kind::PasskeyRemoved => {
            let name = data["name"].as_str().unwrap_or("a passkey");
            (
                Template::FactorRemoved,
                json!({ "factor": format!("the passkey “{name}”") }),
            )
        }
        Kind::ProviderLinked => (
            Template::FactorAdded,
            json!({ "factor": format!("sign-in with {provider}") }),
        ),
        Kind::ProviderUnlinked => (
            Template::FactorRemoved,
            json!({ "factor": format!("sign-in with {provider}") }),
        ),
        Kind::RecoveryCodeUsed => {
            let left = data["left"].as_i64().unwrap_or(0);
            (Template::RecoveryCodeUsed, json!({ "left": left }))
        }
        Kind::CameBack => (Template::AccountKept, json!({})),
        _ => return None,
    })
}
