//! Signatures of web hooks: `t=…,v1=…`, HMAC-SHA256 over `t.body`
//! (<https://docs.stripe.com/webhooks#verify-manually>).

use aws_lc_rs::hmac;
use axum::http::{HeaderMap, StatusCode};
use kernel::{Error, Result};
use time::{Duration, OffsetDateTime};

/// How far a signature may be from now, in either direction. Stripe's libraries let one of the
/// future pass; ours does not.
const TOLERANCE: Duration = Duration::minutes(5);

/// Checks a web hook against every secret that is good now.
pub(crate) fn check<'a>(
    headers: &HeaderMap,
    body: &[u8],
    secrets: impl IntoIterator<Item = &'a [u8]>,
    now: OffsetDateTime,
) -> Result<()> {
    let header = headers.get("stripe-signature");
    let header = header.and_then(|value| value.to_str().ok());
    let Some(header) = header.filter(|header| header.len() <= 4_000) else {
        return Err(refused(
            "signature_missing",
            "The header stripe-signature is needed.",
        ));
    };
    let parts = || header.split(',').filter_map(|part| part.split_once('='));
    let time = parts().find(|(name, _)| *name == "t").map(|(_, at)| at);
    let at = time.and_then(|at| OffsetDateTime::from_unix_timestamp(at.parse().ok()?).ok());
    let (Some(time), Some(at)) = (time, at) else {
        return Err(refused(
            "signature_invalid",
            "The header is not as Stripe writes it.",
        ));
    };
    let mut signed = format!("{time}.").into_bytes();
    signed.extend_from_slice(body);
    let good = secrets.into_iter().any(|secret| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        parts()
            .filter(|(name, _)| *name == "v1")
            .filter_map(|(_, code)| hex::decode(code).ok())
            // In constant time.
            .any(|code| hmac::verify(&key, &signed, &code).is_ok())
    });
    if !good {
        return Err(refused(
            "signature_invalid",
            "No secret that is known here made this signature.",
        ));
    }
    // After the signature: only who knows the secret learns of our clock.
    if (now - at).abs() > TOLERANCE {
        return Err(refused(
            "signature_stale",
            "The signature is more than five minutes from now.",
        ));
    }
    Ok(())
}

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

    const BODY: &[u8] = br#"{"id":"evt_1","object":"event"}"#;
    const SECRET: &[u8] = b"whsec_test_secret";
    const AT: i64 = 1_795_654_800;
    /// Made by `stripe.webhooks.generateTestHeaderString` of the npm package, 23.1.0.
    const HEADER: &str =
        "t=1795654800,v1=084376be15519ccc534ca2de7c46dd83ab34024fe647bdf12dc72ae9edaee6af";

    fn outcome(header: Option<&str>, body: &[u8], secrets: &[&[u8]], now: i64) -> Option<String> {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert("stripe-signature", header.parse().unwrap());
        }
        let now = OffsetDateTime::from_unix_timestamp(now).unwrap();
        match check(&headers, body, secrets.iter().copied(), now) {
            Ok(()) => None,
            Err(Error::Unreadable { code, .. }) => Some(code.to_owned()),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_web_hook_counts_only_as_it_was_signed_and_in_its_time() {
        let good = Some(HEADER);
        assert_eq!(outcome(good, BODY, &[SECRET], AT + 300), None);
        assert_eq!(outcome(good, BODY, &[b"another", SECRET], AT - 300), None);
        // While one secret follows another, Stripe signs with both.
        let two = HEADER.replace("v1=", "v0=00,v1=00,v1=");
        assert_eq!(outcome(Some(&two), BODY, &[SECRET], AT), None);
        let moved = HEADER.replace("t=1795654800", "t=1795654801");
        let bare = HEADER.replace("t=1795654800,", "");
        let other: &[u8] = b"whsec_other";
        for (header, body, secret, now, why) in [
            (good, BODY, other, AT, "signature_invalid"),
            (good, b"{}".as_slice(), SECRET, AT, "signature_invalid"),
            (Some(&*moved), BODY, SECRET, AT, "signature_invalid"),
            (Some(&*bare), BODY, SECRET, AT, "signature_invalid"),
            (Some("t=soon,v1=00"), BODY, SECRET, AT, "signature_invalid"),
            (None, BODY, SECRET, AT, "signature_missing"),
            (good, BODY, SECRET, AT + 301, "signature_stale"),
            (good, BODY, SECRET, AT - 301, "signature_stale"),
        ] {
            let said = outcome(header, body, &[secret], now);
            assert_eq!(said.as_deref(), Some(why), "{header:?}");
        }
    }
}
