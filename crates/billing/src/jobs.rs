//! Background jobs of the domain. Each may run twice.

use crate::Billing;
use kernel::jobs::{Handlers, Job};
use serde::{Deserialize, Serialize};

/// Takes tiers away whose end has come.
#[derive(Debug, Serialize, Deserialize)]
pub struct EndMemberships {}

impl Job for EndMemberships {
    const NAME: &'static str = "billing:end_memberships";
}

impl Billing {
    /// Says which code runs which job.
    #[must_use]
    pub fn handlers(&self, handlers: Handlers) -> Handlers {
        let billing = self.clone();
        handlers.every("*/5 * * * *", move |_: EndMemberships, _| {
            let billing = billing.clone();
            async move { billing.end_memberships().await.map(|_| ()) }
        })
    }
}
