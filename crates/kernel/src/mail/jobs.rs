//! The job that delivers a mail.

use super::MailId;
use crate::jobs::Job;
use serde::{Deserialize, Serialize};

/// Delivers one mail. Its handler calls [`super::Mailer::deliver`].
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct SendMail {
    /// Which.
    pub mail: MailId,
}

impl Job for SendMail {
    const NAME: &'static str = "kernel:send_mail";
}
