//! Whose account here a provider's word stands for: linked ones, new ones, and refusals.
//!
//! Invariant: an address that a provider tells never opens an account that somebody else has
//! proved to be theirs.

use super::providers::Arrived;
use crate::{
    Identity,
    configured::Configured,
    model::{
        Email, EmailVerified, Name, Status,
        security::{Kind, SecurityEvent},
    },
    store,
};
use kernel::{Error, Principal, Result, id::UserId};
use providers::{Failure, Profile};
use serde_json::json;
use sqlx::PgConnection;

impl Identity {
    /// Fails if an account there, or another one of somebody's, is linked already; false if it is to them.
    pub(crate) async fn may_tie(
        &self,
        tx: &mut PgConnection,
        provider: &Configured,
        subject: &str,
        user: UserId,
    ) -> Result<bool> {
        match store::providers::holder(tx, &provider.name, subject).await? {
            Some(held) if held == user => return Ok(false),
            Some(_) => return Err(linked_elsewhere()),
            None => {}
        }
        let linked = store::providers::list(tx, user).await?;
        if linked.iter().any(|link| link.provider == provider.name) {
            return Err(Error::conflict(
                "provider_linked_already",
                "Another account there is linked to yours. Unlink it first.",
            ));
        }
        Ok(true)
    }

    /// Links an account of the provider's to somebody's here.
    pub(crate) async fn tie_to(
        &self,
        tx: &mut PgConnection,
        provider: &Configured,
        profile: &Profile,
        user: UserId,
        arrival: Arrived<'_>,
    ) -> Result<()> {
        let (name, now) = (&provider.name, self.0.clock.now());
        let email = profile.email.as_deref();
        if !self.may_tie(tx, provider, &profile.subject, user).await? {
            return Ok(());
        }
        if !store::providers::insert(tx, name, &profile.subject, user, email, now).await? {
            // Somebody was quicker.
            return Err(linked_elsewhere());
        }
        self.record_link(tx, Kind::ProviderLinked, user, provider, arrival)
            .await
    }

    /// Whom the provider's word stands for here, and whether they are new: linked before, joining
    /// now where `may_join`, or refused.
    pub(crate) async fn whom(
        &self,
        tx: &mut PgConnection,
        provider: &Configured,
        profile: &Profile,
        arrival: Arrived<'_>,
        may_join: bool,
    ) -> Result<(UserId, bool)> {
        let (name, now) = (&provider.name, self.0.clock.now());
        let email = profile.email.as_deref();
        let linked = store::providers::used(tx, name, &profile.subject, email, now).await?;
        match linked {
            Some(user) => Ok((user, false)),
            None => self.welcome(tx, provider, profile, arrival, may_join).await,
        }
    }

    /// Whose account somebody gets who was never here by this provider.
    async fn welcome(
        &self,
        tx: &mut PgConnection,
        provider: &Configured,
        profile: &Profile,
        arrival: Arrived<'_>,
        may_join: bool,
    ) -> Result<(UserId, bool)> {
        let now = self.0.clock.now();
        let email = profile
            .email
            .as_deref()
            .filter(|_| profile.email_verified)
            .and_then(|text| Email::parse(text).ok())
            .ok_or_else(|| unverified(provider))?;
        let known = store::accounts::by_email(tx, &email).await?;
        let is_new = known.is_none();
        let user = match known {
            Some((user, true)) if provider.links_verified_email => user,
            Some((_, true)) => return Err(account_exists(provider)),
            // Nobody has proved the address, so nothing that was asked for under it counts.
            Some((user, false)) => {
                if store::accounts::status(tx, user).await? != Some(Status::Active) {
                    return Err(account_exists(provider));
                }
                store::registrations::forget(tx, user).await?;
                // Cached on this node for a minute at most; the notice of the commit clears them.
                self.start_clean(tx, user).await?;
                user
            }
            None if may_join => self.join(tx, &email, profile).await?,
            None => {
                return Err(Error::forbidden(
                    "provider_sign_up_closed",
                    "There is no account with your address here. Ask to be invited.",
                ));
            }
        };
        if store::accounts::verify_email(tx, user, now).await? {
            let event = EmailVerified { user };
            self.0.events.append(tx, Some(user), &event).await?;
        }
        let (name, email) = (&provider.name, profile.email.as_deref());
        if !store::providers::insert(tx, name, &profile.subject, user, email, now).await? {
            // The account is linked to another one there, or somebody was quicker.
            return Err(account_exists(provider));
        }
        self.record_link(tx, Kind::ProviderLinked, user, provider, arrival)
            .await?;
        Ok((user, is_new))
    }

    async fn join(
        &self,
        tx: &mut PgConnection,
        email: &Email,
        profile: &Profile,
    ) -> Result<UserId> {
        let now = self.0.clock.now();
        let local = email.address.as_str().split('@').next().unwrap_or_default();
        let name = profile
            .name
            .as_deref()
            .and_then(|name| Name::parse("name", name).ok())
            .map_or_else(|| Name::parse("name", local), Ok)?;
        let user = store::accounts::insert(tx, email, &name, now, false)
            .await?
            .ok_or_else(|| Error::conflict("busy", "Somebody was quicker. Try again."))?;
        store::accounts::grant(tx, user, "member", None).await?;
        Ok(user)
    }

    /// Takes a link away, unless it is the only way in.
    pub async fn unlink(
        &self,
        caller: &Principal,
        provider: &str,
        arrival: Arrived<'_>,
    ) -> Result<()> {
        self.require_recent(caller)?;
        let user = caller.user;
        let mut tx = self.0.db.begin().await?;
        if !store::providers::delete(&mut tx, user, provider).await? {
            return Err(Error::NotFound("link"));
        }
        self.require_way_in(&mut tx, user).await?;
        let event = SecurityEvent::of(user, Kind::ProviderUnlinked)
            .seen(arrival.from, arrival.device)
            .with(json!({ "provider": provider, "title": self.0.providers.title(provider) }));
        self.record(&mut tx, event).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn record_link(
        &self,
        tx: &mut PgConnection,
        kind: Kind,
        user: UserId,
        provider: &Configured,
        arrival: Arrived<'_>,
    ) -> Result<()> {
        let event = SecurityEvent::of(user, kind)
            .seen(arrival.from, arrival.device)
            .with(json!({ "provider": provider.name, "title": provider.title }));
        self.record(tx, event).await?;
        Ok(())
    }
}

pub(crate) fn failed(provider: &Configured, why: &Failure) -> Error {
    match why {
        Failure::Unreachable(error) => {
            tracing::warn!(
                provider = provider.name,
                error = format!("{error:#}"),
                "a provider cannot be asked"
            );
            Error::conflict(
                "provider_unreachable",
                format!(
                    "{} cannot be reached right now. Try again later, or choose another way.",
                    provider.title
                ),
            )
        }
        Failure::Refused(why) => {
            tracing::warn!(provider = provider.name, %why, "a provider's answer is refused");
            Error::forbidden(
                "provider_refused",
                format!(
                    "What {} said could not be trusted, so nobody was signed in. Try again.",
                    provider.title
                ),
            )
        }
    }
}

fn unverified(provider: &Configured) -> Error {
    Error::forbidden(
        "provider_email_unverified",
        format!(
            "{} has not proved that your address is yours. Prove it there, or make an account here and link it.",
            provider.title
        ),
    )
}

fn account_exists(provider: &Configured) -> Error {
    Error::conflict(
        "provider_account_exists",
        format!(
            "There is an account with your address already. Sign in to it as usual, then link {} on the security page.",
            provider.title
        ),
    )
}

fn linked_elsewhere() -> Error {
    Error::conflict(
        "provider_linked_elsewhere",
        "That account signs somebody else in here already.",
    )
}
