//! The section `[billing]` of the configuration.

use serde::{Deserialize, Serialize};

/// How things are sold.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BillingConfig {
    /// Who takes payments.
    pub payments: Payments,
}

/// Who takes payments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payments {
    /// The sandbox where only this machine reaches the server, nobody otherwise.
    #[default]
    Auto,
    /// The sandbox: no money moves. Refused on an address that others reach, where anybody could
    /// pay with a test card.
    Sandbox,
    /// Nobody: nothing is sold.
    Off,
}
