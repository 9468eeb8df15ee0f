//! An echo on the layer beneath our sockets, set up as they are: the Autobahn test suite asks one
//! (`contracts/realtime/autobahn`). What our own protocol makes of broken frames is in `rfc6455.rs`.

use axum::{
    Router,
    extract::{
        WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    routing::get,
};
use tokio::net::TcpListener;

/// The suite's largest message is 16 MiB.
const LARGEST: usize = 32 * 1024 * 1024;

/// Runs until it is killed.
#[tokio::test]
#[ignore = "started by contracts/realtime/autobahn"]
async fn as_an_echo() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("listening {}", listener.local_addr().unwrap().port());
    let open = |upgrade: WebSocketUpgrade| async move {
        let upgrade = upgrade
            .read_buffer_size(1024)
            .max_message_size(LARGEST)
            .max_frame_size(LARGEST);
        upgrade.on_upgrade(echo)
    };
    axum::serve(listener, Router::new().route("/", get(open)))
        .await
        .unwrap();
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        let answered = match message {
            // The library answers these by itself.
            Message::Ping(_) | Message::Pong(_) => Ok(()),
            Message::Close(_) => futures_util::SinkExt::flush(&mut socket).await,
            said => socket.send(said).await,
        };
        if answered.is_err() {
            return;
        }
    }
}
