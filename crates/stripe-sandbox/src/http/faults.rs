//! Faults on request: the header `Sandbox-Fault` on one call, or the control page for the next call.

use axum::http::HeaderMap;

/// What is to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 429 before anything happens.
    RateLimit,
    /// 500 before anything happens.
    Error,
    /// The command is done, its answer is lost.
    LostAnswer,
    /// The answer takes two seconds.
    Slow,
    /// The web hooks of this command are not sent.
    DropWebhooks,
    /// The web hooks of this command are sent twice.
    DuplicateWebhooks,
    /// The web hooks of this command are sent last first, a second apart.
    ReorderWebhooks,
}

/// The fault with this name.
pub(crate) fn named(name: &str) -> Option<Fault> {
    Some(match name {
        "429" => Fault::RateLimit,
        "500" => Fault::Error,
        "timeout-after-commit" => Fault::LostAnswer,
        "slow" => Fault::Slow,
        "drop-webhooks" => Fault::DropWebhooks,
        "duplicate-webhooks" => Fault::DuplicateWebhooks,
        "reorder-webhooks" => Fault::ReorderWebhooks,
        _ => return None,
    })
}

/// The fault a request asks for.
pub(crate) fn asked(headers: &HeaderMap) -> Option<Fault> {
    named(headers.get("sandbox-fault")?.to_str().ok()?)
}
