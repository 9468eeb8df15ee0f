//! Tiers, features and memberships: what they are, and what may be said of them.

pub mod payments;

use kernel::{Error, Result, error::Faults, events::Event, id::UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use time::OffsetDateTime;
use uuid::Uuid;

kernel::id! {
    /// A tier.
    TierId
}

/// The most features that a tier opens.
const FEATURES_MOST: usize = 100;

/// What code and audiences call a tier or a feature: a letter, then letters, digits and
/// hyphens, 40 characters at most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(pub String);

impl Key {
    /// Reads a key.
    pub fn parse(field: &'static str, text: &str) -> Result<Self> {
        let mut letters = text.chars();
        let begins = letters.next().is_some_and(|c| c.is_ascii_lowercase());
        let goes_on = letters.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if begins && goes_on && text.len() <= 40 {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::field(
            field,
            "invalid",
            "A key is a small letter, then small letters, digits and hyphens: at most 40.",
        ))
    }
}

/// One feature that a tier opens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    /// The feature's key.
    pub feature: String,
    /// How much of it, at least 1; without limit unless said.
    #[schema(minimum = 1)]
    pub amount: Option<i64>,
}

/// What is said of a tier when it is made or changed.
#[derive(Debug, Clone)]
pub struct TierText {
    /// What people call it: one line, 1 to 60 characters.
    pub name: String,
    /// What it is, for members: at most 500 characters.
    pub description: String,
    /// Where it stands among the tiers; the lowest first.
    pub position: i32,
    /// What it opens.
    pub features: Vec<Opened>,
}

impl TierText {
    /// Reads what is said of a tier; all faults at once.
    pub fn parse(
        name: &str,
        description: &str,
        position: i32,
        features: Vec<Opened>,
    ) -> Result<Self> {
        let mut faults = Faults::default();
        let name = one_line(&mut faults, "name", name, 60);
        let description = text(&mut faults, "description", description, 500);
        let keys: BTreeSet<_> = features.iter().map(|opened| &opened.feature).collect();
        if keys.len() < features.len() {
            faults.add("features", "repeated", "A feature is named once.");
        }
        if features.len() > FEATURES_MOST {
            faults.add("features", "too_many", "A tier opens at most 100 features.");
        }
        if features
            .iter()
            .any(|opened| opened.amount.is_some_and(|amount| amount < 1))
        {
            faults.add("features", "out_of_range", "An amount is at least 1.");
        }
        faults.check()?;
        Ok(Self {
            name,
            description,
            position,
            features,
        })
    }
}

/// What is said of a feature.
#[derive(Debug, Clone)]
pub struct Feature {
    /// What code calls it.
    pub key: Key,
    /// What people call it: one line, 1 to 60 characters.
    pub name: String,
    /// What it is: at most 500 characters.
    pub description: String,
}

impl Feature {
    /// Reads what is said of a feature; all faults at once.
    pub fn parse(key: &str, name: &str, description: &str) -> Result<Self> {
        let mut faults = Faults::default();
        let key = faults.take(Key::parse("key", key));
        let name = one_line(&mut faults, "name", name, 60);
        let description = text(&mut faults, "description", description, 500);
        faults.check()?;
        let key = key.unwrap_or(Key(String::new()));
        Ok(Self {
            key,
            name,
            description,
        })
    }
}

fn one_line(faults: &mut Faults, field: &'static str, said: &str, most: usize) -> String {
    let said = said.trim();
    if said.is_empty() {
        faults.add(field, "required", "Please write something here.");
    } else if said.chars().count() > most {
        faults.add(field, "too_long", format!("At most {most} characters."));
    } else if said.chars().any(char::is_control) {
        faults.add(field, "invalid", "This is one line of text.");
    }
    said.to_owned()
}

fn text(faults: &mut Faults, field: &'static str, said: &str, most: usize) -> String {
    let said = said.trim();
    if said.chars().count() > most {
        faults.add(field, "too_long", format!("At most {most} characters."));
    }
    said.replace("\r\n", "\n")
}

/// A membership on its way.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Which tier, by its key.
    pub tier: Key,
    /// When it ends; never unless said.
    pub until: Option<OffsetDateTime>,
    /// Why it is given, for colleagues: at most 300 characters.
    pub reason: Option<String>,
}

impl Grant {
    /// Reads a grant; all faults at once.
    pub fn parse(
        tier: &str,
        until: Option<OffsetDateTime>,
        reason: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<Self> {
        let mut faults = Faults::default();
        let tier = faults.take(Key::parse("tier", tier));
        if until.is_some_and(|until| until <= now) {
            faults.add("until", "past", "The end lies in the past.");
        }
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
        let reason = reason.map(|reason| text(&mut faults, "reason", reason, 300));
        faults.check()?;
        Ok(Self {
            tier: tier.unwrap_or(Key(String::new())),
            until,
            reason,
        })
    }
}

/// A tier, as staff see it.
#[derive(Debug, Clone)]
pub struct Tier {
    /// Its id.
    pub id: TierId,
    /// What code calls it.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Where it stands.
    pub position: i32,
    /// How many people hold it.
    pub holders: i64,
    /// Since when nobody new gets it.
    pub archived_at: Option<OffsetDateTime>,
    /// What it opens.
    pub features: Vec<Opened>,
    /// What it costs, if it is sold.
    pub prices: Vec<payments::Price>,
}

/// A feature, as staff see it.
#[derive(Debug, Clone)]
pub struct FeatureRow {
    /// What code calls it.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// What it is.
    pub description: String,
    /// How many tiers open it.
    pub tiers: i64,
}

/// Who holds which tier.
#[derive(Debug, Clone)]
pub struct Membership {
    /// The tier's key.
    pub tier: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Since when.
    pub since: OffsetDateTime,
    /// Until when.
    pub until: Option<OffsetDateTime>,
    /// Why it was given.
    pub reason: Option<String>,
}

/// Something that a tier opens, in words.
#[derive(Debug, Clone)]
pub struct Benefit {
    /// What code calls it.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// What it is.
    pub description: String,
    /// How much of it.
    pub amount: Option<i64>,
}

/// One who holds a tier.
#[derive(Debug, Clone)]
pub struct Holder {
    /// Who.
    pub user: UserId,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Since when.
    pub since: OffsetDateTime,
    /// Until when.
    pub until: Option<OffsetDateTime>,
}

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident { $field:ident: $kind:ty } = $text:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Serialize, Deserialize)]
        pub struct $name {
            /// About whom or what.
            pub $field: $kind,
        }

        impl Event for $name {
            const NAME: &'static str = $text;
            fn subject(&self) -> Option<Uuid> {
                Some(self.$field.0)
            }
        }
    )+};
}

events! {
    /// A tier was made.
    TierCreated { tier: TierId } = "billing.tier_created",
    /// A tier was changed, archived or brought back.
    TierChanged { tier: TierId } = "billing.tier_changed",
    /// Somebody got a tier, or another one.
    TierGranted { user: UserId } = "billing.tier_granted",
    /// Somebody holds no tier any more.
    TierEnded { user: UserId } = "billing.tier_ended",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_plain() {
        for good in ["crew", "a", "crew-2", &"a".repeat(40)] {
            assert!(Key::parse("key", good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "2crew",
            "Crew",
            "crew_2",
            "-crew",
            "crèw",
            &"a".repeat(41),
        ] {
            assert!(Key::parse("key", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn all_faults_of_a_tier_come_at_once() {
        let opened = |amount| Opened {
            feature: "boats".to_owned(),
            amount,
        };
        let refused = TierText::parse(
            " ",
            &"x".repeat(501),
            0,
            vec![opened(Some(0)), opened(None)],
        );
        let Err(Error::Invalid(faults)) = refused else {
            panic!("accepted")
        };
        let fields: Vec<_> = faults
            .iter()
            .map(|fault| (fault.field.as_ref(), fault.code))
            .collect();
        assert_eq!(
            fields,
            [
                ("name", "required"),
                ("description", "too_long"),
                ("features", "repeated"),
                ("features", "out_of_range")
            ]
        );
    }
}
