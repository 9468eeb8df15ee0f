//! Random tokens that are handed out once and kept only as hashes.

use anyhow::Context;
use aws_lc_rs::{digest, rand};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// 256 random bits, as text for a link or a cookie, and the hash under which they are known.
pub(crate) struct Token {
    pub(crate) text: Zeroizing<String>,
    pub(crate) hash: Vec<u8>,
}

impl Token {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let mut bits = Zeroizing::new([0_u8; 32]);
        rand::fill(bits.as_mut()).ok().context("no randomness")?;
        let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(bits.as_ref()));
        let hash = hash(&text);
        Ok(Self { text, hash })
    }
}

/// The hash of a token. Plain SHA-256 is right for 256 random bits: there is nothing to guess.
pub(crate) fn hash(text: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, text.as_bytes())
        .as_ref()
        .to_vec()
}

/// Six random digits, for a code that somebody types.
pub(crate) fn digits() -> anyhow::Result<Zeroizing<String>> {
    // Numbers past the last whole million would make some codes likelier: they are thrown away.
    const WHOLE: u32 = u32::MAX - u32::MAX % 1_000_000;
    loop {
        let mut bits = [0_u8; 4];
        rand::fill(&mut bits).ok().context("no randomness")?;
        let number = u32::from_le_bytes(bits);
        if number < WHOLE {
            return Ok(Zeroizing::new(format!("{:06}", number % 1_000_000)));
        }
    }
}
