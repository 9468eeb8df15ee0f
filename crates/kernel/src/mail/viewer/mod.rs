//! The local viewer, `/_mail`: reads what was caught instead of being sent, and lists what
//! was sent. Plain pages without script.
//!
//! Refuses to show the text of a mail that is to be sent: it holds one-time links, and who
//! reads them can take an account. Refuses requests under a foreign host name, so that no
//! web page can read it by DNS rebinding. Knows nobody: whoever mounts it on an address that
//! is not this machine's own puts a permission in front of it.

mod guard;
mod pages;

use axum::{
    Json, Router,
    extract::State as Extract,
    http::{HeaderName, header},
    middleware,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use minijinja::{Environment, context, value::Serde};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use time::OffsetDateTime;

use self::pages::{Moment, moment};
use super::{
    Mailer,
    compose::message_id,
    model::{MailId, State},
    store::{self, Row},
};
use crate::{
    error::{Error, Result},
    extract::{Path, Query},
};

/// Mails on one page of the list.
const PAGE: i64 = 50;
/// Mails in one answer to a program.
const API: i64 = 50;
/// For the mail itself: no script, nothing loaded, an origin of its own; links work.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'self'; \
    sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation";

/// The viewer's routes, to be nested at `/_mail`: its pages link to themselves there.
pub fn router(mailer: Mailer) -> Router {
    let viewer = Viewer {
        mailer,
        pages: Arc::new(pages::environment()),
    };
    Router::new()
        .route("/", get(list))
        .route("/style.css", get(style))
        .route("/api/messages", get(messages))
        .route("/{id}", get(message))
        .route("/{id}/html", get(html))
        .layer(middleware::from_fn_with_state(viewer.clone(), guard::guard))
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

async fn list(
    Extract(viewer): Extract<Viewer>,
    Query(query): Query<ListQuery>,
) -> Result<Response> {
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
    Path(id): Path<MailId>,
    Query(query): Query<MessageQuery>,
) -> Result<Response> {
    let row = viewer.row(id).await?;
    let config = viewer.mailer.config();
    let readable = row.state == State::Caught;
    let text = match query.tab {
        Tab::Text if readable => Some(viewer.mailer.opened(id, row.sealed, row.text)?),
        _ => None,
    };
    let subject = if readable {
        viewer.mailer.subject(id, row.subject, row.subject_sealed)?
    } else {
        row.subject
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
            subject,
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

async fn html(Extract(viewer): Extract<Viewer>, Path(id): Path<MailId>) -> Result<Response> {
    let row = viewer.row(id).await?;
    if row.state != State::Caught {
        return Err(Error::NotFound("caught mail"));
    }
    let body = viewer.mailer.opened(id, row.sealed, row.html)?;
    Ok(framed(body))
}

/// A mail for a frame of one of our own pages: no script runs in it, nothing is loaded, and it
/// has an origin of its own.
pub fn framed(html: String) -> Response {
    let policy = [
        (header::CONTENT_SECURITY_POLICY, MAIL_POLICY),
        // The server's own answers would forbid the frame, and the window of its own: a
        // browser shows no sandboxed page that also asks to be alone with its origin.
        (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "unsafe-none",
        ),
    ];
    (policy, Html(html)).into_response()
}

async fn messages(
    Extract(viewer): Extract<Viewer>,
    Query(query): Query<ApiQuery>,
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
                subject: viewer
                    .mailer
                    .subject(row.id, row.subject, row.subject_sealed)?,
                created_at: row.created_at,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Json(views).into_response())
}

async fn style() -> Response {
    (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8")],
        include_str!("style.css"),
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

/// Without the one character that a text column cannot hold; no address has it either.
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
