//! Which PostgreSQL is installed. It looks in the folders that packages use and in the
//! PATH; it downloads nothing.

use super::error::Error;
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The oldest major version whose logical replication and views we rely on.
pub(super) const OLDEST: u32 = 15;

/// Where versioned packages put their programs: before and after the major version.
const PACKAGED: [(&str, &str, &str); 2] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
];

/// An installed server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The folder with `postgres` and `initdb`.
    pub folder: PathBuf,
    /// The major version: 15, 16 …
    pub major: u32,
}

impl Binaries {
    /// The programs in this folder, if they are a server's; any version.
    fn in_folder(folder: &Path) -> Option<Self> {
        if !folder.join("initdb").is_file() {
            return None;
        }
        let output = Command::new(folder.join("postgres"))
            .arg("--version")
            .env_clear()
            .stdin(Stdio::null())
            .output()
            .ok()?;
        // "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "postgres (PostgreSQL) 19beta1"
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text
            .split_whitespace()
            .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
        let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
        Some(Self {
            folder: folder.to_owned(),
            major: digits.parse().ok()?,
        })
    }
}

/// Every server of a supported version on this machine, newest first.
pub fn find_binaries() -> Vec<Binaries> {
    let mut found: Vec<Binaries> = candidates()
        .iter()
        .filter_map(|folder| Binaries::in_folder(folder))
        .collect();
    found.retain(|binaries| binaries.major >= OLDEST);
    found.sort_by(|a, b| b.major.cmp(&a.major).then_with(|| a.folder.cmp(&b.folder)));
    found.dedup();
    found
}

fn candidates() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for (base, prefix, bin) in PACKAGED {
        let versions = std::fs::read_dir(base).into_iter().flatten().flatten();
        folders.extend(
            versions
                .filter(|entry| {
                    let name = entry.file_name();
                    name.to_str()
                        .and_then(|name| name.strip_prefix(prefix))
                        .is_some_and(|version| {
                            version.parse().is_ok_and(|major: u32| major >= OLDEST)
                        })
                })
                .map(|entry| entry.path().join(bin)),
        );
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the PATH is where programs are, not a setting of ours"
    )]
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path).filter(|folder| folder.join("postgres").is_file()));
    folders
}

/// The programs for a cluster of this version, or the newest for one that is yet to be made.
pub(super) fn choose(
    configured: Option<&Path>,
    data: &Path,
    cluster: Option<u32>,
) -> Result<Binaries, Error> {
    let found = match configured {
        Some(folder) => vec![
            Binaries::in_folder(folder)
                .filter(|binaries| binaries.major >= OLDEST)
                .ok_or_else(|| Error::NotBinaries(folder.to_owned()))?,
        ],
        None => find_binaries(),
    };
    let Some(newest) = found.first() else {
        return Err(Error::NoServer);
    };
    let Some(cluster) = cluster else {
        return Ok(newest.clone());
    };
    found
        .iter()
        .find(|binaries| binaries.major == cluster)
        .cloned()
        .ok_or_else(|| Error::OtherVersion {
            data: data.to_owned(),
            cluster,
            found: found
                .iter()
                .map(|binaries| binaries.major.to_string())
                .collect::<Vec<_>>()
                .join(", "),
        })
}
