//! The section `[identity.stack_auth]` of the configuration.

use serde::{Deserialize, Serialize};

/// How the server presents itself to the SDKs of Stack Auth.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StackAuthConfig {
    /// Serves the protocol below `/stack`.
    pub enabled: bool,
    /// New accounts may be made through the SDKs.
    pub sign_up_enabled: bool,
    /// Passwords.
    pub credential_enabled: bool,
    /// Links and codes by mail.
    pub magic_link_enabled: bool,
    /// Passkeys.
    pub passkey_enabled: bool,
    /// People may make teams.
    pub client_team_creation_enabled: bool,
    /// People may delete their account.
    pub client_user_deletion_enabled: bool,
    /// People may make API keys for themselves.
    pub allow_user_api_keys: bool,
    /// Members with the right may make API keys for their team.
    pub allow_team_api_keys: bool,
    /// Calls from web pages must name the publishable key.
    pub require_publishable_key: bool,
    /// Links may lead to this machine; unless said, if this server itself is reached there.
    pub allow_localhost: Option<bool>,
    /// Where mailed links and sign-ins may lead, as `https://app.example.org`; `*` stands for
    /// one label or part of one, `**` for any number of them.
    pub trusted_domains: Vec<String>,
    /// Where the code of a sign-in at a provider may be sent, whole addresses. The SDK's own page of
    /// each trusted domain that is no pattern (`/handler/oauth-callback`) need not be said.
    pub redirect_urls: Vec<String>,
    /// Minutes that an access token is good for.
    pub access_minutes: u32,
    /// Minutes that a mailed sign-in code is good for.
    pub code_minutes: u32,
    /// Sign-ups in a burst from one network; one more comes back every two seconds.
    pub sign_up_burst: u32,
}

impl Default for StackAuthConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            sign_up_enabled: true,
            credential_enabled: true,
            magic_link_enabled: true,
            passkey_enabled: true,
            client_team_creation_enabled: true,
            client_user_deletion_enabled: true,
            allow_user_api_keys: true,
            allow_team_api_keys: true,
            require_publishable_key: false,
            allow_localhost: None,
            trusted_domains: Vec::new(),
            redirect_urls: Vec::new(),
            access_minutes: 10,
            code_minutes: 15,
            sign_up_burst: 300,
        }
    }
}
