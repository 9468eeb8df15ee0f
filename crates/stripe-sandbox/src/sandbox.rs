//! The running sandbox: the state behind one lock, its storage, its clock, and the loop that lets time pass.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex as StdMutex};

use tokio::sync::{Mutex, MutexGuard, Notify};

use crate::core::{ApiError, Cx, Read, RequestInfo, Result, State, Value};
use crate::engine::clock;
use crate::storage::{Storage, Store};

/// How many due things are done before others get their turn.
const CHUNK: usize = 256;

/// How a sandbox is set up.
#[derive(Clone)]
pub struct Config {
    /// Where a browser reaches the pages, without a slash at the end, such as `http://127.0.0.1:12111`.
    pub public_url: String,
    /// Where the objects are kept.
    pub storage: Storage,
    /// The real time in seconds; the global clock is this plus the offset that the control page sets.
    pub time: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Makes ids. Equal seeds and equal requests give equal ids; by default it is random.
    pub seed: Option<[u8; 32]>,
    /// The one secret key that is accepted; by default any key that begins with `sk_test_` or `rk_test_`.
    pub secret_key: Option<String>,
    /// A file that every request and answer is appended to, for the contract's checks.
    pub record: Option<PathBuf>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("public_url", &self.public_url)
            .field("storage", &self.storage)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// In memory, on the system's clock, open to any test key.
    pub fn new(public_url: impl Into<String>) -> Self {
        Self {
            public_url: public_url.into(),
            storage: Storage::Memory,
            time: Arc::new(crate::time::system),
            seed: None,
            secret_key: None,
            record: None,
        }
    }
}

/// A sandbox. Cheap to clone; clones share one state.
#[derive(Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    store: Store,
    state: Mutex<Option<State>>,
    offset: AtomicI64,
    in_flight: StdMutex<HashSet<String>>,
    changed: Notify,
    pub(crate) deliver: Notify,
    http: reqwest::Client,
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("config", &self.inner.config)
            .finish_non_exhaustive()
    }
}

impl Sandbox {
    /// A sandbox that does nothing until it is asked. [`Sandbox::run`] lets its time pass and its web hooks out.
    pub fn new(config: Config) -> Self {
        // The process may have chosen a TLS provider already; the first choice stays.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(std::time::Duration::from_secs(20))
            .no_proxy()
            .build()
            .unwrap_or_default();
        let store = Store::new(config.storage.clone());
        Self {
            inner: Arc::new(Inner {
                config,
                store,
                state: Mutex::new(None),
                offset: AtomicI64::new(0),
                in_flight: StdMutex::default(),
                changed: Notify::new(),
                deliver: Notify::new(),
                http,
            }),
        }
    }

    /// The API and the pages.
    pub fn router(&self) -> axum::Router {
        crate::http::router(self.clone())
    }

    /// The pages alone, for a server that puts them below a path of its own: `public_url` names it.
    pub fn pages(&self) -> axum::Router {
        crate::pages::router().with_state(self.clone())
    }

    /// Lets time pass and web hooks out until `shutdown` is done.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) {
        let pump = self.pump_forever();
        let deliver = crate::webhooks::deliver_forever(self);
        tokio::select! {
            () = shutdown => {}
            () = pump => {}
            () = deliver => {}
        }
        self.release().await;
    }

    async fn pump_forever(&self) {
        loop {
            match self.pump().await {
                Ok(true) => {
                    tokio::task::yield_now().await;
                    continue;
                }
                Ok(false) => {}
                Err(error) => tracing::error!(error = error.message(), "time could not pass"),
            }
            let next = self.next_wake().await;
            let pause = next.map_or(30, |due| (due - self.now()).clamp(1, 30));
            tokio::select! {
                () = self.inner.changed.notified() => {}
                () = tokio::time::sleep(std::time::Duration::from_secs(u64::try_from(pause).unwrap_or(30))) => {}
            }
        }
    }

    async fn next_wake(&self) -> Option<i64> {
        let guard = self.lock().await.ok()?;
        guard
            .as_ref()
            .and_then(|state| state.next_wake(""))
            .map(|(due, _)| due)
    }

    /// Does a few due things. Returns whether more is due.
    pub(crate) async fn pump(&self) -> Result<bool> {
        self.execute(RequestInfo::default(), |cx| clock::pump(cx, CHUNK))
            .await
    }

    /// The global clock.
    pub(crate) fn now(&self) -> i64 {
        self.real_now() + self.inner.offset.load(Ordering::Relaxed)
    }

    /// The real time, which web hook signatures carry.
    pub(crate) fn real_now(&self) -> i64 {
        (self.inner.config.time)()
    }

    pub(crate) fn config(&self) -> &Config {
        &self.inner.config
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.inner.http
    }

    pub(crate) fn delivery_wanted(&self) -> &Notify {
        &self.inner.deliver
    }

    /// Holds an idempotency key while its request runs; `None` when it is held already.
    pub(crate) fn claim_key(&self, key: &str) -> Option<Claim> {
        let mut held = self
            .inner
            .in_flight
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        held.insert(key.to_owned()).then(|| Claim {
            sandbox: self.clone(),
            key: key.to_owned(),
        })
    }

    async fn lock(&self) -> Result<MutexGuard<'_, Option<State>>> {
        let mut guard = self.inner.state.lock().await;
        if guard.is_none() {
            let seed = self
                .inner
                .config
                .seed
                .map_or_else(random_seed, |seed| seed.to_vec());
            let rows = self
                .inner
                .store
                .load()
                .await
                .map_err(|error| storage_failed(&error))?;
            let state = State::load(rows, seed);
            if let Some(settings) = state.get("_settings") {
                self.inner
                    .offset
                    .store(settings.i("offset"), Ordering::Relaxed);
            }
            *guard = Some(state);
        }
        Ok(guard)
    }

    /// Runs one command: whole, or not at all. An error marked `_keep` keeps what the command wrote.
    pub(crate) async fn execute<T>(
        &self,
        request: RequestInfo,
        command: impl FnOnce(&mut Cx<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut guard = self.lock().await?;
        let Some(state) = guard.as_mut() else {
            return Err(ApiError::internal("no state"));
        };
        let now = self.now();
        let mut cx = Cx {
            state,
            now,
            global: now,
            base: &self.inner.config.public_url,
            request,
        };
        let mut result = command(&mut cx);
        let keep = match &mut result {
            Ok(_) => true,
            Err(error) => {
                let keep = error.body.b("_keep");
                error.body.cut("_keep");
                keep
            }
        };
        if !keep {
            state.rollback();
            return result;
        }
        let offset = state
            .get("_settings")
            .map_or(0, |settings| settings.i("offset"));
        self.inner.offset.store(offset, Ordering::Relaxed);
        let fresh = !state.fresh_events().is_empty();
        let rows = state.commit(self.inner.store.wants_rows());
        if let Err(error) = self.inner.store.commit(rows).await {
            // What was not stored was not done: the state is read again from storage at the next command.
            *guard = None;
            return Err(storage_failed(&error));
        }
        drop(guard);
        self.inner.changed.notify_one();
        if fresh {
            self.inner.deliver.notify_one();
        }
        result
    }

    /// Reads without writing.
    pub(crate) async fn read<T>(&self, look: impl FnOnce(&State) -> T) -> Result<T> {
        let guard = self.lock().await?;
        guard
            .as_ref()
            .map(look)
            .ok_or_else(|| ApiError::internal("no state"))
    }

    /// Forgets everything.
    pub(crate) async fn reset(&self) -> Result<()> {
        let mut guard = self.lock().await?;
        self.inner
            .store
            .clear()
            .await
            .map_err(|error| storage_failed(&error))?;
        self.inner.offset.store(0, Ordering::Relaxed);
        *guard = None;
        Ok(())
    }

    /// Lets go of the storage; the next command takes it again.
    pub(crate) async fn release(&self) {
        if self.inner.store.wants_rows() {
            let mut guard = self.inner.state.lock().await;
            *guard = None;
            self.inner.store.release().await;
        }
    }

    /// How much there is, for the control page.
    pub(crate) async fn snapshot(&self) -> Result<Value> {
        self.read(|state| {
            let (objects, events) = state.size();
            crate::core::json!({"objects": objects, "events": events})
        })
        .await
    }
}

/// Frees an idempotency key when its request is over.
pub(crate) struct Claim {
    sandbox: Sandbox,
    key: String,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.sandbox
            .inner
            .in_flight
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .remove(&self.key);
    }
}

fn random_seed() -> Vec<u8> {
    let mut seed = vec![0_u8; 32];
    rand::Rng::fill(&mut rand::rng(), seed.as_mut_slice());
    seed
}

fn storage_failed(error: &anyhow::Error) -> ApiError {
    tracing::error!(%error, "storage failed");
    ApiError::internal("The sandbox's storage failed.")
}
