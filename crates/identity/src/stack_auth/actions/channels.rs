//! People's addresses: the account's own, and others that they add.

use crate::{
    model::Email,
    stack_auth::{
        StackAuth,
        fault::{Fault, Result},
        known::Known,
        model::{Channel, ChannelId, CodeKind},
        store::channels as store,
    },
};
use kernel::id::UserId;
use serde::Deserialize;
use sqlx::PgConnection;

/// Addresses of one person.
const MOST: usize = 20;

/// What is said of a new address, or changed of one.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ChannelChange {
    pub(crate) value: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) used_for_auth: Option<bool>,
    pub(crate) is_primary: Option<bool>,
    /// Only a server may say it.
    pub(crate) is_verified: Option<bool>,
}

impl StackAuth {
    /// Somebody's addresses, the primary one first.
    pub(crate) async fn channels(&self, user: UserId) -> Result<Vec<Channel>> {
        let mut tx = self.inner().db.begin().await?;
        store::ensure_primary(&mut tx, user).await?;
        let channels = store::list(&mut tx, user).await?;
        tx.commit().await?;
        Ok(channels)
    }

    async fn one(&self, tx: &mut PgConnection, user: UserId, id: ChannelId) -> Result<Channel> {
        store::ensure_primary(tx, user).await?;
        let found = store::list(tx, user).await?;
        found
            .into_iter()
            .find(|channel| channel.id == id)
            .ok_or_else(|| Fault::missing("Contact channel not found."))
    }

    /// One address.
    pub(crate) async fn channel(&self, user: UserId, id: ChannelId) -> Result<Channel> {
        let mut tx = self.inner().db.begin().await?;
        let channel = self.one(&mut tx, user, id).await?;
        tx.commit().await?;
        Ok(channel)
    }

    /// Adds an address. Nobody signs in with it before it is proved.
    pub(crate) async fn add_channel(
        &self,
        user: UserId,
        new: ChannelChange,
        by_server: bool,
    ) -> Result<Channel> {
        kind(&new)?;
        let value = new
            .value
            .as_deref()
            .ok_or_else(|| Known::Schema("body.value must be defined".to_owned()))?;
        let email = parse(value)?;
        let now = self.inner().clock.now();
        let mut tx = self.inner().db.begin().await?;
        store::ensure_primary(&mut tx, user).await?;
        let held = store::list(&mut tx, user).await?;
        if held.iter().any(|channel| channel.value_key == email.key) {
            return Err(Fault::Plain(
                axum::http::StatusCode::CONFLICT,
                "This address is among this user's contact channels already.".into(),
            ));
        }
        if held.len() >= MOST {
            return Err(Fault::forbidden("This user has too many contact channels."));
        }
        let auth = new.used_for_auth.unwrap_or(false);
        if auth && store::taken(&mut tx, &email, user).await? {
            return Err(Known::ContactChannelTaken(value.to_owned()).into());
        }
        let proved = (by_server && new.is_verified == Some(true)).then_some(now);
        let id = store::insert(&mut tx, user, &email, proved, auth)
            .await?
            .ok_or_else(|| Known::ContactChannelTaken(value.to_owned()))?;
        if new.is_primary == Some(true) {
            if !by_server {
                return Err(Known::EmailNotVerified.into());
            }
            self.set_primary_email(&mut tx, user, Some(value)).await?;
        }
        let channel = self.one(&mut tx, user, id).await?;
        tx.commit().await?;
        Ok(channel)
    }

    /// Changes an address.
    pub(crate) async fn change_channel(
        &self,
        user: UserId,
        id: ChannelId,
        change: ChannelChange,
        by_server: bool,
    ) -> Result<Channel> {
        kind(&change)?;
        let now = self.inner().clock.now();
        let mut tx = self.inner().db.begin().await?;
        let mut channel = self.one(&mut tx, user, id).await?;
        if let Some(value) = &change.value {
            channel = self.readdress(&mut tx, channel, value).await?;
        }
        if let (true, Some(verified)) = (by_server, change.is_verified) {
            let at = verified.then_some(now);
            if channel.primary {
                crate::stack_auth::store::users::set_verified(&mut tx, user, at).await?;
            } else {
                store::set_verified(&mut tx, id, at).await?;
            }
            channel.verified = verified;
        }
        if let Some(auth) = change.used_for_auth {
            let email = parse(&channel.value)?;
            if auth && store::taken(&mut tx, &email, user).await? {
                return Err(Known::ContactChannelTaken(channel.value).into());
            }
            store::set_used_for_auth(&mut tx, id, auth).await?;
        }
        if change.is_primary == Some(true) && !channel.primary {
            if !channel.verified && !by_server {
                return Err(Known::EmailNotVerified.into());
            }
            self.set_primary_email(&mut tx, user, Some(&channel.value))
                .await?;
        }
        let channel = self.one(&mut tx, user, id).await?;
        tx.commit().await?;
        Ok(channel)
    }

    async fn readdress(
        &self,
        tx: &mut PgConnection,
        channel: Channel,
        value: &str,
    ) -> Result<Channel> {
        let email = parse(value)?;
        if channel.used_for_auth && store::taken(tx, &email, channel.user).await? {
            return Err(Known::ContactChannelTaken(value.to_owned()).into());
        }
        if channel.primary {
            self.set_primary_email(tx, channel.user, Some(value))
                .await?;
        } else {
            store::set_value(tx, channel.id, &email).await?;
        }
        let found = store::list(tx, channel.user).await?;
        found
            .into_iter()
            .find(|other| other.value_key == email.key)
            .ok_or_else(|| Fault::missing("Contact channel not found."))
    }

    /// Removes an address; never the account's own.
    pub(crate) async fn remove_channel(&self, user: UserId, id: ChannelId) -> Result<()> {
        let mut tx = self.inner().db.begin().await?;
        let channel = self.one(&mut tx, user, id).await?;
        if channel.primary {
            return Err(Fault::Plain(
                axum::http::StatusCode::BAD_REQUEST,
                "The primary contact channel cannot be removed. Make another one primary first."
                    .into(),
            ));
        }
        store::delete(&mut tx, id).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Mails the link that proves an address.
    pub(crate) async fn send_verification(
        &self,
        user: UserId,
        id: ChannelId,
        callback: &str,
    ) -> Result<()> {
        let page = self.trusted(callback)?;
        let mut tx = self.inner().db.begin().await?;
        let channel = self.one(&mut tx, user, id).await?;
        if channel.verified {
            return Err(Known::EmailAlreadyVerified.into());
        }
        let email = parse(&channel.value)?;
        self.may_mail(&email).await?;
        self.mail_verification(&mut tx, user, &email, &page).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The same of the account's own address, named by itself: an older way.
    pub(crate) async fn send_primary_verification(
        &self,
        user: UserId,
        email: &str,
        callback: &str,
    ) -> Result<()> {
        let channels = self.channels(user).await?;
        let primary = channels.into_iter().find(|channel| channel.primary);
        let value = primary
            .as_ref()
            .map_or("", |channel| channel.value.as_str());
        match &primary {
            Some(channel) if parse(email)?.key == channel.value_key => {
                self.send_verification(user, channel.id, callback).await
            }
            _ => Err(Known::EmailIsNotPrimaryEmail(email.to_owned(), value.to_owned()).into()),
        }
    }

    /// Uses up a mailed link: the address is proved.
    pub(crate) async fn verify(&self, code: &str) -> Result<()> {
        let now = self.inner().clock.now();
        let mut tx = self.inner().db.begin().await?;
        let code = self.locked(&mut tx, CodeKind::Verification, code).await?;
        let user = code.user.ok_or(Known::VerificationCodeNotFound)?;
        let email = parse(code.email.as_deref().unwrap_or_default())?;
        self.used(&mut tx, &code).await?;
        let held = store::list(&mut tx, user).await?;
        let channel = held.iter().find(|channel| channel.value_key == email.key);
        match channel {
            Some(channel) if channel.primary => self.proved(&mut tx, user).await?,
            Some(channel) => store::set_verified(&mut tx, channel.id, Some(now)).await?,
            // The address was taken off the account since.
            None => return Err(Known::VerificationCodeNotFound.into()),
        }
        tx.commit().await?;
        Ok(())
    }
}

fn parse(value: &str) -> Result<Email, Known> {
    Email::parse(value).map_err(|_| {
        Known::Schema(format!(
            "body.value must be a valid email, but was {value:?}"
        ))
    })
}

fn kind(change: &ChannelChange) -> Result<(), Known> {
    match change.kind.as_deref() {
        None | Some("email") => Ok(()),
        Some(_) => Err(Known::Schema(
            "body.type must be one of the following values: email".to_owned(),
        )),
    }
}
