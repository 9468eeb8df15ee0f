//! The frames of the Supabase Realtime protocol: bytes to meaning and back.
//!
//! Pure: it opens no socket, knows no subscriber and holds no state, so that everything a
//! stranger can send is judged here, where it can be tested with arbitrary bytes. It refuses to
//! repair: a frame is either understood whole or rejected with a reason.

pub(crate) mod codes;
pub(crate) mod frame;
pub(crate) mod join;

pub(crate) use codes::{Code, Refusal};
pub(crate) use frame::{Incoming, Malformed, Ref, Version};
