//! Which project is trusted.

use super::words;
use crate::{
    CONNECTION, HostedStack,
    model::{Connection, Rule, checked_url, rules, webhook_key},
    store::{self, runs::Run},
};
use anyhow::Context as _;
use kernel::{
    Error, Permission, Principal, Result, audit::Act, cache, error::Faults, vault::Context,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::sync::Arc;
use time::OffsetDateTime;
use uuid::Uuid;

const ONLY: &str = "only";

/// How it stands with the project.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) webhook_url: String,
    pub(crate) connection: Option<Arc<Connection>>,
    pub(crate) linked: i64,
    pub(crate) refused: i64,
    pub(crate) last_event_at: Option<OffsetDateTime>,
    pub(crate) waiting: i64,
    pub(crate) failed: i64,
    pub(crate) keys_read_at: Option<OffsetDateTime>,
    pub(crate) last_run: Option<Run>,
}

/// Whether the project answers.
#[derive(Debug)]
pub(crate) struct Health {
    /// What is wrong with its keys, if anything.
    pub(crate) keys: Option<String>,
    /// What is wrong with asking it, if anything.
    pub(crate) api: Option<String>,
}

/// What a form says of the project.
#[derive(Debug)]
pub(crate) struct NewConnection {
    pub(crate) project: Uuid,
    pub(crate) address: String,
    /// The one that is kept, unless said.
    pub(crate) server_key: Option<SecretString>,
    /// Those that are kept, unless said.
    pub(crate) webhook_secrets: Option<Vec<SecretString>>,
    pub(crate) sign_up: bool,
    pub(crate) link_verified_email: bool,
    pub(crate) rules: Vec<Rule>,
}

fn place(column: &'static str) -> Context<'static> {
    Context {
        table: "hosted_stack.project",
        column,
        row: ONLY.as_bytes(),
    }
}

impl HostedStack {
    /// What is trusted now, if anything.
    pub(crate) async fn connection(&self) -> Result<Option<Arc<Connection>>> {
        let inner = &self.0;
        if let Some(configured) = &inner.configured {
            return Ok(Some(configured.clone()));
        }
        inner
            .connection
            .get::<Error, _>(ONLY.to_owned(), async {
                let row = {
                    let mut db = inner.db.acquire().await?;
                    store::project::get(&mut db).await?
                };
                row.map(|row| self.unsealed(row).map(Arc::new)).transpose()
            })
            .await
    }

    fn unsealed(&self, row: store::project::Row) -> Result<Connection> {
        let open = |column, sealed: &str| -> Result<String> {
            let plain = self.0.vault.open(place(column), sealed)?;
            Ok(String::from_utf8(plain.to_vec()).context("a sealed text")?)
        };
        let secrets = open("webhook_secrets_sealed", &row.webhook_secrets_sealed)?;
        let secrets: Vec<String> = serde_json::from_str(&secrets).context("webhook secrets")?;
        Ok(Connection {
            project: row.project_id,
            address: checked_url(&row.api_url).context("the address of the project")?,
            server_key: open("server_key_sealed", &row.server_key_sealed)?.into(),
            webhook_secrets: secrets.into_iter().map(Into::into).collect(),
            sign_up: row.sign_up,
            link_verified_email: row.link_verified_email,
            rules: serde_json::from_value(row.rules).context("rules")?,
            from_file: false,
        })
    }

    /// The same where there has to be one.
    pub(crate) async fn connected(&self) -> Result<Arc<Connection>> {
        self.connection()
            .await?
            .ok_or(Error::NotFound("hosted project"))
    }

    /// How it stands.
    pub(crate) async fn state(&self, caller: &Principal) -> Result<State> {
        caller.require(Permission::SystemRead)?;
        let connection = self.connection().await?;
        let mut db = self.0.db.acquire().await?;
        let (linked, refused) = match &connection {
            Some(of) => store::people::totals(&mut db, of.project).await?,
            None => (0, 0),
        };
        let (last_event_at, waiting, failed) = store::inbox::totals(&mut db).await?;
        let last_run = store::runs::list(&mut db, None).await?.into_iter().next();
        let keys_read_at = connection
            .as_ref()
            .and_then(|of| self.0.keys.fetched_at(of.project));
        let base = self.0.public_url.as_str().trim_end_matches('/');
        Ok(State {
            webhook_url: format!("{base}/api/v1/hosted-stack/webhooks"),
            connection,
            linked,
            refused,
            last_event_at,
            waiting,
            failed,
            keys_read_at,
            last_run,
        })
    }

    fn may_connect(&self, caller: &Principal) -> Result<()> {
        caller.require(Permission::SystemManage)?;
        self.0.people.confirmed(caller)?;
        if self.0.configured.is_some() {
            return Err(Error::conflict(
                "set_in_file",
                "The hosted project is named in the configuration file. Change it there, and start the server again.",
            ));
        }
        Ok(())
    }

    /// Trusts a project, after it answered.
    pub(crate) async fn connect(&self, caller: &Principal, new: NewConnection) -> Result<()> {
        self.may_connect(caller)?;
        let connection = self.parsed(new).await?;
        let roles: Vec<String> = connection
            .rules
            .iter()
            .map(|rule| rule.role.clone())
            .collect();
        self.0.people.may_give(caller, &roles).await?;
        if let Err(why) = self.0.client.jwks(&connection).await {
            return Err(unreached("project_id", &why));
        }
        if let Err(why) = self.0.client.reach(&connection).await {
            return Err(unreached("secret_server_key", &why));
        }
        let secrets: Vec<&str> = connection
            .webhook_secrets
            .iter()
            .map(ExposeSecret::expose_secret)
            .collect();
        let secrets = serde_json::to_vec(&secrets).context("webhook secrets")?;
        let vault = &self.0.vault;
        let key = connection.server_key.expose_secret().as_bytes();
        let row = store::project::Row {
            project_id: connection.project,
            api_url: connection.address.to_string(),
            server_key_sealed: vault.seal(place("server_key_sealed"), key)?,
            webhook_secrets_sealed: vault.seal(place("webhook_secrets_sealed"), &secrets)?,
            sign_up: connection.sign_up,
            link_verified_email: connection.link_verified_email,
            rules: json!(connection.rules),
        };
        let mut tx = self.0.db.begin().await?;
        store::project::put(&mut tx, &row, caller.user, self.0.clock.now()).await?;
        cache::invalidate(&mut tx, CONNECTION, ONLY).await?;
        let act = Act {
            actor: Some(caller.user),
            action: "hosted_project.connected",
            subject: &connection.project.to_string(),
            data: json!({ "address": row.api_url, "sign_up": row.sign_up,
                "link_verified_email": row.link_verified_email, "roles": row.rules,
                "webhook_secrets": connection.webhook_secrets.len() }),
        };
        self.0.audit.append(&mut tx, act).await?;
        tx.commit().await?;
        self.forget();
        Ok(())
    }

    async fn parsed(&self, new: NewConnection) -> Result<Connection> {
        let before = self.connection().await?;
        let mut faults = Faults::default();
        let address = checked_url(&new.address);
        if address.is_none() {
            faults.add(
                "api_url",
                "invalid",
                "Give an https address, as https://api.stack-auth.com.",
            );
        }
        // A key is never sent to where it was not meant for.
        let same = before
            .filter(|old| old.project == new.project && Some(&old.address) == address.as_ref());
        let key = new
            .server_key
            .filter(|key| !key.expose_secret().trim().is_empty());
        let key = key.or_else(|| same.as_ref().map(|old| old.server_key.clone()));
        if key.is_none() {
            faults.add(
                "secret_server_key",
                "required",
                "The secret server key of this project is needed.",
            );
        }
        let secrets = new
            .webhook_secrets
            .or_else(|| same.as_ref().map(|old| old.webhook_secrets.clone()))
            .unwrap_or_default();
        if secrets.len() > 5 || secrets.iter().any(|secret| webhook_key(secret).is_none()) {
            faults.add(
                "webhook_secrets",
                "invalid",
                "Give one to five secrets, each as whsec_ and what follows.",
            );
        }
        let rules = faults.take(rules(new.rules));
        faults.check()?;
        let (Some(address), Some(server_key), Some(rules)) = (address, key, rules) else {
            return Err(Error::NotFound("hosted project"));
        };
        Ok(Connection {
            project: new.project,
            address,
            server_key,
            webhook_secrets: secrets,
            sign_up: new.sign_up,
            link_verified_email: new.link_verified_email,
            rules,
            from_file: false,
        })
    }

    /// Trusts it no longer: who came in by it is signed out, and keeps the account.
    pub(crate) async fn disconnect(&self, caller: &Principal) -> Result<()> {
        self.may_connect(caller)?;
        let mut tx = self.0.db.begin().await?;
        let before = store::project::get(&mut tx).await?;
        let Some(before) = before else {
            return Err(Error::NotFound("hosted project"));
        };
        store::project::delete(&mut tx).await?;
        cache::invalidate(&mut tx, CONNECTION, ONLY).await?;
        let act = Act {
            actor: Some(caller.user),
            action: "hosted_project.disconnected",
            subject: &before.project_id.to_string(),
            data: json!({ "address": before.api_url }),
        };
        self.0.audit.append(&mut tx, act).await?;
        tx.commit().await?;
        self.forget();
        self.end_every_session().await
    }

    fn forget(&self) {
        self.0.connection.forget_all();
        self.0.keys.forget();
    }

    /// Asks the project whether all is well.
    pub(crate) async fn check(&self, caller: &Principal) -> Result<Health> {
        caller.require(Permission::SystemManage)?;
        let of = self.connected().await?;
        let inner = &self.0;
        let keys = inner.keys.look(&of, &inner.client, inner.clock.now()).await;
        let api = inner.client.reach(&of).await;
        let told =
            |outcome: anyhow::Result<()>| outcome.err().map(|why| words(&Error::Internal(why)));
        Ok(Health {
            keys: told(keys),
            api: told(api),
        })
    }
}

fn unreached(field: &'static str, why: &anyhow::Error) -> Error {
    let why: String = format!("{why:#}").chars().take(200).collect();
    Error::field(
        field,
        "refused_there",
        format!("The project does not answer as it should, so nothing was changed: {why}"),
    )
}
