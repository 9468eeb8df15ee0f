//! Tiers of the demo tenant, and who holds them.

use crate::{
    Billing,
    model::{
        Feature, Grant, Key, Opened, TierId, TierText,
        payments::{Cost, Interval, PriceId},
    },
    store,
};
use kernel::{Result, id::UserId};
use sqlx::PgConnection;
use time::OffsetDateTime;

/// A tier that was made up.
#[derive(Debug)]
pub struct DemoTier {
    /// What code calls it.
    pub key: &'static str,
    /// What people call it, and what it is.
    pub said: (&'static str, &'static str),
    /// Features: key, name, and how much of it.
    pub opens: &'static [(&'static str, &'static str, Option<i64>)],
    /// What it costs: how often, and how much in euro cents.
    pub costs: &'static [(Interval, i64)],
}

/// Who holds one of them.
#[derive(Debug)]
pub struct DemoMembership {
    /// Who.
    pub user: UserId,
    /// Which tier, by its key.
    pub tier: &'static str,
    /// Since when.
    pub since: OffsetDateTime,
    /// Until when.
    pub until: Option<OffsetDateTime>,
}

impl Billing {
    /// Adds demo tiers and their holders, in the caller's transaction.
    pub async fn add_demo_tiers(
        &self,
        tx: &mut PgConnection,
        tiers: &[DemoTier],
        memberships: &[DemoMembership],
    ) -> Result<()> {
        for (tier, position) in tiers.iter().zip(1..) {
            self.add_demo_tier(tx, tier, position).await?;
        }
        for held in memberships {
            let Some((tier, _)) = store::tiers::lock(tx, held.tier, None).await? else {
                continue;
            };
            let grant = Grant {
                tier: Key(held.tier.to_owned()),
                until: held.until,
                reason: None,
            };
            store::memberships::insert(tx, held.user, tier, &grant, None, held.since, true).await?;
            store::tiers::count(tx, tier, 1).await?;
        }
        Ok(())
    }

    async fn add_demo_tier(
        &self,
        tx: &mut PgConnection,
        tier: &DemoTier,
        position: i32,
    ) -> Result<()> {
        let (name, description) = tier.said;
        for (key, name, _) in tier.opens {
            let feature = Feature::parse(key, name, "")?;
            store::features::put(tx, &feature, true).await?;
        }
        let opened = tier.opens.iter().map(|(key, _, amount)| Opened {
            feature: (*key).to_owned(),
            amount: *amount,
        });
        let said = TierText::parse(name, description, position, opened.collect())?;
        let (id, key) = (TierId::new(), Key::parse("key", tier.key)?);
        // A place that has a tier of this key already keeps its own.
        if store::tiers::insert(tx, id, &key, &said, true, self.0.clock.now()).await? {
            store::features::open(tx, id, &said.features).await?;
            for (interval, amount) in tier.costs {
                let cost = Cost::parse("eur", *amount)?;
                let now = self.0.clock.now();
                store::prices::insert(tx, PriceId::new(), id, *interval, &cost, now).await?;
            }
        }
        Ok(())
    }

    /// Removes the demo tenant's tiers, and what its people hold. A tier that somebody
    /// real holds by now stays. What its people subscribed to in between goes with them.
    pub async fn remove_demo_tiers(&self, tx: &mut PgConnection) -> Result<()> {
        for user in store::customers::of_nobody(tx).await? {
            self.forget(tx, user).await?;
            store::subscriptions::delete(tx, user).await?;
            store::payments::delete(tx, user).await?;
        }
        for tier in store::memberships::remove_demo(tx).await? {
            store::tiers::count(tx, tier, -1).await?;
        }
        store::tiers::remove_demo(tx).await?;
        Ok(())
    }
}
