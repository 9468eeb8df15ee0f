//! The section `[hosted_stack]` of the configuration.

use crate::model::{Connection, Rule, checked_url, webhook_key};
use anyhow::{Context, ensure};
use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};
use url::Url;
use uuid::Uuid;

/// The hosted project that is trusted. Staff can name it in the admin instead; what stands
/// here goes before.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HostedStackConfig {
    /// The project; without it, this section says nothing.
    pub project_id: Option<Uuid>,
    /// Where its API is, without `/api/v1`.
    pub api_url: Option<Url>,
    /// `secretServerKey`, by which people are looked up there.
    #[serde(serialize_with = "kernel::config::mask")]
    pub secret_server_key: Option<SecretString>,
    /// The signing secrets of its webhooks, `whsec_…`: several while one follows another.
    #[serde(serialize_with = "masked")]
    pub webhook_secrets: Vec<SecretString>,
    /// Whether its people without an account here get one.
    pub sign_up: bool,
    /// Whether an account here without any rights is linked when both sides proved its address.
    pub link_verified_email: bool,
    /// What gives which role.
    pub roles: Vec<Rule>,
}

impl Default for HostedStackConfig {
    fn default() -> Self {
        Self {
            project_id: None,
            api_url: None,
            secret_server_key: None,
            webhook_secrets: Vec::new(),
            sign_up: true,
            link_verified_email: false,
            roles: Vec::new(),
        }
    }
}

impl HostedStackConfig {
    /// The project, if the file names one.
    pub(crate) fn connection(&self) -> anyhow::Result<Option<Connection>> {
        let Some(project) = self.project_id else {
            return Ok(None);
        };
        let address = match &self.api_url {
            Some(url) => url.as_str(),
            None => "https://api.stack-auth.com",
        };
        let address = checked_url(address)
            .context("hosted_stack.api_url is https, or http on this machine")?;
        for secret in &self.webhook_secrets {
            ensure!(
                webhook_key(secret).is_some(),
                "hosted_stack.webhook_secrets holds what is no `whsec_…`"
            );
        }
        for rule in &self.roles {
            rule.check("hosted_stack.roles")?;
        }
        Ok(Some(Connection {
            project,
            address,
            server_key: self
                .secret_server_key
                .clone()
                .context("hosted_stack.secret_server_key is needed")?,
            webhook_secrets: self.webhook_secrets.clone(),
            sign_up: self.sign_up,
            link_verified_email: self.link_verified_email,
            rules: self.roles.clone(),
            from_file: true,
        }))
    }
}

fn masked<S: Serializer>(secrets: &[SecretString], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(secrets.iter().map(|_| "***"))
}
