//! What the pages share: templates, forms, the card form, safety headers.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use minijinja::Environment;

use crate::core::cards::{self, CARDS, Card};
use crate::core::{ApiError, Read, Result, Value, json, json::Map};
use crate::sandbox::Sandbox;

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut env = Environment::new();
    // What is absent shows as nothing.
    env.set_formatter(|out, state, value| {
        if value.is_none() {
            Ok(())
        } else {
            minijinja::escape_formatter(out, state, value)
        }
    });
    for (name, source) in [
        ("layout.html", include_str!("templates/layout.html")),
        ("parts.html", include_str!("templates/parts.html")),
        ("checkout.html", include_str!("templates/checkout.html")),
        (
            "authenticate.html",
            include_str!("templates/authenticate.html"),
        ),
        ("portal.html", include_str!("templates/portal.html")),
        ("invoice.html", include_str!("templates/invoice.html")),
        ("wrong.html", include_str!("templates/wrong.html")),
        ("receipt.html", include_str!("templates/receipt.html")),
        ("control.html", include_str!("templates/control.html")),
    ] {
        if let Err(error) = env.add_template(name, source) {
            tracing::error!(%error, name, "a template is broken");
        }
    }
    env
});

/// A posted form.
pub(super) type Form = HashMap<String, String>;

/// The countries the forms offer. A sandbox needs no more.
pub(super) const COUNTRIES: &[(&str, &str)] = &[
    ("AT", "Austria"),
    ("BE", "Belgium"),
    ("CA", "Canada"),
    ("CH", "Switzerland"),
    ("DE", "Germany"),
    ("DK", "Denmark"),
    ("ES", "Spain"),
    ("FR", "France"),
    ("GB", "United Kingdom"),
    ("IE", "Ireland"),
    ("IT", "Italy"),
    ("JP", "Japan"),
    ("NL", "Netherlands"),
    ("SE", "Sweden"),
    ("US", "United States"),
];

/// Renders a page.
pub(super) fn page(
    sandbox: &Sandbox,
    status: StatusCode,
    name: &str,
    mut context: Value,
) -> Response {
    context.put("root", sandbox.config().public_url.as_str());
    let html = TEMPLATES
        .get_template(name)
        .and_then(|template| template.render(minijinja::value::Serde(&context)));
    match html {
        Ok(html) => {
            let mut response = (status, Html(html)).into_response();
            let out = response.headers_mut();
            out.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'"));
            out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            out.insert(
                header::REFERRER_POLICY,
                HeaderValue::from_static("no-referrer"),
            );
            out.insert(
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            );
            response
        }
        Err(error) => {
            tracing::error!(%error, name, "a page could not be rendered");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                "This page could not be shown.",
            )
                .into_response()
        }
    }
}

/// A page that does not exist, or an action that failed.
pub(super) fn wrong(sandbox: &Sandbox, error: &ApiError) -> Response {
    let missing = error.body.s("code") == "resource_missing";
    let status = if missing {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::BAD_REQUEST
    };
    let context = json!({"missing": missing, "message": error.message()});
    page(sandbox, status, "wrong.html", context)
}

/// Refuses a form that another site posted: a browser says where a form comes from.
pub(super) fn own(headers: &HeaderMap) -> Result<()> {
    let Some(origin) = headers
        .get(header::ORIGIN)
        .and_then(|value| value.to_str().ok())
    else {
        return Ok(());
    };
    let host = headers
        .get(header::HOST)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let from = url::Url::parse(origin).ok().and_then(|url| {
        url.host_str().map(|name| {
            url.port()
                .map_or(name.to_owned(), |port| format!("{name}:{port}"))
        })
    });
    if origin == "null" || from.as_deref() == Some(host) {
        Ok(())
    } else {
        Err(ApiError::invalid("The form came from another site."))
    }
}

/// Sends the browser on.
pub(super) fn go(url: &str) -> Response {
    Redirect::to(url).into_response()
}

/// Adds a parameter to an address.
pub(super) fn with(url: &str, pairs: &[(&str, &str)]) -> String {
    match url::Url::parse(url) {
        Ok(mut parsed) => {
            parsed.query_pairs_mut().extend_pairs(pairs);
            parsed.into()
        }
        Err(_) => url.to_owned(),
    }
}

/// A field of a form, trimmed.
pub(super) fn field<'a>(form: &'a Form, name: &str) -> &'a str {
    form.get(name).map_or("", |value| value.trim())
}

/// What was typed, to show again. Only numbers of the table are shown again, and never a CVC that was typed.
pub(super) fn typed(form: &Form) -> Value {
    let mut shown = Map::default();
    for name in [
        "email",
        "name",
        "country",
        "postal_code",
        "expiry",
        "code",
        "tax_id",
    ] {
        shown.insert(name, json!(field(form, name)));
    }
    let known = cards::by_number(field(form, "number")).ok();
    shown.insert(
        "number",
        json!(known.map(Card::grouped).unwrap_or_default()),
    );
    if let Some(card) = cards::by_name(field(form, "fill")) {
        shown.insert("number", json!(card.grouped()));
        shown.insert("expiry", json!("12 / 34"));
        shown.insert("cvc", json!("123"));
        for (name, value) in [("email", "ada@example.com"), ("name", "Ada Lovelace")] {
            if field(form, name).is_empty() {
                shown.insert(name, json!(value));
            }
        }
    }
    Value::Object(shown)
}

/// The buttons of the card form.
pub(super) fn buttons() -> Value {
    const SHOWN: [&str; 9] = [
        "visa",
        "mastercard",
        "threeDSecure2Required",
        "authenticationRequired",
        "threeDSecureRequiredChargeDeclined",
        "chargeDeclined",
        "chargeDeclinedInsufficientFunds",
        "chargeDeclinedExpiredCard",
        "chargeCustomerFail",
    ];
    CARDS.iter().filter(|card| SHOWN.contains(&card.name)).map(|card| json!({"name": card.name, "label": card.label, "number": card.grouped(), "last4": card.last4()})).collect()
}

/// Reads the card form: the card's name and when it expires. The number goes no further than this function.
pub(super) fn card(form: &Form, now: i64) -> Result<(&'static Card, i64, i64)> {
    let card = cards::by_number(field(form, "number"))?;
    let digits: String = field(form, "expiry")
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    let (month, year) = if digits.len() >= 4 {
        digits.split_at(2)
    } else {
        ("0", "0")
    };
    let (month, year) = (month.parse().unwrap_or(0), year.parse().unwrap_or(0));
    let year = if year < 100 { 2000 + year } else { year };
    crate::engine::payment_methods::check_expiry(now, month, year)?;
    let cvc = field(form, "cvc");
    if !(3..=4).contains(&cvc.len()) || !cvc.chars().all(|c| c.is_ascii_digit()) {
        return Err(ApiError::card(
            "invalid_cvc",
            None,
            "Your card's security code is invalid.",
        ));
    }
    Ok((card, month, year))
}

/// A font of the pages.
pub(super) async fn font(Path(name): Path<String>) -> Response {
    let bytes: &'static [u8] = match name.as_str() {
        "fraunces.woff2" => include_bytes!("fonts/fraunces.woff2"),
        "geist.woff2" => include_bytes!("fonts/geist.woff2"),
        "geist-mono.woff2" => include_bytes!("fonts/geist-mono.woff2"),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    (
        [
            (header::CONTENT_TYPE, "font/woff2"),
            (header::CACHE_CONTROL, "max-age=31536000"),
        ],
        bytes,
    )
        .into_response()
}
