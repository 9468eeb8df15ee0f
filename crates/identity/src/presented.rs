//! What becomes of an access token that is presented on a socket, where whoever presents it has to
//! hear why it is not taken. Requests are answered with less: see [`crate::authenticate`].

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use kernel::{Principal, Result};
use serde::Deserialize;
use time::OffsetDateTime;

use crate::Identity;

/// What a token is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    /// It stands for somebody, until then.
    Good(Principal, OffsetDateTime),
    /// It is no token.
    Malformed,
    /// Nobody who is trusted here signed it.
    Forged,
    /// It is over.
    Expired,
    /// It is good, and its session is over, its owner suspended or their address not proved.
    Refused,
}

/// What every token says, whoever made it.
#[derive(Deserialize)]
struct Times {
    exp: i64,
}

impl Identity {
    /// Judges an access token of any of those whose tokens the API takes.
    ///
    /// # Errors
    /// When that cannot be found out now, which says nothing about the token.
    pub async fn presented(&self, token: &str) -> Result<Presented> {
        let Some(ends) = end_of(token) else {
            return Ok(Presented::Malformed);
        };
        if let Some((session, user)) = self.held_by(token).await? {
            let standing = self.standing(session, user).await?;
            return Ok(standing.map_or(Presented::Refused, |who| Presented::Good(who, ends)));
        }
        if self.0.keys.read(token).is_some() {
            return Ok(Presented::Expired);
        }
        Ok(self.stack_refusal(token).unwrap_or(Presented::Forged))
    }
}

/// When a token says that it ends. It is believed only of one that was found to be good.
fn end_of(token: &str) -> Option<OffsetDateTime> {
    let mut parts = token.split('.');
    let (_header, claims, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    let Times { exp } = serde_json::from_slice(&claims).ok()?;
    OffsetDateTime::from_unix_timestamp(exp).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_no_token_is_called_that() {
        for token in ["", "x", "a.b.c", "..", "e30.e30.x", "e30.eyJleHAiOjF9.x.y"] {
            assert_eq!(end_of(token), None, "{token}");
        }
        let end = OffsetDateTime::from_unix_timestamp(1).ok();
        assert_eq!(end_of("e30.eyJleHAiOjF9.x"), end);
    }
}
