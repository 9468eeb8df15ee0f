//! Keys for machines: made, shown once, used, taken back.
//!
//! Invariant: a key never allows more than its maker may do at that very call, and nothing
//! of its maker's own account. It is looked up at each call, so that what is taken back, or
//! whose maker was suspended, is over at once and on every node.

use crate::{
    Identity,
    model::{
        Status,
        keys::{ApiKey, NewApiKey},
        permission_set,
        security::{Kind, SecurityEvent},
    },
    secrets::{self, Token},
    store::{self, api_keys::New},
};
use kernel::{
    Error, Permission, Principal, Result,
    audit::{Act, Via},
    client::ClientAddr,
    id::SessionId,
    page::{Page, PageQuery},
};
use serde_json::json;
use uuid::Uuid;
use zeroize::Zeroizing;

/// How a key begins, so that it is told from a session's token and found where it leaked.
const PREFIX: &str = "pk_";
/// That it was used is written down so often.
const USE_NOTED: time::Duration = time::Duration::minutes(1);
/// Keys that were taken back are still shown for a while.
const SHOWN: time::Duration = time::Duration::days(30);

impl Identity {
    /// Keys, the latest first.
    pub(crate) async fn api_keys(
        &self,
        caller: &Principal,
        page: &PageQuery,
    ) -> Result<Page<ApiKey>> {
        caller.require(Permission::ApiKeysWrite)?;
        let (limit, before) = (page.limit()?, page.after::<Uuid>()?);
        let since = self.0.clock.now() - SHOWN;
        let mut db = self.0.db.acquire().await?;
        let rows = store::api_keys::list(&mut db, before, since, limit + 1).await?;
        Ok(Page::of(rows, limit, |key| key.id, |key| key))
    }

    /// Makes a key. Its text is handed out here and never again.
    pub(crate) async fn create_api_key(
        &self,
        caller: &Principal,
        new: &NewApiKey,
    ) -> Result<(ApiKey, Zeroizing<String>)> {
        caller.require(Permission::ApiKeysWrite)?;
        self.require_recent(caller)?;
        if !caller.permissions.covers(new.permissions) {
            return Err(Error::forbidden(
                "grants_more",
                "A key cannot allow more than you may do yourself.",
            ));
        }
        let (id, now) = (Uuid::now_v7(), self.0.clock.now());
        let token = Token::new()?;
        let text = Zeroizing::new(format!("{PREFIX}{}", *token.text));
        let permissions: Vec<String> = new
            .permissions
            .iter()
            .map(|one| one.as_str().to_owned())
            .collect();
        let row = New {
            id,
            name: new.name.as_str(),
            prefix: text.get(..11).unwrap_or(PREFIX),
            hash: &secrets::hash(&text),
            permissions: &permissions,
            made_by: caller.user,
            now,
            expires_at: new.days.map(|days| now + time::Duration::days(days.into())),
        };
        let mut tx = self.0.db.begin().await?;
        store::api_keys::insert(&mut tx, &row).await?;
        let made = store::api_keys::lock(&mut tx, id)
            .await?
            .ok_or(Error::NotFound("key"))?;
        let data = json!({ "name": made.name, "permissions": permissions, "days": new.days });
        let event = SecurityEvent::of(caller.user, Kind::ApiKeyCreated).with(data.clone());
        self.record(&mut tx, event).await?;
        let act = Act {
            actor: Some(caller.user),
            action: "api_key.created",
            subject: &id.to_string(),
            data,
        };
        self.0.audit.append(&mut tx, act).await?;
        tx.commit().await?;
        Ok((made, text))
    }

    /// Takes a key back, at once.
    pub(crate) async fn revoke_api_key(&self, caller: &Principal, id: Uuid) -> Result<()> {
        caller.require(Permission::ApiKeysWrite)?;
        let mut tx = self.0.db.begin().await?;
        let key = store::api_keys::lock(&mut tx, id)
            .await?
            .ok_or(Error::NotFound("key"))?;
        store::api_keys::revoke(&mut tx, id, self.0.clock.now()).await?;
        let data = json!({ "name": key.name });
        let event = SecurityEvent::of(key.made_by, Kind::ApiKeyRevoked).with(data.clone());
        self.record(&mut tx, event).await?;
        let act = Act {
            actor: Some(caller.user),
            action: "api_key.revoked",
            subject: &id.to_string(),
            data,
        };
        self.0.audit.append(&mut tx, act).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Whether a bearer's token looks like a key.
    pub(crate) fn is_api_key(token: &str) -> bool {
        token.starts_with(PREFIX)
    }

    /// The caller that a key stands for, if it works now.
    pub(crate) async fn principal_of_key(
        &self,
        token: &str,
        from: ClientAddr,
    ) -> Result<Option<(Principal, Via)>> {
        let now = self.0.clock.now();
        let mut db = self.0.db.acquire().await?;
        let held = store::api_keys::held(&mut db, &secrets::hash(token), now).await?;
        let Some(held) = held.filter(|held| held.status == Status::Active) else {
            return Ok(None);
        };
        if held.last_used_at.is_none_or(|at| at + USE_NOTED <= now) {
            store::api_keys::used(&mut db, held.id, &from.to_string(), now).await?;
        }
        let allowed = permission_set(&held.permissions).and(permission_set(&held.makers));
        let principal = Principal {
            user: held.maker,
            session: SessionId(held.id),
            permissions: allowed,
            // There is nobody to ask: who made the key was.
            authenticated_at: now,
            second_factor_due: false,
            acting: None,
        };
        let via = Via::Key {
            api_key: held.id,
            name: held.name,
        };
        Ok(Some((principal, via)))
    }
}

/// Whether a path concerns the caller's own account: no machine's business.
pub(crate) fn is_own_account(path: &str) -> bool {
    let rest = path.strip_prefix("/api/v1/").unwrap_or_default();
    ["me", "sessions", "api-keys", "feed"].iter().any(|own| {
        rest.strip_prefix(own)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}
