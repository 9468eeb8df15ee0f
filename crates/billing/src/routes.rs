//! The API of the domain, under `/api/v1`: `/tiers` and `/features` for staff,
//! `/users/{id}/membership` and `/me/membership` for who holds what; beside it, what is sold.

mod payments;
mod shop;
mod webhooks;

pub use webhooks::webhooks;

use crate::{
    Billing,
    model::{
        Benefit, Feature, FeatureRow, Grant, Holder, Key, Membership, Opened, Tier, TierId,
        TierText, payments::Price,
    },
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
pub fn router() -> OpenApiRouter<Billing> {
    OpenApiRouter::new()
        .routes(routes!(tiers, create_tier))
        .routes(routes!(change_tier))
        .routes(routes!(holders))
        .routes(routes!(features))
        .routes(routes!(put_feature, delete_feature))
        .routes(routes!(my_membership))
        .routes(routes!(membership, grant, revoke))
        .routes(routes!(shop::set_price, shop::drop_price))
        .routes(routes!(shop::offers))
        .routes(routes!(shop::check_out))
        .routes(routes!(shop::portal))
        .routes(routes!(shop::end_subscription))
        .routes(routes!(payments::my_payments))
        .routes(routes!(payments::payments))
        .routes(routes!(webhooks::deliver_payment_event))
}

/// A tier, as staff see it.
#[derive(Serialize, utoipa::ToSchema)]
struct TierView {
    id: TierId,
    /// What code and audiences call it.
    key: String,
    name: String,
    description: String,
    /// The lowest stands first.
    position: i32,
    /// How many people hold it.
    holders: i64,
    /// Since when nobody new gets it.
    #[serde(with = "time::serde::rfc3339::option")]
    archived_at: Option<OffsetDateTime>,
    features: Vec<Opened>,
    /// What it costs, if it is sold: at most one price for each interval.
    prices: Vec<Price>,
}

impl From<Tier> for TierView {
    fn from(tier: Tier) -> Self {
        Self {
            id: tier.id,
            key: tier.key,
            name: tier.name,
            description: tier.description,
            position: tier.position,
            holders: tier.holders,
            archived_at: tier.archived_at,
            features: tier.features,
            prices: tier.prices,
        }
    }
}

#[derive(Serialize, utoipa::ToSchema)]
struct TiersView {
    items: Vec<TierView>,
}

/// Every tier, the archived last. Needs `billing.read` or `updates.publish`.
#[utoipa::path(get, path = "/tiers", tag = "billing", operation_id = "tiers", responses(
    (status = 200, body = TiersView), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn tiers(State(billing): State<Billing>, caller: Principal) -> Result<Json<TiersView>> {
    let items = billing.tiers(&caller).await?;
    let items = items.into_iter().map(TierView::from).collect();
    Ok(Json(TiersView { items }))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTierBody {
    /// A small letter, then small letters, digits and hyphens: at most 40. It stays.
    key: String,
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    position: i32,
    #[serde(default)]
    features: Vec<Opened>,
}

/// Makes a tier. Needs `billing.write`.
#[utoipa::path(post, path = "/tiers", tag = "billing", operation_id = "create_tier",
    request_body = NewTierBody, responses(
        (status = 201, body = TierView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
async fn create_tier(
    State(billing): State<Billing>,
    caller: Principal,
    Json(body): Json<NewTierBody>,
) -> Result<(StatusCode, Json<TierView>)> {
    let key = Key::parse("key", &body.key)?;
    let said = TierText::parse(&body.name, &body.description, body.position, body.features)?;
    let tier = billing.create_tier(&caller, &key, &said).await?;
    Ok((StatusCode::CREATED, Json(tier.into())))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct TierBody {
    name: String,
    description: String,
    position: i32,
    features: Vec<Opened>,
    /// Nobody new gets an archived tier; who holds it keeps it.
    archived: bool,
}

/// Says anew what a tier is. Needs `billing.write`.
#[utoipa::path(put, path = "/tiers/{id}", tag = "billing", operation_id = "change_tier",
    params(("id" = TierId, Path, description = "The tier")), request_body = TierBody, responses(
        (status = 200, body = TierView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn change_tier(
    State(billing): State<Billing>,
    caller: Principal,
    Path(id): Path<TierId>,
    Json(body): Json<TierBody>,
) -> Result<Json<TierView>> {
    let said = TierText::parse(&body.name, &body.description, body.position, body.features)?;
    let tier = billing
        .change_tier(&caller, id, &said, body.archived)
        .await?;
    Ok(Json(tier.into()))
}

/// One who holds a tier.
#[derive(Serialize, utoipa::ToSchema)]
struct HolderView {
    id: UserId,
    name: String,
    email: String,
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    until: Option<OffsetDateTime>,
}

/// Who holds a tier. Needs `billing.read`.
#[utoipa::path(get, path = "/tiers/{id}/holders", tag = "billing", operation_id = "tier_holders",
    params(("id" = TierId, Path, description = "The tier"), PageQuery), responses(
        (status = 200, body = Page<HolderView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn holders(
    State(billing): State<Billing>,
    caller: Principal,
    Path(id): Path<TierId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<HolderView>>> {
    let held = billing.holders(&caller, id, &page).await?;
    Ok(Json(held.map(|holder: Holder| HolderView {
        id: holder.user,
        name: holder.name,
        email: holder.email,
        since: holder.since,
        until: holder.until,
    })))
}

/// Something that a tier can open.
#[derive(Serialize, utoipa::ToSchema)]
struct FeatureView {
    key: String,
    name: String,
    description: String,
    /// How many tiers open it.
    tiers: i64,
}

#[derive(Serialize, utoipa::ToSchema)]
struct FeaturesView {
    items: Vec<FeatureView>,
}

/// Every feature that a tier may open. Needs `billing.read`.
#[utoipa::path(get, path = "/features", tag = "billing", operation_id = "features", responses(
    (status = 200, body = FeaturesView), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn features(State(billing): State<Billing>, caller: Principal) -> Result<Json<FeaturesView>> {
    let rows = billing.features(&caller).await?;
    let view = |row: FeatureRow| FeatureView {
        key: row.key,
        name: row.name,
        description: row.description,
        tiers: row.tiers,
    };
    let items = rows.into_iter().map(view).collect();
    Ok(Json(FeaturesView { items }))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct FeatureBody {
    name: String,
    #[serde(default)]
    description: String,
}

/// Writes a feature, new or known. Needs `billing.write`.
#[utoipa::path(put, path = "/features/{key}", tag = "billing", operation_id = "put_feature",
    params(("key" = String, Path, description = "What code calls it")),
    request_body = FeatureBody, responses(
        (status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem)))]
async fn put_feature(
    State(billing): State<Billing>,
    caller: Principal,
    Path(key): Path<String>,
    Json(body): Json<FeatureBody>,
) -> Result<StatusCode> {
    let feature = Feature::parse(&key, &body.name, &body.description)?;
    billing.put_feature(&caller, &feature).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a feature that no tier opens. Needs `billing.write`.
#[utoipa::path(delete, path = "/features/{key}", tag = "billing", operation_id = "delete_feature",
    params(("key" = String, Path, description = "What code calls it")), responses(
        (status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem,
            description = "`feature_in_use`"), (status = 422, body = Problem)))]
async fn delete_feature(
    State(billing): State<Billing>,
    caller: Principal,
    Path(key): Path<String>,
) -> Result<StatusCode> {
    billing
        .delete_feature(&caller, &Key::parse("key", &key)?)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Something that a tier opens, in words.
#[derive(Serialize, utoipa::ToSchema)]
struct BenefitView {
    key: String,
    name: String,
    description: String,
    /// How much of it; without limit if absent.
    amount: Option<i64>,
}

/// Which tier somebody holds.
#[derive(Serialize, utoipa::ToSchema)]
struct MembershipView {
    /// The tier's key.
    tier: String,
    name: String,
    description: String,
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    until: Option<OffsetDateTime>,
    /// What it opens.
    features: Vec<BenefitView>,
    /// Why it was given; for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<Benefit> for BenefitView {
    fn from(benefit: Benefit) -> Self {
        Self {
            key: benefit.key,
            name: benefit.name,
            description: benefit.description,
            amount: benefit.amount,
        }
    }
}

impl MembershipView {
    fn of((held, benefits): (Membership, Vec<Benefit>), reason: bool) -> Self {
        Self {
            tier: held.tier,
            name: held.name,
            description: held.description,
            since: held.since,
            until: held.until,
            features: benefits.into_iter().map(BenefitView::from).collect(),
            reason: held.reason.filter(|_| reason),
        }
    }
}

/// What somebody holds, if anything.
#[derive(Serialize, utoipa::ToSchema)]
struct HeldView {
    membership: Option<MembershipView>,
    /// What they have subscribed to; for staff. `/me/offers` says it to its owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription: Option<shop::SubscriptionView>,
}

/// Which tier the caller holds, and what it opens.
#[utoipa::path(get, path = "/me/membership", tag = "billing", operation_id = "my_membership",
    responses((status = 200, body = HeldView), (status = 401, body = Problem)))]
async fn my_membership(
    State(billing): State<Billing>,
    caller: Principal,
) -> Result<Json<HeldView>> {
    let held = billing.membership(&caller, caller.user).await?;
    let membership = held.map(|held| MembershipView::of(held, false));
    Ok(Json(HeldView {
        membership,
        subscription: None,
    }))
}

/// Which tier somebody holds, what it opens, and what they pay. Needs `billing.read`.
#[utoipa::path(get, path = "/users/{id}/membership", tag = "billing", operation_id = "membership",
    params(("id" = UserId, Path, description = "The person")), responses(
        (status = 200, body = HeldView), (status = 401, body = Problem),
        (status = 403, body = Problem)))]
async fn membership(
    State(billing): State<Billing>,
    caller: Principal,
    Path(user): Path<UserId>,
) -> Result<Json<HeldView>> {
    caller.require(kernel::Permission::BillingRead)?;
    let held = billing.membership(&caller, user).await?;
    let membership = held.map(|held| MembershipView::of(held, true));
    let subscription = billing.subscription(&caller, user).await?.map(Into::into);
    Ok(Json(HeldView {
        membership,
        subscription,
    }))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct GrantBody {
    /// The tier's key.
    tier: String,
    /// When it ends; never unless said.
    #[serde(default, with = "time::serde::rfc3339::option")]
    until: Option<OffsetDateTime>,
    /// Why it is given; for colleagues.
    reason: Option<String>,
}

/// Gives somebody a tier, in place of what they hold. Needs `billing.write`.
#[utoipa::path(put, path = "/users/{id}/membership", tag = "billing",
    operation_id = "grant_membership",
    params(("id" = UserId, Path, description = "The person")),
    request_body = GrantBody, responses(
        (status = 200, body = HeldView), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
async fn grant(
    State(billing): State<Billing>,
    caller: Principal,
    Path(user): Path<UserId>,
    Json(body): Json<GrantBody>,
) -> Result<Json<HeldView>> {
    let now = billing.0.clock.now();
    let grant = Grant::parse(&body.tier, body.until, body.reason.as_deref(), now)?;
    let held = billing.grant(&caller, user, &grant).await?;
    let membership = Some(MembershipView::of(held, true));
    let subscription = billing.subscription(&caller, user).await?.map(Into::into);
    Ok(Json(HeldView {
        membership,
        subscription,
    }))
}

/// Takes away what somebody holds. Needs `billing.write`.
#[utoipa::path(delete, path = "/users/{id}/membership", tag = "billing",
    operation_id = "revoke_membership",
    params(("id" = UserId, Path, description = "The person")), responses(
        (status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
async fn revoke(
    State(billing): State<Billing>,
    caller: Principal,
    Path(user): Path<UserId>,
) -> Result<StatusCode> {
    billing.revoke(&caller, user).await?;
    Ok(StatusCode::NO_CONTENT)
}
