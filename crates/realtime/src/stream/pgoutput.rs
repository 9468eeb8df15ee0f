//! The messages of PostgreSQL's `pgoutput` plugin, protocol version 1
//! (PostgreSQL documentation, "Logical Replication Message Formats").
//!
//! Begin and commit are read by the replication client; here are rows and tables.

use std::{collections::HashMap, sync::Arc};

use anyhow::{Context as _, Result, bail};
use axum::extract::ws::Utf8Bytes;
use bytes::{Buf as _, Bytes};

use super::change::{Cell, Change, Kind, Relation};

/// A table as the stream describes it, before its types are looked up.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) oid: u32,
    pub(crate) schema: String,
    pub(crate) name: String,
    /// Name and type of each column.
    pub(crate) columns: Vec<(String, u32)>,
}

/// One message.
#[derive(Debug)]
pub(crate) enum Message {
    Relation(Described),
    Change(Change),
    Truncate(Vec<Arc<Relation>>),
    /// Types and origins, which nothing here needs.
    Other,
}

/// The tables that the stream has described so far.
#[derive(Debug, Default)]
pub(crate) struct Relations(HashMap<u32, Arc<Relation>>);

impl Relations {
    pub(crate) fn learn(&mut self, oid: u32, relation: Arc<Relation>) {
        self.0.insert(oid, relation);
    }

    fn get(&self, oid: u32) -> Result<&Arc<Relation>> {
        self.0
            .get(&oid)
            .with_context(|| format!("a row of table {oid}, which was not described"))
    }

    /// Reads one message.
    pub(crate) fn read(&self, mut data: Bytes) -> Result<Message> {
        Ok(match data.try_get_u8()? {
            b'R' => Message::Relation(describe(&mut data)?),
            b'I' => {
                let relation = self.get(data.try_get_u32()?)?;
                let new = match data.try_get_u8()? {
                    b'N' => row(&mut data, relation, false)?,
                    other => bail!("an insert with a tuple of kind {other}"),
                };
                Message::Change(Change {
                    relation: Arc::clone(relation),
                    kind: Kind::Insert,
                    new,
                    old: Vec::new(),
                })
            }
            b'U' => {
                let relation = self.get(data.try_get_u32()?)?;
                let mut tuple = data.try_get_u8()?;
                let mut old = Vec::new();
                if matches!(tuple, b'K' | b'O') {
                    old = row(&mut data, relation, tuple == b'K')?;
                    tuple = data.try_get_u8()?;
                }
                if tuple != b'N' {
                    bail!("an update with a tuple of kind {tuple}");
                }
                let mut new = row(&mut data, relation, false)?;
                // A large value that did not change is only in the old row, if anywhere.
                for (cell, before) in new.iter_mut().zip(&old) {
                    if matches!(cell, Cell::Absent) {
                        *cell = before.clone();
                    }
                }
                Message::Change(Change {
                    relation: Arc::clone(relation),
                    kind: Kind::Update,
                    new,
                    old,
                })
            }
            b'D' => {
                let relation = self.get(data.try_get_u32()?)?;
                let keys_only = data.try_get_u8()? == b'K';
                Message::Change(Change {
                    relation: Arc::clone(relation),
                    kind: Kind::Delete,
                    new: Vec::new(),
                    old: row(&mut data, relation, keys_only)?,
                })
            }
            b'T' => {
                let count = data.try_get_u32()?;
                let _options = data.try_get_u8()?;
                let tables = (0..count).map(|_| self.get(data.try_get_u32()?).cloned());
                Message::Truncate(tables.collect::<Result<_>>()?)
            }
            _ => Message::Other,
        })
    }
}

fn describe(data: &mut Bytes) -> Result<Described> {
    let oid = data.try_get_u32()?;
    let schema = match string(data)? {
        // The protocol writes pg_catalog as nothing.
        empty if empty.is_empty() => "pg_catalog".to_owned(),
        schema => schema,
    };
    let name = string(data)?;
    let _identity = data.try_get_u8()?;
    let columns = (0..data.try_get_u16()?)
        .map(|_| {
            let _part_of_identity = data.try_get_u8()?;
            let name = string(data)?;
            let type_oid = data.try_get_u32()?;
            let _modifier = data.try_get_i32()?;
            Ok((name, type_oid))
        })
        .collect::<Result<_>>()?;
    Ok(Described {
        oid,
        schema,
        name,
        columns,
    })
}

/// Reads a row. A row of keys only carries nulls in place of everything else; those are absent.
fn row(data: &mut Bytes, relation: &Relation, keys_only: bool) -> Result<Vec<Cell>> {
    let count = usize::from(data.try_get_u16()?);
    if count != relation.columns.len() {
        bail!(
            "a row of {count} values in {}.{}",
            relation.schema,
            relation.name
        );
    }
    (0..count)
        .map(|_| {
            Ok(match data.try_get_u8()? {
                b'n' if keys_only => Cell::Absent,
                b'n' => Cell::Null,
                b'u' => Cell::Absent,
                b't' => {
                    let length = usize::try_from(data.try_get_u32()?)?;
                    if data.len() < length {
                        bail!("a value cut short");
                    }
                    let text = Utf8Bytes::try_from(data.split_to(length));
                    Cell::Text(text.context("a value that is not UTF-8")?)
                }
                other => bail!("a value of kind {other}"),
            })
        })
        .collect()
}

fn string(data: &mut Bytes) -> Result<String> {
    let end = data.iter().position(|byte| *byte == 0);
    let text = data.split_to(end.context("a name without an end")?);
    data.advance(1);
    Ok(String::from_utf8(text.into())?)
}
