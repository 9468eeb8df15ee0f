//! People of the demo tenant: marked as such from the first row on, so that removing
//! them can touch nobody else.

use crate::{
    Identity, STANDING,
    model::{Email, Name},
    store,
};
use kernel::{Result, cache, id::UserId};
use sqlx::PgConnection;
use time::OffsetDateTime;

/// Somebody who is made up.
#[derive(Debug, Clone)]
pub struct DemoPerson {
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Their role.
    pub role: &'static str,
    /// When they joined.
    pub joined_at: OffsetDateTime,
    /// When they were last seen, if ever.
    pub last_seen_at: Option<OffsetDateTime>,
}

impl Identity {
    /// Hashes the one password that all demo people have.
    pub async fn demo_password_hash(&self, password: &str) -> Result<String> {
        self.0.hasher.hash_as_it_is(password).await
    }

    /// Adds demo people, in the caller's transaction. Who is there already stays.
    pub async fn add_demo_people(
        &self,
        tx: &mut PgConnection,
        people: &[DemoPerson],
        password_hash: &str,
    ) -> Result<Vec<UserId>> {
        let mut ids = Vec::with_capacity(people.len());
        for person in people {
            let (email, name) = (
                Email::parse(&person.email)?,
                Name::parse("name", &person.name)?,
            );
            let joined = person.joined_at;
            let made = store::accounts::insert(tx, &email, &name, joined, true).await?;
            let Some(user) = made else { continue };
            store::passwords::set(tx, user, password_hash, 0, joined).await?;
            store::accounts::verify_email(tx, user, joined).await?;
            store::accounts::grant(tx, user, person.role, None).await?;
            if let Some(seen) = person.last_seen_at {
                store::presence::last_seen(tx, user, seen).await?;
            }
            ids.push(user);
        }
        Ok(ids)
    }

    /// Removes every demo person with all that is theirs; how many.
    pub async fn remove_demo_people(&self, tx: &mut PgConnection) -> Result<u64> {
        let (gone, sessions) = store::accounts::remove_demo(tx).await?;
        for session in sessions {
            cache::invalidate(tx, STANDING, session).await?;
        }
        Ok(gone)
    }

    /// Whether any demo person is here.
    pub async fn demo_present(&self) -> Result<bool> {
        let mut db = self.0.db.acquire().await?;
        Ok(store::accounts::demo_present(&mut db).await?)
    }
}
