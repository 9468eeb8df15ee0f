//! The least that a server of sockets does: a task for each, a shared message, batches of at most
//! 64 frames and one flush. No channels, nobody to authorise, no limits, no slow clients cut off.

use axum::{
    Router,
    body::Bytes,
    extract::{
        State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    routing::any,
    serve::ListenerExt,
};
use futures_util::SinkExt;
use std::net::Ipv4Addr;
use tokio::sync::broadcast::{self, error::RecvError};

const BATCH: usize = 64;

/// Serves until it is killed; prints where.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let (all, _) = broadcast::channel::<Bytes>(4_096);
    let open = |State(all): State<broadcast::Sender<Bytes>>, upgrade: WebSocketUpgrade| async move {
        let upgrade = upgrade.read_buffer_size(1024);
        upgrade.on_upgrade(move |socket| async move {
            // A client that is gone is no fault.
            let _ = pass_on(socket, all).await;
        })
    };
    let app = Router::new().route("/", any(open)).with_state(all);
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{}", listener.local_addr()?);
    // As the server does.
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    axum::serve(listener, app).await?;
    Ok(())
}

async fn pass_on(mut socket: WebSocket, all: broadcast::Sender<Bytes>) -> Result<(), axum::Error> {
    let mut heard = all.subscribe();
    loop {
        tokio::select! {
            first = heard.recv() => {
                match first {
                    Ok(first) => socket.feed(Message::Binary(first)).await?,
                    Err(RecvError::Lagged(_)) => continue,
                    Err(RecvError::Closed) => return Ok(()),
                }
                for _ in 1..BATCH {
                    let Ok(next) = heard.try_recv() else { break };
                    socket.feed(Message::Binary(next)).await?;
                }
                socket.flush().await?;
            }
            said = socket.recv() => match said {
                Some(Ok(Message::Binary(said))) => {
                    let _ = all.send(said);
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Ok(()),
            },
        }
    }
}
