//! Who takes payments: a sandbox in this process, where only this machine reaches the server.
//!
//! The billing domain speaks Stripe's protocol to it over a port of its own, as it would to
//! Stripe, and hears its web hooks there. Its pages stand below `/_sandbox`, for the browsers
//! that come to us. No money moves, and anybody can pay with a test card: so it is refused on an
//! address that others reach.

use crate::{config::Config, http::serve};
use anyhow::Context;
use aws_lc_rs::rand;
use axum::Router;
use billing::{Billing, Connection, Payments};
use kernel::{database::Database, tasks::Tasks};
use std::{
    fmt,
    net::{Ipv4Addr, TcpListener},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use stripe_sandbox::{Sandbox, Storage};
use url::Url;

/// Where the sandbox's pages stand.
pub(crate) const PAGES: &str = "/_sandbox";

/// Where its clock is turned, and what it did is seen.
pub(crate) const CONTROL: &str = "/_sandbox/pages/control";

/// Whether payments are practised here; an error where that would let anybody in.
pub(crate) fn practised(config: &Config) -> anyhow::Result<bool> {
    match config.billing.payments {
        Payments::Off => Ok(false),
        Payments::Auto => Ok(config.is_local()),
        Payments::Sandbox if config.is_local() => Ok(true),
        Payments::Sandbox => anyhow::bail!(
            "refusing to take sandbox payments where others come (on {}, as {}): anybody could \
             subscribe with a test card. Set billing.payments to \"off\", or keep the server to \
             this machine",
            config.listen,
            config.public_url()
        ),
    }
}

/// The sandbox of this server.
#[derive(Clone)]
pub struct Till(Arc<Inner>);

struct Inner {
    sandbox: Sandbox,
    /// Where the billing domain reaches it.
    api: Url,
    /// Taken by whoever starts it.
    listener: Mutex<Option<TcpListener>>,
    key: String,
    control: String,
}

impl fmt::Debug for Till {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Till").finish_non_exhaustive()
    }
}

impl Till {
    /// Sets up the sandbox if it is to take payments. It answers once it is started.
    pub(crate) fn open(config: &Config, db: &Database) -> anyhow::Result<Option<Self>> {
        if !practised(config)? {
            return Ok(None);
        }
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("a port for payments")?;
        let api = Url::parse(&format!("http://{}", listener.local_addr()?))?;
        // Known to this process alone: other users of this machine reach the port, too.
        let mut secret = [0_u8; 24];
        rand::fill(&mut secret).map_err(|_| anyhow::anyhow!("no random bytes"))?;
        let key = format!("sk_test_sandbox_{}", hex::encode(secret));
        let pages = config.public_url().join(PAGES)?;
        let control = config.public_url().join(CONTROL)?.into();
        let mut settings = stripe_sandbox::Config::new(pages);
        settings.storage = Storage::Postgres(db.direct().clone());
        settings.secret_key = Some(key.clone());
        Ok(Some(Self(Arc::new(Inner {
            sandbox: Sandbox::new(settings),
            api,
            listener: Mutex::new(Some(listener)),
            key,
            control,
        }))))
    }

    /// How the billing domain reaches it.
    pub(crate) fn connection(&self) -> Connection {
        Connection {
            api: self.0.api.clone(),
            key: self.0.key.clone().into(),
        }
    }

    /// Where its clock is turned, for a browser.
    pub fn control(&self) -> String {
        self.0.control.clone()
    }

    /// What browsers see of it.
    pub(crate) fn pages(&self) -> Router {
        Router::new().nest(PAGES, self.0.sandbox.pages())
    }

    /// Lets it answer, lets its time pass, and has it send its web hooks here.
    pub async fn start(&self, billing: &Billing, tasks: &Tasks) -> anyhow::Result<()> {
        let listener = {
            let mut listener = self
                .0
                .listener
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            listener.take()
        };
        let listener = listener.context("payments are started once")?;
        let router = self
            .0
            .sandbox
            .router()
            .merge(billing::routes::webhooks(billing));
        let own = tasks.clone();
        tasks.spawn("payments", async move {
            let served = serve::serve(listener, None, router, &own, Duration::ZERO).await;
            if let Err(error) = served {
                tracing::error!(error = format!("{error:#}"), "nobody can pay");
            }
        });
        let (sandbox, stop) = (self.0.sandbox.clone(), tasks.token());
        tasks.spawn("sandbox", async move {
            sandbox.run(stop.cancelled_owned()).await;
        });
        let hooks = self.0.api.join("stripe/webhooks")?;
        if let Err(error) = billing.listen_at(&hooks).await {
            // Another server on this database has the sandbox. What it is told reaches us
            // through the database; only buying fails here.
            tracing::warn!(%error, "the sandbox for payments does not answer");
        }
        Ok(())
    }
}
