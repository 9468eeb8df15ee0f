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

/// Asks the payment provider about what a web hook names.
#[derive(Debug, Serialize, Deserialize)]
pub struct FollowEvent {
    /// The web hook, by the provider's id.
    pub event: String,
}

impl Job for FollowEvent {
    const NAME: &'static str = "billing:follow_event";
}

/// Fetches web hooks that did not come.
#[derive(Debug, Serialize, Deserialize)]
pub struct CatchUp {}

impl Job for CatchUp {
    const NAME: &'static str = "billing:catch_up";
    const ATTEMPTS: i16 = 3;

    fn key(&self) -> Option<String> {
        Some("all".to_owned())
    }
}

/// Brings the secret of web hooks under the vault's active key, after a rotation.
#[derive(Debug, Serialize, Deserialize)]
pub struct Reseal {}

impl Job for Reseal {
    const NAME: &'static str = "billing:reseal";
}

/// Ends what an erased person subscribed to, and has the provider forget them.
#[derive(Debug, Serialize, Deserialize)]
pub struct CloseCustomer {
    /// Whom, as the provider calls them.
    pub customer: String,
}

impl Job for CloseCustomer {
    const NAME: &'static str = "billing:close_customer";
}

impl Billing {
    /// Says which code runs which job.
    #[must_use]
    pub fn handlers(&self, handlers: Handlers) -> Handlers {
        let [ends, event, missed, customer, reseal] = [(); 5].map(|()| self.clone());
        handlers
            .every("*/5 * * * *", move |_: EndMemberships, _| {
                let billing = ends.clone();
                async move { billing.end_memberships().await.map(|_| ()) }
            })
            .on(move |job: FollowEvent, _| {
                let billing = event.clone();
                async move { billing.follow_event(&job.event).await }
            })
            .every("*/10 * * * *", move |_: CatchUp, _| {
                let billing = missed.clone();
                async move { billing.catch_up().await.map(|_| ()) }
            })
            .every("11 4 * * *", move |_: Reseal, _| {
                let billing = reseal.clone();
                async move { billing.reseal().await }
            })
            .on(move |job: CloseCustomer, _| {
                let billing = customer.clone();
                async move { billing.close_customer(&job.customer).await }
            })
    }
}
