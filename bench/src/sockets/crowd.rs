//! Many clients in one thread. They count what they hear, note how long it took, and do nothing
//! else with it, so that the machine is left to the server.

use super::frames::{self, Heard, Reader};
use crate::{numbers::quantile, process::Memory};
use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Who comes, and to whom.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Settings {
    #[arg(long)]
    pub(super) address: SocketAddr,
    #[arg(long)]
    pub(super) path: String,
    /// A header line; with one the clients join a channel, without they only listen.
    #[arg(long, default_value = "")]
    pub(super) header: String,
    /// The server's process.
    #[arg(long)]
    pub(super) pid: u32,
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(super) sockets: u16,
    #[arg(long)]
    pub(super) seconds: f64,
    /// Messages or changes a second at which times are taken, instead of half of full speed.
    #[arg(long)]
    pub(super) at: Option<f64>,
}

impl Settings {
    /// What is said a second when times are taken, from what can be said at most.
    pub(super) fn pace(&self, full: f64) -> f64 {
        self.at.unwrap_or(full / 2.0)
    }
}

/// What it came to.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Of the server, for each idle socket.
    pub(crate) bytes_per_socket: f64,
    /// Deliveries for each second of the server's processor time, at full speed.
    pub(crate) per_cpu_second: f64,
    /// Deliveries a second, at full speed.
    pub(crate) per_second: f64,
    /// Deliveries a second at half of it, when the times were taken; milliseconds.
    pub(crate) paced_per_second: f64,
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
}

/// Handshakes at once.
const OPENING: usize = 32;
/// No message is on its way for longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What all clients share.
pub(super) struct Crowd {
    began: Instant,
    heard: Cell<usize>,
    timed: Cell<bool>,
    micros: RefCell<Vec<u32>>,
    closed: Cell<usize>,
    buffer: RefCell<Vec<u8>>,
    moved: Cell<Instant>,
}

/// The sockets are there; what each cost the server's memory.
pub(super) struct Gathered {
    pub(super) crowd: Rc<Crowd>,
    pub(super) bytes_per_socket: f64,
}

impl Crowd {
    /// Opens them all. `join` says how each joins its channel.
    pub(super) async fn gather(
        settings: &Settings,
        join: impl Fn(usize) -> Option<Vec<u8>>,
    ) -> anyhow::Result<Gathered> {
        let crowd = Rc::new(Self {
            began: Instant::now(),
            heard: Cell::new(0),
            timed: Cell::new(false),
            micros: RefCell::default(),
            closed: Cell::new(0),
            buffer: RefCell::new(vec![0; 256 * 1024]),
            moved: Cell::new(Instant::now()),
        });
        // Whatever the first socket costs the server, it has cost by now.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let before = Memory::of(settings.pid)?.resident;
        let sockets = usize::from(settings.sockets);
        for first in (0..sockets).step_by(OPENING) {
            let last = sockets.min(first + OPENING);
            let opening = (first..last).map(|nth| open(settings, join(nth)));
            for opened in futures_util::future::join_all(opening).await {
                let (stream, reader) = opened?;
                tokio::task::spawn_local(listen(stream, reader, Rc::clone(&crowd)));
            }
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        let grown = Memory::of(settings.pid)?.resident - before;
        Ok(Gathered {
            crowd,
            bytes_per_socket: grown * 1024.0 * 1024.0 / f64::from(settings.sockets),
        })
    }

    pub(super) fn heard(&self) -> usize {
        self.heard.get()
    }

    /// Now, as messages carry it.
    pub(super) fn nanos(&self) -> anyhow::Result<u64> {
        Ok(u64::try_from(self.began.elapsed().as_nanos())?)
    }

    /// Fails if somebody was closed, or if nothing has been heard for long.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let closed = self.closed.get();
        ensure!(closed == 0, "{closed} sockets were closed");
        let moved = self.moved.get().elapsed();
        ensure!(moved < PATIENCE, "what was said is not heard");
        Ok(())
    }

    /// Something was said: from now on something should be heard.
    pub(super) fn said(&self) {
        self.moved.set(Instant::now());
    }

    /// From now on times are taken.
    pub(super) fn take_times(&self) {
        self.timed.set(true);
    }

    /// The times in milliseconds of which half, 95 and 99 in 100 are no longer.
    pub(super) fn times(&self) -> anyhow::Result<[f64; 3]> {
        let mut micros = self.micros.take();
        ensure!(!micros.is_empty(), "nothing was heard");
        micros.sort_unstable();
        Ok([50, 95, 99].map(|percent| f64::from(quantile(&micros, percent)) / 1_000.0))
    }

    fn hear(&self, carried: Option<u64>) {
        self.heard.set(self.heard.get() + 1);
        if let (true, Some(said)) = (self.timed.get(), carried) {
            let now = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
            let micros = now.saturating_sub(said) / 1_000;
            let micros = u32::try_from(micros).unwrap_or(u32::MAX);
            self.micros.borrow_mut().push(micros);
        }
    }
}

async fn listen(stream: TcpStream, mut reader: Reader, crowd: Rc<Crowd>) {
    let mut closed = false;
    while !closed && stream.readable().await.is_ok() {
        let mut buffer = crowd.buffer.borrow_mut();
        match stream.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => {
                crowd.said();
                reader.read(&buffer[..length], |heard| match heard {
                    Heard::Said(carried) => crowd.hear(carried),
                    Heard::Closed => closed = true,
                    Heard::Text | Heard::Nothing => {}
                });
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    crowd.closed.set(crowd.closed.get() + 1);
}

/// Opens a socket, and joins the channel if there is something to join with.
pub(super) async fn open(
    settings: &Settings,
    join: Option<Vec<u8>>,
) -> anyhow::Result<(TcpStream, Reader)> {
    let mut stream = TcpStream::connect(settings.address).await?;
    stream.set_nodelay(true)?;
    let header = match settings.header.as_str() {
        "" => String::new(),
        header => format!("{header}\r\n"),
    };
    let ask = format!(
        "GET {} HTTP/1.1\r\nhost: {}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{header}\r\n",
        settings.path, settings.address
    );
    stream.write_all(ask.as_bytes()).await?;
    let mut head = Vec::new();
    let end = loop {
        let read = stream.read_buf(&mut head).await?;
        ensure!(read > 0, "no answer to the handshake");
        if let Some(at) = head.windows(4).position(|part| part == b"\r\n\r\n") {
            break at + 4;
        }
    };
    let status = head.split(|byte| *byte == b' ').nth(1);
    ensure!(
        status == Some(b"101"),
        "refused: {}",
        String::from_utf8_lossy(&head)
    );
    let mut reader = Reader::default();
    let mut answered = false;
    let mut is_answer = |reader: &mut Reader, bytes: &[u8]| {
        reader.read(bytes, |heard| answered |= heard == Heard::Text);
        answered
    };
    is_answer(&mut reader, &head[end..]);
    if let Some(join) = join {
        stream.write_all(&join).await?;
        let mut bytes = [0; 4096];
        loop {
            let length = stream.read(&mut bytes).await?;
            ensure!(length > 0, "no answer to the join");
            let said = String::from_utf8_lossy(&bytes[..length]);
            ensure!(!said.contains("\"status\":\"error\""), "refused: {said}");
            if is_answer(&mut reader, &bytes[..length]) {
                break;
            }
        }
    }
    Ok((stream, reader))
}

/// The join that only says that somebody comes.
pub(super) fn anybody() -> Vec<u8> {
    frames::join("x", None)
}

/// Runs what all clients do, in this thread.
pub(super) async fn alone<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    super::raise_file_limit();
    tokio::task::LocalSet::new()
        .run_until(work)
        .await
        .context("the crowd")
}
