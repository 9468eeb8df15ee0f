//! Billing periods: calendar arithmetic in UTC with an anchor whose day clamps to short months and comes back after.

use time::{Date, Month, OffsetDateTime};

/// Seconds in a day.
pub(crate) const DAY: i64 = 86_400;
/// Seconds in an hour.
pub(crate) const HOUR: i64 = 3_600;

/// A recurring interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interval {
    months: i64,
    days: i64,
}

impl Interval {
    /// From Stripe's `interval` and `interval_count`.
    pub(crate) fn new(unit: &str, count: i64) -> Self {
        let count = count.clamp(1, 10_000);
        match unit {
            "day" => Self {
                months: 0,
                days: count,
            },
            "week" => Self {
                months: 0,
                days: 7 * count,
            },
            "year" => Self {
                months: 12 * count,
                days: 0,
            },
            _ => Self {
                months: count,
                days: 0,
            },
        }
    }

    /// The moment `n` intervals after `anchor`.
    pub(crate) fn nth(self, anchor: i64, n: i64) -> i64 {
        if self.months == 0 {
            anchor + self.days * n * DAY
        } else {
            add_months(anchor, self.months * n)
        }
    }

    /// The first period boundary after `moment`, on the grid that `anchor` lays.
    pub(crate) fn next_after(self, anchor: i64, moment: i64) -> i64 {
        let length = if self.months == 0 {
            self.days * DAY
        } else {
            self.months * 28 * DAY
        };
        let mut n = ((moment - anchor) / length).max(0);
        // A month is at least 28 days, so the guess is never too small: step back, then forward.
        while n > 0 && self.nth(anchor, n) > moment {
            n -= 1;
        }
        while self.nth(anchor, n) <= moment {
            n += 1;
        }
        self.nth(anchor, n)
    }

    /// The boundary before `end` on the grid of `anchor`.
    pub(crate) fn previous(self, anchor: i64, end: i64) -> i64 {
        let mut n = 0;
        while self.nth(anchor, n) >= end {
            n -= 1;
        }
        while self.nth(anchor, n + 1) < end {
            n += 1;
        }
        self.nth(anchor, n)
    }
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Adds calendar months; day 29 to 31 clamps to the month's last day.
pub(crate) fn add_months(seconds: i64, months: i64) -> i64 {
    let moment = at(seconds);
    let total = i64::from(moment.year()) * 12 + i64::from(u8::from(moment.month())) - 1 + months;
    let year = i32::try_from(total.div_euclid(12))
        .unwrap_or(9999)
        .clamp(1, 9999);
    let month = Month::try_from(u8::try_from(total.rem_euclid(12) + 1).unwrap_or(1))
        .unwrap_or(Month::January);
    let day = moment.day().min(month.length(year));
    Date::from_calendar_date(year, month, day)
        .map_or(seconds, |date| moment.replace_date(date).unix_timestamp())
}

/// `22 Nov 2026`, for people.
pub(crate) fn day(seconds: i64) -> String {
    let moment = at(seconds);
    let month = moment.month().to_string();
    format!("{} {} {}", moment.day(), &month[..3], moment.year())
}

/// `22 Nov 2026, 14:05 UTC`, for people.
pub(crate) fn minute(seconds: i64) -> String {
    let moment = at(seconds);
    format!(
        "{}, {:02}:{:02} UTC",
        day(seconds),
        moment.hour(),
        moment.minute()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_month_end_anchor_clamps_and_returns() {
        let anchor = datetime!(2026-01-31 10:00 UTC).unix_timestamp();
        let month = Interval::new("month", 1);
        let ends: Vec<String> = (1..5).map(|n| day(month.nth(anchor, n))).collect();
        assert_eq!(
            ends,
            ["28 Feb 2026", "31 Mar 2026", "30 Apr 2026", "31 May 2026"]
        );
        assert_eq!(
            day(month.next_after(anchor, month.nth(anchor, 1))),
            "31 Mar 2026"
        );
        assert_eq!(
            day(month.previous(anchor, month.nth(anchor, 2))),
            "28 Feb 2026"
        );
    }

    #[test]
    fn a_leap_day_anchor_returns_after_four_years() {
        let anchor = datetime!(2024-02-29 0:00 UTC).unix_timestamp();
        let year = Interval::new("year", 1);
        assert_eq!(day(year.nth(anchor, 1)), "28 Feb 2025");
        assert_eq!(day(year.nth(anchor, 4)), "29 Feb 2028");
    }

    #[test]
    fn weeks_are_seven_days() {
        assert_eq!(Interval::new("week", 2).next_after(0, 0), 14 * DAY);
    }
}
