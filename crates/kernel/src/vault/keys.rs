//! The key file: one secret for codes, and one or more keys, the last of which is active.
//!
//! A text file, so that an operator can see what it is, copy it, and tell two apart. It is only
//! ever replaced whole.

use super::Error;
use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// The bytes of a key.
pub(super) const KEY_LEN: usize = 32;

/// A key's bytes, wiped when they are dropped.
pub(super) type Secret = Zeroizing<[u8; KEY_LEN]>;

const HEAD: &str = "\
# Portico's keys. With this file and a copy of the database, everything can be read; without it,
# what is encrypted is lost for good. Keep a copy, and keep it apart from the database.
";

/// What the file holds.
pub(super) struct Keys {
    /// The secret for codes. It never changes.
    pub(super) mac: Secret,
    /// Invariant: at least one; the last is the active one.
    wrapping: Vec<Key>,
}

/// A key that wraps data keys.
pub(super) struct Key {
    pub(super) id: String,
    pub(super) secret: Secret,
}

impl Key {
    fn generate() -> Result<Self, Error> {
        let mut id = [0; 4];
        rand::fill(&mut id)?;
        Ok(Self {
            id: hex::encode(id),
            secret: generate()?,
        })
    }
}

fn generate() -> Result<Secret, Error> {
    let mut secret = Zeroizing::new([0; KEY_LEN]);
    rand::fill(&mut *secret)?;
    Ok(secret)
}

/// Ids are chosen by chance, so that two installations, or an old copy of this one, never give
/// the same name to two keys.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 8
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl Keys {
    fn generate() -> Result<Self, Error> {
        Ok(Self {
            mac: generate()?,
            wrapping: vec![Key::generate()?],
        })
    }

    pub(super) fn active(&self) -> &Key {
        &self.wrapping[self.wrapping.len() - 1]
    }

    pub(super) fn find(&self, id: &str) -> Option<&Key> {
        self.wrapping.iter().find(|key| key.id == id)
    }

    fn parse(text: &str) -> Result<Self, (usize, &'static str)> {
        let (mut mac, mut wrapping) = (None, Vec::<Key>::new());
        let mut end = 0;
        for (number, line) in (1..).zip(text.lines()) {
            end = number;
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            match words[..] {
                [] => {}
                [word, ..] if word.starts_with('#') => {}
                ["mac", secret] if mac.is_none() => {
                    mac = Some(decode(secret).ok_or((number, "not a key"))?);
                }
                ["key", id, secret] => {
                    if !is_id(id) || wrapping.iter().any(|key| key.id == id) {
                        return Err((number, "not a new id"));
                    }
                    let secret = decode(secret).ok_or((number, "not a key"))?;
                    wrapping.push(Key {
                        id: id.to_owned(),
                        secret,
                    });
                }
                _ => return Err((number, "not understood")),
            }
        }
        let mac = mac.ok_or((end, "the line that begins with mac is missing"))?;
        if wrapping.is_empty() {
            return Err((end, "there is no line that begins with key"));
        }
        Ok(Self { mac, wrapping })
    }

    fn text(&self) -> Zeroizing<String> {
        // Made in one piece: a string that grows would leave copies of itself in memory.
        let lines = self
            .wrapping
            .iter()
            .map(|key| ("key ", key.id.as_str(), " ", &key.secret));
        let mut text = Zeroizing::new(String::with_capacity(
            HEAD.len() + 64 * (self.wrapping.len() + 1),
        ));
        text.push_str(HEAD);
        for (word, id, space, secret) in std::iter::once(("mac", "", " ", &self.mac)).chain(lines) {
            text.push_str(word);
            text.push_str(id);
            text.push_str(space);
            BASE64.encode_string(**secret, &mut text);
            text.push('\n');
        }
        text
    }
}

fn decode(text: &str) -> Option<Secret> {
    let bytes = Zeroizing::new(BASE64.decode(text).ok()?);
    let mut secret = Zeroizing::new([0; KEY_LEN]);
    if bytes.len() != KEY_LEN {
        return None;
    }
    secret.copy_from_slice(&bytes);
    Some(secret)
}

/// Reads the file, or makes it; says whether it was made.
pub(super) fn load_or_make(path: &Path) -> Result<(Keys, bool), Error> {
    match read(path) {
        Err(Error::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
        read => return read.map(|keys| (keys, false)),
    }
    let keys = Keys::generate()?;
    let new = write_beside(path, &keys)?;
    // A link, unlike a rename, never replaces what another process has made in the meantime.
    let linked = fs::hard_link(&new, path);
    fs::remove_file(&new).map_err(failed(&new))?;
    match linked {
        Ok(()) => {
            sync_folder(path)?;
            Ok((keys, true))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok((read(path)?, false)),
        Err(error) => Err(failed(path)(error)),
    }
}

/// Reads the file.
pub(super) fn read(path: &Path) -> Result<Keys, Error> {
    let file = File::open(path).map_err(failed(path))?;
    let mode = file.metadata().map_err(failed(path))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Error::TooOpen {
            path: path.to_owned(),
            mode,
        });
    }
    let text = Zeroizing::new(io::read_to_string(file).map_err(failed(path))?);
    Keys::parse(&text).map_err(|(line, why)| Error::Damaged {
        path: path.to_owned(),
        line,
        why,
    })
}

/// Adds a key to the file, which is read again under a lock: two rotations at once add two.
pub(super) fn rotate(path: &Path) -> Result<Keys, Error> {
    let lock_path = path.with_extension("lock");
    let lock = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&lock_path)
        .map_err(failed(&lock_path))?;
    lock.lock().map_err(failed(&lock_path))?;
    let mut keys = read(path)?;
    keys.wrapping.push(Key::generate()?);
    let new = write_beside(path, &keys)?;
    fs::rename(&new, path).map_err(failed(path))?;
    sync_folder(path)?;
    Ok(keys)
}

fn write_beside(path: &Path, keys: &Keys) -> Result<PathBuf, Error> {
    let mut name = [0; 4];
    rand::fill(&mut name)?;
    let new = path.with_extension(format!("new-{}", hex::encode(name)));
    OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&new)
        .and_then(|mut file| {
            file.write_all(keys.text().as_bytes())?;
            file.sync_all()
        })
        .map_err(failed(&new))?;
    Ok(new)
}

fn sync_folder(path: &Path) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed(folder))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut keys = Keys::generate().unwrap();
        keys.wrapping.push(Key::generate().unwrap());
        let read = Keys::parse(&keys.text()).unwrap();
        assert_eq!(*read.mac, *keys.mac);
        assert_eq!(read.wrapping.len(), 2);
        assert_eq!(read.active().id, keys.active().id);
        assert_eq!(*read.active().secret, *keys.active().secret);
    }

    #[test]
    fn a_damaged_file_is_refused_at_its_line() {
        let text = Keys::generate().unwrap().text();
        let (head, tail) = text.split_at(text.find("key ").unwrap());
        let line = |text: &str| Keys::parse(text).err().unwrap();
        assert_eq!(line(head), (3, "there is no line that begins with key"));
        assert_eq!(line(tail), (1, "the line that begins with mac is missing"));
        assert_eq!(line(&format!("{head}{tail}{tail}")), (5, "not a new id"));
        assert_eq!(line(&text[..text.len() - 5]), (4, "not a key"));
        assert_eq!(line(&format!("{}mac x\n", *text)), (5, "not understood"));
    }
}
