//! A committed change, and its shape on the wire.
//!
//! Values stay the text that PostgreSQL sent until a subscriber needs them: most changes have few
//! readers, and a row is written as JSON at most once for each distinct view of it.

use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;

use super::value;
use crate::protocol::frame::json_string;

/// How the values of a type are compared and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Bool,
    Number,
    Uuid,
    Json,
    /// Dates and timestamps.
    Timestamp,
    Text,
    /// An array of such values.
    Array(Element),
}

/// The class of an array's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    Bool,
    Number,
    Json,
    Timestamp,
    Text,
}

/// A column of a published table.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// The type's name as clients expect it: `int4`, `_int4` for an array.
    pub(crate) type_name: String,
    pub(crate) class: Class,
    /// Part of the primary key.
    pub(crate) key: bool,
}

/// A published table as the stream last described it.
#[derive(Debug)]
pub(crate) struct Relation {
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
}

/// One value of a row.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    Null,
    /// Not sent: an unchanged large value, or a column outside the replica identity.
    Absent,
    Text(Utf8Bytes),
}

/// What happened to the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Insert,
    Update,
    Delete,
}

impl Kind {
    /// As clients know it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// One row changed.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) relation: Arc<Relation>,
    pub(crate) kind: Kind,
    /// The row after it; empty for a delete.
    pub(crate) new: Vec<Cell>,
    /// The row before it, as far as the replica identity shows it; empty for an insert.
    pub(crate) old: Vec<Cell>,
}

/// Everything that one transaction did to published tables.
#[derive(Debug)]
pub(crate) struct Transaction {
    /// The place of its commit in the log: where it stands among the others.
    pub(crate) commit: u64,
    /// The lower half of its number.
    pub(crate) xid: u32,
    /// About how much memory it takes.
    pub(crate) weight: usize,
    /// When, as the wire says it.
    pub(crate) at: String,
    pub(crate) changes: Vec<Change>,
    /// Tables of which single changes were not kept (too many, or truncated): readers refetch.
    pub(crate) refetch: Vec<Arc<Relation>>,
}

/// How much of a change somebody may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum View {
    /// All of it.
    Whole,
    /// The row came into sight: what it was before is none of their business, except its key.
    Arrived,
    /// The row went out of sight: to them it was deleted.
    Departed,
}

/// A change larger than this is sent with its small fields only, as the official server does.
const MAX_CHANGE: usize = 1024 * 1024;
const SMALL_FIELD: usize = 64;

impl Cell {
    /// The value, unless it is null or absent.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Absent => None,
        }
    }

    #[cfg(test)]
    pub(crate) fn of(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl Relation {
    pub(crate) fn new(schema: &str, name: &str, columns: Vec<Column>) -> Self {
        Self {
            schema: schema.into(),
            name: name.into(),
            columns,
        }
    }

    /// Where a column stands in a row.
    pub(crate) fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| known.name == column)
    }
}

impl Change {
    /// About how much memory it takes.
    pub(crate) fn weight(&self) -> usize {
        let cells = self.new.iter().chain(&self.old);
        let text = |cell: &Cell| cell.text().map_or(0, str::len) + size_of::<Cell>();
        size_of::<Self>() + cells.map(text).sum::<usize>()
    }

    /// The type of this change in a view.
    pub(crate) fn kind_in(&self, view: View) -> Kind {
        match view {
            View::Departed => Kind::Delete,
            View::Whole | View::Arrived => self.kind,
        }
    }

    /// The `data` object of a `postgres_changes` message.
    pub(crate) fn data(&self, view: View, select: Option<&[String]>, at: &str) -> String {
        let whole = self.write(view, select, at, usize::MAX);
        if whole.len() > MAX_CHANGE {
            return self.write(view, select, at, SMALL_FIELD);
        }
        whole
    }

    fn write(&self, view: View, select: Option<&[String]>, at: &str, largest: usize) -> String {
        let shown: Vec<usize> = (0..self.relation.columns.len())
            .filter(|index| {
                let column = &self.relation.columns[*index];
                column.key || select.is_none_or(|select| select.contains(&column.name))
            })
            .collect();
        let kind = self.kind_in(view);
        let mut json = String::with_capacity(512);
        json.push_str("{\"schema\":");
        json.push_str(&json_string(&self.relation.schema));
        json.push_str(",\"table\":");
        json.push_str(&json_string(&self.relation.name));
        json.push_str(",\"commit_timestamp\":\"");
        json.push_str(at);
        json.push_str("\",\"type\":\"");
        json.push_str(kind.as_str());
        json.push_str("\",\"columns\":[");
        for (nth, column) in shown.iter().map(|i| &self.relation.columns[*i]).enumerate() {
            json.push_str(if nth == 0 { "" } else { "," });
            json.push_str("{\"name\":");
            json.push_str(&json_string(&column.name));
            json.push_str(",\"type\":");
            json.push_str(&json_string(&column.type_name));
            json.push('}');
        }
        json.push(']');
        if kind != Kind::Delete {
            json.push_str(",\"record\":");
            self.row(&mut json, &self.new, &shown, false, largest);
        }
        if kind != Kind::Insert {
            json.push_str(",\"old_record\":");
            let row = if self.old.is_empty() {
                &self.new
            } else {
                &self.old
            };
            let keys_only = view == View::Arrived || self.old.is_empty();
            self.row(&mut json, row, &shown, keys_only, largest);
        }
        json.push_str(match largest {
            usize::MAX => ",\"errors\":null}",
            _ => ",\"errors\":[\"Error 413: Payload Too Large\"]}",
        });
        json
    }

    fn row(
        &self,
        json: &mut String,
        row: &[Cell],
        shown: &[usize],
        keys_only: bool,
        largest: usize,
    ) {
        json.push('{');
        let mut first = true;
        for index in shown {
            let column = &self.relation.columns[*index];
            let cell = row.get(*index).unwrap_or(&Cell::Absent);
            let hidden = keys_only && !column.key;
            if hidden || cell.text().is_some_and(|text| text.len() > largest) {
                continue;
            }
            let text = match cell {
                Cell::Absent => continue,
                Cell::Null => None,
                Cell::Text(text) => Some(text.as_str()),
            };
            json.push_str(if first { "" } else { "," });
            first = false;
            json.push_str(&json_string(&column.name));
            json.push(':');
            match text {
                None => json.push_str("null"),
                Some(text) => value::write(json, column.class, text),
            }
        }
        json.push('}');
    }
}
