//! Who lives in the demo tenant. Chosen by number, so that it is the same place each time.

use billing::{DemoTier, model::payments::Interval};

/// Staff: a name and a role each.
pub(super) const STAFF: [(&str, &str); 5] = [
    ("Ada Whitfield", "admin"),
    ("Tomas Lindqvist", "support"),
    ("Noor Haddad", "billing"),
    ("June Okafor", "editor"),
    ("Elias Brandt", "editor"),
];

/// What members of the club may be.
pub(super) const TIERS: [DemoTier; 4] = [
    DemoTier {
        key: "trial",
        said: (
            "Trial month",
            "Four weeks to find out whether rowing is for you.",
        ),
        opens: &[
            ("boathouse", "Boathouse and gym", None),
            ("coached-hours", "Coached hours a month", Some(4)),
        ],
        costs: &[],
    },
    DemoTier {
        key: "friend",
        said: (
            "Friend",
            "For those who come for the people more than for the boats.",
        ),
        opens: &[("events", "Events at members' price", None)],
        costs: &[(Interval::Month, 900)],
    },
    DemoTier {
        key: "rower",
        said: (
            "Rower",
            "The whole house, and the boats you are trained for.",
        ),
        opens: &[
            ("boathouse", "Boathouse and gym", None),
            ("boats", "Club boats", None),
            ("coached-hours", "Coached hours a month", Some(8)),
            ("events", "Events at members' price", None),
            ("guests", "Guests a season", Some(4)),
        ],
        costs: &[(Interval::Month, 2_400), (Interval::Year, 24_000)],
    },
    DemoTier {
        key: "patron",
        said: ("Patron", "What a rower has, and a rack of your own."),
        opens: &[
            ("boathouse", "Boathouse and gym", None),
            ("boats", "Club boats", None),
            ("coached-hours", "Coached hours a month", None),
            ("events", "Events at members' price", None),
            ("guests", "Guests a season", None),
            ("rack", "Rack for a boat of your own", Some(1)),
        ],
        costs: &[(Interval::Month, 6_000), (Interval::Year, 60_000)],
    },
];

const FIRST: [&str; 40] = [
    "Mia", "Jonas", "Leila", "Oskar", "Ines", "Pavel", "Yuki", "Amara", "Felix", "Greta", "Hugo",
    "Selma", "Diego", "Nadia", "Emil", "Rosa", "Kofi", "Astrid", "Luca", "Hanna", "Omar", "Freya",
    "Mateo", "Zofia", "Henrik", "Priya", "Anton", "Clara", "Idris", "Maja", "Theo", "Vera",
    "Samir", "Lotte", "Bruno", "Edith", "Kenji", "Olive", "Rafael", "Signe",
];

const LAST: [&str; 25] = [
    "Keller",
    "Novak",
    "Rossi",
    "Bergström",
    "Almeida",
    "Tanaka",
    "Fischer",
    "Moreau",
    "Jansen",
    "Kowalski",
    "Byrne",
    "Costa",
    "Nilsen",
    "Osei",
    "Varga",
    "Dupont",
    "Sato",
    "Iversen",
    "Marin",
    "Popescu",
    "Quinn",
    "Weber",
    "Lund",
    "Farah",
    "Castell",
];

/// The name of the n-th member: different for each n below a thousand.
pub(super) fn member(n: usize) -> String {
    let first = FIRST[n % FIRST.len()];
    let last = LAST[(n / FIRST.len() + n * 7) % LAST.len()];
    format!("{first} {last}")
}

/// An address in a domain that cannot receive mail (RFC 2606).
pub(super) fn address(name: &str) -> String {
    let plain: String = name
        .to_lowercase()
        .chars()
        .map(|c| match c {
            'ö' => 'o',
            ' ' => '.',
            c => c,
        })
        .collect();
    format!("{plain}@demo.example")
}

/// A place that grows: more joined lately than long ago.
pub(super) fn joined_days_ago(n: usize, of: usize) -> i64 {
    let left = i64::try_from(of - n.min(of)).unwrap_or(0);
    let of = i64::try_from(of).unwrap_or(1);
    // Quadratic over 280 days.
    if n == 0 {
        210
    } else {
        280 * left * left / (of * of)
    }
}

/// A number below `below` that looks random and is not (Fibonacci hashing).
pub(super) fn spread(n: usize, below: i64) -> i64 {
    let mixed = (n as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
    i64::try_from(mixed).unwrap_or(0) % below.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_members_share_an_address() {
        let addresses: HashSet<String> = (0..200).map(|n| address(&member(n))).collect();
        assert_eq!(addresses.len(), 200);
    }
}
