//! The table of operations: method and path on the left, the verb on the right.

use super::invoices::{api as invoices, items as invoiceitems, payments, preview};
use super::subscriptions::{
    api as subs, cancel, create as sub_create, pause, update as sub_update,
};
use super::{
    Verb, account, charges, checkout, coupons, credit_notes, customers, entitlements, events,
    payment_intents, payment_methods, portal, prices, products, refunds, schedules, setup_intents,
    subscription_items, tax, test_clocks, webhook_endpoints,
};

/// Every operation the sandbox imitates.
#[rustfmt::skip]
pub(crate) const ROUTES: &[(&str, &str, Verb)] = &[
    ("GET", "/v1/account", account::get),
    ("POST", "/v1/products", products::create), ("GET", "/v1/products", products::all), ("GET", "/v1/products/{id}", products::get),
    ("POST", "/v1/products/{id}", products::update), ("DELETE", "/v1/products/{id}", products::delete),
    ("POST", "/v1/products/{id}/features", products::attach_feature), ("GET", "/v1/products/{id}/features", products::features),
    ("GET", "/v1/products/{id}/features/{id}", products::get_feature), ("DELETE", "/v1/products/{id}/features/{id}", products::detach_feature),
    ("POST", "/v1/prices", prices::create), ("GET", "/v1/prices", prices::all), ("GET", "/v1/prices/{id}", prices::get), ("POST", "/v1/prices/{id}", prices::update),
    ("POST", "/v1/customers", customers::create), ("GET", "/v1/customers", customers::all), ("GET", "/v1/customers/{id}", customers::get),
    ("POST", "/v1/customers/{id}", customers::update), ("DELETE", "/v1/customers/{id}", customers::delete), ("DELETE", "/v1/customers/{id}/discount", customers::delete_discount),
    ("GET", "/v1/customers/{id}/payment_methods", customers::payment_methods), ("GET", "/v1/customers/{id}/payment_methods/{id}", customers::payment_method),
    ("POST", "/v1/customers/{id}/tax_ids", tax::create_id), ("GET", "/v1/customers/{id}/tax_ids", tax::all_ids),
    ("GET", "/v1/customers/{id}/tax_ids/{id}", tax::get_id), ("DELETE", "/v1/customers/{id}/tax_ids/{id}", tax::delete_id),
    ("POST", "/v1/payment_methods", payment_methods::create), ("GET", "/v1/payment_methods", payment_methods::all), ("GET", "/v1/payment_methods/{id}", payment_methods::get),
    ("POST", "/v1/payment_methods/{id}", payment_methods::update), ("POST", "/v1/payment_methods/{id}/attach", payment_methods::attach), ("POST", "/v1/payment_methods/{id}/detach", payment_methods::detach),
    ("POST", "/v1/setup_intents", setup_intents::create), ("GET", "/v1/setup_intents", setup_intents::all), ("GET", "/v1/setup_intents/{id}", setup_intents::get),
    ("POST", "/v1/setup_intents/{id}", setup_intents::update), ("POST", "/v1/setup_intents/{id}/confirm", setup_intents::confirm), ("POST", "/v1/setup_intents/{id}/cancel", setup_intents::cancel),
    ("POST", "/v1/checkout/sessions", checkout::create), ("GET", "/v1/checkout/sessions", checkout::all), ("GET", "/v1/checkout/sessions/{id}", checkout::get), ("POST", "/v1/checkout/sessions/{id}", checkout::update),
    ("POST", "/v1/checkout/sessions/{id}/expire", checkout::expire), ("GET", "/v1/checkout/sessions/{id}/line_items", checkout::line_items),
    ("POST", "/v1/billing_portal/configurations", portal::create), ("GET", "/v1/billing_portal/configurations", portal::all), ("GET", "/v1/billing_portal/configurations/{id}", portal::get),
    ("POST", "/v1/billing_portal/configurations/{id}", portal::update), ("POST", "/v1/billing_portal/sessions", portal::create_session),
    ("POST", "/v1/subscriptions", sub_create::create), ("GET", "/v1/subscriptions", subs::all), ("GET", "/v1/subscriptions/{id}", subs::get), ("POST", "/v1/subscriptions/{id}", sub_update::update),
    ("DELETE", "/v1/subscriptions/{id}", cancel::cancel), ("DELETE", "/v1/subscriptions/{id}/discount", cancel::delete_discount),
    ("POST", "/v1/subscriptions/{id}/pause", pause::pause), ("POST", "/v1/subscriptions/{id}/resume", pause::resume),
    ("POST", "/v1/subscription_items", subscription_items::create), ("GET", "/v1/subscription_items", subscription_items::all), ("GET", "/v1/subscription_items/{id}", subscription_items::get),
    ("POST", "/v1/subscription_items/{id}", subscription_items::update), ("DELETE", "/v1/subscription_items/{id}", subscription_items::delete),
    ("POST", "/v1/subscription_schedules", schedules::create), ("GET", "/v1/subscription_schedules", schedules::all), ("GET", "/v1/subscription_schedules/{id}", schedules::get),
    ("POST", "/v1/subscription_schedules/{id}", schedules::update), ("POST", "/v1/subscription_schedules/{id}/release", schedules::release), ("POST", "/v1/subscription_schedules/{id}/cancel", schedules::cancel),
    ("POST", "/v1/invoices", invoices::create), ("GET", "/v1/invoices", invoices::all), ("POST", "/v1/invoices/create_preview", preview::create), ("GET", "/v1/invoices/{id}", invoices::get),
    ("POST", "/v1/invoices/{id}", invoices::update), ("DELETE", "/v1/invoices/{id}", invoices::delete), ("POST", "/v1/invoices/{id}/finalize", invoices::finalize), ("POST", "/v1/invoices/{id}/pay", invoices::pay),
    ("POST", "/v1/invoices/{id}/send", invoices::send), ("POST", "/v1/invoices/{id}/void", invoices::void), ("POST", "/v1/invoices/{id}/mark_uncollectible", invoices::mark_uncollectible), ("GET", "/v1/invoices/{id}/lines", invoices::lines),
    ("POST", "/v1/invoiceitems", invoiceitems::create), ("GET", "/v1/invoiceitems", invoiceitems::all), ("GET", "/v1/invoiceitems/{id}", invoiceitems::get),
    ("POST", "/v1/invoiceitems/{id}", invoiceitems::update), ("DELETE", "/v1/invoiceitems/{id}", invoiceitems::delete),
    ("GET", "/v1/invoice_payments", payments::all), ("GET", "/v1/invoice_payments/{id}", payments::get),
    ("POST", "/v1/payment_intents", payment_intents::create), ("GET", "/v1/payment_intents", payment_intents::all), ("GET", "/v1/payment_intents/{id}", payment_intents::get),
    ("POST", "/v1/payment_intents/{id}", payment_intents::update), ("POST", "/v1/payment_intents/{id}/confirm", payment_intents::confirm), ("POST", "/v1/payment_intents/{id}/cancel", payment_intents::cancel),
    ("GET", "/v1/charges", charges::all), ("GET", "/v1/charges/{id}", charges::get),
    ("POST", "/v1/refunds", refunds::create), ("GET", "/v1/refunds", refunds::all), ("GET", "/v1/refunds/{id}", refunds::get), ("POST", "/v1/refunds/{id}", refunds::update),
    ("POST", "/v1/credit_notes", credit_notes::create), ("GET", "/v1/credit_notes", credit_notes::all), ("GET", "/v1/credit_notes/preview", credit_notes::preview), ("GET", "/v1/credit_notes/preview/lines", credit_notes::preview_lines), ("GET", "/v1/credit_notes/{id}", credit_notes::get),
    ("POST", "/v1/credit_notes/{id}", credit_notes::update), ("POST", "/v1/credit_notes/{id}/void", credit_notes::void), ("GET", "/v1/credit_notes/{id}/lines", credit_notes::lines),
    ("POST", "/v1/coupons", coupons::create), ("GET", "/v1/coupons", coupons::all), ("GET", "/v1/coupons/{id}", coupons::get), ("POST", "/v1/coupons/{id}", coupons::update), ("DELETE", "/v1/coupons/{id}", coupons::delete),
    ("POST", "/v1/promotion_codes", coupons::create_code), ("GET", "/v1/promotion_codes", coupons::all_codes), ("GET", "/v1/promotion_codes/{id}", coupons::get_code), ("POST", "/v1/promotion_codes/{id}", coupons::update_code),
    ("POST", "/v1/tax_rates", tax::create), ("GET", "/v1/tax_rates", tax::all), ("GET", "/v1/tax_rates/{id}", tax::get), ("POST", "/v1/tax_rates/{id}", tax::update),
    ("POST", "/v1/entitlements/features", entitlements::create), ("GET", "/v1/entitlements/features", entitlements::all), ("GET", "/v1/entitlements/features/{id}", entitlements::get), ("POST", "/v1/entitlements/features/{id}", entitlements::update),
    ("GET", "/v1/entitlements/active_entitlements", entitlements::all_active), ("GET", "/v1/entitlements/active_entitlements/{id}", entitlements::get_active),
    ("GET", "/v1/events", events::all), ("GET", "/v1/events/{id}", events::get),
    ("POST", "/v1/webhook_endpoints", webhook_endpoints::create), ("GET", "/v1/webhook_endpoints", webhook_endpoints::all), ("GET", "/v1/webhook_endpoints/{id}", webhook_endpoints::get),
    ("POST", "/v1/webhook_endpoints/{id}", webhook_endpoints::update), ("DELETE", "/v1/webhook_endpoints/{id}", webhook_endpoints::delete),
    ("POST", "/v1/test_helpers/test_clocks", test_clocks::create), ("GET", "/v1/test_helpers/test_clocks", test_clocks::all), ("GET", "/v1/test_helpers/test_clocks/{id}", test_clocks::get),
    ("POST", "/v1/test_helpers/test_clocks/{id}/advance", test_clocks::advance), ("DELETE", "/v1/test_helpers/test_clocks/{id}", test_clocks::delete),
];

/// Finds the operation of a request. Literal segments win over ids.
pub(crate) fn find(method: &str, path: &str) -> Option<(&'static str, Verb, Vec<String>)> {
    let given: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let mut best: Option<(&'static str, Verb, Vec<String>)> = None;
    for (verb, pattern, action) in ROUTES.iter().filter(|(verb, ..)| *verb == method) {
        debug_assert!(!verb.is_empty(), "every route has a method");
        let mut ids = Vec::new();
        let mut parts = pattern.split('/');
        let fits = given.iter().all(|segment| match parts.next() {
            Some("{id}") if !segment.is_empty() => {
                ids.push(percent_decode(segment));
                true
            }
            Some(literal) => literal == *segment,
            None => false,
        }) && parts.next().is_none();
        if fits
            && best
                .as_ref()
                .is_none_or(|(_, _, found)| ids.len() < found.len())
        {
            best = Some((pattern, *action, ids));
        }
    }
    best
}

fn percent_decode(segment: &str) -> String {
    url::form_urlencoded::parse(format!("x={}", segment.replace('+', "%2B")).as_bytes())
        .next()
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_one_of_stripes() {
        for (method, pattern, _) in ROUTES {
            assert!(
                crate::core::schema::has(&format!("{method} {pattern}")),
                "{method} {pattern}"
            );
        }
    }

    #[test]
    fn literals_win_over_ids() {
        assert_eq!(
            find("POST", "/v1/invoices/create_preview")
                .expect("found")
                .0,
            "/v1/invoices/create_preview"
        );
        assert_eq!(
            find("GET", "/v1/credit_notes/cn_1").expect("found").2,
            ["cn_1"]
        );
        assert!(find("PATCH", "/v1/customers").is_none());
    }
}
