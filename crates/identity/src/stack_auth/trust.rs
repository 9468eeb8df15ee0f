//! Where a link in a mail or the end of a sign-in may lead: our own origin, the trusted domains of the
//! configuration, and this machine where that is allowed. Never anywhere else, so that
//! nobody can have a code or a token sent to a page of theirs.

use super::config::StackAuthConfig;
use url::{Host, Url};

/// The rules.
#[derive(Debug, Clone)]
pub(crate) struct Trust {
    own: Url,
    localhost: bool,
    domains: Vec<String>,
    /// Where codes may be sent, whole.
    callbacks: Vec<String>,
}

/// Where the SDK's pages are, unless a trusted domain says otherwise, and the page of theirs
/// that takes a code.
const HANDLER: &str = "/handler";
const CALLBACK: &str = "oauth-callback";

impl Trust {
    pub(super) fn new(own: &Url, config: &StackAuthConfig) -> Self {
        Self {
            callbacks: callbacks(own, config),
            own: own.clone(),
            localhost: config.allow_localhost.unwrap_or_else(|| is_local(own)),
            domains: config.trusted_domains.clone(),
        }
    }

    /// Whether links may lead to this machine.
    pub(crate) fn localhost(&self) -> bool {
        self.localhost
    }

    /// The trusted domains, as configured.
    pub(crate) fn domains(&self) -> &[String] {
        &self.domains
    }

    /// The address, if it may be led to.
    pub(crate) fn url(&self, text: &str) -> Option<Url> {
        let url = Url::parse(text).ok()?;
        let web = matches!(url.scheme(), "http" | "https");
        let bare = url.username().is_empty() && url.password().is_none();
        (web && bare && self.trusts(&url)).then_some(url)
    }

    /// The address that a code of a sign-in may be sent to, if it is one: as it stands in the
    /// list, letter by letter (RFC 9700, section 4.1.3). Only this machine is taken as a whole, where it is
    /// trusted at all.
    pub(crate) fn callback(&self, text: &str) -> Option<Url> {
        if self.callbacks.iter().any(|known| known == text) {
            return Url::parse(text).ok();
        }
        self.url(text).filter(|url| self.localhost && is_local(url))
    }

    /// Where codes may be sent.
    pub(crate) fn callbacks(&self) -> &[String] {
        &self.callbacks
    }

    fn trusts(&self, url: &Url) -> bool {
        url.origin() == self.own.origin()
            || (self.localhost && is_local(url))
            || self.domains.iter().any(|domain| covers(domain, url))
    }
}

/// What the configuration lists, and the SDK's own page of each domain that is no pattern.
fn callbacks(own: &Url, config: &StackAuthConfig) -> Vec<String> {
    let own = own.origin().ascii_serialization();
    let named = config
        .trusted_domains
        .iter()
        .filter(|one| !one.contains('*'));
    let pages = std::iter::once(&own).chain(named).map(|domain| {
        let domain = domain.trim_end_matches('/');
        let has_path = domain
            .split_once("://")
            .is_some_and(|(_, rest)| rest.contains('/'));
        let handler = if has_path { "" } else { HANDLER };
        format!("{domain}{handler}/{CALLBACK}")
    });
    config.redirect_urls.iter().cloned().chain(pages).collect()
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether `https://*.example.org` covers an address. Scheme and port must be the same; a path in
/// the domain is where the SDK's pages are, not a limit.
fn covers(domain: &str, url: &Url) -> bool {
    let Some((scheme, rest)) = domain.split_once("://") else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or(rest);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse::<u16>().ok()),
        None => (authority, None),
    };
    let usual = if scheme == "http" { 80 } else { 443 };
    scheme == url.scheme()
        && url.port_or_known_default() == Some(port.unwrap_or(usual))
        && url
            .host_str()
            .is_some_and(|name| matches(host.as_bytes(), name.as_bytes()))
}

/// `*` stands for anything without a dot, `**` for anything.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', b'*', rest @ ..] => (0..=text.len()).any(|at| matches(rest, &text[at..])),
        [b'*', rest @ ..] => {
            let end = text
                .iter()
                .position(|byte| *byte == b'.')
                .unwrap_or(text.len());
            (0..=end).any(|at| matches(rest, &text[at..]))
        }
        [first, rest @ ..] => {
            text.first()
                .is_some_and(|byte| byte.eq_ignore_ascii_case(first))
                && matches(rest, &text[1..])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust(own: &str, domains: &[&str]) -> Trust {
        let config = StackAuthConfig {
            trusted_domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
            ..StackAuthConfig::default()
        };
        Trust::new(&Url::parse(own).unwrap(), &config)
    }

    #[test]
    fn links_lead_to_trusted_places_only() {
        let trust = trust(
            "https://members.example.org/",
            &[
                "https://app.example.com/handler",
                "https://*.preview.example.com",
                "https://**.wide.example.com",
            ],
        );
        for good in [
            "https://members.example.org/x",
            "https://app.example.com/handler/magic-link-callback?after=1",
            "https://one.preview.example.com/",
            "https://a.b.wide.example.com/",
        ] {
            assert!(trust.url(good).is_some(), "{good}");
        }
        for bad in [
            "http://app.example.com/",
            "https://app.example.com:8443/",
            "https://app.example.com.evil.test/",
            "https://evil.test/?https://app.example.com",
            "https://app.example.com@evil.test/",
            "https://ada:pw@app.example.com/",
            "https://a.b.preview.example.com/",
            "https://x.built-with-stack-auth.com/",
            "http://localhost:3000/",
            "javascript:alert(1)",
            "//app.example.com/",
            "not a url",
        ] {
            assert!(trust.url(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_code_is_sent_to_whole_addresses_only() {
        let config = StackAuthConfig {
            trusted_domains: [
                "https://app.example.com",
                "https://other.example.com/auth/",
                "https://*.preview.example.com",
            ]
            .map(str::to_owned)
            .to_vec(),
            redirect_urls: vec!["https://one.preview.example.com/back".to_owned()],
            ..StackAuthConfig::default()
        };
        let trust = Trust::new(
            &Url::parse("https://members.example.org/").unwrap(),
            &config,
        );
        for good in [
            "https://members.example.org/handler/oauth-callback",
            "https://app.example.com/handler/oauth-callback",
            "https://other.example.com/auth/oauth-callback",
            "https://one.preview.example.com/back",
        ] {
            assert!(trust.callback(good).is_some(), "{good}");
        }
        for bad in [
            "https://app.example.com/handler/oauth-callback/",
            "https://app.example.com/handler/oauth-callback?to=https://evil.test",
            "https://app.example.com/handler/../handler/oauth-callback",
            "https://app.example.com/elsewhere",
            "https://APP.example.com/handler/oauth-callback",
            "https://one.preview.example.com/handler/oauth-callback",
            "https://two.preview.example.com/back",
            "http://localhost:3000/handler/oauth-callback",
        ] {
            assert!(trust.callback(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn this_machine_is_trusted_where_the_server_is_on_it() {
        let trust = trust("http://127.0.0.1:8080/", &[]);
        assert!(trust.url("http://localhost:3000/handler").is_some());
        assert!(trust.callback("http://localhost:3000/anywhere").is_some());
        assert!(trust.url("http://[::1]:3000/").is_some());
        assert!(trust.url("http://localhost.evil.test/").is_none());
    }
}
