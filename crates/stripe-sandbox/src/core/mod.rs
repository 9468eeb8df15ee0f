//! What every noun of the engine needs: the state, money, months, ids, errors and the request schema. No I/O.

pub(crate) mod calendar;
pub(crate) mod cards;
pub(crate) mod cx;
pub(crate) mod error;
pub(crate) mod json;
pub(crate) mod money;
pub(crate) mod render;
pub(crate) mod schema;
pub(crate) mod state;

pub(crate) use cx::{Cx, RequestInfo};
pub(crate) use error::{ApiError, Result};
pub(crate) use json::{Read, Value, json};
pub(crate) use state::State;
