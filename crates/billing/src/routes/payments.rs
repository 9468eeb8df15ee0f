//! What was paid: one's own, and everybody's for staff.

use crate::{
    Billing,
    model::payments::{Payment, PaymentId, PaymentStatus},
};
use axum::extract::State;
use kernel::{
    Principal, Result,
    error::Problem,
    extract::{Json, Query},
    id::UserId,
    page::{Page, PageQuery},
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Who paid.
#[derive(Serialize, utoipa::ToSchema)]
struct PayerView {
    id: UserId,
    /// Absent once the account is gone.
    name: Option<String>,
    email: Option<String>,
}

/// A payment.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct PaymentView {
    id: PaymentId,
    /// For staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    payer: Option<PayerView>,
    /// `waiting`, `paid`, `failed`, `canceled` or `refunded`.
    status: String,
    /// ISO 4217, in small letters.
    currency: String,
    /// In the currency's smallest unit.
    amount: i64,
    /// How much of it went back.
    refunded: i64,
    /// What for.
    description: Option<String>,
    /// As in `visa 4242`.
    card: Option<String>,
    /// Why it failed.
    failure: Option<String>,
    invoice_number: Option<String>,
    /// The invoice, at the payment provider.
    invoice_url: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl PaymentView {
    fn of(payment: Payment, payer: bool) -> Self {
        let payer = payer.then_some(PayerView {
            id: payment.user,
            name: payment.name,
            email: payment.email,
        });
        Self {
            id: payment.id,
            payer,
            status: payment.status,
            currency: payment.currency,
            amount: payment.amount,
            refunded: payment.refunded,
            description: payment.description,
            card: payment.card,
            failure: payment.failure,
            invoice_number: payment.invoice_number,
            invoice_url: payment.invoice_url,
            created_at: payment.created_at,
        }
    }
}

/// What the caller paid, the latest first.
#[utoipa::path(get, path = "/me/payments", tag = "billing", operation_id = "my_payments",
    params(PageQuery), responses(
        (status = 200, body = Page<PaymentView>), (status = 401, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn my_payments(
    State(billing): State<Billing>,
    caller: Principal,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<PaymentView>>> {
    let payments = billing.my_payments(&caller, &page).await?;
    Ok(Json(payments.map(|one| PaymentView::of(one, false))))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PaymentsQuery {
    /// Only this person's.
    user: Option<UserId>,
    /// Only those that stand so.
    #[param(inline)]
    status: Option<PaymentStatus>,
    cursor: Option<String>,
    limit: Option<u32>,
}

/// What everybody paid, the latest first. Needs `billing.read`.
#[utoipa::path(get, path = "/payments", tag = "billing", operation_id = "payments",
    params(PaymentsQuery), responses(
        (status = 200, body = Page<PaymentView>), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn payments(
    State(billing): State<Billing>,
    caller: Principal,
    Query(query): Query<PaymentsQuery>,
) -> Result<Json<Page<PaymentView>>> {
    let page = PageQuery {
        cursor: query.cursor,
        limit: query.limit,
    };
    let payments = billing
        .payments(&caller, query.user, query.status, &page)
        .await?;
    Ok(Json(payments.map(|one| PaymentView::of(one, true))))
}
