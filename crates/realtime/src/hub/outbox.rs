//! What waits to be written to one socket: bounded in frames and in bytes, and all sockets
//! together bounded too.
//!
//! A client too slow to keep up is cut off, because the alternatives are unbounded memory or a
//! silent loss. An idle socket's outbox owns no heap memory and no timer.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use axum::extract::ws::Message;
use futures_util::task::AtomicWaker;

/// Why a socket must close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It did not take what was sent to it.
    Slow,
    /// Its session is over.
    SessionEnded,
    /// It was silent for too long.
    Silent,
    /// The server stops.
    Restart,
}

/// What may wait: for one socket, and for all of them.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    pub(crate) frames: usize,
    pub(crate) bytes: usize,
    /// What waits on this server, in bytes; frames that many sockets share count for each.
    pub(crate) waiting: Arc<AtomicUsize>,
    /// From here on a socket may hold back no more than [`MODEST`].
    pub(crate) everybody: usize,
}

/// What a socket may hold back when the server's memory is short.
const MODEST: usize = 64 * 1024;

/// For so many frames there is room at once where that many came before.
const ROOMY: usize = 64;

/// A socket's outgoing frames.
///
/// What is touched to add one lies in one line of the processor's cache, which no other socket's
/// shares: the state, and whether it is open.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Outbox {
    state: Mutex<State>,
    closed: AtomicBool,
    /// The one task that writes, wherever it waits.
    writer: AtomicWaker,
    room: Arc<Room>,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<Message>,
    bytes: usize,
    /// How many were written together last; where many come, they get their room at once.
    usual: u8,
    reauthenticate: bool,
    stream: bool,
    fate: Option<Fate>,
}

/// What there is to do for a socket.
#[derive(Debug)]
pub(crate) enum Work {
    /// Frames to write.
    Write(VecDeque<Message>),
    /// The principal may have changed.
    Reauthenticate,
    /// The change stream began or stopped.
    Stream,
    /// Close, and write nothing more.
    Close(Fate),
}

impl Outbox {
    pub(crate) fn new(room: Arc<Room>) -> Self {
        Self {
            state: Mutex::default(),
            closed: AtomicBool::new(false),
            writer: AtomicWaker::new(),
            room,
        }
    }

    /// Whether frames are still added. Asked without the lock: one that closes at this moment may
    /// seem open, and then refuses what it is given.
    pub(crate) fn is_open(&self) -> bool {
        !self.closed.load(Ordering::Relaxed)
    }

    /// Adds a frame; dooms the socket if there is no room for it.
    pub(crate) fn push(&self, frame: Message) {
        let size = match &frame {
            Message::Text(text) => text.len(),
            Message::Binary(bytes) => bytes.len(),
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => 0,
        };
        let mut state = self.state();
        if state.fate.is_some() {
            return;
        }
        let room = &*self.room;
        let bytes = state.bytes + size;
        let crowded =
            bytes > MODEST && room.waiting.load(Ordering::Relaxed) + size > room.everybody;
        if state.frames.len() >= room.frames || bytes > room.bytes || crowded {
            drop(state);
            metrics::counter!("realtime_slow_consumers_total").increment(1);
            self.doom(Fate::Slow);
            return;
        }
        room.waiting.fetch_add(size, Ordering::Relaxed);
        state.bytes = bytes;
        if state.frames.capacity() == 0 {
            let usual = usize::from(state.usual);
            state.frames.reserve_exact(usual);
        }
        state.frames.push_back(frame);
        let first = state.frames.len() == 1;
        drop(state);
        if first {
            self.writer.wake();
        }
    }

    /// Asks for the principal to be looked up again.
    pub(crate) fn reauthenticate(&self) {
        self.state().reauthenticate = true;
        self.writer.wake();
    }

    /// Tells that the change stream began or stopped.
    pub(crate) fn stream_changed(&self) {
        self.state().stream = true;
        self.writer.wake();
    }

    /// Lets the socket close; nothing is added any more. What waits for a slow
    /// one, or for one that is nobody any more, is dropped at once.
    pub(crate) fn doom(&self, fate: Fate) {
        let mut state = self.state();
        state.fate.get_or_insert(fate);
        self.closed.store(true, Ordering::Relaxed);
        if matches!(fate, Fate::Slow | Fate::SessionEnded) {
            self.empty(&mut state);
        }
        drop(state);
        self.writer.wake();
    }

    /// Waits for something to do. Nothing is lost if this future is dropped.
    pub(crate) async fn next(&self) -> Work {
        poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(&self, context: &Context<'_>) -> Poll<Work> {
        if let Some(work) = self.work() {
            return Poll::Ready(work);
        }
        self.writer.register(context.waker());
        // What came between the look and the registration woke nobody.
        self.work().map_or(Poll::Pending, Poll::Ready)
    }

    fn work(&self) -> Option<Work> {
        let mut state = self.state();
        if let Some(fate) = state.fate {
            return Some(Work::Close(fate));
        }
        if std::mem::take(&mut state.reauthenticate) {
            return Some(Work::Reauthenticate);
        }
        if std::mem::take(&mut state.stream) {
            return Some(Work::Stream);
        }
        (!state.frames.is_empty()).then(|| Work::Write(self.empty(&mut state)))
    }

    /// Takes what waits, at the end.
    pub(crate) fn take(&self) -> VecDeque<Message> {
        self.empty(&mut self.state())
    }

    fn empty(&self, state: &mut State) -> VecDeque<Message> {
        self.room.waiting.fetch_sub(state.bytes, Ordering::Relaxed);
        state.bytes = 0;
        state.usual = u8::try_from(state.frames.len().min(ROOMY)).unwrap_or_default();
        std::mem::take(&mut state.frames)
    }

    /// Waits for the socket's doom; by the one task that also calls [`Outbox::next`].
    pub(crate) async fn doomed(&self) -> Fate {
        poll_fn(|context| {
            self.writer.register(context.waker());
            self.state().fate.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        drop(self.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(bytes: usize, everybody: usize) -> Arc<Room> {
        Arc::new(Room {
            frames: 2,
            bytes,
            waiting: Arc::default(),
            everybody,
        })
    }

    #[tokio::test]
    async fn a_full_outbox_dooms_its_socket_and_frees_its_memory() {
        let room = room(10, 1000);
        let outbox = Outbox::new(Arc::clone(&room));
        outbox.push(Message::text("12345"));
        outbox.push(Message::text("12345"));
        assert_eq!(room.waiting.load(Ordering::Relaxed), 10);
        assert!(matches!(outbox.next().await, Work::Write(frames) if frames.len() == 2));
        outbox.push(Message::text("12345678901"));
        assert_eq!(outbox.doomed().await, Fate::Slow);
        outbox.push(Message::text("1"));
        assert!(matches!(outbox.next().await, Work::Close(Fate::Slow)));
        assert_eq!(room.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn when_memory_is_short_the_hungriest_go_first() {
        let room = room(1 << 20, 200 * 1024);
        let (hungry, modest) = (
            Outbox::new(Arc::clone(&room)),
            Outbox::new(Arc::clone(&room)),
        );
        hungry.push(Message::text("x".repeat(150 * 1024)));
        modest.push(Message::text("x".repeat(60 * 1024)));
        assert!(matches!(modest.next().await, Work::Write(_)));
        modest.push(Message::text("x".repeat(60 * 1024)));
        hungry.push(Message::text("x"));
        assert!(matches!(hungry.next().await, Work::Close(Fate::Slow)));
        assert!(matches!(modest.next().await, Work::Write(_)));
        modest.push(Message::text("x"));
        drop((hungry, modest));
        assert_eq!(room.waiting.load(Ordering::Relaxed), 0);
    }
}
