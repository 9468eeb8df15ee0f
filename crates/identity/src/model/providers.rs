//! Signing in at a provider's: what a browser is sent off for, and what comes of it.

use crate::model::entry::Entry;
use time::OffsetDateTime;
use url::Url;
use zeroize::Zeroizing;

/// A provider, as it is offered.
#[derive(Debug, Clone)]
pub struct OfferedProvider {
    /// Its name in the configuration and in paths.
    pub name: String,
    /// As people know it.
    pub title: String,
}

/// An account at a provider that signs somebody in here.
#[derive(Debug, Clone)]
pub struct LinkedProvider {
    /// The provider's name.
    pub provider: String,
    /// The address that the provider last said.
    pub email: Option<String>,
    /// When it was linked.
    pub created_at: OffsetDateTime,
    /// When it last signed somebody in.
    pub last_used_at: Option<OffsetDateTime>,
}

/// A browser that is about to leave for a provider.
#[derive(Debug)]
pub struct Departure {
    /// Where to.
    pub url: Url,
    /// What its cookie is to hold: the answer counts only in this browser.
    pub browser: Zeroizing<String>,
}

/// What a browser brings back.
#[derive(Debug, Clone, Default)]
pub struct Return {
    /// Which question is answered.
    pub state: Option<String>,
    /// What stands for the answer.
    pub code: Option<String>,
    /// Why there is none.
    pub error: Option<String>,
}

/// What came of it.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "made once a sign-in and taken apart at once"
)]
pub enum Outcome {
    /// Somebody is in, or is asked for the second factor.
    Entered(Entry),
    /// The caller's account is linked from now on.
    Linked,
}

/// What a browser was sent off for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// To sign in, or to join.
    SignIn,
    /// To link the account of whoever asked.
    Link,
}

/// A path of our own pages; nothing else is ever gone to (no open redirect).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnPath(String);

impl OwnPath {
    /// Reads a path; nothing if it could lead elsewhere.
    pub fn parse(text: &str) -> Option<Self> {
        let own = text.starts_with('/')
            && !text.starts_with("//")
            && text.len() <= 2_000
            && !text.contains(['\\', '#'])
            && !text.chars().any(char::is_control)
            // What the URL parser makes of it decides, not how it looks.
            && Url::parse("http://own.invalid/")
                .and_then(|base| base.join(text))
                .is_ok_and(|url| url.host_str() == Some("own.invalid"));
        own.then(|| Self(text.to_owned()))
    }

    /// The path, with its query.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_paths_are_gone_to() {
        for good in ["/", "/home", "/updates/1?x=%2F&y=//z", "/a/../b"] {
            assert!(OwnPath::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "home",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/home\r\nSet-Cookie: x=1",
            "/home#x",
        ] {
            assert!(OwnPath::parse(bad).is_none(), "{bad}");
        }
    }
}
