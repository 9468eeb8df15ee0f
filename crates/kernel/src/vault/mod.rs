//! The vault: what must not be readable in a copy of the database.
//!
//! Envelope encryption of single fields. Each value is encrypted under a data key of its own
//! (AES-256-GCM, used once), and that key is wrapped under the active key of the key file:
//!
//! ```text
//! v1.<key id>.<wrapped data key>.<nonce>.<ciphertext>        each part base64url
//! ```
//!
//! The table, the column and the row are authenticated with the value, so that nobody who can
//! write to the database can move it to another place and have it read there. Because every
//! value carries its own key, nothing has to be loaded before the first use, no nonce can
//! repeat, and after [`Vault::rotate`] a value comes under the new key by [`Vault::rewrap`],
//! which never sees what it holds.
//!
//! It also makes message authentication codes, under keys derived for each purpose from a
//! secret that no rotation changes: what they protect (the audit chain, hashes of tokens) must
//! stay comparable.
//!
//! It refuses key files that others can read, and has no way to decrypt without the file:
//! back it up apart from the database.

mod keys;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    error::Unspecified,
    hkdf, hmac, rand,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use keys::{KEY_LEN, Keys, Secret};
use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};
use zeroize::Zeroizing;

/// The version of the form of sealed values.
const VERSION: &str = "v1";
/// A nonce, a key, a tag.
const WRAPPED_LEN: usize = NONCE_LEN + KEY_LEN + 16;

/// What the vault cannot do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Others may read the key file.
    #[error("others may read {}, which holds Portico's keys (mode {mode:03o}): chmod 600 {0}", path.display())]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The key file is not as we write it.
    #[error("{} is damaged (line {line}: {why}). Restore it from your copy: without it, what it encrypted is lost", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// The key file cannot be read or written.
    #[error("the key file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The text is no sealed value.
    #[error("this is no sealed value")]
    Malformed,
    /// The key that it was sealed with is not in the key file.
    #[error("the key {0} is not in the key file; it may be that of another installation")]
    UnknownKey(String),
    /// The value was altered, or belongs to another place.
    #[error("the sealed value was altered, or moved from another place")]
    Altered,
    /// The cryptographic library refused.
    #[error("encryption failed")]
    Failed,
}

impl From<Unspecified> for Error {
    fn from(_: Unspecified) -> Self {
        Self::Failed
    }
}

impl From<Error> for crate::error::Error {
    fn from(error: Error) -> Self {
        Self::Internal(anyhow::Error::new(error).context("vault"))
    }
}

/// The place of a value: it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The table with its schema, as in `identity.totp`.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
    /// The row's key; the bytes of an id.
    pub row: &'a [u8],
}

impl Context<'_> {
    /// Each part with its length, so that no two places look alike.
    fn authenticated(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        for part in [
            VERSION.as_bytes(),
            self.table.as_bytes(),
            self.column.as_bytes(),
            self.row,
        ] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

/// The keys of an installation, and what they do. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    path: PathBuf,
    keys: Arc<RwLock<Keys>>,
    created: bool,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Vault {
    /// Reads `vault.keys` in this folder, or makes it when there is none.
    pub fn load(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("vault.keys");
        let (keys, created) = keys::load_or_make(&path)?;
        Ok(Self {
            path,
            keys: Arc::new(RwLock::new(keys)),
            created,
        })
    }

    /// Whether the key file was made just now. If the database is an old one, its key file is
    /// missing, and the right thing to do is to stop and say so.
    pub const fn created(&self) -> bool {
        self.created
    }

    /// Names the installation's secret without telling anything about it. Stored beside the
    /// data, it shows that a key file belongs to it; rotation leaves it as it is.
    pub fn fingerprint(&self) -> String {
        hex::encode(&self.mac("vault fingerprint", b"")[..8])
    }

    /// Encrypts a value for its place.
    pub fn seal(&self, context: Context<'_>, plaintext: &[u8]) -> Result<String, Error> {
        let mut data_key = Zeroizing::new([0; KEY_LEN]);
        rand::fill(&mut *data_key)?;
        let mut text = plaintext.to_vec();
        let nonce = RandomizedNonceKey::new(&AES_256_GCM, &*data_key)?
            .seal_in_place_append_tag(Aad::from(context.authenticated()), &mut text)?;
        let keys = self.read();
        let active = keys.active();
        let wrapped = wrap(&active.id, &active.secret, &data_key)?;
        Ok(join(&active.id, &wrapped, nonce.as_ref(), &text))
    }

    /// Decrypts what [`Vault::seal`] made for the same place.
    pub fn open(&self, context: Context<'_>, sealed: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        let parts = Parts::parse(sealed)?;
        let data_key = self.unwrap(&parts)?;
        let mut text = Zeroizing::new(parts.ciphertext);
        let nonce = Nonce::assume_unique_for_key(parts.nonce);
        let length = RandomizedNonceKey::new(&AES_256_GCM, &*data_key)?
            .open_in_place(nonce, Aad::from(context.authenticated()), &mut text)
            .map_err(|_| Error::Altered)?
            .len();
        text.truncate(length);
        Ok(text)
    }

    /// Whether the value is under a key that is no longer the active one.
    pub fn needs_reseal(&self, sealed: &str) -> bool {
        Parts::parse(sealed).map_or(true, |parts| parts.key != self.read().active().id)
    }

    /// Brings a value under the active key. What it holds is not decrypted, and its place need
    /// not be known: a job does this for whole tables after a rotation.
    pub fn rewrap(&self, sealed: &str) -> Result<String, Error> {
        let parts = Parts::parse(sealed)?;
        let data_key = self.unwrap(&parts)?;
        let keys = self.read();
        let active = keys.active();
        let wrapped = wrap(&active.id, &active.secret, &data_key)?;
        Ok(join(&active.id, &wrapped, &parts.nonce, &parts.ciphertext))
    }

    /// Adds a key and makes it the active one; the older ones go on opening what they sealed.
    /// Answers its id. A vault that is open elsewhere takes it up when it first meets it.
    pub fn rotate(&self) -> Result<String, Error> {
        let rotated = keys::rotate(&self.path)?;
        let id = rotated.active().id.clone();
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = rotated;
        Ok(id)
    }

    /// Takes up what another process has added to the key file.
    pub fn refresh(&self) -> Result<(), Error> {
        let fresh = keys::read(&self.path)?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// What every value that is sealed now begins with: how a query tells those that
    /// [`Vault::rewrap`] still has to bring under the active key.
    pub fn prefix(&self) -> String {
        format!("{VERSION}.{}.", self.read().active().id)
    }

    /// The code (HMAC-SHA-256) of this data for this purpose. The same for as long as the
    /// installation lives.
    pub fn mac(&self, purpose: &str, data: &[u8]) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &*self.mac_key(purpose));
        let mut code = [0; 32];
        code.copy_from_slice(hmac::sign(&key, data).as_ref());
        code
    }

    /// The key that [`Vault::mac`] uses for this purpose, for who makes many.
    #[expect(clippy::missing_panics_doc, reason = "it cannot: see there")]
    pub fn mac_key(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let keys = self.read();
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"portico vault v1").extract(&*keys.mac);
        let mut key = Zeroizing::new([0; 32]);
        let info = [b"mac ".as_slice(), purpose.as_bytes()];
        // It fails only for lengths other than the algorithm's own, which is this one's.
        #[expect(
            clippy::expect_used,
            reason = "a MAC under a zero key would be worse than a panic"
        )]
        prk.expand(&info, hmac::HMAC_SHA256)
            .and_then(|okm| okm.fill(&mut *key))
            .expect("HKDF gives out the length of its own hash");
        key
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn unwrap(&self, parts: &Parts) -> Result<Secret, Error> {
        if let Some(key) = self.read().find(&parts.key) {
            return unwrap(&parts.key, &key.secret, &parts.wrapped);
        }
        // Another process may have rotated.
        let fresh = keys::read(&self.path)?;
        let found = fresh
            .find(&parts.key)
            .ok_or_else(|| Error::UnknownKey(parts.key.clone()))?;
        let data_key = unwrap(&parts.key, &found.secret, &parts.wrapped)?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(data_key)
    }
}

/// A sealed value, taken apart.
struct Parts {
    key: String,
    wrapped: [u8; WRAPPED_LEN],
    nonce: [u8; NONCE_LEN],
    ciphertext: Vec<u8>,
}

impl Parts {
    fn parse(sealed: &str) -> Result<Self, Error> {
        let mut parts = sealed.split('.');
        let mut next = || parts.next().ok_or(Error::Malformed);
        let decode = |text: &str| BASE64.decode(text).map_err(|_| Error::Malformed);
        if next()? != VERSION {
            return Err(Error::Malformed);
        }
        let key = next()?.to_owned();
        let wrapped = decode(next()?)?.try_into().map_err(|_| Error::Malformed)?;
        let nonce = decode(next()?)?.try_into().map_err(|_| Error::Malformed)?;
        let ciphertext = decode(next()?)?;
        if parts.next().is_some() || !keys::is_id(&key) {
            return Err(Error::Malformed);
        }
        Ok(Self {
            key,
            wrapped,
            nonce,
            ciphertext,
        })
    }
}

fn join(key: &str, wrapped: &[u8], nonce: &[u8], ciphertext: &[u8]) -> String {
    let [wrapped, nonce, ciphertext] =
        [wrapped, nonce, ciphertext].map(|bytes| BASE64.encode(bytes));
    format!("{VERSION}.{key}.{wrapped}.{nonce}.{ciphertext}")
}

fn wrap(id: &str, key: &Secret, data_key: &Secret) -> Result<Vec<u8>, Error> {
    let mut text = data_key.to_vec();
    let nonce = RandomizedNonceKey::new(&AES_256_GCM, &**key)?
        .seal_in_place_append_tag(Aad::from(wrapping(id)), &mut text)?;
    Ok([nonce.as_ref().as_slice(), &text].concat())
}

fn unwrap(id: &str, key: &Secret, wrapped: &[u8; WRAPPED_LEN]) -> Result<Secret, Error> {
    let (nonce, text) = wrapped.split_at(NONCE_LEN);
    let mut text = Zeroizing::new(text.to_vec());
    let plain = RandomizedNonceKey::new(&AES_256_GCM, &**key)?
        .open_in_place(
            Nonce::try_assume_unique_for_key(nonce)?,
            Aad::from(wrapping(id)),
            &mut text,
        )
        .map_err(|_| Error::Altered)?;
    let mut data_key = Zeroizing::new([0; KEY_LEN]);
    data_key.copy_from_slice(plain);
    Ok(data_key)
}

/// What is authenticated with a wrapped key, so that it cannot pass for anything else.
fn wrapping(id: &str) -> Vec<u8> {
    format!("portico vault {VERSION} data key {id}").into_bytes()
}
