//! Signing in at a provider's: sending a browser off, taking it back, and what is linked.

use super::sessions::device_of;
use crate::{
    Identity,
    actions::{
        providers::{Arrived, Returned},
        sessions::landing,
    },
    cookies,
    model::{
        entry::Entry,
        providers::{Departure, Intent, LinkedProvider, OfferedProvider, Outcome, Return},
    },
};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use kernel::{
    Error, Principal, Result,
    client::ClientAddr,
    error::Problem,
    extract::{Json, Path, Query},
    principal::Public,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use url::form_urlencoded::Serializer;

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ProviderView {
    /// For paths.
    name: String,
    /// For people.
    title: String,
}

impl From<OfferedProvider> for ProviderView {
    fn from(provider: OfferedProvider) -> Self {
        Self {
            name: provider.name,
            title: provider.title,
        }
    }
}

/// The ways to sign in besides a password.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct WaysInView {
    /// Whether browsers can use passkeys at this place's address.
    passkeys: bool,
    providers: Vec<ProviderView>,
}

/// The ways to sign in that this place offers besides a password.
#[utoipa::path(get, path = "/ways-in", tag = "session", operation_id = "ways_in", responses(
    (status = 200, body = WaysInView)))]
pub(super) async fn ways_in(State(identity): State<Identity>, _: Public) -> Json<WaysInView> {
    Json(WaysInView {
        passkeys: identity.passkeys_available(),
        providers: identity.providers().into_iter().map(Into::into).collect(),
    })
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DepartureBody {
    /// The path of this place where the browser goes on afterwards; any other is left out.
    next: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct DepartureView {
    /// Where the browser is to go.
    url: String,
}

impl Identity {
    fn send_off_view(&self, departure: &Departure) -> Response {
        let mut headers = HeaderMap::new();
        self.set_provider_cookie(&mut headers, &departure.browser);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let url = departure.url.to_string();
        (StatusCode::CREATED, headers, Json(DepartureView { url })).into_response()
    }

    fn provider_browser<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        cookies::read(headers, self.provider_cookie())
    }
}

/// Begins a sign-in at a provider's. The answer counts only in this browser, once.
#[utoipa::path(post, path = "/providers/{name}/departures", tag = "session",
    operation_id = "sign_in_at_provider",
    params(("name" = String, Path, description = "The provider")),
    request_body = DepartureBody, responses(
        (status = 201, body = DepartureView), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`provider_unreachable`"),
        (status = 429, body = Problem, description = "Too many attempts")))]
pub(super) async fn depart(
    State(identity): State<Identity>,
    _: Public,
    Path(name): Path<String>,
    from: ClientAddr,
    headers: HeaderMap,
    Json(body): Json<DepartureBody>,
) -> Result<Response> {
    let browser = identity.provider_browser(&headers);
    let departure = identity
        .depart(&name, body.next.as_deref(), browser, from)
        .await?;
    Ok(identity.send_off_view(&departure))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ReturnQuery {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

/// Where a provider sends a browser back to. Leads on to a page, whatever came of it.
#[utoipa::path(get, path = "/providers/{name}/callback", tag = "session",
    operation_id = "return_from_provider",
    params(("name" = String, Path, description = "The provider"), ReturnQuery), responses(
        (status = 303, description = "To where the browser was to go; or to the sign-in or \
            security page, with the problem's code")))]
pub(super) async fn come_back(
    State(identity): State<Identity>,
    _: Public,
    Path(name): Path<String>,
    Query(query): Query<ReturnQuery>,
    caller: Option<Principal>,
    from: ClientAddr,
    headers: HeaderMap,
) -> Response {
    let device = device_of(&headers);
    let arrival = Arrived {
        from,
        device: &device,
        remembered: identity.remembered(&headers),
    };
    let returned = Return {
        state: query.state,
        code: query.code,
        error: query.error,
    };
    let browser = identity.provider_browser(&headers);
    let returned = identity
        .take_back(&name, returned, browser, caller.as_ref(), arrival)
        .await;
    identity.lead_on(&name, returned)
}

impl Identity {
    fn lead_on(&self, provider: &str, returned: Returned) -> Response {
        let mut headers = HeaderMap::new();
        let next = returned.next.as_ref().map(|path| path.as_str().to_owned());
        let to = match returned.outcome {
            Ok(Outcome::Entered(Entry::Session(account, issued))) => {
                self.set_cookies(&mut headers, &issued);
                if issued.kept {
                    page("/your-data", &[("kept", Some("yes"))])
                } else {
                    next.unwrap_or_else(|| landing(&account).to_owned())
                }
            }
            Ok(Outcome::Entered(Entry::SecondFactor(challenge))) => {
                self.set_challenge(&mut headers, &challenge);
                let factors: Vec<&str> = challenge.factors.iter().map(|one| one.text()).collect();
                let factors = factors.join(",");
                let pairs = [
                    ("second", Some(factors.as_str())),
                    ("next", next.as_deref()),
                ];
                page("/sign-in", &pairs)
            }
            Ok(Outcome::Linked) => page("/security", &[("linked", Some(provider))]),
            Err(why) => {
                let code = code_of(&why);
                let at = match returned.intent {
                    Intent::SignIn => "/sign-in",
                    Intent::Link => "/security",
                };
                let pairs = [
                    ("problem", Some(code)),
                    ("provider", Some(provider)),
                    ("next", next.as_deref()),
                ];
                page(at, &pairs)
            }
        };
        if let Ok(to) = HeaderValue::from_str(&to) {
            headers.insert(header::LOCATION, to);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        (StatusCode::SEE_OTHER, headers).into_response()
    }
}

/// The page knows the words for each; only the code travels.
fn code_of(why: &Error) -> &'static str {
    match why {
        Error::Forbidden { code, .. } | Error::Conflict { code, .. } => code,
        Error::NotFound(_) => "provider_unknown",
        Error::Unauthenticated => "unauthenticated",
        other => {
            tracing::error!(error = %other, "a return from a provider failed");
            "internal"
        }
    }
}

fn page(path: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let mut query = Serializer::new(String::new());
    for (key, value) in pairs {
        if let Some(value) = value {
            query.append_pair(key, value);
        }
    }
    let query = query.finish();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct LinkedProviderView {
    /// For paths.
    provider: String,
    /// For people.
    title: String,
    /// The address that the provider last said.
    email: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    linked_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    last_used_at: Option<OffsetDateTime>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct LinkedProvidersView {
    items: Vec<LinkedProviderView>,
    /// Those that could be linked.
    others: Vec<ProviderView>,
}

/// Which providers sign the caller in.
#[utoipa::path(get, path = "/me/providers", tag = "account", operation_id = "linked_providers",
    responses((status = 200, body = LinkedProvidersView), (status = 401, body = Problem)))]
pub(super) async fn linked(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<Json<LinkedProvidersView>> {
    let linked = identity.linked_providers(&caller).await?;
    let offered = identity.providers();
    let title = |name: &str| {
        let known = offered.iter().find(|one| one.name == name);
        known.map_or_else(|| name.to_owned(), |one| one.title.clone())
    };
    let view = |link: LinkedProvider| LinkedProviderView {
        title: title(&link.provider),
        provider: link.provider,
        email: link.email,
        linked_at: link.created_at,
        last_used_at: link.last_used_at,
    };
    let items: Vec<_> = linked.into_iter().map(view).collect();
    let others = offered
        .iter()
        .filter(|one| items.iter().all(|link| link.provider != one.name))
        .cloned()
        .map(Into::into)
        .collect();
    Ok(Json(LinkedProvidersView { items, others }))
}

/// Begins the linking of an account at a provider's to the caller's.
#[utoipa::path(post, path = "/me/providers/{name}/departures", tag = "account",
    operation_id = "link_provider",
    params(("name" = String, Path, description = "The provider")), responses(
        (status = 201, body = DepartureView), (status = 401, body = Problem),
        (status = 403, body = Problem, description = "`confirmation_required`"),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`provider_unreachable`")))]
pub(super) async fn link(
    State(identity): State<Identity>,
    caller: Principal,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let browser = identity.provider_browser(&headers);
    let departure = identity.depart_to_link(&caller, &name, browser).await?;
    Ok(identity.send_off_view(&departure))
}

/// Unlinks an account at a provider's from the caller's.
#[utoipa::path(delete, path = "/me/providers/{name}", tag = "account", operation_id = "unlink_provider",
    params(("name" = String, Path, description = "The provider")), responses(
        (status = 204), (status = 401, body = Problem),
        (status = 403, body = Problem, description = "`confirmation_required`"),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`last_way_in`")))]
pub(super) async fn unlink(
    State(identity): State<Identity>,
    caller: Principal,
    Path(name): Path<String>,
    from: ClientAddr,
    headers: HeaderMap,
) -> Result<StatusCode> {
    let device = device_of(&headers);
    let arrival = Arrived {
        from,
        device: &device,
        remembered: None,
    };
    identity.unlink(&caller, &name, arrival).await?;
    Ok(StatusCode::NO_CONTENT)
}
