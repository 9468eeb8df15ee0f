//! The second face of identity: the wire protocol of Stack Auth (now Hexclave), spoken so that its SDKs
//! work without a change. `docs/api/stack-auth.md` says how to point one here.
//!
//! The same people, passwords, second factors, roles and sessions as the first-party API, by the same
//! rows: whoever signs in here is in the list of devices, is signed out at once, and cannot
//! act once suspended. Two things differ because the protocol wants them so. Somebody who
//! signs up is in before their address is proved; until it is, the first-party API does not take
//! their token. And refresh tokens do not rotate; so they are only kept as hashes, end when
//! idle and in any case, and their use by another program or from another network is noted.
//!
//! Refuses anonymous accounts, administration of the project, and links that lead to places which the
//! operator does not trust. Never answers 429: the SDK would wait in silence.

#![expect(
    clippy::option_option,
    reason = "the protocol tells a field that was left out from one that is null"
)]
#![expect(
    clippy::unnecessary_wraps,
    clippy::needless_pass_by_value,
    reason = "handlers end with `ok(…)`, `list(…)` and the like, which are answers"
)]
#![expect(
    clippy::struct_excessive_bools,
    reason = "the protocol's people and tokens are made of them"
)]

pub(crate) mod actions;
mod body;
pub(crate) mod call;
mod config;
mod envelope;
mod fault;
mod known;
mod known_samples;
mod model;
mod project;
mod routes;
mod secrets;
mod store;
mod tokens;
mod trust;
mod views;

pub use config::StackAuthConfig;
pub use known_samples::known_errors;
pub(crate) use project::Project;
pub use project::{BASE, ProjectKeys};

use crate::{Identity, Inner};

/// The face: verbs and routes over [`Identity`].
#[derive(Debug, Clone)]
pub struct StackAuth(pub(crate) Identity);

impl StackAuth {
    /// The face of these accounts.
    pub fn new(identity: &Identity) -> Self {
        Self(identity.clone())
    }

    fn inner(&self) -> &Inner {
        &self.0.0
    }
}

/// Forgets codes that are long over.
pub(crate) async fn sweep(
    db: &mut sqlx::PgConnection,
    now: time::OffsetDateTime,
) -> sqlx::Result<()> {
    store::codes::sweep(db, now - time::Duration::days(30)).await
}

impl Identity {
    /// Throws out what was left in an account before its address was proved, because whoever left it
    /// may not be whoever has the mailbox: the password, second factors, keys, and all sessions.
    /// After the commit, [`Identity::sessions_over`] tells this node of them.
    pub(crate) async fn start_clean(
        &self,
        tx: &mut sqlx::PgConnection,
        user: kernel::id::UserId,
    ) -> kernel::Result<Vec<kernel::id::SessionId>> {
        store::users::forget_proofs(tx, user).await?;
        store::users::remove_password(tx, user).await?;
        self.end_sessions(tx, user, None, "address_proved").await
    }
}
