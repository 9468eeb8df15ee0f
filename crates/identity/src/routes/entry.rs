//! What a proof opens, as an answer: a session in cookies, or the next question.

use super::views::SignedInView;
use crate::{
    Identity, cookies,
    model::entry::{Challenge, Entry, Factor},
};
use axum::{
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use kernel::extract::Json;
use serde::Serialize;
use time::OffsetDateTime;

/// A sign-in that waits for its second factor. What holds it open is in a cookie.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct SecondFactorView {
    /// What can answer it.
    factors: Vec<Factor>,
    /// Until when it waits.
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

impl Identity {
    /// 201 with who signed in and where they land, or 202 with the factors that can answer.
    pub(crate) fn entered(&self, entry: Entry) -> Response {
        let mut headers = HeaderMap::new();
        match entry {
            Entry::Session(account, issued) => {
                self.set_cookies(&mut headers, &issued);
                let view = SignedInView {
                    kept: issued.kept,
                    ..SignedInView::from(account)
                };
                (StatusCode::CREATED, headers, Json(view)).into_response()
            }
            Entry::SecondFactor(challenge) => self.asked(headers, challenge),
        }
    }

    fn asked(&self, mut headers: HeaderMap, challenge: Challenge) -> Response {
        self.set_challenge(&mut headers, &challenge);
        let view = SecondFactorView {
            factors: challenge.factors,
            expires_at: challenge.expires_at,
        };
        (StatusCode::ACCEPTED, headers, Json(view)).into_response()
    }

    /// What the browser's device cookie holds.
    pub(crate) fn remembered<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        cookies::read(headers, self.device_cookie())
    }
}
