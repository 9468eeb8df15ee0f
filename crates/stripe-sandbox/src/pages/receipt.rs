//! The receipt of a charge that no invoice is behind.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::parts::{page, wrong};
use crate::core::{ApiError, Read, calendar, json, money};
use crate::sandbox::Sandbox;

/// Shows the page.
pub(super) async fn show(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    let found = sandbox
        .read(|state| {
            state
                .of("charge", &id)
                .filter(|charge| charge.b("paid"))
                .cloned()
        })
        .await
        .and_then(|found| found.ok_or_else(|| ApiError::missing("charge", &id, "id")));
    let charge = match found {
        Ok(charge) => charge,
        Err(error) => return wrong(&sandbox, &error),
    };
    let show = |amount: i64| money::show(amount, charge.s("currency"));
    let back = charge.i("amount_refunded");
    let card = &charge["payment_method_details"]["card"];
    let context = json!({
        "amount": show(charge.i("amount")), "refunded": (back > 0).then(|| show(-back)), "day": calendar::day(charge.i("created")), "id": id,
        "description": charge["description"], "brand": super::invoice::brand(&charge["payment_method_details"]), "last4": card["last4"],
    });
    page(&sandbox, StatusCode::OK, "receipt.html", context)
}
