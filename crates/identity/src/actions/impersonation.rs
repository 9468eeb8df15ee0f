//! Acting in a member's place: begun with a reason and for a time, looked up at each request,
//! over at once with whatever it depends on.
//!
//! Invariant: no session of the member is made and nothing of theirs is touched. Who really
//! acts stays signed in as themselves; the impersonation is theirs, in that one session, and
//! never allows more than they may do themselves. What ends their session, closes either
//! account or changes what either may do ends it in the same transaction (triggers on those
//! tables), for requests and for sockets.

use crate::{
    Identity, SecondFactorPolicy,
    model::{
        Status,
        impersonation::{Asked, Impersonation, Mode},
        permission_set,
        security::{Kind, SecurityEvent},
    },
    secrets::{self, Token},
    store::{
        self,
        impersonations::{Held, New, Over},
    },
};
use kernel::{
    Error, Permission, Principal, Result,
    audit::{Act, Via},
    id::{ImpersonationId, SessionId, UserId},
    page::{Page, PageQuery},
    principal::Acting,
};
use serde_json::json;
use sqlx::PgConnection;
use std::sync::Arc;
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// Ends written down at once.
const BATCH: i64 = 100;

/// An impersonation that has begun.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) id: ImpersonationId,
    /// What the browser is to hold.
    pub(crate) cookie: Zeroizing<String>,
    pub(crate) life: std::time::Duration,
    pub(crate) mode: Mode,
    pub(crate) expires_at: OffsetDateTime,
}

/// What a browser's further cookie is worth beside who is signed in.
pub(crate) enum Place {
    /// Nothing: it is somebody else's, or of an earlier sign-in.
    Own,
    /// They act in somebody's place.
    Taken(Principal, Via),
    /// They did until now.
    Over,
}

impl Identity {
    /// Begins to act in somebody's place.
    pub(crate) async fn impersonate(
        &self,
        caller: &Principal,
        user: UserId,
        asked: &Asked,
    ) -> Result<Begun> {
        caller.require(Permission::UsersImpersonate)?;
        self.require_recent(caller)?;
        if caller.acting.is_some() {
            return Err(Error::conflict(
                "impersonating_already",
                "End the one you are in first.",
            ));
        }
        let now = self.0.clock.now();
        let mut tx = self.0.db.begin().await?;
        store::impersonations::lock_pair(&mut tx, caller.user, user).await?;
        let target = self.target(&mut tx, caller, user).await?;
        if target.owner {
            return Err(Error::forbidden(
                "not_owners",
                "Nobody acts in an owner's place.",
            ));
        }
        if target.status != Status::Active {
            return Err(Error::conflict(
                "not_active",
                "This account cannot be signed in to, so there is nothing to see.",
            ));
        }
        if !store::impersonations::lock_session(&mut tx, caller.session, caller.user).await? {
            return Err(browser_only());
        }
        let before = store::impersonations::open_of(&mut tx, caller.session).await?;
        let mut ended = None;
        if let Some(before) = before {
            // Its cookie is gone, or its time is over and nobody has looked since.
            ended = store::impersonations::end(&mut tx, before, "replaced", now).await?;
        }
        let (id, token) = (ImpersonationId::new(), Token::new()?);
        let life = std::time::Duration::from_secs(u64::from(asked.minutes) * 60);
        let new = New {
            id,
            user,
            by: caller.user,
            session: caller.session,
            reason: &asked.reason,
            mode: asked.mode,
            hash: &token.hash,
            now,
            expires_at: now + life,
        };
        store::impersonations::insert(&mut tx, &new).await?;
        let what = json!({
            "impersonation": id, "mode": asked.mode, "minutes": asked.minutes,
        });
        let mut seen = what.clone();
        seen["by"] = json!(caller.user);
        let event = SecurityEvent::of(user, Kind::Impersonated).with(seen);
        self.record(&mut tx, event).await?;
        if let Some(over) = &ended {
            self.note_end(&mut tx, over).await?;
        }
        let mut data = what;
        data["name"] = json!(target.name);
        data["reason"] = json!(asked.reason);
        let act = Act {
            actor: Some(caller.user),
            action: "impersonation.started",
            subject: &user.to_string(),
            data,
        };
        self.0.audit.append(&mut tx, act).await?;
        tx.commit().await?;
        if let Some(before) = before {
            self.impersonation_over(before);
        }
        Ok(Begun {
            id,
            cookie: Zeroizing::new(format!("{id}.{}", *token.text)),
            life,
            mode: asked.mode,
            expires_at: new.expires_at,
        })
    }

    /// The usual and the longest time, in minutes.
    pub(crate) fn impersonation_minutes(&self) -> (u32, u32) {
        self.0.config.impersonation()
    }

    /// What the time is, and whether members are told why.
    pub(crate) fn tells_impersonations(&self) -> (OffsetDateTime, bool) {
        let tells = self.0.config.impersonation_tells_reason;
        (self.0.clock.now(), tells)
    }

    /// Ends it; nothing to do if it is over.
    pub(crate) async fn end_impersonation(&self, caller: &Principal) -> Result<()> {
        let Some(acting) = caller.acting else {
            return Ok(());
        };
        let mut tx = self.0.db.begin().await?;
        let now = self.0.clock.now();
        let over = store::impersonations::end(&mut tx, acting.impersonation, "left", now).await?;
        if let Some(over) = over {
            self.note_end(&mut tx, &over).await?;
        }
        tx.commit().await?;
        self.impersonation_over(acting.impersonation);
        Ok(())
    }

    /// Who acted in the caller's place.
    pub(crate) async fn impersonations(
        &self,
        caller: &Principal,
        page: &PageQuery,
    ) -> Result<Page<Impersonation>> {
        let (limit, before) = (page.limit()?, page.after::<ImpersonationId>()?);
        let mut db = self.0.db.acquire().await?;
        let rows =
            store::impersonations::of_person(&mut db, caller.user, before, limit + 1).await?;
        Ok(Page::of(rows, limit, |one| one.id, |one| one))
    }

    /// Writes into the log what ended by itself: a job.
    pub(crate) async fn note_ended_impersonations(&self) -> Result<()> {
        loop {
            let mut tx = self.0.db.begin().await?;
            let now = self.0.clock.now();
            let over = store::impersonations::take_over(&mut tx, now, BATCH).await?;
            if over.is_empty() {
                return Ok(());
            }
            for one in &over {
                self.note_end(&mut tx, one).await?;
            }
            tx.commit().await?;
            for one in over {
                self.impersonation_over(one.id);
            }
        }
    }

    async fn note_end(&self, tx: &mut PgConnection, over: &Over) -> Result<()> {
        let ended_at = over.ended_at.unwrap_or_else(|| self.0.clock.now());
        let lasted = (ended_at - over.started_at).whole_seconds().max(0);
        let act = Act {
            actor: Some(over.by),
            action: "impersonation.ended",
            subject: &over.user.to_string(),
            data: json!({
                "impersonation": over.id, "how": over.how, "seconds": lasted,
            }),
        };
        self.0.audit.append(tx, act).await.map(|_| ())
    }

    /// Writes down, before it is done, that somebody changes something in a member's place.
    pub(crate) async fn note_change(
        &self,
        acting: Acting,
        member: UserId,
        method: &str,
        path: &str,
    ) -> Result<()> {
        let mut tx = self.0.db.begin().await?;
        let act = Act {
            actor: Some(acting.by),
            action: "impersonation.acted",
            subject: &member.to_string(),
            data: json!({ "method": method, "path": path }),
        };
        self.0.audit.append(&mut tx, act).await?;
        tx.commit().await?;
        Ok(())
    }

    /// After the commit: requests and sockets of this node hear of it now.
    fn impersonation_over(&self, id: ImpersonationId) {
        self.0.impersonations.forget(&id);
        self.0.signals.session_ended(SessionId(id.0));
    }

    /// What is known of an impersonation.
    pub(crate) async fn impersonation(&self, id: ImpersonationId) -> Result<Option<Arc<Held>>> {
        self.0
            .impersonations
            .get::<Error, _>(id, async {
                let mut db = self.0.db.acquire().await?;
                let held = store::impersonations::held(&mut db, id).await?;
                Ok(held.map(Arc::new))
            })
            .await
    }

    /// In whose place somebody acts who is signed in and holds this cookie.
    pub(crate) async fn place_of(&self, staff: &Principal, cookie: &str) -> Result<Place> {
        let Some((id, token)) = parts(cookie) else {
            return Ok(Place::Own);
        };
        let Some(held) = self.impersonation(id).await? else {
            return Ok(Place::Own);
        };
        // Hashes of random tokens: how long a comparison takes says nothing about the token.
        if held.by != staff.user
            || held.session != Some(staff.session)
            || held.hash != secrets::hash(token)
        {
            return Ok(Place::Own);
        }
        Ok(match self.stands(id, &held, staff) {
            Some(principal) => {
                let via = Via::Impersonation {
                    impersonation: id,
                    on_behalf_of: held.user,
                    name: held.name.clone(),
                    by: held.by,
                };
                Place::Taken(principal, via)
            }
            None => Place::Over,
        })
    }

    /// The same for a socket, which was opened with it, and when it ends at the latest.
    pub(crate) async fn impersonation_as_it_stands(
        &self,
        id: ImpersonationId,
    ) -> Result<Option<(Principal, OffsetDateTime)>> {
        let Some(held) = self.impersonation(id).await? else {
            return Ok(None);
        };
        let Some(session) = held.session else {
            return Ok(None);
        };
        let Some(staff) = self.standing(session, held.by).await? else {
            return Ok(None);
        };
        let stands = self.stands(id, &held, &staff);
        Ok(stands.map(|principal| (principal, held.expires_at)))
    }

    /// The member, with who really acts, if the impersonation stands now.
    fn stands(&self, id: ImpersonationId, held: &Held, staff: &Principal) -> Option<Principal> {
        let permissions = permission_set(&held.permissions);
        let over = held.ended_at.is_some()
            || held.expires_at <= self.0.clock.now()
            || held.status != Status::Active
            || !staff.can(Permission::UsersImpersonate)
            || !staff.permissions.covers(permissions);
        if over {
            return None;
        }
        let second_factor_due = held.staff
            && !held.second_factor
            && self.0.config.staff_second_factor == SecondFactorPolicy::Required;
        Some(Principal {
            user: held.user,
            session: SessionId(id.0),
            permissions: if second_factor_due {
                kernel::principal::PermissionSet::default()
            } else {
                permissions
            },
            // Nobody has proved to be this member: what asks for a proof stays closed.
            authenticated_at: OffsetDateTime::UNIX_EPOCH,
            second_factor_due,
            acting: Some(Acting {
                by: held.by,
                impersonation: id,
                writes: held.mode == Mode::Write,
                until: held.expires_at,
            }),
        })
    }
}

/// The parts of the cookie.
fn parts(cookie: &str) -> Option<(ImpersonationId, &str)> {
    let (id, token) = cookie.split_once('.')?;
    Some((id.parse().ok()?, token))
}

pub(crate) fn browser_only() -> Error {
    Error::forbidden(
        "browser_only",
        "Somebody signed in at a browser does this. No key and no token can.",
    )
}
