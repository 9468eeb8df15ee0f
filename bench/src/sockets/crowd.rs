//! Many clients in one thread. They count what they hear and do nothing else with it, so that the
//! machine is left to the server.

use super::frames::{self, Reader};
use crate::{
    numbers::quantile,
    process::{Memory, cpu_seconds},
};
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
    task::{LocalSet, yield_now},
};

/// Who comes, and what it hears.
#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    #[arg(long)]
    address: SocketAddr,
    #[arg(long)]
    path: String,
    /// A header line; with one the clients join a channel, without they only listen.
    #[arg(long, default_value = "")]
    header: String,
    /// The server's process.
    #[arg(long)]
    pid: u32,
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    sockets: u16,
    #[arg(long)]
    seconds: f64,
}

/// What it came to.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
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

/// Messages that are on their way at full speed: enough for batches, and no queue without end.
const WINDOW: usize = 64;
/// Handshakes at once.
const OPENING: usize = 32;
/// No message is on its way for longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What all clients share.
struct Crowd {
    began: Instant,
    heard: Cell<usize>,
    timed: Cell<bool>,
    micros: RefCell<Vec<u32>>,
    closed: Cell<usize>,
    buffer: RefCell<Vec<u8>>,
}

/// Comes, listens, and prints the [`Outcome`] as JSON.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    super::raise_file_limit();
    let local = LocalSet::new();
    let outcome = local.run_until(measure(&settings)).await?;
    println!("{}", serde_json::to_string(&outcome)?);
    Ok(())
}

async fn measure(settings: &Settings) -> anyhow::Result<Outcome> {
    let crowd = Rc::new(Crowd {
        began: Instant::now(),
        heard: Cell::new(0),
        timed: Cell::new(false),
        micros: RefCell::default(),
        closed: Cell::new(0),
        buffer: RefCell::new(vec![0; 256 * 1024]),
    });
    let mut speaker = open(settings).await?;
    // Whatever the first socket costs the server, it has cost by now.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let before = Memory::of(settings.pid)?.resident;
    let sockets = usize::from(settings.sockets);
    for first in (0..sockets).step_by(OPENING) {
        let count = OPENING.min(sockets - first);
        let opening: Vec<_> = (0..count).map(|_| Box::pin(open(settings))).collect();
        for opening in opening {
            let stream = opening.await?;
            tokio::task::spawn_local(listen(stream, crowd.clone()));
        }
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let grown = Memory::of(settings.pid)?.resident - before;
    let each = 1.0 / f64::from(settings.sockets);

    let time = Duration::try_from_secs_f64(settings.seconds)?.min(Duration::from_mins(1));
    // Once for the sake of buffers and caches.
    crowd.talk(settings, &mut speaker, time / 4, None).await?;
    let cpu = cpu_seconds(settings.pid)?;
    let (heard, seconds) = crowd.talk(settings, &mut speaker, time, None).await?;
    let cpu = cpu_seconds(settings.pid)? - cpu;
    let per_second = heard / seconds;
    crowd.timed.set(true);
    let pace = Duration::try_from_secs_f64(2.0 * f64::from(settings.sockets) / per_second)?;
    let (paced, seconds) = crowd.talk(settings, &mut speaker, time, Some(pace)).await?;
    let mut micros = crowd.micros.take();
    ensure!(!micros.is_empty(), "nothing was heard");
    micros.sort_unstable();
    let at = |percent| f64::from(quantile(&micros, percent)) / 1_000.0;
    Ok(Outcome {
        bytes_per_socket: grown * 1024.0 * 1024.0 * each,
        per_cpu_second: heard / cpu.max(0.01),
        per_second,
        paced_per_second: paced / seconds,
        p50: at(50),
        p95: at(95),
        p99: at(99),
    })
}

impl Crowd {
    /// Talks for a while, as fast as it is heard or at a pace; how much was heard, in how long.
    async fn talk(
        &self,
        settings: &Settings,
        speaker: &mut TcpStream,
        time: Duration,
        pace: Option<Duration>,
    ) -> anyhow::Result<(f64, f64)> {
        let sockets = usize::from(settings.sockets);
        // A server that only passes on also tells the speaker, who is not counted.
        let joins = !settings.header.is_empty();
        let began = Instant::now();
        let (from, mut said) = (self.heard.get(), 0);
        let heard = || self.heard.get() - from;
        let mut moved = Instant::now();
        while began.elapsed() < time {
            let due = match pace {
                None => said * sockets < heard() + WINDOW * sockets,
                Some(pace) => pace * u32::try_from(said)? <= began.elapsed(),
            };
            if due {
                let nanos = u64::try_from(self.began.elapsed().as_nanos())?;
                speaker.write_all(&frames::broadcast(joins, nanos)).await?;
                said += 1;
                moved = Instant::now();
            }
            ensure!(moved.elapsed() < PATIENCE, "what was said is not heard");
            ensure!(
                self.closed.get() == 0,
                "{} sockets were closed",
                self.closed.get()
            );
            match pace {
                Some(_) if !due => tokio::time::sleep(Duration::from_micros(200)).await,
                _ => yield_now().await,
            }
            self.drain(speaker)?;
        }
        let late = Instant::now();
        while heard() < said * sockets {
            ensure!(late.elapsed() < PATIENCE, "what was said is not heard");
            ensure!(
                self.closed.get() == 0,
                "{} sockets were closed",
                self.closed.get()
            );
            tokio::time::sleep(Duration::from_micros(200)).await;
            self.drain(speaker)?;
        }
        let heard = f64::from(u32::try_from(heard())?);
        Ok((heard, began.elapsed().as_secs_f64()))
    }

    fn drain(&self, speaker: &TcpStream) -> anyhow::Result<()> {
        let mut buffer = self.buffer.borrow_mut();
        match speaker.try_read(&mut buffer) {
            Ok(0) => anyhow::bail!("the speaker was closed"),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

async fn listen(stream: TcpStream, crowd: Rc<Crowd>) {
    let mut reader = Reader::default();
    loop {
        if stream.readable().await.is_err() {
            break;
        }
        let mut buffer = crowd.buffer.borrow_mut();
        let seen = match stream.try_read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => reader.read(&buffer[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(_) => break,
        };
        crowd.heard.set(crowd.heard.get() + seen.broadcasts);
        if crowd.timed.get()
            && let Some(said) = seen.moment
        {
            let now = u64::try_from(crowd.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
            let micros = now.saturating_sub(said) / 1_000;
            let micros = u32::try_from(micros).unwrap_or(u32::MAX);
            crowd.micros.borrow_mut().push(micros);
        }
        if seen.closed {
            break;
        }
    }
    crowd.closed.set(crowd.closed.get() + 1);
}

/// Opens a socket, and joins the channel where there is one.
async fn open(settings: &Settings) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(settings.address).await?;
    stream.set_nodelay(true)?;
    let joins = !settings.header.is_empty();
    let header = if joins {
        format!("{}\r\n", settings.header)
    } else {
        String::new()
    };
    let ask = format!(
        "GET {} HTTP/1.1\r\nhost: {}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{header}\r\n",
        settings.path, settings.address
    );
    stream.write_all(ask.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(
            stream
                .read_u8()
                .await
                .context("no answer to the handshake")?,
        );
    }
    let status = head.split(|byte| *byte == b' ').nth(1);
    ensure!(
        status == Some(b"101"),
        "refused: {}",
        String::from_utf8_lossy(&head)
    );
    if joins {
        stream.write_all(&frames::join()).await?;
        let mut reader = Reader::default();
        let mut texts = 0;
        while texts == 0 {
            let byte = stream.read_u8().await.context("no answer to the join")?;
            texts += reader.read(&[byte]).texts;
        }
        // The rest of the answer.
        while !reader.is_between() {
            reader.read(&[stream.read_u8().await?]);
        }
    }
    Ok(stream)
}
