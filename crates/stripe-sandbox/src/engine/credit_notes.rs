//! Credit notes: documents that lower a final invoice, before or after it was paid.

use super::{Args, list, refunds};
use crate::core::schema::merge_metadata;
use crate::core::{ApiError, Cx, Read, Result, Value, json, money};
use crate::engine::invoices;

const KIND: &str = "credit_note";

/// POST /`v1/credit_notes`
pub(crate) fn create(cx: &mut Cx<'_>, a: &Args) -> Result {
    let invoice = cx.take("invoice", a.p.s("invoice"), "invoice")?;
    cx.enter_doc(&invoice);
    let (mut note, plan) = build(cx, &invoice, &a.p)?;
    let mut invoice = invoice;
    let id = note.s("id").to_owned();
    if plan.pre > 0 {
        invoice.put(
            "pre_payment_credit_notes_amount",
            invoice.i("pre_payment_credit_notes_amount") + plan.pre,
        );
        invoice.put("amount_due", invoice.i("amount_due") - plan.pre);
        invoice.put("amount_remaining", invoice.i("amount_remaining") - plan.pre);
        if let Some(intent) = invoice.opt("_intent").map(str::to_owned) {
            let mut intent = cx.take("payment_intent", &intent, "id")?;
            if invoice.i("amount_remaining") > 0 {
                intent.put("amount", invoice.i("amount_remaining"));
                cx.put(intent);
            }
        }
    } else {
        invoice.put(
            "post_payment_credit_notes_amount",
            invoice.i("post_payment_credit_notes_amount") + note.i("total"),
        );
    }
    if plan.refund > 0 {
        let charge = invoice
            .opt("_intent")
            .and_then(|intent| cx.state.get(intent))
            .and_then(|intent| intent.opt("latest_charge").map(str::to_owned))
            .ok_or_else(|| {
                ApiError::param("refund_amount", "The invoice has no charge to refund.")
            })?;
        let refund = refunds::issue(
            cx,
            &charge,
            Some(plan.refund),
            note.opt("reason")
                .filter(|reason| matches!(*reason, "duplicate" | "fraudulent")),
        )?;
        note.put("refunds", json!([{"amount_refunded": plan.refund, "refund": refund["id"], "type": "refund", "payment_record_refund": null}]));
    }
    if plan.credit > 0 {
        let mut customer = cx.take("customer", invoice.s("customer"), "customer")?;
        customer.put("balance", customer.i("balance") - plan.credit);
        cx.save(customer, "customer.updated");
    }
    let paid_off = plan.pre > 0 && invoice.i("amount_remaining") == 0;
    let invoice = cx.save(invoice, "invoice.updated");
    note.put("_owner", "");
    cx.create(note, "credit_note.created");
    if paid_off {
        invoices::pay::mark_paid(cx, invoice.s("id"), true)?;
    }
    cx.take(KIND, &id, "id")
}

/// Where the credited money goes.
struct Plan {
    pre: i64,
    refund: i64,
    credit: i64,
}

#[expect(
    clippy::too_many_lines,
    reason = "one object or one story, told in order; pieces of it mean nothing alone"
)]
fn build(cx: &mut Cx<'_>, invoice: &Value, p: &Value) -> Result<(Value, Plan)> {
    if p.has("refunds") {
        return Err(ApiError::not_imitated("refunds"));
    }
    let open = match invoice.s("status") {
        "open" => true,
        "paid" => false,
        status => {
            return Err(ApiError::param(
                "invoice",
                format!("A credit note cannot be created for an invoice with the status {status}."),
            ));
        }
    };
    let before = invoice.i("pre_payment_credit_notes_amount")
        + invoice.i("post_payment_credit_notes_amount");
    let (lines, subtotal, discount, tax) = if p.list("lines").is_empty() {
        let amount = p.opt_i("amount").or_else(|| {
            let parts = p.i("refund_amount") + p.i("credit_amount") + p.i("out_of_band_amount");
            (parts > 0).then_some(parts)
        }).ok_or_else(|| ApiError::invalid("You must pass one of amount, lines, credit_amount, refund_amount or out_of_band_amount.").code("parameter_missing"))?;
        // A plain amount includes tax in the invoice's own proportion.
        let on_top: i64 = invoice
            .list("total_taxes")
            .iter()
            .filter(|tax| tax.s("tax_behavior") == "exclusive")
            .map(|tax| tax.i("amount"))
            .sum();
        let tax = money::ratio(amount, on_top, invoice.i("total").max(1));
        (
            vec![line(
                cx,
                &json!({"amount": amount - tax}),
                "custom_line_item",
                None,
            )],
            amount - tax,
            0,
            tax,
        )
    } else {
        let mut rows = Vec::new();
        let (mut subtotal, mut discount, mut tax) = (0, 0, 0);
        for (n, given) in p.list("lines").iter().enumerate() {
            let param = format!("lines[{n}]");
            if given.has("tax_rates") || given.has("tax_amounts") {
                return Err(ApiError::not_imitated(&format!("{param}[tax_rates]")));
            }
            if given.s("type") == "custom_line_item" {
                let amount =
                    given.opt_i("unit_amount").unwrap_or(0) * given.opt_i("quantity").unwrap_or(1);
                subtotal += amount;
                rows.push(line(cx, &json!({"amount": amount, "description": given["description"], "quantity": given.opt_i("quantity").unwrap_or(1), "unit_amount": given["unit_amount"]}), "custom_line_item", None));
                continue;
            }
            let source = invoice
                .list("lines")
                .iter()
                .find(|line| line["id"] == given["invoice_line_item"])
                .ok_or_else(|| {
                    ApiError::missing(
                        "line_item",
                        given.s("invoice_line_item"),
                        &format!("{param}[invoice_line_item]"),
                    )
                })?;
            let full = source.i("amount");
            let amount = given
                .opt_i("amount")
                .or_else(|| {
                    given.opt_i("quantity").map(|n| {
                        money::ratio(full, n, source.opt_i("quantity").unwrap_or(1).max(1))
                    })
                })
                .unwrap_or(full);
            if amount > full {
                return Err(ApiError::param(
                    &format!("{param}[amount]"),
                    "The amount is larger than the line's.",
                ));
            }
            let off: i64 = source
                .list("discount_amounts")
                .iter()
                .map(|one| one.i("amount"))
                .sum();
            let on_top: i64 = source
                .list("taxes")
                .iter()
                .filter(|one| one.s("tax_behavior") == "exclusive")
                .map(|one| one.i("amount"))
                .sum();
            let (off, on_top) = (
                money::ratio(off, amount, full),
                money::ratio(on_top, amount, full),
            );
            subtotal += amount;
            discount += off;
            tax += on_top;
            rows.push(line(cx, &json!({"amount": amount, "discount_amount": off, "description": source["description"], "quantity": given["quantity"]}), "invoice_line_item", Some(source)));
        }
        (rows, subtotal, discount, tax)
    };
    let total = subtotal - discount + tax;
    if total < 1 {
        return Err(ApiError::param(
            "amount",
            "The credit must be greater than zero.",
        ));
    }
    if total > invoice.i("total") - before {
        return Err(ApiError::param(
            "amount",
            format!(
                "The sum of credit notes ({}) exceeds the invoice total ({}).",
                money::show(total + before, invoice.s("currency")),
                money::show(invoice.i("total"), invoice.s("currency"))
            ),
        ));
    }
    let (refund, credit, out) = (
        p.i("refund_amount"),
        p.i("credit_amount"),
        p.i("out_of_band_amount"),
    );
    if open && refund + credit + out > 0 {
        return Err(ApiError::param(
            "refund_amount",
            "An open invoice is lowered; nothing can be refunded or credited.",
        ));
    }
    if !open && refund + credit + out != total {
        return Err(ApiError::param(
            "refund_amount",
            format!(
                "The sum of refund_amount, credit_amount and out_of_band_amount must be the credit note's total, {total}."
            ),
        ));
    }
    if open && total > invoice.i("amount_remaining") {
        return Err(ApiError::param(
            "amount",
            "The credit is larger than what is left to pay.",
        ));
    }
    let number = 1 + cx.state.owned(invoice.s("id"), KIND).count();
    let mut note = cx.object(KIND, "cn", json!({
        "amount": total, "currency": invoice["currency"], "customer": invoice["customer"], "discount_amount": discount, "discount_amounts": [], "effective_at": cx.now, "invoice": invoice["id"], "lines": lines, "memo": p["memo"],
        "metadata": {}, "number": format!("{}-CN-{number:02}", invoice.s("number")), "out_of_band_amount": if out > 0 { json!(out) } else { Value::Null }, "post_payment_amount": if open { 0 } else { total }, "pre_payment_amount": if open { total } else { 0 },
        "pretax_credit_amounts": [], "reason": p["reason"], "refunds": [], "status": "issued", "subtotal": subtotal, "subtotal_excluding_tax": subtotal, "total": total, "total_excluding_tax": total - tax, "total_taxes": [],
        "type": if open { "pre_payment" } else { "post_payment" },
    }));
    note.put(
        "pdf",
        format!("{}/pages/credit_note/{}/pdf", cx.base, note.s("id")),
    );
    merge_metadata(&mut note, &p["metadata"]);
    Ok((
        note,
        Plan {
            pre: if open { total } else { 0 },
            refund,
            credit,
        },
    ))
}

fn line(cx: &mut Cx<'_>, fields: &Value, kind: &str, source: Option<&Value>) -> Value {
    let mut row = cx.object("credit_note_line_item", "cnli", json!({"type": kind, "discount_amount": 0, "discount_amounts": [], "pretax_credit_amounts": [], "tax_rates": [], "taxes": [], "quantity": 1}));
    for (key, value) in fields.as_object().into_iter().flatten() {
        row.put(key, value.clone());
    }
    if let Some(unit) = fields.opt_i("unit_amount") {
        row.put("unit_amount_decimal", unit.to_string());
    }
    if let Some(source) = source {
        row.put("invoice_line_item", source["id"].clone());
    }
    row
}

/// GET /`v1/credit_notes/preview`
pub(crate) fn preview(cx: &mut Cx<'_>, a: &Args) -> Result {
    let invoice = cx.take("invoice", a.p.s("invoice"), "invoice")?;
    cx.enter_doc(&invoice);
    build(cx, &invoice, &a.p).map(|(note, _)| note)
}

/// GET /`v1/credit_notes/preview/lines`
pub(crate) fn preview_lines(cx: &mut Cx<'_>, a: &Args) -> Result {
    let note = preview(cx, a)?;
    let rows = note.list("lines").to_vec();
    list::page(&a.p, rows, "/v1/credit_notes/preview/lines")
}

/// GET /`v1/credit_notes/{id`}
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.take(KIND, a.id(), "id")
}

/// POST /`v1/credit_notes/{id`}
pub(crate) fn update(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut note = cx.take(KIND, a.id(), "id")?;
    super::copy(&mut note, &a.p, &["memo"]);
    merge_metadata(&mut note, &a.p["metadata"]);
    Ok(cx.save(note, "credit_note.updated"))
}

/// POST /`v1/credit_notes/{id}/void`: only those that lowered an open invoice.
pub(crate) fn void(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut note = cx.take(KIND, a.id(), "id")?;
    let mut invoice = cx.take("invoice", note.s("invoice"), "invoice")?;
    cx.enter_doc(&invoice);
    if note.s("status") == "void"
        || note.s("type") != "pre_payment"
        || invoice.s("status") != "open"
    {
        return Err(ApiError::invalid(
            "You can only void a credit note of an open invoice.",
        ));
    }
    let total = note.i("total");
    for (key, by) in [
        ("pre_payment_credit_notes_amount", -total),
        ("amount_due", total),
        ("amount_remaining", total),
    ] {
        invoice.put(key, invoice.i(key) + by);
    }
    cx.save(invoice, "invoice.updated");
    note.put("status", "void");
    note.put("voided_at", cx.now);
    Ok(cx.create(note, "credit_note.voided"))
}

/// GET /`v1/credit_notes/{id}/lines`
pub(crate) fn lines(cx: &mut Cx<'_>, a: &Args) -> Result {
    let note = cx.find(KIND, a.id(), "id")?;
    let rows = note.list("lines").to_vec();
    list::page(&a.p, rows, &format!("/v1/credit_notes/{}/lines", a.id()))
}

/// GET /`v1/credit_notes`
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    list::plain(cx, &a.p, KIND, &["customer", "invoice"], "/v1/credit_notes")
}
