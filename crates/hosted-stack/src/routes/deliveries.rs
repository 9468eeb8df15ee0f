//! What comes from the project: tokens by way of browsers, webhooks by itself.

use crate::{HostedStack, model::HostedId, store::inbox::Event};
use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use kernel::{
    Principal, Result,
    client::ClientAddr,
    error::Problem,
    extract::{Json, Path, Query},
    page::{Page, PageQuery},
    principal::Public,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HostedTokenBody {
    /// An access token of the hosted project.
    #[schema(value_type = String)]
    access_token: SecretString,
}

/// Trades an access token of the hosted project for a session here. From then on, until the
/// session ends on either side, such a token is good as a bearer token too.
#[utoipa::path(post, path = "/hosted-stack/sessions", tag = "hosted-stack",
    operation_id = "exchange_hosted_token", request_body = HostedTokenBody, responses(
        (status = 201, description = "Signed in: the answer of any sign-in"),
        (status = 202, description = "The second factor is asked for, as at any sign-in"),
        (status = 403, body = Problem, description = "`hosted_token_refused`, \
            `hosted_account_unproved`, `hosted_session_over`, `hosted_account_refused`, \
            `account_suspended`"),
        (status = 404, body = Problem, description = "No project is trusted"),
        (status = 429, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn exchange(
    State(hosted): State<HostedStack>,
    _: Public,
    from: ClientAddr,
    headers: HeaderMap,
    Json(body): Json<HostedTokenBody>,
) -> Result<Response> {
    let token = body.access_token.expose_secret();
    hosted.exchange(token, from, &headers).await
}

/// Takes a webhook, signed as Svix does. A second delivery of the same changes nothing.
#[utoipa::path(post, path = "/hosted-stack/webhooks", tag = "hosted-stack",
    operation_id = "deliver_hosted_event", request_body = String, responses(
        (status = 204, description = "Kept; it is applied soon"),
        (status = 400, body = Problem, description = "`signature_missing`, \
            `signature_invalid`, `signature_stale`, `event_unreadable`"),
        (status = 404, body = Problem, description = "No project is trusted"),
        (status = 413, body = Problem)))]
pub(super) async fn deliver(
    State(hosted): State<HostedStack>,
    _: Public,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode> {
    hosted.take(&headers, &body).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A webhook; what it said about people is not shown.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct HostedEventView {
    id: String,
    kind: String,
    /// About whom, as the project names them.
    about: Option<HostedId>,
    /// `waiting`, `applied`, `ignored` or `failed`.
    state: String,
    attempts: i32,
    problem: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    sent_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    received_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    settled_at: Option<OffsetDateTime>,
}

impl From<Event> for HostedEventView {
    fn from(event: Event) -> Self {
        Self {
            id: event.id,
            kind: event.kind,
            about: event.hosted_id,
            state: event.state,
            attempts: event.attempts,
            problem: event.problem,
            sent_at: event.sent_at,
            received_at: event.received_at,
            settled_at: event.settled_at,
        }
    }
}

/// How a webhook stands.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum EventState {
    Waiting,
    Applied,
    Ignored,
    Failed,
}

impl EventState {
    const fn text(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Applied => "applied",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
        }
    }
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// Only those that stand so.
    #[param(inline)]
    state: Option<EventState>,
    cursor: Option<String>,
    limit: Option<u32>,
}

/// The webhooks, the latest first. Needs `system.read`.
#[utoipa::path(get, path = "/hosted-stack/events", tag = "hosted-stack",
    operation_id = "hosted_events", params(EventsQuery), responses(
        (status = 200, body = Page<HostedEventView>), (status = 401, body = Problem),
        (status = 403, body = Problem)))]
pub(super) async fn events(
    State(hosted): State<HostedStack>,
    caller: Principal,
    Query(query): Query<EventsQuery>,
) -> Result<Json<Page<HostedEventView>>> {
    let page = PageQuery {
        cursor: query.cursor,
        limit: query.limit,
    };
    let state = query.state.map(EventState::text);
    let events = hosted.events(&caller, state, &page).await?;
    Ok(Json(events.map(HostedEventView::from)))
}

/// Tries a webhook again that failed for good. Needs `system.manage`.
#[utoipa::path(post, path = "/hosted-stack/events/{id}/retry", tag = "hosted-stack",
    operation_id = "retry_hosted_event",
    params(("id" = String, Path, description = "The webhook")), responses(
        (status = 202), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(super) async fn retry(
    State(hosted): State<HostedStack>,
    caller: Principal,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    hosted.retry_event(&caller, &id).await?;
    Ok(StatusCode::ACCEPTED)
}
