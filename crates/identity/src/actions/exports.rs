//! A copy of all that the house holds about a person, for that person.

use crate::{
    Identity,
    archive::{Archive, Head, Section},
    jobs::ExportData,
    model::{
        Email,
        privacy::{DataExport, ExportId},
    },
    ports::{Holder, Subject},
    store,
};
use anyhow::Context;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use kernel::{
    Error, Principal, Result,
    files::FileId,
    id::UserId,
    limits::Quota,
    mail::{Mail, SendMail, Template},
};
use serde_json::json;
use std::{
    fs::File,
    io::{Read, Seek},
    sync::Arc,
    time::Duration,
};
use time::format_description::well_known::Rfc3339;

const PURPOSE: &str = "export";
/// After so many days the file goes.
const KEPT_DAYS: i64 = 7;
/// How much of the file is read at once.
const PIECE: usize = 256 * 1024;

impl Identity {
    /// The caller's latest copy, made or in the making.
    pub async fn data_export(&self, caller: &Principal) -> Result<Option<DataExport>> {
        let mut db = self.0.db.acquire().await?;
        Ok(store::privacy::latest_export(&mut db, caller.user).await?)
    }

    /// Asks for a copy. One that is in the making is not asked for twice.
    pub async fn ask_data_export(&self, caller: &Principal) -> Result<DataExport> {
        self.require_recent(caller)?;
        let (user, now) = (caller.user, self.0.clock.now());
        let mut tx = self.0.db.begin().await?;
        store::accounts::lock(&mut tx, user).await?;
        if let Some(export) = store::privacy::latest_export(&mut tx, user).await?
            && export.finished_at.is_none()
        {
            return Ok(export);
        }
        let quota = Quota {
            burst: 3,
            every: Duration::from_hours(4),
        };
        self.0.limits.take(&format!("export:{user}"), quota).await?;
        let (id, total) = (ExportId::new(), self.0.holders.len() + 1);
        let total = i32::try_from(total).unwrap_or(i32::MAX);
        store::privacy::insert_export(&mut tx, id, user, total, now).await?;
        kernel::jobs::enqueue(&mut tx, ExportData { export: id }).await?;
        let export = store::privacy::export(&mut tx, id).await?;
        tx.commit().await?;
        export.ok_or(Error::NotFound("export"))
    }

    /// Makes the copy and tells its owner: a job.
    pub(crate) async fn export_data(&self, id: ExportId) -> Result<()> {
        let export = {
            let mut db = self.0.db.acquire().await?;
            store::privacy::export(&mut db, id).await?
        };
        let Some(export) = export.filter(|export| export.finished_at.is_none()) else {
            return Ok(());
        };
        let Some((name, subject)) = self.subject(export.user).await? else {
            return Ok(());
        };
        let (file, size) = self.gather(id, &name, &subject).await?;
        let stored = self
            .0
            .files
            .keep(export.user, PURPOSE, "my-data.zip", pieces(file))
            .await?;
        let (now, size) = (self.0.clock.now(), i64::try_from(size).unwrap_or(i64::MAX));
        let until = now + time::Duration::days(KEPT_DAYS);
        let mut tx = self.0.db.begin().await?;
        if !store::privacy::export_done(&mut tx, id, stored.id, size, now, until).await? {
            // Another run of this job was quicker.
            drop(tx);
            return self.0.files.discard(stored.id).await;
        }
        let mut link = self.0.public_url.clone();
        link.set_path("/your-data");
        let mail = Mail {
            cause: format!("export:{id}"),
            to: Email::parse(&subject.email)?.address,
            template: Template::ExportReady,
            vars: json!({ "name": name, "link": link.as_str(), "days": KEPT_DAYS }),
        };
        if let Some(mail) = self.0.mailer.enqueue(&mut tx, &mail).await? {
            kernel::jobs::enqueue(&mut tx, SendMail { mail }).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    pub(crate) async fn subject(&self, user: UserId) -> Result<Option<(String, Subject)>> {
        let mut db = self.0.db.acquire().await?;
        let account = store::accounts::get(&mut db, user).await?;
        Ok(account.map(|account| {
            let subject = Subject {
                user,
                email: account.email,
            };
            (account.name, subject)
        }))
    }

    /// Asks every part of the house and writes the file; its size.
    async fn gather(&self, id: ExportId, name: &str, subject: &Subject) -> Result<(File, u64)> {
        let mut db = self.0.db.acquire().await?;
        let own = store::privacy::holdings(&mut db, subject.user).await?;
        store::privacy::export_progress(&mut db, id, 1).await?;
        drop(db);
        let mut sections = vec![Section {
            name: "identity",
            title: "Your account",
            data: own.unwrap_or_default(),
        }];
        let mut archive = Archive::into(tempfile::tempfile().context("a temporary file")?);
        for (holder, done) in self.0.holders.iter().zip(2..) {
            sections.push(Section {
                name: holder.name(),
                title: holder.title(),
                data: holder.holdings(subject).await?,
            });
            enclose(&mut archive, holder, subject).await?;
            let mut db = self.0.db.acquire().await?;
            store::privacy::export_progress(&mut db, id, done).await?;
        }
        let at = self.0.clock.now().format(&Rfc3339).context("a time")?;
        let (product, name) = (self.0.product.clone(), name.to_owned());
        let written = tokio::task::spawn_blocking(move || {
            let head = Head {
                product: &product,
                name: &name,
                at,
            };
            let mut file = archive.finish(&head, &sections)?;
            let size = file.stream_position().context("archive")?;
            file.rewind().context("archive")?;
            anyhow::Ok((file, size))
        });
        Ok(written.await.context("archive")??)
    }

    /// Deletes files whose days are over: a job.
    pub(crate) async fn expire_exports(&self) -> Result<()> {
        let mut tx = self.0.db.begin().await?;
        let over = store::privacy::expire_exports(&mut tx, self.0.clock.now()).await?;
        tx.commit().await?;
        for file in over {
            self.0.files.discard(file).await?;
        }
        Ok(())
    }
}

async fn enclose(archive: &mut Archive, holder: &Arc<dyn Holder>, subject: &Subject) -> Result<()> {
    for enclosed in holder.files(subject).await? {
        archive.begin(&format!("files/{}", enclosed.name))?;
        let mut content = enclosed.content;
        while let Some(bytes) = content.next().await {
            archive.write(&bytes?)?;
        }
    }
    Ok(())
}

/// A file, piece by piece.
fn pieces(file: File) -> impl futures_util::Stream<Item = Result<Bytes>> + Send {
    stream::unfold(Some(file), async |file| {
        let mut file = file?;
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; PIECE];
            let length = file.read(&mut piece)?;
            piece.truncate(length);
            Ok::<_, std::io::Error>((file, piece))
        });
        match read.await {
            Ok(Ok((_, piece))) if piece.is_empty() => None,
            Ok(Ok((file, piece))) => Some((Ok(Bytes::from(piece)), Some(file))),
            Ok(Err(error)) => Some((Err(anyhow::Error::new(error).into()), None)),
            Err(error) => Some((Err(anyhow::Error::new(error).into()), None)),
        }
    })
}

/// A copy's file, for whoever shows where it is.
impl DataExport {
    /// The file while it can be had.
    pub fn ready(&self) -> Option<FileId> {
        self.file
    }
}
