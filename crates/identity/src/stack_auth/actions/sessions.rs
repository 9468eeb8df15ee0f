//! Access tokens anew, signing out, and the list of devices.

use crate::{
    model::{SignedOut, Status},
    stack_auth::{
        StackAuth,
        call::Device,
        fault::{Fault, Result},
        known::Known,
        model::{Session, User},
        secrets, store,
    },
    store as accounts,
};
use kernel::{
    cache,
    id::{SessionId, UserId},
};
use serde_json::json;
use time::OffsetDateTime;

/// A session's last use is written down this often.
const WRITTEN: time::Duration = time::Duration::seconds(30);

impl StackAuth {
    /// A fresh access token for a refresh token whose session stands: not ended, not idle too long, not
    /// past its end, its owner neither suspended nor gone.
    pub(crate) async fn refresh(&self, token: &str, device: &Device) -> Result<(String, User)> {
        let inner = self.inner();
        let now = inner.clock.now();
        let mut db = inner.db.acquire().await?;
        let held = store::sessions::by_refresh(&mut db, &secrets::hash(token)).await?;
        let held = held
            .filter(|held| held.status == Status::Active && self.in_time(held, now))
            .ok_or(Known::RefreshTokenNotFoundOrExpired)?;
        let user = store::users::get(&mut db, held.user)
            .await?
            .ok_or(Known::RefreshTokenNotFoundOrExpired)?;
        drop(db);
        let network = device.from.network().to_string();
        let moved = held.agent != device.name || held.network != network;
        if moved || held.last_seen_at + WRITTEN <= now {
            let mut tx = inner.db.begin().await?;
            let from = device.from.to_string();
            accounts::sessions::seen(&mut tx, held.session, &from, now).await?;
            if moved {
                self.noticed(&mut tx, &held, device, &network).await?;
            }
            tx.commit().await?;
            inner.standing.forget(&held.session);
        }
        Ok((self.access_token(&user, held.session)?, user))
    }

    fn in_time(&self, held: &store::sessions::Refresh, now: OffsetDateTime) -> bool {
        held.expires_at > now && held.last_seen_at + self.inner().config.idle() > now
    }

    /// A token that does not rotate cannot tell a thief by its reuse. Another program that uses it can. An app's
    /// own server shares its page's token, so each is told once and then known.
    async fn noticed(
        &self,
        tx: &mut sqlx::PgConnection,
        held: &store::sessions::Refresh,
        device: &Device,
        network: &str,
    ) -> Result<()> {
        store::sessions::used_from(tx, held.session, &device.name, network).await?;
        if held.agent != device.name {
            let seen = json!({ "session": held.session, "before": held.agent });
            self.notice_device(tx, held.user, device, seen).await?;
        }
        Ok(())
    }

    /// Signs out the session of a refresh token.
    pub(crate) async fn sign_out_by(&self, token: &str) -> Result<()> {
        let mut db = self.inner().db.acquire().await?;
        let held = store::sessions::by_refresh(&mut db, &secrets::hash(token))
            .await?
            .ok_or(Known::RefreshTokenNotFoundOrExpired)?;
        drop(db);
        self.end(held.session, held.user).await
    }

    /// Signs out one of somebody's devices, not the one that asks.
    pub(crate) async fn sign_out_device(
        &self,
        user: UserId,
        session: SessionId,
        current: Option<SessionId>,
    ) -> Result<()> {
        if current == Some(session) {
            return Err(Known::CannotDeleteCurrentSession.into());
        }
        let owner = {
            let mut db = self.inner().db.acquire().await?;
            store::sessions::owner(&mut db, session).await?
        };
        if owner != Some(user) {
            return Err(Fault::missing("Session not found."));
        }
        self.end(session, user).await
    }

    /// Ends a session, at once and everywhere.
    pub(crate) async fn end(&self, session: SessionId, user: UserId) -> Result<()> {
        let inner = self.inner();
        let mut tx = inner.db.begin().await?;
        let now = inner.clock.now();
        if accounts::sessions::end(&mut tx, session, user, "signed_out", now).await? {
            inner
                .events
                .append(&mut tx, Some(user), &SignedOut { user })
                .await?;
            cache::invalidate(&mut tx, crate::STANDING, session).await?;
        }
        tx.commit().await?;
        self.0.session_over(session);
        Ok(())
    }

    /// Somebody's signed-in devices.
    pub(crate) async fn devices(&self, user: UserId) -> Result<Vec<Session>> {
        let mut db = self.inner().db.acquire().await?;
        Ok(store::sessions::list(&mut db, user).await?)
    }
}
