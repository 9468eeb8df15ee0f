//! Short ways to read and write the JSON objects the sandbox keeps. Reading never fails: what is absent reads as empty.

mod make;
mod value;
mod wire;

/// Text that is cheap to copy: a literal of the program, or a counted string.
pub(crate) use arcstr::ArcStr as Text;
pub(crate) use arcstr::literal;
pub(crate) use make::{ToValue, empty, json, members};
pub(crate) use value::{Map, Value};

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
    fn put(&mut self, key: &str, value: impl ToValue);
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

    fn put(&mut self, key: &str, value: impl ToValue) {
        if let Some(map) = self.as_object_mut() {
            map.insert(key, value.into_value());
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
        *slot = json!([]);
    }
    match slot {
        Value::Array(array) => std::sync::Arc::make_mut(array),
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
