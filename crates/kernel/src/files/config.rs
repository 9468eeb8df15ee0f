//! Where files are kept.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The section `files`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilesConfig {
    /// The folder; `files` in the data folder unless said.
    pub folder: Option<PathBuf>,
    /// A bucket instead of a folder.
    pub s3: Option<S3Config>,
}

/// A bucket of S3, or of a server that speaks like it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Config {
    /// Its name.
    pub bucket: String,
    /// `us-east-1` unless said.
    pub region: Option<String>,
    /// The address, when it is not Amazon's. `http://` only for a server on this machine.
    pub endpoint: Option<String>,
    /// A folder in the bucket.
    #[serde(default)]
    pub prefix: String,
    /// Without it, the machine's own role is used.
    pub access_key_id: Option<String>,
    /// Belongs to the access key.
    #[serde(serialize_with = "crate::config::mask", default)]
    pub secret_access_key: Option<SecretString>,
}
