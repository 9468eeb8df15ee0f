//! Where the provider sends its web hooks: told at each start.

use super::inbox::endpoint;
use crate::{
    Billing,
    model::payments::KINDS,
    store,
    stripe::{Failure, objects::Endpoint},
};
use anyhow::Context;
use kernel::Result;
use url::Url;
use uuid::Uuid;

/// By which we know our own among the provider's.
const MARK: (&str, &str) = ("metadata[made_by]", "portico");

impl Billing {
    /// Has the provider send its web hooks to this address. The secret that signs them is the
    /// provider's; it is kept sealed and stays as long as the provider knows the place.
    pub async fn listen_at(&self, address: &Url) -> Result<()> {
        let stripe = self.stripe()?;
        let known = {
            let mut db = self.0.db.acquire().await?;
            store::events::endpoints(&mut db).await?
        };
        let address = address.to_string();
        if let Some((id, _)) = known.first() {
            let path = format!("webhook_endpoints/{id}");
            let form = [("url", address.as_str()), ("disabled", "false")];
            let key = Uuid::new_v4().to_string();
            match stripe.post::<Endpoint>(&path, &form, &key).await {
                Ok(_) => return Ok(()),
                Err(Failure::Refused { .. }) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        let kinds: Vec<(String, &str)> = (0..)
            .zip(KINDS)
            .map(|(n, &kind)| (format!("enabled_events[{n}]"), kind))
            .collect();
        let mut form = vec![
            ("url", address.as_str()),
            ("api_version", crate::stripe::VERSION),
            MARK,
        ];
        form.extend(kinds.iter().map(|(name, kind)| (name.as_str(), *kind)));
        let key = Uuid::new_v4().to_string();
        let made: Endpoint = stripe.post("webhook_endpoints", &form, &key).await?;
        let secret = made.secret.context("no secret for web hooks")?;
        let sealed = self.0.vault.seal(endpoint(&made.id), secret.as_bytes());
        let sealed = sealed.map_err(anyhow::Error::new)?;
        let mut tx = self.0.db.begin().await?;
        store::events::set_endpoint(&mut tx, &made.id, &sealed).await?;
        tx.commit().await?;
        Ok(())
    }

    /// After a rotation of the vault, the secret comes under the new key: a job.
    pub(crate) async fn reseal(&self) -> Result<()> {
        let vault = &self.0.vault;
        // Whoever rotated may have been another process.
        vault.refresh().map_err(anyhow::Error::new)?;
        let mut tx = self.0.db.begin().await?;
        for (id, sealed) in store::events::endpoints(&mut tx).await? {
            if vault.needs_reseal(&sealed) {
                let new = vault.rewrap(&sealed).map_err(anyhow::Error::new)?;
                store::events::reseal(&mut tx, &id, &new).await?;
            }
        }
        tx.commit().await?;
        Ok(())
    }
}
