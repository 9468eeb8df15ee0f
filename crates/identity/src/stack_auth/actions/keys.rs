//! API keys that people and teams give to their own machines. The app's server asks whose one is.

use crate::{
    model::security::{Kind, SecurityEvent},
    stack_auth::{
        StackAuth,
        fault::Result,
        known::Known,
        model::{ApiKey, ApiKeyId, TeamId},
        secrets,
        store::keys as store,
    },
};
use kernel::id::UserId;
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// Keys of one owner.
const MOST: usize = 100;

/// Whose keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A person.
    User(UserId),
    /// A team.
    Team(TeamId),
}

/// What is said of a new key.
#[derive(Debug, Deserialize)]
pub(crate) struct NewKey {
    pub(crate) description: String,
    pub(crate) expires_at_millis: Option<i64>,
    #[serde(default)]
    pub(crate) is_public: bool,
}

impl Owner {
    fn user(self) -> Option<UserId> {
        match self {
            Self::User(id) => Some(id),
            Self::Team(_) => None,
        }
    }

    fn team(self) -> Option<TeamId> {
        match self {
            Self::Team(id) => Some(id),
            Self::User(_) => None,
        }
    }
}

impl StackAuth {
    /// Makes a key; its text is known this once.
    pub(crate) async fn create_key(
        &self,
        owner: Owner,
        new: NewKey,
        by: Option<UserId>,
    ) -> Result<(ApiKey, Zeroizing<String>)> {
        let expires_at = new
            .expires_at_millis
            .map(|at| OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000_000))
            .transpose()
            .map_err(|_| Known::Schema("body.expires_at_millis must be a time".to_owned()))?;
        if new.description.chars().count() > 256 {
            let text = "body.description must be at most 256 characters";
            return Err(Known::Schema(text.to_owned()).into());
        }
        let secret = secrets::key(if new.is_public { "pk" } else { "sk" })?;
        let key = ApiKey {
            id: ApiKeyId::new(),
            last_four: secret[secret.len() - 4..].to_owned(),
            user: owner.user(),
            team: owner.team(),
            description: new.description,
            is_public: new.is_public,
            created_at: self.inner().clock.now(),
            expires_at,
            revoked_at: None,
        };
        let mut tx = self.inner().db.begin().await?;
        if store::list(&mut tx, key.user, key.team).await?.len() >= MOST {
            return Err(crate::stack_auth::fault::Fault::forbidden(
                "There are too many API keys already.",
            ));
        }
        store::insert(&mut tx, &key, &secrets::hash(&secret)).await?;
        if let Some(user) = key.user.or(by) {
            let event = SecurityEvent::of(user, Kind::ApiKeyCreated)
                .with(json!({ "key": key.id, "team": key.team, "face": "stack_auth" }));
            self.0.record(&mut tx, event).await?;
        }
        tx.commit().await?;
        Ok((key, secret))
    }

    /// The keys of an owner.
    pub(crate) async fn keys_of(&self, owner: Owner) -> Result<Vec<ApiKey>> {
        let mut db = self.inner().db.acquire().await?;
        Ok(store::list(&mut db, owner.user(), owner.team()).await?)
    }

    /// One key.
    pub(crate) async fn key(&self, id: ApiKeyId) -> Result<ApiKey> {
        let mut db = self.inner().db.acquire().await?;
        store::get(&mut db, id)
            .await?
            .ok_or_else(|| Known::ApiKeyNotFound.into())
    }

    /// Describes a key otherwise, or takes it back for good.
    pub(crate) async fn change_key(
        &self,
        id: ApiKeyId,
        description: Option<&str>,
        revoke: bool,
    ) -> Result<ApiKey> {
        let now = self.inner().clock.now();
        let mut tx = self.inner().db.begin().await?;
        store::change(&mut tx, id, description, revoke.then_some(now)).await?;
        let key = store::get(&mut tx, id)
            .await?
            .ok_or(Known::ApiKeyNotFound)?;
        if let (true, Some(user)) = (revoke, key.user) {
            let event = SecurityEvent::of(user, Kind::ApiKeyRevoked)
                .with(json!({ "key": key.id, "face": "stack_auth" }));
            self.0.record(&mut tx, event).await?;
        }
        tx.commit().await?;
        Ok(key)
    }

    /// Whose key this is, if it is good: a person's, or a team's.
    pub(crate) async fn check_key(&self, text: &str, of_team: bool) -> Result<ApiKey> {
        let key = {
            let mut db = self.inner().db.acquire().await?;
            store::by_hash(&mut db, &secrets::hash(text)).await?
        };
        let key = key.ok_or(Known::ApiKeyNotFound)?;
        if key.team.is_some() != of_team {
            let (expected, actual) = if of_team {
                ("team", "user")
            } else {
                ("user", "team")
            };
            return Err(Known::WrongApiKeyType(expected, actual).into());
        }
        if key.revoked_at.is_some() {
            return Err(Known::ApiKeyRevoked.into());
        }
        if key
            .expires_at
            .is_some_and(|at| at <= self.inner().clock.now())
        {
            return Err(Known::ApiKeyExpired.into());
        }
        if let Some(user) = key.user {
            let mut db = self.inner().db.acquire().await?;
            self.able(&mut db, user).await?;
        }
        Ok(key)
    }
}
