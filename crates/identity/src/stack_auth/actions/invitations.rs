//! Invitations to teams, by mail. They are for whoever has the mailbox, nobody else.

use super::mails::link;
use crate::{
    model::Email,
    stack_auth::{
        StackAuth,
        fault::{Fault, Result},
        known::Known,
        model::{Code, CodeId, CodeKind, Invitation, Team, TeamId},
        store,
    },
};
use kernel::{id::UserId, mail::Template};
use serde_json::json;
use sqlx::PgConnection;

/// How long an invitation waits.
const LIFE: time::Duration = time::Duration::days(7);

impl StackAuth {
    /// Mails an invitation.
    pub(crate) async fn invite(&self, team: TeamId, email: &str, callback: &str) -> Result<CodeId> {
        let page = self.trusted(callback)?;
        let email = Self::email(email)?;
        let team = self.team(team).await?;
        self.may_mail(&email).await?;
        let mut tx = self.inner().db.begin().await?;
        let data = json!({ "team_id": team.id });
        let address = email.address.as_str();
        let code = self
            .issue_code(
                &mut tx,
                CodeKind::TeamInvitation,
                LIFE,
                None,
                Some(address),
                data,
            )
            .await?;
        let hash = crate::stack_auth::secrets::hash(&code);
        let made = store::codes::lock(&mut tx, CodeKind::TeamInvitation, &hash).await?;
        let vars = json!({ "team": team.display_name, "link": link(&page, &code) });
        self.mail(&mut tx, &email, Template::StackTeamInvitation, vars)
            .await?;
        tx.commit().await?;
        made.map(|code| code.id)
            .ok_or_else(|| Known::VerificationCodeNotFound.into())
    }

    /// The team that an invitation leads to.
    pub(crate) async fn invited_to(&self, code: &str) -> Result<Team> {
        let code = self.look_at(CodeKind::TeamInvitation, code).await?;
        self.team(team_of(&code)?).await
    }

    /// Joins by a mailed code.
    pub(crate) async fn accept(&self, user: UserId, code: &str) -> Result<()> {
        let mut tx = self.inner().db.begin().await?;
        let code = self.locked(&mut tx, CodeKind::TeamInvitation, code).await?;
        let email = code.email.clone().unwrap_or_default();
        if !self.has_mailbox(&mut tx, user, &email).await? {
            return Err(Known::TeamInvitationEmailMismatch.into());
        }
        let team = team_of(&code)?;
        self.used(&mut tx, &code).await?;
        if !store::teams::is_member(&mut tx, team, user).await? {
            self.join_in(&mut tx, team, user).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Whether somebody has proved that a mailbox is theirs; the code itself came to it, so that an
    /// address which is only said to be theirs is enough with the code.
    async fn has_mailbox(&self, tx: &mut PgConnection, user: UserId, email: &str) -> Result<bool> {
        let key = Email::parse(email)?.key;
        store::channels::ensure_primary(tx, user).await?;
        let channels = store::channels::list(tx, user).await?;
        Ok(channels.iter().any(|channel| channel.value_key == key))
    }

    /// The invitations of a team, or those to somebody.
    pub(crate) async fn invitations(
        &self,
        team: Option<TeamId>,
        to: Option<UserId>,
    ) -> Result<Vec<Invitation>> {
        let mut db = self.inner().db.acquire().await?;
        Ok(store::invitations::list(&mut db, team, to, self.inner().clock.now()).await?)
    }

    /// Joins by an invitation that is in one's own list.
    pub(crate) async fn accept_listed(&self, user: UserId, id: CodeId) -> Result<()> {
        let listed = self.invitations(None, Some(user)).await?;
        let invitation = listed
            .iter()
            .find(|invitation| invitation.id == id)
            .ok_or(Known::VerificationCodeNotFound)?;
        let now = self.inner().clock.now();
        let mut tx = self.inner().db.begin().await?;
        store::codes::consume(&mut tx, id, now).await?;
        if !store::teams::is_member(&mut tx, invitation.team, user).await? {
            self.join_in(&mut tx, invitation.team, user).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Takes an invitation back.
    pub(crate) async fn uninvite(&self, team: TeamId, id: CodeId) -> Result<()> {
        let listed = self.invitations(Some(team), None).await?;
        if !listed.iter().any(|invitation| invitation.id == id) {
            return Err(Fault::from(Known::VerificationCodeNotFound));
        }
        let mut db = self.inner().db.acquire().await?;
        Ok(store::codes::consume(&mut db, id, self.inner().clock.now()).await?)
    }
}

fn team_of(code: &Code) -> Result<TeamId, Known> {
    code.data["team_id"]
        .as_str()
        .and_then(|id| id.parse().ok())
        .ok_or(Known::VerificationCodeNotFound)
}
