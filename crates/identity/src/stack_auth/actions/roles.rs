//! Project permissions are the product's roles and what they contain. A role's name is the permission that is
//! granted; `users.read` reads `users:read` here, because the protocol's ids know no dot.

use crate::{
    STANDING,
    model::security::{Kind, SecurityEvent},
    stack_auth::{
        StackAuth,
        fault::{Fault, Result},
        known::Known,
        store,
    },
    store as accounts,
};
use kernel::{audit::Act, cache, id::UserId, principal::PermissionSet};
use serde_json::json;

impl StackAuth {
    /// What somebody may do: their roles, or those with all that they contain.
    pub(crate) async fn project_permissions(
        &self,
        user: UserId,
        recursive: bool,
    ) -> Result<Vec<String>> {
        let account = {
            let mut db = self.inner().db.acquire().await?;
            accounts::accounts::get(&mut db, user).await?
        };
        let account = account.ok_or(Known::UserNotFound)?;
        let mut ids = account.roles.clone();
        if recursive {
            let held: PermissionSet = crate::model::permission_set(&account.permissions);
            ids.extend(held.iter().map(|one| one.as_str().replace('.', ":")));
        }
        ids.sort();
        ids.dedup();
        Ok(ids)
    }

    /// Grants a role, or takes it back, at once. Not the owner's: whoever found the key would own the place.
    pub(crate) async fn set_project_permission(
        &self,
        user: UserId,
        role: &str,
        held: bool,
    ) -> Result<()> {
        if role == "owner" {
            return Err(Fault::forbidden(
                "Who owns the place is decided in the product, by an owner.",
            ));
        }
        let mut tx = self.inner().db.begin().await?;
        store::users::get(&mut tx, user)
            .await?
            .ok_or(Known::UserNotFound)?;
        if !store::roles::exists(&mut tx, role).await? {
            return Err(Known::PermissionNotFound(role.to_owned()).into());
        }
        if held {
            accounts::accounts::grant(&mut tx, user, role, None).await?;
        } else if !store::roles::revoke(&mut tx, user, role).await? {
            return Err(Known::PermissionNotFound(role.to_owned()).into());
        }
        for session in store::sessions::list(&mut tx, user).await? {
            cache::invalidate(&mut tx, STANDING, session.id).await?;
        }
        let data = json!({ "role": role, "granted": held, "by": "secret server key" });
        let event = SecurityEvent::of(user, Kind::RoleChanged).with(data.clone());
        self.0.record(&mut tx, event).await?;
        let act = Act {
            actor: None,
            action: "role.changed",
            subject: &user.to_string(),
            data,
        };
        self.inner().audit.append(&mut tx, act).await?;
        let sessions = store::sessions::list(&mut tx, user).await?;
        tx.commit().await?;
        for session in sessions {
            self.inner().standing.forget(&session.id);
        }
        Ok(())
    }
}
