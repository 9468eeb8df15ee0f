//! The life of a connection: its loop, its principal and its end.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::SinkExt as _;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use super::{bucket::Bucket, channel::Channel};
use crate::{
    Realtime, Shared,
    hub::{
        Socket,
        online::Movement,
        outbox::{Fate, Outbox, Work},
    },
    ports::Admitted,
    protocol::{Incoming, Malformed, Version, frame},
};

/// A connection and everything that hangs on it.
pub(super) struct Connection {
    pub(super) shared: Arc<Shared>,
    pub(super) socket: Arc<Socket>,
    pub(super) channels: HashMap<String, Channel>,
    pub(super) admitted: Option<Admitted>,
    /// Admitted by the browser's session: a token that admits nobody does not take that away.
    pub(super) by_cookie: bool,
    /// The token last accepted, which clients repeat for every channel.
    pub(super) token: Option<String>,
    pub(super) streaming: watch::Receiver<bool>,
    pub(super) joins: Bucket,
    messages: Bucket,
    recheck: Instant,
}

/// Why a connection ends, as its close frame says it. Clients reconnect after any code.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    code: u16,
    reason: &'static str,
}

impl End {
    pub(super) const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason }
    }
}

impl From<Malformed> for End {
    fn from(Malformed(reason): Malformed) -> Self {
        // RFC 6455 §7.4.1: data inconsistent with the type of the message.
        Self::new(1007, reason)
    }
}

/// Phoenix closes a connection that is silent for so long; clients send heartbeats every 25 s.
const IDLE: Duration = Duration::from_mins(1);
/// A session is looked up again at least this often, should a signal ever be missed.
const RECHECK: Duration = Duration::from_mins(5);
/// How long one batch may take to be written.
const WRITE: Duration = Duration::from_secs(20);
/// Frames written between two flushes.
const BATCH: usize = 64;

/// Serves a connection until it ends.
pub(super) async fn serve(
    realtime: Realtime,
    mut websocket: WebSocket,
    version: Version,
    admitted: Option<Admitted>,
) {
    let shared = realtime.shared;
    let limits = shared.limits;
    let socket = Arc::new(Socket {
        id: shared.hub.next_id(),
        version,
        outbox: Outbox::new(limits.outbox_frames, limits.outbox_bytes),
    });
    shared.hub.sockets.opened(&socket);
    let mut connection = Connection {
        streaming: shared.status.watch(),
        shared,
        socket,
        channels: HashMap::new(),
        admitted: None,
        by_cookie: admitted.is_some(),
        token: None,
        joins: Bucket::new(limits.joins_per_second),
        messages: Bucket::new(limits.messages_per_second),
        recheck: Instant::now() + RECHECK,
    };
    if let Some(admitted) = admitted {
        connection.admit(admitted);
    }
    let end = connection.run(&mut websocket).await;
    connection.release();
    if let Some(End { code, reason }) = end {
        let reason = reason.into();
        let close = Message::Close(Some(CloseFrame { code, reason }));
        let mut last = connection.socket.outbox.take();
        last.push_back(close);
        // The client may be gone already; then there is nobody to tell.
        let _ = timeout(Duration::from_secs(2), async {
            for frame in last {
                websocket.feed(frame).await?;
            }
            websocket.flush().await
        })
        .await;
    }
}

impl Connection {
    async fn run(&mut self, websocket: &mut WebSocket) -> Option<End> {
        let socket = Arc::clone(&self.socket);
        let stop = self.shared.stop.clone();
        let mut idle = Instant::now() + IDLE;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Some(End::new(1012, "the server restarts")),
                work = socket.outbox.next() => match work {
                    Work::Write(frames) => {
                        if let Err(end) = write(websocket, &socket, frames).await {
                            return end;
                        }
                    }
                    Work::Reauthenticate => {
                        if let Err(end) = self.reauthenticate().await {
                            return Some(end);
                        }
                    }
                    Work::Close(fate) => return Some(fate.into()),
                },
                message = websocket.recv() => {
                    idle = Instant::now() + IDLE;
                    match message {
                        Some(Ok(message)) => match self.receive(message).await {
                            Ok(true) => {}
                            Ok(false) => return None,
                            Err(end) => return Some(end),
                        },
                        Some(Err(error)) => return too_big(&error),
                        None => return None,
                    }
                }
                Ok(()) = self.streaming.changed() => self.stream_changed(),
                () = sleep_until(self.recheck) => {
                    if let Err(end) = self.reauthenticate().await {
                        return Some(end);
                    }
                }
                () = sleep_until(idle) => return Some(End::new(1000, "no heartbeat")),
            }
        }
    }

    /// Takes one message. False when the client closed.
    async fn receive(&mut self, message: Message) -> Result<bool, End> {
        let version = self.socket.version;
        let incoming = match &message {
            Message::Text(text) => Incoming::Text(frame::parse_text(version, text)?),
            Message::Binary(bytes) => Incoming::Broadcast(frame::parse_binary(version, bytes)?),
            // The library answers pings by itself.
            Message::Ping(_) | Message::Pong(_) => return Ok(true),
            Message::Close(_) => return Ok(false),
        };
        if !self.messages.take(Instant::now()) {
            metrics::counter!("realtime_floods_total").increment(1);
            let topic = match &incoming {
                Incoming::Text(push) => &push.topic,
                Incoming::Broadcast(push) => &push.topic,
            };
            self.system(topic, "system", "error", "Too many messages per second");
            return Err(End::new(1013, "too many messages per second"));
        }
        match incoming {
            Incoming::Text(push) => self.text(push).await?,
            Incoming::Broadcast(push) => self.binary(&push),
        }
        Ok(true)
    }

    /// Makes this principal the connection's own, on all its channels.
    pub(super) fn admit(&mut self, admitted: Admitted) {
        let before = self
            .admitted
            .replace(admitted)
            .map(|before| before.principal);
        let now = admitted.principal;
        let lasting = admitted.expires_at - self.shared.clock.now();
        let lasting = Duration::try_from(lasting).unwrap_or_default();
        self.recheck = Instant::now() + lasting.min(RECHECK);
        if before == Some(now) {
            return;
        }
        self.shared.hub.sockets.admitted(&self.socket, &now);
        self.shared.moved(Movement::Opened(now.user));
        // A signal sent between the look-up and the line above found nobody: look once more.
        self.recheck = Instant::now();
        if let Some(before) = before {
            self.let_go(&before);
            // `let_go` may have taken the new entry too, where user or session are the same.
            self.shared.hub.sockets.admitted(&self.socket, &now);
            self.resubscribe();
        }
    }

    fn let_go(&self, principal: &kernel::Principal) {
        self.shared.hub.sockets.released(&self.socket, principal);
        self.shared.moved(Movement::Closed(principal.user));
    }

    /// Asks again who this is. Whoever is nobody any more is disconnected.
    async fn reauthenticate(&mut self) -> Result<(), End> {
        self.recheck = Instant::now() + RECHECK;
        let Some(known) = self.admitted else {
            return Ok(());
        };
        match self
            .shared
            .authenticator
            .refresh(known.principal.session)
            .await
        {
            Some(admitted) if admitted.expires_at > self.shared.clock.now() => {
                self.admit(admitted);
                self.recheck_access().await;
                Ok(())
            }
            _ => {
                let topics: Vec<String> = self.channels.keys().cloned().collect();
                for topic in topics {
                    self.system(&topic, "system", "error", "Token has expired");
                }
                Err(End::new(1008, "the session is over"))
            }
        }
    }

    /// Ends what hangs on the connection.
    fn release(&mut self) {
        for (_, channel) in std::mem::take(&mut self.channels) {
            channel.leave(&self.shared.hub);
        }
        self.shared.hub.sockets.closed(&self.socket);
        if let Some(admitted) = self.admitted.take() {
            self.let_go(&admitted.principal);
        }
    }

    pub(super) fn push(&self, frame: axum::extract::ws::Utf8Bytes) {
        self.socket.outbox.push(Message::Text(frame));
    }
}

impl From<Fate> for End {
    fn from(fate: Fate) -> Self {
        match fate {
            Fate::Slow => Self::new(1013, "too slow: reconnect and resume"),
            Fate::SessionEnded => Self::new(1008, "the session is over"),
        }
    }
}

/// Writes what waits, in batches: one system call for many frames. `Err(None)` when the client is
/// gone.
async fn write(
    websocket: &mut WebSocket,
    socket: &Socket,
    frames: std::collections::VecDeque<Message>,
) -> Result<(), Option<End>> {
    let writing = async {
        let mut unflushed = 0;
        for frame in frames {
            websocket.feed(frame).await?;
            unflushed += 1;
            if unflushed == BATCH {
                websocket.flush().await?;
                unflushed = 0;
            }
        }
        websocket.flush().await
    };
    tokio::select! {
        biased;
        fate = socket.outbox.doomed() => Err(Some(fate.into())),
        written = timeout(WRITE, writing) => match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_gone)) => Err(None),
            Err(_elapsed) => Err(Some(Fate::Slow.into())),
        },
    }
}

fn too_big(error: &axum::Error) -> Option<End> {
    // The library says by text alone which of its errors this is.
    let text = error.to_string();
    if text.contains("too long") || text.contains("too big") || text.contains("Space limit") {
        return Some(End::new(1009, "the frame is too large"));
    }
    None
}
