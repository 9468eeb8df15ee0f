//! Who is on a channel, in the shape of Phoenix presence: a key, and under it one meta for each
//! connection that tracks itself there, on whichever server.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::topics::Track;

/// Which connection's presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Whose {
    /// The server; 0 for this one.
    pub(crate) node: u64,
    pub(crate) member: u64,
}

impl Whose {
    pub(crate) fn here(member: u64) -> Self {
        Self { node: 0, member }
    }
}

/// The presence of one channel.
#[derive(Debug, Default)]
pub(crate) struct Presence(BTreeMap<String, Vec<Meta>>);

#[derive(Debug)]
struct Meta {
    whose: Whose,
    reference: String,
    payload: Map<String, Value>,
    /// As it is sent: the payload with its references.
    sent: Value,
}

/// What changed; nothing if both are empty. Each meta under its key, by its reference.
#[derive(Debug, Default)]
pub(crate) struct Diff {
    joins: BTreeMap<String, BTreeMap<String, Value>>,
    leaves: BTreeMap<String, BTreeMap<String, Value>>,
}

impl Diff {
    pub(crate) fn is_empty(&self) -> bool {
        self.joins.is_empty() && self.leaves.is_empty()
    }

    /// Adds what changed after this. Who came and went in between was never there for those who
    /// are told.
    pub(crate) fn merge(&mut self, later: Self) {
        for (key, metas) in later.leaves {
            for (reference, meta) in metas {
                let joined = self.joins.get_mut(&key);
                let unknown = joined.and_then(|metas| metas.remove(&reference));
                if unknown.is_none() {
                    let left = self.leaves.entry(key.clone()).or_default();
                    left.insert(reference, meta);
                }
            }
        }
        for (key, metas) in later.joins {
            self.joins.entry(key).or_default().extend(metas);
        }
        self.joins.retain(|_, metas| !metas.is_empty());
    }

    pub(crate) fn to_json(&self) -> String {
        let said = |side: &BTreeMap<String, BTreeMap<String, Value>>| -> Value {
            let keys = side.iter().map(|(key, metas)| {
                let metas: Vec<&Value> = metas.values().collect();
                (key.clone(), json!({"metas": metas}))
            });
            Value::Object(keys.collect())
        };
        json!({"joins": said(&self.joins), "leaves": said(&self.leaves)}).to_string()
    }

    fn of(side: &mut BTreeMap<String, BTreeMap<String, Value>>, key: &str, meta: &Meta) {
        let metas = side.entry(key.to_owned()).or_default();
        metas.insert(meta.reference.clone(), meta.sent.clone());
    }
}

impl Presence {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tracks a connection, or updates what it says of itself. The same again changes nothing.
    pub(crate) fn track(&mut self, whose: Whose, track: Track) -> Diff {
        let Track {
            key,
            reference,
            mut payload,
        } = track;
        payload.remove("phx_ref");
        payload.remove("phx_ref_prev");
        let mut diff = Diff::default();
        let metas = self.0.entry(key.clone()).or_default();
        let before = metas.iter().position(|meta| meta.whose == whose);
        if before.is_some_and(|index| metas[index].payload == payload) {
            return diff;
        }
        let mut sent = payload.clone();
        sent.insert("phx_ref".into(), reference.clone().into());
        if let Some(index) = before {
            let left = metas.remove(index);
            Diff::of(&mut diff.leaves, &key, &left);
            sent.insert("phx_ref_prev".into(), left.reference.into());
        }
        let meta = Meta {
            whose,
            reference,
            payload,
            sent: Value::Object(sent),
        };
        Diff::of(&mut diff.joins, &key, &meta);
        metas.push(meta);
        diff
    }

    /// Ends a connection's presence.
    pub(crate) fn untrack(&mut self, whose: Whose) -> Diff {
        let mut diff = Diff::default();
        self.0.retain(|key, metas| {
            if let Some(index) = metas.iter().position(|meta| meta.whose == whose) {
                Diff::of(&mut diff.leaves, key, &metas.remove(index));
            }
            !metas.is_empty()
        });
        diff
    }

    /// The connections of one server that are present, but those excepted.
    pub(crate) fn of_node(&self, node: u64, except: impl Fn(u64) -> bool) -> Vec<Whose> {
        let metas = self.0.values().flatten();
        let theirs = metas
            .map(|meta| meta.whose)
            .filter(|whose| whose.node == node && !except(whose.member));
        theirs.collect()
    }

    /// Everyone, for a `presence_state` message.
    pub(crate) fn to_json(&self) -> String {
        let state = self.0.iter().map(|(key, metas)| {
            let metas: Vec<&Value> = metas.iter().map(|meta| &meta.sent).collect();
            (key.clone(), json!({"metas": metas}))
        });
        Value::Object(state.collect()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada(reference: &str, payload: &str) -> Track {
        Track {
            key: "ada".into(),
            reference: reference.into(),
            payload: serde_json::from_str(payload).unwrap(),
        }
    }

    #[test]
    fn a_connection_comes_changes_and_goes() {
        let mut presence = Presence::default();
        let (one, two) = (Whose::here(1), Whose { node: 7, member: 1 });
        let diff = presence.track(one, ada("a", r#"{"a":1,"phx_ref":"forged"}"#));
        assert_eq!(
            diff.to_json(),
            r#"{"joins":{"ada":{"metas":[{"a":1,"phx_ref":"a"}]}},"leaves":{}}"#
        );
        assert!(presence.track(one, ada("b", r#"{"a":1}"#)).is_empty());
        presence.track(two, ada("c", "{}"));
        let diff = presence.track(one, ada("d", r#"{"a":2}"#));
        assert_eq!(
            diff.to_json(),
            r#"{"joins":{"ada":{"metas":[{"a":2,"phx_ref":"d","phx_ref_prev":"a"}]}},"leaves":{"ada":{"metas":[{"a":1,"phx_ref":"a"}]}}}"#
        );
        presence.untrack(one);
        assert_eq!(presence.to_json(), r#"{"ada":{"metas":[{"phx_ref":"c"}]}}"#);
        assert_eq!(presence.of_node(7, |_| false), [two]);
        assert_eq!(presence.of_node(7, |member| member == 1), []);
        presence.untrack(two);
        assert_eq!(presence.to_json(), "{}");
        assert!(presence.untrack(two).is_empty());
    }

    #[test]
    fn what_came_and_went_untold_is_not_told() {
        let mut presence = Presence::default();
        let one = Whose::here(1);
        let mut untold = presence.track(one, ada("a", "{}"));
        untold.merge(presence.track(one, ada("b", r#"{"n":1}"#)));
        assert_eq!(
            untold.to_json(),
            r#"{"joins":{"ada":{"metas":[{"n":1,"phx_ref":"b","phx_ref_prev":"a"}]}},"leaves":{}}"#
        );
        untold.merge(presence.untrack(one));
        assert!(untold.is_empty());
        // This one was told.
        presence.track(one, ada("c", "{}"));
        let mut untold = Diff::default();
        untold.merge(presence.untrack(one));
        assert_eq!(
            untold.to_json(),
            r#"{"joins":{},"leaves":{"ada":{"metas":[{"phx_ref":"c"}]}}}"#
        );
    }
}
