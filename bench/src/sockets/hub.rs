//! Realtime alone: its sockets, hub and channels as Portico has them, without the server around
//! them and without a database. Everybody is let in.

use async_trait::async_trait;
use kernel::{
    Clock, Principal,
    id::{SessionId, UserId},
    live::Signals,
    tasks::Tasks,
};
use realtime::{
    Admitted, Authenticator, Config, DeclaredChannels, Denied, Online, Ports, Realtime, Seen,
};
use std::{net::Ipv4Addr, sync::Arc};
use time::{Duration, OffsetDateTime};

struct Anybody(Principal);

impl Anybody {
    fn admitted(&self) -> Admitted {
        Admitted {
            principal: self.0,
            expires_at: Clock::system().now() + Duration::DAY,
        }
    }
}

#[async_trait]
impl Authenticator for Anybody {
    async fn by_token(&self, _: &str) -> Result<Admitted, Denied> {
        Ok(self.admitted())
    }

    async fn refresh(&self, _: SessionId) -> Result<Admitted, Denied> {
        Ok(self.admitted())
    }
}

#[async_trait]
impl Online for Anybody {
    async fn seen(&self, _: &[(UserId, Seen)]) -> bool {
        true
    }
}

/// Serves until it is killed; prints where.
pub(crate) async fn serve() -> anyhow::Result<()> {
    super::raise_file_limit();
    let anybody = || {
        Arc::new(Anybody(Principal {
            user: UserId::new(),
            session: SessionId::new(),
            permissions: [].into_iter().collect(),
            authenticated_at: OffsetDateTime::UNIX_EPOCH,
            second_factor_due: false,
        }))
    };
    // Nobody listens on this port, so there is no stream of changes to disturb.
    let mut config = Config::new("postgres://127.0.0.1:1/none".parse()?, Vec::new());
    config.limits.messages_per_second = u16::MAX;
    config.limits.idle_seconds = 600;
    let ports = Ports {
        authenticator: anybody(),
        online: anybody(),
        channels: Arc::new(DeclaredChannels::default()),
        signals: Signals::default(),
    };
    let realtime = Realtime::new(config, ports, &Tasks::new(), Clock::system())?;
    realtime.start();
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{}", listener.local_addr()?);
    axum::serve(listener, realtime.router()).await?;
    Ok(())
}
