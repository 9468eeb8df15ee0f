//! What staff do with tiers and features.

use crate::{
    Billing,
    model::{Feature, FeatureRow, Holder, Key, Tier, TierChanged, TierCreated, TierId, TierText},
    store,
};
use kernel::{
    Error, Permission, Principal, Result,
    audit::Act,
    id::UserId,
    page::{Page, PageQuery},
};
use serde_json::json;
use sqlx::PgConnection;

impl Billing {
    /// Every tier, the archived last. For whoever minds them, and for whoever addresses
    /// an update to one.
    pub async fn tiers(&self, caller: &Principal) -> Result<Vec<Tier>> {
        if !caller.can(Permission::UpdatesPublish) {
            caller.require(Permission::BillingRead)?;
        }
        let mut db = self.0.db.acquire().await?;
        Ok(store::tiers::list(&mut db, None).await?)
    }

    /// Makes a tier.
    pub async fn create_tier(&self, by: &Principal, key: &Key, said: &TierText) -> Result<Tier> {
        by.require(Permission::BillingWrite)?;
        let (id, now) = (TierId::new(), self.0.clock.now());
        let mut tx = self.0.db.begin().await?;
        if !store::tiers::insert(&mut tx, id, key, said, false, now).await? {
            return Err(Error::field(
                "key",
                "taken",
                "Another tier has this key. Keys stay, even when a tier is archived.",
            ));
        }
        open(&mut tx, id, said).await?;
        self.0
            .events
            .append(&mut tx, Some(by.user), &TierCreated { tier: id })
            .await?;
        let tier = self.written(&mut tx, by, id, "tier.created").await?;
        tx.commit().await?;
        Ok(tier)
    }

    /// Says anew what a tier is; archives it or brings it back. Whoever holds it keeps it.
    pub async fn change_tier(
        &self,
        by: &Principal,
        id: TierId,
        said: &TierText,
        archived: bool,
    ) -> Result<Tier> {
        by.require(Permission::BillingWrite)?;
        let mut tx = self.0.db.begin().await?;
        if !store::tiers::update(&mut tx, id, said, archived, self.0.clock.now()).await? {
            return Err(Error::NotFound("tier"));
        }
        open(&mut tx, id, said).await?;
        self.0
            .events
            .append(&mut tx, Some(by.user), &TierChanged { tier: id })
            .await?;
        let tier = self.written(&mut tx, by, id, "tier.changed").await?;
        tx.commit().await?;
        Ok(tier)
    }

    /// Writes down what was done with a tier, and reads it back whole.
    async fn written(
        &self,
        tx: &mut PgConnection,
        by: &Principal,
        id: TierId,
        action: &'static str,
    ) -> Result<Tier> {
        let tier = store::tiers::list(tx, Some(id)).await?.pop();
        let tier = tier.ok_or(Error::NotFound("tier"))?;
        let act = Act {
            actor: Some(by.user),
            action,
            subject: &id.to_string(),
            data: json!({ "key": tier.key, "name": tier.name, "features": tier.features,
                "archived": tier.archived_at.is_some() }),
        };
        self.0.audit.append(tx, act).await?;
        Ok(tier)
    }

    /// Who holds a tier, a page at a time.
    pub async fn holders(
        &self,
        caller: &Principal,
        tier: TierId,
        page: &PageQuery,
    ) -> Result<Page<Holder>> {
        caller.require(Permission::BillingRead)?;
        let (limit, after) = (page.limit()?, page.after::<UserId>()?);
        let mut db = self.0.db.acquire().await?;
        if store::tiers::list(&mut db, Some(tier)).await?.is_empty() {
            return Err(Error::NotFound("tier"));
        }
        let now = self.0.clock.now();
        let rows = store::memberships::holders(&mut db, tier, after, now, limit + 1).await?;
        Ok(Page::of(rows, limit, |row| row.user, |row| row))
    }

    /// Every feature that a tier may open.
    pub async fn features(&self, caller: &Principal) -> Result<Vec<FeatureRow>> {
        caller.require(Permission::BillingRead)?;
        let mut db = self.0.db.acquire().await?;
        Ok(store::features::list(&mut db).await?)
    }

    /// Writes a feature, new or known.
    pub async fn put_feature(&self, by: &Principal, feature: &Feature) -> Result<()> {
        by.require(Permission::BillingWrite)?;
        let mut tx = self.0.db.begin().await?;
        store::features::put(&mut tx, feature, false).await?;
        let data = json!({ "name": feature.name });
        self.note_feature(&mut tx, by, &feature.key, "feature.written", data)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Removes a feature that no tier opens.
    pub async fn delete_feature(&self, by: &Principal, key: &Key) -> Result<()> {
        by.require(Permission::BillingWrite)?;
        let mut tx = self.0.db.begin().await?;
        let gone = store::features::delete(&mut tx, &key.0).await;
        if gone.as_ref().is_err_and(is_opened) {
            return Err(Error::conflict(
                "feature_in_use",
                "A tier opens this feature. Take it out of the tiers first.",
            ));
        }
        if !gone? {
            return Err(Error::NotFound("feature"));
        }
        self.note_feature(&mut tx, by, key, "feature.removed", json!({}))
            .await?;
        tx.commit().await?;
        Ok(())
    }

    async fn note_feature(
        &self,
        tx: &mut PgConnection,
        by: &Principal,
        key: &Key,
        action: &'static str,
        data: serde_json::Value,
    ) -> Result<()> {
        let act = Act {
            actor: Some(by.user),
            action,
            subject: &key.0,
            data,
        };
        self.0.audit.append(tx, act).await.map(|_| ())
    }
}

/// Replaces what a tier opens; every feature must be there.
async fn open(tx: &mut PgConnection, tier: TierId, said: &TierText) -> Result<()> {
    let keys: Vec<String> = said
        .features
        .iter()
        .map(|one| one.feature.clone())
        .collect();
    let missing = store::features::missing(tx, &keys).await?;
    if let Some(first) = missing.first() {
        return Err(Error::field(
            "features",
            "unknown",
            format!("There is no feature with the key {first}."),
        ));
    }
    store::features::open(tx, tier, &said.features).await?;
    Ok(())
}

fn is_opened(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(|error| error.constraint())
        == Some("tier_features_feature_fkey")
}
