//! The one project that this server is to the SDKs: its id, its keys, and what it lets people do.

use super::{
    StackAuth,
    config::StackAuthConfig,
    fault::{Fault, Result},
    secrets,
    store::project as store,
    trust::Trust,
};
use crate::secrets::hash;
use kernel::{
    cache::{self, Cache, Invalidations},
    database::Database,
    vault::{Context, Vault},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::{sync::Arc, time::Duration};
use url::Url;
use uuid::Uuid;

/// The name of the cache of the secret key's hash.
const SECRET: &str = "identity.stack_project";
const ONLY: &str = "only";
/// Where below the server's address the protocol is spoken.
pub const BASE: &str = "stack";

/// What stays as it is while the server runs.
#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) id: Uuid,
    pub(crate) publishable_key: String,
    /// The SDK's `baseUrl`.
    pub(crate) base: String,
    /// The issuer of access tokens.
    pub(crate) issuer: String,
    pub(crate) trust: Trust,
    secret: Cache<String, Arc<[Vec<u8>]>>,
}

/// What an operator gives to the SDK.
#[derive(Debug, Clone)]
pub struct ProjectKeys {
    /// `baseUrl`.
    pub base_url: String,
    /// `projectId`.
    pub project_id: Uuid,
    /// `publishableClientKey`: may stand in a page.
    pub publishable_client_key: String,
    /// `secretServerKey`: for servers only.
    pub secret_server_key: SecretString,
}

fn place(id: &Uuid) -> Context<'_> {
    Context {
        table: "identity.stack_project",
        column: "secret_key_sealed",
        row: id.as_bytes(),
    }
}

impl Project {
    /// Loads the project; makes it at the first start.
    pub(crate) async fn load(
        db: &Database,
        vault: &Vault,
        invalidations: &Invalidations,
        public_url: &Url,
        config: &StackAuthConfig,
    ) -> anyhow::Result<Self> {
        let (id, secret) = (Uuid::new_v4(), secrets::key("ssk")?);
        let sealed = vault.seal(place(&id), secret.as_bytes())?;
        let publishable = secrets::key("pck")?;
        let mut tx = db.begin().await?;
        // Of servers that start together one is first, and the others read what it made.
        store::insert_first(&mut tx, id, &publishable, &hash(&secret), &sealed).await?;
        let row = store::get(&mut tx).await?;
        tx.commit().await?;
        let base = format!("{}/{BASE}", public_url.as_str().trim_end_matches('/'));
        Ok(Self {
            id: row.id,
            publishable_key: row.publishable_key,
            issuer: format!("{base}/api/v1/projects/{}", row.id),
            base,
            trust: Trust::new(public_url, config),
            secret: Cache::new(SECRET, 1, Duration::from_mins(1), invalidations),
        })
    }
}

impl StackAuth {
    /// Whether this is the project's secret key, or the one before it that still works. Hashes are compared, so that the time says nothing.
    pub(super) async fn is_secret_key(&self, key: &str) -> Result<bool> {
        let inner = self.inner();
        let held = inner
            .stack
            .secret
            .get::<sqlx::Error, _>(ONLY.to_owned(), async {
                let mut db = inner.db.acquire().await?;
                let row = store::get(&mut db).await?;
                let known = std::iter::once(row.secret_key_hash).chain(row.previous_key_hash);
                Ok(known.collect())
            })
            .await
            .map_err(|error| anyhow::anyhow!("project lookup: {error}"))?;
        let given = hash(key);
        Ok(held.contains(&given))
    }

    /// The keys, for the operator.
    pub async fn keys(&self) -> kernel::Result<ProjectKeys> {
        let inner = self.inner();
        let row = {
            let mut db = inner.db.acquire().await?;
            store::get(&mut db).await?
        };
        let secret = inner
            .vault
            .open(place(&row.id), &row.secret_key_sealed)
            .map_err(anyhow::Error::new)?;
        Ok(self.with_secret(&String::from_utf8_lossy(&secret)))
    }

    /// A new secret key; the old one stops working at once, on every node.
    pub async fn rotate_secret_key(&self) -> kernel::Result<ProjectKeys> {
        let mut tx = self.inner().db.begin().await?;
        let keys = self.put_secret_key(&mut tx, false).await?;
        tx.commit().await?;
        self.secret_key_changed();
        Ok(keys)
    }

    /// Makes the project another secret key. The one it has may go on working beside it.
    pub(super) async fn put_secret_key(
        &self,
        tx: &mut PgConnection,
        keep: bool,
    ) -> kernel::Result<ProjectKeys> {
        let inner = self.inner();
        let secret = secrets::key("ssk")?;
        let sealed = inner
            .vault
            .seal(place(&inner.stack.id), secret.as_bytes())
            .map_err(anyhow::Error::new)?;
        let row = store::get(tx).await?;
        let kept = keep.then(|| self.last_four(&row)).transpose()?;
        let (hash, now) = (hash(&secret), inner.clock.now());
        store::set_secret(tx, &hash, &sealed, kept.as_deref(), now).await?;
        cache::invalidate(tx, SECRET, ONLY).await?;
        Ok(self.with_secret(&secret))
    }

    /// After the commit of such a change: this node asks again.
    pub(super) fn secret_key_changed(&self) {
        self.inner().stack.secret.forget(&ONLY.to_owned());
    }

    /// Tells every node, at the commit.
    pub(super) async fn tell_secret_key_changed(tx: &mut PgConnection) -> sqlx::Result<()> {
        cache::invalidate(tx, SECRET, ONLY).await
    }

    /// How the secret key ends: enough to know it by.
    pub(super) fn last_four(&self, row: &store::ProjectRow) -> kernel::Result<String> {
        let secret = self
            .inner()
            .vault
            .open(place(&row.id), &row.secret_key_sealed)
            .map_err(anyhow::Error::new)?;
        let text = String::from_utf8_lossy(&secret);
        Ok(text
            .get(text.len().saturating_sub(4)..)
            .unwrap_or_default()
            .to_owned())
    }

    fn with_secret(&self, secret: &str) -> ProjectKeys {
        let project = &self.inner().stack;
        ProjectKeys {
            base_url: project.base.clone(),
            project_id: project.id,
            publishable_client_key: project.publishable_key.clone(),
            secret_server_key: SecretString::from(secret.to_owned()),
        }
    }

    /// The switches.
    pub(super) fn config(&self) -> &StackAuthConfig {
        &self.inner().config.stack_auth
    }

    /// What the SDK learns of the project.
    pub(super) fn project_view(&self, providers: &[String]) -> Value {
        let (project, config) = (&self.inner().stack, self.config());
        let domains: Vec<_> = project
            .trust
            .domains()
            .iter()
            .map(|domain| json!({ "domain": domain, "handler_path": "/handler" }))
            .collect();
        let providers: Vec<_> = providers.iter().map(|id| json!({ "id": id })).collect();
        json!({
            "id": project.id,
            "display_name": self.inner().product,
            "config": {
                "sign_up_enabled": config.sign_up_enabled,
                "credential_enabled": config.credential_enabled,
                "magic_link_enabled": config.magic_link_enabled,
                "passkey_enabled": config.passkey_enabled,
                "client_team_creation_enabled": config.client_team_creation_enabled,
                "client_user_deletion_enabled": config.client_user_deletion_enabled,
                "allow_localhost": project.trust.localhost(),
                "allow_user_api_keys": config.allow_user_api_keys,
                "allow_team_api_keys": config.allow_team_api_keys,
                "enabled_oauth_providers": providers,
                "domains": domains,
            },
        })
    }

    /// The address, if the code of a sign-in may be sent there.
    pub(super) fn callback(&self, url: &str) -> Result<Url> {
        let trust = &self.inner().stack.trust;
        trust
            .callback(url)
            .ok_or_else(|| Fault::from(super::known::Known::RedirectUrlNotWhitelisted))
    }

    /// The address, if links of mails and pages may lead there.
    pub(super) fn trusted(&self, url: &str) -> Result<Url> {
        let project = &self.inner().stack;
        project
            .trust
            .url(url)
            .ok_or_else(|| Fault::from(super::known::Known::RedirectUrlNotWhitelisted))
    }
}

impl ProjectKeys {
    /// The secret, for whoever prints it once.
    pub fn secret(&self) -> &str {
        self.secret_server_key.expose_secret()
    }
}
