//! Never missing a change: where a client stands, and the recent past from which it goes on.
//!
//! A [`Cursor`] says what somebody has seen; the [`Ring`] remembers what was committed lately. A
//! channel that is joined with a cursor is told what came after it, and is put among the live
//! ones at the very moment at which nothing is left to tell. Where the past does not reach back
//! far enough, that is said (`resume_gap`), never passed over.
//!
//! The ring remembers rows, not frames: who may see them is asked again at each replay.

pub(crate) mod cursor;
pub(crate) mod ring;

pub(crate) use cursor::{Cursor, Snapshot, epoch};
pub(crate) use ring::{Gap, Replay, Ring};
