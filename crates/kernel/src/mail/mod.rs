//! Mail: asked for in the transaction of its cause, delivered by a job, never twice for one
//! cause. HTML and text from one source; by default kept for a local viewer instead of sent.
//!
//! A verb calls [`Mailer::enqueue`] in its transaction and enqueues a job that calls
//! [`Mailer::deliver`]. Owns the tables `kernel.mails` and `kernel.mail_words`; sends no events.
//!
//! Invariant: a mail is marked as being sent, and that is committed, before the first byte
//! goes to the relay. So an attempt that vanished leaves a trace, and what may have been
//! sent is not sent again unless a person says so.
//!
//! Refuses to send by itself what may have been sent, to keep the text of what was sent (it
//! holds one-time links), and to take an address or a subject that could carry a header.

mod about;
mod actions;
mod compose;
mod config;
mod jobs;
mod model;
mod relay;
mod smtp;
mod store;
mod templates;
pub mod viewer;
mod wording;
mod words;

pub use about::{About, EVERYWHERE, meaning};
pub use actions::Mailer;
pub use config::{MailConfig, TransportKind};
pub use jobs::SendMail;
pub use model::{Address, Delivery, InvalidAddress, Mail, MailId, Seal, State};
pub use templates::{Rendered, Template};
pub use viewer::framed;
pub use wording::{Changed, Wording};
pub use words::Words;
