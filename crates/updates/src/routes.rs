//! The API of the domain, under `/api/v1`: `/updates` for staff, `/feed` for readers.

use crate::{
    Updates,
    model::{Audience, FeedItem, NewUpdate, Receipt, Recipient, Update, UpdateId, Waiting},
};
use axum::{extract::State, http::StatusCode};
use kernel::{
    Principal, Result,
    error::Problem,
    extract::{Json, Path, Query},
    id::UserId,
    page::{Page, PageQuery},
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes, still without their domain.
pub fn router() -> OpenApiRouter<Updates> {
    OpenApiRouter::new()
        .routes(routes!(publish, list))
        .routes(routes!(preview))
        .routes(routes!(get))
        .routes(routes!(recipients))
        .routes(routes!(feed))
        .routes(routes!(waiting))
        .routes(routes!(feed_item))
        .routes(routes!(mark))
}

#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ActionView {
    /// What the button says.
    label: String,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewUpdateBody {
    title: String,
    body: String,
    audience: Audience,
    /// What the reader is asked to do.
    action: Option<ActionView>,
}

#[derive(Serialize, utoipa::ToSchema)]
struct AuthorView {
    /// Absent for readers.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<UserId>,
    name: String,
}

impl AuthorView {
    fn of(id: Option<UserId>, name: Option<String>) -> Self {
        Self {
            id,
            name: name.unwrap_or_else(|| "Somebody who left".to_owned()),
        }
    }
}

#[derive(Serialize, utoipa::ToSchema)]
struct CountsView {
    recipients: i64,
    delivered: i64,
    read: i64,
    acknowledged: i64,
}

/// An update, as staff see it.
#[derive(Serialize, utoipa::ToSchema)]
struct UpdateView {
    id: UpdateId,
    title: String,
    body: String,
    author: AuthorView,
    #[schema(value_type = Audience)]
    audience: serde_json::Value,
    action: Option<ActionView>,
    #[serde(with = "time::serde::rfc3339")]
    published_at: OffsetDateTime,
    counts: CountsView,
}

impl From<Update> for UpdateView {
    fn from(update: Update) -> Self {
        Self {
            id: update.id,
            title: update.title,
            body: update.body,
            author: AuthorView::of(Some(update.author_id), update.author_name),
            audience: update.audience,
            action: update.action_label.map(|label| ActionView { label }),
            published_at: update.published_at,
            counts: CountsView {
                recipients: update.recipients,
                delivered: update.delivered,
                read: update.read,
                acknowledged: update.acknowledged,
            },
        }
    }
}

/// Sends an update to everyone it addresses. Needs `updates.publish`.
#[utoipa::path(post, path = "/updates", tag = "updates", operation_id = "publish_update",
    request_body = NewUpdateBody, responses(
        (status = 201, body = UpdateView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn publish(
    State(updates): State<Updates>,
    author: Principal,
    Json(body): Json<NewUpdateBody>,
) -> Result<(StatusCode, Json<UpdateView>)> {
    let label = body.action.as_ref().map(|action| action.label.as_str());
    let new = NewUpdate::parse(&body.title, &body.body, body.audience, label)?;
    let update = updates.publish(&author, &new).await?;
    Ok((StatusCode::CREATED, Json(update.into())))
}

/// Every update, the newest first. Needs `updates.read`.
#[utoipa::path(get, path = "/updates", tag = "updates", operation_id = "updates",
    params(PageQuery), responses(
        (status = 200, body = Page<UpdateView>), (status = 401, body = Problem),
        (status = 403, body = Problem)))]
async fn list(
    State(updates): State<Updates>,
    caller: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<UpdateView>>> {
    Ok(Json(
        updates.list(&caller, &page).await?.map(UpdateView::from),
    ))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PreviewBody {
    audience: Audience,
}

#[derive(Serialize, utoipa::ToSchema)]
struct PreviewView {
    recipients: i64,
}

/// How many people an audience holds now. Needs `updates.publish`.
#[utoipa::path(post, path = "/updates/audience-preview", tag = "updates",
    operation_id = "preview_audience", request_body = PreviewBody, responses(
        (status = 200, body = PreviewView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn preview(
    State(updates): State<Updates>,
    caller: Principal,
    Json(body): Json<PreviewBody>,
) -> Result<Json<PreviewView>> {
    let recipients = updates.preview(&caller, &body.audience.parse()?).await?;
    Ok(Json(PreviewView { recipients }))
}

/// One update with its counts. Needs `updates.read`.
#[utoipa::path(get, path = "/updates/{id}", tag = "updates", operation_id = "update",
    params(("id" = UpdateId, Path, description = "The update")), responses(
        (status = 200, body = UpdateView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn get(
    State(updates): State<Updates>,
    caller: Principal,
    Path(id): Path<UpdateId>,
) -> Result<Json<UpdateView>> {
    Ok(Json(updates.get(&caller, id).await?.into()))
}

#[derive(Serialize, utoipa::ToSchema)]
struct ReaderView {
    id: UserId,
    name: String,
    email: String,
}

/// How far an update has come with one reader.
#[derive(Serialize, utoipa::ToSchema)]
struct RecipientView {
    user: ReaderView,
    #[serde(with = "time::serde::rfc3339::option")]
    delivered_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    read_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    acknowledged_at: Option<OffsetDateTime>,
}

impl From<Recipient> for RecipientView {
    fn from(row: Recipient) -> Self {
        Self {
            user: ReaderView {
                id: row.user,
                name: row.name,
                email: row.email,
            },
            delivered_at: row.delivered_at,
            read_at: row.read_at,
            acknowledged_at: row.acknowledged_at,
        }
    }
}

/// How far an update has come with each of its readers. Needs `updates.read`.
#[utoipa::path(get, path = "/updates/{id}/recipients", tag = "updates", operation_id = "recipients",
    params(("id" = UpdateId, Path, description = "The update"), PageQuery), responses(
        (status = 200, body = Page<RecipientView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn recipients(
    State(updates): State<Updates>,
    caller: Principal,
    Path(id): Path<UpdateId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<RecipientView>>> {
    Ok(Json(
        updates
            .recipients(&caller, id, &page)
            .await?
            .map(RecipientView::from),
    ))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct FeedQuery {
    /// Only what the reader has not opened.
    unread: Option<bool>,
    /// Where the page before ended, as it said.
    cursor: Option<String>,
    /// How many rows, 1 to 100; 20 unless said.
    limit: Option<u32>,
}

/// An update in a reader's feed.
#[derive(Serialize, utoipa::ToSchema)]
struct FeedItemView {
    id: UpdateId,
    title: String,
    /// The first 280 characters.
    excerpt: String,
    author: AuthorView,
    action: Option<ActionView>,
    #[serde(with = "time::serde::rfc3339")]
    published_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    read_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    acknowledged_at: Option<OffsetDateTime>,
}

impl From<FeedItem> for FeedItemView {
    fn from(item: FeedItem) -> Self {
        Self {
            id: item.id,
            title: item.title,
            excerpt: item.text,
            author: AuthorView::of(None, item.author_name),
            action: item.action_label.map(|label| ActionView { label }),
            published_at: item.published_at,
            read_at: item.read_at,
            acknowledged_at: item.acknowledged_at,
        }
    }
}

/// What was sent to the caller, the newest first.
#[utoipa::path(get, path = "/feed", tag = "feed", operation_id = "feed", params(FeedQuery),
    responses((status = 200, body = Page<FeedItemView>), (status = 401, body = Problem),
        (status = 422, body = Problem)))]
async fn feed(
    State(updates): State<Updates>,
    reader: Principal,
    Query(query): Query<FeedQuery>,
) -> Result<Json<Page<FeedItemView>>> {
    let page = PageQuery {
        cursor: query.cursor,
        limit: query.limit,
    };
    let items = updates
        .feed(&reader, query.unread.unwrap_or(false), &page)
        .await?;
    Ok(Json(items.map(FeedItemView::from)))
}

/// What waits for the caller.
#[derive(Serialize, utoipa::ToSchema)]
struct WaitingView {
    unread: i64,
    actions: i64,
}

impl From<Waiting> for WaitingView {
    fn from(waiting: Waiting) -> Self {
        Self {
            unread: waiting.unread,
            actions: waiting.actions,
        }
    }
}

/// What waits for the caller: updates not opened, actions not acknowledged.
#[utoipa::path(get, path = "/feed/waiting", tag = "feed", operation_id = "waiting", responses(
    (status = 200, body = WaitingView), (status = 401, body = Problem)))]
async fn waiting(State(updates): State<Updates>, reader: Principal) -> Result<Json<WaitingView>> {
    Ok(Json(updates.waiting(&reader).await?.into()))
}

/// An update as its reader reads it.
#[derive(Serialize, utoipa::ToSchema)]
struct ReadingView {
    id: UpdateId,
    title: String,
    body: String,
    author: AuthorView,
    action: Option<ActionView>,
    #[serde(with = "time::serde::rfc3339")]
    published_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    read_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    acknowledged_at: Option<OffsetDateTime>,
}

/// One update that was sent to the caller. Reading it is a receipt of its own.
#[utoipa::path(get, path = "/feed/{id}", tag = "feed", operation_id = "feed_item",
    params(("id" = UpdateId, Path, description = "The update")), responses(
        (status = 200, body = ReadingView), (status = 401, body = Problem),
        (status = 404, body = Problem)))]
async fn feed_item(
    State(updates): State<Updates>,
    reader: Principal,
    Path(id): Path<UpdateId>,
) -> Result<Json<ReadingView>> {
    let item = updates.feed_item(&reader, id).await?;
    Ok(Json(ReadingView {
        id: item.id,
        title: item.title,
        body: item.text,
        author: AuthorView::of(None, item.author_name),
        action: item.action_label.map(|label| ActionView { label }),
        published_at: item.published_at,
        read_at: item.read_at,
        acknowledged_at: item.acknowledged_at,
    }))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ReceiptBody {
    state: Receipt,
}

/// Records how far an update has come with the caller. Repeating it changes nothing.
#[utoipa::path(put, path = "/feed/{id}/receipt", tag = "feed", operation_id = "mark_update",
    params(("id" = UpdateId, Path, description = "The update")), request_body = ReceiptBody,
    responses((status = 204), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn mark(
    State(updates): State<Updates>,
    reader: Principal,
    Path(id): Path<UpdateId>,
    Json(body): Json<ReceiptBody>,
) -> Result<StatusCode> {
    updates.mark(&reader, id, body.state).await?;
    Ok(StatusCode::NO_CONTENT)
}
