//! Whom a change reaches, and what each of them is told: one frame for all who are told the same.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use axum::extract::ws::{Message, Utf8Bytes};

use super::Group;
use crate::{
    hub::{Member, members::together},
    protocol::{Version, frame},
    stream::change::{Change, View},
};

/// A channel that a change reaches, under which view, and by which of its bindings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit<'a> {
    pub(super) member: &'a Arc<Member>,
    pub(super) view: View,
    pub(super) group: &'a Group,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Reached<'a> {
    pub(super) hits: Vec<Hit<'a>>,
    /// The groups they are of: in one group a channel stands once.
    pub(super) groups: HashSet<u64>,
}

impl<'a> Hit<'a> {
    fn select(&self) -> Option<&'a [String]> {
        self.group.select.as_deref()
    }

    /// Hits with the same key are told in one frame.
    fn key(&self) -> (u64, View, Option<&'a [String]>) {
        (self.member.id, self.view, self.select())
    }
}

impl Reached<'_> {
    /// Writes each distinct frame once and puts it into every outbox it is for; how many.
    /// `owe` is called for each that is told something.
    pub(super) fn send(mut self, change: &Change, at: &str, owe: impl Fn(&Arc<Member>)) -> u64 {
        let mut frames = Frames {
            change,
            at,
            data: HashMap::new(),
            written: HashMap::new(),
            last: None,
        };
        if self.groups.len() < 2 {
            // Nearly always: nobody is reached twice, and nothing has to be put together.
            together(
                &self.hits,
                |hit| &*hit.member.socket,
                |hit| {
                    owe(hit.member);
                    let frame = frames.of(hit, &[hit.group.id]);
                    hit.member.socket.outbox.push(Message::Text(frame));
                },
            );
            return self.hits.len() as u64;
        }
        self.hits
            .sort_unstable_by(|one, two| one.key().cmp(&two.key()));
        let mut sent = 0;
        for hits in self.hits.chunk_by(|one, two| one.key() == two.key()) {
            let mut ids: Vec<u64> = hits.iter().map(|hit| hit.group.id).collect();
            ids.sort_unstable();
            owe(hits[0].member);
            let frame = frames.of(&hits[0], &ids);
            hits[0].member.socket.outbox.push(Message::Text(frame));
            sent += 1;
        }
        sent
    }
}

/// What makes one frame differ from another, for the same change.
type Distinct<'a> = (Version, &'a str, View, Option<&'a [String]>, Vec<u64>);

/// The frames of one change, each written once.
struct Frames<'a, 'c> {
    change: &'c Change,
    at: &'c str,
    data: HashMap<(View, Option<&'a [String]>), String>,
    written: HashMap<Distinct<'a>, Utf8Bytes>,
    /// Who comes next mostly gets the same.
    last: Option<(Distinct<'a>, Utf8Bytes)>,
}

impl<'a> Frames<'a, '_> {
    fn of(&mut self, hit: &Hit<'a>, ids: &[u64]) -> Utf8Bytes {
        let (version, topic) = (hit.member.socket.version, &*hit.member.topic);
        let (view, select) = (hit.view, hit.select());
        if let Some((key, frame)) = &self.last
            && (key.0, key.1, key.2, key.3) == (version, topic, view, select)
            && key.4 == ids
        {
            return frame.clone();
        }
        let key: Distinct<'a> = (version, topic, view, select, ids.to_vec());
        let frame = self.written.entry(key.clone()).or_insert_with(|| {
            let (change, at) = (self.change, self.at);
            let data = self
                .data
                .entry((view, select))
                .or_insert_with(|| change.data(view, select, at));
            if hit.member.legacy {
                // Its group is of its kind only, so that nobody else is told this frame.
                let event = change.kind_in(view).as_str();
                return frame::text(version, None, None, topic, event, data);
            }
            let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
            let payload = format!("{{\"ids\":[{}],\"data\":{data}}}", ids.join(","));
            frame::text(version, None, None, topic, "postgres_changes", &payload)
        });
        self.last.insert((key, frame.clone())).1.clone()
    }
}
