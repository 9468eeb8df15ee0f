//! What the change stream may show to whom: each domain declares its published tables
//! beside their SQL, and tells of sign-outs and role changes that must bind at once.

use crate::{
    id::{SessionId, UserId},
    principal::Permission,
};
use tokio::sync::broadcast;

/// A table whose changes reach sockets. It must be in the publication `portico_live`.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// The domain's schema.
    pub schema: &'static str,
    /// The table.
    pub name: &'static str,
    /// A row may be seen when any of these holds.
    pub rules: &'static [Rule],
}

/// Who may see a row.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// The user whose id stands in this column.
    Owner {
        /// A `uuid` column, part of the replica identity.
        column: &'static str,
    },
    /// Everyone with this permission.
    Permission(Permission),
    /// Everyone who is signed in.
    Everyone,
}

/// A family of private channels and who may use them. Each domain declares its own beside its
/// tables; a private channel that none declared is nobody's.
#[derive(Debug, Clone, Copy)]
pub struct Channel {
    /// Segments between colons: themselves, `{user}` for the id of the user whom it belongs to,
    /// or a last `*` for any rest that is not empty. `user:{user}:*` is `user:<id>:a:b`, too.
    pub name: &'static str,
    /// Who may join, and hear broadcasts and presence.
    pub read: Who,
    /// Who may broadcast and be present.
    pub write: Who,
}

/// Who may do something on a private channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The user whose id stands in the channel's name.
    Owner,
    /// Everyone with this permission.
    Permission(Permission),
    /// Everyone who is signed in.
    Everyone,
    /// Only the server itself.
    Server,
}

/// Something that binds open sockets and caches at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// The session is over: its sockets close.
    SessionEnded(SessionId),
    /// What the session may do changed, or it is over: its sockets are asked again who they are.
    SessionChanged(SessionId),
    /// Roles or status changed: the user's sockets are asked again who they are.
    UserChanged(UserId),
}

/// Where signals are sent and heard, within one server.
#[derive(Debug, Clone)]
pub struct Signals(broadcast::Sender<Signal>);

impl Default for Signals {
    fn default() -> Self {
        Self(broadcast::channel(1024).0)
    }
}

impl Signals {
    /// A session is over.
    pub fn session_ended(&self, session: SessionId) {
        self.send(Signal::SessionEnded(session));
    }

    /// What a session may do changed, or it is over: said by whoever only hears that something
    /// did, as from another server.
    pub fn session_changed(&self, session: SessionId) {
        self.send(Signal::SessionChanged(session));
    }

    /// A user's roles or status changed.
    pub fn user_changed(&self, user: UserId) {
        self.send(Signal::UserChanged(user));
    }

    /// Hears what follows. A receiver that lags must re-check everything it holds.
    pub fn subscribe(&self) -> broadcast::Receiver<Signal> {
        self.0.subscribe()
    }

    fn send(&self, signal: Signal) {
        // Nobody listening is fine: there are no sockets then.
        let _ = self.0.send(signal);
    }
}
