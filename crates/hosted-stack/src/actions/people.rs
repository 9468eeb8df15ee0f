//! Making somebody here what they are there.

use crate::{
    HostedStack,
    model::{Connection, HostedId, Known, There, compare},
    ports::{Joined, Newcomer},
    store::{self, runs::Found},
};
use kernel::{Error, Result, id::UserId};
use sqlx::{PgConnection, types::Json};

/// What came of a look at somebody.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    pub(crate) user: Option<UserId>,
    /// What was not the same, and whether it is now.
    pub(crate) found: Option<Found>,
}

impl Found {
    fn of(kind: &str, there: &There, user: Option<UserId>) -> Self {
        Self {
            hosted_id: there.user.id,
            user_id: user,
            kind: kind.to_owned(),
            name: Some(there.user.name()).filter(|name| !name.is_empty()),
            email: there.user.primary_email.clone(),
            fields: Json(Vec::new()),
            mended: false,
            problem: None,
        }
    }
}

/// A refusal that leaves the rest to be done; any other failure ends the look.
fn refusal(outcome: Result<()>) -> Result<Option<String>> {
    match outcome {
        Ok(()) => Ok(None),
        Err(Error::Conflict {
            code: "last_owner", ..
        }) => Ok(Some("last_owner".to_owned())),
        Err(other) => Err(other),
    }
}

impl HostedStack {
    /// Asks about somebody, and makes it so.
    pub(crate) async fn follow(&self, of: &Connection, id: HostedId) -> Result<Applied> {
        // Before the question: the answer is at least as new as its place in the order.
        let look = self.look().await?;
        let there = self.0.client.person(of, id).await?;
        self.apply(of, id, there.as_ref(), look).await
    }

    pub(crate) async fn look(&self) -> Result<i64> {
        let mut db = self.0.db.acquire().await?;
        Ok(store::people::look(&mut db).await?)
    }

    /// Makes somebody here what a look found there, unless a later look was quicker.
    pub(crate) async fn apply(
        &self,
        of: &Connection,
        id: HostedId,
        there: Option<&There>,
        look: i64,
    ) -> Result<Applied> {
        let mut tx = self.0.db.begin().await?;
        let mut known = store::people::lock(&mut tx, of.project, id, self.0.clock.now()).await?;
        if known.look >= look {
            return Ok(Applied {
                user: known.user,
                found: None,
            });
        }
        known.look = look;
        let found = match there {
            Some(there) => self.take_over(&mut tx, of, there, &mut known).await?,
            None => self.part(&mut tx, id, &mut known).await?,
        };
        let refused = found.as_ref().and_then(|found| found.problem.as_deref());
        store::people::note(&mut tx, of.project, id, &known, refused, self.0.clock.now()).await?;
        tx.commit().await?;
        if let (Some(user), true) = (known.user, found.is_some()) {
            self.0.people.settled(user);
        }
        Ok(Applied {
            user: known.user,
            found,
        })
    }

    /// They are gone there: into the trash here.
    async fn part(
        &self,
        tx: &mut PgConnection,
        id: HostedId,
        known: &mut Known,
    ) -> Result<Option<Found>> {
        let Some(user) = known.user.filter(|_| known.gone_at.is_none()) else {
            known.gone_at = known.gone_at.or_else(|| Some(self.0.clock.now()));
            return Ok(None);
        };
        let people = &self.0.people;
        let here = people.here(tx, user).await?.filter(|here| !here.deleted);
        let mut found = Found {
            hosted_id: id,
            user_id: Some(user),
            kind: "missing_there".to_owned(),
            name: here.as_ref().map(|here| here.name.clone()),
            email: here.as_ref().map(|here| here.email.clone()),
            fields: Json(Vec::new()),
            mended: true,
            problem: None,
        };
        if here.is_none() {
            known.gone_at = Some(self.0.clock.now());
            return Ok(None);
        }
        found.problem = refusal(people.delete(tx, user).await)?;
        found.mended = found.problem.is_none();
        if found.mended {
            known.gone_at = Some(self.0.clock.now());
        }
        Ok(Some(found))
    }

    async fn take_over(
        &self,
        tx: &mut PgConnection,
        of: &Connection,
        there: &There,
        known: &mut Known,
    ) -> Result<Option<Found>> {
        let joining = known.user.is_none();
        if joining {
            match self.welcome(tx, of, there).await? {
                Joined::As(user) => known.user = Some(user),
                Joined::Refused(code) => {
                    let mut found = Found::of("missing_here", there, None);
                    found.problem = Some(code.to_owned());
                    return Ok(Some(found));
                }
            }
        }
        let people = &self.0.people;
        let Some(user) = known.user else {
            return Ok(None);
        };
        // Who was erased here does not come again by themselves.
        let Some(here) = people.here(tx, user).await? else {
            return Ok(None);
        };
        let change = compare(there, &here, known, &of.rules);
        if !here.deleted || change.restore {
            known.gone_at = None;
        }
        if !joining && change.differences.is_empty() {
            return Ok(None);
        }
        let kind = if joining { "missing_here" } else { "differs" };
        let mut found = Found::of(kind, there, Some(user));
        if change.restore {
            people.restore(tx, user).await?;
        }
        if let Some(name) = &change.name {
            people.rename(tx, user, name).await?;
        }
        if let Some(email) = &change.email
            && !people.readdress(tx, user, email).await?
        {
            found.problem = Some("email_taken".to_owned());
        }
        if !change.give.is_empty() || !change.take.is_empty() {
            let given = people
                .change_roles(tx, user, &change.give, &change.take)
                .await?;
            known
                .roles
                .retain(|role| here.roles.contains(role) && !change.take.contains(role));
            known.roles.extend(given);
        }
        match change.suspend {
            Some(true) => {
                let refused = refusal(people.suspend(tx, user).await)?;
                known.suspended = refused.is_none();
                found.problem = found.problem.or(refused);
            }
            Some(false) => {
                people.restore(tx, user).await?;
                known.suspended = false;
            }
            None => {}
        }
        found.fields = Json(change.differences);
        found.mended = found.problem.is_none();
        Ok(Some(found))
    }

    async fn welcome(
        &self,
        tx: &mut PgConnection,
        of: &Connection,
        there: &There,
    ) -> Result<Joined> {
        let Some(email) = there.user.email() else {
            let code = match there.user.primary_email {
                Some(_) => "email_unverified",
                None => "email_missing",
            };
            return Ok(Joined::Refused(code));
        };
        let newcomer = Newcomer {
            email: email.to_owned(),
            name: there.user.name(),
            sign_up: of.sign_up,
            link: of.link_verified_email,
        };
        let joined = self.0.people.join(tx, &newcomer).await?;
        if let Joined::As(user) = joined
            && store::people::is_taken(tx, user).await?
        {
            return Ok(Joined::Refused("account_linked"));
        }
        Ok(joined)
    }

    /// What a look would change, without changing it.
    pub(crate) async fn differs(&self, of: &Connection, there: &There) -> Result<Option<Found>> {
        // Rolled back: the lock that it takes is let go, and nothing else was done.
        let mut tx = self.0.db.begin().await?;
        let known = store::people::get(&mut tx, of.project, there.user.id).await?;
        let refused = known.as_ref().and_then(|known| known.refused.clone());
        let linked = known.and_then(|known| Some((known.user?, known)));
        let Some((user, known)) = linked else {
            let mut found = Found::of("missing_here", there, None);
            // As it was at the last try; who was never tried may yet come in.
            found.problem = refused;
            return Ok(Some(found));
        };
        let Some(here) = self.0.people.here(&mut tx, user).await? else {
            return Ok(None);
        };
        let change = compare(there, &here, &known, &of.rules);
        if change.differences.is_empty() {
            return Ok(None);
        }
        let mut found = Found::of("differs", there, Some(user));
        found.fields = Json(change.differences);
        Ok(Some(found))
    }
}
