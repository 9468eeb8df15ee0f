//! The hosted invoice: reading, downloading, paying.

use axum::Form as Posted;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::parts::{self, Form, field, go, page, wrong};
use super::pdf::{self, Paper};
use crate::core::{
    ApiError, Cx, Read, RequestInfo, Result, State as Memory, Value, calendar, json, money,
};
use crate::engine::invoices::pay;
use crate::engine::payment_intents::{Outcome, keep};
use crate::engine::payment_methods;
use crate::sandbox::Sandbox;

fn find(state: &Memory, id: &str) -> Result {
    state
        .of("invoice", id)
        .filter(|invoice| invoice.s("status") != "draft")
        .cloned()
        .ok_or_else(|| ApiError::missing("invoice", id, "id"))
}

/// The sums of an invoice, named.
pub(super) fn sums(invoice: &Value) -> Vec<(String, String)> {
    let show = |amount: i64| money::show(amount, invoice.s("currency"));
    let mut rows = vec![("Subtotal".to_owned(), show(invoice.i("subtotal")))];
    let off: i64 = invoice
        .list("total_discount_amounts")
        .iter()
        .map(|one| one.i("amount"))
        .sum();
    if off > 0 {
        rows.push(("Discount".into(), show(-off)));
    }
    for tax in invoice.list("total_taxes") {
        rows.push((
            if tax.s("tax_behavior") == "inclusive" {
                "Tax, included"
            } else {
                "Tax"
            }
            .into(),
            show(tax.i("amount")),
        ));
    }
    rows.push(("Total".into(), show(invoice.i("total"))));
    let balance = invoice.i("ending_balance") - invoice.i("starting_balance");
    if balance != 0 {
        rows.push(("From the balance".into(), show(-balance)));
    }
    let credited = invoice.i("pre_payment_credit_notes_amount");
    if credited > 0 {
        rows.push(("Credited".into(), show(-credited)));
    }
    rows
}

fn span(line: &Value) -> String {
    let (start, end) = (line["period"].i("start"), line["period"].i("end"));
    if start == end {
        calendar::day(start)
    } else {
        format!("{} to {}", calendar::day(start), calendar::day(end))
    }
}

async fn shown(sandbox: &Sandbox, id: &str, form: &Form, error: Option<&ApiError>) -> Response {
    let found = sandbox.read(|state| {
        let invoice = find(state, id)?;
        let currency = invoice.s("currency");
        let rows: Vec<Value> = invoice.list("lines").iter().map(|line| json!({"name": line["description"], "period": span(line), "amount": money::show(line.i("amount"), currency)})).collect();
        let methods: Vec<Value> = state.owned(invoice.s("customer"), "payment_method").rev().map(|method| json!({"id": method["id"], "brand": brand(method), "last4": method["card"]["last4"]})).collect();
        let when = match invoice.s("status") {
            "paid" => format!("Paid on {}.", calendar::day(invoice["status_transitions"].i("paid_at"))),
            "void" => "This invoice is void. Nothing is owed.".into(),
            "uncollectible" => "This invoice was given up.".into(),
            _ => invoice.opt_i("due_date").map_or_else(|| "Due now.".into(), |due| format!("Due on {}.", calendar::day(due))),
        };
        Ok(json!({"invoice": crate::core::render::present(state, &invoice), "number": invoice["number"], "due": money::show(invoice.i("amount_due"), currency), "when": when, "issued": calendar::day(invoice["status_transitions"].i("finalized_at")),
            "lines": rows, "sums": sums(&invoice), "methods": methods, "cards": parts::buttons()}))
    }).await;
    match found.and_then(|inner| inner) {
        Ok(mut context) => {
            context.put("typed", parts::typed(form));
            context.put(
                "error",
                error.map_or(Value::Null, |error| json!(error.message())),
            );
            page(
                sandbox,
                if error.is_some() {
                    StatusCode::PAYMENT_REQUIRED
                } else {
                    StatusCode::OK
                },
                "invoice.html",
                context,
            )
        }
        Err(error) => wrong(sandbox, &error),
    }
}

/// A card's brand, for people.
pub(super) fn brand(method: &Value) -> String {
    match method["card"].s("brand") {
        "visa" => "Visa".into(),
        "mastercard" => "Mastercard".into(),
        "amex" => "American Express".into(),
        other => other.to_owned(),
    }
}

/// Shows the invoice.
pub(super) async fn show(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    shown(&sandbox, &id, &Form::new(), None).await
}

/// Pays it.
pub(super) async fn act(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Posted(form): Posted<Form>,
) -> Response {
    if let Err(error) = parts::own(&headers) {
        return wrong(&sandbox, &error);
    }
    if form.contains_key("fill") {
        return shown(&sandbox, &id, &form, None).await;
    }
    match sandbox
        .execute(RequestInfo::default(), |cx| settle(cx, &id, &form))
        .await
    {
        Ok(url) => go(&url),
        Err(error) => shown(&sandbox, &id, &form, Some(&error)).await,
    }
}

fn settle(cx: &mut Cx<'_>, id: &str, form: &Form) -> Result<String> {
    let invoice = find(cx.state, id)?;
    cx.enter_doc(&invoice);
    let here = format!("{}/pages/invoice/{id}", cx.base);
    let method = match field(form, "method") {
        "" => {
            let (card, month, year) = parts::card(form, cx.now)?;
            let method = payment_methods::build(cx, card, month, year, &Value::Null);
            cx.put(method).s("id").to_owned()
        }
        saved => cx
            .find("payment_method", saved, "method")?
            .s("id")
            .to_owned(),
    };
    match pay::collect(cx, id, Some(&method))? {
        Outcome::Paid => Ok(here),
        Outcome::Declined(error) => Err(keep(error)),
        Outcome::Action => Ok(format!(
            "{}/pages/authenticate/{}",
            cx.base,
            invoice.s("_intent")
        )),
    }
}

/// The PDF of an invoice.
pub(super) async fn pdf(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    let paper = sandbox
        .read(|state| {
            find(state, &id).map(|invoice| {
                let currency = invoice.s("currency").to_owned();
                Paper {
                    title: format!("Invoice {}", invoice.s("number")),
                    facts: vec![
                        (
                            "Issued".into(),
                            calendar::day(invoice["status_transitions"].i("finalized_at")),
                        ),
                        ("Status".into(), invoice.s("status").to_owned()),
                        (
                            "To".into(),
                            [invoice.s("customer_name"), invoice.s("customer_email")].join("  "),
                        ),
                    ],
                    lines: invoice
                        .list("lines")
                        .iter()
                        .map(|line| {
                            (
                                line.s("description").to_owned(),
                                span(line),
                                money::show(line.i("amount"), &currency),
                            )
                        })
                        .collect(),
                    sums: sums(&invoice)
                        .into_iter()
                        .chain([(
                            "Amount due".to_owned(),
                            money::show(invoice.i("amount_due"), &currency),
                        )])
                        .collect(),
                }
            })
        })
        .await;
    sheet(&sandbox, paper.and_then(|inner| inner), &id)
}

/// The PDF of a credit note.
pub(super) async fn credit_note_pdf(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
) -> Response {
    let paper = sandbox
        .read(|state| {
            state
                .of("credit_note", &id)
                .map(|note| {
                    let currency = note.s("currency").to_owned();
                    Paper {
                        title: format!("Credit note {}", note.s("number")),
                        facts: vec![
                            ("Issued".into(), calendar::day(note.i("created"))),
                            ("Status".into(), note.s("status").to_owned()),
                            (
                                "Invoice".into(),
                                state
                                    .get(note.s("invoice"))
                                    .map_or(String::new(), |invoice| {
                                        invoice.s("number").to_owned()
                                    }),
                            ),
                        ],
                        lines: note
                            .list("lines")
                            .iter()
                            .map(|line| {
                                (
                                    line.opt("description").unwrap_or("Credit").to_owned(),
                                    String::new(),
                                    money::show(line.i("amount"), &currency),
                                )
                            })
                            .collect(),
                        sums: vec![(
                            "Total credited".into(),
                            money::show(note.i("total"), &currency),
                        )],
                    }
                })
                .ok_or_else(|| ApiError::missing("credit_note", &id, "id"))
        })
        .await;
    sheet(&sandbox, paper.and_then(|inner| inner), &id)
}

fn sheet(sandbox: &Sandbox, paper: Result<Paper>, id: &str) -> Response {
    match paper {
        Ok(paper) => (
            [
                (header::CONTENT_TYPE, "application/pdf".to_owned()),
                (
                    header::CONTENT_DISPOSITION,
                    format!("inline; filename=\"{id}.pdf\""),
                ),
            ],
            pdf::draw(&paper),
        )
            .into_response(),
        Err(error) => wrong(sandbox, &error),
    }
}
