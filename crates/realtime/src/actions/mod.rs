//! What is done on channels, whoever asks for it: a client on its socket, one over HTTP, or a
//! domain of this server.

pub(crate) mod broadcast;
pub(crate) mod kept;
