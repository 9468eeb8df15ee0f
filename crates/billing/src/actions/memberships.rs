//! Who holds which tier: given by staff, looked at by its holder, ended by time.

use crate::{
    Billing,
    model::{Benefit, Grant, Membership, TierEnded, TierGranted},
    store,
};
use kernel::{Error, Permission, Principal, Result, audit::Act, id::UserId};
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// How many ended memberships one transaction takes away.
const AT_ONCE: i64 = 500;

impl Billing {
    /// What somebody holds, and what it opens: their own, or as staff see it.
    pub async fn membership(
        &self,
        caller: &Principal,
        user: UserId,
    ) -> Result<Option<(Membership, Vec<Benefit>)>> {
        if caller.user != user {
            caller.require(Permission::BillingRead)?;
        }
        let mut db = self.0.db.acquire().await?;
        let held = store::memberships::get(&mut db, user, self.0.clock.now()).await?;
        let Some(held) = held else { return Ok(None) };
        let benefits = store::features::benefits(&mut db, &held.tier).await?;
        Ok(Some((held, benefits)))
    }

    /// Gives somebody a tier, in place of what they hold.
    pub async fn grant(
        &self,
        by: &Principal,
        user: UserId,
        grant: &Grant,
    ) -> Result<(Membership, Vec<Benefit>)> {
        by.require(Permission::BillingWrite)?;
        let now = self.0.clock.now();
        let mut tx = self.0.db.begin().await?;
        if !store::memberships::is_known(&mut tx, user).await? {
            return Err(Error::NotFound("person"));
        }
        // Both tiers before either is counted, in one order: two who change places would else
        // wait for each other.
        store::memberships::lock(&mut tx, user).await?;
        let held = store::memberships::held(&mut tx, user).await?;
        let locked = store::tiers::lock(&mut tx, &grant.tier.0, held).await?;
        let before = self.take(&mut tx, user).await?;
        let Some((tier, archived)) = locked else {
            return Err(Error::field("tier", "unknown", "There is no such tier."));
        };
        if archived && before != Some(tier) {
            return Err(Error::field(
                "tier",
                "archived",
                "This tier is archived: who holds it keeps it, nobody new gets it.",
            ));
        }
        store::memberships::insert(&mut tx, user, tier, grant, Some(by.user), now, false).await?;
        store::tiers::count(&mut tx, tier, 1).await?;
        self.0
            .events
            .append(&mut tx, Some(by.user), &TierGranted { user })
            .await?;
        let data = json!({ "tier": grant.tier, "until": grant.until.map(time::OffsetDateTime::unix_timestamp),
            "reason": grant.reason });
        self.note(&mut tx, by, user, "tier.granted", data).await?;
        let held = store::memberships::get(&mut tx, user, now).await?;
        let held = held.ok_or(Error::NotFound("membership"))?;
        let benefits = store::features::benefits(&mut tx, &held.tier).await?;
        tx.commit().await?;
        Ok((held, benefits))
    }

    /// Takes away what somebody holds.
    pub async fn revoke(&self, by: &Principal, user: UserId) -> Result<()> {
        by.require(Permission::BillingWrite)?;
        let mut tx = self.0.db.begin().await?;
        if self.take(&mut tx, user).await?.is_none() {
            return Err(Error::NotFound("membership"));
        }
        self.0
            .events
            .append(&mut tx, Some(by.user), &TierEnded { user })
            .await?;
        self.note(&mut tx, by, user, "tier.revoked", json!({}))
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Takes away, counted, what somebody holds; one at a time for each person.
    pub(super) async fn take(
        &self,
        tx: &mut PgConnection,
        user: UserId,
    ) -> Result<Option<crate::model::TierId>> {
        store::memberships::lock(tx, user).await?;
        let before = store::memberships::delete(tx, user).await?;
        if let Some(tier) = before {
            store::tiers::count(tx, tier, -1).await?;
        }
        Ok(before)
    }

    pub(super) async fn note(
        &self,
        tx: &mut PgConnection,
        by: &Principal,
        user: UserId,
        action: &'static str,
        data: Value,
    ) -> Result<()> {
        let act = Act {
            actor: Some(by.user),
            action,
            subject: &user.to_string(),
            data,
        };
        self.0.audit.append(tx, act).await.map(|_| ())
    }

    /// Takes tiers away whose end has come; how many.
    pub async fn end_memberships(&self) -> Result<usize> {
        let mut all = 0;
        loop {
            let mut tx = self.0.db.begin().await?;
            let ended = store::memberships::end(&mut tx, self.0.clock.now(), AT_ONCE).await?;
            let mut less = BTreeMap::<_, i64>::new();
            for (_, tier) in &ended {
                *less.entry(*tier).or_default() += 1;
            }
            // In the order in which everybody locks tiers.
            for (tier, by) in less {
                store::tiers::count(&mut tx, tier, -by).await?;
            }
            for (user, _) in &ended {
                let event = TierEnded { user: *user };
                self.0.events.append(&mut tx, None, &event).await?;
            }
            tx.commit().await?;
            all += ended.len();
            if ended.is_empty() {
                return Ok(all);
            }
        }
    }
}
