//! Web hook endpoints. The secret is shown once, at creation. Several secrets may be valid while one is being rolled.

use super::{Args, copy, deleted, list};
use crate::core::cx::API_VERSION;
use crate::core::schema::merge_metadata;
use crate::core::{ApiError, Cx, Read, Result, json};

const KIND: &str = "webhook_endpoint";

fn check_url(url: &str) -> Result<()> {
    let parsed = url::Url::parse(url).map_err(|_| {
        ApiError::param(
            "url",
            "Invalid URL: an explicit scheme (such as https) must be provided.",
        )
        .code("url_invalid")
    })?;
    if matches!(parsed.scheme(), "http" | "https") && parsed.host_str().is_some() {
        Ok(())
    } else {
        Err(
            ApiError::param("url", "Invalid URL: only http and https are possible.")
                .code("url_invalid"),
        )
    }
}

/// `POST /v1/webhook_endpoints`
pub(crate) fn create(cx: &mut Cx<'_>, a: &Args) -> Result {
    check_url(a.p.s("url"))?;
    if a.p
        .opt("api_version")
        .is_some_and(|version| version != API_VERSION)
    {
        return Err(ApiError::param(
            "api_version",
            format!("The sandbox sends events in {API_VERSION} only."),
        ));
    }
    if a.p.b("connect") {
        return Err(ApiError::not_imitated("connect"));
    }
    let secret = cx.id("whsec");
    let mut endpoint = cx.object(KIND, "we", json!({"status": "enabled", "url": a.p["url"], "enabled_events": a.p["enabled_events"], "api_version": a.p["api_version"], "_secrets": [secret]}));
    copy(&mut endpoint, &a.p, &["description"]);
    merge_metadata(&mut endpoint, &a.p["metadata"]);
    let mut shown = cx.put(endpoint);
    shown.put("secret", secret);
    Ok(shown)
}

/// `GET /v1/webhook_endpoints/{id}`
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.take(KIND, a.id(), "id")
}

/// `POST /v1/webhook_endpoints/{id}`
pub(crate) fn update(cx: &mut Cx<'_>, a: &Args) -> Result {
    let mut endpoint = cx.take(KIND, a.id(), "id")?;
    if let Some(url) = a.p.opt("url") {
        check_url(url)?;
    }
    copy(
        &mut endpoint,
        &a.p,
        &["url", "description", "enabled_events"],
    );
    if let Some(off) = a.p["disabled"].as_bool() {
        endpoint.put("status", if off { "disabled" } else { "enabled" });
    }
    merge_metadata(&mut endpoint, &a.p["metadata"]);
    Ok(cx.put(endpoint))
}

/// `DELETE /v1/webhook_endpoints/{id}`: what was not delivered yet never will be.
pub(crate) fn delete(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.find(KIND, a.id(), "id")?;
    let waiting: Vec<String> = cx
        .state
        .all("_delivery")
        .filter(|delivery| delivery.s("endpoint") == a.id())
        .map(|delivery| delivery.s("id").to_owned())
        .collect();
    for id in waiting {
        cx.state.remove(&id);
    }
    cx.state.remove(a.id());
    Ok(deleted(a.id(), KIND))
}

/// `GET /v1/webhook_endpoints`
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    list::plain(cx, &a.p, KIND, &[], "/v1/webhook_endpoints")
}
