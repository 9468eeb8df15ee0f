//! The error codes which clients of the protocol know, and the refusals made of them.
//!
//! A refusal is written `Code: text` in `response.reason`, as the official server writes it, so
//! that an application's existing handling keeps working.

use std::fmt;

use crate::ports::Denied;

/// A code of the protocol's error list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// The join named no topic.
    TopicNameRequired,
    /// The access token is over, or its session is.
    InvalidJwtToken,
    /// The access token was not signed by anybody who is trusted here.
    JwtSignatureError,
    /// Nobody is signed in on this socket, or they may not use the channel.
    Unauthorized,
    /// Too many channels on one socket.
    ChannelRateLimitReached,
    /// Too many joins in a short time.
    ClientJoinRateLimitReached,
    /// The payload of a join could not be read.
    InvalidJoinPayload,
    /// The access token is no token at all.
    MalformedJwt,
    /// Only private channels are offered here.
    PrivateOnly,
    /// The stored messages of this channel cannot be told.
    UnableToReplayMessages,
    /// The change stream did not begin in the time that the client would wait.
    PostgresChangesSubscribeTimeout,
    /// None of the tables asked for is published.
    RealtimeDisabledForConfiguration,
    /// Too many join at once, or the database does not say who joins: a later join will be heard.
    InitializingProjectConnection,
    /// Anything else that a client did wrong on a channel.
    UnknownErrorOnChannel,
}

impl Code {
    const fn as_str(self) -> &'static str {
        match self {
            Self::TopicNameRequired => "TopicNameRequired",
            Self::InvalidJwtToken => "InvalidJWTToken",
            Self::JwtSignatureError => "JwtSignatureError",
            Self::Unauthorized => "Unauthorized",
            Self::ChannelRateLimitReached => "ChannelRateLimitReached",
            Self::ClientJoinRateLimitReached => "ClientJoinRateLimitReached",
            Self::InvalidJoinPayload => "InvalidJoinPayload",
            Self::MalformedJwt => "MalformedJWT",
            Self::PrivateOnly => "PrivateOnly",
            Self::UnableToReplayMessages => "UnableToReplayMessages",
            Self::PostgresChangesSubscribeTimeout => "PostgresChangesSubscribeTimeout",
            Self::RealtimeDisabledForConfiguration => "RealtimeDisabledForConfiguration",
            Self::InitializingProjectConnection => "InitializingProjectConnection",
            Self::UnknownErrorOnChannel => "UnknownErrorOnChannel",
        }
    }
}

/// A refusal with its code, ready for `response.reason`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    code: Code,
    text: String,
}

impl Refusal {
    pub(crate) fn new(code: Code, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Malformed => {
                Self::new(Code::MalformedJwt, "The token provided is not a valid JWT")
            }
            Denied::Forged => Self::new(
                Code::JwtSignatureError,
                "The token was not signed by this server",
            ),
            Denied::Expired => Self::new(Code::InvalidJwtToken, "Token has expired"),
            Denied::Refused => Self::new(
                Code::InvalidJwtToken,
                "Its session is over, or its owner may not come in",
            ),
            Denied::Unavailable => Self::new(
                Code::InitializingProjectConnection,
                "Who joins cannot be looked up now, try again in some seconds",
            ),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.text)
    }
}
