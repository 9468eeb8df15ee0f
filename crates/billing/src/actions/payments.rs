//! What was paid: read by whoever paid, and by staff.

use crate::{
    Billing,
    model::payments::{Payment, PaymentId, PaymentStatus},
    store,
};
use kernel::{
    Permission, Principal, Result,
    id::UserId,
    page::{Page, PageQuery},
};
use serde_json::{Value, json};
use time::OffsetDateTime;

impl Billing {
    /// What the caller paid, the latest first.
    pub(crate) async fn my_payments(
        &self,
        caller: &Principal,
        page: &PageQuery,
    ) -> Result<Page<Payment>> {
        self.list_payments(Some(caller.user), None, page).await
    }

    /// What everybody paid, the latest first.
    pub(crate) async fn payments(
        &self,
        caller: &Principal,
        user: Option<UserId>,
        status: Option<PaymentStatus>,
        page: &PageQuery,
    ) -> Result<Page<Payment>> {
        caller.require(Permission::BillingRead)?;
        self.list_payments(user, status, page).await
    }

    async fn list_payments(
        &self,
        user: Option<UserId>,
        status: Option<PaymentStatus>,
        page: &PageQuery,
    ) -> Result<Page<Payment>> {
        let (limit, after) = (page.limit()?, page.after::<(OffsetDateTime, PaymentId)>()?);
        let mut db = self.0.db.acquire().await?;
        let (db, more) = (&mut *db, limit + 1);
        let rows = match (user, status) {
            (Some(user), status) => store::payments::list_of(db, user, status, after, more).await?,
            (None, Some(status)) => {
                store::payments::list_by_status(db, status, after, more).await?
            }
            (None, None) => store::payments::list(db, after, more).await?,
        };
        Ok(Page::of(
            rows,
            limit,
            |row| (row.created_at, row.id),
            |row| row,
        ))
    }

    /// What somebody holds, had subscribed to and paid, for the copy that they can have.
    pub async fn holdings(&self, user: UserId) -> Result<Value> {
        let mut db = self.0.db.acquire().await?;
        Ok(json!({
            "memberships": store::memberships::holdings(&mut db, user).await?,
            "subscriptions": store::subscriptions::holdings(&mut db, user).await?,
            "payments": store::payments::holdings(&mut db, user).await?,
        }))
    }
}
