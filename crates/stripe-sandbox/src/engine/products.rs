//! Products and the features attached to them.

use super::{Args, copy, deleted, list};
use crate::core::schema::merge_metadata;
use crate::core::{ApiError, Cx, Read, Result, Value, json};
use crate::engine::prices;

const KIND: &str = "product";
const FIELDS: &[&str] = &[
    "name",
    "active",
    "description",
    "images",
    "marketing_features",
    "tax_code",
    "unit_label",
    "statement_descriptor",
    "shippable",
    "url",
];

/// POST /v1/products
pub(crate) fn create(cx: &mut Cx<'_>, a: &Args) -> Result {
    let id = match a.p.opt("id") {
        Some(id) if cx.state.get(id).is_some() => {
            return Err(
                ApiError::param("id", "Product already exists.").code("resource_already_exists")
            );
        }
        Some(id) if id.len() > 255 || id.contains(|c: char| c.is_whitespace() || c == '/') => {
            return Err(ApiError::param("id", "Invalid product id."));
        }
        Some(id) => id.to_owned(),
        None => cx.id("prod"),
    };
    let mut product = cx.object(
        KIND,
        "prod",
        json!({"active": true, "type": "service", "updated": cx.now}),
    );
    product.put("id", id.as_str());
    copy(&mut product, &a.p, FIELDS);
    merge_metadata(&mut product, &a.p["metadata"]);
    if product.s("name").is_empty() {
        return Err(
            ApiError::param("name", "You passed an empty string for 'name'.")
                .code("parameter_invalid_empty"),
        );
    }
    cx.create(product, "product.created");
    if a.p.has("default_price_data") {
        let mut data = a.p["default_price_data"].clone();
        data.put("product", id.as_str());
        let price = prices::build(cx, &data)?;
        let mut product = cx.take(KIND, &id, "id")?;
        product.put("default_price", price["id"].clone());
        cx.put(product);
    }
    cx.take(KIND, &id, "id")
}

/// GET /v1/products/{id}
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    match cx.state.of(KIND, a.id()) {
        Some(found) if found.b("deleted") => Ok(deleted(a.id(), KIND)),
        Some(found) => Ok(found.clone()),
        None => Err(ApiError::missing(KIND, a.id(), "id")),
    }
}

/// POST /v1/products/{id}
pub(crate) fn update(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut product = cx.take(KIND, a.id(), "id")?;
    copy(&mut product, &a.p, FIELDS);
    merge_metadata(&mut product, &a.p["metadata"]);
    if let Some(price) = a.p.opt("default_price") {
        let found = cx.find("price", price, "default_price")?;
        if found.s("product") != a.id() {
            return Err(ApiError::param(
                "default_price",
                "The default price must belong to the product.",
            ));
        }
        product.put("default_price", price);
    } else if a.p["default_price"].as_str() == Some("") {
        product.put("default_price", Value::Null);
    }
    product.put("updated", cx.now);
    Ok(cx.save(product, "product.updated"))
}

/// DELETE /v1/products/{id}: only while no price hangs on it.
pub(crate) fn delete(cx: &mut Cx<'_>, a: &Args) -> Result {
    let product = cx.find(KIND, a.id(), "id")?;
    if cx.state.owned(a.id(), "price").next().is_some() {
        return Err(ApiError::invalid(
            "This product cannot be deleted because it has one or more user-created prices.",
        ));
    }
    cx.emit("product.deleted", &product);
    cx.put(deleted(a.id(), KIND));
    Ok(deleted(a.id(), KIND))
}

/// GET /v1/products
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    let ids: Option<Vec<&str>> =
        a.p.has("ids")
            .then(|| a.p.list("ids").iter().filter_map(Value::as_str).collect());
    let found = cx
        .state
        .all(KIND)
        .rev()
        .filter(|value| list::matches(value, &a.p, &["active", "shippable", "url", "type"]))
        .filter(|value| ids.as_ref().is_none_or(|ids| ids.contains(&value.s("id"))))
        .cloned()
        .collect();
    list::page(&a.p, found, "/v1/products")
}

/// POST /v1/products/{id}/features
pub(crate) fn attach_feature(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.find(KIND, a.id(), "id")?;
    let feature = cx.find(
        "entitlements.feature",
        a.p.s("entitlement_feature"),
        "entitlement_feature",
    )?;
    if cx
        .state
        .owned(a.id(), "product_feature")
        .any(|attached| attached.s("entitlement_feature") == feature.s("id"))
    {
        return Err(ApiError::param(
            "entitlement_feature",
            "This feature is already attached to the product.",
        ));
    }
    let attached = cx.object(
        "product_feature",
        "prodft",
        json!({"entitlement_feature": feature["id"], "_owner": a.id()}),
    );
    let attached = cx.put(attached);
    super::entitlements::refresh_product(cx, a.id());
    Ok(attached.clone())
}

/// GET /v1/products/{id}/features/{fid}
pub(crate) fn get_feature(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.take("product_feature", a.id2(), "id").and_then(|found| {
        if found.s("_owner") == a.id() {
            Ok(found)
        } else {
            Err(ApiError::missing("product_feature", a.id2(), "id"))
        }
    })
}

/// GET /v1/products/{id}/features
pub(crate) fn features(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.find(KIND, a.id(), "id")?;
    let found = cx
        .state
        .owned(a.id(), "product_feature")
        .rev()
        .cloned()
        .collect();
    list::page(&a.p, found, &format!("/v1/products/{}/features", a.id()))
}

/// DELETE /v1/products/{id}/features/{fid}
pub(crate) fn detach_feature(cx: &mut Cx<'_>, a: &Args) -> Result {
    get_feature(cx, a)?;
    cx.state.remove(a.id2());
    super::entitlements::refresh_product(cx, a.id());
    Ok(deleted(a.id2(), "product_feature"))
}
