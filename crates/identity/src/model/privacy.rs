//! A copy of all that concerns a person, and their leaving.

use kernel::{files::FileId, id::UserId};
use time::OffsetDateTime;

kernel::id! {
    /// One copy of somebody's data.
    ExportId
}

/// A copy, made or in the making.
#[derive(Debug, Clone)]
pub struct DataExport {
    /// Its id.
    pub id: ExportId,
    /// Whose.
    pub user: UserId,
    /// When it was asked for.
    pub created_at: OffsetDateTime,
    /// How many parts of the house have been asked.
    pub done: i32,
    /// Of how many.
    pub total: i32,
    /// The file, while there is one.
    pub file: Option<FileId>,
    /// In bytes.
    pub size: Option<i64>,
    /// When it was whole.
    pub finished_at: Option<OffsetDateTime>,
    /// When the file goes.
    pub expires_at: Option<OffsetDateTime>,
}
