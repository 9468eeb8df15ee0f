//! Lines: what a subscription item or an invoice item becomes on an invoice.

use crate::core::{Cx, Read, Value, calendar, json, money};

/// A line for a subscription item over one period. `free` is a trial.
pub(crate) fn of_item(
    cx: &mut Cx<'_>,
    sub: &Value,
    item: &Value,
    start: i64,
    end: i64,
    free: bool,
) -> Value {
    let Some(price) = cx.state.get(item.s("price")).cloned() else {
        return json!({});
    };
    let quantity = item.opt_i("quantity").unwrap_or(1);
    let amount = if free {
        0
    } else {
        price.i("unit_amount").saturating_mul(quantity)
    };
    let product = cx
        .state
        .get(price.s("product"))
        .map_or_else(String::new, |product| product.s("name").to_owned());
    let description = if free {
        format!("Trial period for {product}")
    } else {
        format!(
            "{quantity} × {product} (at {} / {})",
            money::show(price.i("unit_amount"), price.s("currency")),
            every(&price)
        )
    };
    let metadata = item["metadata"].clone();
    cx.object("line_item", "il", json!({
        "amount": amount, "subtotal": amount, "currency": price["currency"], "description": description, "discountable": true, "discount_amounts": [], "metadata": metadata,
        "period": {"start": start, "end": end}, "quantity": quantity, "quantity_decimal": quantity.to_string(), "subscription": sub["id"], "taxes": [],
        "parent": {"type": "subscription_item_details", "invoice_item_details": null, "subscription_item_details": {
            "invoice_item": null, "proration": false, "proration_details": {"credited_items": null}, "subscription": sub["id"], "subscription_item": item["id"],
        }},
        "pricing": {"type": "price_details", "price_details": {"price": price["id"], "product": price["product"]}, "unit_amount_decimal": price["unit_amount_decimal"]},
        "_rates": if item.list("tax_rates").is_empty() { sub["default_tax_rates"].clone() } else { item["tax_rates"].clone() },
        "_behavior": price["tax_behavior"], "_own_discounts": item["discounts"],
    }))
}

/// `month`, `3 months`.
pub(crate) fn every(price: &Value) -> String {
    let count = price["recurring"].i("interval_count");
    let unit = price["recurring"].s("interval");
    if count == 1 {
        unit.to_owned()
    } else {
        format!("{count} {unit}s")
    }
}

/// A line for an invoice item.
pub(crate) fn of_invoiceitem(cx: &mut Cx<'_>, item: &Value) -> Value {
    let subscription = item["parent"]["subscription_details"]
        .opt("subscription")
        .map(str::to_owned);
    let parent = if item.has("_subscription_item") {
        json!({"type": "subscription_item_details", "invoice_item_details": null, "subscription_item_details": {
            "invoice_item": item["id"], "proration": item["proration"], "proration_details": {"credited_items": null}, "subscription": subscription, "subscription_item": item["_subscription_item"],
        }})
    } else {
        json!({"type": "invoice_item_details", "subscription_item_details": null, "invoice_item_details": {
            "invoice_item": item["id"], "proration": item["proration"], "proration_details": {"credited_items": null}, "subscription": subscription,
        }})
    };
    let mut line = cx.object("line_item", "il", json!({
        "amount": item["amount"], "subtotal": item["amount"], "currency": item["currency"], "description": item["description"], "discountable": item["discountable"],
        "discount_amounts": [], "metadata": item["metadata"], "period": item["period"], "quantity": item["quantity"], "quantity_decimal": item.i("quantity").to_string(), "subscription": subscription, "taxes": [],
        "parent": parent, "_rates": item["tax_rates"], "_behavior": item["_behavior"], "_own_discounts": item["discounts"], "_item": item["id"],
    }));
    line.put("pricing", item["pricing"].clone());
    line
}

/// A pending proration: a credit for unused time or a charge for remaining time.
pub(crate) struct Proration<'a> {
    /// The subscription.
    pub(crate) sub: &'a Value,
    /// The subscription item.
    pub(crate) item: &'a Value,
    /// The price concerned.
    pub(crate) price: &'a Value,
    /// Quantity concerned.
    pub(crate) quantity: i64,
    /// From when.
    pub(crate) at: i64,
    /// The item's current period.
    pub(crate) period: (i64, i64),
    /// Whether this gives back.
    pub(crate) credit: bool,
}

/// Makes the pending invoice item of a proration. By the second; rounded half away from zero, credit and charge each for
/// itself; percent coupons that run longer than once are already inside the amount.
pub(crate) fn prorate(cx: &mut Cx<'_>, p: &Proration<'_>) -> Value {
    let (start, end) = p.period;
    let at = p.at.clamp(start, end);
    let full = p.price.i("unit_amount").saturating_mul(p.quantity);
    let mut ids: Vec<Value> = p.sub.list("discounts").to_vec();
    ids.extend(p.item.list("discounts").iter().cloned());
    let net = super::super::coupons::net_of_percent(cx, &ids, full);
    let part = money::ratio(net, end - at, end - start);
    let amount = if p.credit { -part } else { part };
    let product = cx
        .state
        .get(p.price.s("product"))
        .map_or_else(String::new, |product| product.s("name").to_owned());
    let many = if p.quantity == 1 {
        String::new()
    } else {
        format!("{} × ", p.quantity)
    };
    let description = format!(
        "{} time on {many}{product} after {}",
        if p.credit { "Unused" } else { "Remaining" },
        calendar::day(at)
    );
    let tax_rates = if p.item.list("tax_rates").is_empty() {
        p.sub["default_tax_rates"].clone()
    } else {
        p.item["tax_rates"].clone()
    };
    cx.object("invoiceitem", "ii", json!({
        "amount": amount, "net_amount": amount, "currency": p.price["currency"], "customer": p.sub["customer"], "date": cx.now, "description": description, "discountable": false, "discounts": [],
        "metadata": {}, "period": {"start": at, "end": end}, "proration": true, "quantity": p.quantity, "quantity_decimal": p.quantity.to_string(), "tax_rates": tax_rates,
        "test_clock": p.sub["test_clock"], "parent": {"type": "subscription_details", "subscription_details": {"subscription": p.sub["id"], "subscription_item": p.item["id"]}},
        "pricing": {"type": "price_details", "price_details": {"price": p.price["id"], "product": p.price["product"]}, "unit_amount_decimal": p.price["unit_amount_decimal"]},
        "_subscription_item": p.item["id"], "_behavior": p.price["tax_behavior"],
    }))
}
