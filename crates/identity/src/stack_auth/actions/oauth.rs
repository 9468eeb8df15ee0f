//! Signing in with a provider: none is offered by this face yet.

use super::entry::Tokens;
use crate::stack_auth::{StackAuth, call::Device, fault::Result, known::Known};
use kernel::id::UserId;
use serde_json::Value;
use std::future::{Ready, ready};

impl StackAuth {
    /// The providers that people can sign in with.
    pub(crate) fn provider_ids(&self) -> Vec<String> {
        let _ = self;
        Vec::new()
    }

    /// The providers that somebody signs in with.
    pub(crate) fn linked(&self, _: UserId, _: bool) -> Ready<Result<Vec<Value>>> {
        let _ = self;
        ready(Ok(Vec::new()))
    }

    /// Trades an authorization code for tokens.
    pub(crate) fn trade_code(
        &self,
        _: &str,
        _: &str,
        _: &str,
        _: &Device,
    ) -> Ready<Result<(Tokens, Option<String>)>> {
        let _ = self;
        ready(Err(Known::InvalidAuthorizationCode.into()))
    }
}
