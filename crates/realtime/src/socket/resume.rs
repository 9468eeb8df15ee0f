//! A channel that is told the past before it hears the present.
//!
//! The past is told a batch at a time, whenever nothing else waits to be written, so that a client
//! that was away for long costs neither memory nor anybody's patience. Then the channel is put
//! among the live ones while nothing can be delivered: what it was told last and what it hears
//! first have nothing between them, and nothing in common.

use std::sync::Arc;

use kernel::Principal;

use super::{channel::Channel, connection::Connection};
use crate::{
    hub::{
        Hub, Member,
        changes::{Changes, Registration},
    },
    protocol::join::Binding,
    resume::{Cursor, Gap, Replay},
};

/// A channel's way through the past.
pub(super) struct Replaying {
    replay: Replay,
    /// Its subscriptions, alone.
    solo: Changes,
}

impl Replaying {
    /// Tells the next of the past; true when it has all been told.
    fn tell(&mut self, hub: &Hub) -> Result<bool, Gap> {
        let (batch, last) = hub.ring.next(&mut self.replay)?;
        for transaction in batch {
            self.solo.deliver(&transaction, || {});
        }
        Ok(last)
    }
}

impl Replaying {
    /// Goes on under the rights of a principal that changed.
    pub(super) fn resubscribe(
        &mut self,
        changes: &Changes,
        member: &Arc<Member>,
        principal: &Principal,
        bindings: &[Option<Binding>],
    ) {
        self.solo = changes.solo();
        let nothing = Registration::default();
        self.solo
            .subscribe(member, principal, bindings, &nothing, || {});
    }
}

impl Channel {
    /// Prepares to tell the past since a cursor; `None`, and said, if it does not reach back so
    /// far.
    pub(super) fn replaying(
        &self,
        hub: &Hub,
        principal: &Principal,
        since: &str,
    ) -> Option<Replaying> {
        let begun = Cursor::parse(since)
            .ok_or(Gap)
            .and_then(|cursor| hub.ring.begin(cursor));
        let Ok(replay) = begun else {
            self.miss();
            return None;
        };
        let solo = hub.changes.solo();
        let mut replaying = Replaying { replay, solo };
        replaying.resubscribe(&hub.changes, &self.member, principal, &self.bindings);
        Some(replaying)
    }

    fn miss(&self) {
        metrics::counter!("realtime_resume_gaps_total").increment(1);
        self.member.tell_gap();
    }

    /// Tells a batch of the past; puts the channel among the live ones after the last.
    fn go_on(&mut self, hub: &Hub, principal: &Principal) {
        let Some(mut replaying) = self.replaying.take() else {
            return;
        };
        // A gap is found again below, and said there.
        if replaying.tell(hub) == Ok(false) {
            self.replaying = Some(replaying);
            return;
        }
        let (member, bindings) = (&self.member, &self.bindings);
        let mut rest = Ok(false);
        let before = || {
            // What came since the last look; nothing more can come now.
            while rest == Ok(false) {
                rest = replaying.tell(hub);
            }
        };
        let (registration, _known) =
            hub.changes
                .subscribe(member, principal, bindings, &self.registration, before);
        self.registration = registration;
        if rest.is_err() {
            self.miss();
        }
        hub.changes.owe(&self.member);
    }
}

impl Connection {
    /// Whether a channel is still being told the past.
    pub(super) fn is_replaying(&self) -> bool {
        self.channels
            .values()
            .any(|channel| channel.replaying.is_some())
    }

    /// Tells the channels the next of the past.
    pub(super) fn replay(&mut self) {
        let Some(admitted) = self.admitted else {
            return;
        };
        let hub = &self.shared.hub;
        for channel in self.channels.values_mut() {
            channel.go_on(hub, &admitted.principal);
        }
    }
}
