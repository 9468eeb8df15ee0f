//! OpenID Connect Core 1.0 with discovery: the authorization code flow with PKCE.

use crate::{Departure, Failure, Misconfigured, Profile, Secrets, Settings, http::Http};
use anyhow::Context;
use openidconnect::{
    AccessTokenHash, AuthType, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdTokenClaims,
        CoreJwsSigningAlgorithm as Alg, CoreProviderMetadata, CoreTokenResponse,
        CoreUserInfoClaims,
    },
};
use secrecy::ExposeSecret;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use url::Url;

/// How long what an issuer says of itself is believed; its keys are asked for again sooner
/// when a token names one that is not known.
const KEPT: Duration = Duration::from_hours(1);
/// Public keys only: a client's secret never signs, and `none` is none.
const ALGORITHMS: [Alg; 8] = [
    Alg::RsaSsaPkcs1V15Sha256,
    Alg::RsaSsaPkcs1V15Sha384,
    Alg::RsaSsaPkcs1V15Sha512,
    Alg::RsaSsaPssSha256,
    Alg::RsaSsaPssSha384,
    Alg::EcdsaP256Sha256,
    Alg::EcdsaP384Sha384,
    Alg::EdDsa,
];

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

#[derive(Debug)]
pub(crate) struct OpenId {
    settings: Settings,
    issuer: IssuerUrl,
    redirect: RedirectUrl,
    http: Http,
    known: Mutex<Option<(Instant, CoreProviderMetadata)>>,
}

impl OpenId {
    pub(crate) fn new(settings: Settings, issuer: Url) -> Result<Self, Misconfigured> {
        let http = Http::to(&issuer)?;
        // A bare host is an issuer without the slash that a URL gets (OpenID Connect
        // Discovery §3: compared as text).
        let text = if issuer.path() == "/" {
            issuer.as_str().trim_end_matches('/').to_owned()
        } else {
            issuer.into()
        };
        Ok(Self {
            redirect: RedirectUrl::from_url(settings.redirect.clone()),
            issuer: IssuerUrl::new(text).map_err(|error| Misconfigured(error.to_string()))?,
            settings,
            http,
            known: Mutex::new(None),
        })
    }

    async fn client(&self, fresh: bool) -> Result<Client, Failure> {
        let mut known = self.known.lock().await;
        let metadata = match &*known {
            Some((at, metadata)) if !fresh && at.elapsed() < KEPT => metadata.clone(),
            _ => {
                let found = CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http)
                    .await
                    .context("discovery")
                    .map_err(Failure::Unreachable)?;
                *known = Some((Instant::now(), found.clone()));
                found
            }
        };
        drop(known);
        let methods = metadata.token_endpoint_auth_methods_supported();
        let in_body = methods.is_some_and(|methods| {
            !methods.contains(&CoreClientAuthMethod::ClientSecretBasic)
                && methods.contains(&CoreClientAuthMethod::ClientSecretPost)
        });
        let secret = self.settings.client_secret.as_ref();
        let secret = secret.map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        let client_id = ClientId::new(self.settings.client_id.clone());
        let client = CoreClient::from_provider_metadata(metadata, client_id, secret)
            .set_redirect_uri(self.redirect.clone());
        Ok(if in_body {
            client.set_auth_type(AuthType::RequestBody)
        } else {
            client
        })
    }

    pub(crate) async fn depart(&self) -> Result<Departure, Failure> {
        let client = self.client(false).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut asked = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .set_pkce_challenge(challenge);
        for scope in ["email", "profile"]
            .into_iter()
            .chain(self.settings.scopes.iter().map(String::as_str))
        {
            asked = asked.add_scope(Scope::new(scope.to_owned()));
        }
        let (url, state, nonce) = asked.url();
        Ok(Departure {
            url,
            state: state.into_secret(),
            secrets: Secrets {
                nonce: nonce.secret().clone(),
                verifier: verifier.into_secret(),
            },
        })
    }

    pub(crate) async fn identify(
        &self,
        code: String,
        secrets: Secrets,
    ) -> Result<Profile, Failure> {
        let mut client = self.client(false).await?;
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| Failure::Unreachable(anyhow::Error::new(error)))?
            .set_pkce_verifier(PkceCodeVerifier::new(secrets.verifier))
            .request_async(&self.http)
            .await
            .map_err(|error| match error {
                openidconnect::RequestTokenError::ServerResponse(why) => {
                    Failure::Refused(format!("no token: {}", why.error()))
                }
                openidconnect::RequestTokenError::Parse(..) => {
                    Failure::Refused("the token answer is not what the standard says".into())
                }
                other => Failure::Unreachable(anyhow::Error::new(other).context("token")),
            })?;
        let nonce = Nonce::new(secrets.nonce);
        let claims = if let Ok(claims) = verified(&client, &answer, &nonce) {
            claims
        } else {
            // The issuer may have new keys.
            client = self.client(true).await?;
            verified(&client, &answer, &nonce).map_err(Failure::Refused)?
        };
        self.profile(&client, &answer, claims).await
    }

    /// What the token says, and what it leaves to the endpoint that knows more.
    async fn profile(
        &self,
        client: &Client,
        answer: &CoreTokenResponse,
        claims: CoreIdTokenClaims,
    ) -> Result<Profile, Failure> {
        let subject = claims.subject().clone();
        let name = |claims: Option<&openidconnect::LocalizedClaim<openidconnect::EndUserName>>| {
            claims
                .and_then(|names| names.get(None))
                .map(|name| name.as_str().to_owned())
        };
        let mut profile = Profile {
            subject: subject.as_str().to_owned(),
            email: claims.email().map(|email| email.as_str().to_owned()),
            email_verified: claims.email_verified().unwrap_or(false),
            name: name(claims.name()),
        };
        if profile.email.is_none()
            && let Ok(asked) = client.user_info(answer.access_token().clone(), Some(subject))
        {
            let more: CoreUserInfoClaims = asked
                .request_async(&self.http)
                .await
                .map_err(|error| Failure::Refused(format!("userinfo: {error}")))?;
            profile.email = more.email().map(|email| email.as_str().to_owned());
            profile.email_verified = more.email_verified().unwrap_or(false);
            profile.name = profile.name.or_else(|| name(more.name()));
        }
        Ok(profile)
    }
}

/// Signature, issuer, audience, expiry, nonce (OpenID Connect Core §3.1.3.7), and that the
/// access token is the one that came with it (§3.1.3.8).
fn verified(
    client: &Client,
    answer: &CoreTokenResponse,
    nonce: &Nonce,
) -> Result<CoreIdTokenClaims, String> {
    let token = answer.id_token().ok_or("there is no ID token")?;
    let verifier = client.id_token_verifier().set_allowed_algs(ALGORITHMS);
    let claims = token
        .claims(&verifier, nonce)
        .map_err(|error| error.to_string())?;
    if let Some(expected) = claims.access_token_hash() {
        let algorithm = token.signing_alg().map_err(|error| error.to_string())?;
        let key = token
            .signing_key(&verifier)
            .map_err(|error| error.to_string())?;
        let found = AccessTokenHash::from_token(answer.access_token(), algorithm, key)
            .map_err(|error| error.to_string())?;
        if found != *expected {
            return Err("the access token is another".into());
        }
    }
    Ok(claims.clone())
}
