//! People as a file.

use super::people_filter::FilterQuery;
use crate::{Identity, actions::export::Format};
use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use kernel::{Principal, Result, error::Problem, extract::Query};
use serde::Deserialize;

#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum FileFormat {
    Csv,
    Json,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportQuery {
    /// `csv` unless said, or `json`.
    #[param(inline)]
    format: Option<FileFormat>,
}

/// Everybody whom the filter lets through, as a file. Needs `users.write`.
#[utoipa::path(get, path = "/users/export", tag = "people", operation_id = "export_people",
    params(FilterQuery, ExportQuery), responses(
        (status = 200, description = "The file", content(
            (String = "text/csv"), (String = "application/json"))),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn export(
    State(identity): State<Identity>,
    caller: Principal,
    Query(filter): Query<FilterQuery>,
    Query(query): Query<ExportQuery>,
) -> Result<Response> {
    let (format, kind, name) = match query.format.unwrap_or(FileFormat::Csv) {
        FileFormat::Csv => (Format::Csv, "text/csv; charset=utf-8", "members.csv"),
        FileFormat::Json => (Format::Json, "application/json", "members.json"),
    };
    let file = identity
        .export_people(&caller, filter.parse()?, format)
        .await?;
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, Body::from_stream(file)).into_response())
}
