//! Talks to the relay. Says of every failure whether the mail can have left: lettre's own
//! transport does not tell a line that broke before the message from one that broke after
//! it, so the dialogue is led here, command by command, over lettre's connection.
//!
//! Never sends a password or a mail in clear text over a network unless told so.

use anyhow::{Context, anyhow, bail};
use lettre::{
    Address,
    transport::smtp::{
        Error as SmtpError,
        authentication::DEFAULT_MECHANISMS,
        client::AsyncSmtpConnection,
        commands::{Data, Mail, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    },
};
use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{sync::Semaphore, time::timeout};

use super::relay::{Relay, Security};

/// Connections that may be open at a time.
const CONNECTIONS: usize = 4;
/// How long a connection that nobody uses is kept.
const IDLE: Duration = Duration::from_secs(45);
/// From the first packet to the end of authentication.
const CONNECT: Duration = Duration::from_secs(30);
/// From MAIL to the answer to DATA.
const ENVELOPE: Duration = Duration::from_mins(1);
/// The message and the answer to it. Relays that scan take their time.
const MESSAGE: Duration = Duration::from_mins(3);
/// The liveness check of a pooled connection.
const PROBE: Duration = Duration::from_secs(5);

/// All waits of one attempt together, the one for a free connection aside.
pub(super) const LONGEST: Duration = Duration::from_secs(
    PROBE.as_secs() * CONNECTIONS as u64
        + CONNECT.as_secs()
        + ENVELOPE.as_secs()
        + MESSAGE.as_secs(),
);

/// Why a mail was not, or not certainly, handed over.
#[derive(Debug)]
pub(super) enum Failure {
    /// It has not left; trying again may help.
    Retry(anyhow::Error),
    /// The relay will not take it, now or later.
    Refused(anyhow::Error),
    /// All of it was sent, but no answer came: it may have left.
    Unknown(anyhow::Error),
}

/// A relay and the open connections to it.
pub(super) struct Smtp {
    relay: Relay,
    hello: ClientId,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
    free: Semaphore,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp")
            .field("host", &self.relay.host)
            .field("port", &self.relay.port)
            .finish_non_exhaustive()
    }
}

impl Smtp {
    /// Connects to nothing yet.
    pub(super) fn new(relay: Relay) -> Self {
        Self {
            relay,
            hello: ClientId::default(),
            idle: Mutex::new(Vec::new()),
            free: Semaphore::new(CONNECTIONS),
        }
    }

    /// Waits until a connection may be opened. Taken before a mail is claimed, so that the
    /// wait does not eat into the time that a claim lasts.
    pub(super) async fn slot(&self) -> anyhow::Result<Slot<'_>> {
        let permit = self
            .free
            .acquire()
            .await
            .context("the mail relay's pool is closed")?;
        Ok(Slot {
            smtp: self,
            _permit: permit,
        })
    }

    fn take_idle(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, since)| since.elapsed() < IDLE);
        idle.pop().map(|(connection, _)| connection)
    }

    async fn connection(&self) -> anyhow::Result<AsyncSmtpConnection> {
        while let Some(mut connection) = self.take_idle() {
            if timeout(PROBE, connection.test_connected())
                .await
                .unwrap_or(false)
            {
                return Ok(connection);
            }
        }
        timeout(CONNECT, self.connect())
            .await
            .context("the relay did not answer in time")?
    }

    async fn connect(&self) -> anyhow::Result<AsyncSmtpConnection> {
        let relay = &self.relay;
        let wrapper = (relay.security == Security::Wrapped).then(|| relay.tls.clone());
        let address = (relay.host.as_str(), relay.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, Some(CONNECT), &self.hello, wrapper, None)
                .await
                .with_context(|| format!("no connection to {}:{}", relay.host, relay.port))?;
        match relay.security {
            Security::Wrapped | Security::Clear => {}
            Security::Opportunistic if !connection.can_starttls() => {}
            Security::Required if !connection.can_starttls() => {
                bail!(
                    "the relay does not offer STARTTLS; add ?tls=none to mail.smtp_url if clear text is meant"
                )
            }
            Security::Required | Security::Opportunistic => {
                connection
                    .starttls(relay.tls.clone(), &self.hello)
                    .await
                    .context("STARTTLS failed")?;
            }
        }
        if let Some(credentials) = &relay.credentials {
            connection
                .auth(DEFAULT_MECHANISMS, credentials)
                .await
                .context("the relay refused the credentials")?;
        }
        Ok(connection)
    }
}

/// The right to use one connection.
pub(super) struct Slot<'a> {
    smtp: &'a Smtp,
    _permit: tokio::sync::SemaphorePermit<'a>,
}

impl Slot<'_> {
    /// Hands one message to the relay.
    pub(super) async fn send(
        &self,
        from: Address,
        to: Address,
        message: &[u8],
    ) -> Result<(), Failure> {
        let mut connection = self.smtp.connection().await.map_err(Failure::Retry)?;
        // Whatever goes wrong from here on, the connection is dropped rather than pooled.
        timeout(ENVELOPE, envelope(&mut connection, from, to, message))
            .await
            .unwrap_or_else(|_| Err(Failure::Retry(anyhow!("the relay did not answer in time"))))?;
        match timeout(MESSAGE, connection.message(message)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                return Err(match verdict(&error) {
                    Some(false) => Failure::Retry(error.into()),
                    Some(true) => Failure::Refused(error.into()),
                    None => Failure::Unknown(error.into()),
                });
            }
            Err(_) => {
                return Err(Failure::Unknown(anyhow!(
                    "the relay did not answer in time"
                )));
            }
        }
        let mut idle = self
            .smtp
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        idle.push((connection, Instant::now()));
        Ok(())
    }
}

async fn envelope(
    connection: &mut AsyncSmtpConnection,
    from: Address,
    to: Address,
    message: &[u8],
) -> Result<(), Failure> {
    let mut parameters = Vec::new();
    if !(AsRef::<str>::as_ref(&from).is_ascii() && AsRef::<str>::as_ref(&to).is_ascii()) {
        if !connection
            .server_info()
            .supports_feature(Extension::SmtpUtfEight)
        {
            return Err(Failure::Refused(anyhow!(
                "the relay takes no address outside ASCII (SMTPUTF8)"
            )));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    // The parts are encoded in ASCII; only a header with such an address is not.
    if !message.is_ascii()
        && connection
            .server_info()
            .supports_feature(Extension::EightBitMime)
    {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    let refusal = |error: SmtpError| match verdict(&error) {
        Some(true) => Failure::Refused(error.into()),
        _ => Failure::Retry(error.into()),
    };
    connection
        .command(Mail::new(Some(from), parameters))
        .await
        .map_err(refusal)?;
    connection
        .command(Rcpt::new(to, Vec::new()))
        .await
        .map_err(refusal)?;
    connection.command(Data).await.map_err(refusal)?;
    Ok(())
}

/// What the relay itself said: whether for good. `None` if it said nothing that counts.
fn verdict(error: &SmtpError) -> Option<bool> {
    if error.is_transient() {
        return Some(false);
    }
    // 530, 534, 535 and 538 are about our credentials (RFC 4954 §6), not about this mail.
    let ours = error
        .status()
        .is_some_and(|code| matches!(u16::from(code), 530 | 534 | 535 | 538));
    error.is_permanent().then_some(!ours)
}
