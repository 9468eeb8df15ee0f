//! Asking: bounded in time and size, without redirects, each change under an idempotency key.

use anyhow::{Context, anyhow};
use kernel::Error;
use reqwest::{Client as Http, Method, Response, StatusCode, header, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, de::DeserializeOwned};
use std::time::Duration;
use url::{Url, form_urlencoded::Serializer};

/// The version of the API that this code was written for.
pub(crate) const VERSION: &str = "2026-10-28.endive";
/// The longest answer that is read.
const LARGEST: usize = 8 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(20);
/// How often a call is tried. What still fails is tried again by the job, or by the person.
const TRIES: u32 = 3;

/// Where the API is, and the key to it.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Without `/v1`.
    pub api: Url,
    /// The secret key, `sk_…`.
    pub key: SecretString,
}

/// Why a call came to nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was understood and refused.
    Refused {
        code: Option<String>,
        message: String,
    },
    /// No answer, or none that is understood.
    Away(anyhow::Error),
}

impl Failure {
    /// Whether the object that the call names is not there.
    pub(crate) fn is_missing(&self) -> bool {
        self.code() == Some("resource_missing")
    }

    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => code.as_deref(),
            Self::Away(_) => None,
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused { code, message } => {
                let code = code.unwrap_or_default();
                Self::Internal(anyhow!("the payment provider refused ({code}): {message}"))
            }
            Failure::Away(error) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the payment provider does not answer"
                );
                Self::Unavailable("the payment provider")
            }
        }
    }
}

/// Fields of a form, in Stripe's brackets: `items[0][price]`.
pub(crate) type Fields<'a> = [(&'a str, &'a str)];

#[derive(Debug)]
pub(crate) struct Client {
    http: Http,
    connection: Connection,
}

#[derive(Deserialize)]
struct Refusal {
    error: RefusalBody,
}

#[derive(Deserialize)]
struct RefusalBody {
    code: Option<String>,
    #[serde(default)]
    message: String,
}

impl Client {
    pub(crate) fn new(connection: Connection) -> anyhow::Result<Self> {
        let http = Http::builder()
            .redirect(redirect::Policy::none())
            .timeout(PATIENCE)
            .user_agent("Portico");
        // A server on this machine is never reached through a proxy.
        let http = match connection.api.scheme() {
            "https" => http.https_only(true),
            _ => http.no_proxy(),
        };
        Ok(Self {
            http: http.build().context("an HTTP client")?,
            connection,
        })
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &Fields<'_>,
    ) -> Result<T, Failure> {
        self.call(&Method::GET, path, query, None).await
    }

    /// Changes something. The key names what is wanted: the same key twice changes it once.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        form: &Fields<'_>,
        key: &str,
    ) -> Result<T, Failure> {
        self.call(&Method::POST, path, form, Some(key)).await
    }

    pub(crate) async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.call(&Method::DELETE, path, &[], None).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: &Method,
        path: &str,
        fields: &Fields<'_>,
        key: Option<&str>,
    ) -> Result<T, Failure> {
        let mut tried = 1;
        loop {
            let answer = self.once(method, path, fields, key).await;
            let (again, failure) = match answer {
                Ok((status, body)) if status.is_success() => return parsed(&body),
                Ok((status, body)) => (is_passing(status), refused(status, &body)),
                Err(error) => (true, Failure::Away(error)),
            };
            if !again || tried >= TRIES {
                return Err(failure);
            }
            tokio::time::sleep(Duration::from_millis(150) * 3_u32.pow(tried)).await;
            tried += 1;
        }
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        fields: &Fields<'_>,
        key: Option<&str>,
    ) -> anyhow::Result<(StatusCode, Vec<u8>)> {
        let mut url = self.connection.api.clone();
        url.set_path(&format!("/v1/{path}"));
        let form = Serializer::new(String::new()).extend_pairs(fields).finish();
        if *method == Method::GET && !form.is_empty() {
            url.set_query(Some(&form));
        }
        let mut request = self
            .http
            .request(method.clone(), url)
            .bearer_auth(self.connection.key.expose_secret())
            .header("stripe-version", VERSION);
        if *method == Method::POST {
            request = request
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let answer = request.send().await.map_err(reqwest::Error::without_url)?;
        Ok((answer.status(), read(answer).await?))
    }
}

/// What may be otherwise in a moment (Stripe's guide to errors).
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(status, StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS)
}

fn refused(status: StatusCode, body: &[u8]) -> Failure {
    let said = serde_json::from_slice::<Refusal>(body);
    match said {
        Ok(Refusal { error }) if !is_passing(status) => Failure::Refused {
            code: error.code,
            message: error.message.chars().take(300).collect(),
        },
        _ => Failure::Away(anyhow!("it answers {status}")),
    }
}

async fn read(mut answer: Response) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(bytes) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
        anyhow::ensure!(
            body.len() + bytes.len() <= LARGEST,
            "it answers more than {LARGEST} bytes"
        );
        body.extend_from_slice(&bytes);
    }
    Ok(body)
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    // The error of a parser quotes what it read, which is about people.
    serde_json::from_slice(body).map_err(|error| {
        let column = error.column();
        Failure::Away(anyhow!(
            "it answers what is not understood, at column {column}"
        ))
    })
}
