//! What a subscription opens: the membership follows it, and ends with it.

use crate::{
    Billing,
    jobs::CloseCustomer,
    model::{Grant, Key, TierEnded, TierGranted, payments::Subscription},
    store,
    stripe::objects::{List, Named},
};
use kernel::{Error, Permission, Principal, Result, id::UserId, jobs};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

impl Billing {
    /// Gives or takes what the subscriptions of somebody say, in the caller's transaction. What
    /// staff gave is replaced by what is paid for, and stays if nothing is.
    pub(crate) async fn settle_membership(
        &self,
        tx: &mut PgConnection,
        user: UserId,
    ) -> Result<()> {
        store::memberships::lock(tx, user).await?;
        let now = self.0.clock.now();
        let open = store::subscriptions::opening(tx, user, now).await?;
        let held = store::memberships::paid(tx, user).await?;
        let Some(open) = open else {
            if held.is_some_and(|held| held.subscription.is_some()) {
                self.take(tx, user).await?;
                self.0.events.append(tx, None, &TierEnded { user }).await?;
            }
            return Ok(());
        };
        if let Some(held) = &held
            && held.subscription.as_deref() == Some(&open.id)
            && held.tier == open.tier
        {
            if held.until != open.until {
                store::memberships::set_end(tx, user, open.until).await?;
            }
            return Ok(());
        }
        let before = store::memberships::held(tx, user).await?;
        // What was archived is kept by who pays for it.
        let Some((tier, _)) = store::tiers::lock(tx, &open.tier, before).await? else {
            return Ok(());
        };
        self.take(tx, user).await?;
        let grant = Grant {
            tier: Key(open.tier),
            until: open.until,
            reason: None,
        };
        store::memberships::insert(tx, user, tier, &grant, None, now, false).await?;
        store::memberships::set_subscription(tx, user, &open.id).await?;
        store::tiers::count(tx, tier, 1).await?;
        self.0
            .events
            .append(tx, None, &TierGranted { user })
            .await?;
        Ok(())
    }

    /// What somebody has subscribed to, as staff see it.
    pub(crate) async fn subscription(
        &self,
        caller: &Principal,
        user: UserId,
    ) -> Result<Option<Subscription>> {
        caller.require(Permission::BillingRead)?;
        let mut db = self.0.db.acquire().await?;
        Ok(store::subscriptions::live(&mut db, user).await?)
    }

    /// Has somebody's subscription end with what is paid for.
    pub(crate) async fn end_subscription(&self, by: &Principal, user: UserId) -> Result<()> {
        by.require(Permission::BillingWrite)?;
        let stripe = self.stripe()?;
        let live = {
            let mut db = self.0.db.acquire().await?;
            store::subscriptions::live(&mut db, user).await?
        };
        let live = live.ok_or(Error::NotFound("subscription"))?;
        let path = format!("subscriptions/{}", live.id);
        let form = [("cancel_at_period_end", "true")];
        let key = Uuid::new_v4().to_string();
        match stripe.post::<Named>(&path, &form, &key).await {
            Ok(_) => {}
            // It is over there already, which is learned now.
            Err(failure) if failure.is_missing() => {}
            Err(failure) => return Err(failure.into()),
        }
        let mut tx = self.0.db.begin().await?;
        let data = json!({ "subscription": live.id, "tier": live.tier });
        self.note(&mut tx, by, user, "subscription.ended", data)
            .await?;
        tx.commit().await?;
        // Whoever did it sees it at once; the web hook says the same later.
        self.follow_subscription(&live.id).await
    }

    /// Ends what an erased person subscribed to, and has the provider forget them: a job.
    pub(crate) async fn close_customer(&self, customer: &str) -> Result<()> {
        let Some(stripe) = &self.0.stripe else {
            return Ok(());
        };
        let query = [("customer", customer), ("limit", "100")];
        let subscriptions: List<Named> = match stripe.get("subscriptions", &query).await {
            Ok(list) => list,
            Err(failure) if failure.is_missing() => return Ok(()),
            Err(failure) => return Err(failure.into()),
        };
        let ends = subscriptions
            .data
            .iter()
            .map(|one| format!("subscriptions/{}", one.id));
        for path in ends.chain([format!("customers/{customer}")]) {
            match stripe.delete::<Value>(&path).await {
                Ok(_) => {}
                Err(failure) if failure.is_missing() => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok(())
    }

    /// Forgets whoever is erased, in the caller's transaction. What was paid stays, under an id
    /// that leads to nobody: books must be kept.
    pub async fn forget(&self, tx: &mut PgConnection, user: UserId) -> Result<()> {
        if let Some(customer) = store::customers::unlink(tx, user).await? {
            jobs::enqueue(tx, CloseCustomer { customer }).await?;
        }
        self.take(tx, user).await.map(|_| ())
    }
}
