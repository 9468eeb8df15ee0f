//! How the stream fares, for joins that wait for it and for the health report.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::sync::watch;

use super::care::SlotCondition;

/// Shared between the reader and those who ask.
#[derive(Debug)]
pub(crate) struct Status {
    streaming: watch::Sender<bool>,
    failure: Mutex<Option<String>>,
    lag_ms: AtomicI64,
    journal: AtomicBool,
    gap: Mutex<Option<String>>,
    condition: Mutex<SlotCondition>,
    others: Mutex<Vec<SlotCondition>>,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            streaming: watch::channel(false).0,
            failure: Mutex::default(),
            lag_ms: AtomicI64::new(0),
            journal: AtomicBool::new(false),
            gap: Mutex::default(),
            condition: Mutex::default(),
            others: Mutex::default(),
        }
    }
}

impl Status {
    pub(crate) fn started(&self) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.streaming.send_replace(true);
        metrics::gauge!("realtime_stream_up").set(1.0);
    }

    pub(crate) fn stopped(&self, why: String) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        self.streaming.send_replace(false);
        metrics::gauge!("realtime_stream_up").set(0.0);
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge in seconds")]
    pub(crate) fn delivered(&self, lag: time::Duration) {
        let lag = i64::try_from(lag.whole_milliseconds().max(0)).unwrap_or(i64::MAX);
        self.lag_ms.store(lag, Ordering::Relaxed);
        metrics::gauge!("realtime_stream_lag_seconds").set(lag as f64 / 1_000.0);
    }

    /// How the slots fare: this server's, and those of others on the same database.
    #[expect(clippy::cast_precision_loss, reason = "gauges")]
    pub(crate) fn slots(&self, own: &str, slots: Vec<SlotCondition>) {
        let (own, others): (Vec<_>, Vec<_>) = slots.into_iter().partition(|slot| slot.name == own);
        let own = own.into_iter().next().unwrap_or_default();
        let others: Vec<_> = others
            .into_iter()
            .filter(SlotCondition::endangered)
            .collect();
        metrics::gauge!("realtime_slot_held_back_bytes").set(own.held_back as f64);
        metrics::gauge!("realtime_slot_endangered").set(f64::from(u8::from(own.endangered())));
        metrics::gauge!("realtime_other_slots_endangered").set(others.len() as f64);
        if let Some(safe) = own.safe {
            metrics::gauge!("realtime_slot_safe_bytes").set(safe as f64);
        }
        *self
            .condition
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = own;
        *self.others.lock().unwrap_or_else(PoisonError::into_inner) = others;
    }

    /// The slots of other servers that are in danger.
    pub(crate) fn others(&self) -> Vec<SlotCondition> {
        self.others
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Changes are read from the journal, or from PostgreSQL's log.
    pub(crate) fn journal(&self, is: bool) {
        self.journal.store(is, Ordering::Relaxed);
        metrics::gauge!("realtime_stream_journal").set(f64::from(u8::from(is)));
    }

    pub(crate) fn is_journal(&self) -> bool {
        self.journal.load(Ordering::Relaxed)
    }

    /// Changes were lost.
    pub(crate) fn gap(&self, at: OffsetDateTime, why: &str) {
        let at = at.format(&Rfc3339).unwrap_or_default();
        let text =
            format!("changes were lost at {at} ({why}); every client was told to read again");
        *self.gap.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }

    /// When changes were last lost, and why.
    pub(crate) fn last_gap(&self) -> Option<String> {
        self.gap
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<bool> {
        self.streaming.subscribe()
    }

    pub(crate) fn failure(&self) -> Option<String> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn lag_ms(&self) -> i64 {
        self.lag_ms.load(Ordering::Relaxed)
    }

    pub(crate) fn condition(&self) -> SlotCondition {
        self.condition
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
