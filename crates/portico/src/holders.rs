//! What each part of the house holds about a person: for the copy that a person can have, and
//! for their leaving. Beside `wiring.rs`, it is where domains meet.

use async_trait::async_trait;
use billing::Billing;
use futures_util::StreamExt;
use hosted_stack::Kept;
use identity::ports::{Enclosed, Holder, Subject};
use kernel::{
    Error, Result, audit,
    database::Database,
    files::{File, Files},
    mail::Mailer,
};
use serde_json::{Value, json};
use std::sync::Arc;
use updates::Updates;

/// All of them but identity itself.
pub(crate) fn all(
    db: &Database,
    billing: &Billing,
    updates: &Updates,
    files: &Files,
    mailer: &Mailer,
) -> Vec<Arc<dyn Holder>> {
    vec![
        Arc::new(OfBilling(billing.clone(), db.clone())),
        Arc::new(OfHosted(Kept::new(db.clone()))),
        Arc::new(OfUpdates(updates.clone())),
        Arc::new(OfChannels(realtime::Kept::new(db.clone()))),
        Arc::new(OfMail(mailer.clone())),
        Arc::new(OfAudit(db.clone())),
        // Last: the files are the largest.
        Arc::new(OfFiles(files.clone())),
    ]
}

#[derive(Debug)]
struct OfBilling(Billing, Database);

#[async_trait]
impl Holder for OfBilling {
    fn name(&self) -> &'static str {
        "billing"
    }

    fn title(&self) -> &'static str {
        "Your membership"
    }

    async fn holdings(&self, subject: &Subject) -> Result<Value> {
        self.0.holdings(subject.user).await
    }

    async fn erase(&self, subject: &Subject) -> Result<()> {
        let mut tx = self.1.begin().await?;
        self.0.forget(&mut tx, subject.user).await?;
        tx.commit().await?;
        Ok(())
    }
}

#[derive(Debug)]
struct OfHosted(Kept);

#[async_trait]
impl Holder for OfHosted {
    fn name(&self) -> &'static str {
        "hosted_project"
    }

    fn title(&self) -> &'static str {
        "Your account at the hosted project"
    }

    async fn holdings(&self, subject: &Subject) -> Result<Value> {
        self.0.holdings(subject.user).await
    }

    async fn erase(&self, subject: &Subject) -> Result<()> {
        self.0.forget(subject.user).await
    }
}

#[derive(Debug)]
struct OfUpdates(Updates);

#[async_trait]
impl Holder for OfUpdates {
    fn name(&self) -> &'static str {
        "updates"
    }

    fn title(&self) -> &'static str {
        "Updates that you were sent or wrote"
    }

    async fn holdings(&self, subject: &Subject) -> Result<Value> {
        self.0.holdings(subject.user).await
    }

    /// What they read and did goes; the totals of an update, which name nobody, stay, and so
    /// does what they wrote for others, without their name.
    async fn erase(&self, subject: &Subject) -> Result<()> {
        self.0.forget(subject.user).await
    }
}

#[derive(Debug)]
struct OfChannels(realtime::Kept);

#[async_trait]
impl Holder for OfChannels {
    fn name(&self) -> &'static str {
        "channels"
    }

    fn title(&self) -> &'static str {
        "What you said on private channels and is kept"
    }

    async fn holdings(&self, subject: &Subject) -> Result<Value> {
        self.0.holdings(subject.user).await
    }

    async fn erase(&self, subject: &Subject) -> Result<()> {
        self.0.forget(subject.user).await
    }
}

#[derive(Debug)]
struct OfMail(Mailer);

#[async_trait]
impl Holder for OfMail {
    fn name(&self) -> &'static str {
        "mail"
    }

    fn title(&self) -> &'static str {
        "Mail that was sent to you"
    }

    async fn holdings(&self, subject: &Subject) -> Result<Value> {
        self.0.sent_to(&subject.email).await
    }

    async fn erase(&self, subject: &Subject) -> Result<()> {
        self.0.forget(&subject.email).await
    }
}

#[derive(Debug)]
struct OfAudit(Database);

#[async_trait]
impl Holder for OfAudit {
    fn name(&self) -> &'static str {
        "audit"
    }

    fn title(&self) -> &'static str {
        "The record of who did what"
    }

    async fn holdings(&self, subject: &Subject) -> Result<Value> {
        let mut db = self.0.acquire().await?;
        let entries = audit::concerning(&mut db, subject.user).await?;
        Ok(serde_json::to_value(entries).map_err(anyhow::Error::new)?)
    }

    /// The chain is append-only, and its ids lead to nobody once the account is erased.
    async fn erase(&self, _: &Subject) -> Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct OfFiles(Files);

/// Copies of data are not copied.
async fn sent(files: &Files, subject: &Subject) -> Result<Vec<File>> {
    let mut all = files.of(subject.user).await?;
    all.retain(|file| file.purpose != "export");
    Ok(all)
}

#[async_trait]
impl Holder for OfFiles {
    fn name(&self) -> &'static str {
        "files"
    }

    fn title(&self) -> &'static str {
        "Your files"
    }

    async fn holdings(&self, subject: &Subject) -> Result<Value> {
        let rows = sent(&self.0, subject).await?;
        let rows = rows.iter().map(|file| {
            json!({ "name": file.name, "purpose": file.purpose, "type": file.media_type,
                "bytes": file.size, "sent_at": file.created_at.to_string(), "in": enclosed_as(file) })
        });
        Ok(rows.collect())
    }

    async fn files(&self, subject: &Subject) -> Result<Vec<Enclosed>> {
        let mut enclosed = Vec::new();
        for file in sent(&self.0, subject).await? {
            let content = self.0.read(&file, 0..file.size).await?;
            let content = content
                .map(|bytes| bytes.map_err(|error| Error::Internal(anyhow::Error::new(error))));
            enclosed.push(Enclosed {
                name: enclosed_as(&file),
                content: content.boxed(),
            });
        }
        Ok(enclosed)
    }

    async fn erase(&self, subject: &Subject) -> Result<()> {
        self.0.discard_all(subject.user).await.map(|_| ())
    }
}

/// A name of its own for each, whatever they were called.
fn enclosed_as(file: &File) -> String {
    format!("{}-{}", file.id, file.name)
}
