//! The words of mails, for staff: read, tried, changed and put back. Every change is written down.

use super::store;
use crate::app::App;
use axum::{
    Form,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use kernel::{
    Error, Permission, Principal, Result,
    audit::Act,
    error::Problem,
    extract::{Json, Path, Query},
    id::UserId,
    jobs,
    limits::{Limits, Quota},
    mail::{self, Address, EVERYWHERE, SendMail, Template, Wording, Words},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{collections::HashMap, sync::Arc, time::Duration};
use time::OffsetDateTime;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes, still without their server.
pub(super) fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, change, reset))
        .routes(routes!(preview))
        .routes(routes!(page))
        .routes(routes!(trial))
}

/// What a mail says. Each text may name what the mail knows, as in `{{ name }}`.
#[derive(Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct WordsBody {
    subject: String,
    /// What readers show beside the subject.
    #[serde(default)]
    preheader: String,
    /// The first line of the mail itself.
    heading: String,
    /// What it says; line breaks stay.
    paragraphs: Vec<String>,
    /// What stands on the button, in mails that have one.
    button: Option<String>,
    /// The small print below.
    note: Option<String>,
}

impl From<WordsBody> for Words {
    fn from(body: WordsBody) -> Self {
        Self {
            subject: body.subject,
            preheader: body.preheader,
            heading: body.heading,
            paragraphs: body.paragraphs,
            button: body.button,
            note: body.note,
        }
    }
}

impl From<Words> for WordsBody {
    fn from(words: Words) -> Self {
        Self {
            subject: words.subject,
            preheader: words.preheader,
            heading: words.heading,
            paragraphs: words.paragraphs,
            button: words.button,
            note: words.note,
        }
    }
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeWordsBody {
    /// The version that was read; 0 where nobody has changed anything.
    version: i32,
    words: WordsBody,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct VersionQuery {
    /// The version that was read.
    version: i32,
}

/// What a mail may name.
#[derive(Serialize, utoipa::ToSchema)]
struct PlaceholderView {
    name: &'static str,
    /// What it stands for.
    meaning: &'static str,
    /// Whether the mail is of no use without it.
    needed: bool,
}

#[derive(Serialize, utoipa::ToSchema)]
struct WhoView {
    id: UserId,
    name: String,
}

/// A mail in the list.
#[derive(Serialize, utoipa::ToSchema)]
struct MailLineView {
    /// Its stable name.
    name: &'static str,
    title: &'static str,
    /// When it is sent.
    when: &'static str,
    subject: String,
    /// 0 where it says what it said at first.
    version: i32,
    #[serde(with = "time::serde::rfc3339::option")]
    changed_at: Option<OffsetDateTime>,
    changed_by: Option<WhoView>,
}

#[derive(Serialize, utoipa::ToSchema)]
struct MailLinesView {
    items: Vec<MailLineView>,
}

/// A mail whose words can be changed.
#[derive(Serialize, utoipa::ToSchema)]
struct MailWordsView {
    #[serde(flatten)]
    line: MailLineView,
    words: WordsBody,
    /// What it says unless somebody changes it.
    ours: WordsBody,
    placeholders: Vec<PlaceholderView>,
}

/// How a mail would look, with examples for what it names.
#[derive(Serialize, utoipa::ToSchema)]
struct MailPreviewView {
    subject: String,
    text: String,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct MailPreviewForm {
    /// The words, as JSON.
    words: String,
}

async fn names(app: &App, wordings: &[Wording]) -> Result<HashMap<UserId, String>> {
    let people: Vec<UserId> = wordings
        .iter()
        .filter_map(|wording| wording.changed.map(|changed| changed.by))
        .collect();
    let mut db = app.db.acquire().await?;
    Ok(store::names(&mut db, &people).await?)
}

fn line(wording: &Wording, names: &HashMap<UserId, String>) -> MailLineView {
    let by = wording.changed.map(|changed| changed.by);
    MailLineView {
        name: wording.template.name(),
        title: wording.about.title,
        when: wording.about.when,
        subject: wording.words.subject.clone(),
        version: wording.version(),
        changed_at: wording.changed.map(|changed| changed.at),
        changed_by: by.and_then(|id| {
            let name = names.get(&id)?.clone();
            Some(WhoView { id, name })
        }),
    }
}

async fn view(app: &App, wording: Wording) -> Result<Json<MailWordsView>> {
    let names = names(app, std::slice::from_ref(&wording)).await?;
    let about = wording.about;
    let placeholders = about.placeholders.iter().chain(&EVERYWHERE);
    Ok(Json(MailWordsView {
        line: line(&wording, &names),
        placeholders: placeholders
            .map(|name| PlaceholderView {
                name,
                meaning: mail::meaning(name),
                needed: about.needed == Some(*name),
            })
            .collect(),
        words: wording.words.into(),
        ours: wording.ours.into(),
    }))
}

fn template(name: &str) -> Result<Template> {
    Template::parse(name).ok_or(Error::NotFound("mail"))
}

/// The mails that are sent, and whose words were changed. Needs `system.read`.
#[utoipa::path(get, path = "/mail-words", tag = "mails", operation_id = "mail_words", responses(
    (status = 200, body = MailLinesView), (status = 401, body = Problem),
    (status = 403, body = Problem)))]
async fn list(State(app): State<Arc<App>>, caller: Principal) -> Result<Json<MailLinesView>> {
    caller.require(Permission::SystemRead)?;
    let wordings = {
        let mut db = app.db.acquire().await?;
        app.mailer.wordings(&mut db).await?
    };
    let names = names(&app, &wordings).await?;
    Ok(Json(MailLinesView {
        items: wordings.iter().map(|one| line(one, &names)).collect(),
    }))
}

/// The words of one mail, and what they may name. Needs `system.read`.
#[utoipa::path(get, path = "/mail-words/{name}", tag = "mails", operation_id = "words_of_mail",
    params(("name" = String, Path, description = "Which mail")), responses(
        (status = 200, body = MailWordsView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn get(
    State(app): State<Arc<App>>,
    caller: Principal,
    Path(name): Path<String>,
) -> Result<Json<MailWordsView>> {
    caller.require(Permission::SystemRead)?;
    let wording = {
        let mut db = app.db.acquire().await?;
        app.mailer.wording(&mut db, &name).await?
    };
    view(&app, wording).await
}

/// Has a mail say this from now on, on every server. Needs `system.manage`.
#[utoipa::path(put, path = "/mail-words/{name}", tag = "mails", operation_id = "change_mail_words",
    params(("name" = String, Path, description = "Which mail")), request_body = ChangeWordsBody,
    responses((status = 200, body = MailWordsView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`changed_meanwhile`"),
        (status = 422, body = Problem, description = "`unknown_placeholder` and others, by field")))]
async fn change(
    State(app): State<Arc<App>>,
    caller: Principal,
    Path(name): Path<String>,
    Json(body): Json<ChangeWordsBody>,
) -> Result<Json<MailWordsView>> {
    caller.require(Permission::SystemManage)?;
    let (template, words) = (template(&name)?, body.words.into());
    let mut tx = app.db.begin().await?;
    let before = app.mailer.wording(&mut tx, &name).await?;
    let wording = app
        .mailer
        .reword(&mut tx, template, &words, body.version, caller.user)
        .await?;
    let act = Act {
        actor: Some(caller.user),
        action: "mail.reworded",
        subject: template.name(),
        data: json!({ "before": before.words, "after": wording.words }),
    };
    app.audit.append(&mut tx, act).await?;
    tx.commit().await?;
    view(&app, wording).await
}

/// Has a mail say again what it said at first. Needs `system.manage`.
#[utoipa::path(delete, path = "/mail-words/{name}", tag = "mails",
    operation_id = "reset_mail_words",
    params(("name" = String, Path, description = "Which mail"), VersionQuery), responses(
        (status = 200, body = MailWordsView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`changed_meanwhile`")))]
async fn reset(
    State(app): State<Arc<App>>,
    caller: Principal,
    Path(name): Path<String>,
    version: Result<Query<VersionQuery>>,
) -> Result<Json<MailWordsView>> {
    caller.require(Permission::SystemManage)?;
    let (template, Query(seen)) = (template(&name)?, version?);
    let mut tx = app.db.begin().await?;
    let before = app.mailer.wording(&mut tx, &name).await?;
    let wording = app
        .mailer
        .word_as_before(&mut tx, template, seen.version)
        .await?;
    if before.changed.is_some() {
        let act = Act {
            actor: Some(caller.user),
            action: "mail.words_reset",
            subject: template.name(),
            data: json!({ "before": before.words }),
        };
        app.audit.append(&mut tx, act).await?;
    }
    tx.commit().await?;
    view(&app, wording).await
}

/// How a mail would look in these words: its subject and its text. Needs `system.read`.
#[utoipa::path(post, path = "/mail-words/{name}/preview", tag = "mails",
    operation_id = "preview_mail",
    params(("name" = String, Path, description = "Which mail")), request_body = WordsBody,
    responses((status = 200, body = MailPreviewView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn preview(
    State(app): State<Arc<App>>,
    caller: Principal,
    Path(name): Path<String>,
    Json(body): Json<WordsBody>,
) -> Result<Json<MailPreviewView>> {
    caller.require(Permission::SystemRead)?;
    let (_, rendered) = app.mailer.try_words(template(&name)?, &body.into())?;
    Ok(Json(MailPreviewView {
        subject: rendered.subject,
        text: rendered.text,
    }))
}

/// The same as a page for a frame, which a form asks for: nothing runs in it and nothing is
/// loaded. Needs `system.read`.
#[utoipa::path(post, path = "/mail-words/{name}/page", tag = "mails",
    operation_id = "preview_mail_page",
    params(("name" = String, Path, description = "Which mail")),
    request_body(content = MailPreviewForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 400, body = Problem), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn page(
    State(app): State<Arc<App>>,
    caller: Principal,
    Path(name): Path<String>,
    form: Result<Form<MailPreviewForm>, axum::extract::rejection::FormRejection>,
) -> Result<Response> {
    caller.require(Permission::SystemRead)?;
    let template = template(&name)?;
    let words: WordsBody = form
        .ok()
        .and_then(|Form(form)| serde_json::from_str(&form.words).ok())
        .ok_or_else(|| Error::field("words", "invalid", "These are not the words of a mail."))?;
    let (_, rendered) = app.mailer.try_words(template, &words.into())?;
    Ok(mail::framed(rendered.html))
}

/// Sends the mail to the caller, in these words and with examples in it. Needs `system.manage`.
#[utoipa::path(post, path = "/mail-words/{name}/trial", tag = "mails",
    operation_id = "send_trial_mail",
    params(("name" = String, Path, description = "Which mail")), request_body = WordsBody,
    responses((status = 202), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem)))]
async fn trial(
    State(app): State<Arc<App>>,
    caller: Principal,
    Path(name): Path<String>,
    Json(body): Json<WordsBody>,
) -> Result<Response> {
    caller.require(Permission::SystemManage)?;
    let (template, words) = (template(&name)?, body.into());
    app.mailer.try_words(template, &words)?;
    let quota = Quota {
        burst: 10,
        every: Duration::from_secs(30),
    };
    let limits = Limits::new(app.db.pool().clone(), app.clock.clone());
    limits
        .take(&format!("trial-mail:{}", caller.user), quota)
        .await?;
    let me = app.identity.me(&caller).await?;
    let to = Address::parse(&me.email)?;
    let mut tx = app.db.begin().await?;
    let mail = app
        .mailer
        .enqueue_trial(&mut tx, template, &words, &to)
        .await?;
    jobs::enqueue(&mut tx, SendMail { mail }).await?;
    tx.commit().await?;
    Ok(StatusCode::ACCEPTED.into_response())
}
