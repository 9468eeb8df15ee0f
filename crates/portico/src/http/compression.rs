//! Compresses answers on their way out, piece by piece as they come: each pause of the
//! source flushes what there is, so a streamed page shows its first part at once.
//! Refuses what is compressed already, tiny, an event stream, or marked [`Uncompressed`].

use axum::{
    Router,
    http::{Extensions, HeaderMap, StatusCode, Version, header},
    middleware,
    response::Response,
};
use tower_http::{
    CompressionLevel,
    compression::{
        CompressionLayer, Predicate,
        predicate::{And, SizeAbove},
    },
};

/// Marks an answer that must not be compressed: one that holds a secret beside something
/// the caller chose, so that its length would tell about the secret (BREACH).
#[derive(Debug, Clone, Copy)]
pub struct Uncompressed;

/// Marks every answer of these routes [`Uncompressed`].
pub fn uncompressed<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router.layer(middleware::map_response(|mut response: Response| async {
        response.extensions_mut().insert(Uncompressed);
        response
    }))
}

/// Below this a packet is a packet.
const SMALLEST: u64 = 1024;

type Rule = fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool;

/// The layer. Level 4 costs about a millisecond for 100 KB; stored pages and the build's
/// files are compressed harder, once.
pub(crate) fn layer() -> CompressionLayer<And<SizeAbove, Rule>> {
    let rule: Rule = |_, _, headers, extensions| {
        extensions.get::<Uncompressed>().is_none() && compressible(headers)
    };
    CompressionLayer::new()
        .quality(CompressionLevel::Precise(4))
        .compress_when(SizeAbove::new(SMALLEST).and(rule))
}

fn compressible(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim();
    let text = (kind.starts_with("text/") && kind != "text/event-stream")
        || kind.ends_with("+json")
        || kind.ends_with("+xml")
        || matches!(
            kind,
            "application/json"
                | "application/javascript"
                | "application/xml"
                | "application/x-ndjson"
        );
    let untouchable = headers
        .get(header::CACHE_CONTROL)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("no-transform"));
    text && !untouchable && !headers.contains_key(header::CONTENT_RANGE)
}
