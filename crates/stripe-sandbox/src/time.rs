//! The one place that asks the system for the time.

/// Seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "this crate stands alone, and this is its only clock; tests give their own"
)]
pub fn system() -> i64 {
    time::OffsetDateTime::now_utc().unix_timestamp()
}
