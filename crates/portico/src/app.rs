//! Builds everything, once, in order. What a test builds is what a server runs.

use crate::{
    MIGRATIONS,
    config::{Bus, Config},
    front::Front,
    holders,
    http::Parts,
    payments::Till,
    router,
    wiring::{self, Doorman, Registrar, SealedMail, Vouching},
};
use anyhow::{Context, bail};
use billing::Billing;
use hosted_stack::HostedStack;
use identity::Identity;
use kernel::{
    Clock,
    audit::Audit,
    cache::Invalidations,
    database::{self, Addresses, Database},
    events::{self, EventLog},
    files::{Files, SweepFiles},
    jobs::{self, Handlers, Job, Worker},
    limits::Limits,
    live::Signals,
    mail::{Mailer, SendMail},
    row_security, settings,
    tasks::Tasks,
    vault::Vault,
};
use realtime::{BusConfig, DeclaredChannels, Ports, Realtime};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use updates::Updates;

/// The parts of one server, built and ready to run.
#[derive(Debug, Clone)]
pub struct App {
    /// How it is configured.
    pub config: Arc<Config>,
    /// The database.
    pub db: Database,
    /// The clock.
    pub clock: Clock,
    /// Background tasks.
    pub tasks: Tasks,
    /// The audit chain.
    pub audit: Audit,
    /// Mail.
    pub mailer: Mailer,
    /// Files that people send.
    pub files: Files,
    /// Accounts and sessions.
    pub identity: Identity,
    /// A hosted project that is trusted with identity.
    pub hosted: HostedStack,
    /// Tiers, who holds them, and what was paid for them.
    pub billing: Billing,
    /// Who takes payments, if anything is sold.
    pub till: Option<Till>,
    /// Updates and receipts.
    pub updates: Updates,
    /// Sockets and the change stream.
    pub realtime: Realtime,
    /// Runs jobs.
    pub worker: Arc<Worker>,
    /// Carries invalidations to caches.
    pub invalidations: Invalidations,
    /// The front end, once [`App::start_front`] was called.
    pub front: Option<Front>,
}

impl App {
    /// Connects, migrates and builds. Starts nothing in the background.
    pub async fn build(
        config: Config,
        addresses: &Addresses,
        clock: Clock,
        tasks: Tasks,
    ) -> anyhow::Result<Self> {
        let connections = config.database.connections.unwrap_or(16);
        let db = Database::connect(addresses, connections).await?;
        database::migrate(&db, &MIGRATIONS).await?;
        row_security::apply(db.direct(), &wiring::live_tables()).await?;
        let vault = open_vault(&config, &db).await?;
        let audit = Audit::new(&vault.mac_key("audit chain"), clock.clone());
        let mailer = build_mailer(&config, &db, &vault, &clock)?;
        let events = EventLog::new(clock.clone(), wiring::reactions);
        let limits = Limits::new(db.pool().clone(), clock.clone());
        let (signals, invalidations) = (Signals::default(), Invalidations::default());
        let till = Till::open(&config, &db)?;
        let billing = Billing::new(billing::Needs {
            db: db.clone(),
            events: events.clone(),
            audit: audit.clone(),
            clock: clock.clone(),
            vault: vault.clone(),
            public_url: config.public_url(),
            stripe: till.as_ref().map(Till::connection),
        })?;
        let updates = Updates::new(db.clone(), events.clone(), audit.clone(), clock.clone());
        let files = build_files(&config, &db, &clock)?;
        let identity = Identity::new(identity::Needs {
            db: db.clone(),
            events,
            audit: audit.clone(),
            clock: clock.clone(),
            limits: limits.clone(),
            vault: vault.clone(),
            mailer: mailer.clone(),
            files: files.clone(),
            holders: holders::all(&db, &billing, &updates, &files, &mailer),
            signals: signals.clone(),
            invalidations: invalidations.clone(),
            public_url: config.public_url(),
            product: config.mail.product_name.clone(),
            config: config.identity.clone(),
        })
        .await?;
        let hosted = HostedStack::new(hosted_stack::Needs {
            db: db.clone(),
            audit: audit.clone(),
            clock: clock.clone(),
            limits: limits.clone(),
            vault,
            invalidations: invalidations.clone(),
            public_url: config.public_url(),
            people: Arc::new(Registrar(identity.clone())),
            config: config.hosted_stack.clone(),
        })?;
        identity.trust(Arc::new(Vouching(hosted.clone())));
        let realtime = build_realtime(&config, addresses, &identity, signals, &tasks, &clock)?;
        let handlers = kernel_handlers(&mailer, &limits, &files);
        let handlers = billing.handlers(identity.handlers(handlers));
        let handlers = realtime.handlers(hosted.handlers(handlers));
        let worker = Arc::new(Worker::new(&db, &clock, handlers, &tasks).await?);
        Ok(Self {
            config: Arc::new(config),
            db,
            clock,
            tasks,
            audit,
            mailer,
            files,
            identity,
            hosted,
            billing,
            till,
            updates,
            realtime,
            worker,
            invalidations,
            front: None,
        })
    }

    /// Starts what runs in the background.
    pub async fn start(&self) -> anyhow::Result<()> {
        self.invalidations
            .listen(self.db.direct(), &self.tasks)
            .await?;
        self.realtime.start();
        if let Some(till) = &self.till {
            // Nobody waits for it: who pays in the first moments asks again.
            let (till, billing, tasks) = (till.clone(), self.billing.clone(), self.tasks.clone());
            self.tasks.spawn("till", async move {
                if let Err(error) = till.start(&billing, &tasks).await {
                    tracing::error!(error = format!("{error:#}"), "nobody can pay");
                }
            });
        }
        self.worker.start(&self.tasks);
        Ok(())
    }

    /// Starts the front end.
    pub fn start_front(&mut self) -> anyhow::Result<()> {
        self.front = Some(Front::start(self.config.front.clone(), &self.tasks)?);
        Ok(())
    }

    /// Everything that is served, with its layers.
    pub fn router(&self) -> anyhow::Result<axum::Router> {
        let parts: Parts = router::parts(self);
        crate::http::layers(parts, &self.config.http)
    }
}

/// Under which key the fingerprint of the key file is kept.
pub(crate) const VAULT_FINGERPRINT: &str = "vault.fingerprint";

/// A key file that is not the one this database was written with would seal new rows under
/// other keys and leave the old ones unreadable: better not to start.
async fn open_vault(config: &Config, db: &Database) -> anyhow::Result<Vault> {
    std::fs::create_dir_all(&config.data)
        .with_context(|| format!("the data folder {} cannot be made", config.data.display()))?;
    let file = config.data.join("vault.keys");
    let mut db = db.acquire().await?;
    let known = settings::get(&mut db, VAULT_FINGERPRINT).await?;
    if known.is_some() && !file.exists() {
        bail!(
            "{} is missing, but this database was written with one. Restore the file from \
             your copy: without it, what it encrypted is lost.",
            file.display()
        );
    }
    let vault = Vault::load(&config.data)?;
    let ours = serde_json::Value::from(vault.fingerprint());
    match known {
        Some(known) if known != ours => bail!(
            "{} is not the key file that this database was written with. Restore the right \
             one from your copy.",
            file.display()
        ),
        Some(_) => {}
        None => settings::keep_first(&mut db, VAULT_FINGERPRINT, &ours).await?,
    }
    Ok(vault)
}

/// Mail, which waits sealed.
fn build_mailer(
    config: &Config,
    db: &Database,
    vault: &Vault,
    clock: &Clock,
) -> anyhow::Result<Mailer> {
    let seal = Arc::new(SealedMail(vault.clone()));
    Mailer::new(
        db.pool().clone(),
        config.mail.clone(),
        Some(seal),
        clock.clone(),
    )
}

fn build_files(config: &Config, db: &Database, clock: &Clock) -> anyhow::Result<Files> {
    Files::new(
        db.clone(),
        &config.data,
        &config.files,
        wiring::file_purposes(),
        clock.clone(),
    )
}

fn build_realtime(
    config: &Config,
    addresses: &Addresses,
    identity: &Identity,
    signals: Signals,
    tasks: &Tasks,
    clock: &Clock,
) -> anyhow::Result<Realtime> {
    let mut settings = realtime::Config::new(addresses.direct.clone(), wiring::live_tables());
    settings.slot_name.clone_from(&config.realtime.slot);
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    settings.offline_grace = seconds(config.realtime.offline_seconds);
    settings.away_grace = seconds(config.realtime.away_seconds);
    settings.beat = seconds(config.realtime.beat_seconds.max(1));
    settings.retention = Duration::from_hours(config.realtime.keep_hours.into());
    settings.private_only = config.realtime.private_only;
    settings.limits = config.realtime.limits.clone();
    settings.bus = match config.realtime.bus {
        Bus::Local => BusConfig::Local,
        Bus::Postgres => BusConfig::Postgres,
        Bus::Redis => {
            let url = config.realtime.redis_url.as_ref();
            let url = url.context("realtime.bus is redis, so realtime.redis_url is needed")?;
            BusConfig::Redis(url.expose_secret().to_owned())
        }
    };
    settings.allowed_origins = std::iter::once(config.public_url().origin().ascii_serialization())
        .chain(
            config
                .http
                .origins
                .iter()
                .map(|origin| origin.as_str().to_owned()),
        )
        .collect();
    let doorman = Arc::new(Doorman {
        identity: identity.clone(),
        server: config.realtime.slot.clone(),
        patience: settings.beat * 5,
    });
    let ports = Ports {
        authenticator: doorman.clone(),
        online: doorman,
        channels: Arc::new(DeclaredChannels(wiring::channels())),
        signals,
    };
    Realtime::new(settings, ports, tasks, clock.clone())
}

macro_rules! chores {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Serialize, Deserialize)]
        struct $name {}
        impl Job for $name {
            const NAME: &'static str = $text;
        }
    )+};
}

chores! {
    /// Makes the event log's partitions of the months ahead.
    MakePartitions = "kernel:make_partitions",
    /// Moves jobs that failed for good out of the queue.
    SweepDeadLetters = "kernel:sweep_dead_letters",
    /// Forgets rate limits that are full again.
    SweepLimits = "kernel:sweep_limits",
}

fn kernel_handlers(mailer: &Mailer, limits: &Limits, files: &Files) -> Handlers {
    let (mailer, limits, files) = (mailer.clone(), limits.clone(), files.clone());
    Handlers::new()
        .on(move |job: SendMail, _| {
            let mailer = mailer.clone();
            async move { mailer.deliver(job.mail).await.map(|_| ()) }
        })
        .every("5 2 * * *", |_: MakePartitions, context| async move {
            let mut db = context.db.acquire().await?;
            events::make_partitions(&mut db, &context.clock, 3)
                .await
                .map(|_| ())
        })
        .every("*/10 * * * *", |_: SweepDeadLetters, context| async move {
            jobs::sweep_dead(context.db.pool()).await.map(|_| ())
        })
        .every("30 * * * *", move |_: SweepLimits, _| {
            let limits = limits.clone();
            async move { limits.sweep().await.map(|_| ()) }
        })
        .every("40 3 * * *", move |_: SweepFiles, _| {
            let files = files.clone();
            async move { files.sweep().await.map(|_| ()) }
        })
}
