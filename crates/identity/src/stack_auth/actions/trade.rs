//! Codes that a browser comes back from a provider's with: what they stand for, and their trade for tokens by the page
//! that began and holds the verifier (PKCE, RFC 7636).

use super::{
    entry::{Arrival, Tokens},
    oauth::refusal,
};
use crate::{
    actions::providers::Arrived,
    model::entry::Method,
    secrets::hash,
    stack_auth::{StackAuth, call::Device, fault::Result, known::Known, secrets},
    store::ceremonies,
};
use anyhow::Context;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::id::{SessionId, UserId};
use providers::Profile;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use url::Url;
use zeroize::Zeroizing;

/// How long the app's page may take to trade its code.
const TRADE: time::Duration = time::Duration::minutes(5);
const CODE: &str = "stack:code";

/// What a code stands for.
#[derive(Serialize, Deserialize)]
pub(super) struct Promise {
    pub(super) provider: String,
    pub(super) redirect_uri: Url,
    pub(super) code_challenge: String,
    pub(super) is_new: bool,
    pub(super) after: Option<Url>,
    pub(super) link: Option<Linking>,
}

/// An account there that is to be linked once the page that began trades its code: nobody else's browser can be led
/// into that.
#[derive(Serialize, Deserialize)]
pub(super) struct Linking {
    pub(super) subject: String,
    pub(super) email: Option<String>,
    /// The session that asked, which goes on as another one.
    pub(super) session: SessionId,
}

impl StackAuth {
    /// Makes a code that stands for this.
    pub(super) async fn promise(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        promise: &Promise,
    ) -> Result<Zeroizing<String>> {
        let code = secrets::token()?;
        let state = serde_json::to_value(promise).context("a promise")?;
        let until = self.inner().clock.now() + TRADE;
        ceremonies::insert(tx, &hash(&code), CODE, Some(user), &state, until).await?;
        Ok(code)
    }

    /// Trades a code for tokens. It is used up by the first attempt, right or wrong.
    pub(crate) async fn trade_code(
        &self,
        code: &str,
        redirect_uri: &str,
        verifier: &str,
        device: &Device,
    ) -> Result<(Tokens, Option<String>)> {
        let inner = self.inner();
        let asked = {
            let mut db = inner.db.acquire().await?;
            ceremonies::take(&mut db, &hash(code), CODE, inner.clock.now()).await?
        };
        let asked = asked.ok_or(Known::InvalidAuthorizationCode)?;
        let user = asked.user.ok_or(Known::InvalidAuthorizationCode)?;
        let promise: Promise = serde_json::from_value(asked.state).context("a promise")?;
        let same = Url::parse(redirect_uri).is_ok_and(|url| url == promise.redirect_uri);
        if !same || URL_SAFE_NO_PAD.encode(hash(verifier)) != promise.code_challenge {
            return Err(Known::InvalidAuthorizationCode.into());
        }
        let after = promise.after.as_ref().map(Url::to_string);
        if let Some(link) = promise.link {
            let tokens = self.link_up(user, &promise.provider, link, device).await?;
            return Ok((tokens, after));
        }
        let arrival = Arrival {
            is_new: promise.is_new,
            ..Arrival::new(user, Method::Provider(promise.provider), device)
        };
        let mut tx = inner.db.begin().await?;
        let opened = self.let_in(&mut tx, arrival).await?;
        tx.commit().await?;
        Ok((opened.tokens()?, after))
    }

    /// Makes the link that was promised, and lets the session that asked for it go on.
    async fn link_up(
        &self,
        user: UserId,
        provider: &str,
        link: Linking,
        device: &Device,
    ) -> Result<Tokens> {
        let configured = self.provider(provider)?;
        let profile = Profile {
            subject: link.subject,
            email: link.email,
            email_verified: false,
            name: None,
        };
        let arrival = Arrived {
            from: device.from,
            device: &device.name,
            remembered: None,
        };
        let mut tx = self.inner().db.begin().await?;
        self.0
            .tie_to(&mut tx, configured, &profile, user, arrival)
            .await
            .map_err(|why| refusal(why, None))?;
        let method = Method::Provider(provider.to_owned()).text();
        let tokens = self
            .go_on(&mut tx, user, link.session, &method, device)
            .await?;
        tx.commit().await?;
        self.0.session_over(link.session);
        Ok(tokens)
    }
}
