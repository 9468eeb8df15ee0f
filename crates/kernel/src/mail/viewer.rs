//! The local viewer, `/_mail`: reads what was caught instead of being sent, and lists what
//! was sent. Plain pages without script.
//!
//! Refuses to show the text of a mail that is to be sent: it holds one-time links, and who
//! reads them can take an account. Refuses requests under a foreign host name, so that no
//! web page can read it by DNS rebinding. Knows nobody: whoever mounts it on an address that
//! is not this machine's own puts a permission in front of it.

use axum::{
    Json, Router,
    extract::{FromRequestParts, Path, Query, Request, State as Extract},
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context, value::Serde};
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, sync::Arc};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};
use url::{Host, Url};

use super::{
    Mailer,
    compose::message_id,
    model::{MailId, State},
    store::{self, Row},
};
use crate::error::{Error, Result};

/// Mails on one page of the list.
const PAGE: i64 = 50;
/// Mails in one answer to a program.
const API: i64 = 50;
/// For our own pages: nothing but our style sheet and the mail in its frame.
const OUR_POLICY: &str = "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'";
/// For the mail itself: no script, nothing loaded, an origin of its own; links work.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'self'; \
    sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation";

/// The viewer's routes, all under `/_mail`.
pub fn router(mailer: Mailer) -> Router {
    let viewer = Viewer {
        mailer,
        pages: Arc::new(pages()),
    };
    Router::new()
        .route("/_mail", get(list))
        .route("/_mail/style.css", get(style))
        .route("/_mail/api/messages", get(messages))
        .route("/_mail/{id}", get(message))
        .route("/_mail/{id}/html", get(html))
        .layer(middleware::from_fn_with_state(viewer.clone(), guard))
        .with_state(viewer)
}

#[derive(Clone)]
struct Viewer {
    mailer: Mailer,
    pages: Arc<Environment<'static>>,
}

/// `?to=` what the address begins with; `?before=` where the page above ended.
#[derive(Debug, Default, Deserialize)]
struct ListQuery {
    #[serde(default)]
    to: String,
    before: Option<MailId>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Tab {
    #[default]
    Html,
    Text,
    Headers,
}

#[derive(Debug, Deserialize)]
struct MessageQuery {
    #[serde(default)]
    tab: Tab,
}

#[derive(Debug, Deserialize)]
struct ApiQuery {
    to: Option<String>,
}

#[derive(Serialize)]
struct LineView {
    id: MailId,
    to: String,
    subject: String,
    state: State,
    at: Moment,
}

/// A caught mail, for a program (an end-to-end test above all).
#[derive(Serialize)]
struct MessageView {
    id: MailId,
    to: String,
    subject: String,
    text: String,
    html: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

#[derive(Serialize)]
struct Moment {
    /// For the machine.
    exact: String,
    /// For the eye, in UTC.
    short: String,
}

async fn list(Extract(viewer): Extract<Viewer>, Read(query): Read<ListQuery>) -> Result<Response> {
    let searched = query.to.trim();
    let mut db = viewer.mailer.db().acquire().await?;
    let mut lines = store::list(&mut db, &beginning(searched), query.before, PAGE + 1).await?;
    drop(db);
    let more = lines.len() > usize::try_from(PAGE).unwrap_or(usize::MAX);
    lines.truncate(usize::try_from(PAGE).unwrap_or(usize::MAX));
    let next = if more {
        lines.last().map(|line| searching(searched, Some(line.id)))
    } else {
        None
    };
    let lines = lines
        .into_iter()
        .map(|line| {
            Ok(LineView {
                id: line.id,
                to: line.recipient,
                subject: line.subject,
                state: line.state,
                at: moment(line.created_at)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    viewer.page(
        "list",
        context! {
            lines => Serde(lines),
            to => searched,
            first => query.before.is_none(),
            next,
            captures => viewer.mailer.captures(),
            product => viewer.mailer.config().product_name.as_str(),
        },
    )
}

async fn message(
    Extract(viewer): Extract<Viewer>,
    Id(id): Id,
    Read(query): Read<MessageQuery>,
) -> Result<Response> {
    let row = viewer.row(id).await?;
    let config = viewer.mailer.config();
    let readable = row.state == State::Caught;
    let text = match query.tab {
        Tab::Text if readable => Some(viewer.mailer.opened(id, row.sealed, row.text)?),
        _ => None,
    };
    let sender = config.from.mailbox(Some(
        config.from_name.as_deref().unwrap_or(&config.product_name),
    ));
    viewer.page(
        "message",
        context! {
            id => id.to_string(),
            search => searching(&row.recipient, None),
            to => row.recipient,
            subject => row.subject,
            state => row.state.as_str(),
            error => row.error,
            attempts => row.attempts,
            cause => row.cause,
            at => Serde(moment(row.created_at)?),
            from => sender.to_string(),
            message_id => message_id(config, id),
            readable,
            tab => Serde(query.tab),
            text,
            product => config.product_name.as_str(),
        },
    )
}

async fn html(Extract(viewer): Extract<Viewer>, Id(id): Id) -> Result<Response> {
    let row = viewer.row(id).await?;
    if row.state != State::Caught {
        return Err(Error::NotFound("caught mail"));
    }
    let body = viewer.mailer.opened(id, row.sealed, row.html)?;
    let policy = [(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(MAIL_POLICY),
    )];
    Ok((policy, Html(body)).into_response())
}

async fn messages(
    Extract(viewer): Extract<Viewer>,
    Read(query): Read<ApiQuery>,
) -> Result<Response> {
    let to = query.to.map(|to| storable(to.trim()).to_lowercase());
    let rows = {
        let mut db = viewer.mailer.db().acquire().await?;
        store::caught_mails(&mut db, to.as_deref(), API).await?
    };
    let views = rows
        .into_iter()
        .map(|row| {
            Ok(MessageView {
                id: row.id,
                text: viewer.mailer.opened(row.id, row.sealed, row.text)?,
                html: viewer.mailer.opened(row.id, row.sealed, row.html)?,
                to: row.recipient,
                subject: row.subject,
                created_at: row.created_at,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Json(views).into_response())
}

async fn style() -> Response {
    (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8")],
        include_str!("viewer/style.css"),
    )
        .into_response()
}

impl Viewer {
    async fn row(&self, id: MailId) -> Result<Row> {
        let mut db = self.mailer.db().acquire().await?;
        store::one(&mut db, id)
            .await?
            .ok_or(Error::NotFound("mail"))
    }

    fn page(&self, name: &str, values: minijinja::Value) -> Result<Response> {
        let render = || self.pages.get_template(name)?.render(values);
        let page =
            render().map_err(|error| anyhow::Error::new(error).context("the viewer's page"))?;
        Ok(Html(page).into_response())
    }
}

/// Keeps foreign pages out, and what is shown out of caches, frames and referrers.
async fn guard(Extract(viewer): Extract<Viewer>, request: Request, next: Next) -> Response {
    if !own_host(&request, &viewer.mailer.config().public_url) {
        return Error::forbidden(
            "foreign_host",
            "The mail viewer is not served under this host name.",
        )
        .into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(OUR_POLICY));
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A literal address, `localhost`, or the name that people reach us by. A browser always
/// says which it has asked for; a program that says nothing is not a lured browser.
fn own_host(request: &Request, public: &Url) -> bool {
    let named = request
        .headers()
        .get(header::HOST)
        .map(|value| value.to_str().unwrap_or("?"));
    let Some(authority) = named.or(request.uri().authority().map(http::uri::Authority::as_str))
    else {
        return true;
    };
    let Ok(asked) = Url::parse(&format!("http://{authority}/")) else {
        return false;
    };
    match asked.host() {
        Some(Host::Domain(name)) => {
            name == "localhost" || name.ends_with(".localhost") || public.host_str() == Some(name)
        }
        Some(Host::Ipv4(ip)) => {
            IpAddr::V4(ip).is_loopback() || public.host() == Some(Host::Ipv4(ip))
        }
        Some(Host::Ipv6(ip)) => {
            IpAddr::V6(ip).is_loopback() || public.host() == Some(Host::Ipv6(ip))
        }
        None => false,
    }
}

/// A query string, or a problem that says what is wrong with it.
struct Read<T>(T);

impl<S: Send + Sync, T: serde::de::DeserializeOwned + Send> FromRequestParts<S> for Read<T> {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Query(value) = Query::from_request_parts(parts, state)
            .await
            .map_err(|error| Error::Unreadable {
                status: StatusCode::BAD_REQUEST,
                code: "invalid_query",
                detail: error.body_text(),
            })?;
        Ok(Self(value))
    }
}

/// A mail's id; what is no id names no mail.
struct Id(MailId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Path(id) = Path::from_request_parts(parts, state)
            .await
            .map_err(|_| Error::NotFound("mail"))?;
        Ok(Self(id))
    }
}

/// The LIKE pattern for what begins with the text.
fn beginning(text: &str) -> String {
    let text = storable(text).to_lowercase();
    format!(
        "{}%",
        text.replace('\\', "\\\\")
            .replace('%', "\\%")
            .replace('_', "\\_")
    )
}

/// Without the one character that PostgreSQL's text cannot hold; no address has it either.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// The address of a page of the list.
fn searching(to: &str, before: Option<MailId>) -> String {
    let mut query =
        url::form_urlencoded::Serializer::for_suffix(String::from("/_mail?"), "/_mail?".len());
    if !to.is_empty() {
        query.append_pair("to", to);
    }
    if let Some(before) = before {
        query.append_pair("before", &before.to_string());
    }
    query.finish()
}

fn moment(at: OffsetDateTime) -> Result<Moment> {
    let short =
        format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute]");
    Ok(Moment {
        exact: at.format(&Rfc3339).map_err(anyhow::Error::new)?,
        short: at.format(short).map_err(anyhow::Error::new)?,
    })
}

#[expect(
    clippy::expect_used,
    reason = "sources that are part of the program; every test parses them"
)]
fn pages() -> Environment<'static> {
    let mut pages = Environment::new();
    pages.set_auto_escape_callback(|_| AutoEscape::Html);
    pages.set_undefined_behavior(UndefinedBehavior::Strict);
    for (name, source) in [
        ("base", include_str!("viewer/base.html")),
        ("list", include_str!("viewer/list.html")),
        ("message", include_str!("viewer/message.html")),
    ] {
        pages
            .add_template(name, source)
            .expect("the viewer's pages parse");
    }
    pages
}
