//! Somebody at a browser: keeps cookies, asks, and looks at whole answers.

use crate::app::PASSWORD;
use reqwest::{
    Client, Method, RequestBuilder,
    cookie::{CookieStore, Jar},
    header::HeaderMap,
};
use serde_json::{Map, Value, json};
use std::{collections::HashMap, sync::Arc};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

/// A browser and who sits at it.
#[derive(Clone)]
pub(crate) struct Person {
    url: String,
    name: String,
    id: Option<Uuid>,
    client: Client,
    jar: Arc<Jar>,
}

impl Person {
    pub(crate) fn new(url: &str) -> Self {
        let jar = Arc::new(Jar::default());
        let client = Client::builder()
            .cookie_provider(jar.clone())
            .no_proxy()
            .build()
            .unwrap();
        Self {
            url: url.to_owned(),
            name: "nobody".to_owned(),
            id: None,
            client,
            jar,
        }
    }

    pub(crate) fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    pub(crate) fn known_as(mut self, id: &Value) -> Self {
        self.id = Some(id.as_str().unwrap().parse().unwrap());
        self
    }

    /// The same person at another browser, not signed in there.
    pub(crate) fn elsewhere(&self) -> Self {
        let other = Self::new(&self.url).named(&self.name);
        Self {
            id: self.id,
            ..other
        }
    }

    /// The same browser, looking at another server of the same place.
    pub(crate) fn at(&self, url: &str) -> Self {
        let other = Self {
            id: self.id,
            ..Self::new(url).named(&self.name)
        };
        for pair in self.cookies().split("; ") {
            other.jar.add_cookie_str(pair, &other.url.parse().unwrap());
        }
        other
    }

    pub(crate) fn id(&self) -> Uuid {
        self.id.expect("somebody with an account")
    }

    pub(crate) fn email(&self) -> String {
        format!("{}@example.org", self.name)
    }

    /// What the browser sends as `Cookie`.
    pub(crate) fn cookies(&self) -> String {
        let header = self.jar.cookies(&self.url.parse().unwrap());
        header.map_or_else(String::new, |line| line.to_str().unwrap().to_owned())
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.cookies();
        cookies
            .split("; ")
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(key, value)| (key == name).then(|| value.to_owned()))
    }

    pub(crate) async fn sign_in(&self) -> Answer {
        let body = json!({"email": self.email(), "password": PASSWORD});
        self.post("/sessions", body).await
    }

    /// A request to any path, with the browser's cookies.
    pub(crate) fn raw(&self, method: &str, path: &str) -> RequestBuilder {
        let method: Method = method.parse().unwrap();
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// A form, as a page sends it.
    pub(crate) fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.raw("POST", path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    }

    /// A request whose redirect is looked at, not followed.
    pub(crate) async fn once(&self, method: &str, path: &str) -> Answer {
        let client = Client::builder()
            .cookie_provider(self.jar.clone())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let method: Method = method.parse().unwrap();
        Answer::of(client.request(method, format!("{}{path}", self.url))).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.raw("GET", &format!("/api/v1{path}"))).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.raw("DELETE", &format!("/api/v1{path}"))).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, body).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send("PUT", path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send("PATCH", path, body).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        Answer::of(self.raw(method, &format!("/api/v1{path}")).json(&body)).await
    }

    /// Sends an update to an audience; its id.
    pub(crate) async fn publish(&self, title: &str, audience: Value) -> String {
        let body = json!({"title": title, "body": "What it says.", "audience": audience});
        let sent = self.post("/updates", body).await.status(201);
        sent.body["id"].as_str().unwrap().to_owned()
    }
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (code, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap();
        let body = match serde_json::from_slice(&bytes) {
            Ok(body) => body,
            Err(_) if bytes.is_empty() => Value::Null,
            Err(_) => Value::String(String::from_utf8_lossy(&bytes).into_owned()),
        };
        Self {
            code,
            headers,
            body,
        }
    }

    #[track_caller]
    pub(crate) fn status(self, expected: u16) -> Self {
        assert_eq!(self.code, expected, "{:#}", self.body);
        self
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn set_cookies(&self) -> Vec<String> {
        self.headers
            .get_all("set-cookie")
            .iter()
            .map(|line| line.to_str().unwrap().to_owned())
            .collect()
    }

    /// For a snapshot: the status and the body, without what differs each time.
    pub(crate) fn steady(&self) -> Value {
        json!({"status": self.code, "body": steady(&self.body)})
    }
}

/// Ids become numbers by the order in which they appear, so that it can still be seen
/// which are the same; times and cursors become words.
pub(crate) fn steady(value: &Value) -> Value {
    walk(value, &mut HashMap::new())
}

fn walk(value: &Value, ids: &mut HashMap<Uuid, usize>) -> Value {
    match value {
        Value::String(text) => {
            if let Ok(id) = text.parse::<Uuid>() {
                let next = ids.len() + 1;
                return Value::String(format!("[id {}]", ids.entry(id).or_insert(next)));
            }
            if OffsetDateTime::parse(text, &Rfc3339).is_ok() {
                return Value::String("[time]".to_owned());
            }
            value.clone()
        }
        Value::Array(items) => items.iter().map(|item| walk(item, ids)).collect(),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(key, field)| {
                    let field = match (key.as_str(), field) {
                        ("next_cursor", Value::String(_)) => json!("[cursor]"),
                        _ => walk(field, ids),
                    };
                    (key.clone(), field)
                })
                .collect::<Map<_, _>>(),
        ),
        other => other.clone(),
    }
}
