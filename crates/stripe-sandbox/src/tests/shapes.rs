//! Every answer of every test has the keys Stripe's SDK requires, and none that neither the SDK nor the fixtures know.

use std::sync::LazyLock;

use crate::core::{Read, Value};

static KEYS: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!("../../../../contracts/stripe/tools/keys.json");
    serde_json::from_str(text).expect("the keys are JSON")
});

/// The SDK marks these as always there, but the API itself leaves them out or empty in some cases.
const LOOSE: [(&str, &str); 3] = [
    ("subscription_item", "plan"),
    ("invoice", "id"),
    ("line_item", "invoice"),
];

/// Checks an answer and every object inside it.
pub(super) fn check(value: &Value, place: &str) {
    for one in value.as_array().into_iter().flatten() {
        check(one, place);
    }
    let Some(map) = value.as_object() else { return };
    let kind = value.s("object");
    assert!(!value.b("livemode"), "nothing here is live ({place})");
    if let Some(keys) = KEYS.get(kind).filter(|_| !value.b("deleted")) {
        for key in keys.list("required").iter().filter_map(Value::as_str) {
            assert!(
                value.has(key) || LOOSE.contains(&(kind, key)),
                "{kind}.{key} is missing or null ({place})"
            );
        }
        let known = keys.list("known");
        for key in map.keys() {
            assert!(
                known.iter().any(|one| one.as_str() == Some(key)),
                "{kind}.{key} is unknown to the SDK and the fixtures ({place})"
            );
        }
    }
    for (key, one) in map {
        if *key != *"previous_attributes" && *key != *"metadata" {
            check(one, place);
        }
    }
}
