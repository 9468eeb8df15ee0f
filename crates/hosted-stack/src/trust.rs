//! The hosted project's access tokens, checked against the keys that it publishes.

use crate::{
    client::Client,
    model::{Connection, HostedId},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock},
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// How long keys are good without a look, as their answer says.
const FRESH: Duration = Duration::hours(1);
/// How long they are good while the project cannot be reached.
const LAST: Duration = Duration::hours(24);
/// A key that is not known is looked for this often at most, whoever names how many.
const PAUSE: Duration = Duration::seconds(30);
/// How far the project's clock may be from ours.
const LEEWAY: i64 = 30;
/// The longest token that is looked at.
const LONGEST: usize = 8 * 1024;
/// The most keys that are kept.
const KEYS: usize = 20;

/// What a token says, as far as it counts here.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Claims {
    sub: Uuid,
    exp: i64,
    iat: i64,
    project_id: Uuid,
    branch_id: String,
    refresh_token_id: Uuid,
    role: String,
    email_verified: bool,
    is_anonymous: bool,
    is_restricted: bool,
}

impl Claims {
    /// Who.
    pub(crate) fn user(&self) -> HostedId {
        HostedId(self.sub)
    }

    /// The session there.
    pub(crate) const fn session(&self) -> Uuid {
        self.refresh_token_id
    }
}

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Not one of the project's, or over.
    Token,
    /// Its bearer is nobody in particular, or did not prove an address there.
    Bearer,
    /// Its key is not known, and the project cannot be asked.
    Unreachable,
}

#[derive(Clone, Default)]
struct Ring {
    of: Option<Uuid>,
    keys: HashMap<String, DecodingKey>,
    fetched_at: Option<OffsetDateTime>,
    asked_at: Option<OffsetDateTime>,
}

/// The keys of the project, kept.
#[derive(Default)]
pub(crate) struct Keys {
    ring: RwLock<Arc<Ring>>,
    /// One looks, the others wait.
    looking: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

impl Keys {
    fn ring(&self, project: Uuid) -> Arc<Ring> {
        let ring = self
            .ring
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if ring.of == Some(project) {
            ring
        } else {
            Arc::default()
        }
    }

    /// When the keys were last read.
    pub(crate) fn fetched_at(&self, project: Uuid) -> Option<OffsetDateTime> {
        self.ring(project).fetched_at
    }

    /// Forgets everything: another address is asked from now on.
    pub(crate) fn forget(&self) {
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }

    /// Reads the keys anew.
    pub(crate) async fn look(
        &self,
        of: &Connection,
        client: &Client,
        now: OffsetDateTime,
    ) -> anyhow::Result<()> {
        let mut ring = Ring::clone(&self.ring(of.project));
        (ring.of, ring.asked_at) = (Some(of.project), Some(now));
        let answer = client.jwks(of).await;
        if let Ok(answer) = &answer {
            ring.keys = read(answer);
            ring.fetched_at = Some(now);
        }
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
        answer.map(|_| ())
    }

    /// The key of that id.
    async fn key(
        &self,
        kid: &str,
        of: &Connection,
        client: &Client,
        now: OffsetDateTime,
    ) -> Result<DecodingKey, Refused> {
        let fresh = |ring: &Ring| ring.fetched_at.is_some_and(|at| at + FRESH > now);
        let paused = |ring: &Ring| ring.asked_at.is_some_and(|at| at + PAUSE > now);
        let known = |ring: &Ring| ring.keys.get(kid).cloned();
        let ring = self.ring(of.project);
        if let Some(key) = known(&ring).filter(|_| fresh(&ring)) {
            return Ok(key);
        }
        let _one = self.looking.lock().await;
        let mut ring = self.ring(of.project);
        if !paused(&ring) {
            if let Err(error) = self.look(of, client, now).await {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the hosted project's keys cannot be read"
                );
            }
            ring = self.ring(of.project);
        }
        let lasts = ring.fetched_at.is_some_and(|at| at + LAST > now);
        match known(&ring).filter(|_| lasts) {
            Some(key) => Ok(key),
            None if fresh(&ring) => Err(Refused::Token),
            None => Err(Refused::Unreachable),
        }
    }

    /// Reads a token that the project signed for somebody who is known there.
    pub(crate) async fn verify(
        &self,
        token: &str,
        of: &Connection,
        client: &Client,
        now: OffsetDateTime,
    ) -> Result<Claims, Refused> {
        if token.len() > LONGEST {
            return Err(Refused::Token);
        }
        let header = decode_header(token).map_err(|_| Refused::Token)?;
        let kid = header
            .kid
            .filter(|kid| kid.len() <= 100)
            .ok_or(Refused::Token)?;
        if header.alg != Algorithm::ES256 {
            return Err(Refused::Token);
        }
        let key = self.key(&kid, of, client, now).await?;
        let mut validation = Validation::new(Algorithm::ES256);
        // Exactly the project: what ends in `:anon` or `:restricted` is for nobody in particular.
        validation.set_audience(&[of.project.to_string()]);
        validation.set_issuer(&of.issuers());
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        // The times are compared below, with our clock rather than the library's.
        validation.validate_exp = false;
        let claims = decode::<Claims>(token, &key, &validation)
            .map_err(|_| Refused::Token)?
            .claims;
        let now = now.unix_timestamp();
        let in_time = claims.exp + LEEWAY > now && claims.iat - LEEWAY <= now;
        let ours = claims.project_id == of.project
            && claims.branch_id == "main"
            && claims.role == "authenticated";
        if !in_time || !ours {
            return Err(Refused::Token);
        }
        if claims.is_anonymous || claims.is_restricted || !claims.email_verified {
            return Err(Refused::Bearer);
        }
        Ok(claims)
    }
}

/// The keys that may sign tokens: of the one algorithm, on its curve.
fn read(jwks: &Value) -> HashMap<String, DecodingKey> {
    let keys = jwks.get("keys").and_then(Value::as_array);
    let text = |key: &Value, name: &str| key.get(name).and_then(Value::as_str).map(str::to_owned);
    keys.into_iter()
        .flatten()
        .take(KEYS)
        .filter(|key| {
            text(key, "kty").as_deref() == Some("EC")
                && text(key, "crv").as_deref() == Some("P-256")
                && text(key, "alg").is_none_or(|alg| alg == "ES256")
                && text(key, "use").is_none_or(|used| used == "sig")
        })
        .filter_map(|key| {
            let (kid, x, y) = (text(key, "kid")?, text(key, "x")?, text(key, "y")?);
            Some((kid, DecodingKey::from_ec_components(&x, &y).ok()?))
        })
        .collect()
}
