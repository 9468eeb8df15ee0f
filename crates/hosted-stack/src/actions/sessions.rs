//! Sessions here that stand for sessions there.

use super::away;
use crate::{HostedStack, ports::Standing, store, trust::Refused};
use axum::response::Response;
use http::HeaderMap;
use kernel::{
    Error, Result,
    client::ClientAddr,
    id::{SessionId, UserId},
    limits::Quota,
};
use std::{collections::BTreeMap, time::Duration};
use uuid::Uuid;

/// Sessions that are looked at together.
const TOGETHER: i64 = 200;

impl HostedStack {
    /// Trades a token of the project for a session here. The project is asked whether the
    /// session stands: a token outlives the session that it came of.
    pub(crate) async fn exchange(
        &self,
        token: &str,
        from: ClientAddr,
        headers: &HeaderMap,
    ) -> Result<Response> {
        let inner = &self.0;
        let of = self.connected().await?;
        let quota = Quota {
            burst: 60,
            every: Duration::from_secs(5),
        };
        inner
            .limits
            .take(&format!("hosted:{}", from.network()), quota)
            .await?;
        let now = inner.clock.now();
        let claims = inner
            .keys
            .verify(token, &of, &inner.client, now)
            .await
            .map_err(refused)?;
        let sessions = inner.client.sessions(&of, claims.user()).await;
        let sessions = sessions.map_err(|error| away(&error))?;
        if !sessions.contains(&claims.session().to_string()) {
            return Err(Error::forbidden(
                "hosted_session_over",
                "Your session has ended. Sign in again.",
            ));
        }
        let followed = match self.follow(&of, claims.user()).await {
            Err(Error::Internal(error)) => return Err(away(&error)),
            followed => followed?,
        };
        let Some(user) = followed.user else {
            return Err(Error::forbidden(
                "hosted_account_refused",
                "There is no account for you here, and none was made. Ask the people who run this place.",
            ));
        };
        inner
            .people
            .enter(user, claims.session(), from, headers)
            .await
    }

    /// The session there that a token stands for: for who has traded it already.
    pub async fn session_of(&self, token: &str) -> Result<Option<Uuid>> {
        let Some(of) = self.connection().await? else {
            return Ok(None);
        };
        let inner = &self.0;
        let now = inner.clock.now();
        let claims = inner.keys.verify(token, &of, &inner.client, now).await;
        Ok(claims.ok().map(|claims| claims.session()))
    }

    /// Ends sessions here whose sessions there have ended: a job. The project sends no word of
    /// an ended session, so it is asked.
    pub(crate) async fn follow_sessions(&self) -> Result<()> {
        let Some(of) = self.connection().await? else {
            return self.end_every_session().await;
        };
        let mut after: Option<SessionId> = None;
        loop {
            let page = self.0.people.standing(after, TOGETHER).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.id);
            let mut by_user: BTreeMap<UserId, Vec<Standing>> = BTreeMap::new();
            for session in page {
                by_user.entry(session.user).or_default().push(session);
            }
            for (user, sessions) in by_user {
                let hosted = {
                    let mut db = self.0.db.acquire().await?;
                    store::people::hosted(&mut db, of.project, user).await?
                };
                let standing = match hosted {
                    Some(id) => self.0.client.sessions(&of, id).await?,
                    // Of another project, which is not trusted any more.
                    None => std::collections::BTreeSet::new(),
                };
                let over: Vec<Standing> = sessions
                    .into_iter()
                    .filter(|session| !standing.contains(&session.hosted.to_string()))
                    .collect();
                self.end(&over).await?;
            }
        }
    }

    pub(crate) async fn end_every_session(&self) -> Result<()> {
        loop {
            let page = self.0.people.standing(None, TOGETHER).await?;
            if page.is_empty() {
                return Ok(());
            }
            self.end(&page).await?;
        }
    }

    async fn end(&self, sessions: &[Standing]) -> Result<()> {
        if sessions.is_empty() {
            return Ok(());
        }
        let mut tx = self.0.db.begin().await?;
        self.0.people.end(&mut tx, sessions).await?;
        tx.commit().await?;
        for session in sessions {
            self.0.people.settled(session.user);
        }
        Ok(())
    }
}

fn refused(why: Refused) -> Error {
    match why {
        Refused::Token => Error::forbidden(
            "hosted_token_refused",
            "This token is not one of the project's, or is over. Sign in again.",
        ),
        Refused::Bearer => Error::forbidden(
            "hosted_account_unproved",
            "Prove your e-mail address there first.",
        ),
        Refused::Unreachable => Error::Unavailable(
            "The hosted project cannot be reached right now. Try again in a moment.",
        ),
    }
}
