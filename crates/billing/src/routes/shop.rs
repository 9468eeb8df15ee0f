//! What is sold: prices for staff, offers and the way to the payment page for members.

use super::TierView;
use crate::{
    Billing,
    actions::Offers,
    model::{
        TierId,
        payments::{Cost, Interval, Price, PriceId, Subscription},
    },
};
use axum::{extract::State, http::StatusCode};
use kernel::{
    Principal, Result,
    error::Problem,
    extract::{Json, Path},
    id::UserId,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceBody {
    /// ISO 4217, as `eur`.
    currency: String,
    /// In the currency's smallest unit: 2400 is 24.00 EUR, and 2400 JPY.
    amount: i64,
}

/// Offers a tier at a price, in place of the one before. Who subscribed keeps what they pay.
/// Needs `billing.write`.
#[utoipa::path(put, path = "/tiers/{id}/prices/{interval}", tag = "billing",
    operation_id = "set_price",
    params(("id" = TierId, Path, description = "The tier"),
        ("interval" = Interval, Path, description = "How often it is paid")),
    request_body = PriceBody, responses(
        (status = 200, body = Price), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn set_price(
    State(billing): State<Billing>,
    caller: Principal,
    Path((tier, interval)): Path<(TierId, Interval)>,
    Json(body): Json<PriceBody>,
) -> Result<Json<Price>> {
    let cost = Cost::parse(&body.currency, body.amount)?;
    let price = billing.set_price(&caller, tier, interval, &cost).await?;
    Ok(Json(price))
}

/// Offers a tier at this interval no more. Needs `billing.write`.
#[utoipa::path(delete, path = "/tiers/{id}/prices/{interval}", tag = "billing",
    operation_id = "drop_price",
    params(("id" = TierId, Path, description = "The tier"),
        ("interval" = Interval, Path, description = "How often it was paid")),
    responses(
        (status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub(super) async fn drop_price(
    State(billing): State<Billing>,
    caller: Principal,
    Path((tier, interval)): Path<(TierId, Interval)>,
) -> Result<StatusCode> {
    billing.drop_price(&caller, tier, interval).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What somebody has subscribed to.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct SubscriptionView {
    /// The tier's key; absent if what is paid for is no tier of this place.
    tier: Option<String>,
    name: Option<String>,
    /// `active`, `trialing`, `past_due`, `unpaid` or `paused`, as Stripe has it.
    status: String,
    /// When what is paid for now ends; then it is renewed, unless `ends_at` says otherwise.
    #[serde(with = "time::serde::rfc3339::option")]
    period_ends_at: Option<OffsetDateTime>,
    /// When it ends for good, if an end is set.
    #[serde(with = "time::serde::rfc3339::option")]
    ends_at: Option<OffsetDateTime>,
    /// In the currency's smallest unit.
    amount: Option<i64>,
    currency: Option<String>,
    interval: Option<String>,
}

impl From<Subscription> for SubscriptionView {
    fn from(held: Subscription) -> Self {
        Self {
            tier: held.tier,
            name: held.name,
            status: held.status,
            period_ends_at: held.period_ends_at,
            ends_at: held.ends_at,
            amount: held.amount,
            currency: held.currency,
            interval: held.interval,
        }
    }
}

/// A tier that can be subscribed to.
#[derive(Serialize, utoipa::ToSchema)]
struct OfferView {
    key: String,
    name: String,
    description: String,
    features: Vec<super::BenefitView>,
    prices: Vec<Price>,
}

/// What the caller could subscribe to, and what they have subscribed to.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct OffersView {
    /// Whether anything can be paid for here.
    on_sale: bool,
    items: Vec<OfferView>,
    subscription: Option<SubscriptionView>,
}

impl From<Offers> for OffersView {
    fn from(offers: Offers) -> Self {
        let offer = |(tier, benefits): (crate::model::Tier, Vec<crate::model::Benefit>)| {
            let tier = TierView::from(tier);
            OfferView {
                key: tier.key,
                name: tier.name,
                description: tier.description,
                features: benefits.into_iter().map(Into::into).collect(),
                prices: tier.prices,
            }
        };
        Self {
            on_sale: offers.on_sale,
            items: offers.tiers.into_iter().map(offer).collect(),
            subscription: offers.subscription.map(Into::into),
        }
    }
}

/// What the caller could subscribe to, and what they have subscribed to.
#[utoipa::path(get, path = "/me/offers", tag = "billing", operation_id = "offers",
    responses((status = 200, body = OffersView), (status = 401, body = Problem)))]
pub(super) async fn offers(
    State(billing): State<Billing>,
    caller: Principal,
) -> Result<Json<OffersView>> {
    Ok(Json(billing.offers(&caller).await?.into()))
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckoutBody {
    /// Which price.
    price: PriceId,
}

/// A page of the payment provider.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct PageView {
    /// Where the browser goes next.
    url: String,
}

/// Begins to subscribe: the answer names the payment page. One that was begun before ends.
#[utoipa::path(post, path = "/me/checkout", tag = "billing", operation_id = "check_out",
    request_body = CheckoutBody, responses(
        (status = 201, body = PageView), (status = 401, body = Problem),
        (status = 409, body = Problem, description = "`payments_off`, `subscribed_already`"),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn check_out(
    State(billing): State<Billing>,
    caller: Principal,
    Json(body): Json<CheckoutBody>,
) -> Result<(StatusCode, Json<PageView>)> {
    let url = billing.check_out(&caller, body.price).await?;
    Ok((StatusCode::CREATED, Json(PageView { url })))
}

/// The page on which the caller changes cards, changes the plan or cancels it.
#[utoipa::path(post, path = "/me/billing-portal", tag = "billing",
    operation_id = "billing_portal", responses(
        (status = 201, body = PageView), (status = 401, body = Problem),
        (status = 409, body = Problem, description = "`payments_off`, `no_subscription`"),
        (status = 503, body = Problem)))]
pub(super) async fn portal(
    State(billing): State<Billing>,
    caller: Principal,
) -> Result<(StatusCode, Json<PageView>)> {
    let url = billing.portal(&caller).await?;
    Ok((StatusCode::CREATED, Json(PageView { url })))
}

/// Has somebody's subscription end with what is paid for. Needs `billing.write`.
#[utoipa::path(delete, path = "/users/{id}/subscription", tag = "billing",
    operation_id = "end_subscription",
    params(("id" = UserId, Path, description = "The person")), responses(
        (status = 204), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, body = Problem),
        (status = 409, body = Problem, description = "`payments_off`"),
        (status = 503, body = Problem)))]
pub(super) async fn end_subscription(
    State(billing): State<Billing>,
    caller: Principal,
    Path(user): Path<UserId>,
) -> Result<StatusCode> {
    billing.end_subscription(&caller, user).await?;
    Ok(StatusCode::NO_CONTENT)
}
