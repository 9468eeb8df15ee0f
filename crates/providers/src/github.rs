//! GitHub. It is no OpenID Connect issuer: its OAuth 2 answers a token for its API, and the
//! API says who that is. There is no nonce and no signed statement, so everything rests on
//! the code, on PKCE, and on asking over TLS.

use crate::{Departure, Failure, Misconfigured, Profile, Secrets, Settings, http::Http};
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, TokenResponse,
    TokenUrl, basic::BasicClient,
};
use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

#[derive(Debug)]
pub(crate) struct GitHub {
    client: Client,
    scopes: Vec<String>,
    http: Http,
    api: Url,
}

impl GitHub {
    pub(crate) fn new(settings: Settings, web: &Url, api: Url) -> Result<Self, Misconfigured> {
        let at = |path: &str| {
            web.join(path)
                .map_err(|error| Misconfigured(error.to_string()))
        };
        let mut client = BasicClient::new(ClientId::new(settings.client_id))
            .set_auth_uri(AuthUrl::from_url(at("login/oauth/authorize")?))
            .set_token_uri(TokenUrl::from_url(at("login/oauth/access_token")?))
            .set_redirect_uri(RedirectUrl::from_url(settings.redirect));
        if let Some(secret) = settings.client_secret {
            client = client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()));
        }
        Http::to(&api)?;
        Ok(Self {
            client,
            scopes: settings.scopes,
            http: Http::to(web)?,
            api,
        })
    }

    pub(crate) fn depart(&self) -> Departure {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut asked = self
            .client
            .authorize_url(CsrfToken::new_random)
            .set_pkce_challenge(challenge);
        for scope in ["read:user", "user:email"]
            .into_iter()
            .chain(self.scopes.iter().map(String::as_str))
        {
            asked = asked.add_scope(Scope::new(scope.to_owned()));
        }
        let (url, state) = asked.url();
        Departure {
            url,
            state: state.into_secret(),
            secrets: Secrets {
                nonce: String::new(),
                verifier: verifier.into_secret(),
            },
        }
    }

    pub(crate) async fn identify(
        &self,
        code: String,
        secrets: Secrets,
    ) -> Result<Profile, Failure> {
        let answer = self
            .client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(PkceCodeVerifier::new(secrets.verifier))
            .request_async(&self.http)
            .await
            .map_err(|error| match error {
                // GitHub answers its refusals with 200 and another shape.
                RequestTokenError::ServerResponse(_) | RequestTokenError::Parse(..) => {
                    Failure::Refused("there is no token for this code".into())
                }
                other => Failure::Unreachable(anyhow::Error::new(other).context("token")),
            })?;
        let token = answer.access_token().secret();
        let user = self.http.read(self.at("user")?, token).await?;
        let emails = self.http.read(self.at("user/emails")?, token).await?;
        profile(&user, &emails).ok_or_else(|| Failure::Refused("it does not say who".into()))
    }

    fn at(&self, path: &str) -> Result<Url, Failure> {
        self.api
            .join(path)
            .map_err(|error| Failure::Unreachable(anyhow::Error::new(error)))
    }
}

/// The account's number is its subject: a login can be given up and taken by somebody else.
fn profile(user: &Value, emails: &Value) -> Option<Profile> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let primary = emails
        .as_array()
        .into_iter()
        .flatten()
        .find(|email| email["primary"] == true);
    Some(Profile {
        subject: user["id"].as_u64()?.to_string(),
        email: primary.and_then(|email| text(&email["email"])),
        email_verified: primary.is_some_and(|email| email["verified"] == true),
        name: text(&user["name"]).or_else(|| text(&user["login"])),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_primary_address_counts_and_only_as_verified_as_github_says() {
        let user = json!({"id": 7, "login": "ada", "name": null});
        let emails = json!([
            {"email": "old@example.org", "primary": false, "verified": true},
            {"email": "ada@example.org", "primary": true, "verified": false},
        ]);
        let found = profile(&user, &emails).unwrap();
        assert_eq!(
            found,
            Profile {
                subject: "7".into(),
                email: Some("ada@example.org".into()),
                email_verified: false,
                name: Some("ada".into()),
            }
        );
        assert_eq!(profile(&json!({"login": "ada"}), &emails), None);
    }
}
