//! The list of people, for staff.

use super::search;
use crate::{
    Identity,
    model::{Person, people::Filter, search::Found},
    store::{
        self,
        people::{ByName, ByTime},
    },
};
use kernel::{
    Permission, Principal, Result,
    id::UserId,
    page::{Page, PageQuery},
};
use sqlx::PgConnection;
use time::OffsetDateTime;

/// A list says how many match up to here; more are "more than".
pub(crate) const COUNTED: i64 = 1_000;

/// The same, where each has to be looked at.
const COUNTED_BY_LOOKING: i64 = 100;

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
        let found = search::look(&mut tx, filter).await?;
        let matching = matching(&mut tx, filter, &found).await?;
        let (ids, next_cursor) = match order {
            Order::Newest | Order::Oldest => {
                let of = (&found, matching.more);
                let spots = by_time(&mut tx, filter, of, order, page.after()?, limit + 1);
                turned(Page::of(
                    spots.await?,
                    limit,
                    |spot| (spot.place, spot.id),
                    |spot| spot.id,
                ))
            }
            Order::Name | Order::NameBackwards => {
                let of = (&found, matching.more);
                let spots = by_name(&mut tx, filter, of, order, page.after()?, limit + 1);
                turned(Page::of(
                    spots.await?,
                    limit,
                    |spot| (spot.place.clone(), spot.id),
                    |spot| spot.id,
                ))
            }
        };
        let items = store::people::these(&mut tx, &ids).await?;
        tx.commit().await?;
        Ok((Page { items, next_cursor }, matching))
    }

    /// How many match, exactly: asked beside the list, and before many are acted on.
    pub(crate) async fn count_people(&self, caller: &Principal, filter: &Filter) -> Result<i64> {
        caller.require(Permission::UsersRead)?;
        let mut tx = self.0.db.begin_planned().await?;
        let found = search::look(&mut tx, filter).await?;
        let count = search::count(&mut tx, filter, &found).await?;
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

fn turned(page: Page<UserId>) -> (Vec<UserId>, Option<String>) {
    (page.items, page.next_cursor)
}

async fn matching(db: &mut PgConnection, filter: &Filter, found: &Found) -> sqlx::Result<Matching> {
    if let Found::Beginning(_, seen) = found {
        return Ok(Matching {
            count: seen.people,
            more: seen.more,
        });
    }
    let most = match found {
        Found::Inside(_) | Found::Many(_) => COUNTED_BY_LOOKING,
        _ => COUNTED,
    };
    let counted = store::people::count(db, filter, found, most).await?;
    Ok(Matching {
        count: counted.min(most),
        more: counted > most,
    })
}

/// A page in an order by time. Where very many may match, the list is walked for a while; where
/// that finds no page, who matches is sorted: from the index of beginnings alone, where one is
/// searched for and more match than were counted.
async fn by_time(
    db: &mut PgConnection,
    filter: &Filter,
    (found, more): (&Found, bool),
    order: Order,
    after: Option<(OffsetDateTime, UserId)>,
    limit: i64,
) -> sqlx::Result<Vec<ByTime>> {
    let many = found.many(filter);
    if many {
        let met = match order {
            Order::Oldest => store::walk::oldest(db, filter, found, after, limit).await?,
            _ => store::walk::newest(db, filter, found, after, limit).await?,
        };
        if let Some(met) = met {
            return Ok(met);
        }
    }
    match (found, order) {
        (Found::Beginning(beginning, _), Order::Oldest) => {
            store::words::oldest(db, beginning, after, limit).await
        }
        (Found::Beginning(beginning, _), _) => {
            store::words::newest(db, beginning, after, limit).await
        }
        (Found::Many(beginning), Order::Oldest) if many && more => {
            store::begun::oldest(db, filter, beginning, after, limit).await
        }
        (Found::Many(beginning), _) if many && more => {
            store::begun::newest(db, filter, beginning, after, limit).await
        }
        (Found::Anybody, Order::Oldest) => {
            store::people::oldest(db, filter, found, after, limit).await
        }
        (Found::Anybody, _) => store::people::newest(db, filter, found, after, limit).await,
        (_, Order::Oldest) => store::people::found_oldest(db, filter, found, after, limit).await,
        _ => store::people::found_newest(db, filter, found, after, limit).await,
    }
}

/// The same in an order by name, in which beginnings stand too.
async fn by_name(
    db: &mut PgConnection,
    filter: &Filter,
    (found, more): (&Found, bool),
    order: Order,
    after: Option<(String, UserId)>,
    limit: i64,
) -> sqlx::Result<Vec<ByName>> {
    let backwards = order == Order::NameBackwards;
    let many = found.many(filter);
    if many {
        let at = after.clone();
        let met = match (found, backwards) {
            (Found::Beginning(beginning, _), true) if beginning.start().is_some() => {
                store::words::start_by_name_backwards(db, beginning, at, limit).await?
            }
            (Found::Beginning(beginning, _), false) if beginning.start().is_some() => {
                store::words::start_by_name(db, beginning, at, limit).await?
            }
            (_, true) => store::walk::by_name_backwards(db, filter, found, at, limit).await?,
            (_, false) => store::walk::by_name(db, filter, found, at, limit).await?,
        };
        if let Some(met) = met {
            return Ok(met);
        }
    }
    match (found, backwards) {
        (Found::Beginning(beginning, _), true) => {
            store::words::by_name_backwards(db, beginning, after, limit).await
        }
        (Found::Beginning(beginning, _), false) => {
            store::words::by_name(db, beginning, after, limit).await
        }
        (Found::Many(beginning), true) if many && more => {
            store::begun::by_name_backwards(db, filter, beginning, after, limit).await
        }
        (Found::Many(beginning), false) if many && more => {
            store::begun::by_name(db, filter, beginning, after, limit).await
        }
        (Found::Anybody, true) => {
            store::people::by_name_backwards(db, filter, found, after, limit).await
        }
        (Found::Anybody, false) => store::people::by_name(db, filter, found, after, limit).await,
        (_, true) => store::people::found_by_name_backwards(db, filter, found, after, limit).await,
        (_, false) => store::people::found_by_name(db, filter, found, after, limit).await,
    }
}
