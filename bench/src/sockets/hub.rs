//! Realtime alone: its stream, hub, channels and sockets as Portico has them, without the rest of
//! the server around them. Everybody is let in: a token is its owner's id.

use super::cluster::{PUBLICATION, SLOT};
use async_trait::async_trait;
use axum::serve::ListenerExt;
use kernel::{
    Clock, Principal,
    id::{SessionId, UserId},
    live::{Rule, Signals, Table},
    tasks::Tasks,
};
use realtime::{
    Admitted, Authenticator, Config, DeclaredChannels, Denied, Online, Ports, Realtime, Seen,
};
use std::{net::Ipv4Addr, path::PathBuf, sync::Arc};
use time::{Duration, OffsetDateTime};

/// Which server.
#[derive(Debug, clap::Args)]
pub(crate) struct Settings {
    /// The folder of PostgreSQL's socket. Without it there are no changes.
    #[arg(long)]
    database: Option<PathBuf>,
}

const OWNED: &[Rule] = &[Rule::Owner { column: "owner" }];
const TABLES: [Table; 4] = [
    table("news", &[Rule::Everyone]),
    table("orders", OWNED),
    table("accounts", OWNED),
    table("history", OWNED),
];

const fn table(name: &'static str, rules: &'static [Rule]) -> Table {
    Table {
        schema: "bench",
        name,
        rules,
    }
}

struct Anybody;

fn admitted(user: UserId, session: SessionId) -> Admitted {
    Admitted {
        principal: Principal {
            user,
            session,
            permissions: [].into_iter().collect(),
            authenticated_at: OffsetDateTime::UNIX_EPOCH,
            second_factor_due: false,
            acting: None,
        },
        expires_at: Clock::system().now() + Duration::DAY,
    }
}

#[async_trait]
impl Authenticator for Anybody {
    async fn by_token(&self, token: &str) -> Result<Admitted, Denied> {
        let user = token.parse().unwrap_or_default();
        Ok(admitted(UserId(user), SessionId(user)))
    }

    async fn refresh(&self, session: SessionId) -> Result<Admitted, Denied> {
        Ok(admitted(UserId(session.0), session))
    }
}

#[async_trait]
impl Online for Anybody {
    async fn seen(&self, _: &[(UserId, Seen)]) -> bool {
        true
    }
}

/// Serves until it is killed; prints where, once changes are streaming.
pub(crate) async fn serve(settings: Settings) -> anyhow::Result<()> {
    super::raise_file_limit();
    let database = match &settings.database {
        Some(socket) => {
            let folder = socket.display();
            format!("postgres://postgres@localhost/postgres?host={folder}&sslmode=disable")
        }
        // Nobody listens on this port, so there is no stream of changes to disturb.
        None => "postgres://127.0.0.1:1/none".into(),
    };
    let mut config = Config::new(database.parse()?, TABLES.to_vec());
    config.slot_name = SLOT.into();
    config.publication = PUBLICATION.into();
    config.limits.messages_per_second = u16::MAX;
    config.limits.idle_seconds = 600;
    let ports = Ports {
        authenticator: Arc::new(Anybody),
        online: Arc::new(Anybody),
        channels: Arc::new(DeclaredChannels::default()),
        signals: Signals::default(),
    };
    let realtime = Realtime::new(config, ports, &Tasks::new(), Clock::system())?;
    realtime.start();
    if settings.database.is_some() {
        realtime.streaming().await;
    }
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{}", listener.local_addr()?);
    // As the server does.
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    axum::serve(listener, realtime.router()).await?;
    Ok(())
}
