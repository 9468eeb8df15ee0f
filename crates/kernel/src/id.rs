//! Typed identifiers. A bare `Uuid` never crosses a function boundary: the compiler
//! tells a user from a session.

/// Declares a newtype over a UUID version 7 (RFC 9562 §5.7), so that ids sort by the
/// time they were made and index pages stay dense.
#[macro_export]
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord,
            serde::Serialize, serde::Deserialize, sqlx::Type, utoipa::ToSchema,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        #[schema(value_type = uuid::Uuid)]
        pub struct $name(pub uuid::Uuid);

        impl $name {
            /// A new id, later than every id made before it on this machine.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "a default id would not be an identity")]
            pub fn new() -> Self {
                Self(uuid::Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<uuid::Uuid> for $name {
            fn from(id: uuid::Uuid) -> Self {
                Self(id)
            }
        }
    };
}

id! {
    /// A person (or machine) with an account.
    UserId
}
id! {
    /// One signed-in device of a user.
    SessionId
}
id! {
    /// One time that somebody of the staff acts in a member's place.
    ImpersonationId
}
