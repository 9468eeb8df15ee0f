//! What goes over the wire.

use super::{impersonation::ActingView, privacy::path_of};
use crate::{
    actions::sessions::{landing, permissions},
    model::{Account, Person, Session, Status},
};
use kernel::{
    client::ClientAddr,
    id::{SessionId, UserId},
};
use serde::Serialize;
use std::net::IpAddr;
use time::OffsetDateTime;

/// A person, as they see themselves.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MeView {
    /// Their id.
    pub id: UserId,
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// How others see them; the name unless they chose.
    pub display_name: String,
    /// An IANA time zone.
    pub time_zone: String,
    /// A BCP 47 language tag.
    pub locale: String,
    /// When they proved the address.
    #[serde(with = "time::serde::rfc3339::option")]
    pub email_verified_at: Option<OffsetDateTime>,
    /// Their roles.
    pub roles: Vec<String>,
    /// What they may do.
    pub permissions: Vec<&'static str>,
    /// Where they land: `/admin` for staff, `/home` for members.
    pub landing: &'static str,
    /// Where their picture is, 256 pixels a side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// The same, 64 pixels a side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture_small: Option<String>,
    /// Whether they may do nothing before they have a second factor.
    pub second_factor_due: bool,
    /// Who really acts, where somebody of the staff does so in their place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acting: Option<ActingView>,
}

impl MeView {
    /// As it stands in a session whose rights are held back.
    pub(super) fn held_back(mut self, second_factor_due: bool) -> Self {
        if second_factor_due {
            self.permissions.clear();
            self.second_factor_due = true;
        }
        self
    }
}

impl From<Account> for MeView {
    fn from(account: Account) -> Self {
        Self {
            landing: landing(&account),
            permissions: permissions(&account),
            picture: account.picture.map(path_of),
            picture_small: account.picture_small.map(path_of),
            second_factor_due: false,
            acting: None,
            id: account.id,
            email: account.email,
            display_name: account.display_name.unwrap_or_else(|| account.name.clone()),
            name: account.name,
            time_zone: account.time_zone,
            locale: account.locale,
            email_verified_at: account.email_verified_at,
            roles: account.roles,
        }
    }
}

/// Who signed in, and where they land.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct SignedInView {
    pub(super) user: MeView,
    pub(super) landing: &'static str,
    /// Whether the account was to be deleted, and stays because of this sign-in.
    pub(super) kept: bool,
}

impl From<Account> for SignedInView {
    fn from(account: Account) -> Self {
        Self {
            landing: landing(&account),
            kept: false,
            user: account.into(),
        }
    }
}

/// A signed-in device.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct SessionView {
    id: SessionId,
    /// What it is.
    device: String,
    /// The address it was last used from.
    ip: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    last_seen_at: OffsetDateTime,
    /// Whether it is the one asking.
    current: bool,
    /// Whether it was last used from the same network as the one asking.
    same_network: bool,
}

/// The network of an address, as it is written down.
fn network_of(address: &str) -> Option<IpAddr> {
    Some(ClientAddr(address.parse().ok()?).network())
}

impl SessionView {
    /// `here` is the address of the device that asks, if it is one of these.
    pub(super) fn of(session: Session, current: SessionId, here: Option<&str>) -> Self {
        let here = here.and_then(network_of);
        Self {
            current: session.id == current,
            same_network: here.is_some() && network_of(&session.address) == here,
            id: session.id,
            device: session.device,
            ip: session.address,
            created_at: session.created_at,
            last_seen_at: session.last_seen_at,
        }
    }
}

/// A person, as staff see them.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own that the page shows"
)]
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct PersonView {
    id: UserId,
    email: String,
    name: String,
    status: Status,
    roles: Vec<String>,
    /// Whether they proved their address.
    verified: bool,
    /// Whether they set up a second factor.
    second_factor: bool,
    /// Where the small size of their picture is.
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<String>,
    /// Whether a socket of theirs is open now.
    online: bool,
    /// Whether they look at none of the pages that they have open.
    away: bool,
    #[serde(with = "time::serde::rfc3339::option")]
    last_seen_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl From<Person> for PersonView {
    fn from(person: Person) -> Self {
        Self {
            id: person.id,
            email: person.email,
            name: person.name,
            status: person.status,
            roles: person.roles,
            verified: person.verified,
            second_factor: person.second_factor,
            picture: person.picture.map(path_of),
            online: person.online,
            away: person.away,
            last_seen_at: person.last_seen_at,
            created_at: person.created_at,
        }
    }
}

/// A page of people.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct PeopleView {
    pub(super) items: Vec<PersonView>,
    /// Where the next page begins; absent on the last.
    pub(super) next_cursor: Option<String>,
    /// How many match, counted up to 1,000.
    pub(super) total: i64,
    /// Whether more match than were counted; `/users/count` counts them.
    pub(super) more: bool,
}

/// How many people there are.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct TotalsView {
    pub(super) people: i64,
    pub(super) online: i64,
}

/// How many match.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct CountView {
    pub(super) count: i64,
}
