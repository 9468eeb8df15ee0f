//! What realtime needs from outside: who somebody is, who is told about presence, and who may use
//! which channel.

use async_trait::async_trait;
use kernel::{
    Principal,
    id::{SessionId, UserId},
    live::{Channel, Who},
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

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// It is no token at all.
    Malformed,
    /// It is a token, and nobody who is trusted here signed it.
    Forged,
    /// It was good, and its time is over.
    Expired,
    /// It is good, and its session is over or its owner may not come in.
    Refused,
    /// That cannot be found out now. It says nothing about the token: ask again.
    Unavailable,
}

/// Tells who somebody is. Both must check that the session stands now.
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// Who presents this access token.
    async fn by_token(&self, token: &str) -> Result<Admitted, Denied>;
    /// The session as it stands now.
    async fn refresh(&self, session: SessionId) -> Result<Admitted, Denied>;
}

/// How somebody is seen on this server, all their tabs and devices together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// They look at a page.
    Online,
    /// They have pages open, and look at none.
    Away,
    /// They have none.
    Offline,
}

/// Is told who is connected to this server.
#[async_trait]
pub trait Online: Send + Sync + 'static {
    /// How these users are seen from now on. False if that could not be noted; it is said again.
    async fn seen(&self, users: &[(UserId, Seen)]) -> bool;
    /// At the start: nobody is connected to this server yet.
    async fn begin(&self) {}
    /// Regularly: this server lives. What servers had open that have died is over. True if this
    /// one was thought dead: everybody is told again.
    async fn beat(&self) -> bool {
        false
    }
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

/// What the domains declared: public channels are for everyone signed in, private ones for whom
/// their declaration names.
#[derive(Debug, Clone, Default)]
pub struct DeclaredChannels(pub Vec<Channel>);

#[async_trait]
impl Channels for DeclaredChannels {
    async fn access(&self, principal: &Principal, topic: &str, private: bool) -> Access {
        // Who acts in somebody's place hears what they hear, and is not present for them.
        let speaks = principal.acting.is_none();
        if !private {
            return Access {
                read: true,
                write: speaks,
            };
        }
        let mut access = Access {
            read: false,
            write: false,
        };
        for channel in &self.0 {
            if let Some(owner) = named(channel.name, topic) {
                let may = |who| match who {
                    Who::Owner => owner == Some(principal.user),
                    Who::Permission(permission) => principal.permissions.contains(permission),
                    Who::Everyone => true,
                    Who::Server => false,
                };
                access.read |= may(channel.read);
                access.write |= speaks && may(channel.write);
            }
        }
        access
    }
}

/// Whether a topic is of this family, and whose it is.
#[expect(
    clippy::option_option,
    reason = "not of this family, of nobody, of somebody: three answers to two questions"
)]
fn named(name: &str, topic: &str) -> Option<Option<UserId>> {
    let mut owner = None;
    let mut rest = topic.split(':');
    for segment in name.split(':') {
        let said = rest.next()?;
        match segment {
            "*" => return (!said.is_empty()).then_some(owner),
            "{user}" => owner = Some(said.parse().ok()?),
            plain if plain == said => {}
            _ => return None,
        }
    }
    rest.next().is_none().then_some(owner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Permission;

    #[test]
    fn a_private_channel_is_for_whom_it_was_declared() {
        let user = UserId::new();
        let own = format!("user:{user}");
        assert_eq!(named("user:{user}", &own), Some(Some(user)));
        assert_eq!(named("user:{user}", &format!("{own}:x")), None);
        assert_eq!(
            named("user:{user}:*", &format!("{own}:x:y")),
            Some(Some(user))
        );
        assert_eq!(named("user:{user}:*", &format!("{own}:")), None);
        assert_eq!(named("user:{user}:*", &own), None);
        assert_eq!(named("user:{user}", "user:me"), None);
        assert_eq!(named("staff:*", "staff:desk"), Some(None));
        assert_eq!(named("staff", "staff"), Some(None));
        assert_eq!(named("staff", ""), None);
    }

    #[tokio::test]
    async fn what_nobody_declared_is_nobodys() {
        let channels = DeclaredChannels(vec![
            Channel {
                name: "user:{user}",
                read: Who::Owner,
                write: Who::Server,
            },
            Channel {
                name: "staff",
                read: Who::Everyone,
                write: Who::Permission(Permission::UsersRead),
            },
        ]);
        let ada = Principal {
            user: UserId::new(),
            session: SessionId::new(),
            permissions: [].into_iter().collect(),
            authenticated_at: OffsetDateTime::UNIX_EPOCH,
            second_factor_due: false,
            acting: None,
        };
        let may = async |topic: &str, private| {
            let Access { read, write } = channels.access(&ada, topic, private).await;
            (read, write)
        };
        assert_eq!(may("anything", false).await, (true, true));
        assert_eq!(may("anything", true).await, (false, false));
        assert_eq!(
            may(&format!("user:{}", ada.user), true).await,
            (true, false)
        );
        assert_eq!(
            may(&format!("user:{}", UserId::new()), true).await,
            (false, false)
        );
        assert_eq!(may("staff", true).await, (true, false));
    }
}
