//! The providers of the configuration, `[identity.providers.<name>]`, ready to be asked.

use crate::{model::providers::OfferedProvider, stack_auth::BASE};
use anyhow::{Context, bail};
use kernel::{Error, Result};
use providers::{Dialect, Provider, Settings};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};
use url::Url;

/// The section `[identity.providers.<name>]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    /// `google` or `github`: fills in the rest. A provider of that name has it by itself.
    #[serde(default)]
    pub preset: Option<Preset>,
    /// As people know it, on the button.
    #[serde(default)]
    pub title: Option<String>,
    /// The issuer of OpenID Connect; its discovery document says the rest. With the preset
    /// `github`, the address of an Enterprise server.
    #[serde(default)]
    pub issuer: Option<Url>,
    /// With the preset `github`, where an Enterprise server's API is.
    #[serde(default)]
    pub api: Option<Url>,
    /// As whom this place is registered there.
    pub client_id: String,
    /// Its secret; none for a public client.
    #[serde(serialize_with = "kernel::config::mask", default)]
    pub client_secret: Option<SecretString>,
    /// Asked for beyond `openid`, `email` and `profile`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Whether somebody without an account here gets one.
    #[serde(default = "yes")]
    pub sign_up: bool,
    /// Whether an account here is linked by itself when both sides have proved the same
    /// address. Only for a provider that gives no address to anybody else.
    #[serde(default)]
    pub link_verified_email: bool,
}

const fn yes() -> bool {
    true
}

/// Providers that need no more than an id and a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Google.
    Google,
    /// GitHub.
    Github,
}

/// A provider that can be asked.
#[derive(Debug)]
pub(crate) struct Configured {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) signs_up: bool,
    pub(crate) links_verified_email: bool,
    pub(crate) speaks: Provider,
    /// The same, with the address where browsers of apps come back to.
    pub(crate) speaks_to_apps: Provider,
}

/// All of them, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Providers(Arc<BTreeMap<String, Configured>>);

impl Providers {
    pub(crate) fn new(
        config: &BTreeMap<String, ProviderConfig>,
        public_url: &Url,
    ) -> anyhow::Result<Self> {
        let configured = config
            .iter()
            .map(|(name, config)| {
                let one = configure(name, config, public_url)
                    .with_context(|| format!("identity.providers.{name}"))?;
                Ok((name.clone(), one))
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Self(Arc::new(configured)))
    }

    pub(crate) fn get(&self, name: &str) -> Result<&Configured> {
        self.0.get(name).ok_or(Error::NotFound("provider"))
    }

    pub(crate) fn offered(&self) -> Vec<OfferedProvider> {
        self.0
            .values()
            .map(|one| OfferedProvider {
                name: one.name.clone(),
                title: one.title.clone(),
            })
            .collect()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// As people know it; its name when it is not configured any more.
    pub(crate) fn title<'a>(&'a self, name: &'a str) -> &'a str {
        self.0.get(name).map_or(name, |one| &one.title)
    }
}

/// Where a provider sends back the browsers of apps that speak Stack Auth's protocol.
pub(crate) fn for_apps(name: &str) -> String {
    format!("{BASE}/api/v1/auth/oauth/callback/{name}")
}

fn configure(name: &str, config: &ProviderConfig, public_url: &Url) -> anyhow::Result<Configured> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 32 || !name.chars().all(plain) {
        bail!("a provider's name has at most 32 of a-z, 0-9, - and _");
    }
    let preset = config.preset.or(match name {
        "google" => Some(Preset::Google),
        "github" => Some(Preset::Github),
        _ => None,
    });
    let (dialect, usual) = match preset {
        Some(Preset::Google) => {
            let issuer = Url::parse("https://accounts.google.com")?;
            (Dialect::OpenId { issuer }, "Google")
        }
        Some(Preset::Github) => (github(config)?, "GitHub"),
        None => {
            let issuer = config.issuer.clone().context("issuer is missing")?;
            (Dialect::OpenId { issuer }, name)
        }
    };
    let settings = Settings {
        dialect,
        client_id: config.client_id.clone(),
        client_secret: config.client_secret.clone(),
        scopes: config.scopes.clone(),
        redirect: public_url.join(&format!("api/v1/providers/{name}/callback"))?,
    };
    let for_apps = Settings {
        redirect: public_url.join(&for_apps(name))?,
        ..settings.clone()
    };
    Ok(Configured {
        name: name.to_owned(),
        title: config.title.clone().unwrap_or_else(|| usual.to_owned()),
        signs_up: config.sign_up,
        links_verified_email: config.link_verified_email,
        speaks: Provider::new(settings)?,
        speaks_to_apps: Provider::new(for_apps)?,
    })
}

fn github(config: &ProviderConfig) -> anyhow::Result<Dialect> {
    let folder = |url: &Url| Url::parse(&format!("{}/", url.as_str().trim_end_matches('/')));
    Ok(match (&config.issuer, &config.api) {
        (None, None) => Dialect::GitHub {
            web: Url::parse("https://github.com/")?,
            api: Url::parse("https://api.github.com/")?,
        },
        (Some(web), Some(api)) => Dialect::GitHub {
            web: folder(web)?,
            api: folder(api)?,
        },
        _ => bail!("an Enterprise server needs both issuer and api"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<Providers> {
        let config: BTreeMap<String, ProviderConfig> = toml::from_str(text)?;
        Providers::new(&config, &"https://portico.example.org/".parse()?)
    }

    #[test]
    fn presets_need_only_an_id_and_a_secret() {
        let providers = read(
            "[google]\nclient_id = 'a'\nclient_secret = 'b'\n\
             [github]\nclient_id = 'a'\nclient_secret = 'b'\n\
             [work]\ntitle = 'Work account'\nissuer = 'https://id.example.org'\nclient_id = 'a'\n",
        )
        .unwrap();
        let titles: Vec<String> = providers
            .offered()
            .into_iter()
            .map(|one| one.title)
            .collect();
        assert_eq!(titles, ["GitHub", "Google", "Work account"]);
        assert!(!providers.get("google").unwrap().links_verified_email);
        assert!(providers.get("nobody").is_err());
    }

    #[test]
    fn what_cannot_work_stops_the_start_and_says_where() {
        for (text, why) in [
            ("[work]\nclient_id = 'a'", "issuer is missing"),
            ("[Work]\nissuer = 'https://x.org'\nclient_id = 'a'", "a-z"),
            (
                "[work]\nissuer = 'http://id.example.org'\nclient_id = 'a'",
                "not https",
            ),
            (
                "[github]\nissuer = 'https://git.example.org'\nclient_id = 'a'",
                "both",
            ),
            (
                "[work]\nissuer = 'https://x.org'\nclient_id = 'a'\nsecret = 'x'",
                "unknown field",
            ),
        ] {
            let error = format!("{:#}", read(text).unwrap_err());
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
