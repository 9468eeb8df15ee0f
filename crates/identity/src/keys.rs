//! Access tokens: ES256 JWTs (RFC 7519, RFC 9068) and the keys that sign them.
//!
//! One key signs. The next one is published before it does, and a retired one verifies until
//! its tokens are over, so a rotation signs nobody out. Algorithm, issuer, audience and type
//! are pinned: what the token says of itself is never believed.

use crate::{Needs, store::keys as store};
use anyhow::Context;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode,
};
use kernel::{
    Clock, Result,
    database::Database,
    id::{SessionId, UserId},
    vault::{self, Vault},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use time::OffsetDateTime;
use uuid::Uuid;

/// The audience of our own API.
const AUDIENCE: &str = "portico";
/// The type of an access token (RFC 9068 §2.1).
const TYPE: &str = "at+jwt";

/// What an access token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claims {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
    /// Seconds since 1970.
    pub(crate) expires_at: i64,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    iss: String,
    aud: String,
    sub: Uuid,
    sid: Uuid,
    iat: i64,
    exp: i64,
    jti: Uuid,
}

/// The signing keys of one server.
#[derive(Clone)]
pub(crate) struct Keys {
    issuer: Arc<str>,
    clock: Clock,
    db: Database,
    vault: Vault,
    ring: Arc<RwLock<Ring>>,
    /// Somebody rotated: what is held here is to be read again.
    stale: Arc<AtomicBool>,
}

/// The name under which a rotation is told, for [`kernel::cache::invalidate`].
const RING: &str = "identity.keys";

struct Ring {
    signing: (String, EncodingKey),
    verifying: HashMap<String, DecodingKey>,
    jwks: Value,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

impl Keys {
    /// Loads the keys; makes those that are missing: one that signs and one that follows.
    pub(crate) async fn load(needs: &Needs, issuer: &str) -> anyhow::Result<Self> {
        let now = needs.clock.now();
        let mut tx = needs.db.begin().await?;
        store::lock(&mut tx).await?;
        fill_up(&mut tx, &needs.vault, now).await?;
        let rows = store::current(&mut tx, now).await?;
        tx.commit().await?;
        let stale = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stale);
        needs
            .invalidations
            .on(RING, move |_| told.store(true, Ordering::Release));
        Ok(Self {
            issuer: issuer.into(),
            clock: needs.clock.clone(),
            db: needs.db.clone(),
            vault: needs.vault.clone(),
            ring: Arc::new(RwLock::new(Ring::open(&rows, &needs.vault)?)),
            stale,
        })
    }

    /// Lets the next key sign from now on and makes another next one. What the present key
    /// signed stays good. Answers the id of the key that signs now.
    pub(crate) async fn rotate(&self, tx: &mut PgConnection) -> Result<String> {
        store::lock(tx).await?;
        let now = self.clock.now();
        store::retire(tx, now).await?;
        fill_up(tx, &self.vault, now).await?;
        let rows = store::current(tx, now).await?;
        let signing = rows.iter().find(|row| row.signs);
        kernel::cache::invalidate(tx, RING, "").await?;
        Ok(signing.context("no signing key")?.kid.clone())
    }

    /// After the commit of a rotation: this server reads its keys again.
    pub(crate) async fn rotated(&self) -> Result<()> {
        self.stale.store(true, Ordering::Release);
        self.refresh().await
    }

    /// Reads the keys again if somebody rotated. Called before tokens are read or made: a load
    /// of one flag.
    pub(crate) async fn refresh(&self) -> Result<()> {
        if !self.stale.load(Ordering::Acquire) || !self.stale.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let read = async {
            let mut db = self.db.acquire().await?;
            let rows = store::current(&mut db, self.clock.now()).await?;
            Ring::open(&rows, &self.vault)
        };
        match read.await {
            Ok(ring) => {
                *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
                Ok(())
            }
            Err(error) => {
                self.stale.store(true, Ordering::Release);
                Err(error.context("signing keys").into())
            }
        }
    }

    /// Signs a token for a session.
    pub(crate) fn sign(&self, user: UserId, session: SessionId, life: Duration) -> Result<String> {
        let now = self.clock.now().unix_timestamp();
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        let header = Header {
            typ: Some(TYPE.to_owned()),
            kid: Some(ring.signing.0.clone()),
            ..Header::new(Algorithm::ES256)
        };
        let wire = Wire {
            iss: self.issuer.to_string(),
            aud: AUDIENCE.to_owned(),
            sub: user.0,
            sid: session.0,
            iat: now,
            exp: now + i64::try_from(life.as_secs()).unwrap_or(i64::MAX / 2),
            jti: Uuid::now_v7(),
        };
        Ok(encode(&header, &wire, &ring.signing.1).context("sign an access token")?)
    }

    /// Reads a token; nothing if it is not one of ours or is over.
    pub(crate) fn verify(&self, token: &str) -> Option<Claims> {
        let now = self.clock.now().unix_timestamp();
        self.read(token).filter(|claims| claims.expires_at > now)
    }

    /// Reads a token that may be over; nothing if it is not one of ours.
    pub(crate) fn read(&self, token: &str) -> Option<Claims> {
        let header = decode_header(token).ok()?;
        if header.alg != Algorithm::ES256 || header.typ.as_deref() != Some(TYPE) {
            return None;
        }
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[&*self.issuer]);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        // The end is compared by whoever asks, with our clock rather than the library's.
        validation.validate_exp = false;
        let wire = {
            let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
            let key = ring.verifying.get(header.kid.as_deref()?)?;
            decode::<Wire>(token, key, &validation).ok()?.claims
        };
        Some(Claims {
            user: UserId(wire.sub),
            session: SessionId(wire.sid),
            expires_at: wire.exp,
        })
    }

    /// Signs the claims of another wire protocol. Its tokens name the key by a shorter id and
    /// no type, so that none of them can pass for one of ours.
    pub(crate) fn sign_foreign(&self, claims: &impl Serialize) -> Result<String> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        let header = Header {
            typ: None,
            kid: Some(short(&ring.signing.0).to_owned()),
            ..Header::new(Algorithm::ES256)
        };
        Ok(encode(&header, claims, &ring.signing.1).context("sign a token")?)
    }

    /// Reads what [`Keys::sign_foreign`] signed; issuer, audience and end are the caller's to check.
    pub(crate) fn read_foreign<T: DeserializeOwned>(&self, token: &str) -> Option<T> {
        let header = decode_header(token).ok()?;
        if header.alg != Algorithm::ES256 || header.typ.is_some() {
            return None;
        }
        let named = header.kid?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        let (_, key) = ring.verifying.iter().find(|(kid, _)| short(kid) == named)?;
        Some(decode::<T>(token, key, &validation).ok()?.claims)
    }

    /// The public halves under the ids that [`Keys::sign_foreign`] names.
    pub(crate) fn foreign_jwks(&self) -> Value {
        let mut jwks = self.jwks();
        for key in jwks["keys"].as_array_mut().into_iter().flatten() {
            let id = key["kid"].as_str().map(|kid| short(kid).to_owned());
            key["kid"] = json!(id);
        }
        jwks
    }

    /// The public halves, as a JWK Set (RFC 7517 §5).
    pub(crate) fn jwks(&self) -> Value {
        self.ring
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .jwks
            .clone()
    }
}

async fn fill_up(tx: &mut PgConnection, vault: &Vault, now: OffsetDateTime) -> anyhow::Result<()> {
    if !store::activate_next(tx, now).await? {
        store::insert(tx, &generate(vault)?, now, true).await?;
    }
    if !store::has_next(tx).await? {
        store::insert(tx, &generate(vault)?, now, false).await?;
    }
    Ok(())
}

impl Ring {
    fn open(rows: &[store::Key], vault: &Vault) -> anyhow::Result<Self> {
        let newest = rows
            .iter()
            .find(|row| row.signs)
            .context("no signing key")?;
        let private = vault
            .open(context(&newest.kid), &newest.private_sealed)
            .context(
                "a signing key cannot be unsealed: is vault.keys the file of this database?",
            )?;
        let mut verifying = HashMap::new();
        for row in rows {
            let part = |name: &str| {
                row.public_jwk[name]
                    .as_str()
                    .context("a signing key is broken")
            };
            verifying.insert(
                row.kid.clone(),
                DecodingKey::from_ec_components(part("x")?, part("y")?)?,
            );
        }
        Ok(Self {
            signing: (newest.kid.clone(), EncodingKey::from_ec_der(&private)),
            verifying,
            jwks: json!({ "keys": rows.iter().map(|row| &row.public_jwk).collect::<Vec<_>>() }),
        })
    }
}

fn generate(vault: &Vault) -> anyhow::Result<store::Key> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
        .ok()
        .context("no randomness for a signing key")?;
    let private = pair.to_pkcs8v1().ok().context("encode a signing key")?;
    // An uncompressed point: 0x04, then x and y of 32 bytes each (SEC 1 §2.3.3).
    let point = pair.public_key().as_ref();
    let (x, y) = point.get(1..65).context("an odd public key")?.split_at(32);
    let kid = Uuid::now_v7().simple().to_string();
    let public_jwk = json!({
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid,
        "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
    });
    let private_sealed = vault.seal(context(&kid), private.as_ref())?;
    Ok(store::Key {
        kid,
        private_sealed,
        public_jwk,
        signs: false,
    })
}

/// Twelve characters of a key's id: the random ones, at its end.
fn short(kid: &str) -> &str {
    kid.get(kid.len().saturating_sub(12)..).unwrap_or(kid)
}

fn context(kid: &str) -> vault::Context<'_> {
    vault::Context {
        table: "identity.signing_keys",
        column: "private_sealed",
        row: kid.as_bytes(),
    }
}
