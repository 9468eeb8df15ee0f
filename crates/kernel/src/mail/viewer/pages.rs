//! The pages' sources, and how they say a time.

use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

use crate::error::Result;

/// A time on a page.
#[derive(Serialize)]
pub(super) struct Moment {
    /// For the machine.
    exact: String,
    /// For the eye, in UTC.
    short: String,
}

/// Both of its spellings.
pub(super) fn moment(at: OffsetDateTime) -> Result<Moment> {
    let short =
        format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute]");
    Ok(Moment {
        exact: at.format(&Rfc3339).map_err(anyhow::Error::new)?,
        short: at.format(short).map_err(anyhow::Error::new)?,
    })
}

/// Everything that a page prints is escaped; what it misses is an error.
#[expect(
    clippy::expect_used,
    reason = "sources that are part of the program; every test parses them"
)]
pub(super) fn environment() -> Environment<'static> {
    let mut pages = Environment::new();
    pages.set_auto_escape_callback(|_| AutoEscape::Html);
    pages.set_undefined_behavior(UndefinedBehavior::Strict);
    for (name, source) in [
        ("base", include_str!("base.html")),
        ("list", include_str!("list.html")),
        ("message", include_str!("message.html")),
    ] {
        pages
            .add_template(name, source)
            .expect("the viewer's pages parse");
    }
    pages
}
