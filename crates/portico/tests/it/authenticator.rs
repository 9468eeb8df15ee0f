//! A passkey's device, in software: makes keys and signs as WebAuthn Level 3 says.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use serde_json::{Value, json};

/// Present, verified, and with a new key in the data (§6.1).
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const SHARED: u8 = 0x18;
const KEY_INSIDE: u8 = 0x40;

/// A device with one key on it.
#[derive(Debug)]
pub(crate) struct Authenticator {
    /// Where its browser is.
    pub(crate) origin: String,
    /// Whether it has seen a fingerprint.
    pub(crate) verified: bool,
    /// Whether its owner's other devices have the key too.
    pub(crate) shared: bool,
    pub(crate) counter: u32,
    pub(crate) id: Vec<u8>,
    /// Whose key it says it is.
    pub(crate) user: String,
    key: EcdsaKeyPair,
}

impl Authenticator {
    pub(crate) fn at(origin: &str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let id = digest(&SHA256, key.public_key().as_ref()).as_ref().to_vec();
        Self {
            origin: origin.to_owned(),
            verified: true,
            shared: false,
            counter: 0,
            id,
            user: String::new(),
            key,
        }
    }

    fn data(&mut self, rp: &str, more: u8) -> Vec<u8> {
        self.counter += 1;
        let mut flags = PRESENT | more;
        if self.verified {
            flags |= VERIFIED;
        }
        if self.shared {
            flags |= SHARED;
        }
        let mut data = digest(&SHA256, rp.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let said = json!({"type": kind, "challenge": options["challenge"], "origin": self.origin,
            "crossOrigin": false});
        serde_json::to_vec(&said).unwrap()
    }

    /// Answers `navigator.credentials.create`.
    pub(crate) fn create(&mut self, options: &Value) -> Value {
        self.user = options["user"]["id"].as_str().unwrap().to_owned();
        let mut data = self.data(options["rp"]["id"].as_str().unwrap(), KEY_INSIDE);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        let point = self.key.public_key().as_ref();
        // COSE: an elliptic curve key for ES256 on P-256 (RFC 9053 §7.1.1).
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&point[33..65]);
        // {"fmt": "none", "attStmt": {}, "authData": data}
        let mut object = vec![0xa3, 0x63];
        object.extend(b"fmt\x64none\x67attStmt\xa0\x68authData\x58");
        object.push(u8::try_from(data.len()).unwrap());
        object.extend(&data);
        let id = BASE64.encode(&self.id);
        json!({"id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {},
        "response": {
            "attestationObject": BASE64.encode(object),
            "clientDataJSON": BASE64.encode(self.client_data("webauthn.create", options)),
            "transports": ["internal"],
        }})
    }

    /// Answers `navigator.credentials.get`.
    pub(crate) fn get(&mut self, options: &Value) -> Value {
        let data = self.data(options["rpId"].as_str().unwrap(), 0);
        let client_data = self.client_data("webauthn.get", options);
        let mut signed = data.clone();
        signed.extend(digest(&SHA256, &client_data).as_ref());
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        let id = BASE64.encode(&self.id);
        json!({"id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {},
        "response": {
            "authenticatorData": BASE64.encode(data),
            "clientDataJSON": BASE64.encode(client_data),
            "signature": BASE64.encode(signature.as_ref()),
            "userHandle": self.user,
        }})
    }

    /// The same device, copied bit by bit.
    pub(crate) fn copy(&self) -> Self {
        let private = self.key.to_pkcs8v1().unwrap();
        Self {
            origin: self.origin.clone(),
            user: self.user.clone(),
            id: self.id.clone(),
            key: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, private.as_ref())
                .unwrap(),
            ..*self
        }
    }
}
