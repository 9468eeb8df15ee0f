//! Lists as somebody wants to find them again.

use crate::{Identity, actions::saved_views::SavedView};
use axum::{extract::State, http::StatusCode};
use kernel::{
    Principal, Result,
    error::Problem,
    extract::{Json, Path},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A saved view.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct SavedViewView {
    id: Uuid,
    title: String,
    /// Filter, order and columns, as they stand in the page's address.
    query: String,
    /// Whether other staff see it too.
    shared: bool,
    /// Whether it is the caller's.
    own: bool,
    /// Whose it is.
    owner: String,
}

impl From<SavedView> for SavedViewView {
    fn from(view: SavedView) -> Self {
        Self {
            id: view.id,
            title: view.title,
            query: view.query,
            shared: view.shared,
            own: view.own,
            owner: view.owner,
        }
    }
}

/// Saved views.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct SavedViewsView {
    items: Vec<SavedViewView>,
}

/// The caller's saved views, and those that others share. Needs `users.read`.
#[utoipa::path(get, path = "/users/views", tag = "people", operation_id = "saved_views",
    responses((status = 200, body = SavedViewsView), (status = 401, body = Problem),
        (status = 403, body = Problem)))]
pub(super) async fn list(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<Json<SavedViewsView>> {
    let views = identity.saved_views(&caller).await?;
    Ok(Json(SavedViewsView {
        items: views.into_iter().map(SavedViewView::from).collect(),
    }))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedViewBody {
    #[serde(default)]
    title: String,
    /// Filter, order and columns, as they stand in the page's address.
    #[serde(default)]
    query: String,
    /// Whether other staff see it too.
    #[serde(default)]
    shared: bool,
}

/// Saves a view of the list. One of the caller's with that title is replaced. Needs
/// `users.read`.
#[utoipa::path(post, path = "/users/views", tag = "people", operation_id = "save_view",
    request_body = SavedViewBody, responses((status = 201, body = SavedViewView),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn save(
    State(identity): State<Identity>,
    caller: Principal,
    Json(body): Json<SavedViewBody>,
) -> Result<(StatusCode, Json<SavedViewView>)> {
    let view = identity
        .save_view(&caller, &body.title, &body.query, body.shared)
        .await?;
    Ok((StatusCode::CREATED, Json(view.into())))
}

/// Removes one of the caller's views. Needs `users.read`.
#[utoipa::path(delete, path = "/users/views/{view}", tag = "people", operation_id = "remove_view",
    params(("view" = Uuid, Path, description = "The view")), responses((status = 204),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn remove(
    State(identity): State<Identity>,
    caller: Principal,
    Path(view): Path<Uuid>,
) -> Result<StatusCode> {
    identity.remove_view(&caller, view).await?;
    Ok(StatusCode::NO_CONTENT)
}
