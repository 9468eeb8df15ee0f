//! Which sockets a session and a user have open, so that a sign-out or a change of role reaches
//! them at once; and the one clock that all of them share, so that no socket has a timer.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
};

use kernel::{
    Principal,
    id::{SessionId, UserId},
    live::Signal,
};

use super::{Socket, outbox::Fate};

/// The open sockets.
#[derive(Debug, Default)]
pub(crate) struct Sockets(Mutex<Registry>);

#[derive(Debug, Default)]
struct Registry {
    all: HashMap<u64, Arc<Socket>>,
    sessions: HashMap<SessionId, HashMap<u64, Arc<Socket>>>,
    users: HashMap<UserId, HashMap<u64, Arc<Socket>>>,
}

impl Sockets {
    pub(crate) fn opened(&self, socket: &Arc<Socket>) {
        let mut registry = self.registry();
        registry.all.insert(socket.id, Arc::clone(socket));
        gauge(registry.all.len());
    }

    pub(crate) fn closed(&self, socket: &Socket) {
        let mut registry = self.registry();
        registry.all.remove(&socket.id);
        gauge(registry.all.len());
    }

    /// From now on the socket belongs to this principal.
    pub(crate) fn admitted(&self, socket: &Arc<Socket>, principal: &Principal) {
        let mut registry = self.registry();
        let mine = || (socket.id, Arc::clone(socket));
        registry
            .sessions
            .entry(principal.session)
            .or_default()
            .extend([mine()]);
        registry
            .users
            .entry(principal.user)
            .or_default()
            .extend([mine()]);
    }

    /// The socket no longer belongs to this principal.
    pub(crate) fn released(&self, socket: &Socket, principal: &Principal) {
        let mut registry = self.registry();
        let Registry {
            sessions, users, ..
        } = &mut *registry;
        if let Some(open) = sessions.get_mut(&principal.session) {
            open.remove(&socket.id);
            if open.is_empty() {
                sessions.remove(&principal.session);
            }
        }
        if let Some(open) = users.get_mut(&principal.user) {
            open.remove(&socket.id);
            if open.is_empty() {
                users.remove(&principal.user);
            }
        }
    }

    /// Carries a signal to the sockets it concerns.
    pub(crate) fn signal(&self, signal: Signal) {
        let registry = self.registry();
        match signal {
            Signal::SessionEnded(session) => {
                let open = registry
                    .sessions
                    .get(&session)
                    .into_iter()
                    .flat_map(HashMap::values);
                open.for_each(|socket| socket.outbox.doom(Fate::SessionEnded));
            }
            Signal::SessionChanged(session) => {
                let open = registry
                    .sessions
                    .get(&session)
                    .into_iter()
                    .flat_map(HashMap::values);
                open.for_each(|socket| socket.outbox.reauthenticate());
            }
            Signal::UserChanged(user) => {
                let open = registry
                    .users
                    .get(&user)
                    .into_iter()
                    .flat_map(HashMap::values);
                open.for_each(|socket| socket.outbox.reauthenticate());
            }
        }
    }

    /// Has every socket's principal looked up again: signals were missed.
    pub(crate) fn reauthenticate_all(&self) {
        let registry = self.registry();
        registry
            .all
            .values()
            .for_each(|socket| socket.outbox.reauthenticate());
    }

    /// Looks at every socket's clock: the silent ones close, and those whose time has come are
    /// asked again who they are. `now` and `idle` in seconds.
    pub(crate) fn tick(&self, now: u32, idle: u32) {
        let registry = self.registry();
        for socket in registry.all.values() {
            if now.saturating_sub(socket.heard.load(Ordering::Relaxed)) > idle {
                socket.outbox.doom(Fate::Silent);
            } else if now >= socket.recheck.load(Ordering::Relaxed) {
                // The look-up says when the next one is due.
                socket.recheck.store(u32::MAX, Ordering::Relaxed);
                socket.outbox.reauthenticate();
            }
        }
    }

    /// The change stream began or stopped.
    pub(crate) fn stream_changed(&self) {
        let registry = self.registry();
        let sockets = registry.all.values();
        sockets.for_each(|socket| socket.outbox.stream_changed());
    }

    /// Closes every socket: the server stops.
    pub(crate) fn close_all(&self) {
        let registry = self.registry();
        let sockets = registry.all.values();
        sockets.for_each(|socket| socket.outbox.doom(Fate::Restart));
    }

    pub(crate) fn count(&self) -> usize {
        self.registry().all.len()
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge of a count")]
fn gauge(sockets: usize) {
    metrics::gauge!("realtime_sockets").set(sockets as f64);
}
