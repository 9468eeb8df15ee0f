//! Looks after the replication slots: keeps ours moving on a quiet database, raises the alarm
//! before PostgreSQL gives one up, and removes what servers that are gone have left.
//!
//! It has connections of its own, so that the alarm is raised also, and above all, while the
//! stream's reader is stuck.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use anyhow::Result;
use sqlx::{PgConnection, PgPool};
use tokio::time::{MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    slot::{beat, drop_slot, is_logical},
    status::Status,
};

/// How a slot fares.
#[derive(Debug, Clone, Default)]
pub struct SlotCondition {
    /// Its name.
    pub name: String,
    /// Somebody reads it now.
    pub read: bool,
    /// Bytes of log that PostgreSQL keeps for it. That begins with the oldest transaction that was
    /// open where its reader stands, so a long one counts, whatever was acknowledged.
    pub held_back: i64,
    /// Bytes that may still be written before it is lost; none where there is no limit.
    pub safe: Option<i64>,
    /// PostgreSQL has given it up.
    pub lost: bool,
}

impl SlotCondition {
    /// Whether more than half of what the slot may hold back is used, or it is lost already.
    pub fn endangered(&self) -> bool {
        self.lost || self.safe.is_some_and(|safe| safe < self.held_back)
    }

    /// How it fares, in words.
    pub fn summary(&self) -> String {
        const MIB: i64 = 1024 * 1024;
        let (name, held_back) = (&self.name, self.held_back / MIB);
        if self.lost {
            return format!("the slot {name} was lost: its reader stayed away for too long");
        }
        let kept = format!("the slot {name} holds back {held_back} MiB of log");
        match self.safe {
            Some(safe) if self.endangered() => format!(
                "{kept}, more than half of what it may; {} MiB more and it is lost",
                safe.max(0) / MIB,
            ),
            _ => kept,
        }
    }

    /// How many bytes the replay window may hold back: a quarter of what PostgreSQL allows.
    pub(crate) fn room(&self) -> u64 {
        let allowed = self.safe.map(|safe| safe.saturating_add(self.held_back));
        let quarter = allowed.map_or(UNLIMITED, |allowed| allowed / 4);
        u64::try_from(quarter).unwrap_or_default()
    }
}

/// What the window may hold back where PostgreSQL has no limit.
const UNLIMITED: i64 = 1 << 30;
/// How often the slots are looked after.
const TEND_EVERY: Duration = Duration::from_secs(10);

/// The slots of a family in this database, and the one of this name.
///
/// # Errors
/// When the database does not answer.
pub async fn slots(db: &mut PgConnection, family: &str, own: &str) -> Result<Vec<SlotCondition>> {
    let found: Vec<(String, bool, i64, Option<i64>, bool)> = sqlx::query_as(
        "select slot_name::text, active,
                greatest(0, pg_current_wal_lsn()
                    - least(restart_lsn, confirmed_flush_lsn))::bigint,
                safe_wal_size, wal_status = 'lost'
           from pg_replication_slots
          where plugin = 'pgoutput' and database = current_database()
            and (starts_with(slot_name, $1) or slot_name = $2)
          order by slot_name",
    )
    .bind(family)
    .bind(own)
    .fetch_all(db)
    .await?;
    let slots = found
        .into_iter()
        .map(|(name, read, held_back, safe, lost)| SlotCondition {
            name,
            read,
            held_back,
            safe,
            lost,
        });
    Ok(slots.collect())
}

/// Looks after the slots for as long as the server runs.
pub(crate) async fn look_after(
    db: PgPool,
    name: String,
    family: String,
    status: Arc<Status>,
    stop: CancellationToken,
) {
    let mut pause = tokio::time::interval(TEND_EVERY);
    pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut said = BTreeSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = pause.tick() => {}
        }
        match timeout(TEND_EVERY, tend(&db, &name, &family)).await {
            Ok(Ok(Some(slots))) => {
                alarm(&slots, &mut said);
                status.slots(&name, slots);
            }
            Ok(Ok(None)) => {}
            Ok(Err(error)) => tracing::debug!(error = format!("{error:#}"), "slot not tended"),
            Err(_) => tracing::debug!("slot not tended: no answer"),
        }
    }
}

/// Says it in the log when a slot comes into danger, and when it is out of it: once each.
fn alarm(slots: &[SlotCondition], said: &mut BTreeSet<String>) {
    for slot in slots {
        let fares = slot.summary();
        if !slot.endangered() {
            if said.remove(&slot.name) {
                tracing::info!(slot = slot.name, fares, "the slot is out of danger");
            }
        } else if said.insert(slot.name.clone()) {
            tracing::error!(
                slot = slot.name,
                read = slot.read,
                held_back = slot.held_back,
                safe = slot.safe,
                fares,
                "a replication slot has used half of the log it may hold back; it will be lost \
                 if its change stream does not catch up",
            );
        }
    }
    said.retain(|name| slots.iter().any(|slot| slot.name == *name));
}

async fn tend(db: &PgPool, name: &str, family: &str) -> Result<Option<Vec<SlotCondition>>> {
    let mut db = db.acquire().await?;
    if !is_logical(&mut db).await? {
        return Ok(None);
    }
    beat(&mut db).await?;
    let found = slots(&mut db, family, name).await?;
    sweep(&mut db, &found, name).await?;
    Ok(Some(found))
}

/// Removes the slots of servers of ours that are gone: unread, and past what a server that
/// starts again could make use of.
async fn sweep(db: &mut PgConnection, slots: &[SlotCondition], name: &str) -> Result<()> {
    let is_of_no_use = |slot: &&SlotCondition| {
        let spent = slot.lost || slot.safe.is_some_and(|safe| safe <= 0);
        slot.name != name && !slot.read && (spent || slot.held_back > UNLIMITED)
    };
    for orphan in slots.iter().filter(is_of_no_use) {
        tracing::warn!(
            slot = orphan.name,
            "a server that is gone left its slot; it is removed"
        );
        if let Err(error) = drop_slot(db, &orphan.name).await {
            // Another of ours was faster, or its server is back.
            tracing::debug!(error = format!("{error:#}"), "slot not removed");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(held_back: i64, safe: Option<i64>) -> SlotCondition {
        SlotCondition {
            name: "one".into(),
            held_back,
            safe,
            ..SlotCondition::default()
        }
    }

    #[test]
    fn the_alarm_is_raised_at_half_of_the_room_and_not_before() {
        assert!(!slot(32 << 20, Some(32 << 20)).endangered());
        assert!(slot(33 << 20, Some(31 << 20)).endangered());
        assert!(!slot(1 << 40, None).endangered());
        let spent = slot(70 << 20, Some(-6 << 20));
        assert_eq!(
            spent.summary(),
            "the slot one holds back 70 MiB of log, more than half of what it may; \
             0 MiB more and it is lost"
        );
        let lost = SlotCondition {
            lost: true,
            ..slot(0, None)
        };
        assert!(lost.endangered());
    }
}
