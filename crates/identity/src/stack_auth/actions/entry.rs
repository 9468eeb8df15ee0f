//! The only way to a session of this face: the same questions as at the first-party door, but for the
//! proof of the address, which the protocol lets come later.

use crate::{
    model::{
        SignedIn, Status,
        entry::{Factor, Method},
        security::{Kind, SecurityEvent},
    },
    secrets::Token,
    stack_auth::{
        StackAuth,
        call::Device,
        fault::Result,
        known::Known,
        model::{CodeKind, User},
        secrets, store,
    },
    store::{self as accounts, devices::NewDevice, sessions::NewSession},
};
use kernel::{
    audit::Act,
    cache,
    id::{SessionId, UserId},
};
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a sign-in waits for its second factor.
const ATTEMPT: time::Duration = time::Duration::minutes(5);

/// What a device is handed.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: Zeroizing<String>,
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
    pub(crate) is_new: bool,
}

impl Tokens {
    /// What a password's sign-in answers.
    pub(crate) fn plain(&self) -> Value {
        json!({
            "access_token": self.access,
            "refresh_token": self.refresh.as_str(),
            "user_id": self.user,
        })
    }

    /// What the other ways answer.
    pub(crate) fn with_newness(&self) -> Value {
        let mut view = self.plain();
        view["is_new_user"] = self.is_new.into();
        view
    }
}

/// Somebody who has proved who they are.
#[derive(Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) user: UserId,
    pub(crate) method: Method,
    pub(crate) device: &'a Device,
    pub(crate) is_new: bool,
    /// The second factor was given too.
    pub(crate) second: Option<Factor>,
}

impl<'a> Arrival<'a> {
    pub(crate) fn new(user: UserId, method: Method, device: &'a Device) -> Self {
        Self {
            user,
            method,
            device,
            is_new: false,
            second: None,
        }
    }
}

/// What a proof opens. The attempt is no failure: what it waits for must be committed.
pub(crate) enum Opened {
    Tokens(Box<Tokens>),
    /// The code that the second factor is to come with.
    Attempt(Zeroizing<String>),
}

impl Opened {
    /// The tokens, or the error that asks for the second factor. After the commit.
    pub(crate) fn tokens(self) -> Result<Tokens, Known> {
        match self {
            Self::Tokens(tokens) => Ok(*tokens),
            Self::Attempt(code) => Err(Known::MultiFactorAuthenticationRequired(code.to_string())),
        }
    }
}

impl StackAuth {
    /// Lets somebody in, in the caller's transaction, or asks for their second factor.
    pub(crate) async fn let_in(
        &self,
        tx: &mut PgConnection,
        arrival: Arrival<'_>,
    ) -> Result<Opened> {
        let user = self.able(tx, arrival.user).await?;
        if user.totp && arrival.second.is_none() && !arrival.method.is_whole() {
            let data = json!({ "method": arrival.method.text(), "is_new_user": arrival.is_new });
            let code = self
                .issue_code(
                    tx,
                    CodeKind::SecondFactor,
                    ATTEMPT,
                    Some(user.id),
                    None,
                    data,
                )
                .await?;
            return Ok(Opened::Attempt(code));
        }
        if !arrival.method.is_whole() && arrival.second.is_none() {
            self.answerable(tx, &user).await?;
        }
        self.notice_device(tx, user.id, arrival.device, json!({}))
            .await?;
        let life = self.inner().config.absolute();
        let method = arrival.method.text();
        let tokens = self
            .open(tx, &user, arrival.device, &method, life, false)
            .await?;
        let event = SecurityEvent::of(user.id, Kind::SignedIn)
            .seen(arrival.device.from, &arrival.device.name)
            .with(json!({
                "method": method,
                "second_factor": arrival.second.map(Factor::text),
                "face": "stack_auth",
            }));
        self.0.record(tx, event).await?;
        self.note_staff(tx, &user, arrival.device).await?;
        Ok(Opened::Tokens(Box::new(Tokens {
            is_new: arrival.is_new,
            ..tokens
        })))
    }

    /// Fails if the operator asks a second factor of somebody who has none that this protocol can ask for: it
    /// knows codes of an app only, so a passkey has to sign in by itself.
    async fn answerable(&self, tx: &mut PgConnection, user: &User) -> Result<()> {
        let account = accounts::accounts::get(tx, user.id).await?;
        let required = account.is_some_and(|account| self.0.requires_second_factor(&account));
        if accounts::factors::of(tx, user.id, required)
            .await?
            .is_empty()
        {
            return Ok(());
        }
        Err(Known::SessionAuthentication(
            "This account asks for a second step. Sign in with your passkey.".to_owned(),
        )
        .into())
    }

    /// Somebody's session goes on as another one: the page that sent its browser away is handed tokens anew. It
    /// ends when the one before would have. After the commit, the caller tells of the one that is over.
    pub(crate) async fn go_on(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        session: SessionId,
        method: &str,
        device: &Device,
    ) -> Result<Tokens> {
        let inner = self.inner();
        let user = self.able(tx, user).await?;
        let now = inner.clock.now();
        let until = store::sessions::expiry(tx, session, user.id)
            .await?
            .filter(|until| *until > now)
            .ok_or(Known::InvalidAuthorizationCode)?;
        let life = (until - now).unsigned_abs();
        let tokens = self.open(tx, &user, device, method, life, false).await?;
        accounts::sessions::end(tx, session, user.id, "replaced", now).await?;
        cache::invalidate(tx, crate::STANDING, session).await?;
        Ok(tokens)
    }

    /// The account, if it may be used. Only who has proved that it is theirs learns why not.
    pub(crate) async fn able(&self, tx: &mut PgConnection, user: UserId) -> Result<User> {
        let user = store::users::get(tx, user)
            .await?
            .ok_or(Known::UserNotFound)?;
        if user.status != Status::Active {
            return Err(Known::RestrictedUserNotAllowed("restricted_by_administrator").into());
        }
        Ok(user)
    }

    /// Opens a session with a refresh token of this face.
    pub(crate) async fn open(
        &self,
        tx: &mut PgConnection,
        user: &User,
        device: &Device,
        method: &str,
        life: Duration,
        impersonation: bool,
    ) -> Result<Tokens> {
        let (now, session) = (self.inner().clock.now(), SessionId::new());
        let new = NewSession {
            id: session,
            user: user.id,
            device: &device.name,
            address: &device.from.to_string(),
            now,
            expires_at: now + life,
            method,
        };
        accounts::sessions::insert(tx, &new).await?;
        let refresh = secrets::token()?;
        let network = device.from.network().to_string();
        store::sessions::insert_refresh(
            tx,
            &secrets::hash(&refresh),
            session,
            impersonation,
            &device.name,
            &network,
        )
        .await?;
        self.inner()
            .events
            .append(tx, Some(user.id), &SignedIn { user: user.id })
            .await?;
        Ok(Tokens {
            access: self.access_token(user, session)?,
            refresh,
            user: user.id,
            session,
            is_new: false,
        })
    }

    /// Has the owner told when the account is used from a device that it never was used from. These
    /// devices keep no cookie of ours: name and network are all there is to know them by.
    pub(crate) async fn notice_device(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        device: &Device,
        mut told: Value,
    ) -> Result<()> {
        let network = device.from.network().to_string();
        let seen = accounts::devices::likeness(tx, user, &device.name, &network).await?;
        if seen.same {
            return Ok(());
        }
        let new = NewDevice {
            user,
            hash: &Token::new()?.hash,
            device: &device.name,
            address: &device.from.to_string(),
            network: &network,
            now: self.inner().clock.now(),
            remembered_until: None,
        };
        accounts::devices::insert(tx, &new).await?;
        if seen.any {
            told["network_known"] = seen.network.into();
            told["face"] = "stack_auth".into();
            let event = SecurityEvent::of(user, Kind::NewDevice)
                .seen(device.from, &device.name)
                .with(told);
            self.0.record(tx, event).await?;
        }
        Ok(())
    }

    async fn note_staff(&self, tx: &mut PgConnection, user: &User, device: &Device) -> Result<()> {
        let account = accounts::accounts::get(tx, user.id).await?;
        if account.is_some_and(|account| account.staff) {
            let act = Act {
                actor: Some(user.id),
                action: "session.opened",
                subject: &user.id.to_string(),
                data: json!({ "device": device.name, "address": device.from.to_string() }),
            };
            self.inner().audit.append(tx, act).await?;
        }
        Ok(())
    }
}
