//! Which project is trusted, and how it stands with it.

use super::runs::RunView;
use crate::{
    HostedStack,
    actions::{Health, NewConnection, State as Standing},
    model::Rule,
};
use axum::{extract::State, http::StatusCode};
use kernel::{Principal, Result, error::Problem, extract::Json};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

/// The project, without its secrets.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct HostedProjectView {
    project_id: Uuid,
    api_url: String,
    /// How many webhook secrets are good now.
    webhook_secrets: usize,
    sign_up: bool,
    link_verified_email: bool,
    roles: Vec<Rule>,
    /// Whether the configuration file names it: then it is changed there.
    from_file: bool,
}

/// How it stands with the hosted project.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct HostedStateView {
    /// Where the project is to send its webhooks.
    webhook_url: String,
    project: Option<HostedProjectView>,
    /// People there who have an account here.
    people: i64,
    /// People there who were refused one.
    refused: i64,
    #[serde(with = "time::serde::rfc3339::option")]
    last_event_at: Option<OffsetDateTime>,
    /// Webhooks that are still to be applied.
    waiting: i64,
    /// Webhooks that failed for good.
    failed: i64,
    /// When this server last read the project's public keys.
    #[serde(with = "time::serde::rfc3339::option")]
    keys_read_at: Option<OffsetDateTime>,
    last_run: Option<RunView>,
}

impl From<Standing> for HostedStateView {
    fn from(state: Standing) -> Self {
        let project = state.connection.map(|of| HostedProjectView {
            project_id: of.project,
            api_url: of.address.to_string(),
            webhook_secrets: of.webhook_secrets.len(),
            sign_up: of.sign_up,
            link_verified_email: of.link_verified_email,
            roles: of.rules.clone(),
            from_file: of.from_file,
        });
        Self {
            webhook_url: state.webhook_url,
            project,
            people: state.linked,
            refused: state.refused,
            last_event_at: state.last_event_at,
            waiting: state.waiting,
            failed: state.failed,
            keys_read_at: state.keys_read_at,
            last_run: state.last_run.map(RunView::from),
        }
    }
}

/// How it stands with the hosted project. Needs `system.read`.
#[utoipa::path(get, path = "/hosted-stack", tag = "hosted-stack", operation_id = "hosted_project",
    responses((status = 200, body = HostedStateView), (status = 401, body = Problem),
        (status = 403, body = Problem)))]
pub(super) async fn state(
    State(hosted): State<HostedStack>,
    caller: Principal,
) -> Result<Json<HostedStateView>> {
    Ok(Json(hosted.state(&caller).await?.into()))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HostedProjectBody {
    project_id: Uuid,
    /// Without `/api/v1`: `https://api.stack-auth.com`.
    api_url: String,
    /// Kept as it is unless said; needed when the project or its address changes.
    #[schema(value_type = Option<String>)]
    secret_server_key: Option<SecretString>,
    /// All that are good from now on; kept as they are unless said.
    #[schema(value_type = Option<Vec<String>>)]
    webhook_secrets: Option<Vec<SecretString>>,
    sign_up: bool,
    link_verified_email: bool,
    /// What gives which role: nobody gives a role here that they could not give by hand.
    #[serde(default)]
    roles: Vec<Rule>,
}

/// Trusts a hosted project, after it answered with this key. Needs `system.manage`.
#[utoipa::path(put, path = "/hosted-stack", tag = "hosted-stack",
    operation_id = "connect_hosted_project", request_body = HostedProjectBody, responses(
        (status = 200, body = HostedStateView), (status = 401, body = Problem),
        (status = 403, body = Problem, description = "`confirmation_required`, `grants_more`"),
        (status = 409, body = Problem, description = "`set_in_file`"),
        (status = 422, body = Problem)))]
pub(super) async fn connect(
    State(hosted): State<HostedStack>,
    caller: Principal,
    Json(body): Json<HostedProjectBody>,
) -> Result<Json<HostedStateView>> {
    let new = NewConnection {
        project: body.project_id,
        address: body.api_url,
        server_key: body.secret_server_key,
        webhook_secrets: body.webhook_secrets,
        sign_up: body.sign_up,
        link_verified_email: body.link_verified_email,
        rules: body.roles,
    };
    hosted.connect(&caller, new).await?;
    Ok(Json(hosted.state(&caller).await?.into()))
}

/// Trusts it no longer: who came in by it is signed out, and keeps the account. Needs
/// `system.manage`.
#[utoipa::path(delete, path = "/hosted-stack", tag = "hosted-stack",
    operation_id = "disconnect_hosted_project", responses(
        (status = 204), (status = 401, body = Problem),
        (status = 403, body = Problem, description = "`confirmation_required`"),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`set_in_file`")))]
pub(super) async fn disconnect(
    State(hosted): State<HostedStack>,
    caller: Principal,
) -> Result<StatusCode> {
    hosted.disconnect(&caller).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether the project answers now.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct HostedHealthView {
    /// What is wrong with its public keys; nothing if all is well.
    keys: Option<String>,
    /// What is wrong with asking it about people; nothing if all is well.
    api: Option<String>,
}

/// Asks the project whether all is well. Needs `system.manage`.
#[utoipa::path(post, path = "/hosted-stack/check", tag = "hosted-stack",
    operation_id = "check_hosted_project", responses(
        (status = 200, body = HostedHealthView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn check(
    State(hosted): State<HostedStack>,
    caller: Principal,
) -> Result<Json<HostedHealthView>> {
    let Health { keys, api } = hosted.check(&caller).await?;
    Ok(Json(HostedHealthView { keys, api }))
}
