//! The ceremony of passkeys (WebAuthn Level 3), and nothing else: it makes the questions that
//! a browser puts to an authenticator and checks the answers.
//!
//! It knows no account, no session and no database. What has to be remembered between a
//! question and its answer is handed out as a value; whoever calls keeps it on the server, for
//! a short time and for one answer. A crate of its own, because its library brings some sixty
//! others that nothing else here needs.
//!
//! Every passkey here is discoverable (one can sign in without saying who one is) and verifies
//! its owner (a fingerprint, a face, a PIN): it is two factors at once. It refuses attestation:
//! which make of authenticator somebody uses is their own affair.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use url::{Host, Url};
use uuid::Uuid;
use webauthn_rs::{
    Webauthn, WebauthnBuilder,
    prelude::{
        AuthenticationResult, CreationChallengeResponse, DiscoverableAuthentication,
        DiscoverableKey, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential,
        WebauthnError,
    },
};
use webauthn_rs_proto::ResidentKeyRequirement;

/// How long a browser waits for its owner.
pub const PATIENCE: Duration = Duration::from_mins(5);

/// Why an answer is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It is not what a browser sends.
    #[error("this is not the answer of an authenticator")]
    Unreadable,
    /// The counter did not move on: there may be two of this key.
    #[error("the authenticator's counter went back")]
    Copied,
    /// Another challenge, another origin, a wrong signature, nobody verified.
    #[error("not accepted: {0}")]
    Wrong(String),
}

impl From<WebauthnError> for Refused {
    fn from(error: WebauthnError) -> Self {
        match error {
            WebauthnError::CredentialPossibleCompromise => Self::Copied,
            other => Self::Wrong(other.to_string()),
        }
    }
}

/// Makes questions for one place, and checks the answers.
#[derive(Debug, Clone)]
pub struct Passkeys(Arc<Webauthn>);

/// A question, and what is to be remembered until it is answered.
#[derive(Debug, Clone)]
pub struct Question {
    /// For the browser: the options of `navigator.credentials`, bytes as base64url.
    pub options: Value,
    /// For the server alone.
    pub state: Value,
}

/// A key, as it is kept: the public half, the counter, the flags. Nothing in it is secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Passkey(webauthn_rs::prelude::Passkey);

impl Passkey {
    /// Its id, unique in the world.
    pub fn id(&self) -> &[u8] {
        self.0.cred_id()
    }

    /// Whether its owner's devices share it.
    pub fn synced(&self) -> bool {
        // The library keeps the flags to itself, and keeps them in what it stores.
        let stored = serde_json::to_value(&self.0).unwrap_or_default();
        stored["cred"]["backup_state"].as_bool().unwrap_or(false)
    }
}

/// Who says that they answer, before it is checked.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Whose key it is, says the authenticator.
    pub user: Uuid,
    /// Which key.
    pub key: Vec<u8>,
}

/// A checked answer.
#[derive(Debug)]
pub struct Proof {
    result: AuthenticationResult,
}

impl Proof {
    /// Notes counter and flags on the key; whether anything changed.
    pub fn note(&self, key: &mut Passkey) -> bool {
        key.0.update_credential(&self.result).unwrap_or(false)
    }
}

impl Passkeys {
    /// Passkeys for whoever opens this address; nothing where browsers have none, which is
    /// at an address without a name, and without TLS except on `localhost`.
    pub fn at(public_url: &Url, name: &str) -> Option<Self> {
        let Host::Domain(domain) = public_url.host()? else {
            return None;
        };
        if public_url.scheme() != "https" && domain != "localhost" {
            return None;
        }
        let webauthn = WebauthnBuilder::new(domain, public_url)
            .ok()?
            .rp_name(name)
            .timeout(PATIENCE)
            .build()
            .ok()?;
        Some(Self(Arc::new(webauthn)))
    }

    /// Asks for a new key. `known` are the ids of keys that its owner has here already.
    pub fn ask_for_new(
        &self,
        user: Uuid,
        email: &str,
        name: &str,
        known: Vec<Vec<u8>>,
    ) -> Result<Question, Refused> {
        let (mut challenge, state) =
            self.0
                .start_passkey_registration(user, email, name, Some(known))?;
        discoverable(&mut challenge);
        Ok(Question {
            options: options(&challenge)?,
            state: value(&state)?,
        })
    }

    /// Takes a new key.
    pub fn take_new(&self, answer: Value, state: Value) -> Result<Passkey, Refused> {
        let answer: RegisterPublicKeyCredential = read(answer)?;
        let state: PasskeyRegistration = read(state)?;
        Ok(Passkey(
            self.0.finish_passkey_registration(&answer, &state)?,
        ))
    }

    /// Asks for a proof. With `allowed`, only by one of these keys.
    pub fn ask_for_proof(&self, allowed: &[Vec<u8>]) -> Result<Question, Refused> {
        let (challenge, state) = self.0.start_discoverable_authentication()?;
        let mut options = options(&challenge)?;
        // A narrower choice for its owner; who may answer is decided by whose key it is.
        if let Some(options) = options.as_object_mut()
            && !allowed.is_empty()
        {
            let allowed: Vec<Value> = allowed
                .iter()
                .map(|id| {
                    serde_json::json!({ "type": "public-key", "id": URL_SAFE_NO_PAD.encode(id) })
                })
                .collect();
            options.insert("allowCredentials".to_owned(), allowed.into());
        }
        Ok(Question {
            options,
            state: value(&state)?,
        })
    }

    /// Whose key answers, by its own word.
    pub fn claim(&self, answer: &Value) -> Result<Claim, Refused> {
        let answer: PublicKeyCredential = read(answer.clone())?;
        let (user, key) = self
            .0
            .identify_discoverable_authentication(&answer)
            .map_err(|_| Refused::Unreadable)?;
        Ok(Claim {
            user,
            key: key.to_vec(),
        })
    }

    /// Checks a proof against the key that it claims.
    pub fn check(&self, answer: Value, state: Value, key: &Passkey) -> Result<Proof, Refused> {
        let answer: PublicKeyCredential = read(answer)?;
        let state: DiscoverableAuthentication = read(state)?;
        let key = DiscoverableKey::from(&key.0);
        let result = self
            .0
            .finish_discoverable_authentication_v2(&answer, state, &key)?;
        Ok(Proof { result })
    }
}

/// At which address an answer was given, by the browser's own word. Whoever asks has to know that address, and
/// [`Passkeys::at`] it is what checks the answer: a browser signs what it says here.
pub fn origin(answer: &Value) -> Result<Url, Refused> {
    let data = answer["response"]["clientDataJSON"]
        .as_str()
        .and_then(|text| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok())
        .ok_or(Refused::Unreadable)?;
    let data: Value = serde_json::from_slice(&data).map_err(|_| Refused::Unreadable)?;
    data["origin"]
        .as_str()
        .and_then(|text| Url::parse(text).ok())
        .ok_or(Refused::Unreadable)
}

/// The library leaves it open whether a key can be found without a name. Ours can.
fn discoverable(challenge: &mut CreationChallengeResponse) {
    let mut selection = challenge
        .public_key
        .authenticator_selection
        .take()
        .unwrap_or_default();
    selection.resident_key = Some(ResidentKeyRequirement::Required);
    selection.require_resident_key = true;
    challenge.public_key.authenticator_selection = Some(selection);
}

/// What `navigator.credentials` takes; how it is asked for is the page's choice.
fn options(challenge: &impl Serialize) -> Result<Value, Refused> {
    let mut whole = value(challenge)?;
    Ok(whole["publicKey"].take())
}

fn value(of: &impl Serialize) -> Result<Value, Refused> {
    serde_json::to_value(of).map_err(|error| Refused::Wrong(error.to_string()))
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, Refused> {
    serde_json::from_value(value).map_err(|_| Refused::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> Option<Passkeys> {
        Passkeys::at(&url.parse().unwrap(), "Portico")
    }

    #[test]
    fn only_addresses_where_browsers_have_passkeys_offer_them() {
        assert!(at("https://portico.example.org/").is_some());
        assert!(at("http://localhost:8080/").is_some());
        assert!(at("http://127.0.0.1:8080/").is_none());
        assert!(at("https://[::1]/").is_none());
        assert!(at("http://portico.example.org/").is_none());
    }

    #[test]
    fn a_new_key_is_discoverable_verifies_its_owner_and_is_not_one_they_have() {
        let passkeys = at("http://localhost:8080/").unwrap();
        let known = vec![vec![1, 2, 3]];
        let asked = passkeys
            .ask_for_new(Uuid::nil(), "ada@example.org", "Ada", known)
            .unwrap();
        let selection = &asked.options["authenticatorSelection"];
        assert_eq!(selection["residentKey"], "required");
        assert_eq!(selection["userVerification"], "required");
        assert_eq!(asked.options["rp"]["id"], "localhost");
        assert_eq!(asked.options["attestation"], "none");
        assert_eq!(asked.options["excludeCredentials"][0]["id"], "AQID");
    }

    #[test]
    fn a_proof_is_asked_for_from_whom_it_may_come() {
        let passkeys = at("http://localhost:8080/").unwrap();
        let anybody = passkeys.ask_for_proof(&[]).unwrap();
        assert_eq!(anybody.options["userVerification"], "required");
        assert_eq!(anybody.options["allowCredentials"], serde_json::json!([]));
        let one = passkeys.ask_for_proof(&[vec![1, 2, 3]]).unwrap();
        assert_eq!(one.options["allowCredentials"][0]["id"], "AQID");
        assert_ne!(one.options["challenge"], anybody.options["challenge"]);
    }

    #[test]
    fn an_answer_says_at_which_address_it_was_given() {
        let said = |data: &str| {
            let data = URL_SAFE_NO_PAD.encode(data);
            origin(&serde_json::json!({ "response": { "clientDataJSON": data } }))
        };
        let good = said(r#"{"origin":"https://app.example.org"}"#).unwrap();
        assert_eq!(good.as_str(), "https://app.example.org/");
        for bad in ["", "{}", r#"{"origin":7}"#, r#"{"origin":"nowhere"}"#] {
            assert!(matches!(said(bad), Err(Refused::Unreadable)), "{bad}");
        }
        for bad in [
            Value::Null,
            serde_json::json!({ "response": { "clientDataJSON": "%" } }),
        ] {
            assert!(matches!(origin(&bad), Err(Refused::Unreadable)));
        }
    }

    #[test]
    fn what_no_browser_sends_is_refused_without_a_panic() {
        let passkeys = at("http://localhost:8080/").unwrap();
        for answer in [Value::Null, serde_json::json!({"id": "x"}), "".into()] {
            assert!(matches!(passkeys.claim(&answer), Err(Refused::Unreadable)));
            let state = passkeys.ask_for_proof(&[]).unwrap().state;
            assert!(matches!(
                passkeys.take_new(answer, state),
                Err(Refused::Unreadable)
            ));
        }
    }
}
