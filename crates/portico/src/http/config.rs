//! How the server speaks HTTP. Refuses values that would silently protect nothing: an
//! origin with a path, a network that is none.

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{net::IpAddr, path::PathBuf, time::Duration};
use url::Url;

/// The `[http]` table of the configuration.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Proxies in front of us, as addresses or networks (`10.0.0.0/8`). Only they are
    /// believed about the visitor's address, the scheme and the request id.
    pub trusted_proxies: Vec<Network>,
    /// Origins of other sites whose pages may call the API with the visitor's cookies,
    /// as `https://app.example.org`.
    pub origins: Vec<Origin>,
    /// Paths that receive requests without a browser's protection because they have
    /// their own (signed webhooks). `/x/*` means everything below `/x/`.
    pub csrf_exempt: Vec<String>,
    /// The largest request body in bytes, where a route does not say otherwise.
    pub body_limit_bytes: usize,
    /// How long a request may take to its answer, in seconds. Not for sockets or streams.
    pub timeout_seconds: u64,
    /// How long running requests may take to end when the server stops, in seconds.
    pub drain_seconds: u64,
    /// Strict-Transport-Security in seconds; 0 leaves it out. Only sent over https.
    pub hsts_seconds: u64,
    /// How often one client may call the API.
    pub rate: RateConfig,
    /// Certificate and key for serving https ourselves.
    pub tls: Option<TlsConfig>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            trusted_proxies: Vec::new(),
            origins: Vec::new(),
            csrf_exempt: Vec::new(),
            body_limit_bytes: 2 * 1024 * 1024,
            timeout_seconds: 30,
            drain_seconds: 20,
            hsts_seconds: 31_536_000,
            rate: RateConfig::default(),
            tls: None,
        }
    }
}

impl HttpConfig {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }

    /// How long running requests may take to end when the server stops.
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }

    pub(crate) fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies
            .iter()
            .any(|network| network.contains(peer))
    }
}

/// The `[http.rate]` table: so many calls at once, and then so many a second. 0 lifts a limit.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateConfig {
    /// For one session.
    pub session_burst: u32,
    /// For one session.
    pub session_per_second: u32,
    /// For everybody in one network who is not signed in: an address, or a /64 in IPv6.
    pub network_burst: u32,
    /// The same.
    pub network_per_second: u32,
}

impl Default for RateConfig {
    fn default() -> Self {
        Self {
            session_burst: 1000,
            session_per_second: 50,
            network_burst: 1200,
            network_per_second: 100,
        }
    }
}

/// The `[http.tls]` table.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate chain, PEM.
    pub cert: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

/// A network of trusted proxies, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl std::str::FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map(Self)
            .map_err(|_| format!("{text:?} is neither an address nor a network like 10.0.0.0/8"))
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// An origin exactly as browsers write it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origin(String);

impl Origin {
    /// As in the `Origin` header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| format!("{text:?} is no origin: {error}"))?;
        let ours = url.origin().ascii_serialization();
        if !matches!(url.scheme(), "http" | "https") || text.trim_end_matches('/') != ours {
            return Err(format!(
                "{text:?} is no origin; write it as https://app.example.org"
            ));
        }
        Ok(Self(ours))
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Whether a path is one of `patterns`, in which `/x/*` means everything below `/x/`.
pub(crate) fn covers(patterns: &[String], path: &str) -> bool {
    patterns
        .iter()
        .any(|pattern| match pattern.strip_suffix('*') {
            Some(prefix) => path.starts_with(prefix),
            None => pattern == path,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_what_browsers_send() {
        assert_eq!(
            "https://a.example/".parse::<Origin>().unwrap().as_str(),
            "https://a.example"
        );
        for wrong in [
            "https://a.example/x",
            "a.example",
            "https://a.example:443",
            "file:///x",
            "*",
        ] {
            assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn networks_know_their_addresses() {
        let config = HttpConfig {
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()],
            ..HttpConfig::default()
        };
        assert!(config.trusts("10.2.3.4".parse().unwrap()));
        assert!(config.trusts("::ffff:10.2.3.4".parse().unwrap()));
        assert!(config.trusts("::1".parse().unwrap()));
        assert!(!config.trusts("11.0.0.1".parse().unwrap()));
        assert!("10.0.0.0/40".parse::<Network>().is_err());
    }
}
