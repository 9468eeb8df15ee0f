//! Signing in at a provider's, and linking accounts there.
//!
//! Invariant: an address that a provider tells never opens an account that somebody else has
//! proved to be theirs. An account is linked by its owner, signed in; or, where the operator
//! allows it for this provider, when both sides have proved the same address.

use super::provider_accounts::failed;
use crate::{
    Identity,
    actions::entry::Arrival,
    configured::Configured,
    model::{
        entry::{Entry, Method},
        providers::{Departure, Intent, LinkedProvider, OfferedProvider, Outcome, OwnPath, Return},
        security::{Kind, SecurityEvent},
    },
    secrets::{self, Token},
    store::{self, ceremonies::Asked},
};
use anyhow::Context;
use kernel::{Error, Principal, Result, client::ClientAddr, id::UserId, limits::Quota, vault};
use providers::{Profile, Secrets};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// How long somebody may take at the provider's.
const LIFE: time::Duration = time::Duration::minutes(15);

/// What is kept while a browser is away.
#[derive(Serialize, Deserialize)]
struct Away {
    intent: Intent,
    /// The hash of what the browser's cookie holds.
    browser: String,
    /// Nonce and PKCE verifier, sealed by the vault.
    sealed: String,
    next: Option<String>,
}

/// What came of a return: where the browser was to go, and whether it came to anything.
#[derive(Debug)]
pub struct Returned {
    /// For what it was sent off; a sign-in where that is not known any more.
    pub intent: Intent,
    /// Where it was to go.
    pub next: Option<OwnPath>,
    /// What came of it.
    pub outcome: Result<Outcome>,
}

fn purpose(provider: &str) -> String {
    format!("provider:{provider}")
}

impl Identity {
    /// The providers that are offered, in the order of their names.
    pub fn providers(&self) -> Vec<OfferedProvider> {
        self.0.providers.offered()
    }

    /// What the caller is linked to.
    pub async fn linked_providers(&self, caller: &Principal) -> Result<Vec<LinkedProvider>> {
        let mut db = self.0.db.acquire().await?;
        Ok(store::providers::list(&mut db, caller.user).await?)
    }

    /// Sends a browser off to sign in; `browser` is what its cookie holds already.
    pub async fn depart(
        &self,
        provider: &str,
        next: Option<&str>,
        browser: Option<&str>,
        from: ClientAddr,
    ) -> Result<Departure> {
        let quota = Quota {
            burst: 30,
            every: Duration::from_secs(10),
        };
        let network = format!("provider:{}", from.network());
        self.0.limits.take(&network, quota).await?;
        self.send_off(provider, Intent::SignIn, None, next, browser)
            .await
    }

    /// Sends the caller's browser off to link an account.
    pub async fn depart_to_link(
        &self,
        caller: &Principal,
        provider: &str,
        browser: Option<&str>,
    ) -> Result<Departure> {
        self.require_recent(caller)?;
        self.send_off(provider, Intent::Link, Some(caller.user), None, browser)
            .await
    }

    async fn send_off(
        &self,
        provider: &str,
        intent: Intent,
        user: Option<UserId>,
        next: Option<&str>,
        browser: Option<&str>,
    ) -> Result<Departure> {
        let configured = self.0.providers.get(provider)?;
        let departure = configured
            .speaks
            .depart()
            .await
            .map_err(|why| failed(configured, &why))?;
        let browser = match browser.filter(|text| text.len() == 43) {
            Some(text) => zeroize::Zeroizing::new(text.to_owned()),
            None => Token::new()?.text,
        };
        let hash = secrets::hash(&departure.state);
        let plain = serde_json::to_vec(&departure.secrets).context("provider secrets")?;
        let away = Away {
            intent,
            browser: hex::encode(secrets::hash(&browser)),
            sealed: self
                .0
                .vault
                .seal(place(&hash), &zeroize::Zeroizing::new(plain))?,
            next: next
                .and_then(OwnPath::parse)
                .map(|path| path.as_str().to_owned()),
        };
        let state = serde_json::to_value(&away).context("a departure")?;
        let until = self.0.clock.now() + LIFE;
        let mut db = self.0.db.acquire().await?;
        store::ceremonies::insert(&mut db, &hash, &purpose(provider), user, &state, until).await?;
        Ok(Departure {
            url: departure.url,
            browser,
        })
    }

    /// Takes a browser back. Whatever becomes of it, the answer counts once.
    pub async fn take_back(
        &self,
        provider: &str,
        returned: Return,
        browser: Option<&str>,
        caller: Option<&Principal>,
        arrival: Arrived<'_>,
    ) -> Returned {
        let nothing = |why: Error| Returned {
            intent: Intent::SignIn,
            next: None,
            outcome: Err(why),
        };
        let (asked, away) = match self.recall(provider, &returned, browser).await {
            Ok(found) => found,
            Err(why) => return nothing(why),
        };
        let outcome = self
            .settle(provider, &returned, &asked, &away, caller, arrival)
            .await;
        if let Err(why) = &outcome {
            self.note_provider_failure(provider, why, arrival).await;
        }
        Returned {
            intent: away.intent,
            next: away.next.as_deref().and_then(OwnPath::parse),
            outcome,
        }
    }

    /// What this browser was sent off with.
    async fn recall(
        &self,
        provider: &str,
        returned: &Return,
        browser: Option<&str>,
    ) -> Result<(Asked, Away)> {
        self.0.providers.get(provider)?;
        let state = returned.state.as_deref().ok_or_else(stale)?;
        let (hash, now) = (secrets::hash(state), self.0.clock.now());
        let mut db = self.0.db.acquire().await?;
        let asked = store::ceremonies::take(&mut db, &hash, &purpose(provider), now)
            .await?
            .ok_or_else(stale)?;
        let away: Away = serde_json::from_value(asked.state.clone()).context("a departure")?;
        // Both are hashes: how long the comparison takes tells nothing of the token.
        let ours = browser.is_some_and(|text| hex::encode(secrets::hash(text)) == away.browser);
        if !ours {
            return Err(stale());
        }
        Ok((asked, away))
    }

    async fn settle(
        &self,
        provider: &str,
        returned: &Return,
        asked: &Asked,
        away: &Away,
        caller: Option<&Principal>,
        arrival: Arrived<'_>,
    ) -> Result<Outcome> {
        let configured = self.0.providers.get(provider)?;
        let Some(code) = returned.code.clone() else {
            tracing::info!(provider, why = ?returned.error, "a provider sent nobody");
            return Err(Error::forbidden(
                "provider_denied",
                "You were not signed in there. Try again, or choose another way.",
            ));
        };
        let hash = secrets::hash(returned.state.as_deref().unwrap_or_default());
        let plain = self.0.vault.open(place(&hash), &away.sealed)?;
        let secrets: Secrets = serde_json::from_slice(&plain).context("provider secrets")?;
        let profile = configured
            .speaks
            .identify(code, secrets)
            .await
            .map_err(|why| failed(configured, &why))?;
        match away.intent {
            Intent::Link => self
                .tie(configured, &profile, asked.user, caller, arrival)
                .await
                .map(|()| Outcome::Linked),
            Intent::SignIn => self
                .let_in(configured, &profile, arrival)
                .await
                .map(Outcome::Entered),
        }
    }

    /// Links the account of whoever asked, if it is still they who are signed in.
    async fn tie(
        &self,
        provider: &Configured,
        profile: &Profile,
        asked: Option<UserId>,
        caller: Option<&Principal>,
        arrival: Arrived<'_>,
    ) -> Result<()> {
        let user = caller
            .map(|caller| caller.user)
            .filter(|user| asked == Some(*user))
            .ok_or(Error::Unauthenticated)?;
        let mut tx = self.0.db.begin().await?;
        self.tie_to(&mut tx, provider, profile, user, arrival)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Signs in whom the provider knows: linked before, joining now, or refused.
    async fn let_in(
        &self,
        provider: &Configured,
        profile: &Profile,
        arrival: Arrived<'_>,
    ) -> Result<Entry> {
        let mut tx = self.0.db.begin().await?;
        let (user, _) = self
            .whom(&mut tx, provider, profile, arrival, provider.signs_up)
            .await?;
        let arrival = Arrival {
            user,
            method: Method::Provider(provider.name.clone()),
            from: arrival.from,
            device: arrival.device,
            cookie: arrival.remembered,
            second: None,
        };
        let entry = self.admit(&mut tx, arrival).await?;
        tx.commit().await?;
        Ok(entry)
    }

    pub(crate) async fn note_provider_failure(
        &self,
        provider: &str,
        why: &Error,
        arrival: Arrived<'_>,
    ) {
        let (Error::Forbidden { code, .. } | Error::Conflict { code, .. }) = why else {
            return;
        };
        let event = SecurityEvent {
            kind: Kind::SignInFailed,
            user: None,
            identifier: None,
            from: Some(arrival.from),
            device: Some(arrival.device),
            data: json!({ "method": format!("provider:{provider}"), "reason": code }),
        };
        let noted = async {
            let mut tx = self.0.db.begin().await?;
            self.record(&mut tx, event).await?;
            tx.commit().await?;
            Ok::<(), Error>(())
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, "a failed sign-in was not recorded");
        }
    }
}

/// From where somebody comes.
#[derive(Debug, Clone, Copy)]
pub struct Arrived<'a> {
    /// Their address.
    pub from: ClientAddr,
    /// Their device.
    pub device: &'a str,
    /// What the device cookie holds.
    pub remembered: Option<&'a str>,
}

pub(crate) fn place(hash: &[u8]) -> vault::Context<'_> {
    vault::Context {
        table: "identity.ceremonies",
        column: "state",
        row: hash,
    }
}

fn stale() -> Error {
    Error::conflict(
        "provider_flow_stale",
        "This sign-in took too long, was used already, or began in another browser. Try again.",
    )
}
