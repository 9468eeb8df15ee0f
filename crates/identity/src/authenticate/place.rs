//! Acting in a member's place, at the edge: which requests pass. Nothing that nobody declared
//! does, so that a new operation is refused until somebody has thought about it.

use super::Recognised;
use crate::{Identity, actions::impersonation::Place};
use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, Method, header},
};
use kernel::{
    Error, Principal, Result,
    audit::{self, Via},
    id::UserId,
    principal::{Acting, Allowance},
};
use std::{collections::HashMap, sync::Arc};

/// A page says as whom it was loaded: the id of the impersonation, or `none`. What another tab
/// has begun or ended meanwhile must not make a click mean something else.
const AS: &str = "x-portico-acting";
/// Where the operations of the API lie.
const API: &str = "/api/v1/";

/// What may be done in a member's place, by method and path as the API's document writes it.
#[derive(Debug, Clone, Default)]
pub struct Allowances(Arc<HashMap<(Method, String), Allowance>>);

impl Allowances {
    /// Those that were declared.
    pub fn new(declared: impl IntoIterator<Item = (Method, String, Allowance)>) -> Self {
        let entry = |(method, path, allowance)| ((method, path), allowance);
        Self(Arc::new(declared.into_iter().map(entry).collect()))
    }

    fn of(&self, request: &Request) -> Allowance {
        let method = match request.method() {
            &Method::HEAD => Method::GET,
            method => method.clone(),
        };
        let matched = request.extensions().get::<MatchedPath>();
        let path = matched.map_or(request.uri().path(), MatchedPath::as_str);
        // Pages, and what describes the API, ask the API for whatever they show.
        let beside = !request.uri().path().starts_with(API) && method.is_safe();
        match self.0.get(&(method, path.to_owned())) {
            Some(allowance) => *allowance,
            None if beside => Allowance::Look,
            None => Allowance::InPerson,
        }
    }
}

impl Identity {
    /// Puts the member into the place of who is signed in, where this browser acts for one.
    pub(super) async fn take_place(
        &self,
        request: &mut Request,
        recognised: &mut Recognised,
    ) -> Result<()> {
        let Some(staff) = request.extensions().get::<Principal>().copied() else {
            return Ok(());
        };
        let Some(cookie) = super::cookies::read(request.headers(), self.acting_cookie()) else {
            return Ok(());
        };
        match self.place_of(&staff, cookie).await? {
            Place::Taken(member, via) => {
                request.extensions_mut().insert(member);
                recognised.via = Some(via);
            }
            Place::Over => recognised.over = true,
            Place::Own => recognised.cookie_is_stale = true,
        }
        Ok(())
    }

    /// Lets a request through that was judged, after what it may change was written down.
    pub(super) async fn let_through(
        &self,
        judged: Result<Option<Change>>,
        via: Option<&Via>,
    ) -> Result<()> {
        let Some(change) = judged? else {
            return Ok(());
        };
        let note = self.note_change(change.acting, change.member, &change.method, &change.path);
        match via {
            Some(via) => audit::via(via.clone(), note).await,
            None => note.await,
        }
    }
}

/// Something that is changed in a member's place.
pub(super) struct Change {
    acting: Acting,
    member: UserId,
    method: String,
    path: String,
}

impl Allowances {
    /// Refuses what may not be done in a member's place; tells what may change something. Costs
    /// everybody else a look at a header.
    pub(super) fn judge(
        &self,
        request: &Request,
        recognised: &Recognised,
    ) -> Result<Option<Change>> {
        let caller = request.extensions().get::<Principal>();
        let acting = caller.and_then(|caller| caller.acting.map(|acting| (caller.user, acting)));
        if acting.is_none() && !recognised.over && !request.headers().contains_key(AS) {
            return Ok(None);
        }
        let (allowance, path) = (self.of(request), request.uri().path());
        if allowance == Allowance::Leave || !path.starts_with("/api/") && acting.is_none() {
            return Ok(None);
        }
        if recognised.over {
            return Err(over());
        }
        let now = acting.map(|(_, acting)| acting.impersonation.to_string());
        if let Some(said) = said(request.headers())
            && caller.is_some()
            && said != now.as_deref().unwrap_or("none")
        {
            return Err(if now.is_none() { over() } else { elsewhere() });
        }
        let Some((member, acting)) = acting else {
            return Ok(None);
        };
        let safe = request.method().is_safe();
        match allowance {
            Allowance::Look | Allowance::Leave => Ok(None),
            _ if !safe && !acting.writes => Err(read_only()),
            Allowance::InPerson => Err(refused()),
            Allowance::Change => Ok(Some(Change {
                acting,
                member,
                method: request.method().to_string(),
                path: path.to_owned(),
            })),
        }
    }
}

fn said(headers: &HeaderMap) -> Option<&str> {
    // A token is somebody of its own, whatever the browser's cookies say.
    if headers.contains_key(header::AUTHORIZATION) {
        return None;
    }
    headers.get(AS)?.to_str().ok()
}

fn read_only() -> Error {
    Error::forbidden(
        "impersonation_read_only",
        "You are only looking. To change something for them, end this and begin again with changes allowed.",
    )
}

fn refused() -> Error {
    Error::forbidden(
        "impersonation_refused",
        "Only they themselves may do this. Nobody can in their place.",
    )
}

fn over() -> Error {
    Error::forbidden(
        "impersonation_over",
        "Your time in their place is over. This was not done; you are yourself again.",
    )
}

fn elsewhere() -> Error {
    Error::conflict(
        "impersonation_elsewhere",
        "This browser acts in somebody else's place by now. This was not done; load the page again.",
    )
}
