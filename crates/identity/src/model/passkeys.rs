//! Passkeys, as their owner sees them.

use time::OffsetDateTime;

/// How many an account may have: more than anybody's devices.
pub const PASSKEYS_MOST: usize = 25;

kernel::id! {
    /// A passkey.
    PasskeyId
}

/// A passkey that its owner can sign in with.
#[derive(Debug, Clone)]
pub struct StoredPasskey {
    /// Its id.
    pub id: PasskeyId,
    /// As its owner calls it.
    pub name: String,
    /// Whether its owner's devices share it.
    pub synced: bool,
    /// When it was added.
    pub created_at: OffsetDateTime,
    /// When it last proved who they are.
    pub last_used_at: Option<OffsetDateTime>,
}
