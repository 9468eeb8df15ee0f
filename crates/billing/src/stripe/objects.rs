//! The fields of Stripe's objects that are used, by Stripe's names.

use serde::{Deserialize, de::IgnoredAny};
use time::OffsetDateTime;

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct List<T> {
    pub(crate) data: Vec<T>,
    #[serde(default)]
    pub(crate) has_more: bool,
}

/// Any object of which only the name matters.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Named {
    pub(crate) id: String,
}

/// An object, or only its id where it was not expanded.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Expandable<T> {
    Object(T),
    Id(IgnoredAny),
}

impl<T> Expandable<T> {
    pub(crate) fn object(self) -> Option<T> {
        match self {
            Self::Object(object) => Some(object),
            Self::Id(_) => None,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) url: Option<String>,
    /// `open`, `complete` or `expired`; Checkout's alone.
    pub(crate) status: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) customer: String,
    pub(crate) status: String,
    #[serde(with = "time::serde::timestamp")]
    pub(crate) created: OffsetDateTime,
    #[serde(default, with = "time::serde::timestamp::option")]
    pub(crate) cancel_at: Option<OffsetDateTime>,
    #[serde(default)]
    pub(crate) cancel_at_period_end: bool,
    pub(crate) items: List<Item>,
}

/// Since 2025-03-31 the period stands at the item.
#[derive(Debug, Deserialize)]
pub(crate) struct Item {
    pub(crate) price: Named,
    #[serde(default, with = "time::serde::timestamp::option")]
    pub(crate) current_period_end: Option<OffsetDateTime>,
}

impl Subscription {
    /// When what is paid for now ends.
    pub(crate) fn period_ends_at(&self) -> Option<OffsetDateTime> {
        let ends = self.items.data.iter().map(|item| item.current_period_end);
        ends.max().flatten()
    }

    /// When it ends for good, if an end is set.
    pub(crate) fn ends_at(&self) -> Option<OffsetDateTime> {
        let at_period_end = || {
            self.cancel_at_period_end
                .then(|| self.period_ends_at())
                .flatten()
        };
        self.cancel_at.or_else(at_period_end)
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct PaymentIntent {
    pub(crate) id: String,
    pub(crate) customer: Option<String>,
    pub(crate) status: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) description: Option<String>,
    #[serde(with = "time::serde::timestamp")]
    pub(crate) created: OffsetDateTime,
    pub(crate) last_payment_error: Option<PaymentError>,
    pub(crate) latest_charge: Option<Expandable<Charge>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PaymentError {
    pub(crate) message: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Charge {
    #[serde(default)]
    pub(crate) amount_refunded: i64,
    pub(crate) payment_method_details: Option<MethodDetails>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct MethodDetails {
    pub(crate) card: Option<Card>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Card {
    pub(crate) brand: Option<String>,
    pub(crate) last4: Option<String>,
}

/// What ties an invoice to a payment, since 2025-03-31.
#[derive(Debug, Deserialize)]
pub(crate) struct InvoicePayment {
    pub(crate) invoice: Expandable<Invoice>,
    pub(crate) payment: Paid,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Paid {
    pub(crate) payment_intent: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Invoice {
    pub(crate) number: Option<String>,
    pub(crate) hosted_invoice_url: Option<String>,
    #[serde(default)]
    pub(crate) lines: Option<List<Line>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Line {
    pub(crate) description: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
}

/// An event, as a web hook or a list tells it. What it says of its object is only read for
/// which object it is.
#[derive(Debug, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    #[serde(with = "time::serde::timestamp")]
    pub(crate) created: OffsetDateTime,
    #[serde(default)]
    pub(crate) livemode: bool,
    pub(crate) data: EventData,
}

#[derive(Debug, Deserialize)]
pub(crate) struct EventData {
    pub(crate) object: EventObject,
}

#[derive(Debug, Deserialize)]
pub(crate) struct EventObject {
    pub(crate) id: Option<String>,
    pub(crate) subscription: Option<String>,
    pub(crate) payment_intent: Option<String>,
}
