//! The content security policy of pages: a nonce for what is rendered per request, hashes
//! for what is stored. Refuses `unsafe-inline` and `strict-dynamic`; a page whose inline
//! script carries neither nonce nor hash does not run it, and that is the point.

use super::config::CspConfig;
use aws_lc_rs::digest;
use axum::http::HeaderValue;
use base64::{Engine, engine::general_purpose::STANDARD};
use std::fmt::Write;

/// A fresh nonce of 128 random bits.
pub(crate) fn nonce() -> String {
    STANDARD.encode(rand::random::<[u8; 16]>())
}

/// What allows the inline scripts and styles of a page.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Inline<'a> {
    /// The page was rendered for this request.
    Nonce(&'a str),
    /// The page is the same for everybody.
    Hashes(&'a Hashes),
}

/// The `'sha256-…'` sources of a page's inline elements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Hashes {
    pub(crate) scripts: Vec<String>,
    pub(crate) styles: Vec<String>,
}

impl Hashes {
    /// Hashes every inline `<script>` and `<style>` of a page.
    pub(crate) fn of(html: &str) -> Self {
        Self {
            scripts: inline(html, "script"),
            styles: inline(html, "style"),
        }
    }

    /// The sizes in memory, for the cache's weight.
    pub(crate) fn bytes(&self) -> usize {
        self.scripts
            .iter()
            .chain(&self.styles)
            .map(String::len)
            .sum()
    }
}

/// The value of the header. `host` is the visitor's `Host`; it names the socket's address
/// for browsers whose `'self'` leaves sockets out.
pub(crate) fn policy(
    config: &CspConfig,
    inline: Inline<'_>,
    host: Option<&str>,
    https: bool,
) -> HeaderValue {
    let mut scripts = String::from("'self'");
    let mut styles = String::from("'self'");
    match inline {
        Inline::Nonce(nonce) => {
            let _ = write!(scripts, " 'nonce-{nonce}'");
            let _ = write!(styles, " 'nonce-{nonce}'");
        }
        Inline::Hashes(hashes) => {
            scripts = with(&scripts, &hashes.scripts);
            styles = with(&styles, &hashes.styles);
        }
    }
    let mut connect = String::from("'self'");
    if let Some(host) = host.filter(|host| plain_host(host)) {
        let _ = write!(connect, " {}://{host}", if https { "wss" } else { "ws" });
    }
    for more in &config.connect_src {
        let _ = write!(connect, " {more}");
    }
    let images = with("'self' data: blob:", &config.img_src);
    let forms = with("'self'", &config.form_action);
    let mut value = format!(
        "default-src 'self'; script-src {scripts}; style-src {styles}; img-src {images}; \
         font-src 'self'; connect-src {connect}; worker-src 'self'; manifest-src 'self'; \
         object-src 'none'; frame-src 'self'; base-uri 'none'; form-action {forms}; \
         frame-ancestors 'none'"
    );
    if https {
        value.push_str("; upgrade-insecure-requests");
    }
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("default-src 'self'"))
}

fn with(base: &str, more: &[String]) -> String {
    more.iter()
        .fold(base.to_owned(), |all, one| all + " " + one)
}

/// A `Host` is the client's word: only what cannot end a directive goes into the policy.
fn plain_host(host: &str) -> bool {
    !host.is_empty()
        && host.len() <= 255
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b))
}

/// The hashes of the inline elements called `name`, in document order, each once.
fn inline(html: &str, name: &str) -> Vec<String> {
    let lower = html.to_ascii_lowercase();
    let (open, close) = (format!("<{name}"), format!("</{name}"));
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = lower[at..].find(&open).map(|i| at + i) {
        let after = start + open.len();
        // `<scripture` is another element.
        let Some(body) = tag_end(&lower, after) else {
            break;
        };
        at = body;
        if !lower[after..].starts_with(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/') {
            continue;
        }
        let Some(end) = lower[body..].find(&close).map(|i| body + i) else {
            break;
        };
        if !has_src(&lower[after..body]) {
            let sum = digest::digest(&digest::SHA256, &html.as_bytes()[body..end]);
            let hash = format!("'sha256-{}'", STANDARD.encode(sum));
            if !found.contains(&hash) {
                found.push(hash);
            }
        }
        at = end;
    }
    found
}

/// The index after the `>` that ends a tag, past quoted attribute values.
fn tag_end(html: &str, from: usize) -> Option<usize> {
    let mut quote = None;
    for (i, byte) in html.bytes().enumerate().skip(from) {
        match (quote, byte) {
            (None, b'>') => return Some(i + 1),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

/// Whether a tag's attributes (lower case, up to and with the `>`) name a `src`.
fn has_src(attributes: &str) -> bool {
    let mut quote = None;
    let mut previous = ' ';
    for (i, c) in attributes.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, 's') if previous.is_ascii_whitespace() || "\"'/".contains(previous) => {
                let rest = attributes[i..].strip_prefix("src");
                if rest.is_some_and(|rest| rest.trim_start().starts_with('=')) {
                    return true;
                }
            }
            _ => {}
        }
        previous = c;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_elements_are_hashed_and_linked_ones_are_not() {
        let html = r#"<style data-x="a>b">p{}</style><script>alert(1)</script>
            <SCRIPT async src="/a.js"></SCRIPT><script data-src="no">alert(1)</script>
            <script type="module" id='x' data-note="src=1">two</script><scripture>no</scripture>"#;
        let hashes = Hashes::of(html);
        // printf 'alert(1)' | openssl dgst -sha256 -binary | base64
        assert_eq!(
            hashes.scripts[0],
            "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"
        );
        assert_eq!(hashes.scripts.len(), 2);
        assert_eq!(hashes.styles.len(), 1);
    }

    #[test]
    fn a_host_cannot_write_directives() {
        let policy = |host| {
            let value = policy(&CspConfig::default(), Inline::Nonce("n"), Some(host), false);
            value.to_str().unwrap().to_owned()
        };
        assert!(policy("example.org:8080").contains("connect-src 'self' ws://example.org:8080;"));
        assert!(policy("x; script-src *").contains("connect-src 'self';"));
        assert!(!policy("example.org").contains("unsafe-inline"));
        assert!(policy("example.org").contains("script-src 'self' 'nonce-n';"));
        assert!(policy("example.org").ends_with("frame-ancestors 'none'"));
    }
}
