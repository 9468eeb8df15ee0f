//! Keys: Basic (the key as user name) or Bearer. Live keys are refused, and no key is ever logged.

use axum::http::{HeaderMap, header};
use base64::Engine;

use crate::core::{ApiError, Result};

/// Checks the key of a request.
pub(crate) fn check(headers: &HeaderMap, wanted: Option<&str>) -> Result<()> {
    let given = key(headers).ok_or_else(|| {
        ApiError::unauthorized("You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').")
    })?;
    if given.starts_with("sk_live_") || given.starts_with("rk_live_") {
        return Err(ApiError::unauthorized("The sandbox refuses live keys. Use a test key; nothing was done with the one you sent.").code("livemode_mismatch"));
    }
    let fine = match wanted {
        Some(wanted) => same(wanted.as_bytes(), given.as_bytes()),
        None => ["sk_test_", "rk_test_", "sk_sandbox_"]
            .iter()
            .any(|prefix| given.starts_with(prefix)),
    };
    if fine {
        Ok(())
    } else {
        Err(
            ApiError::unauthorized(&format!("Invalid API Key provided: {}", masked(&given)))
                .code("api_key_invalid"),
        )
    }
}

fn key(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned()).filter(|key| !key.is_empty());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = base64::engine::general_purpose::STANDARD
        .decode(rest.trim())
        .ok()?;
    let text = String::from_utf8(decoded).ok()?;
    Some(
        text.split_once(':')
            .map_or(text.clone(), |(user, _)| user.to_owned()),
    )
    .filter(|key| !key.is_empty())
}

fn same(a: &[u8], b: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a, b).is_ok()
}

fn masked(key: &str) -> String {
    let prefix: String = key.chars().take(8).collect();
    format!("{prefix}***")
}
