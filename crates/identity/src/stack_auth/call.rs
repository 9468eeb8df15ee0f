//! Who calls, and with which access: read once from the headers of either family, in the order in which the
//! SDK expects to hear of what is missing.

use super::{
    StackAuth,
    envelope::either,
    fault::{Fault, Result},
    known::Known,
    tokens::{Claims, over},
};
use crate::routes::device_of;
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use kernel::{
    Principal,
    client::ClientAddr,
    id::{SessionId, UserId},
};

/// What stands in place of a key where a project needs none.
pub(super) const NO_KEY: &str = "__stack_public_client__";

/// With which rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// A page or an app.
    Client,
    /// A server that holds the secret key.
    Server,
}

/// The caller's device.
#[derive(Debug, Clone)]
pub(crate) struct Device {
    pub(crate) from: ClientAddr,
    pub(crate) name: String,
}

impl Device {
    pub(super) fn of(headers: &HeaderMap, from: ClientAddr) -> Self {
        let name = match device_of(headers) {
            // A program without a browser says at least which SDK it is.
            name if name == "Unknown device" => either(headers, "client-version")
                .and_then(|version| version.split_whitespace().last())
                .map_or(name, |sdk| {
                    sdk.chars().filter(|c| !c.is_control()).take(100).collect()
                }),
            name => name,
        };
        Self { from, name }
    }
}

/// A request that named the project and may call with the access that it claims.
pub(super) struct Call {
    pub(super) access: Access,
    pub(super) device: Device,
    pub(super) refresh_token: Option<String>,
    /// Who is signed in, if a token says so.
    pub(super) caller: Option<Principal>,
}

impl Call {
    /// Who is signed in.
    pub(super) fn signed_in(&self) -> Result<Principal> {
        self.caller
            .ok_or_else(|| Known::UserAuthenticationRequired.into())
    }

    /// Fails unless the caller is a server.
    pub(super) fn server(&self) -> Result<()> {
        if self.access == Access::Server {
            return Ok(());
        }
        Err(Known::InsufficientAccessType("client".to_owned(), &["server", "admin"]).into())
    }

    pub(super) fn is_server(&self) -> bool {
        self.access == Access::Server
    }

    /// The user that a path or a query names: `me`, or an id. A page may name itself only.
    pub(super) fn user(&self, named: &str) -> Result<UserId> {
        if named == "me" {
            let own = self.caller.map(|caller| caller.user);
            return own.ok_or_else(|| Known::CannotGetOwnUserWithoutUser.into());
        }
        let id: UserId = named
            .parse()
            .map_err(|_| Known::Schema(format!("{named} is neither 'me' nor a user's id")))?;
        if self.is_server() || self.signed_in()?.user == id {
            return Ok(id);
        }
        Err(Fault::forbidden(
            "A client can only act on its own user. Use 'me', or server access.",
        ))
    }
}

impl FromRequestParts<StackAuth> for Call {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, stack: &StackAuth) -> Result<Self> {
        let headers = &parts.headers;
        let access = stack.access(headers).await?;
        let caller = match access_token(headers) {
            Some(token) => Some(stack.caller(&token).await?),
            None => None,
        };
        Ok(Self {
            access,
            device: Device::of(headers, ClientAddr::of(&parts.extensions)),
            refresh_token: either(headers, "refresh-token").map(str::to_owned),
            caller,
        })
    }
}

impl StackAuth {
    async fn access(&self, headers: &HeaderMap) -> Result<Access> {
        let asked = either(headers, "access-type").ok_or(Known::AccessTypeRequired)?;
        if !["client", "server", "admin"].contains(&asked) {
            return Err(Known::InvalidAccessType(asked.to_owned()).into());
        }
        let id = either(headers, "project-id")
            .ok_or_else(|| Known::AccessTypeWithoutProjectId(asked.to_owned()))?;
        if id != self.inner().stack.id.to_string() {
            return Err(Known::CurrentProjectNotFound(id.to_owned()).into());
        }
        if let Some(branch) = either(headers, "branch-id").filter(|branch| *branch != "main") {
            return Err(Known::BranchDoesNotExist(branch.to_owned()).into());
        }
        let id = id.to_owned();
        match asked {
            "client" => {
                self.publishable_key(either(headers, "publishable-client-key"), &id)?;
                Ok(Access::Client)
            }
            "server" => match either(headers, "secret-server-key") {
                Some(key) if self.is_secret_key(key).await? => Ok(Access::Server),
                _ => Err(Known::InvalidSecretServerKey(id).into()),
            },
            // Nobody administers the project by this protocol.
            _ => Err(Known::InvalidSuperSecretAdminKey(id).into()),
        }
    }

    /// Checks the key that a page shows.
    pub(super) fn publishable_key(&self, key: Option<&str>, id: &str) -> Result<(), Known> {
        match key.filter(|key| *key != NO_KEY) {
            Some(key) if key == self.inner().stack.publishable_key => Ok(()),
            Some(_) => Err(Known::InvalidPublishableClientKey(id.to_owned())),
            None if self.config().require_publishable_key => {
                Err(Known::PublishableClientKeyRequired(id.to_owned()))
            }
            None => Ok(()),
        }
    }

    /// Whom a token stands for, if its session stands now.
    pub(super) async fn caller(&self, token: &str) -> Result<Principal> {
        let claims = self.claims(token)?;
        self.standing_of(&claims)
            .await?
            .ok_or_else(|| over(&claims, false).into())
    }

    async fn standing_of(&self, claims: &Claims) -> Result<Option<Principal>> {
        let (session, user) = (SessionId(claims.refresh_token_id), UserId(claims.sub));
        Ok(self.0.standing(session, user).await?)
    }
}

/// The token in whichever form: the protocol's header, a bearer token, or wrapped with its refresh token.
fn access_token(headers: &HeaderMap) -> Option<String> {
    if let Some(token) = either(headers, "access-token") {
        return Some(token.to_owned());
    }
    if let Some(wrapped) = headers.get("x-stack-auth").and_then(|v| v.to_str().ok()) {
        return wrapped_token(wrapped.as_bytes());
    }
    bearer_token(headers.get(header::AUTHORIZATION)?.to_str().ok()?)
}

/// The access token of an `Authorization` header, plain or as the SDK hands it to a back end.
pub(crate) fn bearer_token(value: &str) -> Option<String> {
    let (scheme, token) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let token = token.trim();
    let wrapped = ["stackauth_", "hexclave_"]
        .iter()
        .find_map(|prefix| token.strip_prefix(prefix));
    match wrapped {
        Some(wrapped) => wrapped_token(&STANDARD.decode(wrapped).ok()?),
        None => Some(token.to_owned()),
    }
}

fn wrapped_token(json: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(json).ok()?;
    value["accessToken"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_back_end_reads_every_form_in_which_the_sdk_hands_a_token_on() {
        let json = STANDARD.encode(r#"{"accessToken":"a.b.c","refreshToken":"r"}"#);
        for value in [
            "Bearer a.b.c".to_owned(),
            format!("bearer stackauth_{json}"),
            format!("Bearer hexclave_{json}"),
        ] {
            assert_eq!(bearer_token(&value).as_deref(), Some("a.b.c"), "{value}");
        }
        assert_eq!(bearer_token("Basic abc"), None);
        assert_eq!(bearer_token("Bearer stackauth_!"), None);
    }
}
