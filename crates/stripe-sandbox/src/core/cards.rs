//! The test cards. Any other number is refused, and no number or CVC is ever stored or logged: only a card's name is.

use super::error::{ApiError, Result};
use super::json::{Value, json};

/// What a test card does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Every charge succeeds.
    Succeed,
    /// Attaching and charging fail with this code and decline code.
    Decline(&'static str, Option<&'static str>),
    /// Attaches, but each charge fails.
    DeclineCharge,
    /// Authentication is asked for at every payment.
    AuthenticateAlways,
    /// Authentication is asked for until the card was set up or paid with once.
    AuthenticateOnce,
    /// Authentication, then insufficient funds.
    AuthenticateThenInsufficient,
    /// Authentication, then a generic decline.
    AuthenticateThenDecline,
    /// The charge succeeds and is disputed at once.
    Dispute,
    /// The charge succeeds; a refund of it fails later.
    RefundFails,
}

/// A card of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Card {
    /// The name in `pm_card_<name>`.
    pub(crate) name: &'static str,
    number: &'static str,
    brand: &'static str,
    /// For people, on the Checkout page.
    pub(crate) label: &'static str,
    /// What it does.
    pub(crate) behaviour: Behaviour,
}

use Behaviour as B;
const fn card(
    name: &'static str,
    number: &'static str,
    brand: &'static str,
    label: &'static str,
    behaviour: Behaviour,
) -> Card {
    Card {
        name,
        number,
        brand,
        label,
        behaviour,
    }
}

/// The table.
pub(crate) const CARDS: &[Card] = &[
    card("visa", "4242424242424242", "visa", "Succeeds", B::Succeed),
    card(
        "mastercard",
        "5555555555554444",
        "mastercard",
        "Succeeds",
        B::Succeed,
    ),
    card("amex", "378282246310005", "amex", "Succeeds", B::Succeed),
    card(
        "visa_debit",
        "4000056655665556",
        "visa",
        "Succeeds",
        B::Succeed,
    ),
    card(
        "threeDSecure2Required",
        "4000000000003220",
        "visa",
        "3-D Secure",
        B::AuthenticateOnce,
    ),
    card(
        "authenticationRequired",
        "4000002760003184",
        "visa",
        "3-D Secure every time",
        B::AuthenticateAlways,
    ),
    card(
        "authenticationRequiredOnSetup",
        "4000002500003155",
        "visa",
        "3-D Secure once",
        B::AuthenticateOnce,
    ),
    card(
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        "4000008260003178",
        "visa",
        "3-D Secure, then no funds",
        B::AuthenticateThenInsufficient,
    ),
    card(
        "threeDSecureRequiredChargeDeclined",
        "4000008400001629",
        "visa",
        "3-D Secure, then declined",
        B::AuthenticateThenDecline,
    ),
    card(
        "chargeDeclined",
        "4000000000000002",
        "visa",
        "Declined",
        B::Decline("card_declined", Some("generic_decline")),
    ),
    card(
        "chargeDeclinedInsufficientFunds",
        "4000000000009995",
        "visa",
        "No funds",
        B::Decline("card_declined", Some("insufficient_funds")),
    ),
    card(
        "chargeDeclinedLostCard",
        "4000000000009987",
        "visa",
        "Lost",
        B::Decline("card_declined", Some("lost_card")),
    ),
    card(
        "chargeDeclinedStolenCard",
        "4000000000009979",
        "visa",
        "Stolen",
        B::Decline("card_declined", Some("stolen_card")),
    ),
    card(
        "chargeDeclinedExpiredCard",
        "4000000000000069",
        "visa",
        "Expired",
        B::Decline("expired_card", None),
    ),
    card(
        "chargeDeclinedIncorrectCvc",
        "4000000000000127",
        "visa",
        "Wrong CVC",
        B::Decline("incorrect_cvc", None),
    ),
    card(
        "chargeDeclinedProcessingError",
        "4000000000000119",
        "visa",
        "Processing error",
        B::Decline("processing_error", None),
    ),
    card(
        "chargeCustomerFail",
        "4000000000000341",
        "visa",
        "Attaches, later charges fail",
        B::DeclineCharge,
    ),
    card(
        "createDispute",
        "4000000000000259",
        "visa",
        "Disputed later",
        B::Dispute,
    ),
    card(
        "refundFail",
        "4000000000005126",
        "visa",
        "Refund fails later",
        B::RefundFails,
    ),
];

/// The card with this number; spaces and dashes are ignored.
pub(crate) fn by_number(number: &str) -> Result<&'static Card> {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    CARDS.iter().find(|card| card.number == digits).ok_or_else(|| {
        ApiError::card("card_declined", Some("test_mode_live_card"), "Only the documented test cards work in the sandbox. Do not enter real cards; the number was not kept.")
            .with("param", "card[number]")
    })
}

/// The card behind `pm_card_<name>` or `tok_<name>`.
pub(crate) fn by_token(token: &str) -> Option<&'static Card> {
    let name = token
        .strip_prefix("pm_card_")
        .or_else(|| token.strip_prefix("tok_"))?;
    CARDS.iter().find(|card| {
        card.name == name
            || card.name.strip_suffix("Card") == Some(name)
            || (name == "threeDSecureRequired" && card.name == "authenticationRequired")
    })
}

/// The card with this name.
pub(crate) fn by_name(name: &str) -> Option<&'static Card> {
    CARDS.iter().find(|card| card.name == name)
}

impl Card {
    /// The last four digits.
    pub(crate) fn last4(&self) -> &'static str {
        &self.number[self.number.len() - 4..]
    }

    /// The number in groups, for the test-card buttons.
    pub(crate) fn grouped(&self) -> String {
        self.number
            .as_bytes()
            .chunks(4)
            .map(String::from_utf8_lossy)
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// The `card` hash of a payment method.
    pub(crate) fn details(&self, exp_month: i64, exp_year: i64) -> Value {
        let three_d_secure = !matches!(self.behaviour, B::Decline(..));
        json!({
            "brand": self.brand, "display_brand": self.brand, "last4": self.last4(), "exp_month": exp_month, "exp_year": exp_year,
            "country": "US", "funding": if self.name == "visa_debit" { "debit" } else { "credit" },
            "fingerprint": format!("sbx{:0>13}", self.last4()), "generated_from": null, "regulated_status": "unregulated",
            "checks": {"address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass"},
            "networks": {"available": [self.brand], "preferred": null},
            "three_d_secure_usage": {"supported": three_d_secure}, "wallet": null,
        })
    }
}

/// The message that goes with a decline.
pub(crate) fn decline_message(code: &str, decline_code: Option<&str>) -> &'static str {
    match (code, decline_code) {
        (_, Some("insufficient_funds")) => "Your card has insufficient funds.",
        ("expired_card", _) => "Your card has expired.",
        ("incorrect_cvc", _) => "Your card's security code is incorrect.",
        ("processing_error", _) => {
            "An error occurred while processing your card. Try again in a little bit."
        }
        ("authentication_required", _) => {
            "Your card was declined. This transaction requires authentication."
        }
        _ => "Your card was declined.",
    }
}
