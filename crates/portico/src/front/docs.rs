//! The reference of the API at `/api/docs`: one page made from the `OpenAPI` document at
//! start, readable offline and without a script; the script only searches. A viewer from
//! a package was not taken: the usual ones style their elements inline by the hundred,
//! which our policy refuses, and weigh a megabyte.

use super::{
    config::CspConfig,
    csp::{Hashes, Inline, policy},
};
use anyhow::Context;
use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    routing::get,
};
use bytes::Bytes;
use minijinja::{AutoEscape, Environment, value::Serde};
use serde::Serialize;
use serde_json::{Map, Value};

const TEMPLATE: &str = include_str!("docs.html");

/// The routes of the reference: `/api/docs`, from an `OpenAPI` 3 document.
pub fn docs(openapi: &Value) -> anyhow::Result<Router> {
    let html = render(openapi).context("the API reference")?;
    let hashes = Hashes::of(&html);
    let csp = policy(&CspConfig::default(), Inline::Hashes(&hashes), None, false);
    let body = Bytes::from(html);
    let headers: [(HeaderName, HeaderValue); 3] = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_SECURITY_POLICY, csp),
    ];
    Ok(Router::new().route("/api/docs", get(move || async move { (headers, body) })))
}

fn render(openapi: &Value) -> anyhow::Result<String> {
    let mut env = Environment::new();
    env.set_auto_escape_callback(|_| AutoEscape::Html);
    env.add_template("docs", TEMPLATE)?;
    Ok(env
        .get_template("docs")?
        .render(Serde(Reference::of(openapi)))?)
}

#[derive(Debug, Serialize)]
struct Reference {
    title: String,
    version: String,
    about: String,
    count: usize,
    groups: Vec<Group>,
    schemas: Vec<Schema>,
}

#[derive(Debug, Serialize)]
struct Group {
    name: String,
    about: String,
    operations: Vec<Operation>,
}

#[derive(Debug, Serialize)]
struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    about: String,
    deprecated: bool,
    open: bool,
    parameters: Vec<Field>,
    bodies: Vec<Content>,
    answers: Vec<Answer>,
}

#[derive(Debug, Serialize)]
struct Field {
    name: String,
    place: String,
    kind: Vec<Piece>,
    required: bool,
    about: String,
}

#[derive(Debug, Serialize)]
struct Answer {
    status: String,
    about: String,
    contents: Vec<Content>,
}

#[derive(Debug, Serialize)]
struct Content {
    media: String,
    kind: Vec<Piece>,
    fields: Vec<Field>,
}

#[derive(Debug, Serialize)]
struct Schema {
    name: String,
    about: String,
    kind: Vec<Piece>,
    fields: Vec<Field>,
}

/// A part of a type's name; `link` names the schema it points to.
#[derive(Debug, Serialize)]
struct Piece {
    text: String,
    link: bool,
}

impl Reference {
    fn of(document: &Value) -> Self {
        let mut groups: Vec<Group> = list(document, "tags")
            .iter()
            .map(|tag| Group {
                name: text(tag, "name"),
                about: text(tag, "description"),
                operations: Vec::new(),
            })
            .collect();
        let schemas = document
            .pointer("/components/schemas")
            .unwrap_or(&Value::Null);
        for (path, item) in object(document, "paths") {
            for (method, operation) in item.as_object().into_iter().flatten() {
                if !matches!(
                    method.as_str(),
                    "get" | "post" | "put" | "patch" | "delete" | "head"
                ) {
                    continue;
                }
                let tag = list(operation, "tags").first().and_then(Value::as_str);
                let name = tag.or_else(|| noun(path)).unwrap_or("Other").to_owned();
                let at = groups
                    .iter()
                    .position(|group| group.name == name)
                    .unwrap_or_else(|| {
                        groups.push(Group {
                            name,
                            about: String::new(),
                            operations: Vec::new(),
                        });
                        groups.len() - 1
                    });
                groups[at]
                    .operations
                    .push(Operation::of(path, method, item, operation, schemas));
            }
        }
        groups.retain(|group| !group.operations.is_empty());
        let named = schemas
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, schema)| Schema {
                name: name.clone(),
                about: text(schema, "description"),
                kind: kind(schema),
                fields: fields(schema, schemas),
            });
        let named = named.collect();
        let info = document.get("info").unwrap_or(&Value::Null);
        Self {
            title: text(info, "title"),
            version: text(info, "version"),
            about: text(info, "description"),
            count: groups.iter().map(|group| group.operations.len()).sum(),
            groups,
            schemas: named,
        }
    }
}

impl Operation {
    fn of(path: &str, method: &str, item: &Value, operation: &Value, schemas: &Value) -> Self {
        // Only what says so is open: a document without any security says nothing.
        let open = operation
            .get("security")
            .and_then(Value::as_array)
            .is_some_and(|all| {
                all.is_empty()
                    || all
                        .iter()
                        .any(|one| one.as_object().is_some_and(Map::is_empty))
            });
        let parameters = list(item, "parameters")
            .iter()
            .chain(list(operation, "parameters"));
        let answers = object(operation, "responses").map(|(status, answer)| Answer {
            status: status.clone(),
            about: text(answer, "description"),
            contents: contents(answer, schemas),
        });
        Self {
            id: operation
                .get("operationId")
                .and_then(Value::as_str)
                .map_or_else(
                    || {
                        format!(
                            "{method}-{}",
                            path.trim_matches('/').replace(['/', '{', '}'], "-")
                        )
                    },
                    str::to_owned,
                ),
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: text(operation, "summary"),
            about: text(operation, "description"),
            deprecated: operation
                .get("deprecated")
                .and_then(Value::as_bool)
                .unwrap_or(false),
            open,
            parameters: parameters.map(parameter).collect(),
            bodies: operation
                .get("requestBody")
                .map(|body| contents(body, schemas))
                .unwrap_or_default(),
            answers: answers.collect(),
        }
    }
}

fn parameter(parameter: &Value) -> Field {
    Field {
        name: text(parameter, "name"),
        place: text(parameter, "in"),
        kind: kind(parameter.get("schema").unwrap_or(&Value::Null)),
        required: parameter
            .get("required")
            .and_then(Value::as_bool)
            .unwrap_or(false),
        about: text(parameter, "description"),
    }
}

fn contents(holder: &Value, schemas: &Value) -> Vec<Content> {
    object(holder, "content")
        .map(|(media, content)| {
            let schema = content.get("schema").unwrap_or(&Value::Null);
            Content {
                media: media.clone(),
                kind: kind(schema),
                fields: fields(schema, schemas),
            }
        })
        .collect()
}

/// The members of an object schema: its own, its `allOf` parts', or those of the schema
/// that it names. One step only, so that a schema may contain itself.
fn fields(schema: &Value, schemas: &Value) -> Vec<Field> {
    let schema = reference(schema)
        .and_then(|name| schemas.get(name))
        .unwrap_or(schema);
    let parts = list(schema, "allOf").iter();
    let parts = parts.map(|part| {
        reference(part)
            .and_then(|name| schemas.get(name))
            .unwrap_or(part)
    });
    std::iter::once(schema)
        .chain(parts)
        .flat_map(members)
        .collect()
}

fn members(schema: &Value) -> impl Iterator<Item = Field> {
    let required = list(schema, "required");
    object(schema, "properties").map(|(name, property)| Field {
        name: name.clone(),
        place: String::new(),
        kind: kind(property),
        required: required.iter().any(|one| one.as_str() == Some(name)),
        about: text(property, "description"),
    })
}

/// The schema that a `$ref` names.
fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.rsplit('/').next()
}

/// What a path is about, for documents without tags: `updates` of `/api/v1/updates/{id}`.
fn noun(path: &str) -> Option<&str> {
    path.split('/').find(|part| {
        let version = part
            .strip_prefix('v')
            .is_some_and(|rest| rest.parse::<u8>().is_ok());
        !part.is_empty() && *part != "api" && !version
    })
}

/// A type in one line, as `Update[]`, `string (uuid) or null`.
fn kind(schema: &Value) -> Vec<Piece> {
    let plain = |text: String| vec![Piece { text, link: false }];
    if let Some(name) = reference(schema) {
        return vec![Piece {
            text: name.to_owned(),
            link: true,
        }];
    }
    for (key, word) in [("oneOf", " or "), ("anyOf", " or "), ("allOf", " with ")] {
        let parts = list(schema, key);
        if !parts.is_empty() {
            return joined(parts.iter().map(kind), word);
        }
    }
    let values = list(schema, "enum");
    if !values.is_empty() {
        return plain(
            values
                .iter()
                .map(Value::to_string)
                .collect::<Vec<_>>()
                .join(" or "),
        );
    }
    if let Some(value) = schema.get("const") {
        return plain(value.to_string());
    }
    match schema.get("type") {
        Some(Value::Array(types)) => joined(
            types.iter().map(|one| {
                let mut single = schema.clone();
                single["type"] = one.clone();
                kind(&single)
            }),
            " or ",
        ),
        Some(Value::String(name)) if name == "array" => {
            let mut pieces = kind(schema.get("items").unwrap_or(&Value::Null));
            pieces.push(Piece {
                text: "[]".into(),
                link: false,
            });
            pieces
        }
        Some(Value::String(name)) => match schema.get("format").and_then(Value::as_str) {
            Some(format) if name != "null" => plain(format!("{name} ({format})")),
            _ => plain(name.clone()),
        },
        _ => plain(String::from(if schema.get("properties").is_some() {
            "object"
        } else {
            "any"
        })),
    }
}

fn joined(parts: impl Iterator<Item = Vec<Piece>>, word: &str) -> Vec<Piece> {
    let mut all = Vec::new();
    for part in parts {
        if !all.is_empty() {
            all.push(Piece {
                text: word.to_owned(),
                link: false,
            });
        }
        all.extend(part);
    }
    all
}

fn text(holder: &Value, key: &str) -> String {
    holder
        .get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn list<'a>(holder: &'a Value, key: &str) -> &'a [Value] {
    holder
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn object<'a>(holder: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    holder
        .get(key)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_becomes_a_page_and_its_text_stays_text() {
        let html = render(&json!({
            "info": { "title": "Portico <api>", "version": "1" },
            "tags": [{ "name": "updates", "description": "What members read." }],
            "security": [{ "cookie": [] }],
            "paths": { "/api/v1/updates/{id}": {
                "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" } }],
                "get": { "tags": ["updates"], "operationId": "update", "summary": "One <b>update</b>",
                    "responses": { "200": { "description": "It", "content": { "application/json": {
                        "schema": { "$ref": "#/components/schemas/Update" } } } } } } },
                "/api/v1/sign-in": { "post": { "security": [{}], "responses": {} } } },
            "components": { "schemas": { "Update": { "type": "object", "required": ["title"],
                "properties": { "title": { "type": ["string", "null"] }, "readers": { "type": "array", "items": { "type": "integer", "format": "int64" } } } } } }
        }))
        .unwrap();
        assert!(html.contains("Portico &lt;api&gt;"));
        assert!(
            html.contains("One &lt;b&gt;update&lt;&#x2f;b&gt;"),
            "{html}"
        );
        assert!(html.contains("string (uuid)"));
        assert!(html.contains("string or null"));
        assert!(html.contains("integer (int64)[]"));
        assert!(html.contains("href=\"#schema-Update\""));
        assert!(!html.contains(" style=") && !html.contains(" onclick="));
        assert_eq!(Hashes::of(&html).scripts.len(), 1);
    }
}
