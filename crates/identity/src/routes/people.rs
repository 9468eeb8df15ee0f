//! The list of people, for staff.

use super::views::{PeopleView, PersonView, TotalsView};
use crate::{
    Identity,
    actions::people::{Order, Search},
    model::Status,
};
use axum::extract::State;
use kernel::{
    Principal, Result,
    error::Problem,
    extract::{Json, Path, Query},
    id::UserId,
    page::PageQuery,
};
use serde::Deserialize;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PeopleQuery {
    /// Part of a name or an address.
    search: Option<String>,
    /// How the account stands.
    status: Option<Status>,
    /// A role they hold.
    role: Option<String>,
    /// Only who is here now.
    online: Option<bool>,
    /// `-created_at` (who joined last comes first, unless said), `created_at`, `name` or
    /// `-name`.
    #[param(inline)]
    sort: Option<Sort>,
    /// Where the page before ended, as it said.
    cursor: Option<String>,
    /// How many rows, 1 to 100; 20 unless said.
    limit: Option<u32>,
}

#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
enum Sort {
    #[serde(rename = "-created_at")]
    Newest,
    #[serde(rename = "created_at")]
    Oldest,
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "-name")]
    NameBackwards,
}

/// People, searched and narrowed on the server. Needs `users.read`.
#[utoipa::path(get, path = "/users", tag = "people", operation_id = "people",
    params(PeopleQuery), responses(
        (status = 200, body = PeopleView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn list(
    State(identity): State<Identity>,
    caller: Principal,
    Query(query): Query<PeopleQuery>,
) -> Result<Json<PeopleView>> {
    let search = Search {
        text: query.search,
        status: query.status,
        role: query.role.filter(|role| !role.is_empty()),
        online: query.online.unwrap_or(false),
        order: match query.sort {
            Some(Sort::Newest) | None => Order::Newest,
            Some(Sort::Oldest) => Order::Oldest,
            Some(Sort::Name) => Order::Name,
            Some(Sort::NameBackwards) => Order::NameBackwards,
        },
    };
    let page = PageQuery {
        cursor: query.cursor,
        limit: query.limit,
    };
    let (page, total) = identity.people(&caller, &search, &page).await?;
    Ok(Json(PeopleView {
        items: page.items.into_iter().map(PersonView::from).collect(),
        next_cursor: page.next_cursor,
        total,
    }))
}

/// One person. Needs `users.read`.
#[utoipa::path(get, path = "/users/{id}", tag = "people", operation_id = "person",
    params(("id" = UserId, Path, description = "The person")), responses(
        (status = 200, body = PersonView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn get(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<UserId>,
) -> Result<Json<PersonView>> {
    Ok(Json(identity.person(&caller, id).await?.into()))
}

/// How many people there are and how many are online. Needs `users.read`.
#[utoipa::path(get, path = "/users/totals", tag = "people", operation_id = "people_totals",
    responses((status = 200, body = TotalsView), (status = 401, body = Problem),
        (status = 403, body = Problem)))]
pub(super) async fn totals(
    State(identity): State<Identity>,
    caller: Principal,
) -> Result<Json<TotalsView>> {
    let (people, online) = identity.totals(&caller).await?;
    Ok(Json(TotalsView { people, online }))
}
