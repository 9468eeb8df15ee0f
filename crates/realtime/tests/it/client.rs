//! A client that speaks frames.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

use crate::server::PATIENCE;

/// A client of the protocol.
pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    references: u64,
    two: bool,
}

impl Client {
    pub(crate) fn new(socket: WebSocketStream<MaybeTlsStream<TcpStream>>, two: bool) -> Self {
        Self {
            socket,
            references: 0,
            two,
        }
    }
}

/// A received frame.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) reference: Value,
    pub(crate) topic: String,
    pub(crate) event: String,
    pub(crate) payload: Value,
}

impl Client {
    pub(crate) async fn raw(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    /// Sends a frame; returns its reference.
    pub(crate) async fn push(&mut self, topic: &str, event: &str, payload: Value) -> String {
        self.references += 1;
        let reference = self.references.to_string();
        let frame = if self.two {
            json!(["1", reference, topic, event, payload])
        } else {
            json!({"join_ref": "1", "ref": reference, "topic": topic, "event": event, "payload": payload})
        };
        self.raw(Message::text(frame.to_string())).await;
        reference
    }

    /// Sends a frame and waits for its answer.
    pub(crate) async fn ask(&mut self, topic: &str, event: &str, payload: Value) -> Value {
        let reference = self.push(topic, event, payload).await;
        self.until(|frame| frame.event == "phx_reply" && frame.reference == reference.as_str())
            .await
    }

    /// Joins a channel that goes on from a cursor, or only wants to know where it stands.
    pub(crate) async fn resume(
        &mut self,
        topic: &str,
        token: &str,
        config: Value,
        since: Option<&str>,
    ) {
        let resume = since.map_or(json!({}), |since| json!({"since": since}));
        let payload = json!({"config": config, "access_token": token, "resume": resume});
        let reply = self.ask(topic, "phx_join", payload).await;
        assert_eq!(reply["status"], "ok", "{reply}");
    }

    /// Where the channel stands.
    pub(crate) async fn cursor(&mut self) -> String {
        let told = self
            .until(|frame| frame.payload["extension"] == "resume")
            .await;
        assert_eq!(told["status"], "ok", "{told}");
        told["cursor"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn join(&mut self, topic: &str, token: &str, config: Value) -> Value {
        let payload = json!({"config": config, "access_token": token});
        self.ask(topic, "phx_join", payload).await
    }

    /// The next frame; `Err` with the close code when the server closed.
    pub(crate) async fn next(&mut self) -> Result<Frame, u16> {
        loop {
            let message = timeout(PATIENCE, self.socket.next())
                .await
                .expect("a frame in time");
            let message = message.expect("an open socket").unwrap();
            return Ok(match message {
                Message::Text(text) if self.two => {
                    let [_, reference, topic, event, payload]: [Value; 5] =
                        serde_json::from_str(&text).unwrap();
                    Frame {
                        reference,
                        topic: topic.as_str().unwrap().into(),
                        event: event.as_str().unwrap().into(),
                        payload,
                    }
                }
                Message::Text(text) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    Frame {
                        reference: frame["ref"].clone(),
                        topic: frame["topic"].as_str().unwrap().into(),
                        event: frame["event"].as_str().unwrap().into(),
                        payload: frame["payload"].clone(),
                    }
                }
                Message::Binary(bytes) => {
                    assert_eq!(bytes[0], 4);
                    let [topic, event, meta] = [1, 2, 3].map(|at| usize::from(bytes[at]));
                    let text = |range: std::ops::Range<usize>| {
                        String::from_utf8(bytes[range].to_vec()).unwrap()
                    };
                    let payload = text(5 + topic + event + meta..bytes.len());
                    let meta = text(5 + topic + event..5 + topic + event + meta);
                    let name = text(5 + topic..5 + topic + event);
                    let payload: Value = serde_json::from_str(&payload).unwrap();
                    let mut said = json!({"type": "broadcast", "event": name, "payload": payload});
                    if !meta.is_empty() {
                        said["meta"] = serde_json::from_str(&meta).unwrap();
                    }
                    Frame {
                        reference: Value::Null,
                        topic: text(5..5 + topic),
                        event: "broadcast".into(),
                        payload: said,
                    }
                }
                Message::Close(frame) => return Err(frame.map_or(0, |frame| frame.code.into())),
                _ => continue,
            });
        }
    }

    /// Waits for a frame and returns its payload; what comes before it is skipped.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&Frame) -> bool) -> Value {
        loop {
            let frame = self.next().await.expect("not closed");
            if wanted(&frame) {
                return frame.payload;
            }
        }
    }

    /// The next change.
    pub(crate) async fn change(&mut self) -> Value {
        self.until(|frame| frame.event == "postgres_changes").await["data"].take()
    }

    pub(crate) async fn system(&mut self) -> Value {
        self.until(|frame| frame.event == "system").await
    }

    /// Waits until the server closes; returns the code.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }
}
