//! The cookies of a signed-in browser and of one that accounts were used from: `HttpOnly`, same-site, and on https with the
//! `__Host-` prefix, which no subdomain can plant (RFC 6265bis §4.1.3).

use crate::{
    Identity,
    actions::{accounts::VERIFY_LIFE, entry::CHALLENGE_LIFE, mailed::CODE_LIFE, sessions::Issued},
    model::entry::Challenge,
};
use axum::http::{HeaderMap, HeaderValue, header};
use axum_extra::extract::cookie::{Cookie, SameSite};
use std::time::Duration;

/// How long a browser is known: as long as a cookie may live (RFC 6265bis §5.6.1).
const DEVICE: Duration = Duration::from_hours(400 * 24);

/// How long somebody may take at a provider's.
const AWAY: Duration = Duration::from_mins(15);

impl Identity {
    fn secure(&self) -> bool {
        self.0.public_url.scheme() == "https"
    }

    pub(crate) fn access_cookie(&self) -> &'static str {
        if self.secure() {
            "__Host-portico_access"
        } else {
            "portico_access"
        }
    }

    pub(crate) fn refresh_cookie(&self) -> &'static str {
        if self.secure() {
            "__Host-portico_refresh"
        } else {
            "portico_refresh"
        }
    }

    pub(crate) fn device_cookie(&self) -> &'static str {
        if self.secure() {
            "__Host-portico_device"
        } else {
            "portico_device"
        }
    }

    pub(crate) fn provider_cookie(&self) -> &'static str {
        if self.secure() {
            "__Host-portico_provider"
        } else {
            "portico_provider"
        }
    }

    pub(crate) fn acting_cookie(&self) -> &'static str {
        if self.secure() {
            "__Host-portico_acting"
        } else {
            "portico_acting"
        }
    }

    /// Lets this browser act in somebody's place.
    pub(crate) fn set_acting_cookie(&self, headers: &mut HeaderMap, held: &str, life: Duration) {
        let cookie = self.cookie(self.acting_cookie(), held.to_owned(), life);
        headers.append(header::SET_COOKIE, cookie);
    }

    /// Takes that back.
    pub(crate) fn clear_acting_cookie(&self, headers: &mut HeaderMap) {
        self.clear(headers, self.acting_cookie());
    }

    /// Ties sign-ins at providers to this browser.
    pub(crate) fn set_provider_cookie(&self, headers: &mut HeaderMap, browser: &str) {
        let cookie = self.cookie(self.provider_cookie(), browser.to_owned(), AWAY);
        headers.append(header::SET_COOKIE, cookie);
    }

    /// Ties one departure of an app's to this browser, or, with nothing to hold, unties it.
    pub(crate) fn set_departure(&self, headers: &mut HeaderMap, name: &str, held: &str) {
        let life = if held.is_empty() {
            Duration::ZERO
        } else {
            AWAY
        };
        headers.append(header::SET_COOKIE, self.cookie(name, held.to_owned(), life));
    }

    fn cookie(&self, name: &str, value: String, life: Duration) -> HeaderValue {
        let cookie = Cookie::build((name.to_owned(), value))
            .path("/")
            .http_only(true)
            .secure(self.secure())
            .same_site(SameSite::Lax)
            .max_age(time::Duration::try_from(life).unwrap_or(time::Duration::ZERO))
            .build();
        // Names and values are ours: ASCII without separators.
        HeaderValue::from_str(&cookie.to_string()).unwrap_or(HeaderValue::from_static(""))
    }

    /// Hands the tokens of a session to the browser.
    pub(crate) fn set_cookies(&self, headers: &mut HeaderMap, issued: &Issued) {
        let config = &self.0.config;
        let access = self.cookie(self.access_cookie(), issued.access.clone(), config.access());
        headers.append(header::SET_COOKIE, access);
        let refresh = self.cookie(
            self.refresh_cookie(),
            issued.refresh.to_string(),
            config.absolute(),
        );
        headers.append(header::SET_COOKIE, refresh);
        if let Some(device) = issued.device() {
            let device = self.cookie(self.device_cookie(), device.to_owned(), DEVICE);
            headers.append(header::SET_COOKIE, device);
        }
    }

    pub(crate) fn challenge_cookie(&self) -> &'static str {
        if self.secure() {
            "__Host-portico_challenge"
        } else {
            "portico_challenge"
        }
    }

    /// Holds a sign-in open until its second factor comes.
    pub(crate) fn set_challenge(&self, headers: &mut HeaderMap, challenge: &Challenge) {
        let (name, token) = (self.challenge_cookie(), challenge.token.to_string());
        let life = CHALLENGE_LIFE.unsigned_abs();
        headers.append(header::SET_COOKIE, self.cookie(name, token, life));
    }

    /// Takes back what held a sign-in open.
    pub(crate) fn clear_challenge(&self, headers: &mut HeaderMap) {
        self.clear(headers, self.challenge_cookie());
    }

    pub(crate) fn code_cookie(&self) -> &'static str {
        if self.secure() {
            "__Host-portico_code"
        } else {
            "portico_code"
        }
    }

    /// Marks the browser that asked for a code.
    pub(crate) fn set_code(&self, headers: &mut HeaderMap, browser: &str) {
        let life = CODE_LIFE.unsigned_abs();
        let cookie = self.cookie(self.code_cookie(), browser.to_owned(), life);
        headers.append(header::SET_COOKIE, cookie);
    }

    /// Takes the mark back.
    pub(crate) fn clear_code(&self, headers: &mut HeaderMap) {
        self.clear(headers, self.code_cookie());
    }

    pub(crate) fn registration_cookie(&self) -> &'static str {
        if self.secure() {
            "__Host-portico_registration"
        } else {
            "portico_registration"
        }
    }

    /// Marks the browser that registered.
    pub(crate) fn set_registration(&self, headers: &mut HeaderMap, browser: &str) {
        let life = VERIFY_LIFE.unsigned_abs();
        let cookie = self.cookie(self.registration_cookie(), browser.to_owned(), life);
        headers.append(header::SET_COOKIE, cookie);
    }

    fn clear(&self, headers: &mut HeaderMap, name: &'static str) {
        let gone = self.cookie(name, String::new(), Duration::ZERO);
        headers.append(header::SET_COOKIE, gone);
    }

    /// Takes the tokens back. The browser stays known.
    pub(crate) fn clear_cookies(&self, headers: &mut HeaderMap) {
        for name in [self.access_cookie(), self.refresh_cookie()] {
            headers.append(
                header::SET_COOKIE,
                self.cookie(name, String::new(), Duration::ZERO),
            );
        }
    }
}

/// The value of a cookie that the browser sent.
pub(crate) fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}
