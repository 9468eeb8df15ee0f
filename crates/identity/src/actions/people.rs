//! The list of people, for staff.

use crate::{
    Identity,
    model::{Person, Status},
    store::{self, people::Filter},
};
use kernel::{
    Error, Permission, Principal, Result,
    id::UserId,
    page::{Page, PageQuery},
};
use time::OffsetDateTime;

/// In which order the list comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Who joined last comes first.
    #[default]
    Newest,
    /// Who joined first comes first.
    Oldest,
    /// By name.
    Name,
    /// By name, from the end of the alphabet.
    NameBackwards,
}

/// What the list is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Part of a name or an address.
    pub text: Option<String>,
    /// How the account stands.
    pub status: Option<Status>,
    /// A role they hold.
    pub role: Option<String>,
    /// Only who is here now.
    pub online: bool,
    /// The order.
    pub order: Order,
}

impl Identity {
    /// A page of people, and how many match in all.
    pub async fn people(
        &self,
        caller: &Principal,
        search: &Search,
        page: &PageQuery,
    ) -> Result<(Page<Person>, i64)> {
        caller.require(Permission::UsersRead)?;
        let limit = page.limit()?;
        let filter = Filter {
            search: search.text.as_deref(),
            status: search.status,
            role: search.role.as_deref(),
            online: search.online,
        };
        let mut db = self.0.db.acquire().await?;
        let total = store::people::count(&mut db, &filter).await?;
        let (order, db) = (search.order, &mut *db);
        let page = match order {
            Order::Newest | Order::Oldest => {
                let after = page.after::<(OffsetDateTime, UserId)>()?;
                let rows = if order == Order::Newest {
                    store::people::newest(db, &filter, after, limit + 1).await?
                } else {
                    store::people::oldest(db, &filter, after, limit + 1).await?
                };
                Page::of(rows, limit, |row| (row.created_at, row.id), |row| row)
            }
            Order::Name | Order::NameBackwards => {
                let after = page.after::<(String, UserId)>()?;
                let rows = if order == Order::Name {
                    store::people::by_name(db, &filter, after, limit + 1).await?
                } else {
                    store::people::by_name_backwards(db, &filter, after, limit + 1).await?
                };
                Page::of(
                    rows,
                    limit,
                    |row| (row.name.to_lowercase(), row.id),
                    |row| row,
                )
            }
        };
        Ok((page, total))
    }

    /// One person.
    pub async fn person(&self, caller: &Principal, user: UserId) -> Result<Person> {
        caller.require(Permission::UsersRead)?;
        let mut db = self.0.db.acquire().await?;
        store::people::get(&mut db, user)
            .await?
            .ok_or(Error::NotFound("person"))
    }

    /// How many people there are, and how many are online.
    pub async fn totals(&self, caller: &Principal) -> Result<(i64, i64)> {
        caller.require(Permission::UsersRead)?;
        let mut db = self.0.db.acquire().await?;
        Ok(store::people::totals(&mut db).await?)
    }
}
