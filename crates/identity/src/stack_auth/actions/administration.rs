//! People as the app's server minds them, with the secret key.

use super::{
    entry::Tokens,
    users::{OwnChange, metadata},
};
use crate::{
    model::{
        Email, PersonDeleted, PersonRestored, PersonSuspended, Status,
        security::{Kind, SecurityEvent},
    },
    stack_auth::{
        StackAuth,
        body::given,
        call::Device,
        fault::{Fault, Result},
        known::Known,
        model::{NO_ADDRESS, TeamId, User},
        store::{
            self,
            users::{Change, Filter},
        },
    },
    store as accounts,
};
use kernel::{audit::Act, id::UserId};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::time::Duration;

/// The longest session that a server may ask for.
const LONGEST: i64 = 367 * 24 * 60 * 60 * 1000;

/// What a server says of somebody.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ServerChange {
    #[serde(flatten)]
    pub(crate) own: OwnChange,
    #[serde(default, deserialize_with = "given")]
    pub(crate) client_read_only_metadata: Option<Option<Value>>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) server_metadata: Option<Option<Value>>,
    pub(crate) primary_email_verified: Option<bool>,
    pub(crate) primary_email_auth_enabled: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) password: Option<Option<SecretString>>,
    pub(crate) restricted_by_admin: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) restricted_by_admin_reason: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) restricted_by_admin_private_details: Option<Option<String>>,
}

/// Which people a server asks for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wanted {
    pub(crate) cursor: Option<UserId>,
    pub(crate) limit: Option<i64>,
    pub(crate) desc: Option<String>,
    pub(crate) query: Option<String>,
    pub(crate) team_id: Option<TeamId>,
    pub(crate) include_restricted: Option<String>,
    pub(crate) only_anonymous: Option<String>,
}

impl StackAuth {
    /// A page of people, and where the next begins.
    pub(crate) async fn users(&self, wanted: &Wanted) -> Result<(Vec<User>, Option<UserId>)> {
        if wanted.only_anonymous.as_deref() == Some("true") {
            return Ok((Vec::new(), None));
        }
        let limit = wanted.limit.unwrap_or(100).clamp(1, 1000);
        let text = wanted
            .query
            .as_ref()
            .map(|text| escaped(&text.to_lowercase()));
        let filter = Filter {
            text: text.as_deref().filter(|text| !text.is_empty()),
            team: wanted.team_id,
            after: wanted.cursor,
            restricted: wanted.include_restricted.as_deref() != Some("false"),
            limit: limit + 1,
        };
        let mut db = self.inner().db.acquire().await?;
        let mut ids = if wanted.desc.as_deref() == Some("true") {
            store::users::page_down(&mut db, &filter).await?
        } else {
            store::users::page_up(&mut db, &filter).await?
        };
        let more = i64::try_from(ids.len()).unwrap_or(0) > limit;
        if more {
            ids.pop();
        }
        let mut people = store::users::get_many(&mut db, &ids).await?;
        people.sort_by_key(|user| ids.iter().position(|id| *id == user.id.0));
        let next = people.last().filter(|_| more).map(|user| user.id);
        Ok((people, next))
    }

    /// Makes an account for somebody.
    pub(crate) async fn create_user(&self, change: ServerChange) -> Result<User> {
        let given = change.own.primary_email.clone().flatten();
        let (email, address) = match &given {
            Some(text) => (
                Email::parse(text).map_err(|_| {
                    Known::Schema(format!(
                        "body.primary_email must be a valid email, but was {text:?}"
                    ))
                })?,
                Some(text.clone()),
            ),
            None => (
                Email::parse(&format!("{}{NO_ADDRESS}", UserId::new()))?,
                None,
            ),
        };
        let hashed = self.hashed(&change).await?;
        let mut tx = self.inner().db.begin().await?;
        let proved = change.primary_email_verified == Some(true);
        let otp = change.own.otp_auth_enabled == Some(true);
        let user = self
            .make_account(&mut tx, &email, proved, otp)
            .await?
            .ok_or_else(|| Known::UserEmailAlreadyExists(address.unwrap_or_default(), false))?;
        let change = ServerChange {
            own: OwnChange {
                primary_email: None,
                ..change.own
            },
            primary_email_verified: None,
            ..change
        };
        self.apply_all(&mut tx, user, change, hashed).await?;
        self.note(&mut tx, user, "user.created").await?;
        let made = store::users::get(&mut tx, user)
            .await?
            .ok_or(Known::UserNotFound)?;
        tx.commit().await?;
        Ok(made)
    }

    /// Changes somebody. A new password ends all their sessions; so does a restriction.
    pub(crate) async fn change_user(&self, user: UserId, change: ServerChange) -> Result<User> {
        let hashed = self.hashed(&change).await?;
        let ends = change.password.is_some() || change.restricted_by_admin == Some(true);
        let mut tx = self.inner().db.begin().await?;
        store::users::get(&mut tx, user)
            .await?
            .ok_or(Known::UserNotFound)?;
        self.apply_all(&mut tx, user, change, hashed).await?;
        let ended = if ends {
            self.0
                .end_sessions(&mut tx, user, None, "changed_by_server")
                .await?
        } else {
            Vec::new()
        };
        self.note(&mut tx, user, "user.changed").await?;
        let changed = store::users::get(&mut tx, user)
            .await?
            .ok_or(Known::UserNotFound)?;
        tx.commit().await?;
        self.0.sessions_over(&ended);
        Ok(changed)
    }

    async fn hashed(&self, change: &ServerChange) -> Result<Option<String>> {
        let Some(Some(password)) = &change.password else {
            return Ok(None);
        };
        let password = self.new_password(password, &[])?;
        Ok(Some(self.inner().hasher.hash(password.expose()).await?))
    }

    async fn apply_all(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        mut change: ServerChange,
        hashed: Option<String>,
    ) -> Result<()> {
        metadata(
            "client_read_only_metadata",
            change.client_read_only_metadata.as_ref(),
        )?;
        metadata("server_metadata", change.server_metadata.as_ref())?;
        if let Some(secret) = change.own.totp_secret_base64.take() {
            self.set_totp(tx, user, secret.as_deref(), None).await?;
        }
        if change.own.passkey_auth_enabled == Some(false) {
            self.0.remove_all_passkeys(tx, user, None).await?;
        }
        self.apply(tx, user, change.own).await?;
        match (change.password, hashed) {
            (Some(Some(_)), Some(hash)) => {
                self.0.put_password(tx, user, &hash).await?;
            }
            (Some(None), _) => store::users::remove_password(tx, user).await?,
            _ => {}
        }
        if let Some(verified) = change.primary_email_verified {
            if verified {
                self.proved(tx, user).await?;
            } else {
                store::users::set_verified(tx, user, None).await?;
            }
        }
        if let Some(used) = change.primary_email_auth_enabled {
            store::channels::ensure_primary(tx, user).await?;
            let channels = store::channels::list(tx, user).await?;
            if let Some(primary) = channels.iter().find(|channel| channel.primary) {
                store::channels::set_used_for_auth(tx, primary.id, used).await?;
            }
        }
        if let Some(restricted) = change.restricted_by_admin {
            let reason = change.restricted_by_admin_reason.flatten();
            self.restrict(tx, user, restricted, reason.as_deref())
                .await?;
        }
        let change = Change {
            client_read_only_metadata: change.client_read_only_metadata,
            server_metadata: change.server_metadata,
            restricted_details: change.restricted_by_admin_private_details,
            ..Change::default()
        };
        Ok(store::users::change(tx, user, change).await?)
    }

    /// Suspends an account, or lifts that. Never the last owner's: nobody could undo it.
    async fn restrict(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        restricted: bool,
        reason: Option<&str>,
    ) -> Result<()> {
        let (now, by) = (
            self.inner().clock.now(),
            json!({ "by": "secret server key" }),
        );
        let status = store::users::get(tx, user).await?.map(|user| user.status);
        let events = &self.inner().events;
        if restricted && status == Some(Status::Active) {
            self.not_an_owner(tx, user).await?;
            let reason = reason.unwrap_or("Restricted through the API.");
            accounts::standing::suspend(tx, user, reason, now).await?;
            let event = SecurityEvent::of(user, Kind::Suspended).with(by);
            self.0.record(tx, event).await?;
            events.append(tx, None, &PersonSuspended { user }).await?;
        } else if !restricted && status == Some(Status::Suspended) {
            accounts::standing::restore(tx, user, now).await?;
            let event = SecurityEvent::of(user, Kind::Restored).with(by);
            self.0.record(tx, event).await?;
            events.append(tx, None, &PersonRestored { user }).await?;
        }
        Ok(())
    }

    async fn not_an_owner(&self, tx: &mut PgConnection, user: UserId) -> Result<()> {
        let account = accounts::accounts::get(tx, user).await?;
        if account.is_some_and(|account| account.roles.iter().any(|role| role == "owner")) {
            return Err(Fault::forbidden(
                "This account is an owner of the place. Only an owner can do this, in the product.",
            ));
        }
        Ok(())
    }

    /// Puts an account into the trash, from where staff can take it back for a while.
    pub(crate) async fn delete_user(&self, user: UserId) -> Result<()> {
        let mut tx = self.inner().db.begin().await?;
        store::users::get(&mut tx, user)
            .await?
            .ok_or(Known::UserNotFound)?;
        self.not_an_owner(&mut tx, user).await?;
        let ended = self.0.end_sessions(&mut tx, user, None, "deleted").await?;
        self.note(&mut tx, user, "user.deleted").await?;
        accounts::standing::delete(&mut tx, user, self.inner().clock.now()).await?;
        let event = SecurityEvent::of(user, Kind::Deleted)
            .with(json!({ "by": "secret server key or themselves" }));
        self.0.record(&mut tx, event).await?;
        let events = &self.inner().events;
        events
            .append(&mut tx, None, &PersonDeleted { user })
            .await?;
        tx.commit().await?;
        self.0.sessions_over(&ended);
        Ok(())
    }

    /// A session for somebody, as the server asks for it.
    pub(crate) async fn session_for(
        &self,
        user: UserId,
        millis: Option<i64>,
        impersonation: bool,
        device: &Device,
    ) -> Result<Tokens> {
        let wanted = millis.unwrap_or(LONGEST);
        if !(1..=LONGEST).contains(&wanted) {
            return Err(Known::Schema(format!(
                "body.expires_in_millis must be less than or equal to {LONGEST}"
            ))
            .into());
        }
        let wanted = Duration::from_millis(u64::try_from(wanted).unwrap_or(0));
        let life = wanted.min(self.inner().config.absolute());
        let mut tx = self.inner().db.begin().await?;
        let user = store::users::get(&mut tx, user)
            .await?
            .ok_or_else(|| Known::UserIdDoesNotExist(user.to_string()))?;
        let user = self.able(&mut tx, user.id).await?;
        let tokens = self
            .open(&mut tx, &user, device, "server", life, impersonation)
            .await?;
        let action = if impersonation {
            "session.impersonated_by_server"
        } else {
            "session.opened_by_server"
        };
        self.note(&mut tx, user.id, action).await?;
        tx.commit().await?;
        Ok(tokens)
    }

    /// What a server does with its key is written down: nobody is signed in who could be named.
    async fn note(&self, tx: &mut PgConnection, user: UserId, action: &'static str) -> Result<()> {
        let act = Act {
            actor: None,
            action,
            subject: &user.to_string(),
            data: json!({ "by": "secret server key" }),
        };
        self.inner().audit.append(tx, act).await?;
        Ok(())
    }
}

/// Text to look for as it is, in a pattern.
fn escaped(text: &str) -> String {
    text.trim()
        .chars()
        .flat_map(|c| {
            matches!(c, '%' | '_' | '\\')
                .then_some('\\')
                .into_iter()
                .chain([c])
        })
        .collect()
}
