//! Reading the event log.

use super::{Args, list};
use crate::core::{ApiError, Cx, Read, Result, Value, render};

/// GET /v1/events/{id}
pub(crate) fn get(cx: &mut Cx<'_>, a: &Args) -> Result {
    cx.state
        .event(a.id())
        .map(|event| render::event(cx.state, event))
        .ok_or_else(|| ApiError::missing("event", a.id(), "id"))
}

/// GET /v1/events
pub(crate) fn all(cx: &mut Cx<'_>, a: &Args) -> Result {
    let p = &a.p;
    let types: Option<Vec<&str>> = p
        .has("types")
        .then(|| p.list("types").iter().filter_map(Value::as_str).collect());
    if p.has("type") && types.is_some() {
        return Err(ApiError::param(
            "types",
            "You may pass either type or types, but not both.",
        ));
    }
    let fits = |kind: &str, pattern: &str| {
        kind == pattern
            || pattern
                .strip_suffix('*')
                .is_some_and(|prefix| kind.starts_with(prefix))
    };
    let delivered = p["delivery_success"].as_bool();
    let found: Vec<_> = cx
        .state
        .events()
        .rev()
        .filter(|event| {
            p.opt("type").is_none_or(|wanted| fits(&event.kind, wanted))
                && types
                    .as_ref()
                    .is_none_or(|all| all.iter().any(|wanted| fits(&event.kind, wanted)))
                && list::within(&p["created"], event.created)
        })
        .filter(|event| {
            delivered.is_none_or(|delivered| {
                delivered
                    == cx
                        .state
                        .owned(&event.id, "_delivery")
                        .all(|delivery| delivery.s("status") == "delivered")
            })
        })
        .collect();
    // Cursors need ids only; the page's events are rendered after.
    let ids = found
        .iter()
        .map(|event| crate::core::json!({"id": event.id, "object": "_event"}))
        .collect();
    let mut page = list::page(p, ids, "/v1/events")?;
    for row in crate::core::json::list_mut(&mut page, "data") {
        if let Some(event) = cx.state.event(row.s("id")) {
            *row = render::event(cx.state, event);
        }
    }
    Ok(page)
}
