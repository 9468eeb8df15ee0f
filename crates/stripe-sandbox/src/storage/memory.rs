//! Keeps nothing: the engine's own memory is all there is.

use async_trait::async_trait;

use super::Keep;
use crate::core::state::Row;

pub(super) struct Memory;

#[async_trait]
impl Keep for Memory {
    fn wants_rows(&self) -> bool {
        false
    }

    async fn load(&self) -> anyhow::Result<Vec<Row>> {
        Ok(Vec::new())
    }

    async fn commit(&self, _: Vec<Row>) -> anyhow::Result<()> {
        Ok(())
    }

    async fn clear(&self) -> anyhow::Result<()> {
        Ok(())
    }

    async fn release(&self) {}
}
