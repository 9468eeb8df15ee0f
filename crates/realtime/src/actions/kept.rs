//! What somebody said on private channels and is kept: for their copy, and for their leaving.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kernel::{Result, database::Database, id::UserId};
use serde_json::{Value, json};

use crate::store::messages::{self, Said};

/// What this domain holds about people.
#[derive(Debug, Clone)]
pub struct Kept(Database);

impl Kept {
    /// In this database.
    pub fn new(db: Database) -> Self {
        Self(db)
    }

    /// All of it about somebody, the oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn holdings(&self, user: UserId) -> Result<Value> {
        let mut db = self.0.acquire().await?;
        let said = messages::of_sender(&mut db, user.0).await?;
        Ok(said.iter().map(readable).collect())
    }

    /// Removes it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget(&self, user: UserId) -> Result<()> {
        let mut db = self.0.acquire().await?;
        Ok(messages::forget_sender(&mut db, user.0).await?)
    }
}

fn readable(said: &Said) -> Value {
    let message = if said.is_binary {
        json!({ "base64": STANDARD.encode(&said.payload) })
    } else {
        // It was read as JSON before it was kept.
        serde_json::from_slice(&said.payload).unwrap_or_default()
    };
    let channel = said.topic.strip_prefix("realtime:").unwrap_or(&said.topic);
    json!({ "channel": channel, "event": said.event, "message": message,
        "said_at": said.created_at.to_string() })
}
