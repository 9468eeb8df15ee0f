//! Roles and who holds them. A change binds at once: standing is forgotten in the same
//! transaction, and open sockets are asked again who they are.
//!
//! Invariant: nobody grants, takes or edits more than they hold; what came with the product
//! stays as it is; a role that is held goes only when it is said where its holders go.

use crate::{
    Identity, PEOPLE, STANDING,
    model::{
        RolesChanged,
        people::{After, HOLDERS, NewRole, Role},
        permission_set,
        security::Kind,
    },
    store,
};
use kernel::{
    Error, Permission, Principal, Result, audit::Act, cache, id::UserId, principal::PermissionSet,
};
use serde_json::{Value, json};
use sqlx::PgConnection;

/// A key that no session has: the whole cache is stale.
const EVERY: &str = "*";
pub(crate) const OWNER: &str = "owner";

impl Identity {
    /// Every role there is.
    pub async fn roles(&self, caller: &Principal) -> Result<Vec<Role>> {
        caller.require(Permission::UsersRead)?;
        let mut db = self.0.db.acquire().await?;
        Ok(store::roles::list(&mut db).await?)
    }

    /// Makes a role of this place's own.
    pub async fn create_role(&self, caller: &Principal, role: &NewRole) -> Result<Role> {
        caller.require(Permission::RolesWrite)?;
        self.require_recent(caller)?;
        covered(caller, role.permissions)?;
        let name = role.name();
        if name.is_empty() {
            return Err(Error::field("title", "invalid", "Use at least one letter."));
        }
        let mut tx = self.0.db.begin().await?;
        if !store::roles::insert(&mut tx, &name, role).await? {
            return Err(Error::field(
                "title",
                "taken",
                "There is a role of this name already.",
            ));
        }
        let data = json!({ "title": role.title, "permissions": role.permissions });
        let made = self.role(&mut tx, &name).await?;
        self.note_role(&mut tx, caller, "role.created", &name, data)
            .await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Changes a role of this place's own, for all who hold it and at once.
    pub async fn change_role(&self, caller: &Principal, name: &str, to: &NewRole) -> Result<Role> {
        caller.require(Permission::RolesWrite)?;
        self.require_recent(caller)?;
        covered(caller, to.permissions)?;
        let mut tx = self.0.db.begin().await?;
        let old = self.own_role(&mut tx, caller, name).await?;
        store::roles::update(&mut tx, name, to).await?;
        cache::invalidate(&mut tx, STANDING, EVERY).await?;
        let online = store::roles::online_holders(&mut tx, name).await?;
        tell_everywhere(&mut tx, &online).await?;
        let made = self.role(&mut tx, name).await?;
        let data = json!({ "title": to.title, "permissions": to.permissions,
            "before": { "title": old.title, "permissions": old.permissions } });
        self.note_role(&mut tx, caller, "role.changed", name, data)
            .await?;
        tx.commit().await?;
        self.everybody_again(&online);
        Ok(made)
    }

    /// Removes a role of this place's own. Who holds it gets `to` instead; without that, a
    /// role that is held stays.
    pub async fn delete_role(
        &self,
        caller: &Principal,
        name: &str,
        to: Option<&str>,
    ) -> Result<()> {
        caller.require(Permission::RolesWrite)?;
        let mut tx = self.0.db.begin().await?;
        let role = self.own_role(&mut tx, caller, name).await?;
        let online = store::roles::online_holders(&mut tx, name).await?;
        let mut moved = 0;
        match to {
            None if role.holders > 0 => {
                let people = match role.holders {
                    1 => "One person holds".to_owned(),
                    n if n > HOLDERS => format!("More than {HOLDERS} people hold"),
                    n => format!("{n} people hold"),
                };
                return Err(Error::conflict(
                    "role_held",
                    format!("{people} this role. Say which role they get instead."),
                ));
            }
            None => {}
            Some(to) if to == name => {
                return Err(Error::field("to", "invalid", "This is the role that goes."));
            }
            Some(to) => {
                let next = self.grantable(&mut tx, caller, to, "to").await?;
                moved = store::roles::move_holders(&mut tx, name, &next.name, caller.user).await?;
                cache::invalidate(&mut tx, STANDING, EVERY).await?;
                tell_everywhere(&mut tx, &online).await?;
            }
        }
        store::roles::delete(&mut tx, name).await?;
        let data = json!({ "title": role.title, "permissions": role.permissions,
            "moved_to": to, "moved": moved });
        self.note_role(&mut tx, caller, "role.deleted", name, data)
            .await?;
        tx.commit().await?;
        self.everybody_again(&online);
        Ok(())
    }

    /// Gives somebody a role.
    pub async fn grant(&self, caller: &Principal, user: UserId, role: &str) -> Result<()> {
        caller.require(Permission::RolesWrite)?;
        self.require_recent(caller)?;
        let mut tx = self.0.db.begin().await?;
        let after = self.grant_in(&mut tx, caller, user, role).await?;
        tx.commit().await?;
        self.tell(after);
        Ok(())
    }

    pub(crate) async fn grant_in(
        &self,
        tx: &mut PgConnection,
        caller: &Principal,
        user: UserId,
        role: &str,
    ) -> Result<After> {
        let role = self.grantable(tx, caller, role, "role").await?;
        let target = self.target(tx, caller, user).await?;
        if store::roles::holds(tx, user, &role.name).await? {
            return Err(Error::conflict("role_held", "They hold this role already."));
        }
        store::accounts::grant(tx, user, &role.name, Some(caller.user)).await?;
        let data = json!({ "name": target.name, "role": role.name, "granted": true });
        self.roles_changed(tx, caller, user, "user.role_granted", data)
            .await
    }

    /// Takes a role from somebody.
    pub async fn revoke(&self, caller: &Principal, user: UserId, role: &str) -> Result<()> {
        caller.require(Permission::RolesWrite)?;
        let mut tx = self.0.db.begin().await?;
        let after = self.revoke_in(&mut tx, caller, user, role).await?;
        tx.commit().await?;
        self.tell(after);
        Ok(())
    }

    pub(crate) async fn revoke_in(
        &self,
        tx: &mut PgConnection,
        caller: &Principal,
        user: UserId,
        role: &str,
    ) -> Result<After> {
        let target = self.target(tx, caller, user).await?;
        if role == OWNER {
            // `*` covers what is added later too: only an owner takes it from another.
            if !store::roles::holds(tx, caller.user, OWNER).await? {
                return Err(holds_more());
            }
            self.spare_last_owner(tx, &target).await?;
        }
        if !store::roles::revoke(tx, user, role).await? {
            return Err(Error::conflict(
                "role_not_held",
                "They do not hold this role.",
            ));
        }
        let data = json!({ "name": target.name, "role": role, "granted": false });
        self.roles_changed(tx, caller, user, "user.role_revoked", data)
            .await
    }

    async fn roles_changed(
        &self,
        tx: &mut PgConnection,
        caller: &Principal,
        user: UserId,
        action: &'static str,
        data: Value,
    ) -> Result<After> {
        store::roles::touch(tx, user, self.0.clock.now()).await?;
        let changed = store::standing::open_sessions(tx, user).await?;
        for session in &changed {
            cache::invalidate(tx, STANDING, *session).await?;
        }
        let event = RolesChanged { user };
        self.0.events.append(tx, Some(caller.user), &event).await?;
        self.written(tx, caller, action, Some(Kind::RoleChanged), user, data)
            .await?;
        Ok(After {
            user,
            ended: Vec::new(),
            changed,
        })
    }

    /// A role that the caller may give. `*` holds what is added later too, so only an owner
    /// makes owners.
    pub(crate) async fn grantable(
        &self,
        tx: &mut PgConnection,
        caller: &Principal,
        name: &str,
        field: &'static str,
    ) -> Result<Role> {
        let role = store::roles::lock(tx, name)
            .await?
            .ok_or_else(|| Error::field(field, "unknown", "There is no such role."))?;
        covered(caller, permission_set(&role.permissions))?;
        if role.name == OWNER && !store::roles::holds(tx, caller.user, OWNER).await? {
            return Err(holds_more());
        }
        Ok(role)
    }

    async fn role(&self, tx: &mut PgConnection, name: &str) -> Result<Role> {
        store::roles::lock(tx, name)
            .await?
            .ok_or(Error::NotFound("role"))
    }

    /// A role that may be changed by this caller.
    async fn own_role(
        &self,
        tx: &mut PgConnection,
        caller: &Principal,
        name: &str,
    ) -> Result<Role> {
        let role = self.role(tx, name).await?;
        if role.built_in {
            return Err(Error::conflict(
                "role_built_in",
                "This role came with Portico and stays as it is. Make one of your own instead.",
            ));
        }
        covered(caller, permission_set(&role.permissions))?;
        Ok(role)
    }

    async fn note_role(
        &self,
        tx: &mut PgConnection,
        caller: &Principal,
        action: &'static str,
        name: &str,
        data: Value,
    ) -> Result<()> {
        let act = Act {
            actor: Some(caller.user),
            action,
            subject: name,
            data,
        };
        self.0.audit.append(tx, act).await.map(|_| ())
    }

    fn everybody_again(&self, online: &[UserId]) {
        // The notice of the commit comes around by itself; this node need not wait for it.
        self.0.standing.forget_all();
        for user in online {
            self.0.signals.user_changed(*user);
        }
    }
}

/// At the commit, and after the caches: every server asks these people's sockets again.
async fn tell_everywhere(tx: &mut PgConnection, online: &[UserId]) -> Result<()> {
    for user in online {
        cache::invalidate(tx, PEOPLE, user).await?;
    }
    Ok(())
}

fn covered(caller: &Principal, permissions: PermissionSet) -> Result<()> {
    if caller.permissions.covers(permissions) {
        return Ok(());
    }
    Err(holds_more())
}

fn holds_more() -> Error {
    Error::forbidden(
        "grants_more",
        "This role allows more than you may do yourself, so you cannot give, change or take it.",
    )
}
