//! The section `[identity]` of the configuration.

use crate::{
    configured::ProviderConfig,
    model::{impersonation::SHORTEST, password::PasswordPolicy},
    stack_auth::StackAuthConfig,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf, time::Duration};

/// How long things last and what a password hash costs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentityConfig {
    /// Minutes that an access token is good for. A sign-out binds at once all the same.
    pub access_minutes: u32,
    /// Days after which a session ends if it was not used.
    pub idle_days: u32,
    /// Days after which a session ends in any case.
    pub absolute_days: u32,
    /// Minutes for which a proof of who somebody is counts for what is sensitive.
    pub confirmation_minutes: u32,
    /// Days for which a browser may stand in for the second factor, where its owner says so.
    pub remember_days: u32,
    /// Whether staff need a second factor before they may do anything.
    pub staff_second_factor: SecondFactorPolicy,
    /// Days after which security events are forgotten.
    pub security_event_days: u32,
    /// The fewest characters of a password.
    pub password_shortest: usize,
    /// The most.
    pub password_longest: usize,
    /// The lowest strength that is taken, 0 to 4, as zxcvbn estimates it.
    pub password_score: u8,
    /// How many of somebody's last passwords they may not take again.
    pub password_history: u32,
    /// A file of passwords that have leaked: one SHA-1 in hex a line, sorted.
    pub password_blocklist: Option<PathBuf>,
    /// Days after which the key that signs tokens is followed by the next.
    pub signing_key_days: u32,
    /// Argon2id memory in KiB (OWASP: 19456 with two passes).
    pub argon2_memory_kib: u32,
    /// Argon2id passes.
    pub argon2_passes: u32,
    /// Password hashes computed at once: each takes `argon2_memory_kib`.
    pub argon2_parallel: usize,
    /// Requests that wait for their turn at hashing; more are told to come back.
    pub argon2_queue: usize,
    /// Sign-in attempts allowed in a burst for one account from one address; one more
    /// comes back every 30 seconds.
    pub sign_in_burst: u32,
    /// The same for one account from all networks together; a browser that the account was
    /// used from is neither counted nor kept out.
    pub account_burst: u32,
    /// The same for one address, whatever the account.
    pub address_burst: u32,
    /// Minutes for which staff act in a member's place unless they say otherwise.
    pub impersonation_minutes: u32,
    /// The most minutes that they may say: 5 to 120.
    pub impersonation_most_minutes: u32,
    /// Whether the member is told why.
    pub impersonation_tells_reason: bool,
    /// Days that a deleted account stays in the trash before what names the person is erased.
    pub trash_days: u16,
    /// Who else may sign people in, by a name of the operator's choice.
    pub providers: BTreeMap<String, ProviderConfig>,
    /// The wire protocol of Stack Auth.
    pub stack_auth: StackAuthConfig,
}

/// Who decides whether there is a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactorPolicy {
    /// Each for themselves.
    Optional,
    /// The operator: without one, nothing but setting one up.
    Required,
}

impl Default for IdentityConfig {
    fn default() -> Self {
        Self {
            access_minutes: 10,
            idle_days: 14,
            absolute_days: 90,
            confirmation_minutes: 15,
            remember_days: 30,
            staff_second_factor: SecondFactorPolicy::Optional,
            security_event_days: 400,
            password_shortest: 10,
            password_longest: 200,
            password_score: 3,
            password_history: 3,
            password_blocklist: None,
            signing_key_days: 90,
            argon2_memory_kib: 19_456,
            argon2_passes: 2,
            argon2_parallel: 2,
            argon2_queue: 64,
            sign_in_burst: 10,
            account_burst: 100,
            address_burst: 100,
            impersonation_minutes: 30,
            impersonation_most_minutes: 120,
            impersonation_tells_reason: false,
            trash_days: 30,
            providers: BTreeMap::new(),
            stack_auth: StackAuthConfig::default(),
        }
    }
}

impl IdentityConfig {
    pub(crate) fn access(&self) -> Duration {
        Duration::from_secs(u64::from(self.access_minutes) * 60)
    }

    pub(crate) fn idle(&self) -> Duration {
        Duration::from_secs(u64::from(self.idle_days) * 86_400)
    }

    pub(crate) fn password_policy(&self) -> PasswordPolicy {
        PasswordPolicy {
            shortest: self.password_shortest,
            longest: self.password_longest.max(self.password_shortest),
            score: self.password_score.min(4),
        }
    }

    pub(crate) fn confirmation(&self) -> Duration {
        Duration::from_secs(u64::from(self.confirmation_minutes) * 60)
    }

    /// The usual and the longest time in a member's place, in minutes.
    pub(crate) fn impersonation(&self) -> (u32, u32) {
        let most = self.impersonation_most_minutes.clamp(SHORTEST, 120);
        (self.impersonation_minutes.clamp(SHORTEST, most), most)
    }

    pub(crate) fn remember(&self) -> Duration {
        Duration::from_secs(u64::from(self.remember_days) * 86_400)
    }

    pub(crate) fn absolute(&self) -> Duration {
        Duration::from_secs(u64::from(self.absolute_days) * 86_400)
    }
}
