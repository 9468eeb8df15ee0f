//! The picture of a person: theirs to set and to take away.

use crate::{Identity, pictures, store};
use anyhow::Context;
use bytes::Bytes;
use futures_util::stream;
use kernel::{
    Principal, Result,
    files::{File, FileId},
    id::UserId,
    limits::Quota,
};
use std::time::Duration;

const PURPOSE: &str = "avatar";

/// Where the two sizes of a picture are.
#[derive(Debug, Clone, Copy)]
pub struct Avatar {
    /// 256 pixels a side.
    pub large: FileId,
    /// 64 pixels a side.
    pub small: FileId,
}

impl Identity {
    /// Makes this picture the caller's.
    pub async fn set_picture(&self, caller: &Principal, sent: Bytes) -> Result<Avatar> {
        let user = caller.user;
        let quota = Quota {
            burst: 10,
            every: Duration::from_mins(1),
        };
        self.0
            .limits
            .take(&format!("picture:{user}"), quota)
            .await?;
        // Unpacking takes memory by the hundred megabytes: one at a time.
        let permit = self.0.darkroom.acquire().await.context("the darkroom")?;
        let made = tokio::task::spawn_blocking(move || pictures::squares(&sent))
            .await
            .context("making a picture")??;
        drop(permit);
        let [large, small] = made;
        let large = self.keep_picture(user, large).await?.id;
        let small = self.keep_picture(user, small).await?.id;
        let avatar = Avatar { large, small };
        let mut tx = self.0.db.begin().await?;
        let before = store::pictures::set(&mut tx, user, &avatar, self.0.clock.now()).await?;
        tx.commit().await?;
        self.discard_picture(before).await?;
        Ok(avatar)
    }

    async fn keep_picture(&self, user: UserId, picture: pictures::Picture) -> Result<File> {
        let name = format!("picture.{}", picture.ending);
        let content = stream::iter([Ok(Bytes::from(picture.bytes))]);
        self.0.files.keep(user, PURPOSE, &name, content).await
    }

    async fn discard_picture(&self, before: Option<Avatar>) -> Result<()> {
        if let Some(before) = before {
            self.0.files.discard(before.large).await?;
            self.0.files.discard(before.small).await?;
        }
        Ok(())
    }

    /// Takes the caller's picture away; that there is none is as good.
    pub async fn remove_picture(&self, caller: &Principal) -> Result<()> {
        let mut tx = self.0.db.begin().await?;
        let before = store::pictures::remove(&mut tx, caller.user).await?;
        tx.commit().await?;
        self.discard_picture(before).await
    }
}
