//! Who reacts to what, and which domain's needs are met by which other: on one page, the
//! only one that knows two domains.

use async_trait::async_trait;
use identity::{
    Identity,
    jobs::{SendAlreadyRegistered, SendWelcome},
    model as accounts,
};
use kernel::{
    events::Recorded,
    files::{ARCHIVES, DOCUMENTS, IMAGES, Purpose, Readers},
    id::{SessionId, UserId},
    jobs::Queued,
    mail::Seal,
    vault::{Context, Vault},
};
use realtime::{Admitted, Authenticator, Online};
use uuid::Uuid;

/// The jobs that follow an event, enqueued in its transaction.
pub(crate) fn reactions(event: &Recorded) -> Vec<Queued> {
    if let Some(accounts::AccountRegistered { registration, .. }) = event.of() {
        return vec![SendWelcome { registration }.into()];
    }
    if let Some(accounts::RegistrationRepeated { user, registration }) = event.of() {
        // Somebody who lost the first mail gets a link; the owner of a proved address is told.
        return vec![match registration {
            Some(registration) => SendWelcome { registration }.into(),
            None => SendAlreadyRegistered {
                user,
                event: event.id,
            }
            .into(),
        }];
    }
    Vec::new()
}

/// The tables whose changes reach sockets.
pub(crate) fn live_tables() -> Vec<kernel::live::Table> {
    [
        identity::live::TABLES,
        billing::live::TABLES,
        updates::live::TABLES,
    ]
    .concat()
}

/// What files are for, and who may send and read which.
pub(crate) fn file_purposes() -> Vec<Purpose> {
    vec![
        Purpose {
            name: "avatar",
            largest: 5 * 1024 * 1024,
            media_types: IMAGES.to_vec(),
            readers: Readers::SignedIn,
        },
        Purpose {
            name: "attachment",
            largest: 100 * 1024 * 1024,
            media_types: [IMAGES, DOCUMENTS, ARCHIVES].concat(),
            readers: Readers::Owner,
        },
    ]
}

/// Sockets ask identity who somebody is, and tell it who is there.
pub(crate) struct Doorman(pub(crate) Identity);

#[async_trait]
impl Authenticator for Doorman {
    async fn by_token(&self, token: &str) -> Option<Admitted> {
        let principal = self.0.principal_of(token).await.ok().flatten()?;
        Some(Admitted {
            principal,
            expires_at: self.0.expiry_of(token)?,
        })
    }

    async fn refresh(&self, session: SessionId) -> Option<Admitted> {
        let (principal, expires_at) = self.0.session_as_it_stands(session).await.ok().flatten()?;
        Some(Admitted {
            principal,
            expires_at,
        })
    }
}

#[async_trait]
impl Online for Doorman {
    async fn came_online(&self, user: UserId) {
        self.set(user, true).await;
    }

    async fn went_offline(&self, user: UserId) {
        self.set(user, false).await;
    }
}

impl Doorman {
    async fn set(&self, user: UserId, online: bool) {
        if let Err(error) = self.0.set_online(user, online).await {
            tracing::warn!(%error, "presence not stored");
        }
    }
}

/// Mails that wait are sealed by the vault: they hold one-time links.
pub(crate) struct SealedMail(pub(crate) Vault);

impl SealedMail {
    fn place(row: &Uuid) -> Context<'_> {
        Context {
            table: "kernel.mails",
            column: "body",
            row: row.as_bytes(),
        }
    }
}

impl Seal for SealedMail {
    fn seal(&self, row: Uuid, plain: &[u8]) -> anyhow::Result<String> {
        Ok(self.0.seal(Self::place(&row), plain)?)
    }

    fn open(&self, row: Uuid, sealed: &str) -> anyhow::Result<Vec<u8>> {
        Ok(self.0.open(Self::place(&row), sealed)?.to_vec())
    }
}
