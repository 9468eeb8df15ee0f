//! Staff in a member's place.

use kernel::{
    Error, Result,
    id::{ImpersonationId, UserId},
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// The fewest and the most characters of a reason.
const REASON: std::ops::RangeInclusive<usize> = 10..=500;
/// Nobody finishes anything in less.
pub(crate) const SHORTEST: u32 = 5;

/// What is allowed beside looking.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Mode {
    /// Nothing.
    Read,
    /// Changes, except of what only the person may change.
    Write,
}

/// What somebody asks for who wants to act in a member's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Why.
    pub reason: String,
    /// For how long.
    pub minutes: u32,
    /// And what beside looking.
    pub mode: Mode,
}

impl Asked {
    /// Reads it; `usual` and `most` are the operator's minutes.
    pub fn parse(
        reason: &str,
        minutes: Option<u32>,
        mode: Option<Mode>,
        (usual, most): (u32, u32),
    ) -> Result<Self> {
        let mut faults = Vec::new();
        let reason = reason.trim();
        let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
        let length = reason.chars().count();
        if length < *REASON.start() {
            faults.push(fault(
                "reason",
                "too_short",
                "Say in a few words why: at least 10 characters.".to_owned(),
            ));
        } else if length > *REASON.end() {
            let message = format!("Use at most {} characters.", REASON.end());
            faults.push(fault("reason", "too_long", message));
        } else if !reason.chars().all(plain) {
            let message = "This is not plain text.".to_owned();
            faults.push(fault("reason", "invalid", message));
        }
        let minutes = minutes.unwrap_or(usual);
        if !(SHORTEST..=most).contains(&minutes) {
            let message = format!("Between {SHORTEST} and {most} minutes.");
            faults.push(fault("minutes", "out_of_range", message));
        }
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        Ok(Self {
            reason: reason.to_owned(),
            minutes,
            mode: mode.unwrap_or(Mode::Read),
        })
    }
}

fn fault(field: &'static str, code: &'static str, message: String) -> kernel::error::FieldError {
    kernel::error::FieldError {
        field: field.into(),
        code,
        message: message.into(),
    }
}

/// One time that somebody acted in a member's place, as the member is told of it.
#[derive(Debug, Clone)]
pub struct Impersonation {
    /// Which.
    pub id: ImpersonationId,
    /// Who, while they are here.
    pub by: UserId,
    /// Their name.
    pub by_name: String,
    /// What was allowed beside looking.
    pub mode: Mode,
    /// Why.
    pub reason: Option<String>,
    /// From when.
    pub started_at: OffsetDateTime,
    /// Until when at the latest.
    pub expires_at: OffsetDateTime,
    /// When it was over before that.
    pub ended_at: Option<OffsetDateTime>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_and_a_bounded_time_are_asked_for() {
        let parse = |reason: &str, minutes| Asked::parse(reason, minutes, None, (30, 120));
        let asked = parse("  Cannot find the invoice ", None).unwrap();
        assert_eq!((asked.minutes, asked.mode), (30, Mode::Read));
        assert_eq!(asked.reason, "Cannot find the invoice");
        for (reason, minutes) in [
            ("too short", None),
            (&*"x".repeat(501), None),
            ("with a \u{7} bell in it", None),
            ("long enough a reason", Some(4)),
            ("long enough a reason", Some(121)),
        ] {
            assert!(parse(reason, minutes).is_err(), "{reason} {minutes:?}");
        }
        assert!(parse("long enough a reason", Some(120)).is_ok());
    }
}
