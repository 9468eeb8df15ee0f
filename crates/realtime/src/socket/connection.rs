//! The life of a connection: its loop, its principal and its end.

use std::{
    collections::{HashMap, VecDeque},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::SinkExt as _;
use time::OffsetDateTime;
use tokio::time::timeout;

use super::{bucket::Bucket, channel::Channel};
use crate::{
    Realtime, Shared,
    hub::{
        Socket,
        online::Movement,
        outbox::{Fate, Outbox, Work},
    },
    ports::{Admitted, Denied},
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
    /// The page is not looked at: its owner is away, unless they look at another.
    pub(super) hidden: bool,
    /// The token last accepted, which clients repeat for every channel.
    pub(super) token: Option<Box<str>>,
    /// When that is over; with it goes what it opened.
    pub(super) token_ends: Option<OffsetDateTime>,
    /// Since when it cannot be found out whether the session stands, in the hub's seconds.
    doubted_since: Option<u32>,
    pub(super) joins: Bucket,
    pub(super) presences: Bucket,
    messages: Bucket,
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

    /// The reason, with a hint when to come back where many leave at once. RFC 6455 §5.5.1 leaves
    /// 123 bytes for it.
    fn reason(self, shared: &Shared) -> String {
        match self.code {
            1012 | 1013 => {
                let wait = shared.admission.retry_after(shared.hub.sockets.count());
                format!("{}; retry in {} ms", self.reason, wait.as_millis())
            }
            _ => self.reason.into(),
        }
    }
}

impl From<Malformed> for End {
    fn from(Malformed(reason): Malformed) -> Self {
        // RFC 6455 §7.4.1: data inconsistent with the type of the message.
        Self::new(1007, reason)
    }
}

/// A session is looked up again at least this often, should a signal ever be missed.
const RECHECK: Duration = Duration::from_mins(5);
/// How soon again where the database did not answer, and for how many seconds at most.
const DOUBT_RECHECK: Duration = Duration::from_secs(2);
const DOUBT: u32 = 60;
/// How long one batch may take to be written.
const WRITE: Duration = Duration::from_secs(20);
/// How long a client may take to hear why it is closed.
const LAST_WORDS: Duration = Duration::from_secs(2);
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
    let mut connection = Connection::open(shared, version, admitted);
    let end = connection.run(&mut websocket).await;
    connection.release();
    if let Some(end) = end {
        close(&connection, &mut websocket, end).await;
    }
}

/// Says what still waits and why this is the end.
async fn close(connection: &Connection, websocket: &mut WebSocket, end: End) {
    let close = Message::Close(Some(CloseFrame {
        code: end.code,
        reason: end.reason(&connection.shared).into(),
    }));
    let mut last = connection.socket.outbox.take();
    last.push_back(close);
    // The client may be gone already; then there is nobody to tell. Boxed: no idle socket should
    // carry the room for its end.
    let saying = Box::pin(async {
        for frame in last {
            websocket.feed(frame).await?;
        }
        websocket.flush().await
    });
    let _ = timeout(LAST_WORDS, saying).await;
}

impl Connection {
    fn open(shared: Arc<Shared>, version: Version, admitted: Option<Admitted>) -> Self {
        let limits = &shared.limits;
        let now = shared.hub.seconds();
        let socket = Arc::new(Socket {
            id: shared.hub.next_id(),
            version,
            outbox: Outbox::new(Arc::clone(&shared.room)),
            heard: AtomicU32::new(now),
            recheck: AtomicU32::new(u32::MAX),
        });
        shared.hub.sockets.opened(&socket);
        if shared.stop.is_cancelled() {
            // Whoever closes all of them may have been a moment earlier.
            socket.outbox.doom(Fate::Restart);
        }
        let mut connection = Self {
            joins: Bucket::new(limits.joins_per_second),
            presences: Bucket::new(limits.presences_per_second),
            messages: Bucket::new(limits.messages_per_second),
            shared,
            socket,
            channels: HashMap::new(),
            admitted: None,
            by_cookie: admitted.is_some(),
            hidden: false,
            token: None,
            token_ends: None,
            doubted_since: None,
        };
        if let Some(admitted) = admitted {
            connection.admit(admitted);
        }
        connection
    }

    async fn run(&mut self, websocket: &mut WebSocket) -> Option<End> {
        let socket = Arc::clone(&self.socket);
        loop {
            let message = tokio::select! {
                biased;
                work = socket.outbox.next() => {
                    match work {
                        Work::Write(frames) => {
                            if let Err(end) = write(websocket, &socket, frames).await {
                                return end;
                            }
                        }
                        Work::Close(fate) => return Some(fate.into()),
                        // Rare and large: boxed, so that no idle socket carries the room for it.
                        Work::Reauthenticate => {
                            if let Err(end) = Box::pin(self.reauthenticate()).await {
                                return Some(end);
                            }
                        }
                        Work::Stream => Box::pin(self.stream_changed()).await,
                    }
                    continue;
                }
                message = websocket.recv() => message,
                // Nothing waits to be written: the next of the past.
                () = std::future::ready(()), if self.is_replaying() => {
                    self.replay();
                    continue;
                }
            };
            let now = self.shared.hub.seconds();
            socket.heard.store(now, Ordering::Relaxed);
            match message {
                // The library answers pings by itself.
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                // The library has an answer ready, which somebody must send.
                Some(Ok(Message::Close(_))) => {
                    let _ = timeout(LAST_WORDS, websocket.flush()).await;
                    return None;
                }
                None => return None,
                Some(Ok(message)) => {
                    if let Err(end) = Box::pin(self.receive(message)).await {
                        return Some(end);
                    }
                }
                Some(Err(error)) => return end_of(&error),
            }
        }
    }

    /// Takes one message.
    async fn receive(&mut self, message: Message) -> Result<(), End> {
        let version = self.socket.version;
        let incoming = match &message {
            Message::Text(text) => Incoming::Text(frame::parse_text(version, text)?),
            Message::Binary(bytes) => Incoming::Broadcast(frame::parse_binary(version, bytes)?),
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return Ok(()),
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
            Incoming::Text(push) => self.text(push).await,
            Incoming::Broadcast(push) => {
                self.binary(&push).await;
                Ok(())
            }
        }
    }

    /// Makes this principal the connection's own, on all its channels.
    pub(super) fn admit(&mut self, admitted: Admitted) {
        self.doubted_since = None;
        let before = self
            .admitted
            .replace(admitted)
            .map(|before| before.principal);
        let now = admitted.principal;
        let ends = admitted.expires_at;
        let ends = self.token_ends.map_or(ends, |token| token.min(ends));
        let lasting = ends - self.shared.clock.now();
        let lasting = Duration::try_from(lasting).unwrap_or_default();
        // A second later, so that it is over by then.
        self.recheck_in(lasting.min(RECHECK) + Duration::from_secs(1));
        if before == Some(now) {
            return;
        }
        self.shared.hub.sockets.admitted(&self.socket, &now);
        self.moved(&now, Movement::Opened(now.user, self.hidden));
        // A signal sent between the look-up and the line above found nobody: look once more.
        self.socket.outbox.reauthenticate();
        if let Some(before) = before {
            self.let_go(&before);
            // `let_go` may have taken the new entry too, where user or session are the same.
            self.shared.hub.sockets.admitted(&self.socket, &now);
            self.resubscribe();
        }
    }

    /// The page is looked at, or not any more.
    pub(super) fn seen(&mut self, hidden: bool) {
        if hidden != self.hidden {
            self.hidden = hidden;
            if let Some(Admitted { principal, .. }) = self.admitted {
                self.moved(&principal, Movement::Turned(principal.user, hidden));
            }
        }
    }

    fn recheck_in(&self, time: Duration) {
        let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        let at = self.shared.hub.seconds().saturating_add(seconds);
        self.socket.recheck.store(at, Ordering::Relaxed);
    }

    fn let_go(&self, principal: &kernel::Principal) {
        self.shared.hub.sockets.released(&self.socket, principal);
        let closed = Movement::Closed(principal.user, self.hidden);
        self.moved(principal, closed);
    }

    /// Nobody is online because somebody else acts in their place.
    fn moved(&self, principal: &kernel::Principal, movement: Movement) {
        if principal.acting.is_none() {
            self.shared.moved(movement);
        }
    }

    /// Asks again who this is. Whoever is nobody any more is disconnected.
    async fn reauthenticate(&mut self) -> Result<(), End> {
        self.recheck_in(RECHECK);
        let Some(known) = self.admitted else {
            return Ok(());
        };
        if self
            .token_ends
            .is_some_and(|ends| ends <= self.shared.clock.now())
        {
            self.token_over(known);
            return Ok(());
        }
        let session = known.principal.session;
        match self.shared.authenticator.refresh(session).await {
            Ok(admitted) if admitted.expires_at > self.shared.clock.now() => {
                self.admit(admitted);
                self.recheck_access().await;
                Ok(())
            }
            // A database that restarts ends nobody's session; but nobody stays for long on a word
            // that cannot be checked.
            Err(Denied::Unavailable) => {
                let now = self.shared.hub.seconds();
                if now - *self.doubted_since.get_or_insert(now) >= DOUBT {
                    return Err(End::new(1013, "who is here cannot be looked up"));
                }
                self.recheck_in(DOUBT_RECHECK);
                Ok(())
            }
            Ok(_) | Err(_) => {
                let topics: Vec<String> = self.channels.keys().cloned().collect();
                for topic in topics {
                    self.system(&topic, "system", "error", "Token has expired");
                }
                Err(End::new(1008, "the session is over"))
            }
        }
    }

    /// The token is over. The channels it opened end so that a client joins them again, with the
    /// new one that it has by then.
    fn token_over(&mut self, known: Admitted) {
        (self.admitted, self.token, self.token_ends) = (None, None, None);
        let topics: Vec<String> = self.channels.keys().cloned().collect();
        for topic in topics {
            self.expel(&topic, "Token has expired");
        }
        self.let_go(&known.principal);
    }

    /// Ends what hangs on the connection.
    fn release(&mut self) {
        for (_, channel) in std::mem::take(&mut self.channels) {
            channel.leave(&self.shared);
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
            Fate::Slow => Self::new(1013, "too slow"),
            Fate::SessionEnded => Self::new(1008, "the session is over"),
            Fate::Silent => Self::new(1000, "no heartbeat"),
            Fate::Restart => Self::new(1012, "the server restarts"),
        }
    }
}

/// Writes what waits, in batches: one system call for many frames. `Err(None)` when the client is
/// gone.
async fn write(
    websocket: &mut WebSocket,
    socket: &Socket,
    frames: VecDeque<Message>,
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
    let mut writing = pin!(writing);
    // Nearly always it is done at once, and nobody has to look at a clock.
    if let Poll::Ready(written) = futures_util::poll!(writing.as_mut()) {
        return written.map_err(|_gone| None);
    }
    tokio::select! {
        biased;
        written = timeout(WRITE, writing) => match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_gone)) => Err(None),
            Err(_elapsed) => Err(Some(Fate::Slow.into())),
        },
        fate = socket.outbox.doomed() => Err(Some(fate.into())),
    }
}

/// What a failed read means for the client: RFC 6455 §7.4.1.
fn end_of(error: &axum::Error) -> Option<End> {
    // The library says by text alone which of its errors this is.
    let text = error.to_string();
    if text.contains("protocol error") {
        return Some(End::new(1002, "not the WebSocket protocol"));
    }
    if text.contains("too long") || text.contains("too big") || text.contains("Space limit") {
        return Some(End::new(1009, "the frame is too large"));
    }
    if text.contains("UTF-8") {
        return Some(End::new(1007, "the text is not UTF-8"));
    }
    None
}
