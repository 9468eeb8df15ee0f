//! What channels are told besides changes: where they stand, and that they must read again.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, atomic::Ordering},
};

use super::{Changes, Subscribers};
use crate::hub::Member;

impl Changes {
    /// Tells everyone who listens to anything that changes were lost.
    pub(crate) fn gap(&self) {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        self.tell(tables.iter(), |topic| {
            serde_json::json!({
                "extension": "resume", "status": "error", "message": "resume_gap", "channel": topic,
            })
        });
    }

    /// Sends a system message once to every channel that is subscribed to any of these tables.
    pub(super) fn tell<'a>(
        &self,
        tables: impl Iterator<Item = &'a Subscribers>,
        message: impl Fn(&str) -> serde_json::Value,
    ) {
        for member in listeners(tables).values() {
            member.send("system", &message(member.name()).to_string());
            self.owe(member);
        }
    }

    /// The channel is to be told where it stands.
    pub(crate) fn owe(&self, member: &Arc<Member>) {
        if member.resumable && !self.past && !member.owed.swap(true, Ordering::Relaxed) {
            let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
            owed.push(Arc::clone(member));
        }
    }

    /// Tells those who are owed it where they stand, or everybody who wants to know.
    pub(crate) fn tell_cursor(&self, cursor: &str, everybody: bool) {
        let mut owed = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
        let told = std::mem::take(&mut *owed);
        drop(owed);
        for member in &told {
            member.owed.store(false, Ordering::Relaxed);
            member.tell_cursor(cursor);
        }
        if everybody {
            let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
            for member in listeners(tables.iter()).values() {
                if member.resumable {
                    member.tell_cursor(cursor);
                }
            }
        }
    }
}

/// Every channel that is subscribed to any of these tables, once.
fn listeners<'a>(tables: impl Iterator<Item = &'a Subscribers>) -> HashMap<u64, &'a Arc<Member>> {
    let groups = tables.flat_map(|table| table.groups.values());
    let members = groups.flat_map(|group| {
        let owners = group.owners.values().flat_map(HashMap::values);
        group.unrestricted.values().chain(owners)
    });
    members.map(|member| (member.id, member)).collect()
}
