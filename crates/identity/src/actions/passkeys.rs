//! Passkeys: adding, naming, removing, and what they prove.
//!
//! A question is kept under the hash of a token that only the asking page knows. It is used up
//! by the first answer, right or wrong, and committed as used before anything is checked.

use crate::{
    Identity,
    actions::entry::Arrival,
    model::{
        Name,
        entry::{Entry, Method},
        passkeys::{PASSKEYS_MOST, PasskeyId, StoredPasskey},
        security::{Kind, SecurityEvent},
    },
    secrets::{self, Token},
    store::{self, ceremonies::Asked, passkeys::NewPasskey},
};
use anyhow::Context;
use kernel::{Error, Principal, Result, client::ClientAddr, id::UserId, limits::Quota};
use passkeys::{Passkey, Passkeys, Question, Refused};
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::time::Duration;
use zeroize::Zeroizing;

const ADD: &str = "passkey.add";
const PROVE: &str = "passkey.prove";
/// A little longer than a browser waits.
const LIFE: time::Duration = time::Duration::minutes(6);

/// A question for an authenticator.
#[derive(Debug)]
pub struct Ceremony {
    /// Comes back with the answer.
    pub token: Zeroizing<String>,
    /// The options of `navigator.credentials`.
    pub options: Value,
}

/// An answer, as a browser sends it.
#[derive(Debug, Clone)]
pub struct PasskeyAnswer {
    /// The question's token.
    pub ceremony: String,
    /// The credential as JSON.
    pub credential: Value,
}

impl Identity {
    fn ceremonies(&self) -> Result<&Passkeys> {
        self.0.passkeys.as_ref().ok_or_else(|| {
            Error::conflict(
                "passkeys_unavailable",
                "Browsers offer passkeys only at an address with a name and https, or at localhost.",
            )
        })
    }

    /// Whether browsers can use passkeys at this place's address.
    pub fn passkeys_available(&self) -> bool {
        self.0.passkeys.is_some()
    }

    /// The caller's passkeys, the first made first.
    pub async fn passkeys(&self, caller: &Principal) -> Result<Vec<StoredPasskey>> {
        let mut db = self.0.db.acquire().await?;
        Ok(store::passkeys::list(&mut db, caller.user).await?)
    }

    /// Asks the caller's browser for a new passkey.
    pub async fn ask_for_passkey(&self, caller: &Principal) -> Result<Ceremony> {
        self.require_recent(caller)?;
        let passkeys = self.ceremonies()?;
        let mut tx = self.0.db.begin().await?;
        let account = store::accounts::get(&mut tx, caller.user)
            .await?
            .ok_or(Error::Unauthenticated)?;
        let known = store::passkeys::credential_ids(&mut tx, caller.user).await?;
        if known.len() >= PASSKEYS_MOST {
            return Err(Error::conflict(
                "too_many_passkeys",
                format!("An account has at most {PASSKEYS_MOST} passkeys. Remove one first."),
            ));
        }
        let name = account.display_name.as_deref().unwrap_or(&account.name);
        let question = passkeys
            .ask_for_new(caller.user.0, &account.email, name, known)
            .context("passkey question")?;
        let ceremony = self.keep(&mut tx, ADD, Some(caller.user), question).await?;
        tx.commit().await?;
        Ok(ceremony)
    }

    async fn keep(
        &self,
        tx: &mut PgConnection,
        purpose: &str,
        user: Option<UserId>,
        question: Question,
    ) -> Result<Ceremony> {
        let (token, until) = (Token::new()?, self.0.clock.now() + LIFE);
        store::ceremonies::insert(tx, &token.hash, purpose, user, &question.state, until).await?;
        Ok(Ceremony {
            token: token.text,
            options: question.options,
        })
    }

    /// Uses a question up, for good: whatever becomes of the answer.
    async fn take_ceremony(&self, purpose: &str, token: &str) -> Result<Asked> {
        let mut db = self.0.db.acquire().await?;
        let (hash, now) = (secrets::hash(token), self.0.clock.now());
        store::ceremonies::take(&mut db, &hash, purpose, now)
            .await?
            .ok_or_else(|| {
                Error::conflict(
                    "ceremony_stale",
                    "This took too long, or was answered already. Try again.",
                )
            })
    }

    /// Takes the caller's new passkey.
    pub async fn add_passkey(
        &self,
        caller: &Principal,
        name: &Name,
        answer: PasskeyAnswer,
        from: ClientAddr,
        device: &str,
    ) -> Result<StoredPasskey> {
        self.require_recent(caller)?;
        let passkeys = self.ceremonies()?;
        let asked = self.take_ceremony(ADD, &answer.ceremony).await?;
        if asked.user != Some(caller.user) {
            return Err(refused(&Refused::Wrong("somebody else was asked".into())));
        }
        let key = passkeys
            .take_new(answer.credential, asked.state)
            .map_err(|why| refused(&why))?;
        let (id, now) = (PasskeyId::new(), self.0.clock.now());
        let credential = serde_json::to_value(&key).context("passkey")?;
        let mut tx = self.0.db.begin().await?;
        let new = NewPasskey {
            id,
            user: caller.user,
            credential_id: key.id(),
            name,
            credential: &credential,
            synced: key.synced(),
            now,
        };
        if !store::passkeys::insert(&mut tx, &new).await? {
            return Err(Error::conflict(
                "passkey_taken",
                "This passkey belongs to an account already.",
            ));
        }
        let event = SecurityEvent::of(caller.user, Kind::PasskeyAdded)
            .seen(from, device)
            .with(json!({ "name": name.as_str() }));
        self.record(&mut tx, event).await?;
        tx.commit().await?;
        Ok(StoredPasskey {
            id,
            name: name.as_str().to_owned(),
            synced: key.synced(),
            created_at: now,
            last_used_at: None,
        })
    }

    /// Names one of the caller's passkeys otherwise.
    pub async fn rename_passkey(
        &self,
        caller: &Principal,
        id: PasskeyId,
        name: &Name,
    ) -> Result<StoredPasskey> {
        let mut db = self.0.db.acquire().await?;
        store::passkeys::rename(&mut db, caller.user, id, name)
            .await?
            .ok_or(Error::NotFound("passkey"))
    }

    /// Removes one of the caller's passkeys, unless it is their only way in.
    pub async fn remove_passkey(
        &self,
        caller: &Principal,
        id: PasskeyId,
        from: ClientAddr,
        device: &str,
    ) -> Result<()> {
        self.require_recent(caller)?;
        let mut tx = self.0.db.begin().await?;
        let name = store::passkeys::delete(&mut tx, caller.user, id)
            .await?
            .ok_or(Error::NotFound("passkey"))?;
        self.require_way_in(&mut tx, caller.user).await?;
        let event = SecurityEvent::of(caller.user, Kind::PasskeyRemoved)
            .seen(from, device)
            .with(json!({ "name": name }));
        self.record(&mut tx, event).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Asks whoever is there for a proof; somebody signed in only for one of their own keys.
    pub async fn ask_for_proof(
        &self,
        caller: Option<&Principal>,
        from: ClientAddr,
    ) -> Result<Ceremony> {
        let passkeys = self.ceremonies()?;
        let quota = Quota {
            burst: 60,
            every: Duration::from_secs(5),
        };
        let network = format!("passkey:{}", from.network());
        self.0.limits.take(&network, quota).await?;
        let mut tx = self.0.db.begin().await?;
        let user = caller.map(|caller| caller.user);
        let allowed = match user {
            Some(user) => store::passkeys::credential_ids(&mut tx, user).await?,
            None => Vec::new(),
        };
        let question = passkeys
            .ask_for_proof(&allowed)
            .context("passkey question")?;
        let ceremony = self.keep(&mut tx, PROVE, user, question).await?;
        tx.commit().await?;
        Ok(ceremony)
    }

    /// Signs in with a passkey: whoever's it is.
    pub async fn sign_in_with_passkey(
        &self,
        answer: PasskeyAnswer,
        from: ClientAddr,
        device: &str,
        remembered: Option<&str>,
    ) -> Result<Entry> {
        let asked = self.take_ceremony(PROVE, &answer.ceremony).await?;
        let mut tx = self.0.db.begin().await?;
        let user = match self.prove(&mut tx, asked, answer.credential, None).await {
            Ok(user) => user,
            Err((owner, why)) => {
                drop(tx);
                self.note_refusal(owner, &why, from, device).await?;
                return Err(why);
            }
        };
        let arrival = Arrival {
            user,
            method: Method::Passkey,
            from,
            device,
            cookie: remembered,
            second: None,
        };
        let entry = self.admit(&mut tx, arrival).await?;
        tx.commit().await?;
        Ok(entry)
    }

    /// Whether a passkey of this very user answers: a second factor, or a fresh proof.
    pub async fn proves(&self, user: UserId, answer: PasskeyAnswer) -> Result<()> {
        let asked = self.take_ceremony(PROVE, &answer.ceremony).await?;
        let mut tx = self.0.db.begin().await?;
        self.prove(&mut tx, asked, answer.credential, Some(user))
            .await
            .map_err(|(_, why)| why)?;
        tx.commit().await?;
        Ok(())
    }

    /// Checks an answer and notes the key's use; whose key it is. On refusal, whose it would
    /// have been.
    async fn prove(
        &self,
        tx: &mut PgConnection,
        asked: Asked,
        credential: Value,
        expected: Option<UserId>,
    ) -> Result<UserId, (Option<UserId>, Error)> {
        let passkeys = self.ceremonies().map_err(|why| (None, why))?;
        let claim = passkeys
            .claim(&credential)
            .map_err(|why| (None, refused(&why)))?;
        let held = store::passkeys::lock(tx, &claim.key)
            .await
            .map_err(|error| (None, error.into()))?
            .ok_or_else(|| (None, unknown_key()))?;
        let failed = |why: Error| (Some(held.user), why);
        let own = held.user.0 == claim.user;
        if !own
            || expected.is_some_and(|user| user != held.user)
            || asked.user.is_some_and(|user| user != held.user)
        {
            return Err(failed(foreign_key()));
        }
        let mut key: Passkey = serde_json::from_value(held.credential)
            .context("a stored passkey")
            .map_err(|error| failed(error.into()))?;
        let proof = passkeys
            .check(credential, asked.state, &key)
            .map_err(|why| failed(refused(&why)))?;
        proof.note(&mut key);
        let stored = serde_json::to_value(&key)
            .context("passkey")
            .map_err(|error| failed(error.into()))?;
        let now = self.0.clock.now();
        store::passkeys::used(tx, held.id, &stored, key.synced(), now)
            .await
            .map_err(|error| failed(error.into()))?;
        Ok(held.user)
    }

    async fn note_refusal(
        &self,
        owner: Option<UserId>,
        why: &Error,
        from: ClientAddr,
        device: &str,
    ) -> Result<()> {
        let code = match why {
            Error::Forbidden { code, .. } => *code,
            Error::Invalid(_) => "unreadable",
            _ => return Ok(()),
        };
        let event = SecurityEvent {
            kind: Kind::SignInFailed,
            user: owner,
            identifier: None,
            from: Some(from),
            device: Some(device),
            data: json!({ "method": "passkey", "reason": code }),
        };
        let mut tx = self.0.db.begin().await?;
        self.record(&mut tx, event).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Fails if what the transaction has taken away was the last way to sign in.
    pub(crate) async fn require_way_in(&self, tx: &mut PgConnection, user: UserId) -> Result<()> {
        let providers = self.0.providers.names();
        if store::providers::has_way_in(tx, user, &providers).await? {
            return Ok(());
        }
        Err(Error::conflict(
            "last_way_in",
            "This is your only way to sign in. Set a password or add another way first.",
        ))
    }
}

fn refused(why: &Refused) -> Error {
    match why {
        Refused::Unreadable => Error::field(
            "credential",
            "invalid",
            "This is not the answer of a passkey.",
        ),
        Refused::Copied => Error::forbidden(
            "passkey_copied",
            "This passkey's counter went back, as if there were two of it. Sign in another way and replace it.",
        ),
        Refused::Wrong(why) => {
            tracing::info!(%why, "a passkey's answer was refused");
            Error::forbidden(
                "passkey_refused",
                "This passkey's answer does not fit. Try again, or sign in another way.",
            )
        }
    }
}

fn unknown_key() -> Error {
    Error::forbidden(
        "passkey_unknown",
        "This passkey is not known here; it may have been removed. Sign in another way.",
    )
}

fn foreign_key() -> Error {
    Error::forbidden(
        "passkey_foreign",
        "This passkey belongs to another account. Choose one of yours.",
    )
}
