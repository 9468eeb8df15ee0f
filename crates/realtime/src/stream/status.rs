//! How the stream fares, for joins that wait for it and for the health report.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use tokio::sync::watch;

use super::slot::Condition;

/// Shared between the reader and those who ask.
#[derive(Debug)]
pub(crate) struct Status {
    streaming: watch::Sender<bool>,
    failure: Mutex<Option<String>>,
    lag_ms: AtomicI64,
    head: AtomicU64,
    condition: Mutex<Condition>,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            streaming: watch::channel(false).0,
            failure: Mutex::default(),
            lag_ms: AtomicI64::new(0),
            head: AtomicU64::new(0),
            condition: Mutex::default(),
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
    pub(crate) fn delivered(&self, commit: u64, lag: time::Duration) {
        let lag = i64::try_from(lag.whole_milliseconds().max(0)).unwrap_or(i64::MAX);
        self.lag_ms.store(lag, Ordering::Relaxed);
        self.head.store(commit, Ordering::Relaxed);
        metrics::gauge!("realtime_stream_lag_seconds").set(lag as f64 / 1_000.0);
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge in bytes")]
    pub(crate) fn slot(&self, condition: Condition) {
        *self
            .condition
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = condition;
        metrics::gauge!("realtime_slot_held_back_bytes").set(condition.held_back as f64);
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

    pub(crate) fn condition(&self) -> Condition {
        *self
            .condition
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
