//! How the front end is found, run and cached. Refuses nothing by itself: paths are
//! checked where they are used, so that a missing build is a state and not a crash.

use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use url::Url;

/// The `[front]` table of the configuration.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct FrontConfig {
    /// The standalone build: the folder that holds `entry` and `.next`.
    pub dir: PathBuf,
    /// The script that serves the build on a Unix socket, relative to `dir`.
    pub entry: PathBuf,
    /// The Node.js executable; a bare name is looked up among the packages of the build,
    /// then in `/usr/local/bin` and `/usr/bin`.
    pub node: PathBuf,
    /// Where the child listens. Left out, or where it cannot be used (too long, or not
    /// reachable for the child's user), a private folder under `/run` or `/tmp` is made.
    pub socket: Option<PathBuf>,
    /// `_next/static`; left out, `<dir>/.next/static` or the `static` beside `dir`.
    pub static_dir: Option<PathBuf>,
    /// The files served from the root; left out, `<dir>/public` or the project's `public`.
    pub public_dir: Option<PathBuf>,
    /// Where the child reaches the API, on loopback.
    pub api_url: String,
    /// The address that visitors use. Decides what stored pages say about themselves.
    pub public_url: Option<Url>,
    /// The child's old-space limit in MiB.
    pub max_old_space_mb: u32,
    /// The user that the child becomes when the server runs as root.
    pub user: String,
    /// What the health check asks for. Any answer counts.
    pub ping_path: String,
    /// Between health checks, in milliseconds.
    pub ping_every_ms: u64,
    /// How long one health check may take, in milliseconds. Three missed in a row restart.
    pub ping_timeout_ms: u64,
    /// How long a start may take, in milliseconds.
    pub start_timeout_ms: u64,
    /// The first pause before a restart, in milliseconds; it doubles up to 30 seconds.
    pub restart_after_ms: u64,
    /// How long the child may take to finish what it is answering, in milliseconds.
    pub stop_timeout_ms: u64,
    /// How long a page may take to its first byte, in milliseconds.
    pub response_timeout_ms: u64,
    /// The page cache.
    pub cache: CacheConfig,
    /// Additions to the content security policy.
    pub csp: CspConfig,
}

impl Default for FrontConfig {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("web/.next/standalone"),
            entry: PathBuf::from("server.mjs"),
            node: PathBuf::from("node"),
            socket: None,
            static_dir: None,
            public_dir: None,
            api_url: String::from("http://127.0.0.1:8080"),
            public_url: None,
            max_old_space_mb: 256,
            user: String::from("nobody"),
            ping_path: String::from("/_portico/ping"),
            ping_every_ms: 5_000,
            ping_timeout_ms: 10_000,
            start_timeout_ms: 60_000,
            restart_after_ms: 250,
            stop_timeout_ms: 10_000,
            response_timeout_ms: 30_000,
            cache: CacheConfig::default(),
            csp: CspConfig::default(),
        }
    }
}

impl FrontConfig {
    pub(crate) fn ping_every(&self) -> Duration {
        Duration::from_millis(self.ping_every_ms)
    }

    pub(crate) fn ping_timeout(&self) -> Duration {
        Duration::from_millis(self.ping_timeout_ms)
    }

    pub(crate) fn start_timeout(&self) -> Duration {
        Duration::from_millis(self.start_timeout_ms)
    }

    pub(crate) fn stop_timeout(&self) -> Duration {
        Duration::from_millis(self.stop_timeout_ms)
    }

    pub(crate) fn response_timeout(&self) -> Duration {
        Duration::from_millis(self.response_timeout_ms)
    }

    /// The folder behind `/_next/static`: packaged into the build, or beside it.
    pub(crate) fn static_files(&self) -> PathBuf {
        self.static_dir.clone().unwrap_or_else(|| {
            existing(&self.dir.join(".next/static"), &self.dir.join("../static"))
        })
    }

    /// The folder of files that are served from the root.
    pub(crate) fn public_files(&self) -> PathBuf {
        self.public_dir
            .clone()
            .unwrap_or_else(|| existing(&self.dir.join("public"), &self.dir.join("../../public")))
    }
}

fn existing(first: &Path, second: &Path) -> PathBuf {
    if first.is_dir() {
        first.to_owned()
    } else {
        second.to_owned()
    }
}

/// The `[front.cache]` table.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct CacheConfig {
    /// Pages that are the same for everybody who is not signed in. `/legal/*` means
    /// everything below `/legal/`.
    pub pages: Vec<String>,
    /// Cookies whose presence means that somebody is signed in.
    pub session_cookies: Vec<String>,
    /// How long a page is fresh, in seconds. After that it is served once more while it
    /// is rendered anew.
    pub fresh_seconds: u64,
    /// Whether the pages (those named in full) are rendered as soon as the front end is
    /// ready, so that they are there for the first visitor, and when it goes away.
    pub warm: bool,
    /// The size of the cache in bytes, all variants of all pages together.
    pub max_bytes: u64,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self {
            pages: ["/", "/pricing", "/status", "/legal/*"]
                .map(String::from)
                .to_vec(),
            session_cookies: [
                "__Host-portico_access",
                "__Host-portico_refresh",
                "portico_access",
                "portico_refresh",
            ]
            .map(String::from)
            .to_vec(),
            fresh_seconds: 60,
            warm: true,
            max_bytes: 16 * 1024 * 1024,
        }
    }
}

/// The `[front.csp]` table: sources beyond our own origin.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct CspConfig {
    /// More hosts for `connect-src`.
    pub connect_src: Vec<String>,
    /// More hosts for `img-src`.
    pub img_src: Vec<String>,
    /// More hosts for `form-action`.
    pub form_action: Vec<String>,
}
