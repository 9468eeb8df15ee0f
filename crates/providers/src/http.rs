//! The one way out: bounded in time and size, without redirects.

use crate::{Failure, Misconfigured};
use anyhow::{Context, bail};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::{Client, redirect};
use std::{future::Future, pin::Pin, time::Duration};
use url::{Host, Url};

/// The longest answer that is read.
const LARGEST: usize = 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone)]
pub(crate) struct Http(Client);

/// An error that the libraries can carry.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
pub(crate) struct Unreachable(anyhow::Error);

impl Http {
    /// A client for what lies at this address. Without TLS only to this machine.
    pub(crate) fn to(address: &Url) -> Result<Self, Misconfigured> {
        let local = match address.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        let plain = address.scheme() == "http";
        if (plain && !local) || !matches!(address.scheme(), "http" | "https") {
            return Err(Misconfigured(format!(
                "{address} is not https: what a provider says has to be believed"
            )));
        }
        let mut client = Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(PATIENCE)
            .user_agent("Portico")
            .https_only(!plain);
        if plain {
            client = client.no_proxy();
        }
        let client = client
            .build()
            .map_err(|error| Misconfigured(format!("no client for {address}: {error}")))?;
        Ok(Self(client))
    }

    async fn send(&self, request: HttpRequest) -> anyhow::Result<HttpResponse> {
        let request = reqwest::Request::try_from(request).context("a request")?;
        let host = request.url().host_str().unwrap_or_default().to_owned();
        // The error of a connection names the whole address, which may hold a code.
        let mut response = self
            .0
            .execute(request)
            .await
            .map_err(reqwest::Error::without_url)
            .with_context(|| format!("calling {host}"))?;
        let mut body = Vec::new();
        while let Some(bytes) = response
            .chunk()
            .await
            .map_err(reqwest::Error::without_url)
            .with_context(|| format!("reading from {host}"))?
        {
            if body.len() + bytes.len() > LARGEST {
                bail!("{host} answers more than {LARGEST} bytes");
            }
            body.extend_from_slice(&bytes);
        }
        let mut answer = HttpResponse::new(body);
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }

    /// A GET with a bearer token; the answer as JSON.
    pub(crate) async fn read(&self, url: Url, token: &str) -> Result<serde_json::Value, Failure> {
        let request = http::Request::get(url.as_str())
            .header(http::header::ACCEPT, "application/vnd.github+json")
            .header(http::header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Vec::new())
            .context("a request")
            .map_err(Failure::Unreachable)?;
        let answer = self.send(request).await.map_err(Failure::Unreachable)?;
        if !answer.status().is_success() {
            let why = format!("{} answers {}", url.path(), answer.status());
            return Err(Failure::Refused(why));
        }
        serde_json::from_slice(answer.body())
            .with_context(|| format!("{} is not JSON", url.path()))
            .map_err(Failure::Unreachable)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = Unreachable;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Unreachable>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move { self.send(request).await.map_err(Unreachable) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_tls_only_this_machine_is_called() {
        for (address, good) in [
            ("https://accounts.example.org/", true),
            ("http://localhost:9000/", true),
            ("http://127.0.0.1:9000/", true),
            ("http://[::1]:9000/", true),
            ("http://accounts.example.org/", false),
            ("http://10.0.0.1/", false),
            ("file:///etc/passwd", false),
        ] {
            let url: Url = address.parse().unwrap();
            assert_eq!(Http::to(&url).is_ok(), good, "{address}");
        }
    }
}
