//! What is said over there, what it means here, and what differs.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use kernel::{Error, Result, error::Faults, id::UserId};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;
use time::OffsetDateTime;
use url::{Host, Url};
use uuid::Uuid;

kernel::id! {
    /// Somebody, as the hosted project names them.
    HostedId
}
kernel::id! {
    /// One comparison of both sides.
    RunId
}

/// The hosts under which one hosted project is reached, and which its tokens name.
const HOSTS: [&str; 2] = ["api.stack-auth.com", "api.hexclave.com"];
/// The most rules.
const RULES: usize = 100;

/// The project that is trusted.
#[derive(Debug, Clone)]
pub struct Connection {
    pub(crate) project: Uuid,
    /// Without `/api/v1` and without a slash at its end.
    pub(crate) address: Url,
    pub(crate) server_key: SecretString,
    pub(crate) webhook_secrets: Vec<SecretString>,
    pub(crate) sign_up: bool,
    pub(crate) link_verified_email: bool,
    pub(crate) rules: Vec<Rule>,
    pub(crate) from_file: bool,
}

impl Connection {
    /// An address below the API.
    pub(crate) fn at(&self, path: &str) -> String {
        format!(
            "{}/api/v1{path}",
            self.address.as_str().trim_end_matches('/')
        )
    }

    /// Who may have signed its tokens: one project has two names while its maker has.
    pub(crate) fn issuers(&self) -> Vec<String> {
        let named = self.at(&format!("/projects/{}", self.project));
        match self.address.host_str() {
            Some(host) if HOSTS.contains(&host) => HOSTS
                .iter()
                .map(|other| named.replacen(host, other, 1))
                .collect(),
            _ => vec![named],
        }
    }
}

/// An address that may be asked: https, or this machine.
pub(crate) fn checked_url(text: &str) -> Option<Url> {
    let url: Url = text.trim().trim_end_matches('/').parse().ok()?;
    let local = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    };
    let plain = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    let sure = url.scheme() == "https" || (url.scheme() == "http" && local);
    (plain && sure).then_some(url)
}

/// The key in a webhook secret.
pub(crate) fn webhook_key(secret: &SecretString) -> Option<Vec<u8>> {
    let text = secret.expose_secret().trim().strip_prefix("whsec_")?;
    BASE64.decode(text).ok().filter(|key| key.len() >= 16)
}

/// What of the hosted project gives a role here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// A permission of the project: `name`.
    Permission,
    /// Being in a team: `name` is its id.
    Team,
    /// A permission in a team: `name`, and the team's id as `value`.
    TeamPermission,
    /// A key of the server metadata, `name`, that is `value`. What people can write themselves
    /// is never looked at.
    Metadata,
}

/// Who gets a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What is looked at.
    pub kind: RuleKind,
    /// Which permission, team or key.
    pub name: String,
    /// For a permission in a team, the team; for metadata, the value.
    #[serde(default)]
    pub value: String,
    /// The role here.
    pub role: String,
}

impl Rule {
    /// Whether the rule says something.
    pub(crate) fn check(&self, field: &str) -> Result<()> {
        let mut faults = Faults::default();
        let long = |text: &str| text.is_empty() || text.len() > 200;
        if long(&self.name) {
            faults.add(
                format!("{field}.name"),
                "required",
                "Say which one, in at most 200 characters.",
            );
        }
        let team = match self.kind {
            RuleKind::Team => Some(&self.name),
            RuleKind::TeamPermission => Some(&self.value),
            RuleKind::Permission | RuleKind::Metadata => None,
        };
        if team.is_some_and(|id| id.parse::<Uuid>().is_err()) {
            faults.add(
                format!("{field}.value"),
                "invalid",
                "A team is named by its id.",
            );
        }
        if self.kind == RuleKind::Metadata && long(&self.value) {
            faults.add(
                format!("{field}.value"),
                "required",
                "Say which value gives the role.",
            );
        }
        if long(&self.role) {
            faults.add(format!("{field}.role"), "required", "Choose a role.");
        }
        faults.check()
    }
}

/// Reads the rules of a form.
pub(crate) fn rules(rules: Vec<Rule>) -> Result<Vec<Rule>> {
    if rules.len() > RULES {
        return Err(Error::field("roles", "too_many", "At most 100 rules."));
    }
    let mut faults = Faults::default();
    for (place, rule) in rules.iter().enumerate() {
        faults.take(rule.check(&format!("roles[{place}]")));
    }
    faults.check()?;
    Ok(rules)
}

/// Somebody, as a server of the project sees them. What else it says is not looked at.
#[derive(Debug, Clone, Deserialize)]
pub struct HostedUser {
    /// Their id there.
    pub id: HostedId,
    /// Their address.
    pub primary_email: Option<String>,
    /// Whether they proved it there.
    #[serde(default)]
    pub primary_email_verified: bool,
    /// Their name.
    pub display_name: Option<String>,
    /// What only servers write.
    #[serde(default)]
    pub server_metadata: Option<Value>,
    /// Whether nobody knows who it is.
    #[serde(default)]
    pub is_anonymous: bool,
    /// Whether staff there keep them out.
    #[serde(default)]
    pub restricted_by_admin: bool,
}

impl HostedUser {
    /// A name that can be kept here: one line, at most 100 characters.
    pub(crate) fn name(&self) -> String {
        let plain = |text: &str| -> String {
            let line: String = text.chars().filter(|c| !c.is_control()).collect();
            line.trim()
                .chars()
                .take(100)
                .collect::<String>()
                .trim()
                .to_owned()
        };
        let said = plain(self.display_name.as_deref().unwrap_or_default());
        if !said.is_empty() {
            return said;
        }
        let email = self.primary_email.as_deref().unwrap_or_default();
        plain(email.split('@').next().unwrap_or_default())
    }

    /// Their address, if they proved it.
    pub(crate) fn email(&self) -> Option<&str> {
        self.primary_email
            .as_deref()
            .filter(|_| self.primary_email_verified && !self.is_anonymous)
    }
}

/// What somebody holds there, as far as rules ask.
#[derive(Debug, Clone, Default)]
pub struct Held {
    pub(crate) permissions: BTreeSet<String>,
    pub(crate) teams: BTreeSet<String>,
    /// Team, permission.
    pub(crate) team_permissions: BTreeSet<(String, String)>,
}

/// Somebody there, whole.
#[derive(Debug, Clone)]
pub struct There {
    pub(crate) user: HostedUser,
    pub(crate) held: Held,
}

impl There {
    /// The roles that the rules give them.
    pub(crate) fn roles(&self, rules: &[Rule]) -> BTreeSet<String> {
        let metadata = |key: &str| match self.user.server_metadata.as_ref()?.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Bool(_) | Value::Number(_) => {
                Some(self.user.server_metadata.as_ref()?.get(key)?.to_string())
            }
            _ => None,
        };
        let gives = |rule: &&Rule| match rule.kind {
            RuleKind::Permission => self.held.permissions.contains(&rule.name),
            RuleKind::Team => self.held.teams.contains(&rule.name),
            RuleKind::TeamPermission => self
                .held
                .team_permissions
                .contains(&(rule.value.clone(), rule.name.clone())),
            RuleKind::Metadata => metadata(&rule.name).as_deref() == Some(rule.value.as_str()),
        };
        rules
            .iter()
            .filter(gives)
            .map(|rule| rule.role.clone())
            .collect()
    }
}

/// Somebody here.
#[derive(Debug, Clone, Default)]
pub struct Here {
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// Whether it is proved.
    pub verified: bool,
    /// Whether staff suspended them.
    pub suspended: bool,
    /// Whether they are in the trash, or erased.
    pub deleted: bool,
    /// Their roles.
    pub roles: Vec<String>,
}

/// Something that is one way here and another there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Difference {
    /// `name`, `email`, `roles`, `suspended` or `deleted`.
    pub field: String,
    /// As it is here.
    pub here: String,
    /// As it is there.
    pub there: String,
}

impl Difference {
    fn of(field: &str, here: impl Into<String>, there: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            here: here.into(),
            there: there.into(),
        }
    }
}

/// What was noted of somebody at the last look.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) user: Option<UserId>,
    pub(crate) look: i64,
    pub(crate) roles: Vec<String>,
    pub(crate) suspended: bool,
    /// Why not all of it, or nothing, could be taken over.
    pub(crate) refused: Option<String>,
    pub(crate) gone_at: Option<OffsetDateTime>,
}

/// What has to change here, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) give: Vec<String>,
    pub(crate) take: Vec<String>,
    pub(crate) suspend: Option<bool>,
    pub(crate) restore: bool,
    pub(crate) differences: Vec<Difference>,
}

/// Compares.
pub(crate) fn compare(there: &There, here: &Here, known: &Known, rules: &[Rule]) -> Change {
    let mut change = Change::default();
    // What staff here put into the trash stays there: only what this side put there comes back.
    if here.deleted {
        if known.gone_at.is_some() {
            change.restore = true;
            change
                .differences
                .push(Difference::of("deleted", "true", "false"));
        } else {
            return change;
        }
    }
    let name = there.user.name();
    if !name.is_empty() && name != here.name {
        change
            .differences
            .push(Difference::of("name", &here.name, &name));
        change.name = Some(name);
    }
    if let Some(email) = there.user.email()
        && (!email.eq_ignore_ascii_case(&here.email) || !here.verified)
    {
        change
            .differences
            .push(Difference::of("email", &here.email, email));
        change.email = Some(email.to_owned());
    }
    let wanted = there.roles(rules);
    change.give = wanted
        .iter()
        .filter(|role| !here.roles.contains(role))
        .cloned()
        .collect();
    let ours = known.roles.iter().filter(|role| here.roles.contains(role));
    change.take = ours
        .filter(|role| !wanted.contains(*role))
        .cloned()
        .collect();
    if !change.give.is_empty() || !change.take.is_empty() {
        let stay = here.roles.iter().filter(|role| !change.take.contains(role));
        let after: BTreeSet<&str> = stay.chain(&change.give).map(String::as_str).collect();
        let after = after.into_iter().collect::<Vec<_>>().join(", ");
        change
            .differences
            .push(Difference::of("roles", here.roles.join(", "), after));
    }
    let restricted = there.user.restricted_by_admin;
    if restricted && !here.suspended {
        change.suspend = Some(true);
    } else if !restricted && here.suspended && known.suspended {
        change.suspend = Some(false);
    }
    if change.suspend.is_some() {
        let text = |held: bool| held.to_string();
        change.differences.push(Difference::of(
            "suspended",
            text(here.suspended),
            text(restricted),
        ));
    }
    change
}

/// A webhook, as far as it says about whom to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) kind: String,
    pub(crate) about: Option<HostedId>,
    /// A team that is gone: everybody may hold less.
    pub(crate) concerns_all: bool,
}

impl Told {
    /// Reads a body.
    pub(crate) fn parse(body: &str) -> Option<Self> {
        let body: Value = serde_json::from_str(body).ok()?;
        let kind = body
            .get("type")?
            .as_str()
            .filter(|kind| kind.len() <= 100)?;
        let data = body.get("data")?;
        let id = |key: &str| data.get(key)?.as_str()?.parse().ok();
        let about = match kind {
            "user.created" | "user.updated" | "user.deleted" => Some(id("id")?),
            "team_membership.created"
            | "team_membership.deleted"
            | "team_permission.created"
            | "team_permission.deleted"
            | "project_permission.created"
            | "project_permission.deleted" => Some(id("user_id")?),
            _ => None,
        };
        Some(Self {
            about,
            concerns_all: kind == "team.deleted",
            kind: kind.to_owned(),
        })
    }
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
