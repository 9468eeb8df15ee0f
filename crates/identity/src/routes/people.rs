//! The list of people, for staff.

use super::{
    people_filter::FilterQuery,
    people_views::PersonDetailView,
    views::{CountView, PeopleView, PersonView, TotalsView},
};
use crate::{Identity, actions::people::Order};
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
pub(super) struct OrderQuery {
    /// `-created_at` (who joined last comes first, unless said), `created_at`, `name` or
    /// `-name`.
    #[param(inline)]
    sort: Option<Sort>,
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
    params(FilterQuery, OrderQuery, PageQuery), responses(
        (status = 200, body = PeopleView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn list(
    State(identity): State<Identity>,
    caller: Principal,
    Query(filter): Query<FilterQuery>,
    Query(order): Query<OrderQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<PeopleView>> {
    let order = match order.sort {
        Some(Sort::Newest) | None => Order::Newest,
        Some(Sort::Oldest) => Order::Oldest,
        Some(Sort::Name) => Order::Name,
        Some(Sort::NameBackwards) => Order::NameBackwards,
    };
    let filter = filter.parse()?;
    let (page, matching) = identity.people(&caller, &filter, order, &page).await?;
    Ok(Json(PeopleView {
        items: page.items.into_iter().map(PersonView::from).collect(),
        next_cursor: page.next_cursor,
        total: matching.count,
        more: matching.more,
    }))
}

/// How many match, however many that is: asked beside the list, and before many are acted
/// on. Needs `users.read`.
#[utoipa::path(get, path = "/users/count", tag = "people", operation_id = "count_people",
    params(FilterQuery), responses((status = 200, body = CountView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn count(
    State(identity): State<Identity>,
    caller: Principal,
    Query(filter): Query<FilterQuery>,
) -> Result<Json<CountView>> {
    let count = identity.count_people(&caller, &filter.parse()?).await?;
    Ok(Json(CountView { count }))
}

/// One person. Needs `users.read`.
#[utoipa::path(get, path = "/users/{id}", tag = "people", operation_id = "person",
    params(("id" = UserId, Path, description = "The person")), responses(
        (status = 200, body = PersonDetailView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn get(
    State(identity): State<Identity>,
    caller: Principal,
    Path(id): Path<UserId>,
) -> Result<Json<PersonDetailView>> {
    let detail = identity.person_detail(&caller, id).await?;
    let trash = identity.trash();
    let minutes = identity.impersonation_minutes();
    let view = PersonDetailView::of(detail, &caller, trash, minutes);
    Ok(Json(view))
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
