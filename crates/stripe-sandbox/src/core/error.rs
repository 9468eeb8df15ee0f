//! The one error of the API, in Stripe's shape: `{"error": {type, code, param, message, decline_code, …}}`.

use super::json::{Read, ToValue, Value, json};

/// What an engine verb returns.
pub(crate) type Result<T = Value> = std::result::Result<T, ApiError>;

/// An error that a client may see.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The members of `error`.
    pub(crate) body: Value,
}

impl ApiError {
    fn new(status: u16, kind: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            body: json!({"type": kind, "message": message.into()}),
        }
    }

    /// 400 without a code.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }

    /// 400 that names the parameter at fault.
    pub(crate) fn param(param: &str, message: impl Into<String>) -> Self {
        Self::invalid(message).with("param", param)
    }

    /// 404: no such object. As an argument of another request it is a 400 with the parameter's name.
    pub(crate) fn missing(what: &str, id: &str, param: &str) -> Self {
        let mut error = Self::invalid(format!("No such {what}: '{id}'"))
            .with("code", "resource_missing")
            .with("param", param);
        if param == "id" {
            error.status = 404;
        }
        error
    }

    /// A parameter Stripe has and this sandbox does not imitate. Said out loud rather than ignored.
    pub(crate) fn not_imitated(param: &str) -> Self {
        Self::param(
            param,
            format!(
                "The sandbox does not imitate `{param}`. Real Stripe accepts it; leave it out here."
            ),
        )
        .with("code", "sandbox_unsupported")
    }

    /// 401.
    pub(crate) fn unauthorized(message: &str) -> Self {
        Self::new(401, "invalid_request_error", message)
    }

    /// 402: the card was refused.
    pub(crate) fn card(code: &str, decline_code: Option<&str>, message: &str) -> Self {
        let error = Self::new(402, "card_error", message).with("code", code);
        match decline_code {
            Some(decline) => error.with("decline_code", decline),
            None => error,
        }
    }

    /// 404 for a path that no operation has.
    pub(crate) fn no_route(method: &str, path: &str) -> Self {
        let mut error = Self::invalid(format!(
            "Unrecognized request URL ({method}: {path}). The sandbox may not imitate this operation."
        ));
        error.status = 404;
        error
    }

    /// 400 or 409 of the idempotency layer.
    pub(crate) fn idempotency(status: u16, message: &str) -> Self {
        let mut error = Self::new(status, "idempotency_error", message);
        if status == 409 {
            error = error.with("code", "idempotency_key_in_use");
        }
        error
    }

    /// 429.
    pub(crate) fn rate_limited() -> Self {
        Self::new(429, "invalid_request_error", "Request rate limit exceeded.")
            .with("code", "rate_limit")
    }

    /// 500.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "api_error", message)
    }

    /// Adds a member to the error.
    pub(crate) fn with(mut self, key: &str, value: impl ToValue) -> Self {
        self.body.put(key, value);
        self
    }

    /// Sets the machine-readable code.
    pub(crate) fn code(self, code: &str) -> Self {
        self.with("code", code)
    }

    /// The message for people.
    pub(crate) fn message(&self) -> &str {
        self.body.s("message")
    }
}
