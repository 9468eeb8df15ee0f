//! Makes the message as it goes over the wire (RFC 5322, RFC 2045).

use anyhow::Context;
use lettre::message::{
    Message, MultiPart,
    header::{HeaderName, HeaderValue},
};
use time::OffsetDateTime;

use super::{
    config::MailConfig,
    model::{Address, MailId},
    templates::Rendered,
};

/// The message, and the id that all attempts at it share, so that a mailbox that gets it
/// twice can tell.
pub(super) fn compose(
    config: &MailConfig,
    id: MailId,
    to: &Address,
    rendered: Rendered,
    at: OffsetDateTime,
) -> anyhow::Result<Vec<u8>> {
    let name = config.from_name.as_deref().unwrap_or(&config.product_name);
    let message = Message::builder()
        .message_id(Some(message_id(config, id)))
        .date(at.into())
        .from(config.from.mailbox(Some(name)))
        .to(to.mailbox(None))
        .subject(rendered.subject)
        // RFC 3834: no holiday notice is to answer this.
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".into(),
        ))
        .multipart(MultiPart::alternative_plain_html(
            rendered.text,
            rendered.html,
        ))
        .context("the message cannot be made")?;
    Ok(message.formatted())
}

/// Derived from the mail's own id and the sender's domain.
pub(super) fn message_id(config: &MailConfig, id: MailId) -> String {
    format!("<{id}@{}>", config.from.host())
}
