//! Nobody takes all the sockets: each network has so many, as the proxies that are trusted tell it.

use crate::app::{TestApp, eventually};
use futures_util::SinkExt;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Error, client::IntoClientRequest},
};

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Opens a socket through a proxy that says for whom; `Err` with what it was refused with.
async fn open(app: &TestApp, from: &str) -> Result<Stream, (u16, String)> {
    let address = app.url.replace("http://", "ws://");
    let address = format!("{address}/realtime/v1/websocket?vsn=2.0.0");
    let mut request = address.into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("x-forwarded-for", from.parse().unwrap());
    match tokio_tungstenite::connect_async(request).await {
        Ok((stream, _)) => Ok(stream),
        Err(Error::Http(answer)) => {
            let body = answer.body().clone().unwrap_or_default();
            Err((answer.status().as_u16(), String::from_utf8(body).unwrap()))
        }
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_network_has_so_many_sockets_behind_a_proxy_that_is_trusted() {
    let app = TestApp::with(|config| {
        config.http.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        config.realtime.limits.sockets_per_network = 2;
    })
    .await;
    let mut one = open(&app, "192.0.2.7").await.unwrap();
    // What stands further left is the client's own word.
    let _two = open(&app, "198.51.100.1, 192.0.2.7").await.unwrap();
    let (status, said) = open(&app, "192.0.2.7").await.unwrap_err();
    assert_eq!(
        (status, said.as_str()),
        (
            429,
            r#"{"error":"ConnectionRateLimitReached: too many sockets from your network"}"#
        )
    );
    let _others = open(&app, "192.0.2.8").await.unwrap();
    let _six = open(&app, "2001:db8::1").await.unwrap();
    let _same = open(&app, "2001:db8::2").await.unwrap();
    assert_eq!(open(&app, "2001:db8::3").await.unwrap_err().0, 429);
    // Who leaves makes room.
    one.close(None).await.unwrap();
    eventually("room for another", async || {
        open(&app, "192.0.2.7").await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn what_nobody_trusted_says_of_where_it_comes_from_is_not_counted() {
    let app = TestApp::with(|config| config.realtime.limits.sockets_per_network = 1).await;
    let mut open_ones = Vec::new();
    for _ in 0..3 {
        // It comes from this machine, which is not counted, whatever the header says.
        open_ones.push(open(&app, "192.0.2.7").await.unwrap());
    }
    for mut stream in open_ones {
        stream.flush().await.unwrap();
    }
}
