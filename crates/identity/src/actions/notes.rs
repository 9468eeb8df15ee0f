//! Notes that staff keep about a person, for each other.

use crate::{
    Identity,
    model::people::{Note, NoteId, Text},
    store,
};
use kernel::{
    Error, Permission, Principal, Result,
    audit::Act,
    id::UserId,
    page::{Page, PageQuery},
};
use serde_json::json;

impl Identity {
    /// Notes about a person, the latest first.
    pub async fn notes(
        &self,
        caller: &Principal,
        user: UserId,
        page: &PageQuery,
    ) -> Result<Page<Note>> {
        caller.require(Permission::UsersWrite)?;
        let (limit, before) = (page.limit()?, page.after::<NoteId>()?);
        let mut db = self.0.db.acquire().await?;
        let rows = store::notes::list(&mut db, user, before, limit + 1).await?;
        Ok(Page::of(rows, limit, |note| note.id, |note| note))
    }

    /// Keeps a note.
    pub async fn add_note(&self, caller: &Principal, user: UserId, body: &str) -> Result<Note> {
        caller.require(Permission::UsersWrite)?;
        let body = Text::parse("body", body, 4000)?;
        let (id, now) = (NoteId::new(), self.0.clock.now());
        let mut tx = self.0.db.begin().await?;
        store::standing::lock(&mut tx, user)
            .await?
            .ok_or(Error::NotFound("person"))?;
        store::notes::insert(&mut tx, id, user, caller.user, body.as_str(), now).await?;
        let author = store::people::get(&mut tx, caller.user).await?;
        // What it says stays with the person, and goes with them: the chain only knows of it.
        let act = Act {
            actor: Some(caller.user),
            action: "user.note_added",
            subject: &user.to_string(),
            data: json!({ "note": id }),
        };
        self.0.audit.append(&mut tx, act).await?;
        tx.commit().await?;
        Ok(Note {
            id,
            author: Some(caller.user),
            author_name: author.map(|author| author.name),
            body: body.as_str().to_owned(),
            created_at: now,
        })
    }

    /// Removes a note.
    pub async fn delete_note(&self, caller: &Principal, user: UserId, note: NoteId) -> Result<()> {
        caller.require(Permission::UsersWrite)?;
        let mut tx = self.0.db.begin().await?;
        if !store::notes::delete(&mut tx, user, note).await? {
            return Err(Error::NotFound("note"));
        }
        let act = Act {
            actor: Some(caller.user),
            action: "user.note_deleted",
            subject: &user.to_string(),
            data: json!({ "note": note }),
        };
        self.0.audit.append(&mut tx, act).await?;
        tx.commit().await?;
        Ok(())
    }
}
