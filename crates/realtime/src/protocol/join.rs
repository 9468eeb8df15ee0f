//! The payload of `phx_join`: what a channel is asked to be.
//!
//! It is read as clients really write it: `"true"` for `true`, `null` among the bindings, keys
//! missing or unknown. What is echoed is the very object that came, because a client compares it
//! with its own and leaves the channel at the first difference.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Code, Refusal};

/// A channel as its client asked for it.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the protocol"
)]
pub(crate) struct Join {
    /// Sender gets its own broadcasts back.
    pub(crate) self_broadcast: bool,
    /// Each broadcast is answered once it is published.
    pub(crate) ack: bool,
    /// The client listens to presence.
    pub(crate) presence: bool,
    /// The presence key; empty when the server shall choose one.
    pub(crate) presence_key: String,
    /// The channel is private.
    pub(crate) private: bool,
    /// The join is answered only once changes are streaming, and refused if they are not after so
    /// many milliseconds.
    pub(crate) wait: Option<u64>,
    /// Tell when changes are streaming, also where none was asked for.
    pub(crate) replication_ready: bool,
    /// Stored messages are wanted.
    pub(crate) replay: Option<Replay>,
    /// The bindings, in the client's order; `None` where it sent `null`.
    pub(crate) bindings: Vec<Option<Binding>>,
    /// There is no `config`, as from clients that say in the topic what they listen to.
    pub(crate) bare: bool,
    /// A token, if the client signs in with this join.
    pub(crate) access_token: Option<String>,
    /// The client wants to be told where it stands, and goes on from a cursor if it has one.
    /// Ours, beyond the protocol: `{"resume": {"since": "…"}}` beside `config`, or in it.
    pub(crate) resume: Option<Resume>,
}

/// From where a client goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Resume {
    #[serde(default)]
    pub(crate) since: Option<String>,
}

/// Which stored messages are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Replay {
    /// Stored after this moment, in milliseconds since 1970.
    pub(crate) since: i64,
    /// The newest so many.
    pub(crate) limit: Option<u16>,
}

/// Which kinds of change a binding asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Wanted {
    /// All of them.
    Any,
    /// `INSERT` only.
    Insert,
    /// `UPDATE` only.
    Update,
    /// `DELETE` only.
    Delete,
}

/// One entry of `postgres_changes`.
#[derive(Debug)]
pub(crate) struct Binding {
    /// Never 0, and the same for the same question, so that frames can be shared.
    pub(crate) id: u64,
    pub(crate) wanted: Option<Wanted>,
    /// `None` for every schema.
    pub(crate) schema: Option<String>,
    /// `None` for every table.
    pub(crate) table: Option<String>,
    pub(crate) filter: String,
    /// Columns to send; `None` for all.
    pub(crate) select: Option<Vec<String>>,
    echo: Map<String, Value>,
}

impl Join {
    /// Reads the payload of a join.
    pub(crate) fn parse(payload: &str, max_bindings: usize) -> Result<Self, Refusal> {
        let invalid = |text: &str| Refusal::new(Code::InvalidJoinPayload, text);
        let payload: Payload = serde_json::from_str(payload)
            .map_err(|error| invalid(&format!("the payload cannot be read: {error}")))?;
        let bare = payload.config.is_none();
        let config = payload.config.unwrap_or_default();
        let broadcast = config.broadcast.unwrap_or_default();
        let presence = config.presence.unwrap_or_default();
        let options = config.postgres_changes_options.unwrap_or_default();
        let entries = config.postgres_changes.unwrap_or_default();
        if entries.len() > max_bindings {
            return Err(invalid("too many postgres_changes bindings"));
        }
        let bindings = entries
            .into_iter()
            .map(|entry| match entry {
                Value::Null => Ok(None),
                Value::Object(entry) => Ok(Some(Binding::read(entry))),
                _ => Err(invalid("a postgres_changes binding is not an object")),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            self_broadcast: truth(&broadcast.itself),
            ack: truth(&broadcast.ack),
            presence: truth(&presence.enabled),
            presence_key: match presence.key {
                Value::String(key) if key.len() <= 255 => key,
                Value::String(_) => return Err(invalid("the presence key is too long")),
                Value::Number(key) => key.to_string(),
                _ => String::new(),
            },
            private: truth(&config.private),
            wait: truth(&options.wait).then(|| match &options.timeout {
                Value::Number(asked) => asked.as_u64().map_or(WAIT, |asked| asked.min(MOST)),
                _ => WAIT,
            }),
            replication_ready: truth(&broadcast.replication_ready),
            replay: match &broadcast.replay {
                Value::Null | Value::Bool(false) => None,
                asked => Some(Replay::read(asked).ok_or_else(|| {
                    let text = "replay needs `since` in milliseconds, and a `limit` above 0";
                    Refusal::new(Code::UnableToReplayMessages, text)
                })?),
            },
            bindings,
            bare,
            access_token: [payload.access_token, payload.user_token]
                .into_iter()
                .flatten()
                .find(|token| !token.is_empty()),
            resume: payload.resume.or(config.resume),
        })
    }
}

/// How long a join waits that does not say how long, and the longest, in milliseconds.
const WAIT: u64 = 15_000;
const MOST: u64 = 20_000;

impl Replay {
    fn read(asked: &Value) -> Option<Self> {
        let since = match asked.get("since")? {
            // JavaScript's clock may have a fraction.
            Value::Number(since) => since.as_i64().or_else(|| whole(since.as_f64()?)),
            _ => None,
        }?;
        let limit = match asked.get("limit") {
            None | Some(Value::Null) => None,
            Some(limit) => {
                Some(u16::try_from(limit.as_u64().filter(|l| *l > 0)?).unwrap_or(u16::MAX))
            }
        };
        Some(Self { since, limit })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "within the bounds that are checked"
)]
fn whole(number: f64) -> Option<i64> {
    (number.abs() < 1e15).then_some(number as i64)
}

/// The answer to a join: every binding as it came, with its id.
pub(crate) fn echo(bindings: &[Option<Binding>]) -> Value {
    let mut response = Map::new();
    if !bindings.is_empty() {
        let echoed = bindings
            .iter()
            .map(|binding| binding.as_ref().map_or(Value::Null, Binding::echo));
        response.insert("postgres_changes".into(), echoed.collect());
    }
    response.into()
}

impl Binding {
    fn read(echo: Map<String, Value>) -> Self {
        let text = |key: &str| match echo.get(key) {
            Some(Value::String(text)) if text != "*" && !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        let (schema, table) = (text("schema"), text("table"));
        let filter = text("filter").unwrap_or_default();
        let wanted = match text("event")
            .map(|event| event.to_ascii_uppercase())
            .as_deref()
        {
            None => Some(Wanted::Any),
            Some("INSERT") => Some(Wanted::Insert),
            Some("UPDATE") => Some(Wanted::Update),
            Some("DELETE") => Some(Wanted::Delete),
            Some(_) => None,
        };
        let select: Option<Vec<String>> =
            echo.get("select").and_then(Value::as_array).map(|list| {
                let names = list.iter().filter_map(Value::as_str);
                names.map(ToOwned::to_owned).collect()
            });
        Self {
            id: named(&(wanted, &schema, &table, &filter, &select)),
            wanted,
            schema,
            table,
            filter,
            select: select.filter(|columns| !columns.is_empty()),
            echo,
        }
    }

    /// What a topic of the older kind asks for: `schema`, `schema:table` or
    /// `schema:table:filter`, each `*` for all of them.
    pub(crate) fn of_topic(name: &str) -> Self {
        let names = ["schema", "table", "filter"].into_iter();
        let parts = names.zip(name.splitn(3, ':'));
        let entry = parts.map(|(name, part)| (name.to_owned(), part.into()));
        let mut binding = Self::read(entry.collect());
        // Never that of another kind: what the two are told differs.
        binding.id = named(&(binding.id, "legacy"));
        binding
    }

    fn echo(&self) -> Value {
        let mut echo = self.echo.clone();
        echo.insert("id".into(), self.id.into());
        echo.into()
    }
}

/// A number for a question: the same for the same, never 0, and one that JavaScript holds exactly.
fn named(question: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    question.hash(&mut hasher);
    (hasher.finish() >> 11).max(1)
}

#[derive(Deserialize)]
struct Payload {
    #[serde(default)]
    config: Option<Config>,
    #[serde(default)]
    access_token: Option<String>,
    /// Its older name.
    #[serde(default)]
    user_token: Option<String>,
    #[serde(default)]
    resume: Option<Resume>,
}

#[derive(Deserialize, Default)]
struct Config {
    #[serde(default)]
    broadcast: Option<Broadcast>,
    #[serde(default)]
    presence: Option<Presence>,
    #[serde(default)]
    postgres_changes: Option<Vec<Value>>,
    #[serde(default)]
    postgres_changes_options: Option<Options>,
    #[serde(default)]
    private: Value,
    #[serde(default)]
    resume: Option<Resume>,
}

#[derive(Deserialize, Default)]
struct Options {
    #[serde(default)]
    wait: Value,
    #[serde(default)]
    timeout: Value,
}

#[derive(Deserialize, Default)]
struct Broadcast {
    #[serde(default)]
    ack: Value,
    #[serde(default, rename = "self")]
    itself: Value,
    #[serde(default)]
    replay: Value,
    #[serde(default)]
    replication_ready: Value,
}

#[derive(Deserialize, Default)]
struct Presence {
    #[serde(default)]
    key: Value,
    #[serde(default)]
    enabled: Value,
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Bool(truth) => *truth,
        Value::String(text) => text == "true",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_join_echoes_exactly_what_was_bound() {
        let entry =
            json!({"event": "*", "schema": "public", "table": "t", "filter": "id=eq.1", "x": [1]});
        let payload = json!({"config": {
            "broadcast": {"ack": "true", "self": false},
            "presence": {"key": "me", "enabled": true},
            "postgres_changes": [entry, null],
        }, "access_token": "abc", "version": "x"});
        let join = Join::parse(&payload.to_string(), 10).unwrap();
        assert!(join.ack && !join.self_broadcast && join.presence && !join.private);
        let mut echoed = entry;
        echoed["id"] = join.bindings[0].as_ref().unwrap().id.into();
        assert_eq!(
            echo(&join.bindings),
            json!({"postgres_changes": [echoed, null]})
        );
        assert_ne!(echoed["id"], 0);
    }

    #[test]
    fn a_join_says_what_it_missed_and_how_long_it_waits() {
        let join = |config: Value| Join::parse(&json!({"config": config}).to_string(), 10);
        let wait = |timeout: Value| {
            let options = json!({"wait": true, "timeout": timeout});
            join(json!({"postgres_changes_options": options}))
                .unwrap()
                .wait
        };
        assert_eq!(wait(Value::Null), Some(15_000));
        assert_eq!(wait(json!(50)), Some(50));
        assert_eq!(wait(json!(1_000_000)), Some(20_000));
        let replay = |replay: Value| join(json!({"broadcast": {"replay": replay}}));
        assert_eq!(
            replay(json!({"since": 1.5, "limit": 3})).unwrap().replay,
            Some(Replay {
                since: 1,
                limit: Some(3)
            })
        );
        assert_eq!(replay(Value::Null).unwrap().replay, None);
        for wrong in [
            json!({}),
            json!({"since": "x"}),
            json!({"since": 1, "limit": 0}),
        ] {
            let refusal = replay(wrong).unwrap_err().to_string();
            assert!(refusal.starts_with("UnableToReplayMessages: "), "{refusal}");
        }
    }

    #[test]
    fn a_join_without_a_config_is_a_plain_channel() {
        let join = Join::parse("{}", 10).unwrap();
        assert_eq!(echo(&join.bindings), json!({}));
        assert!(Join::parse("[]", 10).is_ok_and(|join| join.bindings.is_empty()));
        assert!(Join::parse("7", 10).is_err());
        assert!(Join::parse(r#"{"config":{"postgres_changes":[1]}}"#, 10).is_err());
        assert!(Join::parse(r#"{"config":{"postgres_changes":[{},{}]}}"#, 1).is_err());
    }
}
