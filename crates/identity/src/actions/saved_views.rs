//! Lists as somebody wants to find them again: a title for what stands in the address.

use crate::{Identity, model::people::Text, store};
use kernel::{Error, Permission, Principal, Result};
use uuid::Uuid;

/// Views that one member of staff may keep.
const MOST: i64 = 100;

/// A saved view, as one of the staff sees it.
#[derive(Debug, Clone)]
pub(crate) struct SavedView {
    pub(crate) id: Uuid,
    pub(crate) title: String,
    pub(crate) query: String,
    pub(crate) shared: bool,
    pub(crate) own: bool,
    pub(crate) owner: String,
}

impl Identity {
    /// The caller's views, and those that others share.
    pub(crate) async fn saved_views(&self, caller: &Principal) -> Result<Vec<SavedView>> {
        caller.require(Permission::UsersRead)?;
        let mut db = self.0.db.acquire().await?;
        Ok(store::saved_views::list(&mut db, caller.user).await?)
    }

    /// Saves a view; one of the caller's with that title is replaced.
    pub(crate) async fn save_view(
        &self,
        caller: &Principal,
        title: &str,
        query: &str,
        shared: bool,
    ) -> Result<SavedView> {
        caller.require(Permission::UsersRead)?;
        let title = Text::parse("title", title, 60)?;
        if query.len() > 2_000 || query.chars().any(char::is_control) {
            return Err(Error::field(
                "query",
                "invalid",
                "This is no list's address.",
            ));
        }
        let mut tx = self.0.db.begin().await?;
        let (title, now) = (title.as_str(), self.0.clock.now());
        store::saved_views::remove_titled(&mut tx, caller.user, title).await?;
        if store::saved_views::count(&mut tx, caller.user).await? >= MOST {
            let message = "You keep 100 views already. Remove one first.";
            return Err(Error::conflict("too_many_views", message));
        }
        let id = Uuid::now_v7();
        store::saved_views::insert(&mut tx, id, caller.user, title, query, shared, now).await?;
        let made = store::saved_views::list(&mut tx, caller.user)
            .await?
            .into_iter()
            .find(|view| view.id == id)
            .ok_or(Error::NotFound("view"))?;
        tx.commit().await?;
        Ok(made)
    }

    /// Removes one of the caller's views.
    pub(crate) async fn remove_view(&self, caller: &Principal, view: Uuid) -> Result<()> {
        caller.require(Permission::UsersRead)?;
        let mut db = self.0.db.acquire().await?;
        if store::saved_views::remove(&mut db, caller.user, view).await? {
            return Ok(());
        }
        Err(Error::NotFound("view"))
    }
}
