//! This face's tokens: 45 characters of Crockford's base32 in lower case, 225 random bits, of which only a
//! hash is kept; and keys, which are such tokens with a prefix that says what they are.

use crate::secrets;
use anyhow::Context;
use aws_lc_rs::rand;
use zeroize::Zeroizing;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// How long a code is.
pub(super) const LENGTH: usize = 45;
/// How much of a mailed code a person types; the rest stays on their device.
pub(super) const TYPED: usize = 6;

/// A fresh token.
pub(super) fn token() -> anyhow::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0_u8; LENGTH]);
    rand::fill(bytes.as_mut()).ok().context("no randomness")?;
    // 256 is a multiple of 32: no character is likelier than another.
    let text = bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect();
    Ok(Zeroizing::new(text))
}

/// The hash under which a token is known, however its letters were typed.
pub(super) fn hash(text: &str) -> Vec<u8> {
    secrets::hash(&text.trim().to_ascii_lowercase())
}

/// A key, as `pck_…`.
pub(super) fn key(prefix: &str) -> anyhow::Result<Zeroizing<String>> {
    Ok(Zeroizing::new(format!("{prefix}_{}", token()?.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_the_protocols_form_and_case_does_not_matter() {
        let one = token().unwrap();
        assert_eq!(one.len(), LENGTH);
        assert!(one.bytes().all(|byte| ALPHABET.contains(&byte)));
        assert_ne!(*one, *token().unwrap());
        assert_eq!(hash(&one), hash(&one.to_uppercase()));
    }
}
