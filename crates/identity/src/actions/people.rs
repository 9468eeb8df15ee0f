//! The list of people, for staff.

use crate::{
    Identity,
    model::{Person, people::Filter},
    store,
};
use kernel::{
    Permission, Principal, Result,
    id::UserId,
    page::{Page, PageQuery},
};
use time::OffsetDateTime;

/// A list says how many match up to here; more are "more than".
pub(crate) const COUNTED: i64 = 1_000;

/// In which order the list comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Order {
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

/// How many match.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matching {
    pub(crate) count: i64,
    /// Whether there are more than were counted.
    pub(crate) more: bool,
}

impl Identity {
    /// A page of people, and how many match, counted so far.
    pub(crate) async fn people(
        &self,
        caller: &Principal,
        filter: &Filter,
        order: Order,
        page: &PageQuery,
    ) -> Result<(Page<Person>, Matching)> {
        caller.require(Permission::UsersRead)?;
        let limit = page.limit()?;
        let mut tx = self.0.db.begin_planned().await?;
        let counted = store::people::count(&mut tx, filter, COUNTED).await?;
        let page = match order {
            Order::Newest | Order::Oldest => {
                let after = page.after::<(OffsetDateTime, UserId)>()?;
                let rows = if order == Order::Newest {
                    store::people::newest(&mut tx, filter, after, limit + 1).await?
                } else {
                    store::people::oldest(&mut tx, filter, after, limit + 1).await?
                };
                Page::of(rows, limit, |row| (row.created_at, row.id), |row| row)
            }
            Order::Name | Order::NameBackwards => {
                let after = page.after::<(String, UserId)>()?;
                let rows = if order == Order::Name {
                    store::people::by_name(&mut tx, filter, after, limit + 1).await?
                } else {
                    store::people::by_name_backwards(&mut tx, filter, after, limit + 1).await?
                };
                let place = |row: &Person| (row.name.to_lowercase(), row.id);
                Page::of(rows, limit, place, |row| row)
            }
        };
        tx.commit().await?;
        let matching = Matching {
            count: counted.min(COUNTED),
            more: counted > COUNTED,
        };
        Ok((page, matching))
    }

    /// How many match, exactly: asked beside the list, and before many are acted on.
    pub(crate) async fn count_people(&self, caller: &Principal, filter: &Filter) -> Result<i64> {
        caller.require(Permission::UsersRead)?;
        let mut tx = self.0.db.begin_planned().await?;
        let count = store::people::count_all(&mut tx, filter).await?;
        tx.commit().await?;
        Ok(count)
    }

    /// How many people there are, and how many are online.
    pub async fn totals(&self, caller: &Principal) -> Result<(i64, i64)> {
        caller.require(Permission::UsersRead)?;
        let mut db = self.0.db.acquire().await?;
        Ok(store::people::totals(&mut db).await?)
    }
}
