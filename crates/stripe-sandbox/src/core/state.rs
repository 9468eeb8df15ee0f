//! Everything the sandbox knows, as JSON documents with a few indexes, an undo log and an event log.
//!
//! A command changes the state through [`State::put`] and [`State::remove`] only, so that a failed command is undone
//! whole and a successful one knows exactly what storage has to write. Keys that begin with `_` are the sandbox's own
//! and never leave it; `_due` is the moment a document wants to be woken, `_clock` the test clock it lives under.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use aws_lc_rs::hmac;

use super::json::{Read, Text, Value, json, literal};

/// A stored object.
#[derive(Debug, Clone)]
struct Doc {
    /// Order of creation.
    seq: u64,
    /// The object with its private keys. Shared with the events that show it.
    value: Value,
    /// Where the indexes have it.
    places: Places,
}

/// Where the indexes have a document. Most changes leave all of it as it was.
#[derive(Debug, Clone, PartialEq)]
struct Places {
    kind: Text,
    owners: Vec<Text>,
    /// The moment it wants to be woken, and on which clock.
    wake: Option<(Text, i64)>,
}

impl Places {
    fn of(value: &Value) -> Self {
        let text = |value: &Value| match value {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        let parent = &value["parent"]["subscription_details"]["subscription"];
        let payment = &value["payment"]["payment_intent"];
        let kind = text(&value["object"]).unwrap_or_default();
        let wake = if kind == "_delivery" {
            (value.s("status") == "pending").then(|| (WEBHOOKS, value.i("next_at")))
        } else {
            value
                .opt_i("_due")
                .map(|due| (text(&value["_clock"]).unwrap_or_default(), due))
        };
        Self {
            kind,
            owners: OWNERS
                .iter()
                .map(|field| &value[*field])
                .chain([parent, payment])
                .filter_map(text)
                .collect(),
            wake,
        }
    }
}

/// An event, with the object as it was.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: Text,
    pub(crate) seq: u64,
    pub(crate) kind: Text,
    pub(crate) created: i64,
    pub(crate) object: Value,
    pub(crate) previous: Option<Value>,
    pub(crate) request: Value,
}

/// A row to write: `None` deletes it.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// The document's id.
    pub(crate) id: String,
    /// The object's type.
    pub(crate) kind: String,
    /// Order of creation.
    pub(crate) seq: i64,
    /// The document, or nothing when it is gone.
    pub(crate) body: Option<Value>,
}

/// A place in a command to go back to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    undo: usize,
    events: usize,
}

type Wakes = BTreeSet<(i64, u64, Text)>;
/// Documents in their order of creation.
type Ordered = BTreeMap<u64, Text>;

/// The sandbox's whole memory.
#[derive(Debug, Default)]
pub(crate) struct State {
    docs: HashMap<Text, Doc>,
    kinds: HashMap<Text, Ordered>,
    owned: HashMap<Text, HashMap<Text, Ordered>>,
    wakes: HashMap<Text, Wakes>,
    events: BTreeMap<u64, Event>,
    event_seqs: HashMap<Text, u64>,
    next: u64,
    next_before: u64,
    seed: Vec<u8>,
    key: Option<hmac::Key>,
    undo: Vec<(Text, Option<Doc>)>,
    new_events: Vec<u64>,
}

/// The fields whose value is an id that owns the document.
const OWNERS: [&str; 10] = [
    "customer",
    "subscription",
    "invoice",
    "payment_intent",
    "charge",
    "product",
    "lookup_key",
    "code",
    "event",
    "_owner",
];

/// Whose turn comes first at one moment: a schedule's phase before the renewal it changes, then in order of creation.
fn turn(doc: &Doc) -> u64 {
    if doc.places.kind == "subscription_schedule" {
        0
    } else {
        doc.seq
    }
}

const META: &str = "_meta";
/// The clock that web hooks wait on.
pub(crate) const WEBHOOKS: Text = literal!("_webhooks");

impl State {
    /// An empty state. The seed makes its ids; equal seeds and equal commands give equal states.
    pub(crate) fn new(seed: Vec<u8>) -> Self {
        Self {
            seed,
            next: 1,
            next_before: 1,
            ..Self::default()
        }
    }

    /// Rebuilds a state from stored rows.
    pub(crate) fn load(rows: Vec<Row>, seed: Vec<u8>) -> Self {
        let mut state = Self::new(seed);
        for row in rows {
            let Some(body) = row.body else { continue };
            if row.id == META {
                state.next = u64::try_from(body.i("next")).unwrap_or(1);
                state.seed = hex::decode(body.s("seed")).unwrap_or_default();
            } else if row.kind == "event" {
                let seq = u64::try_from(row.seq).unwrap_or_default();
                let id = Text::from(row.id);
                state.event_seqs.insert(id.clone(), seq);
                state.events.insert(
                    seq,
                    Event {
                        id,
                        seq,
                        kind: body.s("type").into(),
                        created: body.i("created"),
                        object: body["object"].clone(),
                        previous: body.has("previous").then(|| body["previous"].clone()),
                        request: body["request"].clone(),
                    },
                );
            } else {
                let doc = Doc {
                    seq: u64::try_from(row.seq).unwrap_or_default(),
                    places: Places::of(&body),
                    value: body,
                };
                let id = Text::from(row.id);
                state.index(&id, &doc);
                state.docs.insert(id, doc);
            }
        }
        state.next_before = state.next;
        state
    }

    /// A fresh id: the prefix and characters that cannot be guessed without the seed.
    pub(crate) fn id(&mut self, prefix: &str, length: usize) -> String {
        const ALPHABET: &[u8; 62] =
            b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let n = self.next;
        self.next += 1;
        let key = self
            .key
            .get_or_insert_with(|| hmac::Key::new(hmac::HMAC_SHA256, &self.seed));
        let mut text = String::with_capacity(prefix.len() + length + 1);
        text.push_str(prefix);
        text.push('_');
        let mut round = 0_u64;
        while text.len() < prefix.len() + 1 + length {
            let tag = hmac::sign(key, &[n.to_be_bytes(), round.to_be_bytes()].concat());
            text.extend(
                tag.as_ref()
                    .iter()
                    .take(prefix.len() + 1 + length - text.len())
                    .map(|byte| char::from(ALPHABET[usize::from(*byte) % 62])),
            );
            round += 1;
        }
        text
    }

    /// The document with this id.
    pub(crate) fn get(&self, id: &str) -> Option<&Value> {
        self.docs.get(id).map(|doc| &doc.value)
    }

    /// The document with this id when it is of this type.
    pub(crate) fn of(&self, kind: &str, id: &str) -> Option<&Value> {
        self.get(id).filter(|value| value.s("object") == kind)
    }

    /// Writes a document.
    pub(crate) fn put(&mut self, value: Value) -> Value {
        let places = Places::of(&value);
        let shared = value.clone();
        if let Some(doc) = self.docs.get_mut(value.s("id")) {
            let before = doc.clone();
            doc.value = value;
            let moved = doc.places != places;
            let id = match &doc.value["id"] {
                Value::String(id) => id.clone(),
                _ => Text::new(),
            };
            if moved {
                doc.places = places;
                let after = doc.clone();
                self.unindex(&id, &before);
                self.index(&id, &after);
            }
            self.undo.push((id, Some(before)));
        } else {
            let id = Text::from(value.s("id"));
            let doc = Doc {
                seq: self.next,
                value,
                places,
            };
            self.next += 1;
            self.index(&id, &doc);
            self.docs.insert(id.clone(), doc);
            self.undo.push((id, None));
        }
        shared
    }

    /// Forgets a document.
    pub(crate) fn remove(&mut self, id: &str) {
        if let Some((id, doc)) = self.docs.remove_entry(id) {
            self.unindex(&id, &doc);
            self.undo.push((id, Some(doc)));
        }
    }

    fn index(&mut self, id: &Text, doc: &Doc) {
        let Places { kind, owners, wake } = &doc.places;
        let into = |index: &mut HashMap<Text, Ordered>| {
            index
                .entry(kind.clone())
                .or_default()
                .insert(doc.seq, id.clone());
        };
        into(&mut self.kinds);
        for owner in owners {
            into(self.owned.entry(owner.clone()).or_default());
        }
        if let Some((clock, due)) = wake {
            self.wakes
                .entry(clock.clone())
                .or_default()
                .insert((*due, turn(doc), id.clone()));
        }
    }

    fn unindex(&mut self, id: &Text, doc: &Doc) {
        let Places { kind, owners, wake } = &doc.places;
        if let Some(ordered) = self.kinds.get_mut(kind) {
            ordered.remove(&doc.seq);
        }
        for owner in owners {
            if let Some(ordered) = self.owned.get_mut(owner).and_then(|own| own.get_mut(kind)) {
                ordered.remove(&doc.seq);
            }
        }
        if let Some((clock, due)) = wake
            && let Some(wakes) = self.wakes.get_mut(clock)
        {
            wakes.remove(&(*due, turn(doc), id.clone()));
        }
    }

    /// All documents of a type, oldest first.
    pub(crate) fn all(&self, kind: &str) -> impl DoubleEndedIterator<Item = &Value> {
        self.kinds
            .get(kind)
            .into_iter()
            .flat_map(BTreeMap::values)
            .filter_map(|id| self.get(id))
    }

    /// All documents of a type that belong to an owner, oldest first.
    pub(crate) fn owned<'a>(
        &'a self,
        owner: &str,
        kind: &'a str,
    ) -> impl DoubleEndedIterator<Item = &'a Value> {
        self.owned
            .get(owner)
            .and_then(|own| own.get(kind))
            .into_iter()
            .flat_map(BTreeMap::values)
            .filter_map(|id| self.get(id))
    }

    /// The next document that wants to be woken on a clock, with its moment. The empty name is the global clock.
    pub(crate) fn next_wake(&self, clock: &str) -> Option<(i64, Text)> {
        self.wakes
            .get(clock)?
            .first()
            .map(|(due, _, id)| (*due, id.clone()))
    }

    /// The documents that wanted to be woken on a clock by now, in their order.
    pub(crate) fn due(&self, clock: &str, now: i64) -> impl Iterator<Item = &Value> {
        self.wakes
            .get(clock)
            .into_iter()
            .flatten()
            .take_while(move |(due, ..)| *due <= now)
            .filter_map(|(_, _, id)| self.get(id))
    }

    /// Records an event.
    pub(crate) fn append(
        &mut self,
        kind: &str,
        created: i64,
        object: Value,
        previous: Option<Value>,
        request: Value,
    ) -> Text {
        let id = Text::from(self.id("evt", 24));
        let seq = self.next;
        self.next += 1;
        self.event_seqs.insert(id.clone(), seq);
        self.new_events.push(seq);
        self.events.insert(
            seq,
            Event {
                id: id.clone(),
                seq,
                kind: kind.into(),
                created,
                object,
                previous,
                request,
            },
        );
        id
    }

    /// The event with this id.
    pub(crate) fn event(&self, id: &str) -> Option<&Event> {
        self.events.get(self.event_seqs.get(id)?)
    }

    /// All events, oldest first.
    pub(crate) fn events(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.events.values()
    }

    /// The events of the command under way.
    pub(crate) fn fresh_events(&self) -> Vec<Event> {
        self.new_events
            .iter()
            .filter_map(|seq| self.events.get(seq))
            .cloned()
            .collect()
    }

    /// Where the command stands, for [`State::rollback_to`].
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            undo: self.undo.len(),
            events: self.new_events.len(),
        }
    }

    /// Takes the command back whole.
    pub(crate) fn rollback(&mut self) {
        self.rollback_to(Mark { undo: 0, events: 0 });
        self.next = self.next_before;
    }

    /// Takes back what was done since the mark. Ids are not given out again.
    pub(crate) fn rollback_to(&mut self, mark: Mark) {
        while self.undo.len() > mark.undo {
            let Some((id, before)) = self.undo.pop() else {
                break;
            };
            if let Some(doc) = self.docs.remove(&id) {
                self.unindex(&id, &doc);
            }
            if let Some(doc) = before {
                self.index(&id, &doc);
                self.docs.insert(id, doc);
            }
        }
        for seq in self.new_events.drain(mark.events..) {
            if let Some(event) = self.events.remove(&seq) {
                self.event_seqs.remove(&event.id);
            }
        }
    }

    /// Forgets how to take the command back, and says what it changed.
    pub(crate) fn commit(&mut self, want_rows: bool) -> Vec<Row> {
        let undo = std::mem::take(&mut self.undo);
        let events = std::mem::take(&mut self.new_events);
        let moved = self.next != self.next_before;
        self.next_before = self.next;
        if !want_rows {
            return Vec::new();
        }
        let mut rows = Vec::new();
        let mut seen = HashSet::new();
        for (id, before) in undo.into_iter().rev() {
            if !seen.insert(id.clone()) {
                continue;
            }
            let seq = self
                .docs
                .get(&id)
                .or(before.as_ref())
                .map_or(0, |doc| doc.seq);
            let value = self.docs.get(&id).map(|doc| doc.value.clone());
            let kind = value
                .as_ref()
                .map_or("", |value| value.s("object"))
                .to_owned();
            rows.push(Row {
                id: id.to_string(),
                kind,
                seq: i64::try_from(seq).unwrap_or(i64::MAX),
                body: value,
            });
        }
        for event in events.iter().filter_map(|seq| self.events.get(seq)) {
            rows.push(Row {
                id: event.id.to_string(),
                kind: "event".into(),
                seq: i64::try_from(event.seq).unwrap_or(i64::MAX),
                body: Some(json!({"type": event.kind, "created": event.created, "object": event.object, "previous": event.previous, "request": event.request})),
            });
        }
        if moved {
            rows.push(Row {
                id: META.into(),
                kind: META.into(),
                seq: 0,
                body: Some(json!({"next": self.next, "seed": hex::encode(&self.seed)})),
            });
        }
        rows
    }

    /// How many documents and events there are.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.docs.len(), self.events.len())
    }
}
