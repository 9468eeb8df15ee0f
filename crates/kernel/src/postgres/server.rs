//! The server process: found again, started, watched until it is ready, stopped.
//!
//! It outlives us on purpose: when Portico is killed, PostgreSQL finishes what it does, and
//! the next start takes it over. It is never tied to our death (`PR_SET_PDEATHSIG` would
//! fire with the thread that started it).

use super::{
    binaries::Binaries,
    error::{Attempt, Error},
    folders::Folders,
    owner::Owner,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs,
    io::{self, Read, Seek, SeekFrom},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Child,
    thread::sleep,
    time::{Duration, Instant},
};

const POLL: Duration = Duration::from_millis(10);
/// Recovery after a crash replays the log first, and that may take its time.
const READY_WITHIN: Duration = Duration::from_mins(5);
/// How long each way of asking to stop is given: fast, immediate, by force.
const STOP: [(Signal, Duration); 3] = [
    (Signal::SIGINT, Duration::from_secs(30)),
    (Signal::SIGQUIT, Duration::from_secs(10)),
    (Signal::SIGKILL, Duration::from_secs(5)),
];

/// What a running server says of itself in `postmaster.pid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) pid: i32,
    pub(super) port: u16,
    pub(super) socket: PathBuf,
    pub(super) ready: bool,
}

impl Status {
    /// Line 1 is the process, 4 the port, 5 the socket's folder, 8 the state (`miscinit.h`,
    /// `LOCK_FILE_LINE_*`).
    fn parse(text: &str) -> Option<Self> {
        let line = |number: usize| text.lines().nth(number - 1).map(str::trim);
        Some(Self {
            pid: line(1)?.parse().ok()?,
            port: line(4)?.parse().ok()?,
            socket: PathBuf::from(line(5)?),
            ready: line(8) == Some("ready"),
        })
    }

    /// The live server of this cluster. The number in the file proves nothing: it may be a
    /// zombie's, under a first process that does not reap, or have been given to another
    /// program.
    pub(super) fn of(folders: &Folders) -> Option<Self> {
        let text = fs::read_to_string(folders.data.join("postmaster.pid")).ok()?;
        Self::parse(&text).filter(|status| belongs(status.pid, folders))
    }

    pub(super) fn socket_file(&self) -> PathBuf {
        self.socket.join(format!(".s.PGSQL.{}", self.port))
    }
}

/// A server, started by us or found running.
#[derive(Debug)]
pub(super) struct Server {
    pid: i32,
    child: Option<Child>,
}

impl Server {
    /// One that was found running.
    pub(super) fn found(pid: i32) -> Self {
        Self { pid, child: None }
    }

    /// Starts one, and returns when it takes connections.
    pub(super) fn launch(
        folders: &Folders,
        owner: &Owner,
        binaries: &Binaries,
        socket: &Path,
        port: u16,
    ) -> Result<Self, Error> {
        clear_leftovers(folders)?;
        // PostgreSQL refuses to start when a stale lock's number is alive, whoever's it is
        // by now. Nothing of the cluster lives any more, so they are all stale.
        let lock = socket.join(format!(".s.PGSQL.{port}.lock"));
        for stale in [
            folders.data.join("postmaster.pid"),
            lock.with_extension(""),
            lock,
        ] {
            match fs::remove_file(&stale) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).attempt(|| format!("removing {}", stale.display()));
                }
                _ => {}
            }
        }
        let log = folders.open_log()?;
        let log_start = log.metadata().map_or(0, |metadata| metadata.len());
        let stdout = log
            .try_clone()
            .attempt(|| format!("opening {}", folders.log().display()))?;
        let child = owner
            .command(binaries.folder.join("postgres"))
            .arg("-D")
            .arg(&folders.data)
            .stdout(stdout)
            .stderr(log)
            // A group of its own: Ctrl-C at our terminal is ours to handle.
            .process_group(0)
            .spawn()
            .attempt(|| format!("starting {}", binaries.folder.join("postgres").display()))?;
        let mut server = Self {
            pid: child.id().cast_signed(),
            child: Some(child),
        };
        match server.wait_until_ready(folders, log_start) {
            Ok(()) => Ok(server),
            Err(error) => {
                // A server that we have given up on must not stay behind.
                let _ = server.stop();
                Err(error)
            }
        }
    }

    /// Waits until it takes connections.
    pub(super) fn wait_until_ready(
        &mut self,
        folders: &Folders,
        log_start: u64,
    ) -> Result<(), Error> {
        let begin = Instant::now();
        loop {
            let status = fs::read_to_string(folders.data.join("postmaster.pid")).ok();
            let status = status.as_deref().and_then(Status::parse);
            if status.is_some_and(|status| status.pid == self.pid && status.ready) {
                return Ok(());
            }
            if let Some(status) = self.ended() {
                let tail = tail(&folders.log(), log_start);
                return Err(Error::Ended {
                    status,
                    log: folders.log(),
                    tail,
                });
            }
            if begin.elapsed() > READY_WITHIN {
                return Err(Error::NotReady {
                    seconds: READY_WITHIN.as_secs(),
                    log: folders.log(),
                });
            }
            sleep(POLL);
        }
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<String> {
        match &mut self.child {
            Some(child) => child
                .try_wait()
                .ok()
                .flatten()
                .map(|status| status.to_string()),
            None => (!alive(self.pid)).then(|| "process gone".to_owned()),
        }
    }

    /// Stops it: open transactions are rolled back, what was committed is on disk.
    pub(super) fn stop(&mut self) -> Result<(), Error> {
        for (signal, patience) in STOP {
            if self.ended().is_some() {
                return Ok(());
            }
            // It may end between the question and the signal.
            let _ = kill(Pid::from_raw(self.pid), signal);
            let begin = Instant::now();
            while begin.elapsed() < patience {
                if self.ended().is_some() {
                    return Ok(());
                }
                sleep(POLL);
            }
        }
        Err(Error::WillNotStop(self.pid))
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid
    }
}

/// Waits for the processes of a killed server to leave, and makes them when they do not: a
/// long query never looks whether its server still lives, and two servers on one cluster
/// would destroy it.
fn clear_leftovers(folders: &Folders) -> Result<(), Error> {
    let begin = Instant::now();
    loop {
        let pids = processes(folders);
        if pids.is_empty() {
            return Ok(());
        }
        let signal = match begin.elapsed().as_secs() {
            0..2 => None,
            2..5 => Some(Signal::SIGQUIT),
            5..10 => Some(Signal::SIGKILL),
            _ => {
                return Err(Error::Leftovers {
                    data: folders.data.clone(),
                    pids,
                });
            }
        };
        for pid in pids {
            // It may have left since we looked.
            let _ = kill(Pid::from_raw(pid), signal);
        }
        sleep(POLL);
    }
}

/// Every living process of the cluster.
fn processes(folders: &Folders) -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| belongs(*pid, folders))
        .collect()
}

/// Whether this process is of the cluster: a PostgreSQL process that lives in its folder
/// (each of them changes there). In a container root often may not see where another user's
/// process is; then its command line tells, which is `postgres -D FOLDER` for the first and
/// `postgres: NAME: …` for the others. A zombie has neither.
fn belongs(pid: i32, folders: &Folders) -> bool {
    let process = Path::new("/proc").join(pid.to_string());
    let Ok(command) = fs::read_to_string(process.join("comm")) else {
        return false;
    };
    if !matches!(command.trim(), "postgres" | "postmaster") {
        return false;
    }
    match fs::read_link(process.join("cwd")) {
        Ok(folder) => folder == folders.data,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let line = fs::read(process.join("cmdline")).unwrap_or_default();
            let title = format!("postgres: {}: ", folders.name);
            let data = folders.data.as_os_str().as_encoded_bytes();
            line.starts_with(title.as_bytes())
                || line.split(|byte| *byte == 0).any(|word| word == data)
        }
        Err(_) => false,
    }
}

/// Whether the process runs; a zombie does not.
fn alive(pid: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        // The state follows the command, which is in brackets and may hold some itself.
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| !rest.trim_start().starts_with(['Z', 'X']))
    })
}

/// The last lines that were written since the start.
fn tail(log: &Path, from: u64) -> String {
    let mut text = Vec::new();
    let read = fs::File::open(log).and_then(|mut file| {
        file.seek(SeekFrom::Start(from))?;
        file.take(64 * 1024).read_to_end(&mut text)
    });
    if read.is_err() {
        return String::new();
    }
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_file_of_a_running_server_is_read() {
        let text = "4711\n/d\n1795000000\n5433\n/d/run\n\n  123 456\nready   \n";
        let status = Status::parse(text).unwrap();
        assert_eq!(
            status,
            Status {
                pid: 4711,
                port: 5433,
                socket: "/d/run".into(),
                ready: true
            }
        );
        assert_eq!(status.socket_file(), Path::new("/d/run/.s.PGSQL.5433"));
    }

    #[test]
    fn a_status_file_that_is_being_written_is_no_status() {
        assert_eq!(Status::parse("4711\n/d\n"), None);
        assert_eq!(Status::parse(""), None);
    }

    #[test]
    fn a_process_of_another_kind_never_belongs_to_the_cluster() {
        let folders = Folders {
            root: "/".into(),
            data: std::env::current_dir().unwrap(),
            name: "n".into(),
        };
        assert!(!belongs(std::process::id().cast_signed(), &folders));
    }
}
