//! Mails that let somebody in: asked for without learning whether the address has an account,
//! written by a job, and signing in by what they hold.

use crate::{
    Identity,
    actions::{entry::Arrival, passwords::At},
    jobs::SendRequested,
    model::{
        Email, Status,
        entry::{Entry, Method, RequestId},
        providers::OwnPath,
        security::{Kind, SecurityEvent},
    },
    secrets::{self, Token},
    store::{
        self,
        mailed::{NewRequest, Tried},
    },
};
use aws_lc_rs::constant_time;
use kernel::{
    Error, Result,
    client::ClientAddr,
    id::UserId,
    limits::Quota,
    mail::{Mail, Template},
};
use serde_json::json;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a code or a link to sign in works.
pub(crate) const CODE_LIFE: time::Duration = time::Duration::minutes(10);
/// How often a code may be tried.
const TRIES: i16 = 5;
const SIGN_IN: &str = "sign_in";

/// What a mail is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A link to a new password.
    Reset,
    /// A link and a code to sign in with.
    SignIn,
    /// A code that confirms who somebody is.
    Confirm,
}

impl Purpose {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::SignIn => SIGN_IN,
            Self::Confirm => "confirm",
        }
    }
}

impl Identity {
    /// Notes that a mail is asked for. The same is done, and as slowly, whether the address
    /// has an account or not: the job that follows looks.
    pub(crate) async fn ask_mail(
        &self,
        purpose: Purpose,
        email: &Email,
        browser: Option<&[u8]>,
        from: ClientAddr,
        device: &str,
        next: Option<&OwnPath>,
    ) -> Result<()> {
        let (inner, what) = (&self.0, purpose.text());
        let of = hex::encode(secrets::hash(&email.key));
        let network = from.network();
        let quota = |burst, minutes| Quota {
            burst,
            every: Duration::from_mins(minutes),
        };
        // What is left to a flood of requests is a mail every few minutes.
        for (key, quota) in [
            (format!("mail:{network}"), quota(30, 1)),
            (format!("mail:{what}:{of}:{network}"), quota(4, 5)),
            (format!("mail:{what}:{of}"), quota(8, 10)),
        ] {
            inner.limits.take(&key, quota).await?;
        }
        let (now, id) = (inner.clock.now(), RequestId::new());
        let mut tx = inner.db.begin().await?;
        let request = NewRequest {
            id,
            purpose: what,
            email_key: &email.key,
            browser,
            device,
            address: &from.to_string(),
            next: next.map(OwnPath::as_str),
            now,
            expires_at: now + CODE_LIFE,
        };
        store::mailed::insert(&mut tx, &request).await?;
        let purpose = what.to_owned();
        kernel::jobs::enqueue(&mut tx, SendRequested { id, purpose }).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Asks for a mail to sign in with. Answers what the browser is to keep: the code in the
    /// mail counts only there. The link leads to `next`, if that is a path here.
    pub async fn ask_sign_in(
        &self,
        email: &str,
        next: Option<&str>,
        from: ClientAddr,
        device: &str,
    ) -> Result<Zeroizing<String>> {
        let elsewhere = || Error::field("next", "elsewhere", "This leads to another site.");
        let own = |next| OwnPath::parse(next).ok_or_else(elsewhere);
        let (email, next) = (Email::parse(email)?, next.map(own).transpose()?);
        let (browser, purpose) = (Token::new()?, Purpose::SignIn);
        let hash = Some(browser.hash.as_slice());
        self.ask_mail(purpose, &email, hash, from, device, next.as_ref())
            .await?;
        Ok(browser.text)
    }

    /// Writes what was asked for: a job.
    pub(crate) async fn send_requested(&self, request: RequestId, purpose: &str) -> Result<()> {
        match purpose {
            SIGN_IN => self.send_sign_in(request).await,
            "confirm" => self.send_confirm(request).await,
            _ => self.send_reset(request).await,
        }
    }

    async fn send_sign_in(&self, request: RequestId) -> Result<()> {
        let (inner, now) = (&self.0, self.0.clock.now());
        let mut tx = inner.db.begin().await?;
        let Some(to) = store::mailed::addressee(&mut tx, request, now).await? else {
            return Ok(());
        };
        if to.status != Status::Active {
            return Ok(());
        }
        let (token, code) = (Token::new()?, secrets::digits()?);
        let link = self.link_on("/sign-in/link", to.next.as_deref(), &token.text);
        let mail = Mail {
            cause: format!("sign-in:{request}"),
            to: Email::parse(&to.email)?.address,
            template: Template::SignIn,
            vars: json!({ "name": to.name, "code": *code, "link": link, "device": to.device }),
        };
        if let Some(mail) = inner.mailer.enqueue(&mut tx, &mail).await? {
            let (user, until) = (Some(to.user), now + CODE_LIFE);
            store::tokens::revoke(&mut tx, SIGN_IN, user, now).await?;
            store::tokens::insert(&mut tx, &token.hash, SIGN_IN, user, None, until).await?;
            store::mailed::set_code(&mut tx, request, to.user, &self.mac(request, &code)).await?;
            kernel::jobs::enqueue(&mut tx, kernel::mail::SendMail { mail }).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn send_confirm(&self, request: RequestId) -> Result<()> {
        let (inner, now) = (&self.0, self.0.clock.now());
        let mut tx = inner.db.begin().await?;
        let Some(to) = store::mailed::addressee(&mut tx, request, now).await? else {
            return Ok(());
        };
        let code = secrets::digits()?;
        let mail = Mail {
            cause: format!("confirm:{request}"),
            to: Email::parse(&to.email)?.address,
            template: Template::ConfirmCode,
            vars: json!({ "name": to.name, "code": *code, "device": to.device }),
        };
        if let Some(mail) = inner.mailer.enqueue(&mut tx, &mail).await? {
            store::mailed::set_code(&mut tx, request, to.user, &self.mac(request, &code)).await?;
            kernel::jobs::enqueue(&mut tx, kernel::mail::SendMail { mail }).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Six digits are soon tried through by who has the database: their hash has a key.
    fn mac(&self, request: RequestId, code: &str) -> [u8; 32] {
        let data = [request.0.as_bytes().as_slice(), code.as_bytes()].concat();
        self.0.vault.mac("mailed code", &data)
    }

    /// Counts a try of the code that the browser was promised; whose it is, if it is right.
    pub(crate) async fn check_code(
        &self,
        purpose: Purpose,
        browser: &[u8],
        code: &str,
    ) -> Result<(Tried, Option<UserId>)> {
        let mut db = self.0.db.acquire().await?;
        let now = self.0.clock.now();
        let tried = store::mailed::try_code(&mut db, purpose.text(), browser, TRIES, now)
            .await?
            .ok_or_else(|| {
                Error::conflict(
                    "code_over",
                    "This code is too old, was used, or was tried too often. Ask for a new one.",
                )
            })?;
        let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let mac = self.mac(tried.id, &digits);
        let right = tried
            .code
            .as_ref()
            .is_some_and(|held| constant_time::verify_slices_are_equal(held, &mac).is_ok());
        let user = tried.user.filter(|_| right);
        Ok((tried, user))
    }

    /// Signs in by the code in the mail, in the browser that asked for it.
    pub async fn sign_in_by_code(&self, browser: &str, code: &str, at: At<'_>) -> Result<Entry> {
        let browser = secrets::hash(browser);
        let (tried, user) = self.check_code(Purpose::SignIn, &browser, code).await?;
        let mut tx = self.0.db.begin().await?;
        let Some(user) = user else {
            let event = SecurityEvent {
                kind: Kind::SignInFailed,
                user: tried.user,
                identifier: Some(&tried.email_key),
                from: Some(at.from),
                device: Some(at.device),
                data: json!({ "method": Method::EmailCode.text() }),
            };
            self.record(&mut tx, event).await?;
            tx.commit().await?;
            return Err(code_wrong());
        };
        if !store::mailed::consume(&mut tx, tried.id, self.0.clock.now()).await? {
            return Err(stale_link());
        }
        let entry = self
            .let_in_by_mail(&mut tx, user, Method::EmailCode, at)
            .await?;
        tx.commit().await?;
        Ok(entry)
    }

    /// Whom a link signs in, without using it up: mail scanners open links.
    pub async fn pending_sign_in(&self, token: &str) -> Result<String> {
        let mut db = self.0.db.acquire().await?;
        let hash = secrets::hash(token);
        let pending = store::tokens::peek(&mut db, &hash, SIGN_IN, self.0.clock.now()).await?;
        pending
            .and_then(|pending| pending.email)
            .ok_or_else(stale_link)
    }

    /// Signs in by the link in the mail, in whichever browser it was opened.
    pub async fn sign_in_by_link(&self, token: &str, at: At<'_>) -> Result<Entry> {
        let (hash, now) = (secrets::hash(token), self.0.clock.now());
        let mut tx = self.0.db.begin().await?;
        let pending = store::tokens::peek(&mut tx, &hash, SIGN_IN, now).await?;
        let user = pending
            .and_then(|pending| pending.user)
            .ok_or_else(stale_link)?;
        if !store::tokens::consume(&mut tx, &hash, SIGN_IN, now).await? {
            return Err(stale_link());
        }
        let entry = self
            .let_in_by_mail(&mut tx, user, Method::EmailLink, at)
            .await?;
        tx.commit().await?;
        Ok(entry)
    }

    async fn let_in_by_mail(
        &self,
        tx: &mut sqlx::PgConnection,
        user: UserId,
        method: Method,
        at: At<'_>,
    ) -> Result<Entry> {
        let now = self.0.clock.now();
        // The link and the code of a mail are one: who used one has used both.
        store::tokens::revoke(tx, SIGN_IN, Some(user), now).await?;
        store::mailed::revoke(tx, SIGN_IN, user, now).await?;
        self.mailbox_proved(tx, user).await?;
        let arrival = Arrival {
            user,
            method,
            from: at.from,
            device: at.device,
            cookie: at.cookie,
            second: None,
        };
        self.admit(tx, arrival).await
    }
}

pub(crate) fn stale_link() -> Error {
    Error::conflict(
        "link_stale",
        "This link was used already or is too old. Ask for a new one.",
    )
}

pub(crate) fn code_wrong() -> Error {
    Error::forbidden("code_wrong", "This is not the right code.")
}
