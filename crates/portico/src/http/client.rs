//! Who is asking: the visitor's address and scheme. A header is believed only when a
//! trusted proxy wrote it; what anybody else claims is removed before it can be read.

use super::{config::HttpConfig, trace::REQUEST_ID};
use axum::{
    extract::{ConnectInfo, FromRequestParts, Request},
    http::{HeaderMap, HeaderName, header, request},
};
use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::OnceLock,
};

/// What a proxy says of its visitor, and a visitor may not.
const CLAIMS: [HeaderName; 5] = [
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-real-ip"),
];

/// By which a proxy says for whom it asks.
const PASSED_ON: [HeaderName; 3] = [
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-real-ip"),
];

/// The visitor as far as the network tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClientAddr {
    /// The address: the peer's, or what the nearest untrusted hop was. `None` only when
    /// the server was started without connection information.
    pub ip: Option<IpAddr>,
    /// Whether the visitor came over https, to us or to a trusted proxy.
    pub https: bool,
    /// Whether somebody whom we do not trust says that they pass on what others ask: then
    /// `ip` is theirs, and who is behind it may be anybody.
    pub passed_on: bool,
}

impl ClientAddr {
    /// The client of a request that has passed [`identify`].
    pub fn of(request: &Request) -> Self {
        request.extensions().get().copied().unwrap_or_default()
    }

    /// Whether a program on this machine asks, for itself.
    pub fn is_this_machine(self) -> bool {
        self.ip.is_some_and(|ip| ip.is_loopback()) && !self.passed_on
    }
}

/// Tells the operator, once, of a proxy that the configuration does not name.
#[derive(Debug, Default)]
pub(crate) struct Strangers(OnceLock<IpAddr>);

impl Strangers {
    /// Somebody on the internet may claim what they like; who stands in a private network
    /// and passes on requests is most likely a proxy of the operator's.
    fn notice(&self, peer: IpAddr) {
        if is_near(peer) {
            self.0.get_or_init(|| {
                tracing::warn!(
                    %peer,
                    "requests are passed on by a proxy that http.trusted_proxies does not name: \
                     all its visitors count as one, and as coming over plain http. Name it there, \
                     or have it leave x-forwarded-for out"
                );
                peer
            });
        }
    }
}

fn is_near(peer: IpAddr) -> bool {
    match peer {
        IpAddr::V4(peer) => peer.is_loopback() || peer.is_private() || peer.is_link_local(),
        IpAddr::V6(peer) => {
            peer.is_loopback() || peer.is_unique_local() || peer.is_unicast_link_local()
        }
    }
}

impl<S: Sync> FromRequestParts<S> for ClientAddr {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut request::Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or_default())
    }
}

/// Finds out who is asking. Before everything else: everything inside relies on it.
pub(crate) fn identify(
    config: &HttpConfig,
    strangers: &Strangers,
    request: &mut Request,
) -> ClientAddr {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|ConnectInfo(address)| address.ip().to_canonical());
    let ours = config.tls.is_some();
    let trusted = peer.is_some_and(|peer| config.trusts(peer));
    let client = if trusted {
        ClientAddr {
            ip: forwarded_for(config, request.headers()).or(peer),
            https: ours || forwarded_https(request.headers()),
            passed_on: false,
        }
    } else {
        let passed_on = PASSED_ON
            .iter()
            .any(|name| request.headers().contains_key(name));
        if let Some(peer) = peer.filter(|_| passed_on) {
            strangers.notice(peer);
        }
        ClientAddr {
            ip: peer,
            https: ours,
            passed_on,
        }
    };
    let headers = request.headers_mut();
    if !trusted || !plausible_id(headers) {
        headers.remove(REQUEST_ID);
    }
    for name in CLAIMS {
        headers.remove(name);
    }
    request.extensions_mut().insert(client);
    if let Some(ip) = client.ip {
        // What the domains may know of it.
        request
            .extensions_mut()
            .insert(kernel::client::ClientAddr(ip));
    }
    client
}

/// The right-most address that is no proxy of ours: further left is the client's word.
fn forwarded_for(config: &HttpConfig, headers: &HeaderMap) -> Option<IpAddr> {
    let mut nearest = None;
    let hops: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for hop in hops.iter().rev() {
        // An unreadable hop ends what can be believed.
        let address = address(hop.trim())?;
        nearest = Some(address);
        if !config.trusts(address) {
            break;
        }
    }
    nearest
}

/// An address, with or without a port.
fn address(hop: &str) -> Option<IpAddr> {
    hop.parse()
        .or_else(|_| hop.parse::<SocketAddr>().map(|address| address.ip()))
        .or_else(|_| hop.trim_start_matches('[').trim_end_matches(']').parse())
        .ok()
        .map(|ip: IpAddr| ip.to_canonical())
}

fn forwarded_https(headers: &HeaderMap) -> bool {
    headers
        .get_all("x-forwarded-proto")
        .iter()
        .next_back()
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.rsplit(',').next())
        .is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"))
}

/// A proxy's request id is kept if it can stand in a log line.
fn plausible_id(headers: &HeaderMap) -> bool {
    headers
        .get(REQUEST_ID)
        .and_then(|id| id.to_str().ok())
        .is_some_and(|id| {
            (8..=128).contains(&id.len())
                && id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.=+/".contains(&byte))
        })
}

/// Whether a request proves itself by a bearer token, which no other site's page can
/// attach without our leave. Basic credentials do not count: browsers attach those.
pub(crate) fn has_bearer(headers: &HeaderMap) -> bool {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_nearest_untrusted_hop_counts() {
        let config = HttpConfig {
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            ..HttpConfig::default()
        };
        let of = |value: &'static str| {
            let headers = HeaderMap::from_iter([(
                "x-forwarded-for".parse().unwrap(),
                HeaderValue::from_static(value),
            )]);
            forwarded_for(&config, &headers).map(|ip| ip.to_string())
        };
        assert_eq!(of("6.6.6.6, 1.2.3.4, 10.0.0.9").as_deref(), Some("1.2.3.4"));
        assert_eq!(of("10.0.0.7, 10.0.0.9").as_deref(), Some("10.0.0.7"));
        assert_eq!(of("[2001:db8::1]:443").as_deref(), Some("2001:db8::1"));
        assert_eq!(of("1.2.3.4, garbage"), None);
    }
}
