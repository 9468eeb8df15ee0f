//! Password hashing: Argon2id (RFC 9106), off the runtime's threads, so many at once and
//! no more, and so many that wait and no more: a flood of sign-ins can take neither the
//! machine's memory nor its patience.

use crate::{blocklist::Blocklist, config::IdentityConfig, model::password::normalised};
use anyhow::Context;
use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::phc::PasswordHash,
};
use kernel::{Error, Result};
use secrecy::ExposeSecret;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

const BUSY: Error = Error::Unavailable("Many people are signing in. Try again in a moment.");

/// Hashes and checks passwords.
#[derive(Debug, Clone)]
pub(crate) struct Hasher {
    argon2: Argon2<'static>,
    slots: Arc<Semaphore>,
    /// Places for those who wait for a slot.
    queue: Arc<Semaphore>,
    /// Checked when there is no account, so that the answer takes as long.
    decoy: Arc<str>,
    /// Hashes computed so far.
    done: Arc<AtomicU64>,
    /// How many are being computed now, and the most that ever were at once.
    running: Arc<[AtomicUsize; 2]>,
    /// Known passwords, if the operator has a list.
    blocklist: Option<Arc<Blocklist>>,
}

impl Hasher {
    pub(crate) fn new(config: &IdentityConfig) -> anyhow::Result<Self> {
        let params = Params::new(config.argon2_memory_kib, config.argon2_passes, 1, None)
            .map_err(|error| anyhow::anyhow!("argon2 cost: {error}"))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hash_with(&argon2, b"nobody has this password")?;
        let list = config.password_blocklist.as_deref();
        Ok(Self {
            argon2,
            slots: Arc::new(Semaphore::new(config.argon2_parallel.max(1))),
            queue: Arc::new(Semaphore::new(config.argon2_queue.max(1))),
            decoy: decoy.into(),
            done: Arc::default(),
            running: Arc::default(),
            blocklist: list.map(Blocklist::open).transpose()?.map(Arc::new),
        })
    }

    /// Hashes a new password into a PHC string. One that is known to have leaked is refused.
    pub(crate) async fn hash(&self, password: &str) -> Result<String> {
        if self.is_known(password).await? {
            return Err(Error::field("password", "breached", BREACHED));
        }
        self.hash_as_it_is(password).await
    }

    /// Hashes whatever it is given.
    pub(crate) async fn hash_as_it_is(&self, password: &str) -> Result<String> {
        let (argon2, password) = (self.argon2.clone(), Zeroizing::new(password.to_owned()));
        self.done.fetch_add(1, Ordering::Relaxed);
        self.blocking(move || hash_with(&argon2, password.as_bytes()))
            .await
    }

    /// Whether the password stands in the operator's list.
    pub(crate) async fn is_known(&self, password: &str) -> Result<bool> {
        let Some(list) = self.blocklist.clone() else {
            return Ok(false);
        };
        let password = Zeroizing::new(password.to_owned());
        let known = tokio::task::spawn_blocking(move || list.holds(&password));
        Ok(known.await.context("the list of known passwords")??)
    }

    /// Whether the password is the hashed one. Takes as long when there is no hash.
    pub(crate) async fn verify(&self, password: &str, hash: Option<String>) -> Result<bool> {
        let hashes = hash.into_iter().collect();
        self.is_one_of(password, hashes, 1).await
    }

    /// Whether the password is one of the hashed ones. Does the work of at least so many.
    pub(crate) async fn is_one_of(
        &self,
        password: &str,
        hashes: Vec<String>,
        at_least: usize,
    ) -> Result<bool> {
        let (argon2, decoy) = (self.argon2.clone(), Arc::clone(&self.decoy));
        let typed = Zeroizing::new(password.to_owned());
        let one_form = normalised(password);
        let done = Arc::clone(&self.done);
        self.blocking(move || {
            let known = hashes.len();
            let mut right = false;
            for n in 0..known.max(at_least) {
                let hash = hashes.get(n).map_or(&*decoy, String::as_str);
                let parsed = PasswordHash::new(hash).map_err(|error| {
                    anyhow::anyhow!("a stored password hash cannot be read: {error}")
                })?;
                let fits = |text: &str| {
                    done.fetch_add(1, Ordering::Relaxed);
                    argon2.verify_password(text.as_bytes(), &parsed).is_ok()
                };
                let mut found = fits(one_form.expose_secret());
                // Set before passwords were brought into one form.
                if one_form.expose_secret() != typed.as_str() {
                    found |= fits(&typed);
                }
                right |= (n < known) & found;
            }
            Ok(right)
        })
        .await
    }

    /// Whether a hash was made at another cost than the one that is asked for now.
    pub(crate) fn is_outdated(&self, hash: &str) -> bool {
        let ours = self.argon2.params();
        let Ok(parsed) = PasswordHash::new(hash) else {
            return true;
        };
        Params::try_from(&parsed).map_or(true, |theirs| {
            (theirs.m_cost(), theirs.t_cost(), theirs.p_cost())
                != (ours.m_cost(), ours.t_cost(), ours.p_cost())
        })
    }

    /// How many hashes were computed so far.
    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// The most hashes that ever were computed at the same time.
    pub(crate) fn most_at_once(&self) -> usize {
        self.running[1].load(Ordering::Relaxed)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T> {
        // Waiting without bound would only pile up requests that nobody waits for.
        let place = Arc::clone(&self.queue)
            .try_acquire_owned()
            .map_err(|_| BUSY)?;
        let slot = tokio::time::timeout(
            Duration::from_secs(10),
            Arc::clone(&self.slots).acquire_owned(),
        )
        .await
        .map_err(|_| BUSY)?
        .context("password hashing has stopped")?;
        drop(place);
        let running = Arc::clone(&self.running);
        let done = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            let now = running[0].fetch_add(1, Ordering::Relaxed) + 1;
            running[1].fetch_max(now, Ordering::Relaxed);
            let done = work();
            running[0].fetch_sub(1, Ordering::Relaxed);
            done
        });
        Ok(done.await.context("password hashing failed")??)
    }
}

/// What is said of a password that stands in the list.
pub(crate) const BREACHED: &str =
    "This password has leaked before, so guessers try it first. Choose another.";

fn hash_with(argon2: &Argon2<'_>, password: &[u8]) -> anyhow::Result<String> {
    let hash = argon2
        .hash_password(password)
        .map_err(|error| anyhow::anyhow!("argon2: {error}"))?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(change: impl FnOnce(&mut IdentityConfig)) -> Hasher {
        let mut config = IdentityConfig {
            argon2_memory_kib: 64,
            argon2_passes: 1,
            argon2_parallel: 1,
            argon2_queue: 3,
            ..IdentityConfig::default()
        };
        change(&mut config);
        Hasher::new(&config).unwrap()
    }

    #[tokio::test]
    #[expect(
        clippy::disallowed_methods,
        reason = "the hasher alone is tried, without a server whose tasks could be drained"
    )]
    async fn a_flood_is_turned_away_at_once_and_the_others_are_served() {
        let hasher = hasher(|_| {});
        // One is being computed for as long as the test says.
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let busy = tokio::spawn({
            let hasher = hasher.clone();
            async move { hasher.blocking(move || Ok(wait.recv()?)).await }
        });
        while hasher.slots.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let waiting: Vec<_> = (0..3)
            .map(|n| {
                let hasher = hasher.clone();
                tokio::spawn(async move { hasher.hash(&format!("password {n}")).await })
            })
            .collect();
        while hasher.queue.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        for _ in 0..1_000 {
            let refused = hasher.verify("x", None).await;
            assert!(matches!(refused, Err(Error::Unavailable(_))));
        }
        go.send(()).unwrap();
        busy.await.unwrap().unwrap();
        for served in waiting {
            served.await.unwrap().unwrap();
        }
        assert!(!hasher.verify("x", None).await.unwrap());
    }

    #[test]
    #[ignore = "measures, on a machine that does nothing else; asserts no time"]
    #[expect(clippy::print_stdout, reason = "it is run by hand, for its table")]
    fn what_a_hash_costs() {
        println!(
            "| memory | passes | one hash, median of 15 | slowest |\n| --- | --- | --- | --- |"
        );
        for (memory_kib, passes) in [
            (7_168, 5),
            (12_288, 3),
            (19_456, 2),
            (19_456, 3),
            (47_104, 1),
            (65_536, 2),
            (65_536, 3),
            (131_072, 3),
        ] {
            let hasher = hasher(|config| {
                config.argon2_memory_kib = memory_kib;
                config.argon2_passes = passes;
            });
            let mut taken: Vec<Duration> = (0..15)
                .map(|n| {
                    let before = std::time::Instant::now();
                    let password = format!("four quiet arches {n}");
                    hash_with(&hasher.argon2, password.as_bytes()).unwrap();
                    before.elapsed()
                })
                .collect();
            taken.sort_unstable();
            let ms = |at: usize| taken[at].as_secs_f64() * 1_000.0;
            let mib = memory_kib / 1_024;
            println!(
                "| {mib} MiB | {passes} | {:.1} ms | {:.1} ms |",
                ms(7),
                ms(14)
            );
        }
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_still_counts_and_is_outdated() {
        let (before, now) = (hasher(|_| {}), hasher(|config| config.argon2_passes = 2));
        let hash = before.hash("four quiet arches").await.unwrap();
        assert!(!before.is_outdated(&hash));
        assert!(now.is_outdated(&hash));
        assert!(now.verify("four quiet arches", Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn a_password_typed_in_either_form_is_right() {
        let hasher = hasher(|_| {});
        let (composed, apart) = ("caf\u{e9}", "cafe\u{301}");
        for stored in [composed, apart] {
            let hash = hasher.hash(stored).await.unwrap();
            assert!(hasher.verify(stored, Some(hash)).await.unwrap(), "{stored}");
        }
        let hash = hasher.hash(composed).await.unwrap();
        assert!(hasher.verify(apart, Some(hash)).await.unwrap());
    }
}
