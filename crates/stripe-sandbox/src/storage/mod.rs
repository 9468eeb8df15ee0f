//! Where objects are kept between restarts. The engine works in memory; storage writes each command's rows in one transaction.

mod memory;
mod postgres;

use async_trait::async_trait;
use sqlx::PgPool;

use crate::core::state::Row;

/// Where a sandbox keeps its objects.
#[derive(Debug, Clone, Default)]
pub enum Storage {
    /// Nowhere: a restart begins anew.
    #[default]
    Memory,
    /// In PostgreSQL, in the schema `stripe_sandbox`, which is made when it is absent. One sandbox at a time.
    Postgres(PgPool),
}

/// What a store can do.
#[async_trait]
trait Keep: Send + Sync {
    /// Whether it wants to be told the rows at all.
    fn wants_rows(&self) -> bool;
    /// Everything, in the order of creation.
    async fn load(&self) -> anyhow::Result<Vec<Row>>;
    /// Writes one command's rows, all or none.
    async fn commit(&self, rows: Vec<Row>) -> anyhow::Result<()>;
    /// Forgets everything.
    async fn clear(&self) -> anyhow::Result<()>;
    /// Lets another sandbox have the store.
    async fn release(&self);
}

/// The chosen store.
pub(crate) struct Store(Box<dyn Keep>);

impl Store {
    pub(crate) fn new(storage: Storage) -> Self {
        match storage {
            Storage::Memory => Self(Box::new(memory::Memory)),
            Storage::Postgres(pool) => Self(Box::new(postgres::Postgres::new(pool))),
        }
    }

    pub(crate) fn wants_rows(&self) -> bool {
        self.0.wants_rows()
    }

    pub(crate) async fn load(&self) -> anyhow::Result<Vec<Row>> {
        self.0.load().await
    }

    pub(crate) async fn commit(&self, rows: Vec<Row>) -> anyhow::Result<()> {
        if rows.is_empty() {
            Ok(())
        } else {
            self.0.commit(rows).await
        }
    }

    pub(crate) async fn clear(&self) -> anyhow::Result<()> {
        self.0.clear().await
    }

    pub(crate) async fn release(&self) {
        self.0.release().await;
    }
}
