//! What can stand in the way of a private cluster. Each message ends with what to do,
//! because the person who reads it has a server that does not start.

use std::{io, path::PathBuf};

/// Why there is no private cluster.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No server of a supported version is installed.
    #[error(
        "no PostgreSQL server (15 or later) is installed. Install one (Debian and Ubuntu: apt-get install postgresql), \
         or set DATABASE_URL to a server that you run elsewhere"
    )]
    NoServer,
    /// The folder named in the configuration holds no server of a supported version.
    #[error(
        "{} holds no PostgreSQL server (15 or later): it must be the folder with `postgres` and `initdb` in it",
        .0.display()
    )]
    NotBinaries(PathBuf),
    /// The data was written by a version whose programs are not installed.
    #[error(
        "the data in {} was written by PostgreSQL {cluster}, and {found} is installed. Install PostgreSQL {cluster} \
         again (Debian and Ubuntu: apt-get install postgresql-{cluster}), or move the data over with pg_upgrade",
        data.display()
    )]
    OtherVersion {
        /// The cluster's folder.
        data: PathBuf,
        /// Its major version.
        cluster: u32,
        /// What is installed, in words.
        found: String,
    },
    /// Another server of ours holds the folder.
    #[error(
        "another Portico uses {}. Stop that one first, or give this one a folder of its own (PORTICO_DATA)",
        .0.display()
    )]
    InUse(PathBuf),
    /// Started by root, and the user to run the database as does not exist.
    #[error(
        "started by root, but there is no user '{0}' to run PostgreSQL as (it refuses to run as root). Installing the \
         server package makes that user; or: useradd --system --no-create-home --shell /usr/sbin/nologin {0}"
    )]
    NoUser(String),
    /// The process's uid has no name, and peer authentication goes by names.
    #[error(
        "user id {0} has no name on this system, and PostgreSQL needs one. Add it to /etc/passwd, or start Portico as a \
         user that has one"
    )]
    NamelessUser(u32),
    /// A folder above the cluster keeps its user out.
    #[error(
        "the user '{user}', as whom PostgreSQL runs, may not pass through {0}. Let it pass (chmod o+x {0}), or keep the \
         data elsewhere (PORTICO_DATA=/var/lib/portico)",
        folder.display()
    )]
    NotTraversable {
        /// The topmost folder that keeps it out.
        folder: PathBuf,
        /// The user.
        user: String,
    },
    /// The cluster belongs to somebody else, and we are not root.
    #[error(
        "{0} belongs to {owner}, and Portico was started by {user}. Start it as {owner} or as root, or hand the folder \
         over: chown -R {user} {0}",
        folder.display()
    )]
    WrongOwner {
        /// The cluster's folder.
        folder: PathBuf,
        /// Whose it is.
        owner: String,
        /// Who we are.
        user: String,
    },
    /// There is a folder of the right name with something else in it.
    #[error("{} is not empty and holds no PostgreSQL cluster. Move it away, then start again", .0.display())]
    NotACluster(PathBuf),
    /// The short folder for the socket is somebody else's.
    #[error(
        "the path {} is too long for a Unix socket, and {} exists and is not ours. Remove that, or choose a data folder \
         with a shorter path (PORTICO_DATA)",
        wanted.display(), taken.display()
    )]
    SocketFolder {
        /// Where the socket should be.
        wanted: PathBuf,
        /// The short folder that is taken.
        taken: PathBuf,
    },
    /// `initdb` failed.
    #[error("initdb could not make a cluster in {}: {output}", folder.display())]
    Initdb {
        /// Where.
        folder: PathBuf,
        /// What it said.
        output: String,
    },
    /// The server ended before it was ready.
    #[error("PostgreSQL ended while it started ({status}). The end of {}:\n{tail}", log.display())]
    Ended {
        /// Its exit status.
        status: String,
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// The server is neither ready nor gone.
    #[error("PostgreSQL is not ready after {seconds} s; {} says what it is doing", log.display())]
    NotReady {
        /// How long we waited.
        seconds: u64,
        /// Its log.
        log: PathBuf,
    },
    /// Processes of an earlier server do not go away.
    #[error("processes of an earlier PostgreSQL still use {}: {pids:?}. End them, then start again", data.display())]
    Leftovers {
        /// The cluster's folder.
        data: PathBuf,
        /// Which.
        pids: Vec<i32>,
    },
    /// The server does not stop.
    #[error("PostgreSQL (process {0}) does not stop, not even when killed")]
    WillNotStop(i32),
    /// The database answered with an error right after the start.
    #[error("the database that was just started cannot be asked: {0}")]
    Database(#[from] sqlx::Error),
    /// The system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was attempted.
        what: String,
        /// The system's answer.
        source: io::Error,
    },
}

/// Names what was attempted, so that "permission denied" comes with a path.
pub(super) trait Attempt<T> {
    /// Adds the words.
    fn attempt(self, what: impl FnOnce() -> String) -> Result<T, Error>;
}

impl<T, E: Into<io::Error>> Attempt<T> for Result<T, E> {
    fn attempt(self, what: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|source| Error::Io {
            what: what(),
            source: source.into(),
        })
    }
}
