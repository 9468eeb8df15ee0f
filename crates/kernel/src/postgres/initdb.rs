//! Makes a cluster. It is made under another name and renamed when it is whole, so that a
//! kill in the middle can never leave half a cluster where a whole one is looked for.

use super::{
    binaries::Binaries,
    error::{Attempt, Error},
    folders::Folders,
    owner::Owner,
};
use std::{fs, io::Write, process};

/// What the name of an unfinished cluster begins with.
const UNFINISHED: &str = "init.";

/// Removes what a killed attempt left. The lock is ours, so nobody is at it.
pub(super) fn clear(folders: &Folders) -> Result<(), Error> {
    let root = &folders.root;
    for entry in fs::read_dir(root)
        .attempt(|| format!("reading {}", root.display()))?
        .flatten()
    {
        if entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(UNFINISHED.as_bytes())
        {
            fs::remove_dir_all(entry.path())
                .attempt(|| format!("removing {}", entry.path().display()))?;
        }
    }
    Ok(())
}

/// Makes the cluster.
pub(super) fn make(folders: &Folders, owner: &Owner, binaries: &Binaries) -> Result<(), Error> {
    let new = folders.root.join(format!("{UNFINISHED}{}", process::id()));
    owner.take(&new)?;
    let output = owner
        .command(binaries.folder.join("initdb"))
        .args([
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--data-checksums",
        ])
        .args(["--auth-local=peer", "--auth-host=reject", "--pgdata"])
        .arg(&new)
        .output()
        .attempt(|| format!("starting {}", binaries.folder.join("initdb").display()))?;
    if !output.status.success() {
        let output = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Error::Initdb {
            folder: new,
            output,
        });
    }
    // Relative, so that the whole folder can be moved. `pg_ctl` by hand gets the same settings.
    fs::OpenOptions::new()
        .append(true)
        .open(new.join("postgresql.conf"))
        .and_then(|mut file| file.write_all(b"\ninclude '../server.conf'\n"))
        .attempt(|| format!("configuring {}", new.display()))?;
    fs::rename(&new, &folders.data)
        .and_then(|()| fs::File::open(&folders.root)?.sync_all())
        .attempt(|| format!("renaming {} to {}", new.display(), folders.data.display()))
}
