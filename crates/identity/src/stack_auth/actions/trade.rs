//! Codes that a browser comes back from a provider's with: what they stand for, and their trade for tokens by the page
//! that began and holds the verifier (PKCE, RFC 7636).

use super::{
    entry::{Arrival, Opened, Tokens},
    oauth::refusal,
};
use crate::{
    STANDING,
    actions::providers::Arrived,
    model::{
        entry::Method,
        security::{Kind, SecurityEvent},
    },
    secrets::hash,
    stack_auth::{StackAuth, call::Device, fault::Result, known::Known, secrets},
    store::{ceremonies, sessions},
};
use anyhow::Context;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::{
    audit::Act,
    cache,
    id::{SessionId, UserId},
};
use providers::Profile;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use url::Url;
use zeroize::Zeroizing;

/// How long the app's page may take to trade its code.
const TRADE: time::Duration = time::Duration::minutes(5);
const CODE: &str = "stack:code";
/// A code that was traded: who trades it again ends what it opened (RFC 6749, section 4.1.2).
const TRADED: &str = "stack:code:traded";

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

/// What a code has opened.
#[derive(Serialize, Deserialize)]
struct Traded {
    session: SessionId,
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

    /// Trades a code for tokens. It is used up by the first attempt, right or wrong; a second
    /// attempt ends the session that the first has opened.
    pub(crate) async fn trade_code(
        &self,
        code: &str,
        redirect_uri: &str,
        verifier: &str,
        device: &Device,
    ) -> Result<(Tokens, Option<String>)> {
        let inner = self.inner();
        let (id, now) = (hash(code), inner.clock.now());
        let asked = {
            let mut db = inner.db.acquire().await?;
            ceremonies::spend(&mut db, &id, CODE, TRADED, now, now + TRADE).await?
        };
        let Some(asked) = asked else {
            self.traded_again(&id, device).await?;
            return Err(Known::InvalidAuthorizationCode.into());
        };
        let user = asked.user.ok_or(Known::InvalidAuthorizationCode)?;
        let promise: Promise = serde_json::from_value(asked.state).context("a promise")?;
        let same = Url::parse(redirect_uri).is_ok_and(|url| url == promise.redirect_uri);
        if !same || URL_SAFE_NO_PAD.encode(hash(verifier)) != promise.code_challenge {
            return Err(Known::InvalidAuthorizationCode.into());
        }
        let after = promise.after.as_ref().map(Url::to_string);
        if let Some(link) = promise.link {
            let tokens = self
                .link_up(user, &promise.provider, link, &id, device)
                .await?;
            return Ok((tokens, after));
        }
        let arrival = Arrival {
            is_new: promise.is_new,
            ..Arrival::new(user, Method::Provider(promise.provider), device)
        };
        let mut tx = inner.db.begin().await?;
        let opened = self.let_in(&mut tx, arrival).await?;
        if let Opened::Tokens(tokens) = &opened {
            self.note_trade(&mut tx, &id, tokens.session).await?;
        }
        tx.commit().await?;
        Ok((opened.tokens()?, after))
    }

    /// Remembers what a code has opened, unless it has come a second time meanwhile.
    async fn note_trade(&self, tx: &mut PgConnection, id: &[u8], session: SessionId) -> Result<()> {
        let state = serde_json::to_value(Traded { session }).context("a trade")?;
        if ceremonies::note(tx, id, TRADED, &state).await? {
            return Ok(());
        }
        Err(Known::InvalidAuthorizationCode.into())
    }

    /// A code that comes a second time is in two hands: what it has opened ends.
    async fn traded_again(&self, id: &[u8], device: &Device) -> Result<()> {
        let inner = self.inner();
        let now = inner.clock.now();
        let mut tx = inner.db.begin().await?;
        let traded = ceremonies::take(&mut tx, id, TRADED, now).await?;
        let session = traded.and_then(|traded| {
            let opened: Traded = serde_json::from_value(traded.state).ok()?;
            Some((traded.user?, opened.session))
        });
        if let Some((user, session)) = session
            && sessions::end(&mut tx, session, user, "code_reused", now).await?
        {
            cache::invalidate(&mut tx, STANDING, session).await?;
            let event = SecurityEvent::of(user, Kind::TokenReused)
                .seen(device.from, &device.name)
                .with(json!({ "session": session, "face": "stack_auth", "code": true }));
            self.0.record(&mut tx, event).await?;
            let act = Act {
                actor: None,
                action: "session.code_reused",
                subject: &user.to_string(),
                data: json!({ "session": session, "address": device.from.to_string() }),
            };
            inner.audit.append(&mut tx, act).await?;
        }
        tx.commit().await?;
        if let Some((_, session)) = session {
            self.0.session_over(session);
        }
        Ok(())
    }

    /// Makes the link that was promised, and lets the session that asked for it go on.
    async fn link_up(
        &self,
        user: UserId,
        provider: &str,
        link: Linking,
        code: &[u8],
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
        self.note_trade(&mut tx, code, tokens.session).await?;
        tx.commit().await?;
        self.0.session_over(link.session);
        Ok(tokens)
    }
}
