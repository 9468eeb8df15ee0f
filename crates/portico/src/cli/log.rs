//! The log on standard error. Lines are gathered for some milliseconds and written together:
//! one system call for each line of a busy server costs as much as the answer it tells of.
//!
//! Nothing is lost: warnings and errors are written before the one who logs goes on, what is
//! gathered is written when the server stops, and a reader who does not keep up makes the
//! server wait.

use anyhow::Context;
use portico::config::LogConfig;
use std::{
    io::{self, IsTerminal, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};
use tracing::{Level, Metadata};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter, prelude::*};

/// How long a line may wait for others.
const GATHERING: Duration = Duration::from_millis(50);
/// More than this is written at once, whoever has to wait.
const MOST: usize = 256 * 1024;

/// Writes what is left when it is dropped.
#[derive(Debug)]
pub(super) struct Log(Lines);

impl Drop for Log {
    fn drop(&mut self) {
        self.0.0.write_out();
    }
}

/// Starts to log as configured.
pub(super) fn start(config: &LogConfig) -> anyhow::Result<Log> {
    // lettre writes whole dialogues at `debug`, passwords and one-time links included: no
    // filter may ask for that.
    let silenced = "lettre=info".parse().context("log.filter")?;
    let filter = EnvFilter::try_new(&config.filter)
        .context("log.filter")?
        .add_directive(silenced);
    let lines = Lines::new(Box::new(io::stderr()))?;
    let registry = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(lines.clone());
    if config.json {
        registry.with(layer.json()).init();
    } else if io::stderr().is_terminal() {
        registry.with(layer).init();
    } else {
        registry.with(layer.with_ansi(false)).init();
    }
    Ok(Log(lines))
}

/// The lines that wait, and where they go.
#[derive(Clone)]
struct Lines(Arc<Shared>);

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}

struct Shared {
    waiting: Mutex<Vec<u8>>,
    arrived: Condvar,
    /// Taken before `waiting`, and held while writing, so that lines keep their order.
    out: Mutex<Box<dyn Write + Send>>,
}

impl Lines {
    fn new(out: Box<dyn Write + Send>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            waiting: Mutex::default(),
            arrived: Condvar::new(),
            out: Mutex::new(out),
        });
        let writing = Arc::downgrade(&shared);
        thread::Builder::new().name("log".into()).spawn(move || {
            while let Some(shared) = writing.upgrade() {
                shared.write_soon();
            }
        })?;
        Ok(Self(shared))
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Waits for a line, and some more for others.
    fn write_soon(&self) {
        let waiting = held(&self.waiting);
        let waited = self
            .arrived
            .wait_timeout_while(waiting, Duration::from_secs(5), |lines| lines.is_empty());
        drop(waited);
        thread::sleep(GATHERING);
        self.write_out();
    }

    fn write_out(&self) {
        let mut out = held(&self.out);
        let lines = mem::take(&mut *held(&self.waiting));
        // Whom could one tell that the log cannot be written?
        let _ = out.write_all(&lines).and_then(|()| out.flush());
        drop(out);
    }

    fn add(&self, line: &[u8], urgent: bool) {
        let gathered = {
            let mut waiting = held(&self.waiting);
            if waiting.is_empty() {
                self.arrived.notify_one();
            }
            waiting.extend_from_slice(line);
            waiting.len()
        };
        if urgent || gathered > MOST {
            self.write_out();
        }
    }
}

/// One line on its way.
struct Line<'a> {
    lines: &'a Shared,
    urgent: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lines.add(bytes, self.urgent);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line {
            lines: &self.0,
            urgent: false,
        }
    }

    fn make_writer_for(&'a self, about: &Metadata<'_>) -> Line<'a> {
        Line {
            lines: &self.0,
            urgent: *about.level() <= Level::WARN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    struct Told(mpsc::Sender<Vec<u8>>);

    impl Write for Told {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_keep_their_order_and_none_is_lost() {
        let (tell, told) = mpsc::channel();
        let log = Log(Lines::new(Box::new(Told(tell))).unwrap());
        let mut expected = Vec::new();
        for n in 0..1000 {
            let line = format!("line {n}\n");
            expected.extend_from_slice(line.as_bytes());
            log.0.0.add(line.as_bytes(), n % 100 == 7);
        }
        drop(log);
        let written: Vec<u8> = told.try_iter().flatten().collect();
        assert_eq!(written, expected);
    }

    #[test]
    fn what_is_urgent_is_written_before_the_one_who_logs_goes_on() {
        let (tell, told) = mpsc::channel();
        let lines = Lines::new(Box::new(Told(tell))).unwrap();
        lines.0.add(b"by the way\n", false);
        lines.0.add(b"it burns\n", true);
        let written: Vec<u8> = told.try_iter().flatten().collect();
        assert_eq!(written, b"by the way\nit burns\n");
    }
}
