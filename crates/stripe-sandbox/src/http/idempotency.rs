//! Idempotency keys: the first answer is kept for a day and given again; other parameters are an error.
//!
//! Kept: successes, refused cards, and 500s. Not kept: what failed validation or was never begun.

use crate::core::{ApiError, Cx, Read, Result, Value, json};

/// A kept answer.
pub(crate) struct Kept {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: String,
    /// The id of the request that got it first.
    pub(crate) original: String,
}

fn id(key: &str) -> String {
    format!("_idem:{key}")
}

/// Refuses keys Stripe refuses.
pub(crate) fn check(key: &str) -> Result<()> {
    if key.is_empty() || key.chars().count() > 255 {
        return Err(ApiError::idempotency(
            400,
            "The idempotency key must have between 1 and 255 characters.",
        ));
    }
    Ok(())
}

/// The answer kept under a key, if the fingerprint is the same.
pub(crate) fn find(cx: &Cx<'_>, key: &str, fingerprint: &str) -> Result<Option<Kept>> {
    let Some(found) = cx.state.get(&id(key)) else {
        return Ok(None);
    };
    if found.s("fingerprint") != fingerprint {
        return Err(ApiError::idempotency(
            400,
            &format!(
                "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '{key}' if you meant to execute a different request."
            ),
        ));
    }
    Ok(Some(Kept {
        status: u16::try_from(found.i("status")).unwrap_or(500),
        body: found.s("body").to_owned(),
        original: found.s("request").to_owned(),
    }))
}

/// Keeps an answer.
pub(crate) fn keep(cx: &mut Cx<'_>, key: &str, fingerprint: &str, status: u16, body: &str) {
    let request = cx.request.id.clone();
    let kept: Value = json!({"id": id(key), "object": "_idempotency", "fingerprint": fingerprint, "status": status, "body": body, "request": request, "_due": cx.global + crate::core::calendar::DAY});
    cx.put(kept);
}

/// Whether an answer with this status is kept.
pub(crate) fn keeps(status: u16) -> bool {
    matches!(status, 200..=299 | 402 | 500..=599)
}
