//! Appends each call to a file, for the contract's checks. Keys and card numbers never get there.

use std::io::Write as _;
use std::path::Path;

use super::form::Tree;
use crate::core::json::{Map, ToValue, Value, json};

/// Writes one line.
pub(crate) fn call(
    file: &Path,
    operation: &str,
    path: &str,
    form: &Tree,
    typed: &Value,
    status: u16,
    body: &str,
) {
    let answer: Value = serde_json::from_str(body).unwrap_or_default();
    let line = json!({"operation": operation, "path": path, "params": tree(form), "typed": masked(typed), "status": status, "answer": answer});
    let written = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        // One write a line: several sandboxes may record into one file.
        .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
    if let Err(error) = written {
        tracing::warn!(%error, "a call could not be recorded");
    }
}

fn tree(form: &Tree) -> Value {
    match form {
        Tree::Text(text) => json!(text),
        Tree::Map(children) => Value::Object(
            children
                .iter()
                .map(|(key, child)| {
                    (
                        key.clone(),
                        if key == "number" || key == "cvc" {
                            json!("…")
                        } else {
                            tree(child)
                        },
                    )
                })
                .collect(),
        ),
    }
}

/// The parameters as their types, without a card's number.
fn masked(typed: &Value) -> Value {
    match typed {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| {
                let hidden = *key == *"number" || *key == *"cvc";
                let shown = if hidden { json!("…") } else { masked(value) };
                (key.clone(), shown)
            })
            .collect::<Map>()
            .to_value(),
        Value::Array(entries) => entries.iter().map(masked).collect(),
        other => other.clone(),
    }
}
