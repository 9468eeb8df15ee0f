//! What is asked of whoever keeps accounts. Each verb joins the transaction that it is given,
//! and writes down what it did; [`People::settled`] is called after the commit.

use crate::model::Here;
use async_trait::async_trait;
use axum::response::Response;
use http::HeaderMap;
use kernel::{
    Principal, Result,
    client::ClientAddr,
    id::{SessionId, UserId},
};
use sqlx::PgConnection;
use std::fmt;
use uuid::Uuid;

/// Somebody who would join.
#[derive(Debug, Clone)]
pub struct Newcomer {
    /// Their address, proved there.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Whether they may get an account.
    pub sign_up: bool,
    /// Whether an account of that address may be theirs.
    pub link: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// They have this account now.
    As(UserId),
    /// They have none, for a reason with a stable code.
    Refused(&'static str),
}

/// A session here that stands for one there.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// Here.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// There.
    pub hosted: Uuid,
}

/// Whoever keeps accounts.
#[async_trait]
pub trait People: Send + Sync + fmt::Debug {
    /// Fails unless the caller proved lately who they are.
    fn confirmed(&self, caller: &Principal) -> Result<()>;

    /// Fails unless the caller may give each of these roles.
    async fn may_give(&self, caller: &Principal, roles: &[String]) -> Result<()>;

    /// Gives somebody an account, or finds theirs.
    async fn join(&self, tx: &mut PgConnection, newcomer: &Newcomer) -> Result<Joined>;

    /// Somebody as they are here, locked; nothing if they were erased.
    async fn here(&self, tx: &mut PgConnection, user: UserId) -> Result<Option<Here>>;

    /// Calls them otherwise.
    async fn rename(&self, tx: &mut PgConnection, user: UserId, name: &str) -> Result<()>;

    /// Gives them another address, proved there; false if somebody else here has it.
    async fn readdress(&self, tx: &mut PgConnection, user: UserId, email: &str) -> Result<bool>;

    /// Gives and takes roles; which were given. The last owner stays one.
    async fn change_roles(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        give: &[String],
        take: &[String],
    ) -> Result<Vec<String>>;

    /// Suspends them.
    async fn suspend(&self, tx: &mut PgConnection, user: UserId) -> Result<()>;

    /// Takes a suspension or a deletion back.
    async fn restore(&self, tx: &mut PgConnection, user: UserId) -> Result<()>;

    /// Puts them into the trash, signed out everywhere.
    async fn delete(&self, tx: &mut PgConnection, user: UserId) -> Result<()>;

    /// Opens a session here for one there, and answers the browser as any sign-in does.
    async fn enter(
        &self,
        user: UserId,
        hosted: Uuid,
        from: ClientAddr,
        headers: &HeaderMap,
    ) -> Result<Response>;

    /// Sessions here that stand for ones there, by id.
    async fn standing(&self, after: Option<SessionId>, limit: i64) -> Result<Vec<Standing>>;

    /// Ends some of them.
    async fn end(&self, tx: &mut PgConnection, sessions: &[Standing]) -> Result<()>;

    /// After the commit: requests and sockets of this server hear of it now.
    fn settled(&self, user: UserId);
}
