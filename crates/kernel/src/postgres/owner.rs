//! As whom PostgreSQL runs. It refuses to run as root, so root becomes the user that owns
//! the cluster, or the one that the server packages make; anybody else runs it as
//! themselves. Rights are only ever dropped here.

use super::error::{Attempt, Error};
use nix::unistd::{Gid, Uid, User, geteuid};
use std::{
    ffi::OsStr,
    fs::{self, DirBuilder, Permissions},
    io,
    os::unix::{
        fs::{DirBuilderExt, MetadataExt, PermissionsExt, lchown},
        process::CommandExt,
    },
    path::Path,
    process::{Command, Stdio},
};

/// The system user that the cluster belongs to.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    uid: Uid,
    gid: Gid,
    /// Its name, which peer authentication goes by.
    pub(super) name: String,
    /// Whether we are root and become this user.
    by_root: bool,
}

impl Owner {
    /// Finds the user for the cluster in `data`, which need not exist yet. Root takes
    /// whoever owns it, so that a folder first used by an ordinary user stays theirs; when
    /// that is root or nobody known, `fallback`.
    pub(super) fn of(data: &Path, fallback: &str) -> Result<Self, Error> {
        let me = geteuid();
        let holder = fs::metadata(data)
            .ok()
            .map(|metadata| Uid::from_raw(metadata.uid()));
        if me.is_root() {
            let known = match holder {
                Some(uid) if !uid.is_root() => lookup(uid)?,
                _ => None,
            };
            let user = match known {
                Some(user) => user,
                None => User::from_name(fallback)
                    .attempt(|| format!("looking up the user {fallback}"))?
                    .ok_or_else(|| Error::NoUser(fallback.to_owned()))?,
            };
            return Ok(Self {
                uid: user.uid,
                gid: user.gid,
                name: user.name,
                by_root: true,
            });
        }
        let user = lookup(me)?.ok_or(Error::NamelessUser(me.as_raw()))?;
        if let Some(holder) = holder.filter(|holder| *holder != me) {
            let owner =
                lookup(holder)?.map_or_else(|| format!("user id {holder}"), |user| user.name);
            return Err(Error::WrongOwner {
                folder: data.to_owned(),
                owner,
                user: user.name,
            });
        }
        Ok(Self {
            uid: user.uid,
            gid: user.gid,
            name: user.name,
            by_root: false,
        })
    }

    /// The mode of a folder of ours through which this user must pass.
    pub(super) fn passage(&self) -> u32 {
        if self.by_root { 0o711 } else { 0o700 }
    }

    /// Whether a file with this owner is theirs.
    pub(super) fn owns(&self, uid: u32) -> bool {
        self.uid.as_raw() == uid
    }

    /// A command run as this user, with nothing of our environment in it: no secret of ours
    /// is readable there.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir("/")
            .env_clear()
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        if self.by_root {
            // The standard library also drops the supplementary groups when root changes the user.
            command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
        }
        command
    }

    /// Makes this folder theirs alone: made if it is missing, owner and mode mended if they
    /// are wrong.
    pub(super) fn take(&self, folder: &Path) -> Result<(), Error> {
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(error).attempt(|| format!("making the folder {}", folder.display()));
            }
            _ => {}
        }
        let metadata = fs::symlink_metadata(folder).attempt(|| folder.display().to_string())?;
        if self.by_root && !self.owns(metadata.uid()) {
            self.hand_over(folder)?;
        }
        fs::set_permissions(folder, Permissions::from_mode(0o700))
            .attempt(|| format!("closing {} to others", folder.display()))
    }

    /// A copy made by root leaves every file root's: all of it is handed over, not only the folder.
    fn hand_over(&self, path: &Path) -> Result<(), Error> {
        lchown(path, Some(self.uid.as_raw()), Some(self.gid.as_raw()))
            .attempt(|| format!("handing {} to {}", path.display(), self.name))?;
        let metadata = fs::symlink_metadata(path).attempt(|| path.display().to_string())?;
        if metadata.is_dir() {
            for entry in fs::read_dir(path).attempt(|| path.display().to_string())? {
                self.hand_over(&entry.attempt(|| path.display().to_string())?.path())?;
            }
        }
        Ok(())
    }

    /// Finds the topmost folder on the way to `folder` that keeps this user out. The kernel
    /// is asked, by going there as that user: modes alone do not tell where access control
    /// lists are in use.
    pub(super) fn check_passage(&self, folder: &Path) -> Result<(), Error> {
        if !self.by_root || self.may_enter(folder)? {
            return Ok(());
        }
        let mut ancestors: Vec<&Path> = folder.ancestors().collect();
        ancestors.reverse();
        for ancestor in ancestors {
            if !self.may_enter(ancestor)? {
                return Err(Error::NotTraversable {
                    folder: ancestor.to_owned(),
                    user: self.name.clone(),
                });
            }
        }
        Ok(())
    }

    fn may_enter(&self, folder: &Path) -> Result<bool, Error> {
        let status = self
            .command("/bin/sh")
            .args(["-c", "cd -- \"$1\"", "sh"])
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .attempt(|| format!("running a command as {}", self.name))?;
        Ok(status.success())
    }
}

fn lookup(uid: Uid) -> Result<Option<User>, Error> {
    User::from_uid(uid).attempt(|| format!("looking up user id {uid}"))
}
