//! People: reading, changing, deleting; what they may do themselves and what their app's server may.

use crate::{
    model::Email,
    stack_auth::{
        StackAuth,
        body::given,
        call::Device,
        fault::{Fault, Result},
        known::Known,
        model::{TeamId, User},
        store::{self, users::Change},
    },
};
use kernel::{Principal, id::UserId};
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgConnection;

/// Longer names are refused.
const NAME: usize = 256;
/// Metadata that is larger is refused.
const METADATA: usize = 64 * 1024;
/// Pictures may stand in the address itself.
const PICTURE: usize = 100 * 1024;

/// What somebody may change of themselves. What is absent stays, null clears.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct OwnChange {
    #[serde(default, deserialize_with = "given")]
    pub(crate) display_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) profile_image_url: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) client_metadata: Option<Option<Value>>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) selected_team_id: Option<Option<TeamId>>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) totp_secret_base64: Option<Option<String>>,
    #[serde(default)]
    pub(crate) otp_auth_enabled: Option<bool>,
    #[serde(default)]
    pub(crate) passkey_auth_enabled: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) primary_email: Option<Option<String>>,
}

impl StackAuth {
    /// One person.
    pub(crate) async fn user(&self, user: UserId) -> Result<User> {
        let mut db = self.inner().db.acquire().await?;
        store::users::get(&mut db, user)
            .await?
            .ok_or_else(|| Known::UserNotFound.into())
    }

    /// Somebody changes what is theirs. What would keep the owner out in the hands of somebody who found
    /// an open page asks for a sign-in that is not long ago.
    pub(crate) async fn change_own(
        &self,
        caller: &Principal,
        change: OwnChange,
        device: &Device,
    ) -> Result<User> {
        let sensitive = change.totp_secret_base64.is_some()
            || change.primary_email.is_some()
            || change.passkey_auth_enabled == Some(false);
        if sensitive {
            self.recent(caller)?;
        }
        let mut tx = self.inner().db.begin().await?;
        self.able(&mut tx, caller.user).await?;
        if let Some(secret) = &change.totp_secret_base64 {
            self.set_totp(&mut tx, caller.user, secret.as_deref(), Some(device))
                .await?;
        }
        if change.passkey_auth_enabled == Some(false) {
            self.drop_passkeys(&mut tx, caller.user, device).await?;
        }
        self.apply(&mut tx, caller.user, change).await?;
        let user = self.able(&mut tx, caller.user).await?;
        tx.commit().await?;
        self.0.forget_standing(caller.user).await?;
        Ok(user)
    }

    /// The sign-in was a short while ago; else a text that tells what to do.
    pub(crate) fn recent(&self, caller: &Principal) -> Result<()> {
        self.0.require_recent(caller).map_err(|_| {
            Fault::forbidden(
                "Please sign out and sign in again first: this needs a recent sign-in.",
            )
        })
    }

    /// The common part of every change of a person.
    pub(crate) async fn apply(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        change: OwnChange,
    ) -> Result<()> {
        store::users::ensure(tx, user, false, false).await?;
        if let Some(name) = &change.display_name {
            let name = name.as_deref();
            if name.is_some_and(|name| {
                name.chars().count() > NAME || name.chars().any(char::is_control)
            }) {
                return Err(Known::Schema(format!(
                    "body.display_name must be one line of at most {NAME} characters"
                ))
                .into());
            }
            store::users::rename(tx, user, name).await?;
        }
        picture("profile_image_url", change.profile_image_url.as_ref())?;
        metadata("client_metadata", change.client_metadata.as_ref())?;
        if let Some(Some(team)) = change.selected_team_id {
            self.member_of(tx, team, user).await?;
        }
        if let Some(email) = &change.primary_email {
            self.set_primary_email(tx, user, email.as_deref()).await?;
        }
        let change = Change {
            profile_image_url: change.profile_image_url,
            client_metadata: change.client_metadata,
            selected_team: change.selected_team_id,
            otp_auth_enabled: change.otp_auth_enabled,
            ..Change::default()
        };
        Ok(store::users::change(tx, user, change).await?)
    }

    /// Somebody deletes their own account.
    pub(crate) async fn delete_own(&self, caller: &Principal) -> Result<()> {
        if !self.config().client_user_deletion_enabled {
            return Err(Fault::forbidden(
                "Deleting one's own account is not enabled.",
            ));
        }
        self.recent(caller)?;
        self.delete_user(caller.user).await
    }

    /// Gives the account another address, which is to be proved anew.
    pub(crate) async fn set_primary_email(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        email: Option<&str>,
    ) -> Result<()> {
        let Some(email) = email else {
            return Err(Known::Schema("body.primary_email must not be null".to_owned()).into());
        };
        let email = Email::parse(email).map_err(|_| {
            Known::Schema(format!(
                "body.primary_email must be a valid email, but was {email:?}"
            ))
        })?;
        if store::channels::taken(tx, &email, user).await? {
            let value = email.address.as_str().to_owned();
            return Err(Known::ContactChannelTaken(value).into());
        }
        store::channels::ensure_primary(tx, user).await?;
        let known = store::channels::list(tx, user).await?;
        let same = known.iter().find(|channel| channel.value_key == email.key);
        if same.is_some_and(|channel| channel.primary) {
            return Ok(());
        }
        let now = self.inner().clock.now();
        let proved = same.is_some_and(|channel| channel.verified).then_some(now);
        if same.is_none() {
            store::channels::insert(tx, user, &email, None, true).await?;
        }
        store::channels::make_primary(tx, user, &email, proved, now).await?;
        Ok(())
    }
}

/// An address of a picture: on the web, or the picture itself.
pub(crate) fn picture(field: &str, value: Option<&Option<String>>) -> Result<(), Known> {
    let Some(Some(url)) = value else {
        return Ok(());
    };
    let good = url.len() <= PICTURE
        && (url.starts_with("https://") || url.starts_with("http://") || is_inline_image(url))
        && url::Url::parse(url).is_ok();
    good.then_some(())
        .ok_or_else(|| Known::Schema(format!("body.{field} must be the address of an image")))
}

/// No SVG: it can hold script.
fn is_inline_image(url: &str) -> bool {
    ["png", "jpeg", "gif", "webp"]
        .iter()
        .any(|kind| url.starts_with(&format!("data:image/{kind};base64,")))
}

/// Metadata is whatever the app likes, but not any amount of it.
pub(crate) fn metadata(field: &str, value: Option<&Option<Value>>) -> Result<(), Known> {
    let Some(Some(value)) = value else {
        return Ok(());
    };
    if value.to_string().len() > METADATA {
        return Err(Known::Schema(format!(
            "body.{field} must be at most {METADATA} bytes of JSON"
        )));
    }
    Ok(())
}
