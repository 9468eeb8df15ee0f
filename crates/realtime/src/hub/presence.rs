//! Who is on a channel, in the shape of Phoenix presence: a key, and under it one meta for each
//! connection that tracks itself there.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The presence of one channel.
#[derive(Debug, Default)]
pub(crate) struct Presence(BTreeMap<String, Vec<Meta>>);

#[derive(Debug)]
struct Meta {
    member: u64,
    reference: String,
    payload: Map<String, Value>,
    /// As it is sent: the payload with its references.
    sent: Value,
}

/// What changed; nothing if both are empty.
#[derive(Debug, Default)]
pub(crate) struct Diff {
    joins: Map<String, Value>,
    leaves: Map<String, Value>,
}

impl Diff {
    pub(crate) fn is_empty(&self) -> bool {
        self.joins.is_empty() && self.leaves.is_empty()
    }

    pub(crate) fn to_json(&self) -> String {
        json!({"joins": self.joins, "leaves": self.leaves}).to_string()
    }
}

impl Presence {
    /// Tracks a connection, or updates what it says of itself. The same again changes nothing.
    pub(crate) fn track(
        &mut self,
        key: &str,
        member: u64,
        reference: u64,
        mut payload: Map<String, Value>,
    ) -> Diff {
        payload.remove("phx_ref");
        payload.remove("phx_ref_prev");
        let mut diff = Diff::default();
        let metas = self.0.entry(key.to_owned()).or_default();
        let before = metas.iter().position(|meta| meta.member == member);
        if before.is_some_and(|index| metas[index].payload == payload) {
            return diff;
        }
        let reference = format!("{reference:x}");
        let mut sent = payload.clone();
        sent.insert("phx_ref".into(), reference.clone().into());
        if let Some(index) = before {
            let left = metas.remove(index);
            sent.insert("phx_ref_prev".into(), left.reference.into());
            diff.leaves
                .insert(key.into(), json!({"metas": [left.sent]}));
        }
        let sent = Value::Object(sent);
        diff.joins.insert(key.into(), json!({"metas": [&sent]}));
        metas.push(Meta {
            member,
            reference,
            payload,
            sent,
        });
        diff
    }

    /// Ends a connection's presence.
    pub(crate) fn untrack(&mut self, member: u64) -> Diff {
        let mut diff = Diff::default();
        self.0.retain(|key, metas| {
            if let Some(index) = metas.iter().position(|meta| meta.member == member) {
                let left = metas.remove(index);
                diff.leaves
                    .insert(key.clone(), json!({"metas": [left.sent]}));
            }
            !metas.is_empty()
        });
        diff
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

    fn payload(text: &str) -> Map<String, Value> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_connection_comes_changes_and_goes() {
        let mut presence = Presence::default();
        let diff = presence.track("ada", 1, 10, payload(r#"{"a":1,"phx_ref":"forged"}"#));
        assert_eq!(
            diff.to_json(),
            r#"{"joins":{"ada":{"metas":[{"a":1,"phx_ref":"a"}]}},"leaves":{}}"#
        );
        assert!(
            presence
                .track("ada", 1, 11, payload(r#"{"a":1}"#))
                .is_empty()
        );
        presence.track("ada", 2, 12, payload("{}"));
        let diff = presence.track("ada", 1, 13, payload(r#"{"a":2}"#));
        assert_eq!(
            diff.to_json(),
            r#"{"joins":{"ada":{"metas":[{"a":2,"phx_ref":"d","phx_ref_prev":"a"}]}},"leaves":{"ada":{"metas":[{"a":1,"phx_ref":"a"}]}}}"#
        );
        presence.untrack(1);
        assert_eq!(presence.to_json(), r#"{"ada":{"metas":[{"phx_ref":"c"}]}}"#);
        presence.untrack(2);
        assert_eq!(presence.to_json(), "{}");
        assert!(presence.untrack(2).is_empty());
    }
}
