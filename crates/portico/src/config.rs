//! The whole configuration: one section for each domain, put together here.

use crate::{front::FrontConfig, http::HttpConfig};
use billing::BillingConfig;
use hosted_stack::HostedStackConfig;
use identity::IdentityConfig;
use kernel::{database::DatabaseConfig, files::FilesConfig, mail::MailConfig};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};
use url::{Host, Url};

/// What can be set. Every key has a default; `docs/operations/configuration.md` says what
/// each means.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to listen. Environment: `PORTICO_LISTEN`.
    pub listen: SocketAddr,
    /// Where everything is kept. Environment: `PORTICO_DATA`.
    pub data: PathBuf,
    /// The address that people use, when it is not the one we listen on: links in mails and
    /// the issuer of tokens name it.
    pub public_url: Option<Url>,
    /// The database.
    pub database: DatabaseConfig,
    /// How we speak HTTP.
    pub http: HttpConfig,
    /// The front end.
    pub front: FrontConfig,
    /// Accounts and sessions.
    pub identity: IdentityConfig,
    /// A hosted Stack Auth project that is trusted.
    pub hosted_stack: HostedStackConfig,
    /// How things are sold.
    pub billing: BillingConfig,
    /// Where files are kept.
    pub files: FilesConfig,
    /// Mail.
    pub mail: MailConfig,
    /// Sockets and the change stream.
    pub realtime: RealtimeConfig,
    /// What is written to the log.
    pub log: LogConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            data: PathBuf::from("data"),
            public_url: None,
            database: DatabaseConfig::default(),
            http: HttpConfig::default(),
            front: FrontConfig::default(),
            identity: IdentityConfig::default(),
            hosted_stack: HostedStackConfig::default(),
            billing: BillingConfig::default(),
            files: FilesConfig::default(),
            mail: MailConfig::default(),
            realtime: RealtimeConfig::default(),
            log: LogConfig::default(),
        }
    }
}

/// The `[realtime]` section.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RealtimeConfig {
    /// This server's replication slot. Slots belong to a whole PostgreSQL server: each
    /// Portico that uses it needs a name of its own.
    pub slot: String,
    /// How long after their last socket closed somebody is still online, in seconds.
    pub offline_seconds: u32,
    /// How long somebody who looks at none of their pages is not yet away, in seconds.
    pub away_seconds: u32,
    /// How often this server says that it lives, in seconds; after five times as long without a
    /// word it counts as dead.
    pub beat_seconds: u32,
    /// What carries broadcasts and presence between servers that share a database.
    pub bus: Bus,
    /// Where Redis is, for `bus = "redis"`. May hold a password.
    #[serde(serialize_with = "kernel::config::mask_url")]
    pub redis_url: Option<SecretString>,
    /// How long messages of private channels are kept at most.
    pub keep_hours: u32,
    /// Only private channels are offered.
    pub private_only: bool,
    /// What one client may cost, and all of them together.
    pub limits: realtime::Limits,
}

/// What carries broadcasts and presence between servers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bus {
    /// Nothing: this is the only server.
    #[default]
    Local,
    /// The shared database.
    Postgres,
    /// Redis, or what speaks its protocol.
    Redis,
}

impl Default for RealtimeConfig {
    fn default() -> Self {
        Self {
            slot: "portico_live".into(),
            offline_seconds: 5,
            away_seconds: 60,
            beat_seconds: 2,
            bus: Bus::Local,
            redis_url: None,
            keep_hours: 72,
            private_only: false,
            limits: realtime::Limits::default(),
        }
    }
}

/// The `[log]` section.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// What to write, as in `info,realtime=debug`.
    pub filter: String,
    /// One JSON object a line instead of text.
    pub json: bool,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            filter: "info,graphile_worker=warn,sqlx::postgres::notice=warn".into(),
            json: false,
        }
    }
}

impl Config {
    /// Reads the configuration: the named file (or `portico.toml` here, if there is one)
    /// and the environment over it.
    pub fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let usual = Path::new("portico.toml");
        let file = file.or_else(|| usual.exists().then_some(usual));
        let mut config: Self = kernel::config::load(file)?;
        config.settle();
        Ok(config)
    }

    /// Fills in what follows from other settings.
    pub fn settle(&mut self) {
        let public_url = self.public_url();
        self.mail.public_url = public_url.clone();
        self.front.public_url = Some(public_url);
        let address = match self.listen.ip() {
            ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            ip => ip,
        };
        self.front.api_url = format!("http://{}", SocketAddr::new(address, self.listen.port()));
    }

    /// The address that people use.
    pub fn public_url(&self) -> Url {
        if let Some(url) = &self.public_url {
            return url.clone();
        }
        let host = if self.listen.ip().is_unspecified() {
            format!("127.0.0.1:{}", self.listen.port())
        } else {
            self.listen.to_string()
        };
        let scheme = if self.http.tls.is_some() {
            "https"
        } else {
            "http"
        };
        // A socket address always makes a URL.
        Url::parse(&format!("{scheme}://{host}/")).unwrap_or_else(|_| unreachable_url())
    }

    /// Whether only this machine can reach us. Behind a proxy on this machine others do, by the
    /// address that people use.
    pub fn is_local(&self) -> bool {
        let public = self.public_url.as_ref().and_then(Url::host);
        let here = match public {
            None => true,
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
        };
        here && self.listen.ip().is_loopback()
    }
}

#[expect(clippy::expect_used, reason = "a constant")]
fn unreachable_url() -> Url {
    Url::parse("http://127.0.0.1:8080/").expect("a constant")
}
