//! A page as it is stored: its text, both compressed forms, the hashes of its inline
//! scripts and its tag. Refuses to hold anything that could belong to one visitor.

use super::{csp::Hashes, proxy::Visitor};
use aws_lc_rs::digest;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use std::{
    io::{self, Write},
    sync::{Mutex, PoisonError},
};

/// Larger pages are passed through.
pub(crate) const LARGEST: usize = 2 * 1024 * 1024;

/// What changes the answer: the router's own requests and the encoding.
pub(crate) const VARY: HeaderValue = HeaderValue::from_static(
    "rsc, next-router-state-tree, next-router-prefetch, next-router-segment-prefetch, \
     accept-encoding, cookie",
);

/// The headers of the rendered page that are kept.
const KEPT: [HeaderName; 3] = [header::CONTENT_TYPE, header::CONTENT_LANGUAGE, header::LINK];

/// One stored page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) headers: HeaderMap,
    pub(crate) tag: HeaderValue,
    pub(crate) hashes: Hashes,
    plain: Bytes,
    br: Bytes,
    gzip: Bytes,
    /// The policy as it was written last, and for whom: nearly always for the same host.
    policy: Mutex<Option<Policy>>,
}

#[derive(Debug)]
struct Policy {
    host: Option<String>,
    https: bool,
    value: HeaderValue,
}

/// The form in which a page is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Br,
    Gzip,
    Identity,
}

impl Page {
    /// Keeps a rendered page, or `None` if it may not be kept: another status, another
    /// type, a cookie, or too large.
    pub(crate) async fn of(response: Response<Body>) -> anyhow::Result<Option<Self>> {
        let (parts, body) = response.into_parts();
        let storable = parts.status == StatusCode::OK
            && is_html(&parts.headers)
            && !parts.headers.contains_key(header::SET_COOKIE)
            && !parts.headers.contains_key(header::CONTENT_ENCODING);
        if !storable {
            return Ok(None);
        }
        let Ok(body) = Limited::new(body, LARGEST).collect().await else {
            return Ok(None);
        };
        let plain = body.to_bytes();
        let headers = KEPT
            .into_iter()
            .filter_map(|name| parts.headers.get(&name).cloned().map(|value| (name, value)))
            .collect();
        // Compressing takes milliseconds: off the event loop.
        let page = tokio::task::spawn_blocking(move || Self::new(headers, plain)).await??;
        Ok(Some(page))
    }

    fn new(headers: HeaderMap, plain: Bytes) -> io::Result<Self> {
        let sum = digest::digest(&digest::SHA256, &plain);
        let tag = format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(&sum.as_ref()[..12]));
        let mut br = Vec::new();
        // From quality 6 on, the encoder's tables are 8 to 32 MB, for pages of some 40 kB and
        // two per cent of their size.
        let params = brotli::enc::BrotliEncoderParams {
            quality: 5,
            lgwin: 18,
            size_hint: plain.len(),
            ..Default::default()
        };
        brotli::BrotliCompress(&mut &plain[..], &mut br, &params)?;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&plain)?;
        Ok(Self {
            tag: HeaderValue::from_str(&tag).map_err(io::Error::other)?,
            hashes: Hashes::of(&String::from_utf8_lossy(&plain)),
            headers,
            br: br.into(),
            gzip: gzip.finish()?.into(),
            plain,
            policy: Mutex::default(),
        })
    }

    /// The bytes it takes in memory, roughly.
    pub(crate) fn bytes(&self) -> usize {
        self.plain.len() + self.br.len() + self.gzip.len() + self.hashes.bytes() + 512
    }

    /// The policy for a visitor, written only if the last was for another.
    pub(crate) fn policy(
        &self,
        visitor: Visitor<'_>,
        write: impl FnOnce(&Hashes) -> HeaderValue,
    ) -> HeaderValue {
        let mut last = self.policy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(policy) = &*last
            && policy.host.as_deref() == visitor.host
            && policy.https == visitor.https
        {
            return policy.value.clone();
        }
        let value = write(&self.hashes);
        *last = Some(Policy {
            host: visitor.host.map(str::to_owned),
            https: visitor.https,
            value: value.clone(),
        });
        value
    }

    /// The answer to a request with these headers: the page, or 304.
    pub(crate) fn answer(&self, request: &HeaderMap) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        if matches(request, &self.tag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            let coding = coding(request);
            let body = match coding {
                Coding::Br => &self.br,
                Coding::Gzip => &self.gzip,
                Coding::Identity => &self.plain,
            };
            *response.body_mut() = Body::from(body.clone());
            *response.headers_mut() = self.headers.clone();
            let name = match coding {
                Coding::Br => Some("br"),
                Coding::Gzip => Some("gzip"),
                Coding::Identity => None,
            };
            if let Some(name) = name {
                response
                    .headers_mut()
                    .insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
            }
        }
        let headers = response.headers_mut();
        headers.insert(header::ETAG, self.tag.clone());
        headers.insert(header::VARY, VARY);
        // Browsers keep it and ask each time; the answer is nearly always 304.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }
}

pub(crate) fn is_html(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.trim_start().starts_with("text/html"))
}

/// RFC 9110 §13.1.2: weak comparison against each tag of `If-None-Match`.
fn matches(request: &HeaderMap, tag: &HeaderValue) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let Ok(ours) = tag.to_str().map(opaque) else {
        return false;
    };
    request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|theirs| theirs.trim() == "*" || opaque(theirs) == ours)
}

/// The best stored form that the client accepts (RFC 9110 §12.5.3).
pub(crate) fn coding(request: &HeaderMap) -> Coding {
    let mut weights = [None, None, None, None];
    for part in request
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
    {
        let (name, params) = part.split_once(';').unwrap_or((part, ""));
        let q = params
            .trim()
            .strip_prefix("q=")
            .map_or(1.0, |q| q.trim().parse().unwrap_or(0.0));
        let slot = match name.trim().to_ascii_lowercase().as_str() {
            "br" => 0,
            "gzip" | "x-gzip" => 1,
            "identity" => 2,
            "*" => 3,
            _ => continue,
        };
        weights[slot] = Some(q);
    }
    let of = |slot: usize| weights[slot].or(weights[3]).unwrap_or(0.0_f32);
    let (br, gzip) = (of(0), of(1));
    // Identity is acceptable unless refused; we only leave it when something is as good.
    let plain = weights[2].unwrap_or(0.0);
    if br > 0.0 && br >= gzip && br >= plain {
        Coding::Br
    } else if gzip > 0.0 && gzip >= plain {
        Coding::Gzip
    } else {
        Coding::Identity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_best_accepted_coding_is_chosen() {
        for (value, wanted) in [
            ("gzip, deflate, br, zstd", Coding::Br),
            ("gzip", Coding::Gzip),
            ("br;q=0, gzip;q=0.5", Coding::Gzip),
            ("gzip;q=1.0, br;q=0.8", Coding::Gzip),
            ("identity, gzip;q=0.5", Coding::Identity),
            ("*", Coding::Br),
            ("*;q=0", Coding::Identity),
            ("zstd", Coding::Identity),
            ("br;q=nonsense", Coding::Identity),
        ] {
            assert_eq!(coding(&accept(value)), wanted, "{value}");
        }
        assert_eq!(coding(&HeaderMap::new()), Coding::Identity);
    }

    #[test]
    fn tags_are_compared_weakly() {
        let tag = HeaderValue::from_static("W/\"abc\"");
        for (value, wanted) in [
            ("\"abc\"", true),
            ("\"x\", W/\"abc\"", true),
            ("*", true),
            ("\"ab\"", false),
        ] {
            let request =
                HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_static(value))]);
            assert_eq!(matches(&request, &tag), wanted, "{value}");
        }
    }
}
