//! The dialogue with whoever signs people in for us: any OpenID Connect issuer, and GitHub,
//! which speaks OAuth 2 with an API of its own.
//!
//! It knows no account, no session and no database: it sends a browser off with a state, a
//! nonce and a PKCE challenge, and turns what comes back into who that is. Whoever calls keeps
//! the secrets in between, on the server, for one answer.
//!
//! It follows no redirect, speaks only TLS (but to this machine), reads at most a mebibyte and
//! waits ten seconds. Which addresses it calls is said by the operator's configuration and by
//! the issuer that it names, never by a visitor.

mod github;
mod http;
mod oidc;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::fmt;
use url::Url;

/// Where and as whom.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How the provider speaks.
    pub dialect: Dialect,
    /// As whom we are known there.
    pub client_id: String,
    /// With which secret; none for a public client.
    pub client_secret: Option<SecretString>,
    /// What is asked for, beyond what is always.
    pub scopes: Vec<String>,
    /// Where the browser comes back to.
    pub redirect: Url,
}

/// How a provider speaks.
#[derive(Debug, Clone)]
pub enum Dialect {
    /// OpenID Connect with discovery.
    OpenId {
        /// The issuer, as its tokens name it.
        issuer: Url,
    },
    /// GitHub: OAuth 2, and an API that says who it is.
    GitHub {
        /// `https://github.com/`, or an Enterprise server.
        web: Url,
        /// `https://api.github.com/`, or an Enterprise server's.
        api: Url,
    },
}

/// What is to be kept until the browser comes back.
#[derive(Serialize, Deserialize)]
pub struct Secrets {
    nonce: String,
    verifier: String,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

/// A browser that is about to leave.
#[derive(Debug)]
pub struct Departure {
    /// Where it goes.
    pub url: Url,
    /// What it comes back with.
    pub state: String,
    /// What it does not carry.
    pub secrets: Secrets,
}

/// Who somebody is, by the provider's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The provider's own name for them, never reused.
    pub subject: String,
    /// Their address.
    pub email: Option<String>,
    /// Whether the provider says that it has proved the address to be theirs.
    pub email_verified: bool,
    /// Their name.
    pub name: Option<String>,
}

/// Why nobody came of it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The provider does not answer, or not as it should.
    #[error("the provider cannot be asked: {0:#}")]
    Unreachable(anyhow::Error),
    /// What it said is not to be believed.
    #[error("the provider's answer is refused: {0}")]
    Refused(String),
}

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Misconfigured(String);

/// One provider.
#[derive(Debug)]
pub struct Provider(Speaks);

#[derive(Debug)]
enum Speaks {
    OpenId(Box<oidc::OpenId>),
    GitHub(Box<github::GitHub>),
}

impl Provider {
    /// Builds it. Calls nobody yet.
    pub fn new(settings: Settings) -> Result<Self, Misconfigured> {
        Ok(Self(match settings.dialect.clone() {
            Dialect::OpenId { issuer } => {
                Speaks::OpenId(Box::new(oidc::OpenId::new(settings, issuer)?))
            }
            Dialect::GitHub { web, api } => {
                Speaks::GitHub(Box::new(github::GitHub::new(settings, &web, api)?))
            }
        }))
    }

    /// Sends a browser off.
    pub async fn depart(&self) -> Result<Departure, Failure> {
        match &self.0 {
            Speaks::OpenId(openid) => openid.depart().await,
            Speaks::GitHub(github) => Ok(github.depart()),
        }
    }

    /// Asks who came back with this code.
    pub async fn identify(&self, code: String, secrets: Secrets) -> Result<Profile, Failure> {
        match &self.0 {
            Speaks::OpenId(openid) => openid.identify(code, secrets).await,
            Speaks::GitHub(github) => github.identify(code, secrets).await,
        }
    }
}
