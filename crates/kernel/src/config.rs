//! Configuration: one TOML file and the environment over it. Unknown keys are refused,
//! so that a misspelt setting never stays silent.
//!
//! Each domain has one struct for its section; the binary puts them together. The
//! environment speaks as `PORTICO_SECTION__KEY` (two underscores between section and
//! key), with `DATABASE_URL` and `DIRECT_DATABASE_URL` under their usual names.

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use serde::{Serializer, de::DeserializeOwned};
use std::{collections::HashMap, path::Path};

/// Reads a configuration. A missing `file` is an error only if it was asked for.
pub fn load<T: DeserializeOwned>(file: Option<&Path>) -> anyhow::Result<T> {
    load_from(file, std::env::vars())
}

/// Reads a configuration from a file and the given environment.
pub fn load_from<T: DeserializeOwned>(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> anyhow::Result<T> {
    let mut environment: HashMap<String, String> = environment.into_iter().collect();
    let mut builder = config::Config::builder();
    if let Some(file) = file {
        builder = builder.add_source(config::File::from(file).format(config::FileFormat::Toml));
    }
    // What belongs to the test suite or names the file itself is no setting.
    environment.retain(|key, _| !key.starts_with("PORTICO_TEST_") && key != "PORTICO_CONFIG");
    for (usual, ours) in [
        ("DATABASE_URL", "PORTICO_DATABASE__URL"),
        ("DIRECT_DATABASE_URL", "PORTICO_DATABASE__DIRECT_URL"),
    ] {
        if let Some(value) = environment.remove(usual) {
            environment.entry(ours.to_owned()).or_insert(value);
        }
    }
    builder
        .add_source(
            config::Environment::with_prefix("PORTICO")
                .prefix_separator("_")
                .separator("__")
                .ignore_empty(true)
                .try_parsing(true)
                .source(Some(environment)),
        )
        .build()
        .context("the configuration cannot be read")?
        .try_deserialize()
        .context("the configuration is not understood")
}

#[expect(
    clippy::ref_option,
    reason = "serde calls it with a reference to the field"
)]
/// Serialises a secret as `"***"`, or nothing as nothing: for `portico config show`.
pub fn mask<S: Serializer>(
    secret: &Option<SecretString>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match secret {
        Some(_) => serializer.serialize_some("***"),
        None => serializer.serialize_none(),
    }
}

#[expect(
    clippy::ref_option,
    reason = "serde calls it with a reference to the field"
)]
/// Serialises a URL with its password masked.
pub fn mask_url<S: Serializer>(
    url: &Option<SecretString>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let Some(url) = url else {
        return serializer.serialize_none();
    };
    let masked = url::Url::parse(url.expose_secret()).map_or_else(
        |_| "***".to_owned(),
        |mut url| {
            if url.password().is_some() && url.set_password(Some("***")).is_err() {
                return "***".to_owned();
            }
            url.to_string()
        },
    );
    serializer.serialize_some(&masked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Settings {
        listen: String,
        mail: Mail,
    }

    impl Default for Settings {
        fn default() -> Self {
            Self {
                listen: "127.0.0.1:8080".into(),
                mail: Mail::default(),
            }
        }
    }

    #[derive(Debug, Default, serde::Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Mail {
        retry_limit: u16,
    }

    fn environment(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn the_environment_overrides_and_a_misspelt_key_is_refused() {
        let read = load_from::<Settings>(
            None,
            environment(&[
                ("PORTICO_MAIL__RETRY_LIMIT", "7"),
                ("HOME", "/"),
                ("PORTICO_TEST_X", "1"),
            ]),
        )
        .unwrap();
        assert_eq!(
            (read.listen.as_str(), read.mail.retry_limit),
            ("127.0.0.1:8080", 7)
        );
        let refused =
            load_from::<Settings>(None, environment(&[("PORTICO_MAIL__RETRY_LIMITS", "7")]));
        assert!(format!("{:#}", refused.unwrap_err()).contains("retry_limits"));
    }
}
