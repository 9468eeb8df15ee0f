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
use sqlx::{PgConnection, Postgres, Transaction};
use std::time::Duration;
use zeroize::Zeroizing;

const ADD: &str = "passkey.add";
pub(crate) const PROVE: &str = "passkey.prove";
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

/// Where an answer is given, and what it is checked with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Door<'a> {
    pub(crate) passkeys: &'a Passkeys,
    /// The address at which a new key will work; nothing for our own.
    pub(crate) place: Option<&'a str>,
}

impl Identity {
    pub(crate) fn ceremonies(&self) -> Result<&Passkeys> {
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
        self.ask_for_passkey_at(caller, self.ceremonies()?, Token::new()?.text)
            .await
    }

    /// The same, at another door. `token` is what the answer comes back with.
    pub(crate) async fn ask_for_passkey_at(
        &self,
        caller: &Principal,
        passkeys: &Passkeys,
        token: Zeroizing<String>,
    ) -> Result<Ceremony> {
        self.require_recent(caller)?;
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
        let ceremony = self
            .keep(&mut tx, ADD, Some(caller.user), question, token)
            .await?;
        tx.commit().await?;
        Ok(ceremony)
    }

    pub(crate) async fn keep(
        &self,
        tx: &mut PgConnection,
        purpose: &str,
        user: Option<UserId>,
        question: Question,
        token: Zeroizing<String>,
    ) -> Result<Ceremony> {
        let (hash, until) = (secrets::hash(&token), self.0.clock.now() + LIFE);
        store::ceremonies::insert(tx, &hash, purpose, user, &question.state, until).await?;
        Ok(Ceremony {
            token,
            options: question.options,
        })
    }

    /// Uses a question up, for good: whatever becomes of the answer.
    pub(crate) async fn take_ceremony(&self, purpose: &str, token: &str) -> Result<Asked> {
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
        let door = Door {
            passkeys: self.ceremonies()?,
            place: None,
        };
        self.add_passkey_at(caller, door, name, answer, from, device)
            .await
    }

    /// The same, at another door.
    pub(crate) async fn add_passkey_at(
        &self,
        caller: &Principal,
        door: Door<'_>,
        name: &Name,
        answer: PasskeyAnswer,
        from: ClientAddr,
        device: &str,
    ) -> Result<StoredPasskey> {
        self.require_recent(caller)?;
        let asked = self.take_ceremony(ADD, &answer.ceremony).await?;
        if asked.user != Some(caller.user) {
            return Err(refused(&Refused::Wrong("somebody else was asked".into())));
        }
        let key = door
            .passkeys
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
            place: door.place,
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
        self.factors_changed(&mut tx, caller.user, event).await?;
        tx.commit().await?;
        self.forget_standing(caller.user).await?;
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
        self.factors_changed(&mut tx, caller.user, event).await?;
        tx.commit().await?;
        self.forget_standing(caller.user).await?;
        Ok(())
    }

    /// Asks whoever is there for a proof; somebody signed in only for one of their own keys.
    pub async fn ask_for_proof(
        &self,
        caller: Option<&Principal>,
        from: ClientAddr,
    ) -> Result<Ceremony> {
        self.ask_for_proof_at(caller, self.ceremonies()?, Token::new()?.text, from)
            .await
    }

    /// The same, at another door.
    pub(crate) async fn ask_for_proof_at(
        &self,
        caller: Option<&Principal>,
        passkeys: &Passkeys,
        token: Zeroizing<String>,
        from: ClientAddr,
    ) -> Result<Ceremony> {
        let quota = Quota {
            burst: 60,
            every: Duration::from_secs(5),
        };
        let network = format!("passkey:{}", from.network());
        self.0.limits.take(&network, quota).await?;
        let mut tx = self.0.db.begin().await?;
        let user = caller.map(|caller| caller.user);
        let allowed = match user {
            Some(user) => store::passkeys::own_credential_ids(&mut tx, user).await?,
            None => Vec::new(),
        };
        let question = passkeys
            .ask_for_proof(&allowed)
            .context("passkey question")?;
        let ceremony = self.keep(&mut tx, PROVE, user, question, token).await?;
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
        let passkeys = self.ceremonies()?;
        let (mut tx, user) = self
            .let_passkey_prove(passkeys, answer, from, device)
            .await?;
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

    /// Whose passkey answers, in a transaction that notes its use. A refusal is written down.
    pub(crate) async fn let_passkey_prove(
        &self,
        passkeys: &Passkeys,
        answer: PasskeyAnswer,
        from: ClientAddr,
        device: &str,
    ) -> Result<(Transaction<'static, Postgres>, UserId)> {
        let asked = self.take_ceremony(PROVE, &answer.ceremony).await?;
        let mut tx = self.0.db.begin().await?;
        let proved = self
            .prove(&mut tx, passkeys, asked, answer.credential, None)
            .await;
        match proved {
            Ok(user) => Ok((tx, user)),
            Err((owner, why)) => {
                drop(tx);
                self.note_refusal(owner, &why, from, device).await?;
                Err(why)
            }
        }
    }

    /// Whether a passkey of this very user answers: a second factor, or a fresh proof.
    pub async fn proves(&self, user: UserId, answer: PasskeyAnswer) -> Result<()> {
        let passkeys = self.ceremonies()?;
        let asked = self.take_ceremony(PROVE, &answer.ceremony).await?;
        let mut tx = self.0.db.begin().await?;
        self.prove(&mut tx, passkeys, asked, answer.credential, Some(user))
            .await
            .map_err(|(_, why)| why)?;
        tx.commit().await?;
        Ok(())
    }

    /// Checks an answer and notes the key's use; whose key it is. On refusal, whose it would
    /// have been.
    pub(crate) async fn prove(
        &self,
        tx: &mut PgConnection,
        passkeys: &Passkeys,
        asked: Asked,
        credential: Value,
        expected: Option<UserId>,
    ) -> Result<UserId, (Option<UserId>, Error)> {
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

    /// Removes all passkeys of somebody, who is told.
    pub(crate) async fn remove_all_passkeys(
        &self,
        tx: &mut PgConnection,
        user: UserId,
        seen: Option<(ClientAddr, &str)>,
    ) -> Result<()> {
        for name in store::passkeys::delete_all(tx, user).await? {
            let mut event =
                SecurityEvent::of(user, Kind::PasskeyRemoved).with(json!({ "name": name }));
            if let Some((from, device)) = seen {
                event = event.seen(from, device);
            }
            self.factors_changed(tx, user, event).await?;
        }
        Ok(())
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
