//! What realtime needs from outside: who somebody is, who is told about presence, and who may use
//! which channel.

use async_trait::async_trait;
use kernel::{
    Principal,
    id::{SessionId, UserId},
};
use time::OffsetDateTime;

/// Somebody let in, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    /// Who.
    pub principal: Principal,
    /// When the token or session ends. The socket is asked again then, at the latest.
    pub expires_at: OffsetDateTime,
}

/// Tells who somebody is. Both must check that the session stands now.
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// Who presents this access token; `None` for nobody.
    async fn by_token(&self, token: &str) -> Option<Admitted>;
    /// The session as it stands now; `None` once it is over.
    async fn refresh(&self, session: SessionId) -> Option<Admitted>;
}

/// Is told who is connected to this server.
#[async_trait]
pub trait Online: Send + Sync + 'static {
    /// Somebody's first socket opened.
    async fn came_online(&self, user: UserId);
    /// Somebody's last socket closed, and none opened during the grace.
    async fn went_offline(&self, user: UserId);
}

/// What somebody may do on a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Join it, and hear broadcasts and presence.
    pub read: bool,
    /// Broadcast on it and track presence there.
    pub write: bool,
}

/// Decides who may use a channel. Changes of rows are not its business: tables have their rules.
#[async_trait]
pub trait Channels: Send + Sync + 'static {
    /// What `principal` may do on `topic` (without the `realtime:` prefix).
    async fn access(&self, principal: &Principal, topic: &str, private: bool) -> Access;
}

/// The plain rule: public channels are for everyone signed in; the private channels
/// `user:<id>` and `user:<id>:…` for that user; other private channels for nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct OwnChannels;

#[async_trait]
impl Channels for OwnChannels {
    async fn access(&self, principal: &Principal, topic: &str, private: bool) -> Access {
        let own = || {
            let mut parts = topic.split(':');
            let id = (parts.next() == Some("user"))
                .then(|| parts.next())
                .flatten();
            id.and_then(|id| id.parse().ok()) == Some(principal.user)
        };
        let may = !private || own();
        Access {
            read: may,
            write: may,
        }
    }
}
