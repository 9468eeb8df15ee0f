//! Background jobs of the domain. Each may run twice.

use crate::{
    Identity,
    model::{
        RegistrationId, email_change::ChangeId, entry::RequestId, import::ImportId,
        keys::InvitationId, privacy::ExportId, security::SecurityEventId,
    },
};
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

/// Mails an owner what happened to their account.
#[derive(Debug, Serialize, Deserialize)]
pub struct TellOwner {
    /// The security event.
    pub event: SecurityEventId,
}

impl Job for TellOwner {
    const NAME: &'static str = "identity:tell_owner";
}

/// Mails what was asked for, if the address has an account.
#[derive(Debug, Serialize, Deserialize)]
pub struct SendRequested {
    /// The request.
    pub(crate) id: RequestId,
    /// What was asked for.
    pub(crate) purpose: String,
}

impl Job for SendRequested {
    const NAME: &'static str = "identity:send_requested";
}

/// Lets the next signing key sign when the present one is old.
#[derive(Debug, Serialize, Deserialize)]
pub struct RotateSigningKey {}

impl Job for RotateSigningKey {
    const NAME: &'static str = "identity:rotate_signing_key";
}

/// Brings what the vault sealed under its active key, after a rotation.
#[derive(Debug, Serialize, Deserialize)]
pub struct Reseal {}

impl Job for Reseal {
    const NAME: &'static str = "identity:reseal";

    fn key(&self) -> Option<String> {
        Some("once".into())
    }
}

/// Ends sessions that idled too long and forgets used tokens.
#[derive(Debug, Serialize, Deserialize)]
pub struct SweepSessions {}

impl Job for SweepSessions {
    const NAME: &'static str = "identity:sweep_sessions";
}

/// Writes into the log which impersonations ended by themselves.
#[derive(Debug, Serialize, Deserialize)]
pub struct NoteEndedImpersonations {}

impl Job for NoteEndedImpersonations {
    const NAME: &'static str = "identity:note_ended_impersonations";
}

/// Mails an invitation with its link.
#[derive(Debug, Serialize, Deserialize)]
pub struct SendInvitation {
    /// Which.
    pub invitation: InvitationId,
}

impl Job for SendInvitation {
    const NAME: &'static str = "identity:send_invitation";
}

/// Takes over the people of a file, all of them or none.
#[derive(Debug, Serialize, Deserialize)]
pub struct TakeOver {
    /// Which file.
    pub import: ImportId,
}

impl Job for TakeOver {
    const NAME: &'static str = "identity:take_over";
}

/// Does one act to many people.
#[derive(Debug, Serialize, Deserialize)]
pub struct ActInBulk {
    /// Which run.
    pub run: uuid::Uuid,
}

impl Job for ActInBulk {
    const NAME: &'static str = "identity:act_in_bulk";

    fn key(&self) -> Option<String> {
        Some(self.run.to_string())
    }
}

/// Erases who has been in the trash for long enough.
#[derive(Debug, Serialize, Deserialize)]
pub struct EraseDeleted {}

impl Job for EraseDeleted {
    const NAME: &'static str = "identity:erase_deleted";
}

/// Asks both addresses whether they agree to a change.
#[derive(Debug, Serialize, Deserialize)]
pub struct SendEmailChange {
    /// Which change.
    pub change: ChangeId,
}

impl Job for SendEmailChange {
    const NAME: &'static str = "identity:send_email_change";
}

/// Tells the old address that a change came about, with the way back.
#[derive(Debug, Serialize, Deserialize)]
pub struct SendEmailChanged {
    /// Which change.
    pub change: ChangeId,
}

impl Job for SendEmailChanged {
    const NAME: &'static str = "identity:send_email_changed";
}

/// Makes a copy of somebody's data.
#[derive(Debug, Serialize, Deserialize)]
pub struct ExportData {
    /// Which copy.
    pub export: ExportId,
}

impl Job for ExportData {
    const NAME: &'static str = "identity:export_data";
}

/// Deletes copies whose days are over.
#[derive(Debug, Serialize, Deserialize)]
pub struct ExpireExports {}

impl Job for ExpireExports {
    const NAME: &'static str = "identity:expire_exports";
}

/// Has the rest of the house erase what it holds about somebody who left.
#[derive(Debug, Serialize, Deserialize)]
pub struct EraseElsewhere {
    /// Who left.
    pub user: UserId,
    /// The address that they had: mail is kept by address.
    pub email: String,
}

impl Job for EraseElsewhere {
    const NAME: &'static str = "identity:erase_elsewhere";
}

impl Identity {
    fn self_service_handlers(&self, handlers: Handlers) -> Handlers {
        let (asked, changed, export) = (self.clone(), self.clone(), self.clone());
        let (expire, erase, reseal) = (self.clone(), self.clone(), self.clone());
        handlers
            .every("7 4 * * *", move |_: Reseal, context| {
                let identity = reseal.clone();
                async move { identity.reseal(&context).await }
            })
            .on(move |job: SendEmailChange, _| {
                let identity = asked.clone();
                async move { identity.send_email_change(job.change).await }
            })
            .on(move |job: SendEmailChanged, _| {
                let identity = changed.clone();
                async move { identity.send_email_changed(job.change).await }
            })
            .on(move |job: ExportData, _| {
                let identity = export.clone();
                async move { identity.export_data(job.export).await }
            })
            .every("47 * * * *", move |_: ExpireExports, _| {
                let identity = expire.clone();
                async move { identity.expire_exports().await }
            })
            .on(move |job: EraseElsewhere, _| {
                let identity = erase.clone();
                async move { identity.erase_elsewhere(job.user, job.email).await }
            })
    }

    /// Says which code runs which job.
    #[must_use]
    pub fn handlers(&self, handlers: Handlers) -> Handlers {
        let (welcome, repeated, sweep) = (self.clone(), self.clone(), self.clone());
        let (erase, bulk, invite) = (self.clone(), self.clone(), self.clone());
        let import = self.clone();
        let (owner, requested, rotation) = (self.clone(), self.clone(), self.clone());
        let impersonations = self.clone();
        self.self_service_handlers(handlers)
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
            .on(move |job: TellOwner, _| {
                let identity = owner.clone();
                async move { identity.tell_owner(job.event).await }
            })
            .on(move |job: SendRequested, _| {
                let identity = requested.clone();
                async move { identity.send_requested(job.id, &job.purpose).await }
            })
            .every("47 3 * * *", move |_: RotateSigningKey, _| {
                let identity = rotation.clone();
                async move { identity.rotate_old_signing_key().await }
            })
            .every("17 * * * *", move |_: SweepSessions, _| {
                let identity = sweep.clone();
                async move { identity.sweep_sessions().await }
            })
            .every("* * * * *", move |_: NoteEndedImpersonations, _| {
                let identity = impersonations.clone();
                async move { identity.note_ended_impersonations().await }
            })
            .on(move |job: SendInvitation, _| {
                let identity = invite.clone();
                async move { identity.send_invitation(job.invitation).await }
            })
            .on(move |job: TakeOver, _| {
                let identity = import.clone();
                async move { identity.take_over(job.import).await }
            })
            .on(move |job: ActInBulk, _| {
                let identity = bulk.clone();
                async move { identity.act_in_bulk(job.run).await }
            })
            .every("23 3 * * *", move |_: EraseDeleted, _| {
                let identity = erase.clone();
                async move { identity.erase_overdue().await }
            })
    }
}
