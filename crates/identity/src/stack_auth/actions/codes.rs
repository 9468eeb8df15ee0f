//! Codes: made, looked at, used up. Whether one is unknown, over, used or guessed at too often is told
//! apart, as the protocol wants; none of it can be learnt without the code.

use crate::stack_auth::{
    StackAuth,
    fault::Result,
    known::Known,
    model::{Code, CodeId, CodeKind},
    secrets,
    store::codes::{self as store, NewCode},
};
use kernel::id::UserId;
use serde_json::Value;
use sqlx::PgConnection;
use zeroize::Zeroizing;

/// Wrong attempts after which a mailed code is worth nothing.
const MAILED: i16 = 20;
/// The same of a second factor, whose codes are a million only.
const SECOND_FACTOR: i16 = 5;

const fn most(kind: CodeKind) -> i16 {
    match kind {
        CodeKind::SecondFactor => SECOND_FACTOR,
        _ => MAILED,
    }
}

impl StackAuth {
    /// Makes a code.
    pub(crate) async fn issue_code(
        &self,
        tx: &mut PgConnection,
        kind: CodeKind,
        life: time::Duration,
        user: Option<UserId>,
        email: Option<&str>,
        data: Value,
    ) -> Result<Zeroizing<String>> {
        let (code, now) = (secrets::token()?, self.inner().clock.now());
        let nonce = secrets::hash(&code[secrets::TYPED..]);
        let new = NewCode {
            id: CodeId::new(),
            kind,
            hash: &secrets::hash(&code),
            nonce_hash: Some(&nonce),
            user,
            email,
            data,
            now,
            expires_at: now + life,
        };
        store::insert(tx, new).await?;
        Ok(code)
    }

    /// Looks at a code and locks it; what is wrong with it is told. A wrong one counts against the codes
    /// that share its second part, which the asker's device holds.
    pub(crate) async fn look_at(&self, kind: CodeKind, code: &str) -> Result<Code> {
        let mut tx = self.inner().db.begin().await?;
        let found = self.locked(&mut tx, kind, code).await;
        tx.commit().await?;
        found
    }

    /// The same, in the caller's transaction. A wrong guess is counted in one of its own.
    pub(crate) async fn locked(
        &self,
        tx: &mut PgConnection,
        kind: CodeKind,
        code: &str,
    ) -> Result<Code> {
        let code = code.trim();
        if let Some(found) = store::lock(tx, kind, &secrets::hash(code)).await? {
            self.usable(kind, &found)?;
            return Ok(found);
        }
        if code.len() == secrets::LENGTH && code.is_ascii() {
            let nonce = secrets::hash(&code[secrets::TYPED..]);
            let mut counted = self.inner().db.begin().await?;
            let attempts = store::count_nonce(&mut counted, kind, &nonce).await?;
            counted.commit().await?;
            if attempts.is_some_and(|attempts| attempts > most(kind)) {
                return Err(Known::VerificationCodeMaxAttempts.into());
            }
        }
        Err(Known::VerificationCodeNotFound.into())
    }

    fn usable(&self, kind: CodeKind, code: &Code) -> Result<(), Known> {
        if code.attempts >= most(kind) {
            return Err(Known::VerificationCodeMaxAttempts);
        }
        if code.used_at.is_some() {
            return Err(Known::VerificationCodeAlreadyUsed);
        }
        if code.expires_at <= self.inner().clock.now() {
            return Err(Known::VerificationCodeExpired);
        }
        Ok(())
    }

    /// Uses a code up.
    pub(crate) async fn used(&self, tx: &mut PgConnection, code: &Code) -> Result<()> {
        Ok(store::consume(tx, code.id, self.inner().clock.now()).await?)
    }
}
