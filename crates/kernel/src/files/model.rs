//! What a file is, what it may be, and what its content says it is.

use crate::{
    error::{Error, Result},
    id::UserId,
};
use axum::http::StatusCode;
use time::OffsetDateTime;

crate::id! {
    /// A file.
    FileId
}

/// How much of a file is looked at to tell what it is.
pub(super) const HEAD: usize = 8 * 1024;
/// The longest name that is kept, in characters.
const LONGEST_NAME: usize = 200;

/// Pictures that every browser shows, and that cannot carry a script.
pub const IMAGES: &[&str] = &[
    "image/png",
    "image/jpeg",
    "image/webp",
    "image/gif",
    "image/avif",
];
/// Documents, as they are read and printed.
pub const DOCUMENTS: &[&str] = &[
    "application/pdf",
    "text/plain",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/vnd.oasis.opendocument.presentation",
];
/// Many files in one.
pub const ARCHIVES: &[&str] = &["application/zip", "application/gzip"];

/// What files are for: declared by the domain that uses them.
#[derive(Debug, Clone)]
pub struct Purpose {
    /// `avatar`, `attachment` …
    pub name: &'static str,
    /// The largest, in bytes.
    pub largest: u64,
    /// The media types, as found in the content.
    pub media_types: Vec<&'static str>,
    /// Who may send them.
    pub senders: Senders,
    /// Who may read them.
    pub readers: Readers,
}

/// Who may send files of a purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Senders {
    /// Everybody signed in.
    SignedIn,
    /// Only a domain, which makes or remakes them itself.
    Domain,
}

/// Who may read files of a purpose, besides staff with `files.read`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Who sent it. A domain that shares files hands them out by its own routes.
    Owner,
    /// Who sent it, in person: nobody who acts in their place.
    OwnerInPerson,
    /// Everybody signed in, as for the picture of a person.
    SignedIn,
}

/// A file that is all there.
#[derive(Debug, Clone)]
pub struct File {
    /// Its id.
    pub id: FileId,
    /// Who sent it.
    pub owner: UserId,
    /// What it is for.
    pub purpose: String,
    /// What its sender called it. For people; never a path.
    pub name: String,
    /// What its content is.
    pub media_type: String,
    /// In bytes.
    pub size: u64,
    /// Of its content.
    pub sha256: Vec<u8>,
    /// When it was all there.
    pub created_at: OffsetDateTime,
}

impl Purpose {
    /// Decides by the first bytes of a file what it is, and whether this purpose takes it.
    pub(super) fn admit(&self, head: &[u8]) -> Result<&'static str> {
        if head.is_empty() {
            return Err(Error::field("file", "empty", "The file is empty."));
        }
        let found = media_type(head);
        if self.media_types.contains(&found) {
            return Ok(found);
        }
        let message = format!(
            "This is {found}; accepted here: {}.",
            self.media_types.join(", ")
        );
        Err(Error::field("file", "media_type_refused", message))
    }

    pub(super) fn too_large(&self) -> Error {
        Error::Unreadable {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            code: "file_too_large",
            detail: format!(
                "The file is too large: at most {} bytes are taken here.",
                self.largest
            ),
        }
    }
}

/// What the content is. Text that could be markup is told apart, so that it is only ever taken
/// where somebody asked for it.
fn media_type(head: &[u8]) -> &'static str {
    if let Some(kind) = infer::get(head) {
        return kind.mime_type();
    }
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The last character may be cut in two.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return "application/octet-stream",
    };
    let control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}');
    match text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']) {
        "" if text.is_empty() => "application/octet-stream",
        text if text.chars().any(control) => "application/octet-stream",
        text if text.starts_with('<') => "text/html",
        _ => "text/plain",
    }
}

/// The name as people shall see it: the last part of a path, without what could steer a terminal
/// or turn the reading direction, at a length that a table can show.
pub(super) fn parse_name(claimed: &str) -> String {
    let last = claimed.rsplit(['/', '\\']).next().unwrap_or_default();
    let bidirectional = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let clean: String = last
        .chars()
        .filter(|c| !c.is_control() && !bidirectional(*c))
        .collect();
    let clean = clean.trim().trim_start_matches('.').trim_start();
    if clean.is_empty() {
        return "file".to_owned();
    }
    let length = clean.chars().count();
    if length <= LONGEST_NAME {
        return clean.to_owned();
    }
    // The ending says what it is to people: it is kept.
    let ending = clean.rsplit_once('.').map_or("", |(_, ending)| ending);
    let kept = if ending.chars().count() < 16 {
        ending.chars().count() + 1
    } else {
        0
    };
    let mut name: String = clean.chars().take(LONGEST_NAME - kept).collect();
    name.extend(clean.chars().skip(length - kept));
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn content_decides_what_a_file_is() {
        for (head, kind) in [
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), "image/png"),
            (b"%PDF-1.7\n", "application/pdf"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
            (b"a,b\n1,2\n", "text/plain"),
            ("gr\u{fc}\u{df}e".as_bytes(), "text/plain"),
            (b"\xef\xbb\xbf  <svg onload=alert(1)>", "text/html"),
            (b"<script>", "text/html"),
            (b"MZ\x90\0", "application/vnd.microsoft.portable-executable"),
            (b"\0\0\0", "application/octet-stream"),
            (b"\xff\xfe\xfd", "application/octet-stream"),
        ] {
            assert_eq!(media_type(head), kind, "{head:?}");
        }
        // Cut in the middle of a character.
        assert_eq!(
            media_type(&"\u{fc}".repeat(5).as_bytes()[..9]),
            "text/plain"
        );
    }

    #[test]
    fn a_name_is_no_path_and_says_nothing_to_a_terminal() {
        for (claimed, name) in [
            ("cv.pdf", "cv.pdf"),
            ("../../etc/passwd", "passwd"),
            (r"C:\Users\ada\cv.pdf", "cv.pdf"),
            (".htaccess", "htaccess"),
            ("a\r\nSet-Cookie: x", "aSet-Cookie: x"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            ("", "file"),
            ("///", "file"),
            ("r\u{e9}sum\u{e9}.pdf", "r\u{e9}sum\u{e9}.pdf"),
        ] {
            assert_eq!(parse_name(claimed), name);
        }
        let long = format!("{}.pdf", "x".repeat(500));
        assert_eq!(parse_name(&long).chars().count(), 200);
        assert!(parse_name(&long).ends_with("x.pdf"));
    }

    proptest! {
        #[test]
        fn any_name_can_be_stored(claimed: String) {
            let name = parse_name(&claimed);
            prop_assert!((1..=200).contains(&name.chars().count()));
            prop_assert!(!name.contains(['/', '\\', '\0', '\n']));
        }
    }
}
