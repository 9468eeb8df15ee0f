//! Invoice items: single charges and credits that wait for the next invoice.

use super::super::{Args, copy, deleted, list, prices, tax};
use super::{KIND, lines, totals};
use crate::core::json::list_mut;
use crate::core::schema::merge_metadata;
use crate::core::{ApiError, Cx, Read, Result, Value, json, money};

const ITEM: &str = "invoiceitem";

/// POST /v1/invoiceitems
#[expect(
    clippy::too_many_lines,
    reason = "one object or one story, told in order; pieces of it mean nothing alone"
)]
pub(crate) fn create(cx: &mut Cx<'_>, a: &Args) -> Result {
    let p = &a.p;
    let invoice = p
        .opt("invoice")
        .map(|id| cx.take(KIND, id, "invoice"))
        .transpose()?;
    let customer = p
        .opt("customer")
        .map(str::to_owned)
        .or_else(|| {
            invoice
                .as_ref()
                .map(|invoice| invoice.s("customer").to_owned())
        })
        .ok_or_else(|| {
            ApiError::param("customer", "Missing required param: customer.")
                .code("parameter_missing")
        })?;
    let holder = cx.find("customer", &customer, "customer")?;
    cx.enter_doc(&holder);
    let quantity = p.opt_i("quantity").unwrap_or(1);
    for field in ["quantity_decimal", "tax_behavior", "tax_code"] {
        if p.has(field) {
            return Err(ApiError::not_imitated(field));
        }
    }
    let price = if p["pricing"].has("price") {
        Some(prices::resolve(cx, &p["pricing"], "pricing", Some(false))?)
    } else if p.has("price_data") {
        Some(prices::resolve(cx, p, "", Some(false))?)
    } else {
        None
    };
    let (amount, currency, unit) = if let Some(price) = &price {
        (
            price.i("unit_amount").saturating_mul(quantity),
            price.s("currency").to_owned(),
            price.s("unit_amount_decimal").to_owned(),
        )
    } else {
        let amount = p.opt_i("amount").ok_or_else(|| {
            ApiError::param(
                "amount",
                "One of amount, pricing or price_data must be given.",
            )
            .code("parameter_missing")
        })?;
        let currency = p.opt("currency").map_or_else(
            || {
                invoice.as_ref().map_or_else(
                    || "usd".to_owned(),
                    |invoice| invoice.s("currency").to_owned(),
                )
            },
            str::to_lowercase,
        );
        (amount, currency, amount.to_string())
    };
    if !money::known(&currency) {
        return Err(ApiError::param(
            "currency",
            format!("Invalid currency: {currency}."),
        ));
    }
    let subscription = p
        .opt("subscription")
        .map(|id| cx.find("subscription", id, "subscription"))
        .transpose()?;
    let rates = tax::rates(cx, &p["tax_rates"], "tax_rates")?;
    let discounts =
        super::super::coupons::redeem(cx, p.list("discounts"), &customer, ("invoice_item", ""))?;
    let details = price
        .as_ref()
        .map(|price| json!({"price": price["id"], "product": price["product"]}));
    let mut item = cx.object(ITEM, "ii", json!({
        "amount": amount, "net_amount": amount, "currency": currency, "customer": customer, "date": cx.now, "discountable": p["discountable"].as_bool().unwrap_or(amount >= 0), "discounts": discounts, "metadata": {},
        "period": if p["period"].is_object() { p["period"].clone() } else { json!({"start": cx.now, "end": cx.now}) }, "proration": false, "quantity": quantity, "quantity_decimal": quantity.to_string(), "tax_rates": rates,
        "test_clock": holder["test_clock"], "pricing": {"type": "price_details", "price_details": details, "unit_amount_decimal": unit},
        "parent": subscription.as_ref().map(|sub| json!({"type": "subscription_details", "subscription_details": {"subscription": sub["id"]}})),
    }));
    item.put(
        "description",
        match (p.opt("description"), &price) {
            (Some(text), _) => json!(text),
            (None, Some(price)) => cx
                .state
                .get(price.s("product"))
                .map_or(Value::Null, |product| product["name"].clone()),
            _ => Value::Null,
        },
    );
    merge_metadata(&mut item, &p["metadata"]);
    if let Some(mut invoice) = invoice {
        if invoice.s("status") != "draft" {
            return Err(
                ApiError::param("invoice", "This invoice is no longer editable.")
                    .code("invoice_not_editable"),
            );
        }
        if invoice.s("currency") != currency {
            return Err(ApiError::param(
                "currency",
                "The currency of the invoice item must match the invoice's.",
            ));
        }
        item.put("invoice", invoice["id"].clone());
        let mut line = lines::of_invoiceitem(cx, &item);
        line.put("invoice", invoice["id"].clone());
        list_mut(&mut invoice, "lines").push(line);
        totals::compute(cx, &mut invoice);
        cx.save(invoice, "invoice.updated");
    }
    Ok(cx.create(item, "invoiceitem.created"))
}

/// GET /v1/invoiceitems/{id}
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.take(ITEM, a.id(), "id")
}

/// Takes the line of an item off its draft, or refuses when the invoice is final.
fn unline(cx: &mut Cx<'_>, item: &Value, replace: Option<&Value>) -> Result<()> {
    let Some(id) = item.opt("invoice") else {
        return Ok(());
    };
    let mut invoice = cx.take(KIND, id, "invoice")?;
    if invoice.s("status") != "draft" {
        return Err(ApiError::invalid(
            "This invoice item is attached to an invoice that is no longer editable.",
        )
        .code("invoice_not_editable"));
    }
    let fresh = replace.map(|item| lines::of_invoiceitem(cx, item));
    let rows = list_mut(&mut invoice, "lines");
    if let Some(at) = rows.iter().position(|line| line.s("_item") == item.s("id")) {
        match fresh {
            Some(mut line) => {
                line.put("id", rows[at]["id"].clone());
                line.put("invoice", id);
                rows[at] = line;
            }
            None => {
                rows.remove(at);
            }
        }
    }
    totals::compute(cx, &mut invoice);
    cx.save(invoice, "invoice.updated");
    Ok(())
}

/// POST /v1/invoiceitems/{id}
pub(crate) fn update(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut item = cx.take(ITEM, a.id(), "id")?;
    for field in [
        "pricing",
        "price_data",
        "discounts",
        "quantity_decimal",
        "tax_behavior",
        "tax_code",
        "unit_amount_decimal",
    ] {
        if a.p.has(field) {
            return Err(ApiError::not_imitated(field));
        }
    }
    copy(&mut item, &a.p, &["description", "discountable", "period"]);
    if let Some(quantity) = a.p.opt_i("quantity") {
        let unit = item.i("amount") / item.i("quantity").max(1);
        item.put("quantity", quantity);
        item.put("quantity_decimal", quantity.to_string());
        item.put("amount", unit * quantity);
    }
    if let Some(amount) = a.p.opt_i("amount") {
        item.put("amount", amount);
    }
    item.put("net_amount", item.i("amount"));
    if a.p.has("tax_rates") {
        item.put("tax_rates", tax::rates(cx, &a.p["tax_rates"], "tax_rates")?);
    }
    merge_metadata(&mut item, &a.p["metadata"]);
    unline(cx, &item.clone(), Some(&item))?;
    Ok(cx.put(item))
}

/// DELETE /v1/invoiceitems/{id}
pub(crate) fn delete(cx: &mut Cx<'_>, a: &Args) -> Result {
    let item = cx.take(ITEM, a.id(), "id")?;
    unline(cx, &item, None)?;
    let stored = cx.find(ITEM, a.id(), "id")?;
    cx.emit("invoiceitem.deleted", &stored);
    cx.state.remove(a.id());
    Ok(deleted(a.id(), ITEM))
}

/// GET /v1/invoiceitems
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    let pending = a.p["pending"].as_bool();
    let found = cx
        .state
        .all(ITEM)
        .rev()
        .filter(|value| list::matches(value, &a.p, &["customer", "invoice"]))
        .filter(|value| pending.is_none_or(|pending| pending != value.has("invoice")))
        .cloned()
        .collect();
    list::page(&a.p, found, "/v1/invoiceitems")
}
