//! Who is online on this server: somebody with at least one open socket, on however many tabs.
//!
//! The last socket's closing counts only after a grace, so that reloading a page is not a
//! departure.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use kernel::id::UserId;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::ports::Online;

/// A socket of somebody opened or closed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Movement {
    Opened(UserId),
    Closed(UserId),
}

/// Counts sockets and tells when the first opened and the last has been closed for a while.
pub(crate) async fn watch(
    mut movements: mpsc::UnboundedReceiver<Movement>,
    online: Arc<dyn Online>,
    grace: Duration,
    stop: CancellationToken,
) {
    let mut open: HashMap<UserId, usize> = HashMap::new();
    // One grace for all, so the first to leave is the first to be gone.
    let mut leaving: VecDeque<(Instant, UserId)> = VecDeque::new();
    loop {
        let next = leaving.front().map(|(at, _)| *at);
        let gone = async {
            match next {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            movement = movements.recv() => match movement {
                None => return,
                Some(Movement::Opened(user)) => {
                    let known = open.contains_key(&user);
                    *open.entry(user).or_default() += 1;
                    leaving.retain(|(_, other)| *other != user);
                    if !known {
                        online.came_online(user).await;
                    }
                }
                Some(Movement::Closed(user)) => {
                    if let Some(count) = open.get_mut(&user) {
                        *count = count.saturating_sub(1);
                        if *count == 0 {
                            leaving.push_back((Instant::now() + grace, user));
                        }
                    }
                }
            },
            () = gone => {
                if let Some((_, user)) = leaving.pop_front() {
                    open.remove(&user);
                    online.went_offline(user).await;
                }
            }
        }
    }
}
