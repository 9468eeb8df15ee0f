//! Background jobs of the domain. Each may run twice.

use kernel::jobs::{Handlers, Job};
use serde::{Deserialize, Serialize};

use crate::{Realtime, store};

/// Forgets kept messages whose time is over.
#[derive(Debug, Serialize, Deserialize)]
pub struct SweepMessages {}

impl Job for SweepMessages {
    const NAME: &'static str = "realtime:sweep_messages";
}

/// Messages that are forgotten at once, so that no lock is held for long.
const SOME: i64 = 1_000;

impl Realtime {
    /// Says which code runs which job.
    #[must_use]
    pub fn handlers(&self, handlers: Handlers) -> Handlers {
        let realtime = self.clone();
        handlers.every("23 * * * *", move |_: SweepMessages, _| {
            let realtime = realtime.clone();
            async move { realtime.sweep_messages().await }
        })
    }

    /// Forgets kept messages whose time is over.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn sweep_messages(&self) -> kernel::Result<()> {
        let shared = &self.shared;
        loop {
            let now = shared.clock.now();
            let mut db = shared.db.acquire().await?;
            if store::messages::sweep(&mut db, now, SOME).await? < SOME.unsigned_abs() {
                return Ok(());
            }
        }
    }
}
