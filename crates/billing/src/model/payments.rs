//! Prices, subscriptions and payments: what they are, and what follows from the provider's words.

use super::TierId;
use crate::stripe::objects::{Event as ProviderEvent, PaymentIntent};
use kernel::{Error, Result, error::Faults, events::Event, id::UserId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

kernel::id! {
    /// A price.
    PriceId
}

kernel::id! {
    /// A payment.
    PaymentId
}

/// How often a price is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// Every month.
    Month,
    /// Every year.
    Year,
}

impl Interval {
    /// As it is stored, and as Stripe says it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Year => "year",
        }
    }
}

/// The smallest and the largest amount, in the currency's smallest unit: what Stripe takes in
/// any currency with two decimals.
const AMOUNT: std::ops::RangeInclusive<i64> = 50..=99_999_999;

/// What a tier is to cost.
#[derive(Debug, Clone)]
pub struct Cost {
    /// ISO 4217, in small letters.
    pub currency: String,
    /// In the currency's smallest unit.
    pub amount: i64,
}

impl Cost {
    /// Reads a cost; all faults at once.
    pub fn parse(currency: &str, amount: i64) -> Result<Self> {
        let mut faults = Faults::default();
        let currency = currency.trim().to_ascii_lowercase();
        if currency.len() != 3 || !currency.bytes().all(|c| c.is_ascii_lowercase()) {
            faults.add(
                "currency",
                "invalid",
                "A currency is three letters, as EUR.",
            );
        }
        if !AMOUNT.contains(&amount) {
            faults.add(
                "amount",
                "out_of_range",
                "An amount is 50 to 99,999,999 of the currency's smallest unit.",
            );
        }
        faults.check()?;
        Ok(Self { currency, amount })
    }
}

/// What a tier costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Price {
    /// Its id.
    pub id: PriceId,
    /// How often it is paid.
    pub interval: Interval,
    /// ISO 4217, in small letters.
    pub currency: String,
    /// In the currency's smallest unit.
    pub amount: i64,
}

/// A price on its way to a checkout.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) id: PriceId,
    pub(crate) provider_id: Option<String>,
    pub(crate) interval: String,
    pub(crate) currency: String,
    pub(crate) amount: i64,
    pub(crate) tier: TierId,
    pub(crate) tier_name: String,
}

/// Who buys.
#[derive(Debug)]
pub(crate) struct Buyer {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) customer: Option<String>,
    pub(crate) checkout: Option<String>,
}

/// What somebody has subscribed to.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// The provider's id.
    pub id: String,
    /// The tier's key, if it is one of ours.
    pub tier: Option<String>,
    /// The tier's name.
    pub name: Option<String>,
    /// How it stands, in Stripe's words.
    pub status: String,
    /// When what is paid for now ends.
    pub period_ends_at: Option<OffsetDateTime>,
    /// When it ends for good, if an end is set.
    pub ends_at: Option<OffsetDateTime>,
    /// What it costs.
    pub amount: Option<i64>,
    /// In which currency.
    pub currency: Option<String>,
    /// How often.
    pub interval: Option<String>,
}

/// Whether a subscription that stands so is one: somebody who has it buys no second.
pub(crate) const LIVE: &[&str] = &["active", "trialing", "past_due", "unpaid", "paused"];
/// Whether it opens its tier. While a renewal is tried again the tier stays.
pub(crate) const OPEN: &[&str] = &["active", "trialing", "past_due"];

/// How a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Somebody or some bank has yet to do something.
    Waiting,
    /// It came, all or most of it: `refunded` says how much went back.
    Paid,
    /// It did not come; it may be tried again.
    Failed,
    /// Nobody tries it any more.
    Canceled,
    /// All of it went back.
    Refunded,
}

impl PaymentStatus {
    /// As it is stored.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Refunded => "refunded",
        }
    }

    /// What a payment intent says; nothing as long as nobody tried to pay.
    pub(crate) fn of(intent: &PaymentIntent, refunded: i64) -> Option<Self> {
        let failed = intent.last_payment_error.is_some();
        Some(match intent.status.as_str() {
            "succeeded" if refunded >= intent.amount && refunded > 0 => Self::Refunded,
            "succeeded" => Self::Paid,
            "canceled" => Self::Canceled,
            "requires_payment_method" if failed => Self::Failed,
            "requires_action" | "processing" | "requires_capture" => Self::Waiting,
            _ => return None,
        })
    }
}

/// A payment, as its list shows it.
#[derive(Debug, Clone)]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// Whose.
    pub user: UserId,
    /// Their name, while they have an account.
    pub name: Option<String>,
    /// Their address.
    pub email: Option<String>,
    /// How it stands.
    pub status: String,
    /// ISO 4217, in small letters.
    pub currency: String,
    /// In the currency's smallest unit.
    pub amount: i64,
    /// How much of it went back.
    pub refunded: i64,
    /// What for.
    pub description: Option<String>,
    /// As in `visa 4242`.
    pub card: Option<String>,
    /// Why it failed.
    pub failure: Option<String>,
    /// The invoice's number.
    pub invoice_number: Option<String>,
    /// The invoice's page at the provider.
    pub invoice_url: Option<String>,
    /// When it began.
    pub created_at: OffsetDateTime,
}

/// Which object of the provider's an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    Subscription,
    Invoice,
    Payment,
}

impl About {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Subscription => "subscription",
            Self::Invoice => "invoice",
            Self::Payment => "payment",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Subscription, Self::Invoice, Self::Payment]
            .into_iter()
            .find(|about| about.text() == text)
    }

    /// What is to be asked for after an event.
    pub(crate) fn of(event: &ProviderEvent) -> Option<(Self, &str)> {
        let object = &event.data.object;
        let (about, id) = if event.kind.starts_with("customer.subscription.") {
            (Self::Subscription, &object.id)
        } else if event.kind.starts_with("checkout.session.") {
            (Self::Subscription, &object.subscription)
        } else if event.kind.starts_with("invoice.") {
            (Self::Invoice, &object.id)
        } else if event.kind.starts_with("payment_intent.") {
            (Self::Payment, &object.id)
        } else if event.kind.starts_with("charge.") || event.kind.starts_with("refund.") {
            (Self::Payment, &object.payment_intent)
        } else {
            return None;
        };
        id.as_deref().map(|id| (about, id))
    }
}

/// What the provider is asked to tell.
pub(crate) const KINDS: &[&str] = &[
    "checkout.session.completed",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.payment_action_required",
    "invoice.voided",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.requires_action",
    "payment_intent.canceled",
    "charge.refunded",
];

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Serialize, Deserialize)]
        pub struct $name {
            /// Which payment.
            pub payment: PaymentId,
            /// Whose.
            pub user: UserId,
        }

        impl Event for $name {
            const NAME: &'static str = $text;
            fn subject(&self) -> Option<Uuid> {
                Some(self.user.0)
            }
        }
    )+};
}

events! {
    /// A payment came.
    PaymentReceived = "billing.payment_received",
    /// A payment did not come.
    PaymentFailed = "billing.payment_failed",
    /// All of a payment went back.
    PaymentRefunded = "billing.payment_refunded",
}

/// What a member hears when nothing is sold here.
pub(crate) fn nothing_is_sold() -> Error {
    Error::conflict(
        "payments_off",
        "Nothing can be paid for here: payments are switched off.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn intent(status: &str, failed: bool) -> PaymentIntent {
        let error = failed.then(|| json!({"message": "Declined."}));
        serde_json::from_value(json!({"id": "pi_1", "customer": "cus_1", "status": status,
            "amount": 1000, "currency": "eur", "created": 1, "last_payment_error": error}))
        .unwrap()
    }

    #[test]
    fn a_payment_stands_as_its_intent_says() {
        for (status, failed, refunded, stands) in [
            ("succeeded", false, 0, Some(PaymentStatus::Paid)),
            // What failed once and then came, came.
            ("succeeded", true, 0, Some(PaymentStatus::Paid)),
            ("succeeded", false, 999, Some(PaymentStatus::Paid)),
            ("succeeded", false, 1000, Some(PaymentStatus::Refunded)),
            (
                "requires_payment_method",
                true,
                0,
                Some(PaymentStatus::Failed),
            ),
            ("requires_payment_method", false, 0, None),
            ("requires_confirmation", false, 0, None),
            ("requires_action", false, 0, Some(PaymentStatus::Waiting)),
            ("processing", false, 0, Some(PaymentStatus::Waiting)),
            ("canceled", true, 0, Some(PaymentStatus::Canceled)),
            ("something_new", false, 0, None),
        ] {
            let said = PaymentStatus::of(&intent(status, failed), refunded);
            assert_eq!(said, stands, "{status} {failed} {refunded}");
        }
    }

    #[test]
    fn every_kind_that_is_asked_for_says_whom_to_ask() {
        for kind in KINDS {
            let event = serde_json::from_value(json!({"id": "evt_1", "type": kind, "created": 1,
                "data": {"object": {"id": "o_1", "subscription": "s_1", "payment_intent": "p_1"}}}));
            let event: ProviderEvent = event.unwrap();
            assert!(About::of(&event).is_some(), "{kind}");
        }
    }

    #[test]
    fn all_faults_of_a_cost_come_at_once() {
        assert_eq!(Cost::parse(" EUR", 2400).unwrap().currency, "eur");
        let Err(Error::Invalid(faults)) = Cost::parse("euro", 49) else {
            panic!("accepted")
        };
        let fields: Vec<_> = faults
            .iter()
            .map(|fault| (fault.field.as_ref(), fault.code))
            .collect();
        assert_eq!(
            fields,
            [("currency", "invalid"), ("amount", "out_of_range")]
        );
    }
}
