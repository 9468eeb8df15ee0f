//! A person's timeline: what their account went through and what was done about it.

use crate::{Identity, model::people::Happening, store};
use kernel::{
    Error, Permission, Principal, Result, events,
    events::Past,
    id::UserId,
    page::{Page, PageQuery},
};
use serde_json::Value;
use std::collections::HashMap;
use time::OffsetDateTime;

/// Events that a security event tells better.
const TOLD: &[&str] = &[
    "identity.signed_in",
    "identity.token_reused",
    "identity.security_noticed",
    "identity.person_suspended",
    "identity.person_restored",
    "identity.roles_changed",
];

impl Identity {
    /// What happened to a person, the latest first. Two logs are read and merged: neither
    /// is copied into the other.
    pub async fn timeline(
        &self,
        caller: &Principal,
        user: UserId,
        page: &PageQuery,
    ) -> Result<Page<Happening>> {
        caller.require(Permission::UsersRead)?;
        let limit = page.limit()?;
        let after = page.after::<(OffsetDateTime, String)>()?;
        let until = after.as_ref().map(|(at, _)| *at);
        // A few more than a page, so that those of the cursor's very instant fit in.
        let many = limit + 50;
        let mut db = self.0.db.acquire().await?;
        if store::people::get(&mut db, user).await?.is_none() {
            return Err(Error::NotFound("person"));
        }
        let told: Vec<String> = TOLD.iter().map(|name| (*name).to_owned()).collect();
        let mut all = store::happenings::of_person(&mut db, user, until, many).await?;
        let past = events::about(&mut db, user.0, &told, until, many).await?;
        let actors: Vec<UserId> = past.iter().filter_map(|past| past.actor).collect();
        let names: HashMap<UserId, String> = store::happenings::names(&mut db, &actors)
            .await?
            .into_iter()
            .collect();
        all.extend(past.into_iter().map(|past| shown(past, user, &names)));
        all.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
        if let Some((at, id)) = &after {
            all.retain(|one| (one.at, &one.id) < (*at, id));
        }
        if !caller.can(Permission::UsersWrite) {
            for one in &mut all {
                (one.address, one.device, one.data) = (None, None, Value::Null);
            }
        }
        all.truncate(usize::try_from(limit + 1).unwrap_or(usize::MAX));
        let place = |one: &Happening| (one.at, one.id.clone());
        Ok(Page::of(all, limit, place, |one| one))
    }
}

fn shown(past: Past, user: UserId, names: &HashMap<UserId, String>) -> Happening {
    // Who acts on themselves need not be named again on their own page.
    let actor = past.actor.filter(|actor| *actor != user);
    Happening {
        id: format!("e{:020}", past.id),
        at: past.at,
        kind: past.name,
        actor_name: actor.and_then(|actor| names.get(&actor).cloned()),
        actor,
        address: None,
        device: None,
        data: past.data,
    }
}
