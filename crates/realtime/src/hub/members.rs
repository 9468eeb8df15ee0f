//! Who has joined a channel, kept so that telling all of them is cheap.
//!
//! What is said to ten thousand sockets touches the memory of each, which the processor has not at
//! hand; a lock at each would have it wait for one after the other. So seats lie side by side, and
//! some of their sockets are looked at together, which it fetches at once, before anything is put
//! into their outboxes.

use std::{collections::HashMap, sync::Arc};

use super::{Member, Socket};
use crate::protocol::Version;

/// How many sockets are looked at together.
const TOGETHER: usize = 16;

/// One who has joined; what is needed to tell them stands here, not behind another pointer.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) id: u64,
    pub(super) version: Version,
    pub(super) socket: Arc<Socket>,
    pub(super) member: Arc<Member>,
}

#[derive(Debug, Default)]
pub(super) struct Members {
    seats: Vec<Seat>,
    places: HashMap<u64, usize>,
}

impl Members {
    pub(super) fn insert(&mut self, member: &Arc<Member>) {
        self.places.insert(member.id, self.seats.len());
        self.seats.push(Seat {
            id: member.id,
            version: member.socket.version,
            socket: Arc::clone(&member.socket),
            member: Arc::clone(member),
        });
    }

    pub(super) fn remove(&mut self, id: u64) {
        let Some(place) = self.places.remove(&id) else {
            return;
        };
        self.seats.swap_remove(place);
        if let Some(moved) = self.seats.get(place) {
            self.places.insert(moved.id, place);
        }
        if self.seats.capacity() > 64 && self.seats.len() < self.seats.capacity() / 4 {
            self.seats.shrink_to(self.seats.len() * 2);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// Calls for each whose socket still takes something.
    pub(super) fn each(&self, act: impl FnMut(&Seat)) {
        together(&self.seats, |seat| &seat.socket, act);
    }
}

/// Calls for each of them whose socket still takes something, some sockets looked at together.
pub(super) fn together<'a, T>(
    all: &'a [T],
    socket: impl Fn(&'a T) -> &'a Socket,
    mut act: impl FnMut(&'a T),
) {
    for some in all.chunks(TOGETHER) {
        let mut open = [false; TOGETHER];
        for (one, open) in some.iter().zip(&mut open) {
            *open = socket(one).outbox.is_open();
        }
        for (one, _) in some.iter().zip(open).filter(|(_, open)| *open) {
            act(one);
        }
    }
}
