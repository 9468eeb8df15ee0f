//! Servers on a wire that can be cut.

use std::sync::atomic::AtomicBool;

use anyhow::Result;
use async_trait::async_trait;
use serde_json::{Map, Value, json};
use tokio::sync::broadcast;

use super::*;
use crate::{
    hub::{
        Socket,
        outbox::{Outbox, Room},
    },
    protocol::Version,
};

/// A bus that carries everything, until it is cut.
#[derive(Clone)]
struct Wire {
    all: broadcast::Sender<Bytes>,
    cut: Arc<AtomicBool>,
}

#[async_trait]
impl Bus for Wire {
    async fn publish(&self, messages: &[Bytes]) -> Result<()> {
        for message in messages {
            if !self.cut.load(Ordering::SeqCst) {
                let _ = self.all.send(message.clone());
            }
        }
        Ok(())
    }

    async fn listen(&self, heard: mpsc::Sender<Bytes>, stop: CancellationToken) {
        let mut all = self.all.subscribe();
        while let Some(Ok(message)) = stop.run_until_cancelled(all.recv()).await {
            let _ = heard.send(message).await;
        }
    }
}

struct Server {
    cluster: Arc<Cluster>,
    hub: Arc<Hub>,
    cut: Arc<AtomicBool>,
    stop: CancellationToken,
}

impl Server {
    fn start(node: u64, all: &broadcast::Sender<Bytes>) -> Self {
        let cut = Arc::new(AtomicBool::new(false));
        let wire = Wire {
            all: all.clone(),
            cut: cut.clone(),
        };
        let hub = Arc::new(Hub::new(
            &[],
            crate::resume::Ring::new(Duration::from_secs(1), 1 << 20),
        ));
        let beat = Duration::from_millis(20);
        let cluster = Arc::new(Cluster::new(
            hub.clone(),
            node << 32,
            Some(Arc::new(wire)),
            beat,
        ));
        let stop = CancellationToken::new();
        let tasks = kernel::tasks::Tasks::new();
        tasks.spawn("speak", cluster.clone().speak(stop.clone()));
        tasks.spawn("hear", cluster.clone().hear(stop.clone()));
        Self {
            cluster,
            hub,
            cut,
            stop,
        }
    }

    fn join(&self) -> Arc<Member> {
        let room = Arc::new(Room {
            frames: 1_000,
            bytes: 1 << 20,
            waiting: Arc::default(),
            everybody: 1 << 30,
        });
        let member = Arc::new(Member {
            id: self.hub.next_id(),
            socket: Arc::new(Socket {
                id: self.hub.next_id(),
                version: Version::V2,
                outbox: Outbox::new(room),
                heard: 0.into(),
                recheck: 0.into(),
            }),
            topic: "realtime:hall".into(),
            private: false,
            presence: AtomicBool::new(false),
            replay: None,
            resumable: false,
            legacy: false,
            owed: AtomicBool::new(false),
        });
        self.hub.topics.join(&member);
        member
    }

    /// Who is present, as a member would be told now.
    fn present(&self, member: &Member) -> Value {
        member.socket.outbox.take();
        self.hub.topics.send_state(member);
        let said = member.socket.outbox.take().pop_back().unwrap();
        let frame: Value = serde_json::from_str(said.to_text().unwrap()).unwrap();
        let keys = frame[4].as_object().unwrap().iter();
        keys.map(|(key, metas)| (key.clone(), metas["metas"][0]["n"].clone()))
            .collect::<Map<String, Value>>()
            .into()
    }
}

fn n(n: i32) -> Map<String, Value> {
    Map::from_iter([("n".to_owned(), json!(n))])
}

/// Waits until something is so; the beats make it so.
async fn until(holds: impl Fn() -> bool) {
    let patience = Duration::from_secs(30);
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(patience, waiting)
        .await
        .expect("in time");
}

#[tokio::test]
async fn a_dead_servers_presences_end_and_a_living_ones_return() {
    let (all, _) = broadcast::channel(1_024);
    let (one, two) = (Server::start(1, &all), Server::start(2, &all));
    let (here, there) = (one.join(), two.join());
    two.cluster.track(&there, "bob", n(1));
    until(|| one.present(&here) == json!({"bob": 1})).await;

    // Cut off, it is missed; what it does meanwhile is not seen.
    two.cut.store(true, Ordering::SeqCst);
    two.cluster.track(&there, "bob", n(2));
    until(|| one.present(&here) == json!({}) && one.cluster.others() == 0).await;

    // It lived after all: its next beat is enough, and what was lost is noticed by the count.
    two.cut.store(false, Ordering::SeqCst);
    until(|| one.present(&here) == json!({"bob": 2})).await;

    // One that stops says so.
    two.stop.cancel();
    until(|| one.present(&here) == json!({})).await;
}

#[tokio::test]
async fn who_comes_later_learns_who_was_there() {
    let (all, _) = broadcast::channel(1_024);
    let one = Server::start(1, &all);
    let here = one.join();
    one.cluster.track(&here, "ada", n(1));
    let two = Server::start(2, &all);
    let there = two.join();
    until(|| two.present(&there) == json!({"ada": 1})).await;
    two.cluster.leave(&there);
    one.cluster.leave(&here);
    // Nobody is there and nobody present: nothing is held.
    until(|| {
        let again = two.join();
        let present = two.present(&again);
        two.cluster.leave(&again);
        present == json!({})
    })
    .await;
}

#[test]
fn a_message_that_was_missed_is_noticed() {
    let mut other = Other {
        heard: Instant::now(),
        revision: Some(7),
        asked: None,
    };
    assert!(other.is_next(8) && !other.is_next(8) && !other.is_next(10));
    // Asked once, and not again at once.
    assert!(other.must_be_asked() && !other.must_be_asked());
}
