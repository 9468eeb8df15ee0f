//! Password hashing: Argon2id (RFC 9106), off the runtime's threads, so many at once and
//! no more, so that a flood of sign-ins cannot take all memory.

use crate::config::IdentityConfig;
use anyhow::Context;
use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::phc::PasswordHash,
};
use kernel::{Error, Result};
use std::sync::Arc;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Hashes and checks passwords.
#[derive(Debug, Clone)]
pub(crate) struct Hasher {
    argon2: Argon2<'static>,
    slots: Arc<Semaphore>,
    /// Checked when there is no account, so that the answer takes as long.
    decoy: Arc<str>,
}

impl Hasher {
    pub(crate) fn new(config: &IdentityConfig) -> anyhow::Result<Self> {
        let params = Params::new(config.argon2_memory_kib, config.argon2_passes, 1, None)
            .map_err(|error| anyhow::anyhow!("argon2 cost: {error}"))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hash_with(&argon2, b"nobody has this password")?;
        Ok(Self {
            argon2,
            slots: Arc::new(Semaphore::new(config.argon2_parallel.max(1))),
            decoy: decoy.into(),
        })
    }

    /// Hashes a password into a PHC string.
    pub(crate) async fn hash(&self, password: &str) -> Result<String> {
        let (argon2, password) = (self.argon2.clone(), Zeroizing::new(password.to_owned()));
        self.blocking(move || hash_with(&argon2, password.as_bytes()))
            .await
    }

    /// Whether the password is the hashed one. Takes as long when there is no hash.
    pub(crate) async fn verify(&self, password: &str, hash: Option<String>) -> Result<bool> {
        let (argon2, password) = (self.argon2.clone(), Zeroizing::new(password.to_owned()));
        let (known, hash) = (
            hash.is_some(),
            hash.unwrap_or_else(|| self.decoy.to_string()),
        );
        self.blocking(move || {
            let parsed = PasswordHash::new(&hash).map_err(|error| {
                anyhow::anyhow!("a stored password hash cannot be read: {error}")
            })?;
            Ok(known & argon2.verify_password(password.as_bytes(), &parsed).is_ok())
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T> {
        // Waiting without bound would only pile up requests that nobody waits for.
        let slot = tokio::time::timeout(
            std::time::Duration::from_secs(10),
            Arc::clone(&self.slots).acquire_owned(),
        )
        .await
        .map_err(|_| Error::Unavailable("Many people are signing in. Try again in a moment."))?
        .context("password hashing has stopped")?;
        let done = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            work()
        });
        Ok(done.await.context("password hashing failed")??)
    }
}

fn hash_with(argon2: &Argon2<'_>, password: &[u8]) -> anyhow::Result<String> {
    let hash = argon2
        .hash_password(password)
        .map_err(|error| anyhow::anyhow!("argon2: {error}"))?;
    Ok(hash.to_string())
}
