//! Who is calling: the layer in front of every route.
//!
//! A token proves who a session belongs to; whether it may still act is asked of the
//! session itself, through a cache that a sign-out, a suspension or a change of role
//! clears at once. A browser whose access token is over is given a new one on the way,
//! so that no page has to know of refreshing.

use crate::{
    Identity, SecondFactorPolicy,
    actions::sessions::Issued,
    cookies,
    keys::Claims,
    model::{Status, permission_set},
    store,
};
use aws_lc_rs::digest;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use kernel::{
    Principal, Result,
    client::ClientAddr,
    id::{SessionId, UserId},
    principal::PermissionSet,
};
use std::sync::Arc;
use time::OffsetDateTime;

/// What a session may do now.
#[derive(Debug)]
pub struct Standing {
    user: UserId,
    permissions: PermissionSet,
    authenticated_at: OffsetDateTime,
    second_factor_due: bool,
    last_seen_at: OffsetDateTime,
    expires_at: OffsetDateTime,
}

/// Finds out who calls, puts their [`Principal`] into the request and renews their
/// tokens when it is time.
pub async fn layer(State(identity): State<Identity>, mut request: Request, next: Next) -> Response {
    let (principal, renewed) = match identity
        .identify(request.headers(), ClientAddr::of(request.extensions()))
        .await
    {
        Ok(found) => found,
        Err(error) => return axum::response::IntoResponse::into_response(error),
    };
    if let Some(principal) = principal {
        request.extensions_mut().insert(principal);
    }
    if let Some(issued) = &renewed {
        identity.pass_on(request.headers_mut(), issued);
    }
    let mut response = next.run(request).await;
    // A verb that set cookies itself (a sign-out) has the last word.
    if let Some(issued) = renewed
        && !response.headers().contains_key(header::SET_COOKIE)
    {
        identity.set_cookies(response.headers_mut(), &issued);
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

impl Identity {
    async fn identify(
        &self,
        headers: &HeaderMap,
        from: ClientAddr,
    ) -> Result<(Option<Principal>, Option<Issued>)> {
        if let Some(token) = bearer(headers) {
            return Ok((self.principal_of(token).await?, None));
        }
        if let Some(token) = cookies::read(headers, self.access_cookie())
            && let Some(principal) = self.principal_of(token).await?
        {
            return Ok((Some(principal), None));
        }
        let Some(token) = cookies::read(headers, self.refresh_cookie()) else {
            return Ok((None, None));
        };
        let Some(issued) = self.refresh(token, from).await? else {
            return Ok((None, None));
        };
        Ok((
            self.standing(issued.session, issued.user).await?,
            Some(issued),
        ))
    }

    /// The caller that an access token stands for, if its session stands.
    pub async fn principal_of(&self, token: &str) -> Result<Option<Principal>> {
        let Some(claims) = self.claims(token) else {
            return Ok(None);
        };
        self.standing(claims.session, claims.user).await
    }

    /// When an access token is over, if it is one of ours.
    pub fn expiry_of(&self, token: &str) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp(self.claims(token)?.expires_at).ok()
    }

    fn claims(&self, token: &str) -> Option<Claims> {
        // A signature costs a hundred times a hash; a token comes back many times.
        let mut key = [0_u8; 32];
        key.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
        if let Some(claims) = self.0.verified.get(&key) {
            return (claims.expires_at > self.0.clock.now().unix_timestamp()).then_some(claims);
        }
        let claims = self.0.keys.verify(token)?;
        self.0.verified.insert(key, claims);
        Some(claims)
    }

    /// The caller of a session, if it stands now.
    pub async fn standing(&self, session: SessionId, user: UserId) -> Result<Option<Principal>> {
        let held = self
            .0
            .standing
            .get::<sqlx::Error, _>(session, async {
                let mut db = self.0.db.acquire().await?;
                let row = store::sessions::standing(&mut db, session).await?;
                Ok(row.filter(|row| row.status == Status::Active).map(|row| {
                    let second_factor_due = row.staff
                        && !row.second_factor
                        && self.0.config.staff_second_factor == SecondFactorPolicy::Required;
                    Arc::new(Standing {
                        user: row.user,
                        permissions: if second_factor_due {
                            PermissionSet::default()
                        } else {
                            permission_set(&row.permissions)
                        },
                        authenticated_at: row.authenticated_at,
                        second_factor_due,
                        last_seen_at: row.last_seen_at,
                        expires_at: row.expires_at,
                    })
                }))
            })
            .await
            .map_err(|error| anyhow::anyhow!("session lookup: {error}"))?;
        let now = self.0.clock.now();
        Ok(held
            .filter(|held| {
                held.user == user
                    && held.expires_at > now
                    && held.last_seen_at + self.0.config.idle() > now
            })
            .map(|held| Principal {
                user,
                session,
                permissions: held.permissions,
                authenticated_at: held.authenticated_at,
                second_factor_due: held.second_factor_due,
            }))
    }

    /// A session as it stands now, and when it ends at the latest: for sockets.
    pub async fn session_as_it_stands(
        &self,
        session: SessionId,
    ) -> Result<Option<(Principal, OffsetDateTime)>> {
        let row = {
            let mut db = self.0.db.acquire().await?;
            store::sessions::standing(&mut db, session).await?
        };
        let Some(row) = row else { return Ok(None) };
        let principal = self.standing(session, row.user).await?;
        Ok(principal.map(|principal| (principal, row.expires_at)))
    }

    /// Puts the new access token where the old one was, for whoever answers the request.
    fn pass_on(&self, headers: &mut HeaderMap, issued: &Issued) {
        let name = self.access_cookie();
        let mut pairs: Vec<String> = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .map(str::trim)
            .filter(|pair| !pair.starts_with(&format!("{name}=")))
            .map(str::to_owned)
            .collect();
        pairs.push(format!("{name}={}", issued.access));
        if let Ok(line) = HeaderValue::from_str(&pairs.join("; ")) {
            headers.insert(header::COOKIE, line);
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
