//! Changing the words of mails while the server runs: read in the transaction of each mail, so
//! they bind on every server at once and nothing has to be told to any cache.
//!
//! Words that no longer fit, after an upgrade, hold no mail up: it goes out in our own.

use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Mailer,
    about::About,
    model::{Address, MailId},
    store,
    templates::{Rendered, Template},
    words::Words,
};
use crate::{
    error::{Error, Result},
    id::UserId,
};

/// A mail as staff see it: what it says, and what it said before anybody changed it.
#[derive(Debug, Clone)]
pub struct Wording {
    /// Which mail.
    pub template: Template,
    /// What it is for.
    pub about: About,
    /// What it says now.
    pub words: Words,
    /// What it says unless somebody changes it: ours, or the operator's file.
    pub ours: Words,
    /// Who changed it, if somebody did.
    pub changed: Option<Changed>,
}

/// That somebody changed the words of a mail.
#[derive(Debug, Clone, Copy)]
pub struct Changed {
    /// Counts the changes: whoever changes it says which they saw.
    pub version: i32,
    /// Who.
    pub by: UserId,
    /// When.
    pub at: OffsetDateTime,
}

impl Wording {
    /// Which change this is; 0 where nobody changed anything.
    pub fn version(&self) -> i32 {
        self.changed.map_or(0, |changed| changed.version)
    }
}

impl Mailer {
    /// Every mail that is sent, in the order of [`Template::ALL`].
    pub async fn wordings(&self, db: &mut PgConnection) -> Result<Vec<Wording>> {
        let mut kept = store::all_words(db).await?;
        let mut found = Vec::new();
        for template in Template::ALL {
            let place = kept
                .iter()
                .position(|kept| kept.template == template.name());
            let kept = place.map(|place| kept.swap_remove(place));
            if let Some(wording) = self.wording_of(template, kept)? {
                found.push(wording);
            }
        }
        Ok(found)
    }

    /// One of them.
    pub async fn wording(&self, db: &mut PgConnection, name: &str) -> Result<Wording> {
        let template = Template::parse(name).ok_or(Error::NotFound("mail"))?;
        let kept = store::words(db, template.name()).await?;
        self.wording_of(template, kept)?
            .ok_or(Error::NotFound("mail"))
    }

    fn wording_of(&self, template: Template, kept: Option<store::Kept>) -> Result<Option<Wording>> {
        let Some(about) = template.about() else {
            return Ok(None);
        };
        let ours = Words::of(self.templates().source(template)?);
        let changed = kept.as_ref().map(|kept| Changed {
            version: kept.version,
            by: kept.changed_by,
            at: kept.changed_at,
        });
        Ok(Some(Wording {
            template,
            about,
            words: kept.map_or_else(|| ours.clone(), |kept| kept.words.0),
            ours,
            changed,
        }))
    }

    /// How a mail would look in these words, or every fault of them.
    pub fn try_words(&self, template: Template, words: &Words) -> Result<(Words, Rendered)> {
        let about = template.about().ok_or(Error::NotFound("mail"))?;
        let words = words.checked(&about, self.templates().source(template)?)?;
        let rendered = self.templates().trial(template, &words)?;
        Ok((words, rendered))
    }

    /// Has a mail say this from now on, unless somebody else changed it since `version`.
    pub async fn reword(
        &self,
        tx: &mut PgConnection,
        template: Template,
        words: &Words,
        version: i32,
        by: UserId,
    ) -> Result<Wording> {
        let (words, _) = self.try_words(template, words)?;
        let now = self.clock().now();
        if !store::keep_words(tx, template.name(), &words, version, by, now).await? {
            return Err(changed_meanwhile());
        }
        self.wording(tx, template.name()).await
    }

    /// Has it say again what it said at first, unless somebody changed it since `version`.
    pub async fn word_as_before(
        &self,
        tx: &mut PgConnection,
        template: Template,
        version: i32,
    ) -> Result<Wording> {
        let gone = store::forget_words(tx, template.name(), version).await?;
        let wording = self.wording(tx, template.name()).await?;
        if !gone && wording.changed.is_some() {
            return Err(changed_meanwhile());
        }
        Ok(wording)
    }

    /// Writes down a mail in these words with examples in it. The caller enqueues, in the same
    /// transaction, the job that delivers it.
    pub async fn enqueue_trial(
        &self,
        tx: &mut PgConnection,
        template: Template,
        words: &Words,
        to: &Address,
    ) -> Result<MailId> {
        let (_, rendered) = self.try_words(template, words)?;
        let cause = format!("trial:{}", Uuid::now_v7());
        self.write_down(tx, &cause, to, rendered, None)
            .await?
            .ok_or_else(|| anyhow::anyhow!("a cause of its own has a mail already").into())
    }

    /// A mail in the words that somebody gave it, or in ours.
    pub(super) async fn worded(
        &self,
        tx: &mut PgConnection,
        template: Template,
        vars: &Value,
    ) -> Result<Rendered> {
        // Each test that sends a mail proves that its placeholders are what senders fill.
        debug_assert!(
            template.about().is_none_or(|about| about
                .placeholders
                .iter()
                .all(|name| vars.get(name).is_some())),
            "{template:?} is sent without something that its words may name"
        );
        if let Some(kept) = store::words(tx, template.name()).await? {
            match self.templates().render_words(template, &kept.words.0, vars) {
                Ok(rendered) => return Ok(rendered),
                Err(error) => {
                    tracing::warn!(mail = template.name(), %error, "changed words no longer fit, ours are sent");
                }
            }
        }
        Ok(self.templates().render(template, vars)?)
    }
}

fn changed_meanwhile() -> Error {
    Error::conflict(
        "changed_meanwhile",
        "Somebody else has changed this mail since you opened it. Copy what you wrote, then load it anew.",
    )
}
