//! Signing in at a provider's for an app: out with a question of ours, back with who it is, and on to the app with a
//! code that only the page can trade which began (PKCE, RFC 7636). Who may have which account is decided by the domain.
//!
//! Invariant: nothing of the app's is followed that the operator does not trust, and a link is made only in the
//! browser that asked for it, by the page that asked for it.

use super::trade::{Linking, Promise};
use crate::{
    actions::{
        provider_accounts::failed,
        providers::{Arrived, place},
    },
    configured::Configured,
    secrets::{Token, hash},
    stack_auth::{
        StackAuth,
        call::Device,
        fault::{Fault, Result},
        known::Known,
    },
    store::ceremonies,
};
use anyhow::Context;
use kernel::{
    Error,
    id::{SessionId, UserId},
    limits::Quota,
};
use providers::{Profile, Secrets};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use url::Url;
use zeroize::Zeroizing;

/// How long somebody may take at the provider's.
const AWAY: time::Duration = time::Duration::minutes(10);

/// What a page sends a browser off with, as it stands in the address.
#[derive(Debug, Deserialize)]
pub(crate) struct Wish {
    pub(crate) client_id: Option<String>,
    pub(crate) client_secret: Option<String>,
    redirect_uri: String,
    state: String,
    code_challenge: String,
    code_challenge_method: String,
    response_type: String,
    #[serde(rename = "type", default)]
    kind: Kind,
    token: Option<String>,
    pub(crate) error_redirect_url: Option<String>,
    after_callback_redirect_url: Option<String>,
}

/// What for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// To sign in, or up.
    #[default]
    Authenticate,
    /// To link the account of whoever asks.
    Link,
}

/// What is kept while a browser is away.
#[derive(Serialize, Deserialize)]
struct Away {
    kind: Kind,
    redirect_uri: Url,
    state: String,
    code_challenge: String,
    error_redirect_url: Option<Url>,
    after: Option<Url>,
    /// The session that asks for a link.
    session: Option<SessionId>,
    /// The hash of what the browser's cookie holds, where it was given one.
    browser: Option<String>,
    /// Nonce and verifier of ours, sealed.
    sealed: String,
}

/// A browser that is about to leave.
pub(crate) struct Leaving {
    pub(crate) location: Url,
    /// The cookie that ties it to this browser: its name and what it holds.
    pub(crate) cookie: Option<(String, Zeroizing<String>)>,
}

/// Where a browser goes on to, and if need be, with which error.
pub(crate) struct Onward {
    pub(crate) to: Option<Url>,
    pub(crate) error: Option<Fault>,
}

/// What a provider sends a browser back with.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Back {
    pub(crate) state: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

/// The cookie of one departure.
pub(crate) fn cookie_name(state: &str) -> String {
    format!("stack-oauth-inner-{state}")
}

fn purpose(provider: &str) -> String {
    format!("stack:provider:{provider}")
}

impl StackAuth {
    /// The providers that people can sign in with.
    pub(crate) fn provider_ids(&self) -> Vec<String> {
        self.inner().providers.names()
    }

    pub(super) fn provider(&self, name: &str) -> Result<&Configured> {
        self.inner()
            .providers
            .get(name)
            .map_err(|_| Known::OAuthProviderNotFound.into())
    }

    /// Fails unless the project and one of its keys are named. The id may carry the branch, as `<id>#main`.
    pub(crate) async fn client(&self, id: Option<&str>, secret: Option<&str>) -> Result<()> {
        let named = id.unwrap_or_default();
        let ours = named.split('#').next() == Some(self.inner().stack.id.to_string().as_str());
        if ours
            && (self.publishable_key(secret, named).is_ok()
                || self.is_secret_key(secret.unwrap_or_default()).await?)
        {
            return Ok(());
        }
        Err(Known::InvalidOAuthClient(id.map(str::to_owned)).into())
    }

    /// Sends a browser off. Where the page fetches the address instead of going there (`tied` is false), the
    /// browser can be given no cookie; a link always needs one.
    pub(crate) async fn depart(
        &self,
        provider: &str,
        wish: Wish,
        tied: bool,
        device: &Device,
    ) -> Result<Leaving> {
        self.client(wish.client_id.as_deref(), wish.client_secret.as_deref())
            .await?;
        let configured = self.provider(provider)?;
        let (user, session) = self.who_links(&wish).await?;
        let tied = tied || wish.kind == Kind::Link;
        let away = self.away(wish, session)?;
        let inner = self.inner();
        let quota = Quota {
            burst: 30,
            every: Duration::from_secs(10),
        };
        let network = format!("provider:{}", device.from.network());
        inner.limits.take(&network, quota).await?;
        let departure = configured
            .speaks_to_apps
            .depart()
            .await
            .map_err(|why| refusal(failed(configured, &why), None))?;
        let id = hash(&departure.state);
        let plain = serde_json::to_vec(&departure.secrets).context("provider secrets")?;
        let browser = tied.then(Token::new).transpose()?;
        let away = Away {
            browser: browser.as_ref().map(|token| hex::encode(&token.hash)),
            sealed: inner
                .vault
                .seal(place(&id), &Zeroizing::new(plain))
                .map_err(anyhow::Error::new)?,
            ..away
        };
        let state = serde_json::to_value(&away).context("a departure")?;
        let until = inner.clock.now() + AWAY;
        let mut db = inner.db.acquire().await?;
        ceremonies::insert(&mut db, &id, &purpose(provider), user, &state, until).await?;
        Ok(Leaving {
            location: departure.url,
            cookie: browser.map(|token| (cookie_name(&departure.state), token.text)),
        })
    }

    /// Who asks for a link: somebody whose sign-in is not long ago.
    async fn who_links(&self, wish: &Wish) -> Result<(Option<UserId>, Option<SessionId>)> {
        if wish.kind == Kind::Authenticate {
            return Ok((None, None));
        }
        let token = wish
            .token
            .as_deref()
            .ok_or(Known::UserAuthenticationRequired)?;
        let caller = self.caller(token).await?;
        // A page that is gone to can only be told in the protocol's own words.
        self.recent(&caller).map_err(|_| {
            Known::SessionAuthentication(
                "Please sign out and sign in again first: linking an account needs a recent sign-in."
                    .to_owned(),
            )
        })?;
        Ok((Some(caller.user), Some(caller.session)))
    }

    /// What the page wants, if it leads to trusted places only.
    fn away(&self, wish: Wish, session: Option<SessionId>) -> Result<Away> {
        let s256 = wish.code_challenge_method == "S256" && wish.code_challenge.len() == 43;
        for (fault, line) in [
            (
                !s256,
                "code_challenge_method must be S256, with its challenge",
            ),
            (wish.response_type != "code", "response_type must be code"),
            (
                wish.state.len() > 500,
                "state must be at most 500 characters",
            ),
        ] {
            if fault {
                return Err(Known::Schema(format!("query.{line}")).into());
            }
        }
        let mut redirect_uri = self.callback(&wish.redirect_uri)?;
        redirect_uri.set_fragment(None);
        let trusted = |url: Option<String>| url.map(|url| self.trusted(&url)).transpose();
        Ok(Away {
            kind: wish.kind,
            redirect_uri,
            state: wish.state,
            code_challenge: wish.code_challenge,
            error_redirect_url: trusted(wish.error_redirect_url)?,
            after: trusted(wish.after_callback_redirect_url)?,
            session,
            browser: None,
            sealed: String::new(),
        })
    }

    /// Takes a browser back. Whatever becomes of it, the answer counts once.
    pub(crate) async fn take_back(
        &self,
        provider: &str,
        back: Back,
        cookie: Option<&str>,
        device: &Device,
    ) -> Onward {
        let (away, user) = match self.recall(provider, &back, cookie).await {
            Ok(found) => found,
            Err(error) => {
                return Onward {
                    to: None,
                    error: Some(error),
                };
            }
        };
        match self.settle(provider, &back, &away, user, device).await {
            Ok(code) => {
                let mut to = away.redirect_uri;
                to.query_pairs_mut()
                    .append_pair("code", &code)
                    .append_pair("state", &away.state);
                Onward {
                    to: Some(to),
                    error: None,
                }
            }
            Err(error) => Onward {
                to: Some(away.error_redirect_url.unwrap_or(away.redirect_uri)),
                error: Some(error),
            },
        }
    }

    /// What this browser was sent off with.
    async fn recall(
        &self,
        provider: &str,
        back: &Back,
        cookie: Option<&str>,
    ) -> Result<(Away, Option<UserId>)> {
        self.provider(provider)?;
        let state = back.state.as_deref().ok_or(Known::OuterOAuthTimeout)?;
        let (id, now) = (hash(state), self.inner().clock.now());
        let mut db = self.inner().db.acquire().await?;
        let asked = ceremonies::take(&mut db, &id, &purpose(provider), now)
            .await?
            .ok_or(Known::OuterOAuthTimeout)?;
        let away: Away = serde_json::from_value(asked.state).context("a departure")?;
        let held = cookie.map(|text| hex::encode(hash(text)));
        if away.browser.is_some() && held != away.browser {
            return Err(Known::OuterOAuthTimeout.into());
        }
        Ok((away, asked.user))
    }

    /// Who it is, and the code that stands for that.
    async fn settle(
        &self,
        provider: &str,
        back: &Back,
        away: &Away,
        user: Option<UserId>,
        device: &Device,
    ) -> Result<Zeroizing<String>> {
        let configured = self.provider(provider)?;
        let arrival = Arrived {
            from: device.from,
            device: &device.name,
            remembered: None,
        };
        let profile = self.identify(configured, back, away).await?;
        let mut tx = self.inner().db.begin().await?;
        let linking = user.zip(away.session);
        let settled = if let Some((user, _)) = linking {
            let free = self
                .0
                .may_tie(&mut tx, configured, &profile.subject, user)
                .await;
            free.map(|_| (user, false))
        } else {
            let may_join = configured.signs_up && self.config().sign_up_enabled;
            self.0
                .whom(&mut tx, configured, &profile, arrival, may_join)
                .await
        };
        let (user, is_new) = match settled {
            Ok(settled) => settled,
            Err(why) => {
                drop(tx);
                self.0.note_provider_failure(provider, &why, arrival).await;
                return Err(refusal(why, profile.email.as_deref()));
            }
        };
        self.able(&mut tx, user).await?;
        let promise = Promise {
            provider: provider.to_owned(),
            redirect_uri: away.redirect_uri.clone(),
            code_challenge: away.code_challenge.clone(),
            is_new,
            after: away.after.clone(),
            link: linking.map(|(_, session)| Linking {
                subject: profile.subject,
                email: profile.email,
                session,
            }),
        };
        let code = self.promise(&mut tx, user, &promise).await?;
        tx.commit().await?;
        Ok(code)
    }

    async fn identify(&self, configured: &Configured, back: &Back, away: &Away) -> Result<Profile> {
        let Some(code) = back.code.clone() else {
            tracing::info!(provider = configured.name, why = ?back.error, "a provider sent nobody");
            return Err(Known::OAuthProviderAccessDenied.into());
        };
        let id = hash(back.state.as_deref().unwrap_or_default());
        let plain = self
            .inner()
            .vault
            .open(place(&id), &away.sealed)
            .map_err(anyhow::Error::new)?;
        let secrets: Secrets = serde_json::from_slice(&plain).context("provider secrets")?;
        configured
            .speaks_to_apps
            .identify(code, secrets)
            .await
            .map_err(|why| refusal(failed(configured, &why), None))
    }
}

/// What the domain says of a return, in the protocol's words.
pub(super) fn refusal(why: Error, email: Option<&str>) -> Fault {
    let (Error::Forbidden { code, detail } | Error::Conflict { code, detail }) = why else {
        return why.into();
    };
    match code {
        "provider_unreachable" => Known::OAuthProviderTemporarilyUnavailable,
        "provider_linked_elsewhere" => Known::OAuthConnectionTaken,
        "provider_linked_already" => Known::UserAlreadyConnected,
        "provider_account_exists" => {
            Known::ContactChannelTaken(email.unwrap_or_default().to_owned())
        }
        "provider_sign_up_closed" => Known::SignUpNotEnabled,
        "provider_email_unverified" => Known::SignUpRejected(detail.into_owned()),
        _ => Known::SessionAuthentication(detail.into_owned()),
    }
    .into()
}
