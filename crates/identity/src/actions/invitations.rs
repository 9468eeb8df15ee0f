//! Asking people to join. The account is there from the first moment, with its roles, and
//! opens when the link in the mail is followed; nothing can be done with it before.

use crate::{
    Identity,
    actions::entry::Arrival,
    jobs::SendInvitation,
    model::{
        Email, Name,
        entry::{Entry, Method},
        keys::{Invitation, InvitationId},
        password::NewPassword,
        security::Kind,
    },
    secrets::{self, Token},
    store,
};
use kernel::{
    Error, Permission, Principal, Result,
    audit::Act,
    client::ClientAddr,
    mail::{Mail, Template},
    page::{Page, PageQuery},
};
use secrecy::SecretString;
use serde_json::json;

const INVITATION: &str = "invitation";
/// How long a link works; asking again makes a new one.
const LIFE: time::Duration = time::Duration::days(14);

/// Whom to ask.
#[derive(Debug)]
pub(crate) struct NewInvitation {
    pub(crate) email: Email,
    pub(crate) name: Option<Name>,
    pub(crate) roles: Vec<String>,
}

impl Identity {
    /// Invitations that wait, the latest first.
    pub(crate) async fn invitations(
        &self,
        caller: &Principal,
        page: &PageQuery,
    ) -> Result<Page<Invitation>> {
        caller.require(Permission::UsersWrite)?;
        let (limit, before) = (page.limit()?, page.after::<InvitationId>()?);
        let mut db = self.0.db.acquire().await?;
        let rows = store::invitations::list(&mut db, before, limit + 1).await?;
        Ok(Page::of(rows, limit, |one| one.id, |one| one))
    }

    /// Asks somebody to join, with the roles that they will hold.
    pub(crate) async fn invite(
        &self,
        caller: &Principal,
        new: &NewInvitation,
    ) -> Result<Invitation> {
        caller.require(Permission::UsersWrite)?;
        let now = self.0.clock.now();
        let mut tx = self.0.db.begin().await?;
        for role in &new.roles {
            // Whoever may not mind roles asks members to join, and nobody else.
            if role != "member" {
                caller.require(Permission::RolesWrite)?;
            }
            self.grantable(&mut tx, caller, role, "roles").await?;
        }
        let name = match &new.name {
            Some(name) => name.clone(),
            None => Name::parse("name", local_part(new.email.address.as_str()))?,
        };
        let made = store::accounts::insert(&mut tx, &new.email, &name, now, false).await?;
        let user = made.ok_or_else(|| {
            let message = "There is an account with this address already.";
            Error::field("email", "taken", message)
        })?;
        store::invitations::mark_invited(&mut tx, user).await?;
        for role in &new.roles {
            store::accounts::grant(&mut tx, user, role, Some(caller.user)).await?;
        }
        let id = InvitationId::new();
        store::invitations::insert(&mut tx, id, user, caller.user, now, now + LIFE).await?;
        kernel::jobs::enqueue(&mut tx, SendInvitation { invitation: id }).await?;
        let made = store::invitations::lock(&mut tx, id)
            .await?
            .ok_or(Error::NotFound("invitation"))?;
        let data = json!({ "email": made.email, "roles": made.roles });
        let kind = Some(Kind::Invited);
        self.written(&mut tx, caller, "user.invited", kind, user, data)
            .await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Asks again: another mail, another link; the one before stops working.
    pub(crate) async fn resend_invitation(
        &self,
        caller: &Principal,
        id: InvitationId,
    ) -> Result<()> {
        caller.require(Permission::UsersWrite)?;
        let now = self.0.clock.now();
        let mut tx = self.0.db.begin().await?;
        let found = store::invitations::lock(&mut tx, id)
            .await?
            .ok_or(Error::NotFound("invitation"))?;
        self.target(&mut tx, caller, found.user).await?;
        store::invitations::resent(&mut tx, id, now, now + LIFE).await?;
        kernel::jobs::enqueue(&mut tx, SendInvitation { invitation: id }).await?;
        let act = Act {
            actor: Some(caller.user),
            action: "user.invited_again",
            subject: &found.user.to_string(),
            data: json!({ "email": found.email }),
        };
        self.0.audit.append(&mut tx, act).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Takes an invitation back, and the account that waited with it.
    pub(crate) async fn revoke_invitation(
        &self,
        caller: &Principal,
        id: InvitationId,
    ) -> Result<()> {
        caller.require(Permission::UsersWrite)?;
        let mut tx = self.0.db.begin().await?;
        let found = store::invitations::lock(&mut tx, id)
            .await?
            .ok_or(Error::NotFound("invitation"))?;
        self.target(&mut tx, caller, found.user).await?;
        store::invitations::remove_account(&mut tx, found.user).await?;
        let act = Act {
            actor: Some(caller.user),
            action: "user.invitation_revoked",
            subject: &found.user.to_string(),
            data: json!({ "email": found.email }),
        };
        self.0.audit.append(&mut tx, act).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes the mail with the link: a job.
    pub(crate) async fn send_invitation(&self, id: InvitationId) -> Result<()> {
        let inner = &self.0;
        let now = inner.clock.now();
        let mut tx = inner.db.begin().await?;
        let Some(found) = store::invitations::lock(&mut tx, id).await? else {
            return Ok(());
        };
        let token = Token::new()?;
        let sent = found.sent_at.unwrap_or(now).unix_timestamp_nanos();
        let mail = Mail {
            cause: format!("invitation:{id}:{sent}"),
            to: Email::parse(&found.email)?.address,
            template: Template::Invitation,
            vars: json!({ "name": found.name, "link": self.link("/invite", &token.text),
                "inviter": found.inviter.as_deref().unwrap_or("Somebody") }),
        };
        if let Some(mail) = inner.mailer.enqueue(&mut tx, &mail).await? {
            let user = Some(found.user);
            store::tokens::revoke(&mut tx, INVITATION, user, now).await?;
            let until = found.expires_at;
            store::tokens::insert(&mut tx, &token.hash, INVITATION, user, None, until).await?;
            kernel::jobs::enqueue(&mut tx, kernel::mail::SendMail { mail }).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// What a link stands for; using it up is another verb, because mail scanners open links.
    pub(crate) async fn pending_invitation(&self, token: &str) -> Result<Invitation> {
        let mut tx = self.0.db.begin().await?;
        let (hash, now) = (secrets::hash(token), self.0.clock.now());
        let pending = store::tokens::peek(&mut tx, &hash, INVITATION, now).await?;
        let user = pending.and_then(|pending| pending.user).ok_or_else(stale)?;
        store::invitations::of_user(&mut tx, user)
            .await?
            .ok_or_else(stale)
    }

    /// Accepts: sets name and password, opens the account and lets its owner in, all or
    /// nothing.
    pub(crate) async fn accept_invitation(
        &self,
        token: &str,
        name: &str,
        password: &SecretString,
        (from, device, cookie): (ClientAddr, &str, Option<&str>),
    ) -> Result<Entry> {
        let invited = self.pending_invitation(token).await?;
        let mut faults = kernel::error::Faults::default();
        let named = faults.take(Name::parse("name", name));
        let inputs = [invited.email.as_str(), name, "portico"];
        let password = faults.take(NewPassword::parse(
            password,
            &inputs,
            &self.password_policy(),
        ));
        let (Some(name), Some(password)) = (named, password) else {
            return Err(faults.check().err().unwrap_or(Error::Unauthenticated));
        };
        let hash = self.0.hasher.hash(password.expose()).await?;
        let (user, now) = (invited.user, self.0.clock.now());
        let mut tx = self.0.db.begin().await?;
        if !store::tokens::consume(&mut tx, &secrets::hash(token), INVITATION, now).await? {
            return Err(stale());
        }
        store::invitations::of_user(&mut tx, user)
            .await?
            .ok_or_else(stale)?;
        self.put_password(&mut tx, user, &hash).await?;
        store::invitations::accept(&mut tx, user, name.as_str(), now).await?;
        let event = crate::model::EmailVerified { user };
        self.0.events.append(&mut tx, Some(user), &event).await?;
        let arrival = Arrival {
            user,
            method: Method::Invitation,
            from,
            device,
            cookie,
            second: None,
        };
        let entry = self.admit(&mut tx, arrival).await?;
        tx.commit().await?;
        Ok(entry)
    }
}

fn local_part(address: &str) -> &str {
    address.split('@').next().unwrap_or(address)
}

fn stale() -> Error {
    Error::conflict(
        "link_stale",
        "This invitation was used already, taken back, or is too old. Ask whoever invited you for another.",
    )
}
