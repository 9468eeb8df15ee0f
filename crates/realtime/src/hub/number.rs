//! Numbers compared as decimal text, exactly, whatever their size: PostgreSQL's `numeric` has no
//! equal among the machine's types, and 2^53 + 1 must not equal 2^53.

use std::cmp::Ordering;

struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
}

fn read(text: &str) -> Option<Decimal<'_>> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let (whole, fraction) = (
        whole.trim_start_matches('0'),
        fraction.trim_end_matches('0'),
    );
    Some(Decimal {
        negative: negative && whole.len() + fraction.len() > 0,
        whole,
        fraction,
    })
}

/// Compares two numbers; `None` if either is none.
pub(super) fn compare(left: &str, right: &str) -> Option<Ordering> {
    let (Some(a), Some(b)) = (read(left.trim()), read(right.trim())) else {
        // Exponents, infinities and NaN: only floats are written so.
        let (a, b): (f64, f64) = (left.trim().parse().ok()?, right.trim().parse().ok()?);
        return Some(a.total_cmp(&b));
    };
    let size = || {
        let by_whole = a.whole.len().cmp(&b.whole.len()).then(a.whole.cmp(b.whole));
        by_whole.then(a.fraction.cmp(b.fraction))
    };
    Some(match (a.negative, b.negative) {
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (false, false) => size(),
        (true, true) => size().reverse(),
    })
}

/// The one way of writing a number, for a hash; `None` where it has an exponent or is none.
pub(super) fn canonical(text: &str) -> Option<String> {
    let Decimal {
        negative,
        whole,
        fraction,
    } = read(text.trim())?;
    let sign = if negative { "-" } else { "" };
    Some(format!("{sign}{whole}.{fraction}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_exactly() {
        let less = [
            ("9007199254740992", "9007199254740993"),
            ("-2", "-1"),
            ("-1", "0"),
            ("1.5", "1.50001"),
            ("9", "10"),
            ("0.9", "1"),
            ("1e3", "1001"),
        ];
        for (small, large) in less {
            assert_eq!(
                compare(small, large),
                Some(Ordering::Less),
                "{small} {large}"
            );
            assert_eq!(compare(large, small), Some(Ordering::Greater));
        }
        assert_eq!(compare("-0.0", "0"), Some(Ordering::Equal));
        assert_eq!(compare("1.50", "01.5"), Some(Ordering::Equal));
        assert_eq!(compare("x", "1"), None);
        assert_eq!(canonical("007.10"), canonical("7.1"));
    }
}
