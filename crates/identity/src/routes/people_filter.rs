//! How the list's filter is said: in an address, and in a body.

use crate::model::{Status, people::Filter};
use kernel::{Result, error::Faults, sheet::day};
use serde::Deserialize;
use time::Duration;

macro_rules! said {
    ($(#[$attribute:meta])* $name:ident) => {
        #[derive(Debug, Default, Deserialize)]
        $(#[$attribute])*
        pub(super) struct $name {
            /// How a name or an address begins, or a word of it; where nobody's does, three or
            /// more letters that stand anywhere in one. At most 200 characters.
            search: Option<String>,
            /// How the account stands; without it, everybody who is not in the trash.
            status: Option<Status>,
            /// A role they hold.
            role: Option<String>,
            /// Only who is here now.
            online: Option<bool>,
            /// Whether the address is proved.
            verified: Option<bool>,
            /// Whether a second factor is set up.
            second_factor: Option<bool>,
            /// Who joined on this day (UTC) or later, as in 2026-11-25.
            joined_from: Option<String>,
            /// Who joined on this day (UTC) or before.
            joined_until: Option<String>,
        }

        impl $name {
            pub(super) fn parse(self) -> Result<Filter> {
                let mut faults = Faults::default();
                let from = day(&mut faults, "joined_from", self.joined_from.as_deref());
                let until = day(&mut faults, "joined_until", self.joined_until.as_deref());
                let long = |text: &String| text.chars().count() > 200;
                if self.search.as_ref().is_some_and(long) {
                    faults.add("search", "too_long", "Search for at most 200 characters.");
                }
                faults.check()?;
                Ok(Filter {
                    search: self.search,
                    status: self.status,
                    role: self.role.filter(|role| !role.is_empty()),
                    online: self.online.unwrap_or(false),
                    verified: self.verified,
                    second_factor: self.second_factor,
                    joined_from: from,
                    joined_until: until.map(|day| day + Duration::DAY),
                })
            }
        }
    };
}

said! {
    #[derive(utoipa::IntoParams)]
    #[into_params(parameter_in = Query)]
    FilterQuery
}
said! {
    // A filter with a word in it that nobody knows would mean everybody.
    #[derive(utoipa::ToSchema)]
    #[serde(deny_unknown_fields)]
    FilterBody
}
