//! What a person's second factors are, and what is shown of them once.

use aws_lc_rs::rand;
use std::fmt;
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// Letters and digits that are not mistaken for each other (Crockford's base 32).
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 120 bits, in six groups of four: from 112 on, a plain hash keeps them (ASVS V6.5.2).
const LETTERS_OF_A_CODE: usize = 24;

kernel::id! {
    /// One browser that an account was used from.
    DeviceId
}

/// Text that is shown once and never logged.
pub struct Shown(Zeroizing<String>);

impl Shown {
    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Shown {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What an authenticator app needs.
#[derive(Debug)]
pub struct Enrolment {
    /// The secret in base 32, to be typed.
    pub secret: Shown,
    /// The same as an address, for an app on this device.
    pub uri: Shown,
    /// The same as a picture, for a camera: a `data:` URL.
    pub picture: Shown,
}

/// Codes for who lost the second factor.
#[derive(Debug)]
pub struct RecoveryCodes(Vec<Shown>);

impl RecoveryCodes {
    pub(crate) fn new(count: usize) -> anyhow::Result<Self> {
        let code = |_| {
            let mut bytes = Zeroizing::new([0_u8; LETTERS_OF_A_CODE]);
            rand::fill(bytes.as_mut()).map_err(|_| anyhow::anyhow!("no randomness"))?;
            let mut text = String::with_capacity(LETTERS_OF_A_CODE + LETTERS_OF_A_CODE / 4);
            for (n, byte) in bytes.iter().enumerate() {
                if n > 0 && n % 4 == 0 {
                    text.push('-');
                }
                text.push(char::from(LETTERS[usize::from(byte % 32)]));
            }
            Ok(text.into())
        };
        Ok(Self((0..count).map(code).collect::<anyhow::Result<_>>()?))
    }

    /// The codes, as they are shown.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Shown::expose)
    }
}

/// A recovery code without what people add or mistake when they type it.
pub(crate) fn recovery_key(typed: &str) -> String {
    typed
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        })
        .collect()
}

/// A browser that may stand in for the second factor.
#[derive(Debug, Clone)]
pub struct RememberedDevice {
    /// Its id.
    pub id: DeviceId,
    /// What it is, from its user agent.
    pub device: String,
    /// From where it was last used.
    pub address: String,
    /// When its account was last used there.
    pub last_seen_at: OffsetDateTime,
    /// Until when it stands in.
    pub until: OffsetDateTime,
    /// Whether it is the one asking.
    pub current: bool,
}

/// How an account is kept safe.
#[derive(Debug, Clone)]
pub struct Security {
    /// When the password was set; absent without one.
    pub password_changed_at: Option<OffsetDateTime>,
    /// Since when an authenticator app counts.
    pub totp_since: Option<OffsetDateTime>,
    /// Recovery codes that are not used.
    pub recovery_codes_left: i64,
    /// Whether rights are held back until there is a second factor.
    pub second_factor_due: bool,
    /// Browsers that stand in for the second factor.
    pub remembered: Vec<RememberedDevice>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn recovery_codes_differ_and_are_known_however_they_are_typed() {
        let codes = RecoveryCodes::new(10).unwrap();
        let all: HashSet<&str> = codes.iter().collect();
        assert_eq!(all.len(), 10);
        for code in codes.iter() {
            assert_eq!(code.len(), 29);
            let shouted = code.to_uppercase().replace('-', " ").replace('0', "O");
            assert_eq!(recovery_key(&shouted), recovery_key(code));
        }
    }
}
