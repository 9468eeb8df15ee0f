//! This face's access tokens: exactly the claims that the SDK's schema wants, signed with the same keys as
//! our own, but never to be taken for one of ours: audience, issuer, type and key id differ.

use super::{
    StackAuth,
    known::Known,
    model::{Restriction, User},
};
use crate::{Identity, Presented};
use kernel::{
    Result,
    id::{SessionId, UserId},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

/// The claims, all of which the SDK demands but `exp`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) sub: Uuid,
    pub(crate) iss: String,
    pub(crate) aud: String,
    pub(crate) iat: i64,
    pub(crate) exp: i64,
    pub(crate) project_id: Uuid,
    pub(crate) branch_id: String,
    pub(crate) refresh_token_id: Uuid,
    pub(crate) role: String,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) email_verified: bool,
    pub(crate) selected_team_id: Option<Uuid>,
    pub(crate) signed_up_at: i64,
    pub(crate) is_anonymous: bool,
    pub(crate) is_restricted: bool,
    pub(crate) restricted_reason: Option<Restriction>,
    pub(crate) requires_totp_mfa: bool,
}

impl StackAuth {
    /// Signs an access token for a session. `iat` is now, never earlier: the SDK refuses tokens that
    /// look old to it.
    pub(super) fn access_token(&self, user: &User, session: SessionId) -> Result<String> {
        let inner = self.inner();
        let now = inner.clock.now().unix_timestamp();
        let claims = Claims {
            sub: user.id.0,
            iss: inner.stack.issuer.clone(),
            aud: inner.stack.id.to_string(),
            iat: now,
            exp: now + self.access_seconds(),
            project_id: inner.stack.id,
            branch_id: "main".to_owned(),
            refresh_token_id: session.0,
            role: "authenticated".to_owned(),
            name: user.display_name.clone(),
            email: user.email.clone(),
            email_verified: user.email_verified,
            selected_team_id: user.selected_team_id,
            signed_up_at: user.signed_up_at.unix_timestamp(),
            is_anonymous: false,
            is_restricted: user.restriction().is_some(),
            restricted_reason: user.restriction(),
            requires_totp_mfa: user.totp,
        };
        inner.keys.sign_foreign(&claims)
    }

    /// How long an access token is good for. Less than a minute would be too short for the SDK.
    pub(super) fn access_seconds(&self) -> i64 {
        i64::from(self.config().access_minutes.max(1)) * 60
    }

    /// Reads a token.
    pub(super) fn claims(&self, token: &str) -> Result<Claims, Known> {
        let inner = self.inner();
        let claims: Claims = inner
            .keys
            .read_foreign(token)
            .ok_or(Known::UnparsableAccessToken)?;
        if claims.project_id != inner.stack.id {
            return Err(Known::InvalidProjectForAccessToken(
                inner.stack.id,
                claims.project_id,
            ));
        }
        // Made under another address of ours, or for anonymous people: neither is served.
        if claims.iss != inner.stack.issuer || claims.aud != inner.stack.id.to_string() {
            return Err(Known::UnparsableAccessToken);
        }
        if claims.exp <= inner.clock.now().unix_timestamp() {
            return Err(over(&claims, true));
        }
        Ok(claims)
    }

    /// The public keys under the ids that this face's tokens name.
    pub(super) fn project_jwks(&self) -> Value {
        self.inner().keys.foreign_jwks()
    }
}

/// What is said of a token that is over, or whose session is.
pub(super) fn over(claims: &Claims, by_time: bool) -> Known {
    let at = by_time
        .then(|| OffsetDateTime::from_unix_timestamp(claims.exp).ok())
        .flatten();
    Known::AccessTokenExpired(at, claims.project_id, claims.sub, claims.refresh_token_id)
}

impl Identity {
    /// The session that a token of this face stands for, for the first-party API: it takes such a
    /// token only from somebody whose address is proved.
    pub(crate) fn stack_session(&self, token: &str) -> Option<(SessionId, UserId)> {
        let claims = StackAuth(self.clone()).claims(token).ok()?;
        claims
            .email_verified
            .then_some((SessionId(claims.refresh_token_id), UserId(claims.sub)))
    }

    /// Why a token of this face does not stand for a session; `None` for one that is not of it.
    pub(crate) fn stack_refusal(&self, token: &str) -> Option<Presented> {
        match StackAuth(self.clone()).claims(token) {
            Ok(_unproved) => Some(Presented::Refused),
            Err(Known::AccessTokenExpired(..)) => Some(Presented::Expired),
            Err(_) => None,
        }
    }
}
