//! What happens at the doors, and whom it is told.

use kernel::{client::ClientAddr, events::Event, id::UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {
        /// A kind of security event.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind { $($(#[$doc])* $name),+ }

        impl Kind {
            /// Every kind there is.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its stable name, as stored and shown.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// The kind of that name.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

kinds! {
    /// A password, code or link that was not right.
    SignInFailed = "sign_in_failed",
    /// So many that nobody is let try for a while.
    LockedOut = "locked_out",
    /// A device signed in.
    SignedIn = "signed_in",
    /// It was one that the account was never used from.
    NewDevice = "new_device",
    /// A refresh token came back after its successor was used.
    TokenReused = "token_reused",
    /// The owner chose another password.
    PasswordChanged = "password_changed",
    /// The password was set anew through a mailed link.
    PasswordReset = "password_reset",
    /// A second factor was added.
    SecondFactorAdded = "second_factor_added",
    /// A second factor was taken away.
    SecondFactorRemoved = "second_factor_removed",
    /// A second factor was answered wrongly.
    SecondFactorFailed = "second_factor_failed",
    /// A recovery code was used up.
    RecoveryCodeUsed = "recovery_code_used",
    /// A passkey was added.
    PasskeyAdded = "passkey_added",
    /// A passkey was taken away.
    PasskeyRemoved = "passkey_removed",
    /// The account has another address.
    EmailChanged = "email_changed",
    /// A provider signs in to the account from now on.
    ProviderLinked = "provider_linked",
    /// A provider no longer does.
    ProviderUnlinked = "provider_unlinked",
    /// The account was suspended.
    Suspended = "suspended",
    /// The account may be used again.
    Restored = "restored",
    /// Its owner, who had deleted it, came back in time.
    CameBack = "came_back",
    /// The account was put into the trash.
    Deleted = "deleted",
    /// Staff signed the account out.
    SignedOut = "signed_out",
    /// Staff took the password away, so that its owner chooses another.
    PasswordForgotten = "password_forgotten",
    /// The account holds other roles.
    RoleChanged = "role_changed",
    /// Somebody was asked to join.
    Invited = "invited",
    /// Staff looked at the place through somebody's eyes.
    Impersonated = "impersonated",
    /// A key for machines was made.
    ApiKeyCreated = "api_key_created",
    /// A key for machines was taken back.
    ApiKeyRevoked = "api_key_revoked",
}

impl Kind {
    /// Whether the account's owner hears of it by mail.
    pub const fn is_told(self) -> bool {
        matches!(
            self,
            Self::NewDevice
                | Self::TokenReused
                | Self::PasswordChanged
                | Self::PasswordReset
                | Self::SecondFactorAdded
                | Self::SecondFactorRemoved
                | Self::RecoveryCodeUsed
                | Self::PasskeyAdded
                | Self::Impersonated
                | Self::CameBack
                | Self::PasskeyRemoved
                | Self::ProviderLinked
                | Self::ProviderUnlinked
        )
    }
}

kernel::id! {
    /// One security event.
    SecurityEventId
}

/// Something that happened at the doors.
#[derive(Debug, Clone)]
pub struct SecurityEvent<'a> {
    /// What.
    pub kind: Kind,
    /// Whose account, where it is one.
    pub user: Option<UserId>,
    /// What was typed, where it led to no account.
    pub identifier: Option<&'a str>,
    /// From where; nowhere for what staff or the system did.
    pub from: Option<ClientAddr>,
    /// On which device.
    pub device: Option<&'a str>,
    /// Details. Never a secret.
    pub data: Value,
}

impl<'a> SecurityEvent<'a> {
    /// An event of an account.
    pub const fn of(user: UserId, kind: Kind) -> Self {
        Self {
            kind,
            user: Some(user),
            identifier: None,
            from: None,
            device: None,
            data: Value::Null,
        }
    }

    /// From where, on which device.
    #[must_use]
    pub const fn seen(mut self, from: ClientAddr, device: &'a str) -> Self {
        self.from = Some(from);
        self.device = Some(device);
        self
    }

    /// With details.
    #[must_use]
    pub fn with(mut self, data: Value) -> Self {
        self.data = data;
        self
    }
}

/// A security event was recorded that its owner is to be told of.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct SecurityNoticed {
    /// Whose account.
    pub user: UserId,
    /// Which event.
    pub event: SecurityEventId,
    /// Of which kind.
    pub kind: Kind,
}

impl Event for SecurityNoticed {
    const NAME: &'static str = "identity.security_noticed";
    fn subject(&self) -> Option<Uuid> {
        Some(self.user.0)
    }
}
