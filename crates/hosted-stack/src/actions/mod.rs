//! The verbs.

mod connection;
mod inbox;
pub(crate) mod kept;
mod people;
mod reconcile;
mod reseal;
mod sessions;

pub(crate) use connection::{Health, NewConnection, State};

use kernel::Error;

/// The project could not be asked: for whoever waits at a form. The log says why.
fn away(error: &anyhow::Error) -> Error {
    tracing::warn!(
        error = format!("{error:#}"),
        "the hosted project cannot be asked"
    );
    Error::Unavailable("The hosted project cannot be reached right now. Try again in a moment.")
}

/// Why something failed, short enough to keep.
fn words(error: &Error) -> String {
    let text = match error {
        Error::Internal(cause) => format!("{cause:#}"),
        other => other
            .refusal()
            .map_or_else(|| other.to_string(), |(_, words)| words),
    };
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}
