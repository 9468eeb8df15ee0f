//! Everything the sandbox knows, as JSON documents with a few indexes, an undo log and an event log.
//!
//! A command changes the state through [`State::put`] and [`State::remove`] only, so that a failed command is undone
//! whole and a successful one knows exactly what storage has to write. Keys that begin with `_` are the sandbox's own
//! and never leave it; `_due` is the moment a document wants to be woken, `_clock` the test clock it lives under.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use aws_lc_rs::hmac;

use super::json::{Read, Value, json};

/// A stored object.
#[derive(Debug, Clone)]
pub(crate) struct Doc {
    /// Order of creation.
    pub(crate) seq: u64,
    /// The object with its private keys. Shared with the events that show it.
    pub(crate) value: Arc<Value>,
}

/// An event, with the object as it was.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) seq: u64,
    pub(crate) kind: String,
    pub(crate) created: i64,
    pub(crate) object: Arc<Value>,
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

type Wakes = BTreeSet<(i64, u64, String)>;

/// The sandbox's whole memory.
#[derive(Debug, Default)]
pub(crate) struct State {
    docs: HashMap<String, Doc>,
    kinds: HashMap<String, BTreeMap<u64, String>>,
    owned: HashMap<String, BTreeMap<u64, String>>,
    wakes: HashMap<String, Wakes>,
    events: BTreeMap<u64, Event>,
    event_seqs: HashMap<String, u64>,
    next: u64,
    next_before: u64,
    seed: Vec<u8>,
    undo: Vec<(String, Option<Doc>)>,
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
    if doc.value.s("object") == "subscription_schedule" {
        0
    } else {
        doc.seq
    }
}

const META: &str = "_meta";

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
                state.event_seqs.insert(row.id.clone(), seq);
                state.events.insert(
                    seq,
                    Event {
                        id: row.id,
                        seq,
                        kind: body.s("type").to_owned(),
                        created: body.i("created"),
                        object: Arc::new(body["object"].clone()),
                        previous: body.has("previous").then(|| body["previous"].clone()),
                        request: body["request"].clone(),
                    },
                );
            } else {
                let doc = Doc {
                    seq: u64::try_from(row.seq).unwrap_or_default(),
                    value: Arc::new(body),
                };
                state.index(&row.id, &doc);
                state.docs.insert(row.id, doc);
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
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.seed);
        let mut text = String::with_capacity(prefix.len() + length + 1);
        text.push_str(prefix);
        text.push('_');
        let mut round = 0_u64;
        while text.len() < prefix.len() + 1 + length {
            let tag = hmac::sign(&key, &[n.to_be_bytes(), round.to_be_bytes()].concat());
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
    pub(crate) fn get(&self, id: &str) -> Option<&Arc<Value>> {
        self.docs.get(id).map(|doc| &doc.value)
    }

    /// The document with this id when it is of this type.
    pub(crate) fn of(&self, kind: &str, id: &str) -> Option<&Arc<Value>> {
        self.get(id).filter(|value| value.s("object") == kind)
    }

    /// Writes a document.
    pub(crate) fn put(&mut self, value: Value) -> Arc<Value> {
        let id = value.s("id").to_owned();
        let before = self.docs.remove(&id);
        if let Some(doc) = &before {
            self.unindex(&id, doc);
        }
        let seq = before.as_ref().map_or_else(
            || {
                self.next += 1;
                self.next - 1
            },
            |doc| doc.seq,
        );
        let doc = Doc {
            seq,
            value: Arc::new(value),
        };
        self.index(&id, &doc);
        let shared = doc.value.clone();
        self.docs.insert(id.clone(), doc);
        self.undo.push((id, before));
        shared
    }

    /// Forgets a document.
    pub(crate) fn remove(&mut self, id: &str) {
        if let Some(doc) = self.docs.remove(id) {
            self.unindex(id, &doc);
            self.undo.push((id.to_owned(), Some(doc)));
        }
    }

    fn index(&mut self, id: &str, doc: &Doc) {
        let kind = doc.value.s("object");
        self.kinds
            .entry(kind.to_owned())
            .or_default()
            .insert(doc.seq, id.to_owned());
        for owner in OWNERS
            .iter()
            .filter_map(|field| doc.value.opt(field))
            .chain(Self::parents(&doc.value))
        {
            self.owned
                .entry(owner.to_owned())
                .or_default()
                .insert(doc.seq, id.to_owned());
        }
        if let Some(due) = doc.value.opt_i("_due") {
            self.wakes
                .entry(doc.value.s("_clock").to_owned())
                .or_default()
                .insert((due, turn(doc), id.to_owned()));
        }
    }

    fn unindex(&mut self, id: &str, doc: &Doc) {
        let value = doc.value.clone();
        if let Some(kind) = self.kinds.get_mut(value.s("object")) {
            kind.remove(&doc.seq);
        }
        for owner in OWNERS
            .iter()
            .filter_map(|field| value.opt(field))
            .chain(Self::parents(&value))
        {
            if let Some(set) = self.owned.get_mut(owner) {
                set.remove(&doc.seq);
            }
        }
        if let Some(due) = value.opt_i("_due")
            && let Some(wakes) = self.wakes.get_mut(value.s("_clock"))
        {
            wakes.remove(&(due, turn(doc), id.to_owned()));
        }
    }

    fn parents(value: &Value) -> impl Iterator<Item = &str> {
        let parent = value["parent"]["subscription_details"].opt("subscription");
        let payment = value["payment"].opt("payment_intent");
        parent.into_iter().chain(payment)
    }

    /// All documents of a type, oldest first.
    pub(crate) fn all(&self, kind: &str) -> impl DoubleEndedIterator<Item = &Arc<Value>> {
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
    ) -> impl DoubleEndedIterator<Item = &'a Arc<Value>> {
        self.owned
            .get(owner)
            .into_iter()
            .flat_map(BTreeMap::values)
            .filter_map(|id| self.get(id))
            .filter(move |value| value.s("object") == kind)
    }

    /// The next document that wants to be woken on a clock, with its moment. The empty name is the global clock.
    pub(crate) fn next_wake(&self, clock: &str) -> Option<(i64, String)> {
        self.wakes
            .get(clock)?
            .first()
            .map(|(due, _, id)| (*due, id.clone()))
    }

    /// Records an event.
    pub(crate) fn append(
        &mut self,
        kind: &str,
        created: i64,
        object: Arc<Value>,
        previous: Option<Value>,
        request: Value,
    ) -> String {
        let id = self.id("evt", 24);
        let seq = self.next;
        self.next += 1;
        self.event_seqs.insert(id.clone(), seq);
        self.new_events.push(seq);
        self.events.insert(
            seq,
            Event {
                id: id.clone(),
                seq,
                kind: kind.to_owned(),
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
            let value = self.docs.get(&id).map(|doc| Value::clone(&doc.value));
            let kind = value
                .as_ref()
                .map_or("", |value| value.s("object"))
                .to_owned();
            rows.push(Row {
                id,
                kind,
                seq: i64::try_from(seq).unwrap_or(i64::MAX),
                body: value,
            });
        }
        for event in events.iter().filter_map(|seq| self.events.get(seq)) {
            rows.push(Row {
                id: event.id.clone(),
                kind: "event".into(),
                seq: i64::try_from(event.seq).unwrap_or(i64::MAX),
                body: Some(json!({"type": event.kind, "created": event.created, "object": *event.object, "previous": event.previous, "request": event.request})),
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
