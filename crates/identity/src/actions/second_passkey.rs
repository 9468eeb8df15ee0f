//! A passkey as the second factor of a sign-in that waits: one of the keys of whoever waits, and
//! nobody else's.

use super::{
    factors::{TRIES, challenge_over},
    passkeys::{Ceremony, PROVE, PasskeyAnswer},
    passwords::At,
    sessions::Issued,
};
use crate::{
    Identity,
    model::{
        Account,
        entry::Factor,
        security::{Kind, SecurityEvent},
    },
    secrets::{self, Token},
    store,
};
use anyhow::Context;
use kernel::{Error, Result, client::ClientAddr, limits::Quota};
use serde_json::json;
use std::time::Duration;

impl Identity {
    /// Asks for one of the keys of whoever waits at the door.
    pub async fn ask_second_passkey(&self, challenge: &str, from: ClientAddr) -> Result<Ceremony> {
        let passkeys = self.ceremonies()?;
        let quota = Quota {
            burst: 60,
            every: Duration::from_secs(5),
        };
        let network = format!("passkey:{}", from.network());
        self.0.limits.take(&network, quota).await?;
        let (hash, now) = (secrets::hash(challenge), self.0.clock.now());
        let mut tx = self.0.db.begin().await?;
        let user = store::factors::waiting(&mut tx, &hash, TRIES, now)
            .await?
            .ok_or_else(challenge_over)?;
        let allowed = store::passkeys::own_credential_ids(&mut tx, user).await?;
        if allowed.is_empty() {
            return Err(Error::conflict(
                "no_passkey",
                "This account has no passkey. Answer in another way.",
            ));
        }
        let question = passkeys
            .ask_for_proof(&allowed)
            .context("passkey question")?;
        let token = Token::new()?.text;
        let ceremony = self
            .keep(&mut tx, PROVE, Some(user), question, token)
            .await?;
        tx.commit().await?;
        Ok(ceremony)
    }

    /// Answers for a sign-in that waits by a passkey, and opens the session.
    pub async fn answer_with_passkey(
        &self,
        challenge: &str,
        answer: PasskeyAnswer,
        remember: bool,
        at: At<'_>,
    ) -> Result<(Account, Issued)> {
        let passkeys = self.ceremonies()?;
        let hash = secrets::hash(challenge);
        let (user, method) = self.try_challenge(&hash).await?;
        let asked = self.take_ceremony(PROVE, &answer.ceremony).await?;
        let mut tx = self.0.db.begin().await?;
        let proved = self
            .prove(&mut tx, passkeys, asked, answer.credential, Some(user))
            .await;
        if let Err((_, why)) = proved {
            drop(tx);
            let event = SecurityEvent::of(user, Kind::SecondFactorFailed)
                .seen(at.from, at.device)
                .with(json!({ "factor": Factor::Passkey.text() }));
            let mut tx = self.0.db.begin().await?;
            self.record(&mut tx, event).await?;
            tx.commit().await?;
            return Err(why);
        }
        let second = (Factor::Passkey, remember);
        let let_in = self
            .answered(&mut tx, &hash, (user, method), second, at)
            .await?;
        tx.commit().await?;
        Ok(let_in)
    }
}
