//! What is done with files.

use super::{
    Files,
    model::{File, FileId, HEAD, Purpose, Readers, Senders, parse_name},
    store,
};
use crate::{
    error::{Error, Result},
    id::UserId,
    principal::{Permission, Principal},
};
use aws_lc_rs::digest::{self, SHA256};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream::BoxStream};
use std::{ops::Range, pin::pin};

/// The bytes of a file, on their way out.
pub type Content = BoxStream<'static, object_store::Result<Bytes>>;

impl Files {
    /// Takes a file in. It is there when this answers, and not at all before.
    pub async fn upload(
        &self,
        sender: &Principal,
        purpose: &str,
        name: &str,
        content: impl Stream<Item = Result<Bytes>> + Send,
    ) -> Result<File> {
        if self.purpose(purpose)?.senders == Senders::Domain {
            return Err(Error::field(
                "purpose",
                "refused",
                "Files of this kind are not sent here.",
            ));
        }
        self.keep(sender.user, purpose, name, content).await
    }

    /// Takes in a file that a domain has made. The caller has decided whose it is.
    pub async fn keep(
        &self,
        owner: UserId,
        purpose: &str,
        name: &str,
        content: impl Stream<Item = Result<Bytes>> + Send,
    ) -> Result<File> {
        let purpose = self.purpose(purpose)?;
        // A small file ends with its head, and a stream may not be asked again after its end.
        let mut content = pin!(content.fuse());
        let mut head = BytesMut::new();
        while head.len() < HEAD
            && let Some(bytes) = content.next().await
        {
            head.extend_from_slice(&bytes?);
        }
        let media_type = purpose.admit(&head)?;

        let id = FileId::new();
        let mut incoming = self.0.blobs.write(id);
        let (size, sha256) = match pour(purpose, head.freeze(), content, &mut incoming).await {
            Ok(poured) => poured,
            Err(error) => {
                incoming.abort().await;
                return Err(error);
            }
        };
        incoming.finish().await?;
        let file = File {
            id,
            owner,
            purpose: purpose.name.to_owned(),
            name: parse_name(name),
            media_type: media_type.to_owned(),
            size,
            sha256: sha256.as_ref().to_vec(),
            created_at: self.0.clock.now(),
        };
        let mut db = self.0.db.acquire().await?;
        store::insert(&mut db, &file).await?;
        Ok(file)
    }

    /// What is known of a file, for somebody who may read it.
    pub async fn look_at(&self, reader: &Principal, id: FileId) -> Result<File> {
        let file = self.find(id).await?;
        let is_for = |readers| {
            let purposes = self.0.purposes.iter();
            purposes
                .filter(|purpose| purpose.name == file.purpose)
                .any(|purpose| purpose.readers == readers)
        };
        if reader.acting.is_some() && is_for(Readers::OwnerInPerson) {
            return Err(Error::forbidden(
                "impersonation_refused",
                "Only they themselves may take this. Nobody can in their place.",
            ));
        }
        let shared = is_for(Readers::SignedIn);
        if file.owner == reader.user || shared || reader.can(Permission::FilesRead) {
            return Ok(file);
        }
        // Whether it exists is nobody else's business.
        Err(Error::NotFound("file"))
    }

    /// What is known of a file. The caller has decided who may know.
    pub async fn find(&self, id: FileId) -> Result<File> {
        let mut db = self.0.db.acquire().await?;
        store::find(&mut db, id)
            .await?
            .ok_or(Error::NotFound("file"))
    }

    /// The bytes of a file, or a part of them. The caller has decided who may read.
    pub async fn read(&self, file: &File, range: Range<u64>) -> Result<Content> {
        Ok(self.0.blobs.read(file.id, range).await?)
    }

    /// Deletes a file. Its bytes are kept for [`super::jobs::KEPT`], so that staff can help.
    pub async fn delete(&self, caller: &Principal, id: FileId) -> Result<()> {
        let file = self.look_at(caller, id).await?;
        if file.owner != caller.user {
            caller.require(Permission::FilesWrite)?;
        }
        let mut db = self.0.db.acquire().await?;
        if store::mark_deleted(&mut db, id, self.0.clock.now()).await? {
            return Ok(());
        }
        Err(Error::NotFound("file"))
    }

    /// Deletes a file that a domain made. The caller has decided that it may go.
    pub async fn discard(&self, id: FileId) -> Result<()> {
        let mut db = self.0.db.acquire().await?;
        store::mark_deleted(&mut db, id, self.0.clock.now()).await?;
        Ok(())
    }

    /// Every file that somebody sent, for a copy of all that concerns them.
    pub async fn of(&self, owner: UserId) -> Result<Vec<File>> {
        let mut db = self.0.db.acquire().await?;
        Ok(store::of(&mut db, owner).await?)
    }

    /// Deletes every file of somebody. The caller has decided that they leave.
    pub async fn discard_all(&self, owner: UserId) -> Result<u64> {
        let mut db = self.0.db.acquire().await?;
        Ok(store::mark_all_deleted(&mut db, owner, self.0.clock.now()).await?)
    }

    fn purpose(&self, name: &str) -> Result<&Purpose> {
        self.0
            .purposes
            .iter()
            .find(|purpose| purpose.name == name)
            .ok_or_else(|| {
                let names: Vec<&str> = self.0.purposes.iter().map(|purpose| purpose.name).collect();
                Error::field(
                    "purpose",
                    "unknown",
                    format!("One of {}.", names.join(", ")),
                )
            })
    }
}

/// Lets everything flow into the store, counting it.
async fn pour(
    purpose: &Purpose,
    head: Bytes,
    mut rest: impl Stream<Item = Result<Bytes>> + Unpin,
    incoming: &mut super::blobs::Incoming,
) -> Result<(u64, digest::Digest)> {
    let mut sum = digest::Context::new(&SHA256);
    let mut size = 0;
    let mut next = Some(Ok(head));
    while let Some(bytes) = next {
        let bytes = bytes?;
        size += bytes.len() as u64;
        if size > purpose.largest {
            return Err(purpose.too_large());
        }
        sum.update(&bytes);
        incoming.write(bytes).await?;
        next = rest.next().await;
    }
    Ok((size, sum.finish()))
}
