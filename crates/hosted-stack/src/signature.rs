//! Svix's signatures: HMAC-SHA256 over `id.timestamp.body`.
//!
//! Not the `svix` crate: that brings a client of its whole API, and another cryptography
//! library than the house's. The scheme is three lines, checked against the vendor's own code.

use crate::model::webhook_key;
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use http::{HeaderMap, StatusCode};
use kernel::{Error, Result};
use secrecy::SecretString;
use time::{Duration, OffsetDateTime};

/// How far a sender's clock may be from ours, and a delivery from its signature.
const TOLERANCE: Duration = Duration::minutes(5);

/// What a good signature vouches for beside the body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Signed<'a> {
    pub(crate) id: &'a str,
    pub(crate) at: OffsetDateTime,
}

/// Checks a delivery against every secret that is good now.
pub(crate) fn check<'h>(
    headers: &'h HeaderMap,
    body: &[u8],
    secrets: &[SecretString],
    now: OffsetDateTime,
) -> Result<Signed<'h>> {
    // The vendor's names, and those of the standard that came of them.
    let header = |name: &str| {
        ["svix", "webhook"].iter().find_map(|family| {
            let value = headers.get(format!("{family}-{name}"))?.to_str().ok()?;
            (value.len() <= 2_000).then_some(value)
        })
    };
    let (Some(id), Some(at), Some(signatures)) =
        (header("id"), header("timestamp"), header("signature"))
    else {
        return Err(refused(
            "signature_missing",
            "The headers svix-id, svix-timestamp and svix-signature are needed.",
        ));
    };
    let time = at
        .parse()
        .ok()
        .and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    let Some(time) = time.filter(|_| !id.is_empty() && id.len() <= 200) else {
        return Err(refused(
            "signature_invalid",
            "The headers are not as Svix writes them.",
        ));
    };
    let mut signed = format!("{id}.{at}.").into_bytes();
    signed.extend_from_slice(body);
    let good = signatures
        .split(' ')
        .filter_map(|one| BASE64.decode(one.strip_prefix("v1,")?).ok())
        .take(10)
        .any(|code| {
            secrets.iter().filter_map(webhook_key).any(|key| {
                let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
                // In constant time.
                hmac::verify(&key, &signed, &code).is_ok()
            })
        });
    if !good {
        return Err(refused(
            "signature_invalid",
            "No secret that is set here made this signature.",
        ));
    }
    // After the signature: only who knows the secret learns of our clock.
    if (now - time).abs() > TOLERANCE {
        return Err(refused(
            "signature_stale",
            "The signature is more than five minutes from now.",
        ));
    }
    Ok(Signed { id, at: time })
}

/// Svix tries again whatever is no success; 400 is what its guide asks for.
fn refused(code: &'static str, detail: &str) -> Error {
    Error::Unreadable {
        status: StatusCode::BAD_REQUEST,
        code,
        detail: detail.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by the vendor's Python package, 2.9.1.
    const BODY: &str =
        r#"{"type":"user.deleted","data":{"id":"0b0c5a0e-6f0d-4d8e-9a25-8c8dfb1b8a01"}}"#;
    const CODE: &str = "v1,hsZsaZS0O3s8d3Tef/HfchgCgiPp1NflOcu8N6HVlXg=";
    const AT: i64 = 1_795_654_800;

    fn headers(id: &str, at: &str, code: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("svix-id", id.parse().unwrap());
        headers.insert("svix-timestamp", at.parse().unwrap());
        headers.insert("svix-signature", code.parse().unwrap());
        headers
    }

    fn outcome(headers: &HeaderMap, body: &str, secrets: &[&str], now: i64) -> Option<String> {
        let secrets: Vec<SecretString> = secrets.iter().map(|one| (*one).into()).collect();
        let now = OffsetDateTime::from_unix_timestamp(now).unwrap();
        match check(headers, body.as_bytes(), &secrets, now) {
            Ok(signed) => {
                assert_eq!(signed.at.unix_timestamp(), AT);
                None
            }
            Err(Error::Unreadable { code, .. }) => Some(code.to_owned()),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_delivery_counts_only_as_it_was_signed_and_in_its_time() {
        let (id, at) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", AT.to_string());
        let right = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let good = headers(id, &at, CODE);
        assert_eq!(outcome(&good, BODY, &[right], AT + 299), None);
        // While one secret follows another, both are good, whichever signed.
        assert_eq!(outcome(&good, BODY, &[other, right], AT), None);
        let both = headers(id, &at, &format!("v1,AAAA v1a,x {CODE}"));
        assert_eq!(outcome(&both, BODY, &[right], AT), None);
        for (headers, body, secrets, now, why) in [
            (good.clone(), BODY, [other], AT, "signature_invalid"),
            (good.clone(), "{}", [right], AT, "signature_invalid"),
            (
                headers("msg_other", &at, CODE),
                BODY,
                [right],
                AT,
                "signature_invalid",
            ),
            (
                headers(id, "1795654801", CODE),
                BODY,
                [right],
                AT,
                "signature_invalid",
            ),
            (
                headers(id, "soon", CODE),
                BODY,
                [right],
                AT,
                "signature_invalid",
            ),
            (
                headers(id, &at, "v2,AAAA"),
                BODY,
                [right],
                AT,
                "signature_invalid",
            ),
            (good.clone(), BODY, [right], AT + 301, "signature_stale"),
            (good, BODY, [right], AT - 301, "signature_stale"),
            (HeaderMap::new(), BODY, [right], AT, "signature_missing"),
        ] {
            assert_eq!(outcome(&headers, body, &secrets, now).as_deref(), Some(why));
        }
    }
}
