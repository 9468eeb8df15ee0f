//! Background jobs of the domain. Each may run twice.

use crate::{Identity, model::RegistrationId};
use kernel::{
    id::UserId,
    jobs::{Handlers, Job},
};
use serde::{Deserialize, Serialize};

/// Welcomes somebody who registered, with a link that proves their address.
#[derive(Debug, Serialize, Deserialize)]
pub struct SendWelcome {
    /// For which registration.
    pub registration: RegistrationId,
}

impl Job for SendWelcome {
    const NAME: &'static str = "identity:send_welcome";
}

/// Tells the owner of an address that somebody tried to register with it.
#[derive(Debug, Serialize, Deserialize)]
pub struct SendAlreadyRegistered {
    /// Whom.
    pub user: UserId,
    /// The event, so that each attempt is told once.
    pub event: i64,
}

impl Job for SendAlreadyRegistered {
    const NAME: &'static str = "identity:send_already_registered";
}

/// Ends sessions that idled too long and forgets used tokens.
#[derive(Debug, Serialize, Deserialize)]
pub struct SweepSessions {}

impl Job for SweepSessions {
    const NAME: &'static str = "identity:sweep_sessions";
}

impl Identity {
    /// Says which code runs which job.
    #[must_use]
    pub fn handlers(&self, handlers: Handlers) -> Handlers {
        let (welcome, repeated, sweep) = (self.clone(), self.clone(), self.clone());
        handlers
            .on(move |job: SendWelcome, _| {
                let identity = welcome.clone();
                async move { identity.send_welcome(job.registration).await }
            })
            .on(move |job: SendAlreadyRegistered, _| {
                let identity = repeated.clone();
                async move {
                    let cause = format!("already-registered:{}", job.event);
                    identity.send_already_registered(job.user, &cause).await
                }
            })
            .every("17 * * * *", move |_: SweepSessions, _| {
                let identity = sweep.clone();
                async move { identity.sweep_sessions().await }
            })
    }
}
