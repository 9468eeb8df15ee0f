//! The bus that needs nothing else: `NOTIFY` in the database that all servers share.
//!
//! Why not messages in the log (`pg_logical_emit_message`), which the slots would carry too: they
//! are decoded by every slot with all else that is in the log, are read again for the whole
//! replay window after a restart, stay on the disk for as long, and need `wal_level=logical`. A
//! notification is written nowhere. Its price is a lock at commit, which one connection of each
//! server pays once for many messages, and which no other transaction of ours takes part in.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
};

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD as BASE64};
use bytes::Bytes;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{AGAIN, Bus};

const CHANNEL: &str = "portico_bus";
/// PostgreSQL refuses payloads of 8,000 bytes and more; this many are 7,680 as base64.
const PIECE: usize = 5_760;
/// Pieces of unfinished messages that are held, of all servers together.
const UNFINISHED: usize = 4_096;

/// `NOTIFY` on the shared database.
#[derive(Debug)]
pub(crate) struct PostgresBus {
    speaker: PgPool,
    listener: PgPool,
    node: u64,
    count: AtomicU64,
}

impl PostgresBus {
    pub(crate) fn new(database: &PgConnectOptions, node: u64) -> Self {
        // Nothing is written that could be lost, so no commit waits for the disk.
        let speaker = database.clone().options([("synchronous_commit", "off")]);
        let one = || PgPoolOptions::new().max_connections(1);
        Self {
            speaker: one().connect_lazy_with(speaker),
            listener: one().connect_lazy_with(database.clone()),
            node,
            count: AtomicU64::new(0),
        }
    }

    /// A message in pieces: `node.message.piece.pieces.base64`.
    fn cut(&self, message: &[u8], pieces: &mut Vec<String>) {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let count = message.chunks(PIECE).len();
        for (index, piece) in message.chunks(PIECE).enumerate() {
            let piece = BASE64.encode(piece);
            pieces.push(format!(
                "{:x}.{number:x}.{index}.{count}.{piece}",
                self.node
            ));
        }
    }

    async fn hear(&self, heard: &mpsc::Sender<Bytes>) -> Result<()> {
        let mut listener = PgListener::connect_with(&self.listener).await?;
        listener.listen(CHANNEL).await?;
        let mut unfinished = Unfinished::default();
        // `None` after a lost connection that was made again: messages may be missing.
        while let Some(notice) = listener.try_recv().await? {
            if let Some(message) = unfinished.add(notice.payload()) {
                heard.send(message).await.context("nobody listens")?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Bus for PostgresBus {
    async fn publish(&self, messages: &[Bytes]) -> Result<()> {
        let mut pieces = Vec::with_capacity(messages.len());
        for message in messages {
            self.cut(message, &mut pieces);
        }
        sqlx::query("select pg_notify($1, piece) from unnest($2::text[]) piece")
            .bind(CHANNEL)
            .bind(&pieces)
            .execute(&self.speaker)
            .await?;
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

/// Messages of which pieces are missing.
#[derive(Debug, Default)]
struct Unfinished {
    messages: HashMap<(u64, u64), Vec<u8>>,
    next: HashMap<u64, (u64, usize)>,
    pieces: usize,
}

impl Unfinished {
    /// Adds a piece; the message, once it is whole. Pieces of one message come in their order, so
    /// one out of order has lost its brothers.
    fn add(&mut self, notice: &str) -> Option<Bytes> {
        let mut parts = notice.splitn(5, '.');
        let node = u64::from_str_radix(parts.next()?, 16).ok()?;
        let number = u64::from_str_radix(parts.next()?, 16).ok()?;
        let (index, count): (usize, usize) =
            (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let piece = BASE64.decode(parts.next()?).ok()?;
        if index == 0 && count == 1 {
            return Some(piece.into());
        }
        if index == 0 {
            self.messages.retain(|(other, _), _| *other != node);
            self.next.insert(node, (number, 0));
        }
        if self.next.get(&node) != Some(&(number, index)) || self.pieces > UNFINISHED {
            self.messages.remove(&(node, number));
            self.next.remove(&node);
            self.pieces = self.messages.len();
            return None;
        }
        let message = self.messages.entry((node, number)).or_default();
        message.extend_from_slice(&piece);
        self.pieces += 1;
        self.next.insert(node, (number, index + 1));
        if index + 1 < count {
            return None;
        }
        self.next.remove(&node);
        self.pieces = self.pieces.saturating_sub(count);
        self.messages.remove(&(node, number)).map(Bytes::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_are_cut_and_put_together() {
        let bus = PostgresBus::new(&PgConnectOptions::new_without_pgpass(), 0xab);
        let large: Vec<u8> = (0..20_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let mut pieces = Vec::new();
        for message in [&b"small"[..], &large, &large] {
            bus.cut(message, &mut pieces);
        }
        assert_eq!(pieces.len(), 1 + 4 + 4);
        assert!(pieces.iter().all(|piece| piece.len() < 8_000));
        let mut unfinished = Unfinished::default();
        let whole: Vec<Bytes> = pieces.iter().filter_map(|p| unfinished.add(p)).collect();
        assert_eq!(
            whole,
            [Bytes::from("small"), large.clone().into(), large.into()]
        );
        assert!(unfinished.messages.is_empty() && unfinished.pieces == 0);
        // A lost piece loses its message, and no other.
        pieces.remove(2);
        let whole: Vec<Bytes> = pieces.iter().filter_map(|p| unfinished.add(p)).collect();
        assert_eq!(whole.len(), 2);
        assert_eq!(unfinished.add("nonsense"), None);
    }
}
