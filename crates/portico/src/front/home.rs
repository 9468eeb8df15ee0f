//! Where the child listens and as whom it runs. As root, the child becomes an
//! unprivileged user if that user can read the build; if not, it stays as it is and the
//! log says so. Refuses a socket path that the kernel would cut (108 bytes).

use super::{config::FrontConfig, process};
use nix::unistd::{User, geteuid};
use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

/// The longest socket path that is used as configured, below the kernel's 107.
const LONGEST: usize = 100;

/// The account of the child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// The socket, its folder and the account that owns them.
#[derive(Debug)]
pub(crate) struct Home {
    socket: PathBuf,
    account: Option<Account>,
    /// A folder of our making, removed with us.
    own: Option<PathBuf>,
}

impl Home {
    pub(crate) fn prepare(config: &FrontConfig) -> io::Result<Self> {
        let account = account(config);
        let wanted = config
            .socket
            .as_deref()
            .map(std::path::absolute)
            .transpose()?;
        if let Some(socket) =
            wanted.filter(|path| account.is_none() && path.as_os_str().len() <= LONGEST)
        {
            if let Some(dir) = socket.parent().filter(|dir| !dir.exists()) {
                fs::DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(dir)?;
            }
            return Ok(Self {
                socket,
                account,
                own: None,
            });
        }
        let own = private_folder()?;
        if let Some(Account { uid, gid }) = account {
            chown(&own, Some(uid), Some(gid))?;
        }
        Ok(Self {
            socket: own.join("front.sock"),
            account,
            own: Some(own),
        })
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(crate) fn account(&self) -> Option<Account> {
        self.account
    }

    /// Removes the socket that a killed child left behind.
    pub(crate) fn clear_socket(&self) -> io::Result<()> {
        match fs::remove_file(&self.socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = self.clear_socket();
        if let Some(own) = &self.own {
            let _ = fs::remove_dir(own);
        }
    }
}

/// Makes a folder that nobody can have put there before: `mkdir` fails if it exists.
fn private_folder() -> io::Result<PathBuf> {
    let name = format!("portico-{:016x}", rand::random::<u64>());
    let mut last = None;
    for base in ["/run", "/tmp"] {
        let dir = Path::new(base).join(&name);
        match fs::DirBuilder::new().mode(0o700).create(&dir) {
            Ok(()) => return Ok(dir),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::other("no folder for the socket")))
}

/// Whom the child becomes: nobody else unless we are root.
fn account(config: &FrontConfig) -> Option<Account> {
    if !geteuid().is_root() {
        return None;
    }
    let user = match User::from_name(&config.user) {
        Ok(Some(user)) => user,
        other => {
            tracing::warn!(
                user = config.user,
                ?other,
                "no such user: the front end runs as root"
            );
            return None;
        }
    };
    let account = Account {
        uid: user.uid.as_raw(),
        gid: user.gid.as_raw(),
    };
    match unreachable_for(account, config) {
        None => Some(account),
        Some(path) => {
            tracing::warn!(
                user = config.user,
                path = %path.display(),
                "the user cannot read this: the front end runs as root. Make its folders readable"
            );
            None
        }
    }
}

/// The first path that the child needs and the account cannot use.
fn unreachable_for(account: Account, config: &FrontConfig) -> Option<PathBuf> {
    let node = process::node(config).ok();
    let needed = [
        Some((config.dir.clone(), 0o5)),
        Some((config.dir.join(&config.entry), 0o4)),
        Some((config.dir.join(".next"), 0o5)),
        Some((config.dir.join("node_modules"), 0o5)),
        node.map(|node| (node, 0o5)),
    ];
    needed.into_iter().flatten().find_map(|(path, want)| {
        // What is missing is reported by the start itself.
        let path = path.canonicalize().ok()?;
        let above = path
            .ancestors()
            .skip(1)
            .find(|dir| !allows(account, dir, 0o1));
        match above {
            Some(dir) => Some(dir.to_owned()),
            None => (!allows(account, &path, want)).then_some(path),
        }
    })
}

/// Whether the mode bits give an account (without further groups) these rights.
fn allows(account: Account, path: &Path, want: u32) -> bool {
    let Ok(meta) = fs::metadata(path) else {
        return false;
    };
    let mode = meta.permissions().mode();
    let bits = if meta.uid() == account.uid {
        mode >> 6
    } else if meta.gid() == account.gid {
        mode >> 3
    } else {
        mode
    };
    bits & want == want
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_folder_above_is_found() {
        let base = private_folder().unwrap();
        let inner = base.join("inner");
        fs::create_dir(&inner).unwrap();
        let config = FrontConfig {
            dir: inner.clone(),
            ..FrontConfig::default()
        };
        let stranger = Account {
            uid: 65_000,
            gid: 65_000,
        };
        assert_eq!(
            unreachable_for(stranger, &config),
            Some(base.canonicalize().unwrap())
        );
        fs::set_permissions(&base, fs::Permissions::from_mode(0o711)).unwrap();
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(unreachable_for(stranger, &config), None);
        fs::remove_dir_all(base).unwrap();
    }

    #[test]
    fn a_long_path_is_replaced_by_a_short_one() {
        let long = Path::new("/nowhere")
            .join("x".repeat(200))
            .join("front.sock");
        let config = FrontConfig {
            socket: Some(long),
            ..FrontConfig::default()
        };
        let home = Home::prepare(&config).unwrap();
        assert!(home.socket().as_os_str().len() <= LONGEST);
        let own = home.own.clone().unwrap();
        assert_eq!(
            fs::metadata(&own).unwrap().permissions().mode() & 0o777,
            0o700
        );
        drop(home);
        assert!(!own.exists());
    }
}
