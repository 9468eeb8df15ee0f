//! The words of the mails: one small source for each, from which come the subject, the HTML
//! (through one layout) and the text. Nothing else in a mail varies.
//!
//! A source's strings are minijinja expressions over the mail's variables; whatever a
//! variable holds is text, never markup. A missing variable is an error, a link that is not
//! http(s) is refused, and a template that runs too long is stopped.

use anyhow::{Context, bail};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, value::Serde};
use mrml::prelude::render::RenderOptions;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};
use url::Url;

use super::{model::one_line, words::Words};

/// Steps that one template may take: a hundred times what ours do.
const FUEL: u64 = 50_000;
/// What relays and readers bear in a subject; longer ones are cut.
const SUBJECT: usize = 200;
const LAYOUT: &str = include_str!("texts/layout.mjml");

/// The mails that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// Confirm the address of a new account: `name`, `link`.
    WelcomeVerify,
    /// Somebody signed up with an address that has an account: `name`, `link` (sign-in).
    AlreadyRegistered,
    /// Somebody is asked to join: `name`, `inviter`, `link`.
    Invitation,
    /// Staff took the password away: `name`, `link` (reset).
    PasswordAsked,
    /// Agree to another address, at the one before: `name`, `old`, `new`, `link`.
    EmailChangeOld,
    /// The same at the new one: `name`, `old`, `new`, `link`.
    EmailChangeNew,
    /// The address has changed; the way back: `name`, `old`, `new`, `link`.
    EmailChangedUndo,
    /// Somebody's data is ready: `name`, `link`, `days`.
    ExportReady,
    /// Somebody's account will be deleted: `name`, `link` (sign-in), `days`.
    DeletionAsked,
    /// Whoever had deleted their account is back: the same as for a new device, without `place`.
    AccountKept,
    /// The owner's first mail: `name`, `link`.
    SetupDone,
    /// Signs in to an app: `link`, `code`, `minutes`.
    StackSignIn,
    /// A new password for an app: `name`, `link`.
    StackPasswordReset,
    /// Asks somebody into a team of an app: `team`, `link`.
    StackTeamInvitation,
    /// An update for a reader: `title`, `excerpt`, `link`.
    UpdatePublished,
    /// A link to a new password: `name`, `link`, `device`.
    ResetPassword,
    /// A code and a link to sign in with: `name`, `code`, `link`, `device`.
    SignIn,
    /// A code that confirms who somebody is: `name`, `code`, `device`.
    ConfirmCode,
    /// The password is another now: `name`, `how`, `when`, `link`, `reset`.
    PasswordChanged,
    /// A device signed in that is new: the same, `device`, `address` and `place`.
    NewDevice,
    /// A session was ended because its token was copied: the same, and `address`.
    SessionCopied,
    /// A way to prove who one is was added: the same, and `factor`.
    FactorAdded,
    /// One was removed: the same.
    FactorRemoved,
    /// A recovery code was used up: the same, and `left`.
    RecoveryCodeUsed,
    /// Somebody of the staff acts in the person's place: `name`, `by`, `until`, `may`, `reason`
    /// (empty where the operator does not tell it), `when`, `link`.
    Impersonated,
    /// Sent to see whether mail arrives: no variables.
    Test,
}

impl Template {
    /// All of them, in the order in which people look for them.
    pub const ALL: [Self; 26] = [
        Self::WelcomeVerify,
        Self::AlreadyRegistered,
        Self::Invitation,
        Self::SignIn,
        Self::ConfirmCode,
        Self::ResetPassword,
        Self::PasswordAsked,
        Self::PasswordChanged,
        Self::NewDevice,
        Self::SessionCopied,
        Self::FactorAdded,
        Self::FactorRemoved,
        Self::RecoveryCodeUsed,
        Self::EmailChangeOld,
        Self::EmailChangeNew,
        Self::EmailChangedUndo,
        Self::ExportReady,
        Self::DeletionAsked,
        Self::AccountKept,
        Self::Impersonated,
        Self::StackSignIn,
        Self::StackPasswordReset,
        Self::StackTeamInvitation,
        Self::UpdatePublished,
        Self::SetupDone,
        Self::Test,
    ];

    /// Its name: that of its file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WelcomeVerify => "welcome_verify",
            Self::AlreadyRegistered => "already_registered",
            Self::PasswordAsked => "password_asked",
            Self::EmailChangeOld => "email_change_old",
            Self::EmailChangeNew => "email_change_new",
            Self::EmailChangedUndo => "email_changed_undo",
            Self::ExportReady => "export_ready",
            Self::DeletionAsked => "deletion_asked",
            Self::AccountKept => "account_kept",
            Self::SetupDone => "setup_done",
            Self::Invitation => "invitation",
            Self::StackSignIn => "stack_sign_in",
            Self::StackPasswordReset => "stack_password_reset",
            Self::StackTeamInvitation => "stack_team_invitation",
            Self::UpdatePublished => "update_published",
            Self::ResetPassword => "reset_password",
            Self::SignIn => "sign_in",
            Self::ConfirmCode => "confirm_code",
            Self::PasswordChanged => "password_changed",
            Self::NewDevice => "new_device",
            Self::SessionCopied => "session_copied",
            Self::FactorAdded => "factor_added",
            Self::FactorRemoved => "factor_removed",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::Impersonated => "impersonated",
            Self::Test => "test",
        }
    }

    pub(super) fn source(self) -> &'static str {
        match self {
            Self::WelcomeVerify => include_str!("texts/welcome_verify.toml"),
            Self::AlreadyRegistered => include_str!("texts/already_registered.toml"),
            Self::Invitation => include_str!("texts/invitation.toml"),
            Self::PasswordAsked => include_str!("texts/password_asked.toml"),
            Self::EmailChangeOld => include_str!("texts/email_change_old.toml"),
            Self::EmailChangeNew => include_str!("texts/email_change_new.toml"),
            Self::EmailChangedUndo => include_str!("texts/email_changed_undo.toml"),
            Self::ExportReady => include_str!("texts/export_ready.toml"),
            Self::DeletionAsked => include_str!("texts/deletion_asked.toml"),
            Self::AccountKept => include_str!("texts/account_kept.toml"),
            Self::SetupDone => include_str!("texts/setup_done.toml"),
            Self::StackSignIn => include_str!("texts/stack_sign_in.toml"),
            Self::StackPasswordReset => include_str!("texts/stack_password_reset.toml"),
            Self::StackTeamInvitation => include_str!("texts/stack_team_invitation.toml"),
            Self::UpdatePublished => include_str!("texts/update_published.toml"),
            Self::ResetPassword => include_str!("texts/reset_password.toml"),
            Self::SignIn => include_str!("texts/sign_in.toml"),
            Self::ConfirmCode => include_str!("texts/confirm_code.toml"),
            Self::PasswordChanged => include_str!("texts/password_changed.toml"),
            Self::NewDevice => include_str!("texts/new_device.toml"),
            Self::SessionCopied => include_str!("texts/session_copied.toml"),
            Self::FactorAdded => include_str!("texts/factor_added.toml"),
            Self::FactorRemoved => include_str!("texts/factor_removed.toml"),
            Self::RecoveryCodeUsed => include_str!("texts/recovery_code_used.toml"),
            Self::Impersonated => include_str!("texts/impersonated.toml"),
            Self::Test => include_str!("texts/test.toml"),
        }
    }
}

/// A mail in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// A whole document that loads nothing from anywhere.
    pub html: String,
    /// The same for readers without HTML.
    pub text: String,
}

/// The source of a mail: every string is a template.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    pub(super) subject: String,
    pub(super) preheader: String,
    pub(super) heading: String,
    pub(super) paragraphs: Vec<String>,
    pub(super) action: Option<Action>,
    pub(super) note: Option<String>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Action {
    pub(super) label: String,
    pub(super) url: String,
}

pub(super) struct Templates {
    /// For what a browser reads.
    html: Environment<'static>,
    /// For what a person reads.
    plain: Environment<'static>,
    sources: BTreeMap<Template, Source>,
    product: String,
    public_url: String,
}

impl Templates {
    /// Ours, and over them those that the operator keeps in a folder, by the names of ours
    /// (`new_device.toml`). One that cannot be read or does not render is found at the start.
    pub(super) fn load(
        product: &str,
        public_url: &Url,
        folder: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let mut templates = Self::built_in(product, public_url)?;
        let Some(folder) = folder else {
            return Ok(templates);
        };
        for template in Template::ALL {
            let file = folder.join(format!("{}.toml", template.name()));
            if !file.exists() {
                continue;
            }
            let said = || format!("the mail's text {}", file.display());
            let text = std::fs::read_to_string(&file).with_context(said)?;
            let source = Source::parse(&text).with_context(said)?;
            templates
                .render_source(&source, &examples())
                .with_context(said)?;
            templates.sources.insert(template, source);
        }
        Ok(templates)
    }

    pub(super) fn built_in(product: &str, public_url: &Url) -> anyhow::Result<Self> {
        let mut html = environment(AutoEscape::Html);
        html.add_template("layout", LAYOUT)?;
        let sources = Template::ALL
            .into_iter()
            .map(|template| {
                Ok((
                    template,
                    Source::parse(template.source()).with_context(|| format!("{template:?}"))?,
                ))
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Self {
            html,
            plain: environment(AutoEscape::None),
            sources,
            product: one_line(product),
            public_url: public_url.to_string(),
        })
    }

    /// Renders a mail; `vars` is an object.
    pub(super) fn render(
        &self,
        template: Template,
        vars: &serde_json::Value,
    ) -> anyhow::Result<Rendered> {
        self.render_source(self.source(template)?, vars)
            .with_context(|| format!("the mail {template:?} cannot be made"))
    }

    /// The source of a mail, as the operator has it.
    pub(super) fn source(&self, template: Template) -> anyhow::Result<&Source> {
        self.sources
            .get(&template)
            .context("every template has its source")
    }

    /// The same mail in other words.
    pub(super) fn render_words(
        &self,
        template: Template,
        words: &Words,
        vars: &serde_json::Value,
    ) -> anyhow::Result<Rendered> {
        self.render_source(&words.over(self.source(template)?), vars)
            .with_context(|| format!("the mail {template:?} cannot be made in these words"))
    }

    /// How a mail in these words will look, with examples for what it names.
    pub(super) fn trial(&self, template: Template, words: &Words) -> anyhow::Result<Rendered> {
        let mut vars = examples();
        for link in ["link", "reset"] {
            vars[link] = self.public_url.clone().into();
        }
        self.render_words(template, words, &vars)
    }

    fn render_source(&self, source: &Source, vars: &serde_json::Value) -> anyhow::Result<Rendered> {
        let Some(vars) = vars.as_object() else {
            bail!("the variables are no object")
        };
        let mut vars = vars.clone();
        vars.insert("product".into(), self.product.clone().into());
        vars.insert("public_url".into(), self.public_url.clone().into());
        let vars = Value::from(Serde(vars));
        let plain = source.filled(|text| Ok(self.plain.render_str(text, &vars)?))?;
        let subject: String = one_line(&plain.subject).chars().take(SUBJECT).collect();
        let html = self.document(&subject, &plain)?;
        Ok(Rendered {
            subject,
            html,
            text: self.text(&plain),
        })
    }

    /// The layout gets finished words, as values: it escapes them, so no source can forget to.
    fn document(&self, subject: &str, words: &Source) -> anyhow::Result<String> {
        let lines = |text: &str| Value::from_safe_string(escaped(text).replace('\n', "<br />"));
        let mjml = self
            .html
            .get_template("layout")?
            .render(minijinja::context! {
                subject,
                product => self.product.as_str(),
                public_url => self.public_url.as_str(),
                preheader => one_line(&words.preheader),
                heading => words.heading.as_str(),
                paragraphs => words.paragraphs.iter().map(|text| lines(text)).collect::<Vec<_>>(),
                action => Serde(&words.action),
                note => words.note.as_deref(),
            })?;
        // Without fonts: the library's own list would load them from a third party.
        let options = RenderOptions {
            disable_comments: true,
            social_icon_origin: None,
            fonts: HashMap::new(),
        };
        let parsed = mrml::parse(mjml).context("the layout is not MJML")?;
        if let Some(warning) = parsed.warnings.first() {
            bail!("the layout is not MJML: {warning}");
        }
        parsed
            .element
            .render(&options)
            .context("the layout cannot be drawn")
    }

    fn text(&self, words: &Source) -> String {
        let mut blocks = vec![words.heading.clone()];
        blocks.extend(words.paragraphs.iter().cloned());
        if let Some(action) = &words.action {
            blocks.push(format!("{}:\n{}", action.label, action.url));
        }
        blocks.extend(words.note.clone());
        // Two dashes and a blank: the line that mail readers know a signature by.
        blocks.push(format!("-- \n{}\n{}\n", self.product, self.public_url));
        blocks.join("\n\n")
    }
}

impl Source {
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        Ok(toml::from_str(text)?)
    }

    fn filled(&self, fill: impl Fn(&str) -> anyhow::Result<String>) -> anyhow::Result<Self> {
        let action = match &self.action {
            None => None,
            Some(action) => Some(Action {
                label: fill(&action.label)?,
                url: web_address(&fill(&action.url)?)?,
            }),
        };
        Ok(Self {
            subject: fill(&self.subject)?,
            preheader: fill(&self.preheader)?,
            heading: one_line(&fill(&self.heading)?),
            paragraphs: self
                .paragraphs
                .iter()
                .map(|text| fill(text))
                .collect::<anyhow::Result<_>>()?,
            action,
            note: self.note.as_deref().map(fill).transpose()?,
        })
    }
}

/// Something for every variable that there is, to try a text with.
fn examples() -> serde_json::Value {
    serde_json::json!({
        "name": "Ada", "link": "https://portico.example/go", "reset": "https://portico.example/go",
        "title": "Maintenance tonight", "excerpt": "What it says.", "code": "123456",
        "device": "Firefox on Linux", "address": "192.0.2.1", "place": "somewhere else than usual",
        "how": "on Firefox on Linux (192.0.2.1)",
        "when": "1 May 2026, 12:00 UTC", "factor": "an authenticator app", "left": 9,
        "old": "ada@example.org", "new": "ada.w@example.org", "days": 7, "minutes": 10, "team": "Harbour", "inviter": "Eva",
        "by": "Lea", "until": "1 May 2026, 12:30 UTC", "may": "They can look at everything that you see, and change nothing.",
        "reason": "The invoice of April is missing",
    })
}

fn environment(escape: AutoEscape) -> Environment<'static> {
    let mut environment = Environment::new();
    // By default only a template whose name ends in .html is escaped.
    environment.set_auto_escape_callback(move |_| escape.clone());
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment
}

fn web_address(text: &str) -> anyhow::Result<String> {
    // The parser's own error does not quote the address, which may hold a token.
    let url = Url::parse(text).context("a link is not an address")?;
    if !matches!(url.scheme(), "http" | "https") {
        bail!("a link is not http or https");
    }
    Ok(url.into())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
#[path = "templates_tests.rs"]
mod tests;
