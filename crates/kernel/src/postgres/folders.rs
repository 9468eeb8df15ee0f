//! Where the files of a private cluster lie, and the lock that keeps a second server out.

use super::{
    configuration::quoted_name,
    error::{Attempt, Error},
    owner::Owner,
};
use aws_lc_rs::digest::{SHA256, digest};
use nix::unistd::geteuid;
use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

/// The longest path of a Unix socket on Linux, without its terminating zero (unix(7)).
const LONGEST_SOCKET: usize = 107;
/// A log longer than this is put aside at the next start.
const LONGEST_LOG: u64 = 10 * 1024 * 1024;

/// The folders and files of one cluster.
#[derive(Debug, Clone)]
pub(super) struct Folders {
    /// All of it.
    pub(super) root: PathBuf,
    /// The cluster.
    pub(super) data: PathBuf,
    /// Short and steady, made from the folder's path: the server's name in the process list.
    pub(super) name: String,
}

impl Folders {
    /// The folders under `root`, which exists.
    pub(super) fn at(root: &Path) -> Result<Self, Error> {
        let root = root
            .canonicalize()
            .attempt(|| format!("the folder {}", root.display()))?;
        let sum = digest(&SHA256, root.as_os_str().as_bytes());
        let name = format!("portico-{}", hex::encode(&sum.as_ref()[..6]));
        Ok(Self {
            data: root.join("data"),
            root,
            name,
        })
    }

    /// Makes `root` and its missing parents.
    pub(super) fn make(root: &Path) -> Result<Self, Error> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(root)
            .attempt(|| format!("making the folder {}", root.display()))?;
        Self::at(root)
    }

    /// Lets the cluster's user pass, and nobody read the listing but us.
    pub(super) fn open_to(&self, owner: &Owner) -> Result<(), Error> {
        fs::set_permissions(&self.root, Permissions::from_mode(owner.passage()))
            .attempt(|| format!("setting the mode of {}", self.root.display()))
    }

    pub(super) fn log(&self) -> PathBuf {
        self.root.join("postgres.log")
    }

    /// Takes the lock. The kernel frees it when the process ends, however it ends.
    pub(super) fn lock(&self) -> Result<File, Error> {
        let path = self.root.join("server.lock");
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .attempt(|| format!("opening {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(fs::TryLockError::WouldBlock) => Err(Error::InUse(self.root.clone())),
            Err(fs::TryLockError::Error(error)) => {
                Err(error).attempt(|| format!("locking {}", path.display()))
            }
        }
    }

    /// The major version of the cluster, or nothing when there is none yet.
    pub(super) fn version(&self) -> Result<Option<u32>, Error> {
        match fs::read_to_string(self.data.join("PG_VERSION")) {
            Ok(text) => text
                .trim()
                .parse()
                .map(Some)
                .map_err(|_| Error::NotACluster(self.data.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // An empty folder is as good as none; anything else may be somebody's.
                if self.data.exists() && fs::remove_dir(&self.data).is_err() {
                    return Err(Error::NotACluster(self.data.clone()));
                }
                Ok(None)
            }
            Err(error) => {
                Err(error).attempt(|| format!("reading the version of {}", self.data.display()))
            }
        }
    }

    /// Makes the folder for the socket and says where it is: beside the data, or in a short
    /// folder of our own where that path would be too long.
    pub(super) fn socket(&self, owner: &Owner, port: u16) -> Result<PathBuf, Error> {
        let beside = self.root.join("run");
        let name = format!("/.s.PGSQL.{port}");
        if beside.as_os_str().len() + name.len() <= LONGEST_SOCKET {
            owner.take(&beside)?;
            return Ok(beside);
        }
        let base = if geteuid().is_root() && Path::new("/run").is_dir() {
            "/run"
        } else {
            "/tmp"
        };
        let short = Path::new(base).join(format!("{}-{}", self.name, geteuid()));
        // Others may write to /tmp: a folder, a link or a file that is there already must
        // be ours to be used.
        if let Ok(metadata) = fs::symlink_metadata(&short)
            && !(metadata.is_dir()
                && (owner.owns(metadata.uid()) || metadata.uid() == geteuid().as_raw()))
        {
            return Err(Error::SocketFolder {
                wanted: beside,
                taken: short,
            });
        }
        owner.take(&short)?;
        Ok(short)
    }

    /// Opens the log for the server to write to. One that has grown long is put aside, in
    /// place of the last one.
    pub(super) fn open_log(&self) -> Result<File, Error> {
        let log = self.log();
        let what = || format!("opening {}", log.display());
        if fs::metadata(&log).is_ok_and(|metadata| metadata.len() > LONGEST_LOG) {
            fs::rename(&log, self.root.join("postgres.log.1")).attempt(what)?;
        }
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o640)
            .open(&log)
            .attempt(what)
    }

    /// Writes the files by which the cluster is configured, anew at each start, so that a
    /// new version of ours brings its settings along. They hold no secret; the cluster's
    /// user must be able to read them.
    pub(super) fn configure(&self, owner: &Owner, settings: &str) -> Result<(), Error> {
        // Peer authentication, for two: who runs the cluster, and root (us, when root started it).
        let name = quoted_name(&owner.name);
        self.write(
            "pg_ident.conf",
            &format!("portico root postgres\nportico {name} postgres\n"),
        )?;
        self.write(
            "pg_hba.conf",
            "local all all peer map=portico\nlocal replication all peer map=portico\n",
        )?;
        self.write("server.conf", settings)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.root.join(name);
        let new = self.root.join(format!("{name}.new"));
        fs::write(&new, text)
            .and_then(|()| fs::set_permissions(&new, Permissions::from_mode(0o644)))
            .and_then(|()| fs::rename(&new, &path))
            .attempt(|| format!("writing {}", path.display()))
    }
}
