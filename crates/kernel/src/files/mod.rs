//! Files that people send: kept in a folder or in S3, read and written as streams.
//!
//! Owns the table `kernel.files` and the bytes that its rows stand for. What a file is gets
//! decided by its content, its size is counted while it arrives, and it can be seen only when
//! all of it is there. Each has a purpose, declared by the domain that uses it: how large, which
//! types, who may read.
//!
//! It refuses to hold a whole file in memory, to believe a name or a type that a browser claims,
//! and to serve anything in a way that lets it run in our origin. It is not for what the server
//! makes for itself (backups, caches).

mod actions;
mod blobs;
mod config;
mod jobs;
mod model;
mod routes;
mod store;

pub use actions::Content;
pub use config::{FilesConfig, S3Config};
pub use jobs::{SweepFiles, Swept};
pub use model::{ARCHIVES, DOCUMENTS, File, FileId, IMAGES, Purpose, Readers, Senders};
pub use routes::router;

use crate::{clock::Clock, database::Database};
use blobs::Blobs;
use std::{path::Path, sync::Arc};

/// The files of an installation. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Files(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Database,
    blobs: Blobs,
    purposes: Vec<Purpose>,
    clock: Clock,
}

impl Files {
    /// Opens the store: the configured one, or `files` in the data folder.
    pub fn new(
        db: Database,
        data: &Path,
        config: &FilesConfig,
        purposes: Vec<Purpose>,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let blobs = Blobs::open(data, config)?;
        Ok(Self(Arc::new(Inner {
            db,
            blobs,
            purposes,
            clock,
        })))
    }
}

/// Tries whether files can be kept where the configuration says: writes a few bytes, reads
/// them, removes them. Where that is, or what stands in the way.
pub async fn probe(data: &Path, config: &FilesConfig) -> anyhow::Result<String> {
    let blobs = Blobs::open(data, config)?;
    blobs.probe().await?;
    Ok(match (&config.s3, &config.folder) {
        (Some(s3), _) => format!("the bucket {}", s3.bucket),
        (None, Some(folder)) => folder.display().to_string(),
        (None, None) => data.join("files").display().to_string(),
    })
}
