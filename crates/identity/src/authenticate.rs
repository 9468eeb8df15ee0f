//! Who is calling: the layer in front of every route.
//!
//! A token proves who a session belongs to; whether it may still act is asked of the
//! session itself, through a cache that a sign-out, a suspension or a change of role
//! clears at once. A browser whose access token is over is given a new one on the way,
//! so that no page has to know of refreshing.

mod place;
pub(crate) mod replaced;

pub use place::Allowances;

use crate::{
    Identity, SecondFactorPolicy,
    actions::{api_keys::is_own_account, sessions::Issued},
    cookies,
    keys::Claims,
    model::{Status, permission_set},
    stack_auth::call::bearer_token,
    store,
};
use aws_lc_rs::digest;
use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, header},
    response::{IntoResponse, Response},
};
use futures_util::future::{BoxFuture, Either};
use kernel::{
    Error, Permission, Principal, Result,
    audit::{self, Via},
    client::ClientAddr,
    id::{ImpersonationId, SessionId, UserId},
    principal::PermissionSet,
};
use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};
use time::OffsetDateTime;
use tower::{Layer, Service};

/// Where somebody proves again who they are.
const PROVES: [&str; 2] = ["/api/v1/me/confirmation", "/api/v1/me/confirmation/passkey"];

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
#[derive(Debug, Clone)]
pub struct AccessLayer {
    identity: Identity,
    allowances: Allowances,
}

impl AccessLayer {
    /// For this domain's sessions, and what may be done in a member's place.
    pub fn new(identity: Identity, allowances: Allowances) -> Self {
        Self {
            identity,
            allowances,
        }
    }
}

impl<S> Layer<S> for AccessLayer {
    type Service = Access<S>;

    fn layer(&self, inner: S) -> Access<S> {
        Access {
            inner,
            identity: self.identity.clone(),
            allowances: self.allowances.clone(),
        }
    }
}

/// What came of looking who calls.
#[derive(Debug, Default)]
struct Recognised {
    /// Their new tokens, if it was time.
    renewed: Option<Issued>,
    /// The key that a machine came with, or in whose place staff act.
    via: Option<Via>,
    /// They acted in somebody's place until now.
    over: bool,
    /// The browser holds what once let it act in somebody's place.
    cookie_is_stale: bool,
    /// The session that the browser's cookies stand for.
    held: Option<(SessionId, UserId)>,
}

/// The service of [`AccessLayer`].
#[derive(Debug, Clone)]
pub struct Access<S> {
    inner: S,
    identity: Identity,
    allowances: Allowances,
}

impl<S> Service<Request> for Access<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let headers = request.headers();
        let nobody =
            !headers.contains_key(header::COOKIE) && !headers.contains_key(header::AUTHORIZATION);
        let changes = !request.method().is_safe();
        if nobody && !changes {
            return Either::Left(self.inner.call(request));
        }
        let (mut inner, identity) = (self.inner.clone(), self.identity.clone());
        let allowances = self.allowances.clone();
        Either::Right(Box::pin(async move {
            let mut request = request;
            let mut recognised = match identity.recognise(&mut request).await {
                Ok(recognised) => recognised,
                Err(error) => return Ok(error.into_response()),
            };
            let caller = request.extensions().get::<Principal>().copied();
            let judged = allowances.judge(&request, &recognised);
            let let_through = identity.let_through(judged, recognised.via.as_ref()).await;
            // Back from a provider, a browser reads and is signed in by it.
            let enters = changes || request.uri().path().starts_with("/api/v1/providers/");
            let held = recognised.held.filter(|_| enters);
            let mut response = match (let_through, recognised.via.take()) {
                (Err(refused), _) => refused.into_response(),
                (Ok(()), Some(via)) => audit::via(via, inner.call(request)).await?,
                (Ok(()), None) if held.is_some() => replaced::by(held, inner.call(request)).await?,
                (Ok(()), None) => inner.call(request).await?,
            };
            if let Some((session, _)) = held
                && identity.has_new_tokens(&response)
            {
                identity.session_over(session);
            }
            if changes && response.status().is_success() {
                identity.may_have_changed(caller.as_ref());
            }
            identity.finish(&recognised, &mut response);
            Ok(response)
        }))
    }
}

impl Identity {
    /// Puts the caller into the request.
    async fn recognise(&self, request: &mut Request) -> Result<Recognised> {
        let from = ClientAddr::of(request.extensions());
        if bearer(request.headers()).is_some_and(|token| Self::is_api_key(&token)) {
            let via = Some(self.recognise_key(request, from).await?);
            return Ok(Recognised {
                via,
                ..Recognised::default()
            });
        }
        let by_cookie = bearer(request.headers()).is_none();
        let (mut principal, renewed) = self.identify(request.headers(), from).await?;
        if principal.is_none() && by_cookie && PROVES.contains(&request.uri().path()) {
            principal = self.another_tab(request.headers()).await?;
        }
        if let Some(principal) = principal {
            request.extensions_mut().insert(principal);
        }
        if let Some(issued) = &renewed {
            self.pass_on(request.headers_mut(), issued);
        }
        let mut recognised = Recognised {
            renewed,
            held: principal
                .filter(|_| by_cookie)
                .map(|held| (held.session, held.user)),
            ..Recognised::default()
        };
        if by_cookie {
            self.take_place(request, &mut recognised).await?;
        }
        if recognised.over || recognised.cookie_is_stale {
            let name = self.acting_cookie();
            replace_cookie(request.headers_mut(), name, None);
        }
        Ok(recognised)
    }

    /// A machine with a key: whatever is written down about the request names the key.
    async fn recognise_key(&self, request: &mut Request, from: ClientAddr) -> Result<Via> {
        let token = bearer(request.headers()).unwrap_or_default();
        let found = self.principal_of_key(&token, from).await?;
        let (principal, via) = found.ok_or(Error::Unauthenticated)?;
        let path = request.uri().path();
        let asks_who = request.method() == Method::GET && path == "/api/v1/me";
        if is_own_account(path) && !asks_who {
            return Err(Error::forbidden(
                "not_for_keys",
                "A key does not mind its maker's own account. Sign in for that.",
            ));
        }
        request.extensions_mut().insert(principal);
        Ok(via)
    }

    /// Somebody changed something, perhaps what accounts say: who reads on this node after
    /// the answer must not find the old. Other nodes hear of it from the tables' triggers.
    fn may_have_changed(&self, caller: Option<&Principal>) {
        self.0.impersonations.forget_all();
        match caller {
            Some(member) if !member.can(Permission::UsersWrite) => {
                self.0.accounts.forget(&member.user);
            }
            // Staff change others; whoever followed a link in a mail is nobody yet.
            _ => self.0.accounts.forget_all(),
        }
    }

    /// Whether a verb has handed the browser another session.
    fn has_new_tokens(&self, response: &Response) -> bool {
        let name = format!("{}=", self.access_cookie());
        let set = response.headers().get_all(header::SET_COOKIE);
        set.iter().any(|cookie| {
            let value = cookie.as_bytes().strip_prefix(name.as_bytes());
            value.is_some_and(|value| !value.starts_with(b";"))
        })
    }

    /// Sets the new cookies, and takes back what lets nobody act in a place any more.
    fn finish(&self, recognised: &Recognised, response: &mut Response) {
        if let Some(issued) = &recognised.renewed {
            self.hand_out(issued, response);
        }
        let set = response.headers().get_all(header::SET_COOKIE);
        let name = format!("{}=", self.acting_cookie());
        let has_word = set
            .iter()
            .any(|cookie| cookie.as_bytes().starts_with(name.as_bytes()));
        if (recognised.over || recognised.cookie_is_stale) && !has_word {
            self.clear_acting_cookie(response.headers_mut());
        }
    }

    /// Sets the new cookies. A verb that set cookies itself (a sign-out) has the last word.
    fn hand_out(&self, issued: &Issued, response: &mut Response) {
        let headers = response.headers_mut();
        if !headers.contains_key(header::SET_COOKIE) {
            self.set_cookies(headers, issued);
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }

    async fn identify(
        &self,
        headers: &HeaderMap,
        from: ClientAddr,
    ) -> Result<(Option<Principal>, Option<Issued>)> {
        if let Some(token) = bearer(headers) {
            return Ok((self.principal_of(&token).await?, None));
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

    /// A browser that proves twice at once who its owner is: the second comes with cookies that
    /// the first has just replaced.
    async fn another_tab(&self, headers: &HeaderMap) -> Result<Option<Principal>> {
        let Some(token) = cookies::read(headers, self.access_cookie()) else {
            return Ok(None);
        };
        match self.claims(token) {
            Some(claims) => self.went_on(claims.session, claims.user).await,
            None => Ok(None),
        }
    }

    /// The caller that an access token stands for, if its session stands.
    pub async fn principal_of(&self, token: &str) -> Result<Option<Principal>> {
        match self.held_by(token).await? {
            Some((session, user)) => self.standing(session, user).await,
            None => Ok(None),
        }
    }

    /// The session that a token stands for, whoever made it.
    pub(crate) async fn held_by(&self, token: &str) -> Result<Option<(SessionId, UserId)>> {
        self.0.keys.refresh().await?;
        if let Some(claims) = self.claims(token) {
            return Ok(Some((claims.session, claims.user)));
        }
        match self.stack_session(token) {
            Some(held) => Ok(Some(held)),
            None => self.trusted_session(token).await,
        }
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
            .get::<kernel::Error, _>(session, async {
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
            .await?;
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
                acting: None,
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
        let Some(row) = row else {
            let id = ImpersonationId(session.0);
            return self.impersonation_as_it_stands(id).await;
        };
        let principal = self.standing(session, row.user).await?;
        Ok(principal.map(|principal| (principal, row.expires_at)))
    }

    /// Puts the new access token where the old one was, for whoever answers the request.
    fn pass_on(&self, headers: &mut HeaderMap, issued: &Issued) {
        replace_cookie(headers, self.access_cookie(), Some(&issued.access));
    }
}

/// Puts another value, or none, where a cookie of the request was.
fn replace_cookie(headers: &mut HeaderMap, name: &str, value: Option<&str>) {
    let mut pairs: Vec<String> = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .map(str::trim)
        .filter(|pair| !pair.starts_with(&format!("{name}=")))
        .map(str::to_owned)
        .collect();
    pairs.extend(value.map(|value| format!("{name}={value}")));
    if let Ok(line) = HeaderValue::from_str(&pairs.join("; ")) {
        headers.insert(header::COOKIE, line);
    }
}

/// The token, plain or as the SDKs of Stack Auth hand it to a back end.
fn bearer(headers: &HeaderMap) -> Option<String> {
    bearer_token(headers.get(header::AUTHORIZATION)?.to_str().ok()?)
}
