//! Moments as PostgreSQL writes them and as people put them into filters.

use time::{
    Date, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset,
    format_description::BorrowedFormatItem, macros::format_description,
};

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const CLOCK: &[BorrowedFormatItem<'_>] =
    format_description!("[hour]:[minute][optional [:[second][optional [.[subsecond]]]]]");
const OFFSET: &[BorrowedFormatItem<'_>] =
    format_description!("[offset_hour sign:mandatory][optional [[optional [:]][offset_minute]]]");

/// Reads `2026-11-22`, `2026-11-22 10:00:00.5+00`, `2026-11-22T10:00Z` and the like; a moment
/// without an offset is taken as UTC.
pub(super) fn parse(text: &str) -> Option<OffsetDateTime> {
    let text = text.trim();
    let date = Date::parse(text.get(..10)?, DATE).ok()?;
    let rest = text[10..].trim_start_matches([' ', 'T', 't']);
    if rest.is_empty() {
        return Some(PrimitiveDateTime::new(date, Time::MIDNIGHT).assume_utc());
    }
    let (clock, offset) = match rest.find(['+', '-', 'Z', 'z']) {
        None => (rest, UtcOffset::UTC),
        Some(at) if rest[at..].eq_ignore_ascii_case("z") => (&rest[..at], UtcOffset::UTC),
        Some(at) => (&rest[..at], UtcOffset::parse(&rest[at..], OFFSET).ok()?),
    };
    let clock = Time::parse(clock.trim_end(), CLOCK).ok()?;
    Some(PrimitiveDateTime::new(date, clock).assume_offset(offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_moment_in_many_hands() {
        let same = [
            "2026-11-22 10:00:00+00",
            "2026-11-22T10:00:00Z",
            "2026-11-22T10:00",
            "2026-11-22 12:00:00.000+02:00",
            "2026-11-22 12:00:00+02",
            "2026-11-22 06:30:00.0-0330",
        ];
        for text in same {
            assert_eq!(parse(text), parse(same[0]), "{text}");
            assert!(parse(text).is_some(), "{text}");
        }
        assert!(parse("2026-11-22").is_some());
        assert_eq!(parse("infinity"), None);
        assert_eq!(parse("ééééé é"), None);
    }
}
