//! Accounts at providers that are linked to one here: what they may be used for, and taking them away.
//!
//! Refuses to hand out a provider's tokens: none are kept, so that none can be lost.

use crate::{
    model::security::{Kind, SecurityEvent},
    stack_auth::{
        StackAuth,
        call::Device,
        fault::{Fault, Result},
        known::Known,
        model::{Link, LinkId},
        store::links as store,
    },
};
use kernel::id::UserId;
use serde::Deserialize;
use serde_json::json;

/// What is changed; what is absent stays. The last two are a server's.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct LinkChange {
    allow_sign_in: Option<bool>,
    allow_connected_accounts: Option<bool>,
    pub(crate) email: Option<String>,
    pub(crate) account_id: Option<String>,
}

/// A link that a server makes.
#[derive(Debug, Deserialize)]
pub(crate) struct NewLink {
    pub(crate) user_id: String,
    provider_config_id: String,
    account_id: String,
    email: Option<String>,
    allow_sign_in: bool,
    allow_connected_accounts: bool,
}

/// Names of accounts elsewhere are short.
const LONGEST: usize = 255;

fn short(field: &str, text: &str) -> Result<()> {
    if (1..=LONGEST).contains(&text.len()) && !text.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Known::Schema(format!(
        "body.{field} must be 1 to {LONGEST} bytes on one line"
    ))
    .into())
}

fn missing() -> Fault {
    Fault::missing("OAuth provider not found.")
}

impl StackAuth {
    /// Somebody's links.
    pub(crate) async fn links(&self, user: UserId, provider: Option<&str>) -> Result<Vec<Link>> {
        let mut db = self.inner().db.acquire().await?;
        Ok(store::list(&mut db, user, provider).await?)
    }

    /// One of somebody's links.
    pub(crate) async fn link(&self, user: UserId, id: LinkId) -> Result<Link> {
        let found = self.links(user, None).await?;
        found
            .into_iter()
            .find(|link| link.id == id)
            .ok_or_else(missing)
    }

    /// Changes what a link is for. Nobody shuts themselves out; a server may shut somebody out.
    pub(crate) async fn change_link(
        &self,
        user: UserId,
        id: LinkId,
        change: LinkChange,
        server: bool,
    ) -> Result<Link> {
        let mut tx = self.inner().db.begin().await?;
        let mut link = store::lock(&mut tx, user, id).await?.ok_or_else(missing)?;
        for (field, text) in [("email", &change.email), ("account_id", &change.account_id)] {
            if let Some(text) = text {
                short(field, text)?;
            }
        }
        link.allow_sign_in = change.allow_sign_in.unwrap_or(link.allow_sign_in);
        link.allow_connected_accounts = change
            .allow_connected_accounts
            .unwrap_or(link.allow_connected_accounts);
        if server {
            link.subject = change.account_id.unwrap_or(link.subject);
            link.email = change.email.or(link.email);
        }
        if !store::change(&mut tx, &link).await? {
            return Err(Known::OAuthAccountIdTaken.into());
        }
        if !server {
            self.require_way_in(&mut tx, user).await?;
        }
        tx.commit().await?;
        Ok(link)
    }

    /// Takes a link away. Nobody takes their own last way in.
    pub(crate) async fn remove_link(
        &self,
        user: UserId,
        id: LinkId,
        device: &Device,
        server: bool,
    ) -> Result<()> {
        let mut tx = self.inner().db.begin().await?;
        let link = store::lock(&mut tx, user, id).await?.ok_or_else(missing)?;
        store::delete(&mut tx, link.id).await?;
        if !server {
            self.require_way_in(&mut tx, user).await?;
        }
        self.record_link(&mut tx, Kind::ProviderUnlinked, &link, device)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Links an account there by a server's word.
    pub(crate) async fn make_link(
        &self,
        user: UserId,
        new: NewLink,
        device: &Device,
    ) -> Result<Link> {
        short("account_id", &new.account_id)?;
        if let Some(email) = &new.email {
            short("email", email)?;
        }
        if !self.provider_ids().contains(&new.provider_config_id) {
            return Err(Known::OAuthProviderNotFound.into());
        }
        let link = Link {
            id: LinkId::new(),
            user,
            provider: new.provider_config_id,
            subject: new.account_id,
            email: new.email,
            allow_sign_in: new.allow_sign_in,
            allow_connected_accounts: new.allow_connected_accounts,
        };
        let mut tx = self.inner().db.begin().await?;
        self.able(&mut tx, user).await?;
        if !store::insert(&mut tx, &link).await? {
            return Err(Known::OAuthAccountIdTaken.into());
        }
        self.record_link(&mut tx, Kind::ProviderLinked, &link, device)
            .await?;
        tx.commit().await?;
        Ok(link)
    }

    async fn record_link(
        &self,
        tx: &mut sqlx::PgConnection,
        kind: Kind,
        link: &Link,
        device: &Device,
    ) -> Result<()> {
        let title = self.inner().providers.title(&link.provider);
        let event = SecurityEvent::of(link.user, kind)
            .seen(device.from, &device.name)
            .with(json!({ "provider": link.provider, "title": title, "face": "stack_auth" }));
        self.0.record(tx, event).await?;
        Ok(())
    }

    /// Why an app gets no token of a provider.
    pub(crate) async fn no_token(
        &self,
        user: UserId,
        provider: &str,
        account: Option<&str>,
    ) -> Result<Fault> {
        let links = self.links(user, Some(provider)).await?;
        let held = links.iter().any(|link| {
            link.allow_connected_accounts && account.is_none_or(|account| link.subject == account)
        });
        Ok(if held {
            Known::OAuthAccessTokenNotAvailable(
                provider.to_owned(),
                "This server keeps no tokens of providers.".to_owned(),
            )
            .into()
        } else {
            Known::OAuthConnectionNotConnected.into()
        })
    }
}
