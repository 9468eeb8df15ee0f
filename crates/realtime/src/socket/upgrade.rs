//! The handshake: which protocol version, from which page, and by whom.

use axum::{
    Extension,
    extract::{Query, State, WebSocketUpgrade},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use kernel::{Principal, client::ClientAddr};
use serde::Deserialize;
use serde_json::json;

use super::connection;
use crate::{Realtime, ports::Denied, protocol::Version};

/// What the client puts into the address. `apikey` names the project for hosted services; here it
/// admits nobody, so it is not looked at.
#[derive(Debug, Deserialize)]
pub(crate) struct Parameters {
    vsn: Option<String>,
}

/// What clients say is short; a long frame makes the buffer grow, for as long as it lasts.
const READ_BUFFER: usize = 1024;

/// Opens a socket.
///
/// With a principal in the request (a browser's cookie) the socket is signed in from the start,
/// and the page that opened it must be one of ours: a browser sends cookies for any page. Without
/// one, each channel is joined with a token.
pub(crate) async fn open(
    State(realtime): State<Realtime>,
    Query(parameters): Query<Parameters>,
    principal: Option<Extension<Principal>>,
    from: ClientAddr,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Some(version) = Version::parse(parameters.vsn.as_deref()) else {
        return refuse(StatusCode::BAD_REQUEST, "vsn is 1.0.0 or 2.0.0");
    };
    let limits = &realtime.shared.limits;
    if realtime.shared.stop.is_cancelled() {
        return later(&realtime, "RealtimeRestarting: the server is stopping");
    }
    if realtime.shared.hub.sockets.count() >= limits.sockets {
        return refuse(
            StatusCode::TOO_MANY_REQUESTS,
            "ConnectionRateLimitReached: too many connected users",
        );
    }
    let Some(seat) = realtime.shared.networks.enter(from) else {
        metrics::counter!("realtime_crowded_networks_total").increment(1);
        return refuse(
            StatusCode::TOO_MANY_REQUESTS,
            "ConnectionRateLimitReached: too many sockets from your network",
        );
    };
    let mut admitted = None;
    if let Some(Extension(principal)) = principal {
        if !realtime.shared.is_own_page(headers.get(header::ORIGIN)) {
            return refuse(StatusCode::FORBIDDEN, "this page may not open a socket");
        }
        let shared = &realtime.shared;
        let Some(_place) = shared.admission.enter().await else {
            return later(
                &realtime,
                "InitializingProjectConnection: too many connect at once",
            );
        };
        match shared.authenticator.refresh(principal.session).await {
            Ok(known) => admitted = Some(known),
            Err(Denied::Unavailable) => {
                return later(
                    &realtime,
                    "InitializingProjectConnection: who connects cannot be looked up now",
                );
            }
            Err(_) => return refuse(StatusCode::UNAUTHORIZED, "the session is over"),
        }
    }
    upgrade
        .read_buffer_size(READ_BUFFER)
        .max_message_size(limits.frame_bytes)
        .max_frame_size(limits.frame_bytes)
        .on_upgrade(move |socket| async move {
            connection::serve(realtime, socket, version, admitted).await;
            drop(seat);
        })
}

/// A refusal that says when to come again; a browser's page does not see it and comes anyway.
fn later(realtime: &Realtime, error: &str) -> Response {
    let shared = &realtime.shared;
    let wait = shared.admission.retry_after(shared.hub.sockets.count());
    let mut response = refuse(StatusCode::SERVICE_UNAVAILABLE, error);
    let wait = HeaderValue::from(wait.as_secs().max(1));
    response.headers_mut().insert(header::RETRY_AFTER, wait);
    response
}

fn refuse(status: StatusCode, error: &str) -> Response {
    (status, axum::Json(json!({"error": error}))).into_response()
}
