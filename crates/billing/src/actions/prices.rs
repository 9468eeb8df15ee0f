//! What tiers cost: set by staff, never changed once somebody may have paid it.

use crate::{
    Billing,
    model::{
        TierChanged, TierId,
        payments::{Cost, Interval, Price, PriceId},
    },
    store,
};
use kernel::{Error, Permission, Principal, Result, audit::Act};
use serde_json::json;
use sqlx::PgConnection;

impl Billing {
    /// Offers a tier at a price. Who subscribed at another keeps theirs.
    pub async fn set_price(
        &self,
        by: &Principal,
        tier: TierId,
        interval: Interval,
        cost: &Cost,
    ) -> Result<Price> {
        by.require(Permission::BillingWrite)?;
        let mut tx = self.0.db.begin().await?;
        // One at a time for each tier.
        if !store::tiers::touch(&mut tx, tier, self.0.clock.now()).await? {
            return Err(Error::NotFound("tier"));
        }
        let price = |id| Price {
            id,
            interval,
            currency: cost.currency.clone(),
            amount: cost.amount,
        };
        if let Some((id, now)) = store::prices::current(&mut tx, tier, interval).await?
            && (&now.currency, now.amount) == (&cost.currency, cost.amount)
        {
            return Ok(price(id));
        }
        let (id, now) = (PriceId::new(), self.0.clock.now());
        store::prices::archive(&mut tx, tier, interval, now).await?;
        store::prices::insert(&mut tx, id, tier, interval, cost, now).await?;
        let data =
            json!({ "interval": interval, "currency": cost.currency, "amount": cost.amount });
        self.note_price(&mut tx, by, tier, "price.set", data)
            .await?;
        tx.commit().await?;
        Ok(price(id))
    }

    /// Offers a tier at this interval no more. Who subscribed keeps paying what they pay.
    pub async fn drop_price(&self, by: &Principal, tier: TierId, interval: Interval) -> Result<()> {
        by.require(Permission::BillingWrite)?;
        let now = self.0.clock.now();
        let mut tx = self.0.db.begin().await?;
        if !store::tiers::touch(&mut tx, tier, now).await?
            || !store::prices::archive(&mut tx, tier, interval, now).await?
        {
            return Err(Error::NotFound("price"));
        }
        let data = json!({ "interval": interval });
        self.note_price(&mut tx, by, tier, "price.dropped", data)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn note_price(
        &self,
        tx: &mut PgConnection,
        by: &Principal,
        tier: TierId,
        action: &'static str,
        data: serde_json::Value,
    ) -> Result<()> {
        self.0
            .events
            .append(tx, Some(by.user), &TierChanged { tier })
            .await?;
        let act = Act {
            actor: Some(by.user),
            action,
            subject: &tier.to_string(),
            data,
        };
        self.0.audit.append(tx, act).await.map(|_| ())
    }
}
