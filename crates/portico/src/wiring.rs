//! Who reacts to what, and which domain's needs are met by which other: on one page, the
//! only one that knows two domains.

use async_trait::async_trait;
use identity::{
    Identity, Presence,
    jobs::{SendAlreadyRegistered, SendEmailChange, SendEmailChanged, SendWelcome, TellOwner},
    model::{
        self as accounts,
        email_change::{EmailChangeAsked, EmailChanged},
    },
};
use kernel::{
    events::Recorded,
    files::{ARCHIVES, DOCUMENTS, IMAGES, Purpose, Readers, Senders},
    id::{SessionId, UserId},
    jobs::Queued,
    mail::Seal,
    vault::{Context, Vault},
};
use realtime::{Admitted, Authenticator, Online, Seen};
use std::time::Duration;
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
    if let Some(EmailChangeAsked { change, .. }) = event.of() {
        return vec![SendEmailChange { change }.into()];
    }
    if let Some(EmailChanged { change, .. }) = event.of() {
        return vec![SendEmailChanged { change }.into()];
    }
    if let Some(accounts::security::SecurityNoticed { event, .. }) = event.of() {
        return vec![TellOwner { event }.into()];
    }
    Vec::new()
}

/// The tables whose changes reach sockets.
pub(crate) fn live_tables() -> Vec<kernel::live::Table> {
    [
        kernel::audit::LIVE,
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
            // Remade before they are kept: see identity's pictures.
            senders: Senders::Domain,
            readers: Readers::SignedIn,
        },
        Purpose {
            name: "export",
            largest: 4 * 1024 * 1024 * 1024,
            media_types: vec!["application/zip"],
            senders: Senders::Domain,
            readers: Readers::Owner,
        },
        Purpose {
            name: "attachment",
            largest: 100 * 1024 * 1024,
            media_types: [IMAGES, DOCUMENTS, ARCHIVES].concat(),
            senders: Senders::SignedIn,
            readers: Readers::Owner,
        },
    ]
}

/// The private channels of sockets.
pub(crate) fn channels() -> Vec<kernel::live::Channel> {
    identity::live::CHANNELS.to_vec()
}

/// Sockets ask identity who somebody is, and tell it who is there.
pub(crate) struct Doorman {
    pub(crate) identity: Identity,
    /// This server's name among those that share the database.
    pub(crate) server: String,
    /// After this long without a beat a server is dead.
    pub(crate) patience: Duration,
}

#[async_trait]
impl Authenticator for Doorman {
    async fn by_token(&self, token: &str) -> Option<Admitted> {
        let principal = self.identity.principal_of(token).await.ok().flatten()?;
        Some(Admitted {
            principal,
            expires_at: self.identity.expiry_of(token)?,
        })
    }

    async fn refresh(&self, session: SessionId) -> Option<Admitted> {
        let (principal, expires_at) = self
            .identity
            .session_as_it_stands(session)
            .await
            .ok()
            .flatten()?;
        Some(Admitted {
            principal,
            expires_at,
        })
    }
}

#[async_trait]
impl Online for Doorman {
    async fn seen(&self, users: &[(UserId, Seen)]) -> bool {
        let users: Vec<(UserId, Presence)> = users
            .iter()
            .map(|(user, seen)| match seen {
                Seen::Online => (*user, Presence::Online),
                Seen::Away => (*user, Presence::Away),
                Seen::Offline => (*user, Presence::Offline),
            })
            .collect();
        let noted = self.identity.set_presence(&self.server, &users).await;
        if let Err(error) = &noted {
            tracing::warn!(%error, "presence not stored; it is tried again");
        }
        noted.is_ok()
    }

    async fn begin(&self) {
        if let Err(error) = self.identity.begin_presence(&self.server).await {
            tracing::warn!(%error, "who was connected before is not forgotten");
        }
    }

    async fn beat(&self) -> bool {
        let beat = self.identity.beat_presence(&self.server, self.patience);
        match beat.await {
            Ok(forgotten) => forgotten,
            Err(error) => {
                tracing::warn!(%error, "the database does not hear that this server lives");
                false
            }
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
