//! A file of people on its way in.

use crate::{
    Identity,
    model::import::{Import, ImportId, Line, Mapping, Sheet, in_words},
};
use axum::{
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use kernel::{
    Permission, Principal, Result,
    error::Problem,
    extract::{Json, Path, Query},
    page::{Page, PageQuery},
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The largest file.
const LARGEST: usize = 25 * 1024 * 1024;

/// The route that takes large bodies, apart from the others.
pub fn uploads() -> OpenApiRouter<Identity> {
    OpenApiRouter::new()
        .routes(routes!(stage))
        .layer(DefaultBodyLimit::max(LARGEST))
}

/// A file on its way in.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct ImportView {
    id: ImportId,
    file_name: String,
    /// The names of its columns.
    columns: Vec<String>,
    /// How many people are in it.
    rows: i32,
    /// `staged`, `checked`, `running`, `done` or `failed`.
    state: String,
    /// How many can be taken over, once it was looked at.
    good: Option<i32>,
    /// How many cannot.
    faulty: Option<i32>,
    /// Whether they get a mail.
    invite: bool,
    /// How many were taken over.
    made: Option<i32>,
    /// How many are through, while it runs. None of them is there before all are.
    through: Option<i32>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
}

impl From<Import> for ImportView {
    fn from(import: Import) -> Self {
        Self {
            id: import.id,
            file_name: import.file_name,
            columns: import.columns,
            rows: import.rows,
            state: import.state,
            good: import.good,
            faulty: import.faulty,
            invite: import.invite,
            made: import.made,
            through: import.through,
            created_at: import.created_at,
            finished_at: import.finished_at,
        }
    }
}

/// A line of a file.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct LineView {
    /// Its number in the file.
    line: i32,
    cells: Vec<String>,
    /// Why it cannot be taken over: a stable code.
    problem: Option<String>,
    /// The same in words.
    message: Option<&'static str>,
}

impl From<Line> for LineView {
    fn from(line: Line) -> Self {
        Self {
            line: line.line,
            cells: line.cells,
            message: line.problem.as_deref().map(in_words),
            problem: line.problem,
        }
    }
}

/// A file that was just sent, with its first lines and what its columns likely are.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct StagedView {
    import: ImportView,
    preview: Vec<LineView>,
    /// Which column is likely the address, counted from 0.
    email: Option<i32>,
    /// Which is likely the name.
    name: Option<i32>,
    /// Which is likely the role.
    role: Option<i32>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct StageQuery {
    /// As the file is called.
    name: Option<String>,
}

/// Sends a CSV file of people, up to 100,000 rows and 25 MB; nothing of it counts yet. Needs
/// `users.write`.
#[utoipa::path(post, path = "/users/imports", tag = "people", operation_id = "stage_import",
    params(StageQuery), request_body(content = String, content_type = "text/csv"),
    responses((status = 201, body = StagedView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 413, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn stage(
    State(identity): State<Identity>,
    caller: Principal,
    Query(query): Query<StageQuery>,
    body: Bytes,
) -> Result<(StatusCode, Json<StagedView>)> {
    caller.require(Permission::UsersWrite)?;
    let name = query.name.unwrap_or_else(|| "people.csv".to_owned());
    let (import, lines) = identity.stage_import(&caller, &name, &body).await?;
    let (email, name, role) = Sheet::guess(&import.columns);
    let view = StagedView {
        import: import.into(),
        preview: lines.into_iter().map(LineView::from).collect(),
        email,
        name,
        role,
    };
    Ok((StatusCode::CREATED, Json(view)))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MappingBody {
    /// Which column holds the address, counted from 0.
    email: Option<i32>,
    /// Which the name; made from the address without one.
    name: Option<i32>,
    /// Which the role, by name or title.
    role: Option<i32>,
    /// What who names no role gets; `member` unless said.
    default_role: Option<String>,
}

/// Looks at every line with this mapping: a dry run. Needs `users.write`.
#[utoipa::path(put, path = "/users/imports/{id}/check", tag = "people", operation_id = "check_import",
    params(("id" = ImportId, Path, description = "The file")), request_body = MappingBody,
    responses((status = 200, body = ImportView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem),
        (status = 409, body = Problem, description = "`import_over`")))]
pub(super) async fn check(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<ImportId>,
    Json(body): Json<MappingBody>,
) -> Result<Json<ImportView>> {
    caller.require(Permission::UsersWrite)?;
    let message = "Say which column holds the address.";
    let mapping = Mapping {
        email: body
            .email
            .ok_or_else(|| kernel::Error::field("email", "required", message))?,
        name: body.name,
        role: body.role,
        default_role: body.default_role.unwrap_or_else(|| "member".to_owned()),
    };
    let import = identity.check_import(&caller, id, &mapping).await?;
    Ok(Json(import.into()))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CommitBody {
    /// Whether each of them gets a mail with a link; not unless said.
    #[serde(default)]
    invite: bool,
}

/// Takes the good lines over, all of them in one transaction, in the background. Needs
/// `users.write`.
#[utoipa::path(post, path = "/users/imports/{id}/commit", tag = "people",
    operation_id = "commit_import",
    params(("id" = ImportId, Path, description = "The file")), request_body = CommitBody,
    responses((status = 202, body = ImportView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`not_checked`, `nobody_meant`, `import_over`")))]
pub(super) async fn commit(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<ImportId>,
    Json(body): Json<CommitBody>,
) -> Result<(StatusCode, Json<ImportView>)> {
    let import = identity.commit_import(&caller, id, body.invite).await?;
    Ok((StatusCode::ACCEPTED, Json(import.into())))
}

/// How far a file has come. Needs `users.write`; it is its sender's.
#[utoipa::path(get, path = "/users/imports/{id}", tag = "people", operation_id = "import",
    params(("id" = ImportId, Path, description = "The file")), responses(
        (status = 200, body = ImportView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn get(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<ImportId>,
) -> Result<Json<ImportView>> {
    Ok(Json(identity.import(&caller, id).await?.into()))
}

/// Lines that cannot be taken over, and why. Needs `users.write`.
#[utoipa::path(get, path = "/users/imports/{id}/faults", tag = "people",
    operation_id = "import_faults",
    params(("id" = ImportId, Path, description = "The file"), PageQuery), responses(
        (status = 200, body = Page<LineView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn faults(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<ImportId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<LineView>>> {
    let page = identity.import_faults(&caller, id, &page).await?;
    Ok(Json(page.map(LineView::from)))
}

/// The same as a file, to be mended and sent again. Needs `users.write`.
#[utoipa::path(get, path = "/users/imports/{id}/faults.csv", tag = "people",
    operation_id = "import_faults_file",
    params(("id" = ImportId, Path, description = "The file")), responses(
        (status = 200, description = "The file", body = String, content_type = "text/csv"),
        (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn faults_file(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<ImportId>,
) -> Result<Response> {
    let file = identity.import_faults_file(&caller, id).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"problems.csv\"",
        ),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, file).into_response())
}
