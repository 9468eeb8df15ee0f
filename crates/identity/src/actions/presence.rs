//! Online and away, as the sockets tell.

use crate::{Identity, store};
use kernel::{Result, id::UserId};

impl Identity {
    /// A user's first socket opened, or the last one closed.
    pub async fn set_online(&self, user: UserId, online: bool) -> Result<()> {
        let mut db = self.0.db.acquire().await?;
        store::presence::set(&mut db, user, online, self.0.clock.now()).await?;
        Ok(())
    }

    /// At start: nobody is connected yet.
    pub async fn clear_presence(&self) -> Result<u64> {
        let mut db = self.0.db.acquire().await?;
        Ok(store::presence::clear(&mut db).await?)
    }
}
