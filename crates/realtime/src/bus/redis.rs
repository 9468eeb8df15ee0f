//! The bus for many servers: Redis (or Valkey) publish and subscribe.
//!
//! Why Redis and not NATS: who runs several servers nearly always has it already, one channel is
//! all that is needed of it, and it is a package of every distribution. Nothing is stored there,
//! so losing it costs broadcasts between servers while it is away, and nothing else.

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use redis::{Client, aio::MultiplexedConnection};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::{AGAIN, Bus};

/// Publish and subscribe on a Redis server.
pub(crate) struct RedisBus {
    client: Client,
    channel: String,
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl RedisBus {
    /// `name` keeps apart what several installations say on one Redis server.
    pub(crate) fn new(url: &str, name: &str) -> Result<Self> {
        // The address may hold a password, so it is not repeated.
        let client = Client::open(url).context("realtime.redis_url cannot be used")?;
        Ok(Self {
            client,
            channel: format!("portico:bus:{name}"),
            connection: Mutex::new(None),
        })
    }

    async fn hear(&self, heard: &mpsc::Sender<Bytes>) -> Result<()> {
        let mut listener = self.client.get_async_pubsub().await?;
        listener.subscribe(&self.channel).await?;
        let mut messages = listener.into_on_message();
        while let Some(message) = messages.next().await {
            let message: Vec<u8> = message.get_payload()?;
            heard.send(message.into()).await.context("nobody listens")?;
        }
        anyhow::bail!("the connection was lost")
    }
}

#[async_trait]
impl Bus for RedisBus {
    async fn publish(&self, messages: &[Bytes]) -> Result<()> {
        let mut held = self.connection.lock().await;
        let mut connection = match held.take() {
            Some(connection) => connection,
            None => self.client.get_multiplexed_async_connection().await?,
        };
        let mut pipeline = redis::pipe();
        for message in messages {
            let publish = pipeline.cmd("PUBLISH");
            publish.arg(&self.channel).arg(&message[..]).ignore();
        }
        let () = pipeline.query_async(&mut connection).await?;
        // Only one that works is kept.
        *held = Some(connection);
        Ok(())
    }

    async fn listen(&self, heard: mpsc::Sender<Bytes>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                outcome = self.hear(&heard) => if let Err(error) = outcome {
                    tracing::warn!(%error, "the other servers are not heard");
                },
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(AGAIN) => {}
            }
        }
    }
}
