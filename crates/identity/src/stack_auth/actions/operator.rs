//! What the operator sees of the project, and its secret key: made, shown once, taken back.

use crate::{
    configured::for_apps,
    stack_auth::{StackAuth, project::ProjectKeys, store::project as store},
};
use kernel::{Error, Permission, Principal, Result, audit::Act};
use serde_json::json;
use time::OffsetDateTime;
use url::Url;
use uuid::Uuid;

/// A secret key, known by its end.
#[derive(Debug)]
pub(crate) struct KnownKey {
    pub(crate) last_four: String,
    pub(crate) made_at: OffsetDateTime,
}

/// Where a provider is to send browsers back to.
#[derive(Debug)]
pub(crate) struct Landing {
    pub(crate) title: String,
    pub(crate) urls: Vec<Url>,
}

/// The project, as its operator sees it.
#[derive(Debug)]
pub(crate) struct Overview {
    pub(crate) enabled: bool,
    pub(crate) base_url: String,
    pub(crate) project_id: Uuid,
    pub(crate) publishable_client_key: String,
    pub(crate) secret_key: KnownKey,
    pub(crate) previous_key: Option<KnownKey>,
    pub(crate) own_origin: String,
    pub(crate) trusted_domains: Vec<String>,
    pub(crate) allow_localhost: bool,
    pub(crate) redirect_urls: Vec<String>,
    pub(crate) landings: Vec<Landing>,
}

impl StackAuth {
    /// The project.
    pub(crate) async fn overview(&self, caller: &Principal) -> Result<Overview> {
        caller.require(Permission::SystemManage)?;
        let inner = self.inner();
        let row = {
            let mut db = inner.db.acquire().await?;
            store::get(&mut db).await?
        };
        let previous = row
            .previous_key_last_four
            .clone()
            .zip(row.previous_key_made_at);
        let landing = |name: &str, title: String| -> Result<Landing> {
            let ours = [format!("api/v1/providers/{name}/callback"), for_apps(name)];
            let urls = ours
                .iter()
                .map(|path| inner.public_url.join(path).map_err(anyhow::Error::new))
                .collect::<anyhow::Result<_>>()?;
            Ok(Landing { title, urls })
        };
        let landings = inner.providers.offered().into_iter();
        Ok(Overview {
            enabled: self.config().enabled,
            base_url: inner.stack.base.clone(),
            project_id: row.id,
            secret_key: KnownKey {
                last_four: self.last_four(&row)?,
                made_at: row.secret_key_made_at,
            },
            publishable_client_key: row.publishable_key,
            previous_key: previous.map(|(last_four, made_at)| KnownKey { last_four, made_at }),
            own_origin: inner.public_url.origin().ascii_serialization(),
            trusted_domains: inner.stack.trust.domains().to_vec(),
            allow_localhost: inner.stack.trust.localhost(),
            redirect_urls: inner.stack.trust.callbacks().to_vec(),
            landings: landings
                .map(|one| landing(&one.name, one.title))
                .collect::<Result<_>>()?,
        })
    }

    /// Makes a new secret key, which is handed out here and never again. The one before works until it is taken
    /// back, or until another one follows, so that an app can change over without an outage.
    pub(crate) async fn make_secret_key(&self, caller: &Principal) -> Result<ProjectKeys> {
        caller.require(Permission::SystemManage)?;
        self.0.require_recent(caller)?;
        let mut tx = self.inner().db.begin().await?;
        let keys = self.put_secret_key(&mut tx, true).await?;
        self.note_key(&mut tx, caller, "stack_project.key_made")
            .await?;
        tx.commit().await?;
        self.secret_key_changed();
        Ok(keys)
    }

    /// Takes the secret key before this one back, at once and on every node.
    pub(crate) async fn revoke_previous_key(&self, caller: &Principal) -> Result<()> {
        caller.require(Permission::SystemManage)?;
        let mut tx = self.inner().db.begin().await?;
        if !store::drop_previous(&mut tx).await? {
            return Err(Error::NotFound("key"));
        }
        Self::tell_secret_key_changed(&mut tx).await?;
        self.note_key(&mut tx, caller, "stack_project.key_revoked")
            .await?;
        tx.commit().await?;
        self.secret_key_changed();
        Ok(())
    }

    async fn note_key(
        &self,
        tx: &mut sqlx::PgConnection,
        caller: &Principal,
        action: &'static str,
    ) -> Result<()> {
        let inner = self.inner();
        let act = Act {
            actor: Some(caller.user),
            action,
            subject: &inner.stack.id.to_string(),
            data: json!({}),
        };
        inner.audit.append(tx, act).await?;
        Ok(())
    }
}
