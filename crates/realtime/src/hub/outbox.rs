//! What waits to be written to one socket: bounded in frames and in bytes.
//!
//! A client too slow to keep up is cut off, because the alternatives are unbounded memory or a
//! silent loss. An idle socket's outbox owns no heap memory.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::extract::ws::Message;
use tokio::sync::Notify;

/// Why a socket must close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It did not take what was sent to it.
    Slow,
    /// Its session is over.
    SessionEnded,
}

/// A socket's outgoing frames.
#[derive(Debug)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    /// Wakes the writer.
    filled: Notify,
    /// Wakes a writer that is stuck in the middle of writing.
    doomed: Notify,
    max_frames: usize,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<Message>,
    bytes: usize,
    reauthenticate: bool,
    fate: Option<Fate>,
}

/// What there is to do for a socket.
#[derive(Debug)]
pub(crate) enum Work {
    /// Frames to write.
    Write(VecDeque<Message>),
    /// The principal may have changed.
    Reauthenticate,
    /// Close, and write nothing more.
    Close(Fate),
}

impl Outbox {
    pub(crate) fn new(max_frames: usize, max_bytes: usize) -> Self {
        Self {
            state: Mutex::default(),
            filled: Notify::new(),
            doomed: Notify::new(),
            max_frames,
            max_bytes,
        }
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
        if state.frames.len() >= self.max_frames || state.bytes + size > self.max_bytes {
            drop(state);
            metrics::counter!("realtime_slow_consumers_total").increment(1);
            self.doom(Fate::Slow);
            return;
        }
        state.bytes += size;
        state.frames.push_back(frame);
        let first = state.frames.len() == 1;
        drop(state);
        if first {
            self.filled.notify_one();
        }
    }

    /// Asks for the principal to be looked up again.
    pub(crate) fn reauthenticate(&self) {
        self.state().reauthenticate = true;
        self.filled.notify_one();
    }

    /// Lets the socket close at once; what waits is dropped and nothing is added any more.
    pub(crate) fn doom(&self, fate: Fate) {
        let mut state = self.state();
        state.fate.get_or_insert(fate);
        state.frames = VecDeque::new();
        state.bytes = 0;
        drop(state);
        self.filled.notify_one();
        self.doomed.notify_one();
    }

    /// Waits for something to do. Nothing is lost if this future is dropped.
    pub(crate) async fn next(&self) -> Work {
        loop {
            {
                let mut state = self.state();
                if let Some(fate) = state.fate {
                    return Work::Close(fate);
                }
                if std::mem::take(&mut state.reauthenticate) {
                    return Work::Reauthenticate;
                }
                if !state.frames.is_empty() {
                    state.bytes = 0;
                    return Work::Write(std::mem::take(&mut state.frames));
                }
            }
            self.filled.notified().await;
        }
    }

    /// Takes what waits, at the end.
    pub(crate) fn take(&self) -> VecDeque<Message> {
        std::mem::take(&mut self.state().frames)
    }

    /// Waits for the socket's doom.
    pub(crate) async fn doomed(&self) -> Fate {
        loop {
            if let Some(fate) = self.state().fate {
                return fate;
            }
            self.doomed.notified().await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_outbox_dooms_its_socket_and_frees_its_memory() {
        let outbox = Outbox::new(2, 10);
        outbox.push(Message::text("12345"));
        outbox.push(Message::text("12345"));
        assert!(matches!(outbox.next().await, Work::Write(frames) if frames.len() == 2));
        outbox.push(Message::text("12345678901"));
        assert_eq!(outbox.doomed().await, Fate::Slow);
        outbox.push(Message::text("1"));
        assert!(matches!(outbox.next().await, Work::Close(Fate::Slow)));
    }
}
