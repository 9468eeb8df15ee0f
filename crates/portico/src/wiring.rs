//! Who reacts to what, and which domain's needs are met by which other: on one page, the
//! only one that knows two domains.

use async_trait::async_trait;
use axum::response::Response;
use hosted_stack::{
    HostedStack,
    model::Here,
    ports::{Joined, Newcomer, People, Standing},
};
use http::HeaderMap;
use identity::{
    Identity, Presence, Presented,
    jobs::{SendAlreadyRegistered, SendEmailChange, SendEmailChanged, SendWelcome, TellOwner},
    model::{
        self as accounts,
        email_change::{EmailChangeAsked, EmailChanged},
    },
};
use kernel::{
    Principal, Result,
    client::ClientAddr,
    events::Recorded,
    files::{ARCHIVES, DOCUMENTS, IMAGES, Purpose, Readers, Senders},
    id::{SessionId, UserId},
    jobs::Queued,
    mail::Seal,
    vault::{Context, Vault},
};
use realtime::{Admitted, Authenticator, Denied, Online, Seen};
use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

pub(crate) use realtime::SlotCondition;

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

/// How the replication slots fare of all servers that share this database; `own` is the one's
/// that is asked.
pub(crate) async fn slots(db: &mut PgConnection, own: &str) -> anyhow::Result<Vec<SlotCondition>> {
    realtime::slots(db, realtime::SLOT_FAMILY, own).await
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
            readers: Readers::OwnerInPerson,
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
    async fn by_token(&self, token: &str) -> Result<Admitted, Denied> {
        match self.identity.presented(token).await {
            Ok(Presented::Good(principal, expires_at)) => Ok(Admitted {
                principal,
                expires_at,
            }),
            Ok(Presented::Malformed) => Err(Denied::Malformed),
            Ok(Presented::Forged) => Err(Denied::Forged),
            Ok(Presented::Expired) => Err(Denied::Expired),
            Ok(Presented::Refused) => Err(Denied::Refused),
            Err(error) => Err(unanswered(&error)),
        }
    }

    async fn refresh(&self, session: SessionId) -> Result<Admitted, Denied> {
        let standing = self.identity.session_as_it_stands(session).await;
        let standing = standing.map_err(|error| unanswered(&error))?;
        let (principal, expires_at) = standing.ok_or(Denied::Refused)?;
        Ok(Admitted {
            principal,
            expires_at,
        })
    }
}

/// A question that failed is no answer, and least of all that somebody is nobody.
fn unanswered(error: &kernel::Error) -> Denied {
    tracing::warn!(%error, "who is on a socket cannot be looked up");
    Denied::Unavailable
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

/// A hosted project's people are identity's people.
#[derive(Debug)]
pub(crate) struct Registrar(pub(crate) Identity);

#[async_trait]
impl People for Registrar {
    fn confirmed(&self, caller: &Principal) -> Result<()> {
        self.0.require_recent(caller)
    }

    async fn may_give(&self, caller: &Principal, roles: &[String]) -> Result<()> {
        self.0.may_give(caller, roles).await
    }

    async fn join(&self, tx: &mut PgConnection, who: &Newcomer) -> Result<Joined> {
        let said = (who.email.as_str(), who.name.as_str());
        let joined = self.0.join_trusted(tx, said, who.sign_up, who.link).await?;
        Ok(joined.map_or_else(Joined::Refused, Joined::As))
    }

    async fn here(&self, tx: &mut PgConnection, user: UserId) -> Result<Option<Here>> {
        let told = self.0.as_told(tx, user).await?;
        Ok(told.map(|told| Here {
            suspended: told.status == accounts::Status::Suspended,
            deleted: told.status == accounts::Status::Deleted,
            name: told.name,
            email: told.email,
            verified: told.verified,
            roles: told.roles,
        }))
    }

    async fn rename(&self, tx: &mut PgConnection, user: UserId, name: &str) -> Result<()> {
        self.0.rename_trusted(tx, user, name).await
    }

    async fn readdress(&self, tx: &mut PgConnection, user: UserId, email: &str) -> Result<bool> {
        self.0.readdress_trusted(tx, user, email).await
    }

    async fn change_roles(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        give: &[String],
        take: &[String],
    ) -> Result<Vec<String>> {
        self.0.roles_trusted(tx, user, give, take).await
    }

    async fn suspend(&self, tx: &mut PgConnection, user: UserId) -> Result<()> {
        self.0.suspend_trusted(tx, user).await
    }

    async fn restore(&self, tx: &mut PgConnection, user: UserId) -> Result<()> {
        self.0.restore_trusted(tx, user).await
    }

    async fn delete(&self, tx: &mut PgConnection, user: UserId) -> Result<()> {
        self.0.delete_trusted(tx, user).await
    }

    async fn enter(
        &self,
        user: UserId,
        hosted: Uuid,
        from: ClientAddr,
        headers: &HeaderMap,
    ) -> Result<Response> {
        self.0.enter_trusted(user, hosted, from, headers).await
    }

    async fn standing(&self, after: Option<SessionId>, limit: i64) -> Result<Vec<Standing>> {
        let held = self.0.held_for_trusted(after, limit).await?;
        let standing = held.into_iter().map(|held| Standing {
            id: held.session,
            user: held.user,
            hosted: held.hosted,
        });
        Ok(standing.collect())
    }

    async fn end(&self, tx: &mut PgConnection, sessions: &[Standing]) -> Result<()> {
        let sessions: Vec<_> = sessions.iter().map(|one| (one.id, one.user)).collect();
        self.0.end_trusted(tx, &sessions).await
    }

    fn settled(&self, user: UserId) {
        self.0.settled(user);
    }
}

/// Identity asks a hosted project's domain whether it knows a token.
#[derive(Debug)]
pub(crate) struct Vouching(pub(crate) HostedStack);

#[async_trait]
impl identity::ports::Trusted for Vouching {
    async fn session_of(&self, token: &str) -> Result<Option<Uuid>> {
        self.0.session_of(token).await
    }
}
