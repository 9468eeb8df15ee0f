//! The caller's picture, a copy of their data, and leaving.

use crate::{
    Identity,
    actions::pictures::Avatar,
    model::privacy::{DataExport, ExportId},
    pictures,
};
use axum::{
    extract::{
        DefaultBodyLimit, Multipart, State,
        multipart::{MultipartError, MultipartRejection},
    },
    http::{HeaderMap, StatusCode},
};
use bytes::BytesMut;
use kernel::{Error, Principal, Result, error::Problem, extract::Json, files::FileId};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of this page. A picture may be larger than other bodies.
pub(super) fn router() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(set_picture, remove_picture))
        .layer(DefaultBodyLimit::max(pictures::LARGEST + 64 * 1024))
        .routes(routes!(export, ask_export))
        .routes(routes!(departure, leave))
}

/// A form with one picture in it.
#[derive(utoipa::ToSchema)]
#[expect(
    dead_code,
    reason = "it describes the form; the form is read as a stream"
)]
struct PictureForm {
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
}

/// Where a person's picture is, in two sizes: paths of this API.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct PictureView {
    /// 256 pixels a side.
    large: String,
    /// 64 pixels a side.
    small: String,
}

pub(super) fn path_of(file: FileId) -> String {
    format!("/api/v1/files/{file}")
}

impl From<Avatar> for PictureView {
    fn from(avatar: Avatar) -> Self {
        Self {
            large: path_of(avatar.large),
            small: path_of(avatar.small),
        }
    }
}

fn too_large() -> Error {
    Error::Unreadable {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        code: "file_too_large",
        detail: "The picture is too large: at most 5 MiB are taken.".into(),
    }
}

fn unreadable(error: &MultipartError) -> Error {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return too_large();
    }
    Error::Unreadable {
        status: StatusCode::BAD_REQUEST,
        code: "unreadable_form",
        detail: error.body_text(),
    }
}

/// Sets the caller's picture (JPEG, PNG or WebP), as the field `file` of a form. It is cropped
/// to a square and written anew: nothing of the file is kept but what can be seen.
#[utoipa::path(put, path = "/me/picture", tag = "account", operation_id = "set_picture",
    request_body(content = PictureForm, content_type = "multipart/form-data"), responses(
        (status = 200, body = PictureView), (status = 400, body = Problem),
        (status = 401, body = Problem), (status = 413, body = Problem),
        (status = 415, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem)))]
async fn set_picture(
    State(identity): State<Identity>,
    caller: Principal,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Json<PictureView>> {
    let mut form = form.map_err(|_| Error::Unreadable {
        status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
        code: "form_expected",
        detail: "Send a form (multipart/form-data) with the field file.".to_owned(),
    })?;
    let field = form
        .next_field()
        .await
        .map_err(|error| unreadable(&error))?;
    let mut field = field
        .filter(|field| field.name() == Some("file"))
        .ok_or_else(|| Error::field("file", "required", "Choose a picture."))?;
    let mut sent = BytesMut::new();
    while let Some(bytes) = field.chunk().await.map_err(|error| unreadable(&error))? {
        if sent.len() + bytes.len() > pictures::LARGEST {
            return Err(too_large());
        }
        sent.extend_from_slice(&bytes);
    }
    let avatar = identity.set_picture(&caller, sent.freeze()).await?;
    Ok(Json(avatar.into()))
}

/// Takes the caller's picture away.
#[utoipa::path(delete, path = "/me/picture", tag = "account", operation_id = "remove_picture",
    responses((status = 204), (status = 401, body = Problem)))]
async fn remove_picture(State(identity): State<Identity>, caller: Principal) -> Result<StatusCode> {
    identity.remove_picture(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A copy of the caller's data.
#[derive(Serialize, utoipa::ToSchema)]
struct DataExportView {
    id: ExportId,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// How many parts have been gathered.
    done: i32,
    /// Of how many.
    total: i32,
    #[serde(with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
    /// Where the file is, while there is one.
    url: Option<String>,
    /// In bytes.
    size: Option<i64>,
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
}

impl From<DataExport> for DataExportView {
    fn from(export: DataExport) -> Self {
        Self {
            url: export.ready().map(path_of),
            id: export.id,
            created_at: export.created_at,
            done: export.done,
            total: export.total,
            finished_at: export.finished_at,
            size: export.size,
            expires_at: export.expires_at,
        }
    }
}

#[derive(Serialize, utoipa::ToSchema)]
struct LatestExportView {
    latest: Option<DataExportView>,
}

/// The caller's latest copy of their data, made or in the making.
#[utoipa::path(get, path = "/me/export", tag = "account", operation_id = "data_export",
    responses((status = 200, body = LatestExportView), (status = 401, body = Problem)))]
async fn export(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<Json<LatestExportView>> {
    let latest = identity.data_export(&caller).await?.map(Into::into);
    Ok(Json(LatestExportView { latest }))
}

/// Asks for a copy of all that is held about the caller. A mail follows when it is ready.
#[utoipa::path(post, path = "/me/export", tag = "account", operation_id = "ask_data_export",
    responses(
        (status = 202, body = DataExportView), (status = 401, body = Problem),
        (status = 403, body = Problem, description = "`confirmation_required`"),
        (status = 429, body = Problem)))]
async fn ask_export(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<(StatusCode, Json<DataExportView>)> {
    let export = identity.ask_data_export(&caller).await?;
    Ok((StatusCode::ACCEPTED, Json(export.into())))
}

/// What leaving means here.
#[derive(Serialize, utoipa::ToSchema)]
struct DepartureTermsView {
    /// For how many days signing in takes it back.
    days: u16,
    /// Whether the caller may leave; the last owner may not.
    allowed: bool,
}

/// What deleting the caller's account would mean.
#[utoipa::path(get, path = "/me/deletion", tag = "account", operation_id = "deletion_terms",
    responses((status = 200, body = DepartureTermsView), (status = 401, body = Problem)))]
async fn departure(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<Json<DepartureTermsView>> {
    Ok(Json(DepartureTermsView {
        days: identity.departure_days(),
        allowed: identity.may_leave(&caller).await?,
    }))
}

/// Deletes the caller's account: out of use at once, erased after some days. Signing in until
/// then takes it back.
#[utoipa::path(post, path = "/me/deletion", tag = "account", operation_id = "delete_account",
    responses(
        (status = 204), (status = 401, body = Problem),
        (status = 403, body = Problem, description = "`confirmation_required`"),
        (status = 409, body = Problem, description = "`last_owner`")))]
async fn leave(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<(StatusCode, HeaderMap)> {
    identity.leave(&caller).await?;
    let mut cookies = HeaderMap::new();
    identity.clear_cookies(&mut cookies);
    Ok((StatusCode::NO_CONTENT, cookies))
}
