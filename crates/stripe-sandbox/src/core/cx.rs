//! The hand a command is given: the state, the logical time, where the pages live, and the way to make ids and events.

use std::sync::LazyLock;

use super::error::{ApiError, Result};
use super::json::{Read, Value, json};
use super::state::State;

/// The API version the sandbox speaks.
pub(crate) const API_VERSION: &str = "2026-10-28.endive";

static SKELETONS: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../schema/skeletons.json")).unwrap_or_default()
});

/// What an event remembers of the request that caused it.
#[derive(Debug, Clone, Default)]
pub(crate) struct RequestInfo {
    /// `req_…`, or nothing when the clock caused it.
    pub(crate) id: Option<String>,
    /// The caller's idempotency key.
    pub(crate) key: Option<String>,
}

/// A command's context.
pub(crate) struct Cx<'a> {
    /// The sandbox's memory.
    pub(crate) state: &'a mut State,
    /// Logical time: the global clock, or the test clock's once [`Cx::enter`] was called.
    pub(crate) now: i64,
    /// The global clock, which web hooks and idempotency follow.
    pub(crate) global: i64,
    /// Where the pages are reached from a browser, without a slash at the end.
    pub(crate) base: &'a str,
    /// The request behind this command.
    pub(crate) request: RequestInfo,
}

impl Cx<'_> {
    /// Follows a test clock's time from here on; an empty name is the global clock.
    pub(crate) fn enter(&mut self, clock: &str) {
        if let Some(found) = self.state.of("test_helpers.test_clock", clock) {
            self.now = found.i("frozen_time");
        }
    }

    /// Follows the clock a document lives under.
    pub(crate) fn enter_doc(&mut self, doc: &Value) {
        self.enter(
            doc.opt("test_clock")
                .or(doc.opt("_clock"))
                .unwrap_or_default(),
        );
    }

    /// A fresh id of the usual length.
    pub(crate) fn id(&mut self, prefix: &str) -> String {
        let length = match prefix {
            "cus" | "prod" | "si" | "bps" => 14,
            "cs_test" => 58,
            "whsec" => 32,
            _ => 24,
        };
        self.state.id(prefix, length)
    }

    /// A new object: every field Stripe always sends, then the given ones. `livemode` is false everywhere.
    pub(crate) fn object(&mut self, kind: &str, prefix: &str, fields: Value) -> Value {
        let id = self.id(prefix);
        let mut object = skeleton(kind);
        object.put("id", id);
        object.put("object", kind);
        if object
            .as_object()
            .is_some_and(|map| map.contains_key("created"))
        {
            object.put("created", self.now);
        }
        if let Value::Object(fields) = fields {
            for (key, value) in fields.into_members() {
                object.put(&key, value);
            }
        }
        object
    }

    /// The object an argument names: 400 with the argument's name when there is none.
    pub(crate) fn find(&self, kind: &str, id: &str, param: &str) -> Result<Value> {
        self.state
            .of(kind, id)
            .filter(|value| !value.b("deleted"))
            .cloned()
            .ok_or_else(|| ApiError::missing(noun(kind), id, param))
    }

    /// A private copy of an object, to change and [`Cx::save`].
    pub(crate) fn take(&self, kind: &str, id: &str, param: &str) -> Result {
        self.find(kind, id, param)
    }

    /// Stores a new object and says so.
    pub(crate) fn create(&mut self, value: Value, event: &str) -> Value {
        let shared = self.state.put(value);
        self.emit(event, &shared);
        shared
    }

    /// Stores a changed object; when a public field changed, says so with the previous values.
    pub(crate) fn save(&mut self, value: Value, event: &str) -> Value {
        let before = self.state.get(value.s("id")).cloned();
        let shared = self.state.put(value);
        let previous = before
            .map(|before| difference(&before, &shared))
            .unwrap_or_default();
        if previous.as_object().is_some_and(|map| !map.is_empty()) {
            self.emit_with(event, &shared, Some(previous));
        }
        shared
    }

    /// Stores without an event.
    pub(crate) fn put(&mut self, value: Value) -> Value {
        self.state.put(value)
    }

    /// Records an event and a delivery for each endpoint that wants it.
    pub(crate) fn emit(&mut self, event: &str, object: &Value) {
        self.emit_with(event, object, None);
    }

    fn emit_with(&mut self, event: &str, object: &Value, previous: Option<Value>) {
        let request = json!({"id": self.request.id, "idempotency_key": self.request.key});
        let id = self
            .state
            .append(event, self.now, object.clone(), previous, request);
        let wanting: Vec<String> = self
            .state
            .all("webhook_endpoint")
            .filter(|endpoint| wants(endpoint, event))
            .map(|endpoint| endpoint.s("id").to_owned())
            .collect();
        for endpoint in wanting {
            let delivery = json!({
                "id": self.state.id("whd", 24), "object": "_delivery", "event": id, "type": event, "endpoint": endpoint,
                "status": "pending", "next_at": self.global, "attempts": [],
            });
            self.state.put(delivery);
        }
    }

    /// The sandbox's own settings.
    pub(crate) fn settings(&self) -> Value {
        self.state.get("_settings").map_or_else(
            || json!({"id": "_settings", "object": "_settings", "retry_days": [3, 5, 7], "after_retries": "cancel"}),
            Value::clone,
        )
    }
}

/// Whether an endpoint subscribed to this type of event.
pub(crate) fn wants(endpoint: &Value, event: &str) -> bool {
    endpoint.s("status") == "enabled"
        && endpoint
            .list("enabled_events")
            .iter()
            .filter_map(Value::as_str)
            .any(|wanted| {
                wanted == "*"
                    || wanted == event
                    || wanted
                        .strip_suffix('*')
                        .is_some_and(|prefix| event.starts_with(prefix))
            })
}

/// Every field Stripe always sends of an object, empty.
pub(crate) fn skeleton(kind: &str) -> Value {
    match &SKELETONS[kind] {
        Value::Null => json!({}),
        found => found.clone(),
    }
}

fn noun(kind: &str) -> &str {
    match kind {
        "checkout.session" => "checkout.session",
        "test_helpers.test_clock" => "test_clock",
        "billing_portal.configuration" => "configuration",
        "entitlements.feature" => "feature",
        "payment_method" => "PaymentMethod",
        other => other,
    }
}

/// The fields of `before` that are different in `after`; private fields do not count.
fn difference(before: &Value, after: &Value) -> Value {
    let mut changed = json!({});
    let (Some(old), Some(new)) = (before.as_object(), after.as_object()) else {
        return changed;
    };
    for (key, value) in old.iter().filter(|(key, _)| !key.starts_with('_')) {
        if new.get(key) != Some(value) {
            changed.put(key, value.clone());
        }
    }
    for key in new
        .keys()
        .filter(|key| !key.starts_with('_') && !old.contains_key(key))
    {
        changed.put(key, Value::Null);
    }
    changed
}
