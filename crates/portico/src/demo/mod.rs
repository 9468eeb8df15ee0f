//! The demo tenant: a place that looks lived in, so that a newcomer sees what the product
//! is for. Every row is marked, and one click removes them all. A server that holds it
//! refuses to listen on an address that others can reach: its passwords are known.

mod people;
mod texts;

use crate::app::App;
use billing::DemoMembership;
use identity::DemoPerson;
use kernel::{Error, Result, audit::Act, id::UserId};
use serde::Serialize;
use serde_json::json;
use time::Duration;
use updates::{
    DemoUpdate,
    model::{NewUpdate, Receipt},
};

/// The password of every demo account.
pub const PASSWORD: &str = "four-quiet-arches";
/// How many members there are.
const MEMBERS: usize = 200;

/// A demo account that a newcomer can try.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct AccountView {
    /// Its address.
    pub email: String,
    /// Its password.
    pub password: &'static str,
    /// Whose it is.
    pub name: String,
    /// What they are.
    pub role: &'static str,
}

/// The accounts that are offered: staff of each role, and one member.
pub fn accounts() -> Vec<AccountView> {
    let member = people::member(0);
    people::STAFF
        .iter()
        .map(|(name, role)| (people::address(name), (*name).to_owned(), *role))
        .chain([(people::address(&member), member.clone(), "member")])
        .map(|(email, name, role)| AccountView {
            email,
            password: PASSWORD,
            name,
            role,
        })
        .collect()
}

/// Loads the demo tenant. Fails if it is there.
pub async fn load(app: &App) -> Result<()> {
    if app.identity.demo_present().await? {
        return Err(Error::conflict(
            "demo_present",
            "The demo tenant is here already.",
        ));
    }
    let hash = app.identity.demo_password_hash(PASSWORD).await?;
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let staff: Vec<DemoPerson> = people::STAFF
        .iter()
        .zip(0_i64..)
        .map(|((name, role), n)| DemoPerson {
            email: people::address(name),
            name: (*name).to_owned(),
            role,
            joined_at: now - Duration::days(300 - n),
            last_seen_at: Some(now - Duration::hours(2 + 5 * n)),
        })
        .collect();
    let members: Vec<DemoPerson> = (0..MEMBERS)
        .map(|n| {
            let name = people::member(n);
            let days = people::joined_days_ago(n, MEMBERS);
            let minutes = days * 1440 + people::spread(n, 1440) + 1;
            DemoPerson {
                email: people::address(&name),
                name,
                role: "member",
                joined_at: now - Duration::minutes(minutes),
                last_seen_at: (people::spread(n, 7) > 0)
                    .then(|| now - Duration::minutes(people::spread(n, minutes.min(45 * 1440)))),
            }
        })
        .collect();
    let staff = app.identity.add_demo_people(&mut tx, &staff, &hash).await?;
    let members = app
        .identity
        .add_demo_people(&mut tx, &members, &hash)
        .await?;
    let held = memberships(&members, now);
    app.billing
        .add_demo_tiers(&mut tx, &people::TIERS, &held)
        .await?;
    let written = written(&staff, &members, now)?;
    app.updates.add_demo_updates(&mut tx, &written).await?;
    let act = Act {
        actor: None,
        action: "demo.loaded",
        subject: "demo",
        data: json!({ "people": staff.len() + members.len(), "updates": written.len() }),
    };
    app.audit.append(&mut tx, act).await?;
    tx.commit().await?;
    Ok(())
}

/// Most row, some help, a few are here for life; a tenth of them have not decided yet, and
/// some of the trial months end soon.
fn memberships(members: &[UserId], now: time::OffsetDateTime) -> Vec<DemoMembership> {
    let held = members.iter().enumerate().filter_map(|(n, user)| {
        let joined = people::joined_days_ago(n, MEMBERS);
        let (tier, days_left) = match people::spread(n + 7, 100) {
            _ if n == 0 => ("rower", None),
            0..52 => ("rower", None),
            52..74 => ("friend", None),
            74..82 => ("patron", None),
            82..90 => ("trial", Some(people::spread(n, 28) + 1)),
            _ => return None,
        };
        Some(DemoMembership {
            user: *user,
            tier,
            since: now - Duration::days(joined) + Duration::hours(1).min(Duration::days(joined)),
            until: days_left.map(|days| now + Duration::days(days)),
        })
    });
    held.collect()
}

/// Updates over months: the older, the more were read.
fn written(
    staff: &[UserId],
    members: &[UserId],
    now: time::OffsetDateTime,
) -> Result<Vec<DemoUpdate>> {
    let (Some(first), Some(last)) = (staff.first(), staff.last()) else {
        return Ok(Vec::new());
    };
    let mut updates = Vec::new();
    for (n, text) in texts::UPDATES.iter().enumerate() {
        let published_at =
            now - Duration::days(text.days_ago) - Duration::minutes(people::spread(n, 600));
        let audience = text.audience();
        let new = NewUpdate::parse(text.title, text.body, audience, text.action)?;
        let readers = members.iter().chain(staff).enumerate();
        let receipts = readers
            .filter_map(|(m, user)| {
                let roll = people::spread(n * 1_009 + m, 100);
                let read_up_to = (60 + text.days_ago / 3).min(92);
                let receipt = match roll {
                    roll if roll < read_up_to / 2 && text.action.is_some() => Receipt::Acknowledged,
                    roll if roll < read_up_to => Receipt::Read,
                    roll if roll < 97 => Receipt::Delivered,
                    _ => return None,
                };
                let after = Duration::minutes(3 + people::spread(n * 31 + m, 60 * 24));
                Some((*user, receipt, (published_at + after).min(now)))
            })
            // The account that is offered to a newcomer has the latest three still to read.
            .filter(|(user, ..)| text.days_ago > 9 || Some(user) != members.first())
            .collect();
        let author = if n % 3 == 0 { *first } else { *last };
        updates.push(DemoUpdate {
            author,
            new,
            published_at,
            receipts,
        });
    }
    Ok(updates)
}

/// Removes the demo tenant, and nothing else.
pub async fn remove(app: &App, by: Option<UserId>) -> Result<u64> {
    let mut tx = app.db.begin().await?;
    let people = app.identity.remove_demo_people(&mut tx).await?;
    if people == 0 {
        return Err(Error::NotFound("demo tenant"));
    }
    app.billing.remove_demo_tiers(&mut tx).await?;
    let updates = app.updates.remove_demo_updates(&mut tx).await?;
    let act = Act {
        actor: by,
        action: "demo.removed",
        subject: "demo",
        data: json!({ "people": people, "updates": updates }),
    };
    app.audit.append(&mut tx, act).await?;
    tx.commit().await?;
    Ok(people)
}
