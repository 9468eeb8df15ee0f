//! The hosted project, asked: bounded in time and size, without redirects.
//!
//! Invariant: somebody is gone only when the project itself says so by its own error. A 404 of
//! anything else (a wrong address, a proxy) is a failure, or a typing mistake would empty the
//! place.

use crate::model::{Connection, Held, HostedId, HostedUser, Rule, RuleKind, There};
use anyhow::{Context, bail};
use reqwest::{Client as Http, Response, StatusCode, redirect};
use secrecy::ExposeSecret;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};

/// The longest answer that is read.
const LARGEST: usize = 8 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(15);
/// People on a page.
pub(crate) const PAGE: usize = 100;

#[derive(Debug)]
pub(crate) struct Client {
    /// For what lies elsewhere.
    far: Http,
    /// For this machine: never through a proxy.
    near: Http,
}

#[derive(Deserialize)]
struct List<T> {
    items: Vec<T>,
    #[serde(default)]
    pagination: Option<Pagination>,
}

#[derive(Deserialize)]
struct Pagination {
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
    #[serde(default)]
    team_id: Option<String>,
}

impl Client {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let client = || {
            Http::builder()
                .redirect(redirect::Policy::none())
                .timeout(PATIENCE)
                .user_agent("Portico")
        };
        Ok(Self {
            far: client()
                .https_only(true)
                .build()
                .context("an HTTP client")?,
            near: client().no_proxy().build().context("an HTTP client")?,
        })
    }

    fn http(&self, to: &Connection) -> &Http {
        match to.address.scheme() {
            "https" => &self.far,
            _ => &self.near,
        }
    }

    /// The project's public keys.
    pub(crate) async fn jwks(&self, of: &Connection) -> anyhow::Result<Value> {
        let path = format!("/projects/{}/.well-known/jwks.json", of.project);
        let request = self.http(of).get(of.at(&path));
        let answer = request.send().await.map_err(reqwest::Error::without_url)?;
        if !answer.status().is_success() {
            bail!("its keys: {}", answer.status());
        }
        parsed(&read(answer).await?)
    }

    /// Asks as a server of the project; nothing if the project knows no such person.
    async fn ask<T: DeserializeOwned>(
        &self,
        of: &Connection,
        path: &str,
        query: &[(&str, &str)],
    ) -> anyhow::Result<Option<T>> {
        let mut url: url::Url = of.at(path).parse().context("an address")?;
        url.query_pairs_mut().extend_pairs(query);
        let mut request = self.http(of).get(url);
        // Older servers know the first family, newer ones both.
        for family in ["stack", "hexclave"] {
            request = request
                .header(format!("x-{family}-project-id"), of.project.to_string())
                .header(format!("x-{family}-access-type"), "server")
                .header(
                    format!("x-{family}-secret-server-key"),
                    of.server_key.expose_secret(),
                );
        }
        let answer = request.send().await.map_err(reqwest::Error::without_url)?;
        let status = answer.status();
        let body = read(answer).await?;
        if status.is_success() {
            return parsed(&body).map(Some);
        }
        let code = serde_json::from_slice::<Value>(&body)
            .ok()
            .and_then(|body| {
                Some(
                    body.get("code")?
                        .as_str()?
                        .chars()
                        .take(80)
                        .collect::<String>(),
                )
            });
        match code.as_deref() {
            Some("USER_NOT_FOUND") if status == StatusCode::NOT_FOUND => Ok(None),
            Some(code) => bail!("it answers {status} ({code}) to {path}"),
            None => bail!("it answers {status} to {path}"),
        }
    }

    /// Whether the address, the project and the key fit together.
    pub(crate) async fn reach(&self, of: &Connection) -> anyhow::Result<()> {
        self.page(of, None, 1).await.map(|_| ())
    }

    async fn page(
        &self,
        of: &Connection,
        cursor: Option<&str>,
        limit: usize,
    ) -> anyhow::Result<(Vec<HostedUser>, Option<String>)> {
        let limit = limit.to_string();
        let mut query = vec![("limit", limit.as_str()), ("include_restricted", "true")];
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        let list: List<HostedUser> = self
            .ask(of, "/users", &query)
            .await?
            .context("no list of people")?;
        Ok((
            list.items,
            list.pagination.and_then(|page| page.next_cursor),
        ))
    }

    /// A page of everybody there, and where the next begins.
    pub(crate) async fn people(
        &self,
        of: &Connection,
        cursor: Option<&str>,
    ) -> anyhow::Result<(Vec<HostedUser>, Option<String>)> {
        self.page(of, cursor, PAGE).await
    }

    /// Somebody there, with what the rules ask about.
    pub(crate) async fn person(
        &self,
        of: &Connection,
        id: HostedId,
    ) -> anyhow::Result<Option<There>> {
        let Some(user) = self.ask(of, &format!("/users/{id}"), &[]).await? else {
            return Ok(None);
        };
        self.whole(of, user).await
    }

    /// Adds what the rules ask about; nothing if they went meanwhile.
    pub(crate) async fn whole(
        &self,
        of: &Connection,
        user: HostedUser,
    ) -> anyhow::Result<Option<There>> {
        let asks = |kind| of.rules.iter().any(|rule: &Rule| rule.kind == kind);
        let id = user.id.to_string();
        let mut held = Held::default();
        if asks(RuleKind::Permission) {
            let query = [("user_id", id.as_str()), ("recursive", "true")];
            let Some(list) = self
                .ask::<List<Named>>(of, "/project-permissions", &query)
                .await?
            else {
                return Ok(None);
            };
            held.permissions = list.items.into_iter().map(|one| one.id).collect();
        }
        if asks(RuleKind::Team) {
            let query = [("user_id", id.as_str())];
            let Some(list) = self.ask::<List<Named>>(of, "/teams", &query).await? else {
                return Ok(None);
            };
            held.teams = list.items.into_iter().map(|one| one.id).collect();
        }
        if asks(RuleKind::TeamPermission) {
            let query = [("user_id", id.as_str()), ("recursive", "true")];
            let Some(list) = self
                .ask::<List<Named>>(of, "/team-permissions", &query)
                .await?
            else {
                return Ok(None);
            };
            let pairs = list
                .items
                .into_iter()
                .filter_map(|one| Some((one.team_id?, one.id)));
            held.team_permissions = pairs.collect();
        }
        Ok(Some(There { user, held }))
    }

    /// The sessions of somebody there that stand; none if they are gone.
    pub(crate) async fn sessions(
        &self,
        of: &Connection,
        id: HostedId,
    ) -> anyhow::Result<BTreeSet<String>> {
        let id = id.to_string();
        let query = [("user_id", id.as_str())];
        let list: Option<List<Named>> = self.ask(of, "/auth/sessions", &query).await?;
        let items = list.map(|list| list.items).unwrap_or_default();
        Ok(items.into_iter().map(|one| one.id).collect())
    }
}

async fn read(mut answer: Response) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(bytes) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
        if body.len() + bytes.len() > LARGEST {
            bail!("it answers more than {LARGEST} bytes");
        }
        body.extend_from_slice(&bytes);
    }
    Ok(body)
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> anyhow::Result<T> {
    // The error of a parser quotes what it read, which is about people.
    serde_json::from_slice(body).map_err(|error| {
        anyhow::anyhow!(
            "it answers what is not understood, at column {}",
            error.column()
        )
    })
}
