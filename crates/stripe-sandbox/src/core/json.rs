//! Short ways to read and write the JSON objects the sandbox keeps. Reading never fails: what is absent reads as empty.

pub(crate) use serde_json::{Value, json};

/// Forgiving access to a JSON object.
pub(crate) trait Read {
    /// The string at `key`, or `""`.
    fn s(&self, key: &str) -> &str;
    /// The string at `key`, when there is one and it is not empty.
    fn opt(&self, key: &str) -> Option<&str>;
    /// The integer at `key`, or 0.
    fn i(&self, key: &str) -> i64;
    /// The integer at `key`, when there is one.
    fn opt_i(&self, key: &str) -> Option<i64>;
    /// Whether `key` is `true`.
    fn b(&self, key: &str) -> bool;
    /// Whether `key` is present and not null.
    fn has(&self, key: &str) -> bool;
    /// The array at `key`, or an empty one; the `data` of a list object counts as its array.
    fn list(&self, key: &str) -> &[Value];
    /// Sets `key`; does nothing on a value that is not an object.
    fn put(&mut self, key: &str, value: impl Into<Value>);
    /// Removes `key`.
    fn cut(&mut self, key: &str);
}

impl Read for Value {
    fn s(&self, key: &str) -> &str {
        self[key].as_str().unwrap_or_default()
    }

    fn opt(&self, key: &str) -> Option<&str> {
        self[key].as_str().filter(|text| !text.is_empty())
    }

    fn i(&self, key: &str) -> i64 {
        self[key].as_i64().unwrap_or_default()
    }

    fn opt_i(&self, key: &str) -> Option<i64> {
        self[key].as_i64()
    }

    fn b(&self, key: &str) -> bool {
        self[key].as_bool().unwrap_or_default()
    }

    fn has(&self, key: &str) -> bool {
        !self[key].is_null()
    }

    fn list(&self, key: &str) -> &[Value] {
        let value = &self[key];
        let array = if value.is_object() {
            &value["data"]
        } else {
            value
        };
        array.as_array().map_or(&[], Vec::as_slice)
    }

    fn put(&mut self, key: &str, value: impl Into<Value>) {
        if let Some(map) = self.as_object_mut() {
            map.insert(key.to_owned(), value.into());
        }
    }

    fn cut(&mut self, key: &str) {
        if let Some(map) = self.as_object_mut() {
            map.remove(key);
        }
    }
}

/// The mutable array at `key`, made when it is absent; the `data` of a list object counts as its array.
pub(crate) fn list_mut<'a>(value: &'a mut Value, key: &str) -> &'a mut Vec<Value> {
    let slot = &mut value[key];
    let slot = if slot.is_object() {
        &mut slot["data"]
    } else {
        slot
    };
    if !slot.is_array() {
        *slot = Value::Array(Vec::new());
    }
    match slot {
        Value::Array(array) => array,
        _ => unreachable!("made an array just above"),
    }
}

/// An embedded list object.
pub(crate) fn list_object(data: Vec<Value>, url: &str, has_more: bool) -> Value {
    let mut list = json!({"object": "list", "has_more": has_more, "url": url});
    list.put("data", data);
    list
}

/// Null for an empty string: in a form, the empty string unsets.
pub(crate) fn emptied(value: &Value) -> Value {
    if value.as_str() == Some("") {
        Value::Null
    } else {
        value.clone()
    }
}
