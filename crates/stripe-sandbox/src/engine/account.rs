//! The one account there is. It cannot be changed.

use super::Args;
use crate::core::{Cx, Result, json};

pub(crate) const NAME: &str = "Sandbox";
const ID: &str = "acct_sandbox";

/// GET /v1/account
#[expect(
    clippy::unnecessary_wraps,
    reason = "every operation has one signature"
)]
pub(crate) fn get(_: &mut Cx<'_>, _: &Args) -> Result {
    Ok(json!({
        "id": ID, "object": "account", "country": "US", "default_currency": "usd", "charges_enabled": true, "payouts_enabled": true,
        "details_submitted": true, "email": "sandbox@example.com", "type": "standard", "created": 0, "metadata": {},
        "business_profile": {"mcc": null, "name": NAME, "product_description": null, "support_address": null, "support_email": null, "support_phone": null, "support_url": null, "url": null},
        "business_type": null, "capabilities": {"card_payments": "active", "transfers": "active"},
        "controller": {"type": "account"}, "settings": {"dashboard": {"display_name": NAME, "timezone": "Etc/UTC"}},
    }))
}
