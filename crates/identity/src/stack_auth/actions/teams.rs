//! Teams of an app: made, changed, joined, left; what their members may do.

use crate::stack_auth::{
    StackAuth,
    body::given,
    fault::{Fault, Result},
    known::Known,
    model::{Member, Team, TeamId, is_team_permission, with_contained},
    store::{self, teams::Change},
};
use kernel::id::UserId;
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgConnection;

use super::users::{metadata, picture};

/// What is said of a team.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct TeamChange {
    pub(crate) display_name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) profile_image_url: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) client_metadata: Option<Option<Value>>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) client_read_only_metadata: Option<Option<Value>>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) server_metadata: Option<Option<Value>>,
    pub(crate) creator_user_id: Option<String>,
}

impl StackAuth {
    /// Fails unless somebody is in a team.
    pub(crate) async fn member_of(
        &self,
        tx: &mut PgConnection,
        team: TeamId,
        user: UserId,
    ) -> Result<()> {
        if store::teams::get(tx, team).await?.is_none() {
            return Err(Known::TeamNotFound(team.to_string()).into());
        }
        if store::teams::is_member(tx, team, user).await? {
            return Ok(());
        }
        Err(Known::TeamMembershipNotFound(team.to_string(), user.to_string()).into())
    }

    /// Fails unless somebody may do this in a team. Whoever is not in it does not learn that it is there.
    pub(crate) async fn may(
        &self,
        team: TeamId,
        user: UserId,
        permission: &'static str,
    ) -> Result<()> {
        let mut db = self.inner().db.acquire().await?;
        if !store::teams::is_member(&mut db, team, user).await? {
            return Err(Known::TeamNotFound(team.to_string()).into());
        }
        let granted = store::teams::granted(&mut db, Some(team), Some(user)).await?;
        let holds = granted
            .iter()
            .flat_map(|(_, _, id)| with_contained(id))
            .any(|id| id == permission);
        if holds {
            return Ok(());
        }
        Err(Known::TeamPermissionRequired(
            team.to_string(),
            user.to_string(),
            permission.to_owned(),
        )
        .into())
    }

    /// One team.
    pub(crate) async fn team(&self, team: TeamId) -> Result<Team> {
        let mut db = self.inner().db.acquire().await?;
        store::teams::get(&mut db, team)
            .await?
            .ok_or_else(|| Known::TeamNotFound(team.to_string()).into())
    }

    /// A team, for somebody in it.
    pub(crate) async fn own_team(&self, team: TeamId, user: UserId) -> Result<Team> {
        let found = self.team(team).await?;
        let mut db = self.inner().db.acquire().await?;
        if store::teams::is_member(&mut db, team, user).await? {
            return Ok(found);
        }
        Err(Known::TeamNotFound(team.to_string()).into())
    }

    /// Somebody's teams, or all.
    pub(crate) async fn teams(&self, of: Option<UserId>) -> Result<Vec<Team>> {
        let mut db = self.inner().db.acquire().await?;
        Ok(store::teams::list(&mut db, of).await?)
    }

    /// Makes a team; who makes it minds it.
    pub(crate) async fn create_team(
        &self,
        creator: Option<UserId>,
        new: TeamChange,
        by_server: bool,
    ) -> Result<Team> {
        let name = new
            .display_name
            .as_deref()
            .filter(|name| !name.is_empty())
            .ok_or_else(|| Known::Schema("body.display_name must be defined".to_owned()))?;
        let team = TeamId::new();
        let mut tx = self.inner().db.begin().await?;
        store::teams::insert(&mut tx, team, name).await?;
        self.change_in(&mut tx, team, new, by_server).await?;
        if let Some(user) = creator {
            if store::users::get(&mut tx, user).await?.is_none() {
                return Err(Known::UserIdDoesNotExist(user.to_string()).into());
            }
            store::teams::join(&mut tx, team, user).await?;
            store::teams::grant(&mut tx, team, user, "team_admin").await?;
        }
        let made = store::teams::get(&mut tx, team).await?;
        tx.commit().await?;
        made.ok_or_else(|| Known::TeamNotFound(team.to_string()).into())
    }

    /// Changes a team.
    pub(crate) async fn change_team(
        &self,
        team: TeamId,
        change: TeamChange,
        by_server: bool,
    ) -> Result<Team> {
        let mut tx = self.inner().db.begin().await?;
        self.change_in(&mut tx, team, change, by_server).await?;
        let changed = store::teams::get(&mut tx, team).await?;
        tx.commit().await?;
        changed.ok_or_else(|| Known::TeamNotFound(team.to_string()).into())
    }

    async fn change_in(
        &self,
        tx: &mut PgConnection,
        team: TeamId,
        change: TeamChange,
        by_server: bool,
    ) -> Result<()> {
        picture("profile_image_url", change.profile_image_url.as_ref())?;
        metadata("client_metadata", change.client_metadata.as_ref())?;
        metadata(
            "client_read_only_metadata",
            change.client_read_only_metadata.as_ref(),
        )?;
        metadata("server_metadata", change.server_metadata.as_ref())?;
        if change.display_name.as_ref().is_some_and(|name| {
            name.is_empty() || name.chars().count() > 256 || name.chars().any(char::is_control)
        }) {
            return Err(Known::Schema(
                "body.display_name must be one line of 1 to 256 characters".to_owned(),
            )
            .into());
        }
        let mut change = Change {
            display_name: change.display_name,
            profile_image_url: change.profile_image_url,
            client_metadata: change.client_metadata,
            client_read_only_metadata: change.client_read_only_metadata,
            server_metadata: change.server_metadata,
        };
        if !by_server {
            (change.client_read_only_metadata, change.server_metadata) = (None, None);
        }
        Ok(store::teams::change(tx, team, change).await?)
    }

    /// Deletes a team with its memberships and keys.
    pub(crate) async fn delete_team(&self, team: TeamId) -> Result<()> {
        self.team(team).await?;
        let mut db = self.inner().db.acquire().await?;
        Ok(store::teams::delete(&mut db, team).await?)
    }

    /// Puts somebody into a team.
    pub(crate) async fn join(&self, team: TeamId, user: UserId) -> Result<()> {
        let mut tx = self.inner().db.begin().await?;
        self.join_in(&mut tx, team, user).await?;
        tx.commit().await?;
        Ok(())
    }

    pub(crate) async fn join_in(
        &self,
        tx: &mut PgConnection,
        team: TeamId,
        user: UserId,
    ) -> Result<()> {
        if store::teams::get(tx, team).await?.is_none() {
            return Err(Known::TeamNotFound(team.to_string()).into());
        }
        if store::users::get(tx, user).await?.is_none() {
            return Err(Known::UserNotFound.into());
        }
        if !store::teams::join(tx, team, user).await? {
            return Err(Known::TeamMembershipAlreadyExists.into());
        }
        Ok(store::teams::grant(tx, team, user, "team_member").await?)
    }

    /// Takes somebody out of a team.
    pub(crate) async fn leave(&self, team: TeamId, user: UserId) -> Result<()> {
        let mut tx = self.inner().db.begin().await?;
        self.member_of(&mut tx, team, user).await?;
        store::teams::leave(&mut tx, team, user).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Members as their teams see them.
    pub(crate) async fn members(
        &self,
        team: Option<TeamId>,
        user: Option<UserId>,
    ) -> Result<Vec<Member>> {
        if let Some(team) = team {
            self.team(team).await?;
        }
        let mut db = self.inner().db.acquire().await?;
        Ok(store::teams::members(&mut db, team, user).await?)
    }

    /// One member.
    pub(crate) async fn member(&self, team: TeamId, user: UserId) -> Result<Member> {
        let found = self.members(Some(team), Some(user)).await?.pop();
        found
            .ok_or_else(|| Known::TeamMembershipNotFound(team.to_string(), user.to_string()).into())
    }

    /// How a member shows in a team.
    pub(crate) async fn change_member(
        &self,
        team: TeamId,
        user: UserId,
        name: Option<Option<String>>,
        image: Option<Option<String>>,
    ) -> Result<Member> {
        picture("profile_image_url", image.as_ref())?;
        let mut tx = self.inner().db.begin().await?;
        self.member_of(&mut tx, team, user).await?;
        store::teams::change_member(&mut tx, team, user, name, image).await?;
        tx.commit().await?;
        self.member(team, user).await
    }

    /// What people may do in teams: what was granted, or that with all it contains.
    pub(crate) async fn team_permissions(
        &self,
        team: Option<TeamId>,
        user: Option<UserId>,
        recursive: bool,
    ) -> Result<Vec<(TeamId, UserId, String)>> {
        let granted = {
            let mut db = self.inner().db.acquire().await?;
            store::teams::granted(&mut db, team, user).await?
        };
        if !recursive {
            return Ok(granted);
        }
        let mut all: Vec<_> = granted
            .iter()
            .flat_map(|(team, user, id)| with_contained(id).map(|id| (*team, *user, id.to_owned())))
            .collect();
        all.sort();
        all.dedup();
        Ok(all)
    }

    /// Grants a permission in a team, or takes it back.
    pub(crate) async fn set_team_permission(
        &self,
        team: TeamId,
        user: UserId,
        permission: &str,
        held: bool,
    ) -> Result<()> {
        let mut tx = self.inner().db.begin().await?;
        self.member_of(&mut tx, team, user).await?;
        if !is_team_permission(permission) {
            return Err(Known::PermissionNotFound(permission.to_owned()).into());
        }
        if held {
            store::teams::grant(&mut tx, team, user, permission).await?;
        } else if !store::teams::revoke(&mut tx, team, user, permission).await? {
            return Err(Fault::from(Known::PermissionNotFound(
                permission.to_owned(),
            )));
        }
        tx.commit().await?;
        Ok(())
    }
}
