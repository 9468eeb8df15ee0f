//! Second factors: an authenticator app, recovery codes, and the browsers that may stand in
//! for them.

use crate::{
    Identity, STANDING,
    actions::{entry::Arrival, mailed::code_wrong, passwords::At},
    model::{
        Account,
        entry::{Entry, Factor, Method},
        factors::{DeviceId, Enrolment, RecoveryCodes, Security, recovery_key},
        security::{Kind, SecurityEvent},
    },
    secrets, store, totp,
};
use kernel::{Error, Principal, Result, cache, id::UserId, limits::Quota, vault::Context};
use serde_json::json;
use sqlx::PgConnection;
use std::time::Duration;

use super::sessions::Issued;

/// Recovery codes that are made at once.
const CODES: usize = 10;
/// How often a waiting sign-in may be answered.
pub(crate) const TRIES: i16 = 5;

impl Identity {
    /// How the caller's account is kept safe.
    pub async fn security(&self, caller: &Principal, cookie: Option<&str>) -> Result<Security> {
        let hashes = super::entry::hashes_of(cookie);
        let mut db = self.0.db.acquire().await?;
        let now = self.0.clock.now();
        let user = caller.user;
        Ok(Security {
            password_changed_at: store::passwords::get(&mut db, user)
                .await?
                .map(|held| held.changed_at),
            totp_since: store::factors::totp_since(&mut db, user).await?,
            recovery_codes_left: store::factors::recovery_left(&mut db, user).await?,
            second_factor_due: caller.second_factor_due,
            remembered: store::devices::remembered(&mut db, user, &hashes, now).await?,
        })
    }

    /// Makes a secret for an authenticator app. It counts once a code of it was shown.
    pub async fn enrol_totp(&self, caller: &Principal) -> Result<Enrolment> {
        self.require_recent(caller)?;
        let account = self.me(caller).await?;
        let secret = totp::secret()?;
        let sealed = self.0.vault.seal(place(&caller.user), &secret)?;
        let enrolment = totp::enrolment(&secret, &self.0.product, &account.email)?;
        let mut db = self.0.db.acquire().await?;
        let now = self.0.clock.now();
        if !store::factors::start_totp(&mut db, caller.user, &sealed, now).await? {
            return Err(Error::conflict(
                "totp_present",
                "An authenticator app is set up already. Remove it first.",
            ));
        }
        Ok(enrolment)
    }

    /// Makes the app count, once its code is right. The first factor comes with recovery codes.
    pub async fn confirm_totp(
        &self,
        caller: &Principal,
        code: &str,
        at: At<'_>,
    ) -> Result<Option<RecoveryCodes>> {
        let user = caller.user;
        self.slow_down("totp-enrol", user).await?;
        let mut tx = self.0.db.begin().await?;
        if !self.totp_is_right(&mut tx, user, code, false).await? {
            return Err(Error::field(
                "code",
                "wrong",
                "This is not the code that the app shows now. Look whether its clock is right.",
            ));
        }
        let now = self.0.clock.now();
        if !store::factors::confirm_totp(&mut tx, user, now).await? {
            return Err(Error::conflict(
                "totp_present",
                "An authenticator app is set up already.",
            ));
        }
        let codes = if store::factors::recovery_left(&mut tx, user).await? == 0 {
            Some(self.make_codes(&mut tx, user).await?)
        } else {
            None
        };
        let event = SecurityEvent::of(user, Kind::SecondFactorAdded)
            .seen(at.from, at.device)
            .with(json!({ "factor": Factor::Totp.text() }));
        self.factors_changed(&mut tx, user, event).await?;
        tx.commit().await?;
        self.forget_standing(user).await?;
        Ok(codes)
    }

    /// Takes the app away, and the recovery codes with the last factor.
    pub async fn remove_totp(&self, caller: &Principal, at: At<'_>) -> Result<()> {
        self.require_recent(caller)?;
        let user = caller.user;
        let account = self.me(caller).await?;
        let required = self.requires_second_factor(&account);
        let mut tx = self.0.db.begin().await?;
        if !store::factors::remove_totp(&mut tx, user).await? {
            return Err(Error::NotFound("authenticator app"));
        }
        if store::factors::of(&mut tx, user, required)
            .await?
            .is_empty()
        {
            store::factors::clear_recovery(&mut tx, user).await?;
            store::devices::stop_remembering(&mut tx, user, &[]).await?;
        }
        let event = SecurityEvent::of(user, Kind::SecondFactorRemoved)
            .seen(at.from, at.device)
            .with(json!({ "factor": Factor::Totp.text() }));
        self.factors_changed(&mut tx, user, event).await?;
        tx.commit().await?;
        self.forget_standing(user).await?;
        Ok(())
    }

    /// Makes recovery codes anew; those before are worth nothing.
    pub async fn renew_codes(&self, caller: &Principal) -> Result<RecoveryCodes> {
        self.require_recent(caller)?;
        let account = self.me(caller).await?;
        let required = self.requires_second_factor(&account);
        let mut tx = self.0.db.begin().await?;
        if store::factors::of(&mut tx, caller.user, required)
            .await?
            .is_empty()
        {
            return Err(Error::conflict(
                "no_second_factor",
                "Set up two-step verification first.",
            ));
        }
        let codes = self.make_codes(&mut tx, caller.user).await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// Asks for the second factor again on a browser that stood in for it.
    pub async fn forget_device(&self, caller: &Principal, device: DeviceId) -> Result<()> {
        let mut db = self.0.db.acquire().await?;
        if store::devices::remove(&mut db, caller.user, device).await? {
            return Ok(());
        }
        Err(Error::NotFound("device"))
    }

    /// Answers for a sign-in that waits, and opens the session.
    pub async fn answer(
        &self,
        challenge: &str,
        factor: Factor,
        code: &str,
        remember: bool,
        at: At<'_>,
    ) -> Result<(Account, Issued)> {
        let hash = secrets::hash(challenge);
        let (user, method) = self.try_challenge(&hash).await?;
        let quota = Quota {
            burst: 10,
            every: Duration::from_mins(1),
        };
        let key = format!("second-factor:{user}:{}", at.from.network());
        self.0.limits.take(&key, quota).await?;
        let mut tx = self.0.db.begin().await?;
        let right = match factor {
            Factor::Totp => self.totp_is_right(&mut tx, user, code, true).await?,
            Factor::RecoveryCode => self.use_code(&mut tx, user, code, at).await?,
            Factor::Passkey => false,
        };
        if !right {
            let event = SecurityEvent::of(user, Kind::SecondFactorFailed)
                .seen(at.from, at.device)
                .with(json!({ "factor": factor.text() }));
            self.record(&mut tx, event).await?;
            tx.commit().await?;
            return Err(code_wrong());
        }
        let let_in = self
            .answered(&mut tx, &hash, (user, method), (factor, remember), at)
            .await?;
        tx.commit().await?;
        self.0.limits.reset(&key).await?;
        Ok(let_in)
    }

    /// Counts a try at a sign-in that waits; whose it is, and how it began.
    pub(crate) async fn try_challenge(&self, hash: &[u8]) -> Result<(UserId, Method)> {
        let mut db = self.0.db.acquire().await?;
        let now = self.0.clock.now();
        let tried = store::factors::try_challenge(&mut db, hash, TRIES, now).await?;
        tried
            .and_then(|(user, method)| Some((user, Method::parse(&method)?)))
            .ok_or_else(challenge_over)
    }

    /// Opens the session of a sign-in whose second factor was right, in the caller's
    /// transaction: the sign-in is used up.
    pub(crate) async fn answered(
        &self,
        tx: &mut PgConnection,
        hash: &[u8],
        (user, method): (UserId, Method),
        second: (Factor, bool),
        at: At<'_>,
    ) -> Result<(Account, Issued)> {
        if !store::factors::consume_challenge(tx, hash, self.0.clock.now()).await? {
            return Err(challenge_over());
        }
        let arrival = Arrival {
            user,
            method,
            from: at.from,
            device: at.device,
            cookie: at.cookie,
            second: Some(second),
        };
        match self.admit(tx, arrival).await? {
            Entry::Session(account, issued) => Ok((account, issued)),
            Entry::SecondFactor(_) => Err(challenge_over()),
        }
    }

    /// Whether a code of the account's app is right. No code is taken twice.
    pub(crate) async fn totp_is_right(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        code: &str,
        confirmed: bool,
    ) -> Result<bool> {
        let Some(sealed) = store::factors::totp_secret(tx, user, confirmed).await? else {
            return Ok(false);
        };
        let secret = self.0.vault.open(place(&user), &sealed)?;
        match totp::step_of(&secret, code, self.0.clock.now())? {
            Some(step) => Ok(store::factors::take_step(tx, user, step).await?),
            None => Ok(false),
        }
    }

    async fn use_code(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        code: &str,
        at: At<'_>,
    ) -> Result<bool> {
        let hash = self.code_hash(user, &recovery_key(code));
        let now = self.0.clock.now();
        if !store::factors::use_recovery(tx, user, &hash, now).await? {
            return Ok(false);
        }
        let left = store::factors::recovery_left(tx, user).await?;
        let event = SecurityEvent::of(user, Kind::RecoveryCodeUsed)
            .seen(at.from, at.device)
            .with(json!({ "left": left }));
        self.record(tx, event).await?;
        Ok(true)
    }

    /// Recovery codes, new: kept as keyed hashes, shown this once.
    pub(crate) async fn make_codes(
        &self,
        tx: &mut PgConnection,
        user: UserId,
    ) -> Result<RecoveryCodes> {
        let codes = RecoveryCodes::new(CODES)?;
        store::factors::clear_recovery(tx, user).await?;
        let now = self.0.clock.now();
        for code in codes.iter() {
            let hash = self.code_hash(user, &recovery_key(code));
            store::factors::insert_recovery(tx, user, &hash, now).await?;
        }
        Ok(codes)
    }

    fn code_hash(&self, user: UserId, key: &str) -> [u8; 32] {
        let data = [user.0.as_bytes().as_slice(), key.as_bytes()].concat();
        self.0.vault.mac("recovery code", &data)
    }

    /// Records a change of somebody's factors, which may give back or hold back their rights.
    pub(crate) async fn factors_changed(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        event: SecurityEvent<'_>,
    ) -> Result<()> {
        self.record(tx, event).await?;
        for session in store::sessions::standing_of(tx, user).await? {
            cache::invalidate(tx, STANDING, session).await?;
        }
        Ok(())
    }

    /// After the commit: this node asks anew what somebody's sessions may do.
    pub(crate) async fn forget_standing(&self, user: UserId) -> Result<()> {
        let sessions = {
            let mut db = self.0.db.acquire().await?;
            store::sessions::standing_of(&mut db, user).await?
        };
        for session in sessions {
            self.0.standing.forget(&session);
        }
        Ok(())
    }

    /// So many tries and no more, for what a signed-in person types.
    pub(crate) async fn slow_down(&self, what: &str, user: UserId) -> Result<()> {
        let quota = Quota {
            burst: 10,
            every: Duration::from_mins(1),
        };
        self.0.limits.take(&format!("{what}:{user}"), quota).await
    }
}

/// Where a sealed secret belongs.
pub(crate) fn place(user: &UserId) -> Context<'_> {
    Context {
        table: "identity.totp",
        column: "secret_sealed",
        row: user.0.as_bytes(),
    }
}

pub(crate) fn challenge_over() -> Error {
    Error::conflict(
        "challenge_over",
        "This sign-in has waited too long, or was tried too often. Sign in again.",
    )
}
