//! What identity needs from the rest of the house: what it holds about a person, so that the
//! person can have a copy of it, and so that it goes when they leave.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use kernel::{Result, id::UserId};
use serde_json::Value;
use std::fmt;
use uuid::Uuid;

/// Whom it is about.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Their id.
    pub user: UserId,
    /// Their address.
    pub email: String,
}

/// A file that belongs into a copy.
pub struct Enclosed {
    /// Its name there, unique within its holder.
    pub name: String,
    /// What is in it.
    pub content: BoxStream<'static, Result<Bytes>>,
}

/// Another place that is trusted with identity: a token of its own, traded once for a session
/// here, is a bearer token from then on.
#[async_trait]
pub trait Trusted: Send + Sync + fmt::Debug {
    /// The session there that a token stands for, if the token is good now.
    async fn session_of(&self, token: &str) -> Result<Option<Uuid>>;
}

/// One part of the house that holds something about people.
#[async_trait]
pub trait Holder: Send + Sync + fmt::Debug {
    /// For machines: `updates`.
    fn name(&self) -> &'static str;

    /// For people: "Updates that you were sent".
    fn title(&self) -> &'static str;

    /// All that it holds about somebody.
    async fn holdings(&self, subject: &Subject) -> Result<Value>;

    /// The files that belong to it. Few parts have any.
    async fn files(&self, _subject: &Subject) -> Result<Vec<Enclosed>> {
        Ok(Vec::new())
    }

    /// Erases it, or takes the person's name off it where it has to stay. May be asked again.
    async fn erase(&self, subject: &Subject) -> Result<()>;
}
