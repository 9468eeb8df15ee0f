//! A value from PostgreSQL's text form to JSON, as `to_jsonb` would write it.

use super::change::{Class, Element};
use crate::protocol::frame::json_string;

/// Appends a value.
pub(crate) fn write(json: &mut String, class: Class, text: &str) {
    match class {
        Class::Bool => json.push_str(if text == "t" { "true" } else { "false" }),
        Class::Number if is_json_number(text) => json.push_str(text),
        Class::Json => json.push_str(text),
        Class::Timestamp => moment(json, text),
        Class::Number | Class::Uuid | Class::Text => json.push_str(&json_string(text)),
        Class::Array(element) => {
            let mark = json.len();
            if array(json, element, text).is_none() {
                // Arrays with their own lower bounds (`[2:3]={…}`): rare, and left as text.
                json.truncate(mark);
                json.push_str(&json_string(text));
            }
        }
    }
}

/// `NaN` and `Infinity` are numbers to PostgreSQL, but not to JSON.
fn is_json_number(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E'))
}

/// `2026-11-22 10:00:00.5+00` becomes `2026-11-22T10:00:00.5+00:00`.
fn moment(json: &mut String, text: &str) {
    let Some((date, clock)) = text.split_once(' ').filter(|_| !text.ends_with("BC")) else {
        json.push_str(&json_string(text));
        return;
    };
    json.push('"');
    json.push_str(date);
    json.push('T');
    json.push_str(clock);
    let offset = clock.rfind(['+', '-']).map(|at| clock.len() - at);
    if offset == Some(3) {
        json.push_str(":00");
    }
    json.push('"');
}

/// Writes `{a,"b c",NULL,{…}}` as a JSON array.
fn array(json: &mut String, element: Element, text: &str) -> Option<()> {
    let bytes = text.as_bytes();
    if bytes.first() != Some(&b'{') {
        return None;
    }
    let class = match element {
        Element::Bool => Class::Bool,
        Element::Number => Class::Number,
        Element::Json => Class::Json,
        Element::Timestamp => Class::Timestamp,
        Element::Text => Class::Text,
    };
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'{' => json.push('['),
            b'}' => json.push(']'),
            b',' => json.push(','),
            b'"' => {
                let (value, length) = quoted(&text[at + 1..])?;
                write(json, class, &value);
                at += length + 1;
                continue;
            }
            _ => {
                let end = at + text[at..].find([',', '}'])?;
                match &text[at..end] {
                    "NULL" => json.push_str("null"),
                    value => write(json, class, value),
                }
                at = end;
                continue;
            }
        }
        at += 1;
    }
    Some(())
}

/// Reads up to the closing quote; also tells how many bytes were read.
fn quoted(text: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, at + 1)),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(class: Class, text: &str) -> String {
        let mut json = String::new();
        write(&mut json, class, text);
        json
    }

    #[test]
    fn values_are_written_as_to_jsonb_writes_them() {
        for (class, text, expected) in [
            (Class::Bool, "t", "true"),
            (Class::Number, "-1.50", "-1.50"),
            (Class::Number, "NaN", "\"NaN\""),
            (Class::Text, "a\"\n", r#""a\"\n""#),
            (Class::Json, r#"{"a": [1]}"#, r#"{"a": [1]}"#),
            (
                Class::Timestamp,
                "2026-11-22 10:00:00.5+00",
                "\"2026-11-22T10:00:00.5+00:00\"",
            ),
            (
                Class::Timestamp,
                "2026-11-22 10:00:00",
                "\"2026-11-22T10:00:00\"",
            ),
            (Class::Timestamp, "2026-11-22", "\"2026-11-22\""),
            (Class::Timestamp, "infinity", "\"infinity\""),
            (
                Class::Array(Element::Number),
                "{{1,2},{3,NULL}}",
                "[[1,2],[3,null]]",
            ),
            (
                Class::Array(Element::Text),
                r#"{a,"b,}\"",""}"#,
                r#"["a","b,}\"",""]"#,
            ),
            (Class::Array(Element::Text), "{}", "[]"),
            (
                Class::Array(Element::Json),
                r#"{"{\"a\": 1}"}"#,
                r#"[{"a": 1}]"#,
            ),
            (
                Class::Array(Element::Number),
                "[2:3]={1,2}",
                "\"[2:3]={1,2}\"",
            ),
        ] {
            assert_eq!(json(class, text), expected);
        }
    }
}
