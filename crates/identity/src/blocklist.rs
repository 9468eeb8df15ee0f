//! Passwords that are known to have leaked, looked up offline.
//!
//! The operator points to a file: one SHA-1 in hex a line, sorted, whatever follows the hash
//! on its line not looked at. That is how the list of Have I Been Pwned comes ("ordered by
//! hash"), and it is searched where it lies: about thirty reads for a billion lines, no memory
//! and no start-up time. Refuses to send anything anywhere.

use anyhow::{Context, bail};
use aws_lc_rs::digest;
use std::{fs::File, os::unix::fs::FileExt, path::Path};

/// Hex digits of a SHA-1.
const HASH: usize = 40;
/// More than any line of such a file.
const LINE: u64 = 256;

#[derive(Debug)]
pub(crate) struct Blocklist {
    file: File,
    length: u64,
}

impl Blocklist {
    /// Opens the list and looks whether it is one.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let name = || format!("identity.password_blocklist: {}", path.display());
        let file = File::open(path).with_context(name)?;
        let length = file.metadata().with_context(name)?.len();
        let list = Self { file, length };
        let first = list.line_at(0).with_context(name)?;
        if length > 0 && first.is_none() {
            bail!("{} does not begin with a SHA-1 in hex", name());
        }
        Ok(list)
    }

    /// Whether the password is in the list. Reads from disk.
    pub(crate) fn holds(&self, password: &str) -> anyhow::Result<bool> {
        let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        let wanted = hex::encode_upper(hash.as_ref());
        let (mut low, mut high) = (0, self.length);
        // Invariant: the wanted line begins in [low, high), if it is there at all.
        while low < high {
            let middle = low + (high - low) / 2;
            let start = self.start_after(middle, low)?;
            let Some((found, next)) = (if start < high {
                self.line_at(start)?
            } else {
                None
            }) else {
                high = middle;
                continue;
            };
            match found.as_str().cmp(&wanted) {
                std::cmp::Ordering::Equal => return Ok(true),
                std::cmp::Ordering::Less => low = next,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(false)
    }

    /// Where the first line begins that begins at `at` or later; `low` begins one.
    fn start_after(&self, at: u64, low: u64) -> anyhow::Result<u64> {
        if at == low {
            return Ok(at);
        }
        let bytes = self.read(at - 1)?;
        let gap = bytes.iter().position(|byte| *byte == b'\n');
        Ok(gap.map_or(self.length, |gap| at + gap as u64))
    }

    /// The hash of the line that begins there, and where the next begins.
    fn line_at(&self, at: u64) -> anyhow::Result<Option<(String, u64)>> {
        let bytes = self.read(at)?;
        let Some(hash) = bytes
            .get(..HASH)
            .filter(|hash| hash.iter().all(u8::is_ascii_hexdigit))
        else {
            return Ok(None);
        };
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let next = end.map_or(self.length, |end| at + end as u64 + 1);
        Ok(Some((String::from_utf8_lossy(hash).to_uppercase(), next)))
    }

    fn read(&self, at: u64) -> anyhow::Result<Vec<u8>> {
        let wanted = LINE.min(self.length.saturating_sub(at));
        let mut bytes = vec![0; usize::try_from(wanted)?];
        self.file.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(name: &str, lines: &[String]) -> Blocklist {
        let path = std::env::temp_dir().join(format!("portico-{name}-{}", std::process::id()));
        std::fs::write(&path, lines.concat()).unwrap();
        let list = Blocklist::open(&path);
        std::fs::remove_file(&path).unwrap();
        list.unwrap()
    }

    fn hash(text: &str) -> String {
        let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
        hex::encode_upper(hash.as_ref())
    }

    #[test]
    fn every_line_is_found_and_nothing_else() {
        for count in [0, 1, 2, 3, 7, 1_000] {
            let words: Vec<String> = (0..count).map(|n| format!("word {n}")).collect();
            let mut lines: Vec<String> = words
                .iter()
                .enumerate()
                .map(|(n, word)| format!("{}:{}\r\n", hash(word), n * n))
                .collect();
            lines.sort();
            let list = list(&format!("blocklist-{count}"), &lines);
            for word in &words {
                assert!(list.holds(word).unwrap(), "{word} of {count}");
            }
            for n in 0..200 {
                assert!(!list.holds(&format!("another {n}")).unwrap());
            }
        }
    }

    #[test]
    fn a_file_of_something_else_is_refused() {
        let path = std::env::temp_dir().join(format!("portico-no-list-{}", std::process::id()));
        std::fs::write(&path, "password\nletmein\n").unwrap();
        assert!(Blocklist::open(&path).is_err());
        std::fs::remove_file(&path).unwrap();
    }
}
