//! The session that a browser has when it signs in once more: it ends in the transaction that
//! opens the next one, by whichever way in.

use kernel::id::{SessionId, UserId};
use std::future::Future;

tokio::task_local! {
    static HELD: Option<(SessionId, UserId)>;
}

/// Runs what may open a session for a browser that has one.
pub(super) async fn by<F: Future>(held: Option<(SessionId, UserId)>, next: F) -> F::Output {
    HELD.scope(held, next).await
}

/// The session that the next one replaces.
pub(crate) fn held() -> Option<(SessionId, UserId)> {
    HELD.try_with(|held| *held).ok().flatten()
}
