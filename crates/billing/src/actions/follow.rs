//! Making our picture what the provider says. Web hooks come late, twice and in any order, so
//! one only says whom to ask about; of two answers the one that was asked for later counts.

use crate::{
    Billing,
    model::payments::{
        About, PaymentFailed, PaymentId, PaymentReceived, PaymentRefunded, PaymentStatus,
    },
    store::{self, payments::Known},
    stripe::objects::{
        Card, Charge, Expandable, InvoicePayment, List, PaymentIntent, Subscription,
    },
};
use kernel::{Result, id::UserId};
use sqlx::PgConnection;
use time::OffsetDateTime;

impl Billing {
    /// Asks about what a web hook names: a job.
    pub(crate) async fn follow_event(&self, event: &str) -> Result<()> {
        let found = {
            let mut db = self.0.db.acquire().await?;
            store::events::open(&mut db, event).await?
        };
        let Some((about, id)) = found else {
            return Ok(());
        };
        match about {
            About::Subscription => self.follow_subscription(&id).await?,
            About::Payment => self.follow_payment(&id).await?,
            About::Invoice => self.follow_invoice(&id).await?,
        }
        let mut db = self.0.db.acquire().await?;
        store::events::applied(&mut db, event, self.0.clock.now()).await?;
        Ok(())
    }

    async fn asking(&self) -> Result<OffsetDateTime> {
        let mut db = self.0.db.acquire().await?;
        Ok(store::events::asking(&mut db).await?)
    }

    pub(super) async fn follow_subscription(&self, id: &str) -> Result<()> {
        let stripe = self.stripe()?;
        let asked_at = self.asking().await?;
        let path = format!("subscriptions/{id}");
        let said = match stripe.get::<Subscription>(&path, &[]).await {
            Ok(said) => Some(said),
            Err(failure) if failure.is_missing() => None,
            Err(failure) => return Err(failure.into()),
        };
        let mut tx = self.0.db.begin().await?;
        let user = match &said {
            Some(said) => {
                // Whoever shares the provider's account with us has customers of their own.
                let Some(user) = store::customers::user(&mut tx, &said.customer).await? else {
                    return Ok(());
                };
                store::subscriptions::put(&mut tx, said, user, asked_at).await?;
                Some(user)
            }
            None => store::subscriptions::gone(&mut tx, id).await?,
        };
        if let Some(user) = user {
            self.settle_membership(&mut tx, user).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// An invoice is what payments are for.
    async fn follow_invoice(&self, id: &str) -> Result<()> {
        let stripe = self.stripe()?;
        let query = [("invoice", id), ("limit", "100")];
        let payments = stripe.get::<List<InvoicePayment>>("invoice_payments", &query);
        let payments = match payments.await {
            Ok(payments) => payments.data,
            Err(failure) if failure.is_missing() => return Ok(()),
            Err(failure) => return Err(failure.into()),
        };
        for payment in payments {
            if let Some(intent) = payment.payment.payment_intent {
                self.follow_payment(&intent).await?;
            }
        }
        Ok(())
    }

    async fn follow_payment(&self, id: &str) -> Result<()> {
        let stripe = self.stripe()?;
        let asked_at = self.asking().await?;
        let path = format!("payment_intents/{id}");
        let intent = stripe.get::<PaymentIntent>(&path, &[("expand[]", "latest_charge")]);
        let intent = match intent.await {
            Ok(intent) => intent,
            Err(failure) if failure.is_missing() => return Ok(()),
            Err(failure) => return Err(failure.into()),
        };
        let query = [
            ("payment[type]", "payment_intent"),
            ("payment[payment_intent]", id),
            ("expand[]", "data.invoice"),
            ("limit", "1"),
        ];
        let of: List<InvoicePayment> = stripe.get("invoice_payments", &query).await?;
        let (intent, known) = told(intent, of);
        let Some(status) = PaymentStatus::of(&intent, known.refunded) else {
            return Ok(());
        };
        let Some(customer) = intent.customer.as_deref() else {
            return Ok(());
        };
        let mut tx = self.0.db.begin().await?;
        let Some(user) = store::customers::user(&mut tx, customer).await? else {
            return Ok(());
        };
        let stood = store::payments::stood(&mut tx, id).await?;
        let put = store::payments::put(&mut tx, &intent, user, status, &known, asked_at).await?;
        if let Some(payment) = put.filter(|_| stood.as_deref() != Some(status.text())) {
            self.say(&mut tx, payment, user, status).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn say(
        &self,
        tx: &mut PgConnection,
        payment: PaymentId,
        user: UserId,
        status: PaymentStatus,
    ) -> Result<()> {
        let log = &self.0.events;
        match status {
            PaymentStatus::Paid => {
                log.append(tx, None, &PaymentReceived { payment, user })
                    .await?
            }
            PaymentStatus::Failed => {
                log.append(tx, None, &PaymentFailed { payment, user })
                    .await?
            }
            PaymentStatus::Refunded => {
                log.append(tx, None, &PaymentRefunded { payment, user })
                    .await?
            }
            PaymentStatus::Waiting | PaymentStatus::Canceled => return Ok(()),
        };
        Ok(())
    }
}

/// What an intent, its charge and its invoice say together.
fn told(mut intent: PaymentIntent, of: List<InvoicePayment>) -> (PaymentIntent, Known) {
    let charge: Option<Charge> = intent.latest_charge.take().and_then(Expandable::object);
    let invoice = of.data.into_iter().next();
    let invoice = invoice.and_then(|of| of.invoice.object());
    let refunded = charge.as_ref().map_or(0, |charge| charge.amount_refunded);
    let card = charge
        .and_then(|charge| charge.payment_method_details)
        .and_then(|details| details.card)
        .and_then(|Card { brand, last4 }| Some(format!("{} {}", brand?, last4?)));
    let failure = (intent.status != "succeeded")
        .then(|| intent.last_payment_error.as_ref()?.message.clone())
        .flatten();
    let mut known = Known {
        refunded,
        card,
        failure,
        description: intent.description.clone(),
        ..Known::default()
    };
    if let Some(invoice) = invoice {
        let lines = invoice.lines.map(|lines| lines.data).unwrap_or_default();
        let line = lines.into_iter().find_map(|line| line.description);
        known.description = line.or(known.description);
        known.invoice_number = invoice.number;
        known.invoice_url = invoice.hosted_invoice_url;
    }
    (intent, known)
}
