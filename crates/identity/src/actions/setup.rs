//! The first owner, through a link that the server prints.

use crate::{
    Identity,
    actions::entry::Arrival,
    model::{
        NewAccount, OwnerCreated,
        entry::{Entry, Method},
    },
    secrets::{self, Token},
    store,
};
use kernel::{Error, Result, audit::Act, client::ClientAddr};
use serde_json::json;

const SETUP: &str = "setup";
const SETUP_LIFE: time::Duration = time::Duration::days(7);

impl Identity {
    /// Whether nobody owns this place yet. Demo people do not count.
    pub async fn setup_needed(&self) -> Result<bool> {
        let mut db = self.0.db.acquire().await?;
        Ok(!store::accounts::has_owner(&mut db).await?)
    }

    /// Whether nobody is here yet, demo people included.
    pub async fn is_empty(&self) -> Result<bool> {
        let mut db = self.0.db.acquire().await?;
        Ok(store::accounts::none_yet(&mut db).await?)
    }

    /// A fresh set-up link; the one before stops working. Nothing once there is an owner.
    pub async fn setup_link(&self) -> Result<Option<String>> {
        let inner = &self.0;
        let now = inner.clock.now();
        let mut tx = inner.db.begin().await?;
        if store::accounts::has_owner(&mut tx).await? {
            return Ok(None);
        }
        let token = Token::new()?;
        store::tokens::revoke(&mut tx, SETUP, None, now).await?;
        store::tokens::insert(&mut tx, &token.hash, SETUP, None, None, now + SETUP_LIFE).await?;
        tx.commit().await?;
        Ok(Some(self.link("/setup", &token.text)))
    }

    /// Makes the first owner and signs them in.
    pub async fn set_up(
        &self,
        token: &str,
        owner: NewAccount,
        from: ClientAddr,
        device: &str,
    ) -> Result<Entry> {
        let inner = &self.0;
        let now = inner.clock.now();
        let hash = inner.hasher.hash(owner.password.expose()).await?;
        let mut tx = inner.db.begin().await?;
        // The token's row is locked by its use: of two who come at once, one is first.
        if !store::tokens::consume(&mut tx, &secrets::hash(token), SETUP, now).await? {
            return Err(Error::conflict(
                "link_stale",
                "This set-up link was used already or is too old. `portico setup-link` prints a new one.",
            ));
        }
        if store::accounts::has_owner(&mut tx).await? {
            return Err(Error::conflict(
                "owner_exists",
                "This place has an owner already.",
            ));
        }
        let user = store::accounts::insert(&mut tx, &owner.email, &owner.name, now, false)
            .await?
            .ok_or_else(|| {
                Error::field(
                    "email",
                    "taken",
                    "There is an account with this address already.",
                )
            })?;
        self.put_password(&mut tx, user, &hash).await?;
        // Whoever holds the link runs the machine: their address needs no proof by mail.
        store::accounts::verify_email(&mut tx, user, now).await?;
        store::accounts::grant(&mut tx, user, "owner", None).await?;
        inner
            .events
            .append(&mut tx, Some(user), &OwnerCreated { user })
            .await?;
        let act = Act {
            actor: Some(user),
            action: "owner.created",
            subject: &user.to_string(),
            data: json!({ "email": owner.email.address.as_str() }),
        };
        inner.audit.append(&mut tx, act).await?;
        let arrival = Arrival {
            user,
            method: Method::Setup,
            from,
            device,
            cookie: None,
            second: None,
        };
        let entry = self.admit(&mut tx, arrival).await?;
        tx.commit().await?;
        Ok(entry)
    }
}
