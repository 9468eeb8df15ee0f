//! Accounts, credentials, sessions, devices and roles.
//!
//! Owns the schema `identity` and the views `published.people` and
//! `published.people_roles`. Sends the events of [`model`]. One set of verbs; the
//! first-party API with `HttpOnly` cookies is one face of it, other wire protocols are
//! others. Refuses to say whether an address has an account, to keep any token in a
//! form that could be used, and to let a role grant more than it names.

#![expect(
    deprecated,
    reason = "sqlx 0.9.0 warns at each date that chrono is in the tree too, even when told to prefer `time`"
)]

mod actions;
mod archive;
pub mod authenticate;
mod blocklist;
mod config;
mod configured;
mod cookies;
pub mod jobs;
mod keys;
pub mod live;
pub mod model;
mod passwords;
mod pictures;
pub mod ports;
mod presented;
pub mod routes;
mod secrets;
pub mod stack_auth;
mod store;
mod totp;

pub use actions::{
    confirmation::Confirmation, demo::DemoPerson, passwords::At, presence::Presence,
    sessions::Issued,
};
pub use config::{IdentityConfig, SecondFactorPolicy};
pub use configured::{Preset, ProviderConfig};
pub use presented::Presented;

use kernel::{
    Clock,
    audit::Audit,
    cache::{Cache, Invalidations},
    database::Database,
    events::EventLog,
    files::Files,
    id::{ImpersonationId, SessionId, UserId},
    limits::Limits,
    live::Signals,
    mail::Mailer,
    vault::Vault,
};
use secrecy::SecretString;
use std::{sync::Arc, time::Duration};
use url::Url;

/// Everything that the domain needs from outside.
#[derive(Debug)]
pub struct Needs {
    /// The database.
    pub db: Database,
    /// The event log.
    pub events: EventLog,
    /// The audit chain.
    pub audit: Audit,
    /// The clock.
    pub clock: Clock,
    /// Rate limits.
    pub limits: Limits,
    /// Seals signing keys and secrets of second factors.
    pub vault: Vault,
    /// Mail.
    pub mailer: Mailer,
    /// Keeps pictures of people and copies of their data.
    pub files: Files,
    /// Every other part of the house that holds something about people.
    pub holders: Vec<Arc<dyn ports::Holder>>,
    /// Tells open sockets what binds at once.
    pub signals: Signals,
    /// Tells caches what is stale.
    pub invalidations: Invalidations,
    /// Under which address people reach this server; links and tokens name it.
    pub public_url: Url,
    /// What this place is called: authenticator apps and passkeys show it.
    pub product: String,
    /// The section `[identity]`.
    pub config: IdentityConfig,
}

/// The domain.
#[derive(Debug, Clone)]
pub struct Identity(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Database,
    events: EventLog,
    audit: Audit,
    clock: Clock,
    limits: Limits,
    mailer: Mailer,
    files: Files,
    holders: Vec<Arc<dyn ports::Holder>>,
    /// How many pictures are unpacked at once.
    darkroom: tokio::sync::Semaphore,
    signals: Signals,
    public_url: Url,
    /// What the place is called: authenticator apps show it.
    product: String,
    config: IdentityConfig,
    /// What the server is to the SDKs of Stack Auth.
    stack: stack_auth::Project,
    hasher: passwords::Hasher,
    keys: keys::Keys,
    vault: Vault,
    /// Another place that is trusted with identity, where the operator named one.
    trusted: std::sync::OnceLock<Arc<dyn ports::Trusted>>,
    /// Nothing where browsers have no passkeys.
    passkeys: Option<passkeys::Passkeys>,
    providers: configured::Providers,
    /// What each session may do now: asked at every request.
    standing: Cache<SessionId, Option<Arc<authenticate::Standing>>>,
    /// What each person is told about themselves.
    accounts: Cache<UserId, Option<Arc<model::Account>>>,
    /// Who acts in whose place: asked at every request of theirs.
    impersonations: Cache<ImpersonationId, Option<Arc<store::impersonations::Held>>>,
    /// Tokens whose signature was checked, by hash.
    verified: moka::sync::Cache<[u8; 32], keys::Claims>,
}

/// The name of the cache of sessions, for [`kernel::cache::invalidate`].
const STANDING: &str = "identity.standing";
/// Under this name servers tell each other whose sockets are to be asked again, where a change
/// concerns too many sessions to name.
const PEOPLE: &str = "identity.people";
/// The name of the cache of accounts. Triggers on the tables it is read from invalidate it.
const ACCOUNTS: &str = "identity.accounts";
/// The name of the cache of impersonations. A trigger says which one is over.
const IMPERSONATIONS: &str = "identity.impersonations";

impl Identity {
    /// Builds the domain; makes the first signing key.
    pub async fn new(needs: Needs) -> anyhow::Result<Self> {
        let issuer = needs.public_url.as_str().trim_end_matches('/');
        let keys = keys::Keys::load(&needs, issuer).await?;
        let stack = stack_auth::Project::load(
            &needs.db,
            &needs.vault,
            &needs.invalidations,
            &needs.public_url,
            &needs.config.stack_auth,
        )
        .await?;
        let (standing, impersonations) = (standing(&needs), impersonations(&needs));
        Ok(Self(Arc::new(Inner {
            stack,
            trusted: std::sync::OnceLock::new(),
            hasher: passwords::Hasher::new(&needs.config)?,
            keys,
            passkeys: passkeys::Passkeys::at(&needs.public_url, &needs.product),
            providers: configured::Providers::new(&needs.config.providers, &needs.public_url)?,
            vault: needs.vault,
            product: needs.product,
            standing,
            accounts: Cache::new(
                ACCOUNTS,
                20_000,
                Duration::from_mins(1),
                &needs.invalidations,
            ),
            impersonations,
            verified: moka::sync::Cache::builder()
                .max_capacity(100_000)
                .time_to_live(needs.config.access())
                .build(),
            db: needs.db,
            events: needs.events,
            audit: needs.audit,
            clock: needs.clock,
            limits: needs.limits,
            mailer: needs.mailer,
            files: needs.files,
            holders: needs.holders,
            darkroom: tokio::sync::Semaphore::new(1),
            signals: needs.signals,
            public_url: needs.public_url,
            config: needs.config,
        })))
    }

    /// The public halves of the signing keys, as a JWK Set.
    pub async fn jwks(&self) -> kernel::Result<serde_json::Value> {
        self.0.keys.refresh().await?;
        Ok(self.0.keys.jwks())
    }

    /// A link into the front end whose token stays in the fragment: a browser sends no
    /// fragment, so the token is in no log and no referrer.
    fn link(&self, page: &str, token: &str) -> String {
        self.link_on(page, None, token)
    }

    /// The same, to a page that leads on to another.
    fn link_on(&self, page: &str, next: Option<&str>, token: &str) -> String {
        let mut url = self.0.public_url.clone();
        url.set_path(page);
        if let Some(next) = next {
            url.query_pairs_mut().append_pair("next", next);
        }
        url.set_fragment(Some(token));
        url.to_string()
    }
}

/// The cache of sessions; what tells it of a change also has the session's sockets asked again, on
/// every node.
fn standing(needs: &Needs) -> Cache<SessionId, Option<Arc<authenticate::Standing>>> {
    let (life, bus) = (Duration::from_mins(1), &needs.invalidations);
    let cache = Cache::new(STANDING, 100_000, life, bus);
    let signals = needs.signals.clone();
    bus.on(STANDING, move |key| {
        if let Some(Ok(session)) = key.map(str::parse) {
            signals.session_changed(session);
        }
    });
    let signals = needs.signals.clone();
    bus.on(PEOPLE, move |key| {
        if let Some(Ok(user)) = key.map(str::parse) {
            signals.user_changed(user);
        }
    });
    cache
}

/// The cache of impersonations; what tells it of an end also closes the sockets, on every node.
fn impersonations(
    needs: &Needs,
) -> Cache<ImpersonationId, Option<Arc<store::impersonations::Held>>> {
    let (life, bus) = (Duration::from_mins(1), &needs.invalidations);
    let cache = Cache::new(IMPERSONATIONS, 10_000, life, bus);
    let signals = needs.signals.clone();
    bus.on(IMPERSONATIONS, move |key| {
        if let Some(Ok(id)) = key.map(str::parse) {
            signals.session_ended(SessionId(id));
        }
    });
    cache
}

/// A password on its way in: never logged, wiped after use.
pub type Secret = SecretString;
