//! Buying: at the provider's page, which knows cards so that we need not.

use crate::{
    Billing,
    model::{
        Benefit, Tier,
        payments::{Buyer, PriceId, Subscription, Wanted, nothing_is_sold},
    },
    store,
    stripe::{
        Client, Failure,
        objects::{List, Named, Session},
    },
};
use kernel::{Error, Principal, Result, id::UserId};
use uuid::Uuid;

/// What somebody could subscribe to, and what they have subscribed to.
#[derive(Debug)]
pub(crate) struct Offers {
    pub(crate) on_sale: bool,
    pub(crate) tiers: Vec<(Tier, Vec<Benefit>)>,
    pub(crate) subscription: Option<Subscription>,
}

impl Billing {
    /// What the caller could subscribe to, and what they have subscribed to.
    pub(crate) async fn offers(&self, caller: &Principal) -> Result<Offers> {
        let mut db = self.0.db.acquire().await?;
        let subscription = store::subscriptions::live(&mut db, caller.user).await?;
        let mut tiers = store::tiers::list(&mut db, None).await?;
        tiers.retain(|tier| tier.archived_at.is_none() && !tier.prices.is_empty());
        let mut words = store::features::words(&mut db).await?;
        let tiers = tiers.into_iter().map(|tier| {
            let benefits = words.remove(&tier.id).unwrap_or_default();
            (tier, benefits)
        });
        Ok(Offers {
            on_sale: self.0.stripe.is_some(),
            tiers: tiers.collect(),
            subscription,
        })
    }

    /// Begins to buy; the address of the page that goes on with it. A page that was begun
    /// before ends, so that nobody pays twice.
    pub(crate) async fn check_out(&self, caller: &Principal, price: PriceId) -> Result<String> {
        let stripe = self.stripe()?;
        let (wanted, buyer) = self.purchase(caller.user, price).await?;
        if self.has_paid(stripe, &buyer).await? {
            return Err(subscribed_already());
        }
        let begun = self.begin(stripe, caller.user, &wanted, &buyer).await;
        let session = match begun {
            // The provider was emptied: what we thought it knew is told again.
            Err(failure) if failure.is_missing() => {
                self.unlink(caller.user, &wanted).await?;
                let (wanted, buyer) = self.purchase(caller.user, price).await?;
                self.begin(stripe, caller.user, &wanted, &buyer).await?
            }
            begun => begun?,
        };
        let mut db = self.0.db.acquire().await?;
        store::customers::paying(&mut db, caller.user, &session.id).await?;
        session.url.ok_or(Error::Unavailable("the payment page"))
    }

    /// The provider's page on which the caller changes cards, changes the plan or cancels it.
    pub(crate) async fn portal(&self, caller: &Principal) -> Result<String> {
        let stripe = self.stripe()?;
        let buyer = {
            let mut db = self.0.db.acquire().await?;
            store::customers::buyer(&mut db, caller.user).await?
        };
        let Some(customer) = buyer.and_then(|buyer| buyer.customer) else {
            return Err(Error::conflict(
                "no_subscription",
                "There is nothing to manage before the first subscription.",
            ));
        };
        let back = self.page("membership");
        let form = [("customer", customer.as_str()), ("return_url", &back)];
        let key = Uuid::new_v4().to_string();
        let session: Session = stripe
            .post("billing_portal/sessions", &form, &key)
            .await
            .map_err(|failure| {
                if failure.is_missing() {
                    Error::conflict(
                        "no_subscription",
                        "The payment provider does not know you any more. Subscribe anew.",
                    )
                } else {
                    failure.into()
                }
            })?;
        session.url.ok_or(Error::Unavailable("the payment page"))
    }

    pub(crate) fn stripe(&self) -> Result<&Client> {
        self.0.stripe.as_ref().ok_or_else(nothing_is_sold)
    }

    /// What is bought and who buys it; nothing is sold twice to one person.
    async fn purchase(&self, user: UserId, price: PriceId) -> Result<(Wanted, Buyer)> {
        let mut db = self.0.db.acquire().await?;
        let Some(wanted) = store::prices::wanted(&mut db, price).await? else {
            return Err(Error::field(
                "price",
                "unknown",
                "This price is offered no more. Look at the offers again.",
            ));
        };
        if store::subscriptions::live(&mut db, user).await?.is_some() {
            return Err(subscribed_already());
        }
        let buyer = store::customers::buyer(&mut db, user).await?;
        Ok((wanted, buyer.ok_or(Error::NotFound("person"))?))
    }

    /// Ends the page that was begun before; whether it was paid, which may not be known here yet.
    async fn has_paid(&self, stripe: &Client, buyer: &Buyer) -> Result<bool, Failure> {
        let Some(before) = &buyer.checkout else {
            return Ok(false);
        };
        let path = format!("checkout/sessions/{before}/expire");
        match stripe.post::<Named>(&path, &[], before).await {
            Ok(_) => return Ok(false),
            Err(failure) if failure.is_missing() => return Ok(false),
            Err(Failure::Refused { .. }) => {}
            Err(failure) => return Err(failure),
        }
        let path = format!("checkout/sessions/{before}");
        let session: Session = stripe.get(&path, &[]).await?;
        if session.status.as_deref() != Some("complete") {
            return Ok(false);
        }
        // One that was paid and has ended since is no hindrance.
        let query = [
            ("customer", buyer.customer.as_deref().unwrap_or_default()),
            ("limit", "1"),
        ];
        let live: List<Named> = stripe.get("subscriptions", &query).await?;
        Ok(!live.data.is_empty())
    }

    async fn begin(
        &self,
        stripe: &Client,
        user: UserId,
        wanted: &Wanted,
        buyer: &Buyer,
    ) -> Result<Session, Failure> {
        let price = match &wanted.provider_id {
            Some(id) => id.clone(),
            None => self.tell_price(stripe, wanted).await?,
        };
        let customer = match &buyer.customer {
            Some(id) => id.clone(),
            None => self.tell_customer(stripe, user, buyer).await?,
        };
        let user = user.to_string();
        let (done, canceled) = (
            self.page("membership?checkout=done"),
            self.page("membership"),
        );
        let form = [
            ("mode", "subscription"),
            ("customer", &customer),
            ("client_reference_id", &user),
            ("line_items[0][price]", &price),
            ("line_items[0][quantity]", "1"),
            ("subscription_data[metadata][user_id]", &user),
            ("success_url", &done),
            ("cancel_url", &canceled),
        ];
        // Each attempt of a person is one of its own.
        let key = Uuid::new_v4().to_string();
        stripe.post("checkout/sessions", &form, &key).await
    }

    /// Makes a price at the provider, below a product for its tier. The names are ours, so that
    /// doing it twice makes nothing twice.
    async fn tell_price(&self, stripe: &Client, wanted: &Wanted) -> Result<String, Failure> {
        let id = wanted.id.to_string();
        let known = [("lookup_keys[]", id.as_str()), ("active", "true")];
        let known: List<Named> = stripe.get("prices", &known).await?;
        let told = match known.data.into_iter().next() {
            Some(known) => known,
            None => self.make_price(stripe, wanted, &id).await?,
        }
        .id;
        let linked = async {
            let mut db = self.0.db.acquire().await?;
            store::prices::link(&mut db, wanted.id, Some(&told)).await
        };
        linked.await.map_err(|error| Failure::Away(error.into()))?;
        Ok(told)
    }

    async fn make_price(
        &self,
        stripe: &Client,
        wanted: &Wanted,
        id: &str,
    ) -> Result<Named, Failure> {
        let product = format!("prod_{}", wanted.tier.0.simple());
        let form = [("id", product.as_str()), ("name", &wanted.tier_name)];
        let key = Uuid::new_v4().to_string();
        match stripe.post::<Named>("products", &form, &key).await {
            Err(failure) if failure.code() != Some("resource_already_exists") => {
                return Err(failure);
            }
            _ => {}
        }
        let amount = wanted.amount.to_string();
        let form = [
            ("product", product.as_str()),
            ("currency", &wanted.currency),
            ("unit_amount", &amount),
            ("recurring[interval]", &wanted.interval),
            ("lookup_key", id),
            ("metadata[price_id]", id),
        ];
        let key = Uuid::new_v4().to_string();
        stripe.post("prices", &form, &key).await
    }

    async fn tell_customer(
        &self,
        stripe: &Client,
        user: UserId,
        buyer: &Buyer,
    ) -> Result<String, Failure> {
        let id = user.to_string();
        let form = [
            ("email", buyer.email.as_str()),
            ("name", &buyer.name),
            ("metadata[user_id]", &id),
        ];
        let key = Uuid::new_v4().to_string();
        let made: Named = stripe.post("customers", &form, &key).await?;
        let linked = async {
            let mut db = self.0.db.acquire().await?;
            store::customers::link(&mut db, user, &made.id).await
        };
        linked.await.map_err(|error| Failure::Away(error.into()))
    }

    async fn unlink(&self, user: UserId, wanted: &Wanted) -> Result<()> {
        let mut tx = self.0.db.begin().await?;
        store::prices::link(&mut tx, wanted.id, None).await?;
        store::customers::unlink(&mut tx, user).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The address of a page of ours.
    fn page(&self, path: &str) -> String {
        format!("{}{path}", self.0.public_url)
    }
}

fn subscribed_already() -> Error {
    Error::conflict(
        "subscribed_already",
        "You have a subscription already. Change it instead of buying a second one.",
    )
}
