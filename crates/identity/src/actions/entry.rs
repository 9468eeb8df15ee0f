//! The only way to a session: whatever proves who somebody is ends here.

use crate::{
    Identity, SecondFactorPolicy,
    actions::sessions::Issued,
    model::{
        Account, Status,
        entry::{Challenge, Entry, Factor, Method},
        factors::DeviceId,
        security::{Kind, SecurityEvent},
    },
    secrets::{self, Token},
    store::{self, devices::NewDevice},
};
use kernel::{Error, Result, audit::Act, client::ClientAddr, id::UserId};
use serde_json::json;
use sqlx::PgConnection;
use zeroize::Zeroizing;

/// How long a sign-in waits for its second factor.
pub(crate) const CHALLENGE_LIFE: time::Duration = time::Duration::minutes(10);
/// Accounts whose browsers share one cookie.
const SHARING: usize = 4;

/// Somebody at the door, who has proved who they are.
pub(crate) struct Arrival<'a> {
    pub(crate) user: UserId,
    pub(crate) method: Method,
    pub(crate) from: ClientAddr,
    pub(crate) device: &'a str,
    /// What the browser's device cookie holds.
    pub(crate) cookie: Option<&'a str>,
    /// The second factor that they gave, and whether this browser may stand in for it.
    pub(crate) second: Option<(Factor, bool)>,
}

impl Identity {
    /// Lets somebody in who has proved who they are, or asks for the second factor.
    ///
    /// Looks at how the account stands; asks for the second factor where the account has
    /// one, the method is not one in itself and the browser is not remembered; opens the
    /// session, records it, and has the owner told of a device that is new. `remembered` is
    /// what the device cookie holds ([`Identity::device_cookie`]).
    pub(crate) async fn enter(
        &self,
        user: UserId,
        method: Method,
        from: ClientAddr,
        device: &str,
        remembered: Option<&str>,
    ) -> Result<Entry> {
        let mut tx = self.0.db.begin().await?;
        let arrival = Arrival {
            user,
            method,
            from,
            device,
            cookie: remembered,
            second: None,
        };
        let entry = self.admit(&mut tx, arrival).await?;
        tx.commit().await?;
        Ok(entry)
    }

    /// [`Identity::enter`] in the caller's transaction.
    pub(crate) async fn admit(&self, tx: &mut PgConnection, arrival: Arrival<'_>) -> Result<Entry> {
        let now = self.0.clock.now();
        let (account, kept) = self.standing_account(tx, &arrival).await?;
        let hashes = hashes_of(arrival.cookie);
        let known = store::devices::find(tx, arrival.user, &hashes).await?;
        if arrival.second.is_none() && !arrival.method.is_whole() {
            let factors =
                store::factors::of(tx, arrival.user, self.requires_second_factor(&account)).await?;
            let remembered = known
                .as_ref()
                .and_then(|known| known.remembered_until)
                .is_some_and(|until| until > now);
            if !factors.is_empty() && !remembered {
                return self.challenge(tx, &arrival, factors).await;
            }
        }
        let device = self
            .greet(tx, &arrival, known.map(|known| known.id))
            .await?;
        let mut issued = self
            .open_session(
                tx,
                arrival.user,
                &arrival.method,
                arrival.from,
                arrival.device,
            )
            .await?;
        issued.device = device;
        issued.kept = kept;
        let factor = arrival.second.map(|(factor, _)| factor.text());
        let event = SecurityEvent::of(arrival.user, Kind::SignedIn)
            .seen(arrival.from, arrival.device)
            .with(json!({ "method": arrival.method.text(), "second_factor": factor }));
        self.record(tx, event).await?;
        // That the first owner came in through the printed link is written down there.
        if account.staff && arrival.method != Method::Setup {
            let act = Act {
                actor: Some(account.id),
                action: "session.opened",
                subject: &account.id.to_string(),
                data: json!({ "device": arrival.device, "address": arrival.from.to_string() }),
            };
            self.0.audit.append(tx, act).await?;
        }
        Ok(Entry::Session(account, issued))
    }

    /// The account, if it may be used, and whether it was to be deleted until now. Only who has
    /// proved that it is theirs learns why not.
    async fn standing_account(
        &self,
        tx: &mut PgConnection,
        arrival: &Arrival<'_>,
    ) -> Result<(Account, bool)> {
        let user = arrival.user;
        let status = store::accounts::status(tx, user).await?;
        let account = store::accounts::get(tx, user).await?;
        let (Some(status), Some(account)) = (status, account) else {
            return Err(Error::Unauthenticated);
        };
        let back = status != Status::Active;
        if back && !self.come_back(tx, arrival, status).await? {
            return Err(Error::forbidden(
                "account_suspended",
                "This account is suspended. Ask the people who run this place.",
            ));
        }
        if account.email_verified_at.is_none() {
            return Err(Error::forbidden(
                "email_unverified",
                "Confirm your e-mail first: open the link in the mail that we sent you.",
            ));
        }
        Ok((account, back))
    }

    /// Whether the operator asks a second factor of this account.
    pub(crate) fn requires_second_factor(&self, account: &Account) -> bool {
        account.staff && self.0.config.staff_second_factor == SecondFactorPolicy::Required
    }

    async fn challenge(
        &self,
        tx: &mut PgConnection,
        arrival: &Arrival<'_>,
        factors: Vec<Factor>,
    ) -> Result<Entry> {
        let (token, now) = (Token::new()?, self.0.clock.now());
        let expires_at = now + CHALLENGE_LIFE;
        let method = arrival.method.text();
        store::factors::insert_challenge(tx, &token.hash, arrival.user, &method, now, expires_at)
            .await?;
        Ok(Entry::SecondFactor(Challenge {
            token: token.text,
            expires_at,
            factors,
        }))
    }

    /// Notes the browser. One that holds no token of this account gets one: never a token
    /// that it brought along, which somebody may have planted there. Answers what the device
    /// cookie is to hold from now on, where that changes.
    async fn greet(
        &self,
        tx: &mut PgConnection,
        arrival: &Arrival<'_>,
        known: Option<DeviceId>,
    ) -> Result<Option<Zeroizing<String>>> {
        let now = self.0.clock.now();
        let (address, network) = (arrival.from.to_string(), arrival.from.network().to_string());
        let remember = arrival.second.is_some_and(|(_, remember)| remember);
        if let Some(id) = known
            && !remember
        {
            store::devices::seen(tx, id, &address, &network, now).await?;
            return Ok(None);
        }
        if let Some(id) = known {
            store::devices::remove(tx, arrival.user, id).await?;
        }
        let seen = store::devices::likeness(tx, arrival.user, arrival.device, &network).await?;
        let token = Token::new()?;
        let new = NewDevice {
            user: arrival.user,
            hash: &token.hash,
            device: arrival.device,
            address: &address,
            network: &network,
            now,
            remembered_until: remember.then(|| now + self.0.config.remember()),
        };
        store::devices::insert(tx, &new).await?;
        if known.is_none() && seen.any && !seen.same {
            let event = SecurityEvent::of(arrival.user, Kind::NewDevice)
                .seen(arrival.from, arrival.device)
                .with(json!({ "network_known": seen.network }));
            self.record(tx, event).await?;
        }
        let others = tokens_of(arrival.cookie).take(SHARING - 1);
        let tokens: Vec<&str> = std::iter::once(token.text.as_str()).chain(others).collect();
        Ok(Some(Zeroizing::new(tokens.join("."))))
    }
}

/// What is stored of the tokens in a device cookie.
pub(crate) fn hashes_of(cookie: Option<&str>) -> Vec<Vec<u8>> {
    tokens_of(cookie).map(secrets::hash).collect()
}

/// The tokens in a device cookie: one for each account that was used in the browser.
fn tokens_of(cookie: Option<&str>) -> impl Iterator<Item = &str> {
    cookie
        .into_iter()
        .flat_map(|cookie| cookie.split('.'))
        .filter(|token| token.len() == 43)
        .take(SHARING)
}

impl Issued {
    /// What the device cookie is to hold, where that changed.
    pub(crate) fn device(&self) -> Option<&str> {
        self.device.as_ref().map(|text| text.as_str())
    }
}
