//! Background jobs of the domain. Each may run twice.

use crate::{HostedStack, model::RunId};
use kernel::jobs::{Handlers, Job};
use serde::{Deserialize, Serialize};

/// Applies a webhook.
#[derive(Debug, Serialize, Deserialize)]
pub struct ApplyEvent {
    /// Its id, as its sender gave it.
    pub event: String,
}

impl Job for ApplyEvent {
    const NAME: &'static str = "hosted:apply_event";
}

/// Compares both sides, and mends where that was asked for.
#[derive(Debug, Serialize, Deserialize)]
pub struct Reconcile {
    /// Which comparison.
    pub run: RunId,
}

impl Job for Reconcile {
    const NAME: &'static str = "hosted:reconcile";
    const ATTEMPTS: i16 = 6;
}

macro_rules! chores {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Serialize, Deserialize)]
        pub struct $name {}
        impl Job for $name {
            const NAME: &'static str = $text;
        }
    )+};
}

chores! {
    /// Ends sessions here whose sessions there have ended.
    FollowSessions = "hosted:follow_sessions",
    /// Starts the nightly comparison, which mends.
    ReconcileNightly = "hosted:reconcile_nightly",
    /// Brings the connection's secrets under the vault's active key, after a rotation.
    Reseal = "hosted:reseal",
    /// Forgets webhooks and comparisons of long ago.
    SweepInbox = "hosted:sweep_inbox",
}

impl HostedStack {
    /// Says which code runs which job.
    #[must_use]
    pub fn handlers(&self, handlers: Handlers) -> Handlers {
        let [event, run, sessions, nightly, sweep, reseal] = [(); 6].map(|()| self.clone());
        handlers
            .on(move |job: ApplyEvent, context| {
                let hosted = event.clone();
                async move {
                    let last = context.attempt >= ApplyEvent::ATTEMPTS;
                    hosted.apply_event(&job.event, last).await
                }
            })
            .on(move |job: Reconcile, context| {
                let hosted = run.clone();
                async move {
                    let last = context.attempt >= Reconcile::ATTEMPTS;
                    hosted.reconcile(job.run, last).await
                }
            })
            .every("*/5 * * * *", move |_: FollowSessions, _| {
                let hosted = sessions.clone();
                async move { hosted.follow_sessions().await }
            })
            .every("25 2 * * *", move |_: ReconcileNightly, _| {
                let hosted = nightly.clone();
                async move { hosted.reconcile_nightly().await }
            })
            .every("9 4 * * *", move |_: Reseal, _| {
                let hosted = reseal.clone();
                async move { hosted.reseal().await }
            })
            .every("55 3 * * *", move |_: SweepInbox, _| {
                let hosted = sweep.clone();
                async move { hosted.sweep_inbox().await }
            })
    }
}
