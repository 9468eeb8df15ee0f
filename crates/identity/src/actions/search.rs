//! Whom a search finds: those who begin so, and where nobody does, those in whom it stands.

use super::people::COUNTED;
use crate::{
    model::{
        Status,
        people::Filter,
        search::{Beginning, Found},
    },
    store,
};
use sqlx::PgConnection;

/// Looks at what is searched for, so that whatever is done with the filter means the same people.
pub(super) async fn look(db: &mut PgConnection, filter: &Filter) -> sqlx::Result<Found> {
    if !filter.searches() {
        return Ok(Found::Anybody);
    }
    let beginning = filter.beginning();
    // The trash is not among the beginnings: it is small, and read.
    if filter.status == Some(Status::Deleted) {
        let found = filter.inside().map(Found::Inside);
        return Ok(found
            .or(beginning.map(Found::Many))
            .unwrap_or(Found::Few(Vec::new())));
    }
    if let Some(beginning) = beginning
        && let Some(found) = begun(db, filter, beginning).await?
    {
        return Ok(found);
    }
    let found = filter.inside().map(Found::Inside);
    Ok(found.unwrap_or(Found::Few(Vec::new())))
}

/// Whom a beginning finds; nothing where it is nobody's, however they stand.
async fn begun(
    db: &mut PgConnection,
    filter: &Filter,
    beginning: Beginning,
) -> sqlx::Result<Option<Found>> {
    let status = filter.status.filter(|_| filter.only_searches());
    let most = if status.is_some() { 1 } else { COUNTED };
    let seen = store::words::seen(db, &beginning, most).await?;
    if seen.people == 0 {
        return Ok(None);
    }
    Ok(Some(if let Some(status) = status {
        let beginning = beginning.among(status);
        let seen = store::words::seen(db, &beginning, COUNTED).await?;
        Found::Beginning(beginning, seen)
    } else if filter.only_searches() {
        Found::Beginning(beginning, seen)
    } else if seen.more {
        Found::Many(beginning)
    } else {
        Found::Few(store::words::whose(db, &beginning).await?)
    }))
}

/// How many that are, however many.
pub(super) async fn count(
    db: &mut PgConnection,
    filter: &Filter,
    found: &Found,
) -> sqlx::Result<i64> {
    match found {
        Found::Beginning(beginning, _) => store::words::count(db, beginning).await,
        _ => store::people::count_all(db, filter, found).await,
    }
}
