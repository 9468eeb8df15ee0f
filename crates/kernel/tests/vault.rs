//! The vault with real key files.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use kernel::vault::{Context, Error, Vault};
use proptest::prelude::*;
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::LazyLock,
};

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path =
            std::env::temp_dir().join(format!("portico-vault-{}", uuid::Uuid::now_v7().simple()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("vault.keys")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// One vault for the properties, whose folder goes at once: it is in memory.
static VAULT: LazyLock<Vault> = LazyLock::new(|| Vault::load(&Folder::new().0).unwrap());

const PLACE: Context<'_> = Context {
    table: "identity.totp",
    column: "secret",
    row: b"ada",
};

fn place(parts: &[String; 3]) -> Context<'_> {
    Context {
        table: &parts[0],
        column: &parts[1],
        row: parts[2].as_bytes(),
    }
}

#[test]
fn the_key_file_is_made_once_for_nobody_else_to_read() {
    let folder = Folder::new();
    let vault = Vault::load(&folder.0).unwrap();
    assert!(vault.created());
    assert_eq!(
        fs::metadata(folder.file()).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        fs::read_dir(&folder.0).unwrap().count(),
        1,
        "nothing else is left behind"
    );
    let sealed = vault.seal(PLACE, b"JBSWY3DPEHPK3PXP").unwrap();

    let again = Vault::load(&folder.0).unwrap();
    assert!(!again.created());
    assert_eq!(again.fingerprint(), vault.fingerprint());
    assert_eq!(*again.open(PLACE, &sealed).unwrap(), b"JBSWY3DPEHPK3PXP");
    assert!(!format!("{again:?}").contains("mac"));
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let folder = Folder::new();
    Vault::load(&folder.0).unwrap();
    for mode in [0o640, 0o604, 0o660, 0o601] {
        fs::set_permissions(folder.file(), Permissions::from_mode(mode)).unwrap();
        let refused = Vault::load(&folder.0).unwrap_err();
        assert!(matches!(refused, Error::TooOpen { .. }), "{refused}");
        assert!(
            refused
                .to_string()
                .ends_with(&format!("chmod 600 {}", folder.file().display()))
        );
    }
    fs::set_permissions(folder.file(), Permissions::from_mode(0o400)).unwrap();
    Vault::load(&folder.0).unwrap();
}

#[test]
fn a_damaged_key_file_is_refused_and_never_replaced() {
    let folder = Folder::new();
    Vault::load(&folder.0).unwrap();
    for text in ["", "mac short\n", "\0\0\0\0"] {
        fs::write(folder.file(), text).unwrap();
        assert!(matches!(
            Vault::load(&folder.0).unwrap_err(),
            Error::Damaged { .. }
        ));
        assert_eq!(fs::read_to_string(folder.file()).unwrap(), text);
    }
    assert!(matches!(
        Vault::load(Path::new("/nowhere")).unwrap_err(),
        Error::File { .. }
    ));
}

#[test]
fn starting_at_the_same_moment_makes_one_key_file() {
    let folder = Folder::new();
    let vaults: Vec<Vault> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| Vault::load(&folder.0).unwrap()))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(vaults.iter().filter(|vault| vault.created()).count(), 1);
    assert!(
        vaults
            .iter()
            .all(|vault| vault.fingerprint() == vaults[0].fingerprint())
    );
}

#[test]
fn after_a_rotation_the_old_opens_and_can_be_brought_under_the_new_key() {
    let folder = Folder::new();
    let vault = Vault::load(&folder.0).unwrap();
    let elsewhere = Vault::load(&folder.0).unwrap();
    let (fingerprint, code) = (vault.fingerprint(), vault.mac("tokens", b"t"));
    let old = vault.seal(PLACE, b"secret").unwrap();
    assert!(!vault.needs_reseal(&old));

    let id = vault.rotate().unwrap();
    assert!(vault.needs_reseal(&old));
    assert_eq!(*vault.open(PLACE, &old).unwrap(), b"secret");
    let new = vault.rewrap(&old).unwrap();
    assert!(new.starts_with(&format!("v1.{id}.")), "{new}");
    assert!(!vault.needs_reseal(&new));
    assert_eq!(*vault.open(PLACE, &new).unwrap(), b"secret");

    // Who has the file open learns of the new key when it meets it.
    assert_eq!(*elsewhere.open(PLACE, &new).unwrap(), b"secret");
    assert!(elsewhere.needs_reseal(&old));
    // Codes outlive rotations.
    let again = Vault::load(&folder.0).unwrap();
    assert_eq!(
        (again.fingerprint(), again.mac("tokens", b"t")),
        (fingerprint, code)
    );
    assert_eq!(
        fs::metadata(folder.file()).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn rotations_at_the_same_moment_lose_no_key() {
    let folder = Folder::new();
    let vault = Vault::load(&folder.0).unwrap();
    let sealed: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let own = Vault::load(&folder.0).unwrap();
                    own.rotate().unwrap();
                    own.seal(PLACE, b"x").unwrap()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    for sealed in sealed {
        assert_eq!(*vault.open(PLACE, &sealed).unwrap(), b"x");
    }
}

#[test]
fn a_value_of_another_installation_is_told_from_a_damaged_one() {
    let other = Vault::load(&Folder::new().0).unwrap();
    let folder = Folder::new();
    let vault = Vault::load(&folder.0).unwrap();
    let sealed = other.seal(PLACE, b"x").unwrap();
    assert!(matches!(
        vault.open(PLACE, &sealed).unwrap_err(),
        Error::UnknownKey(_)
    ));
    for text in [
        "",
        "v1",
        "plain text",
        "v2.00000000.a.b.c",
        "v1.....",
        &sealed[1..],
        &format!("{sealed}."),
    ] {
        assert!(
            matches!(vault.open(PLACE, text).unwrap_err(), Error::Malformed),
            "{text:?}"
        );
        assert!(vault.needs_reseal(text));
    }
}

#[test]
fn the_parts_of_a_place_cannot_flow_into_each_other() {
    let sealed = VAULT
        .seal(
            Context {
                table: "ab",
                column: "c",
                row: b"d",
            },
            b"x",
        )
        .unwrap();
    for (table, column, row) in [
        ("a", "bc", "d"),
        ("ab", "cd", ""),
        ("abc", "", "d"),
        ("ab", "c", "e"),
    ] {
        let place = Context {
            table,
            column,
            row: row.as_bytes(),
        };
        assert!(matches!(
            VAULT.open(place, &sealed).unwrap_err(),
            Error::Altered
        ));
    }
}

#[test]
fn codes_differ_by_purpose_and_are_the_hmac_of_the_purposes_key() {
    assert_ne!(VAULT.mac("audit", b"x"), VAULT.mac("tokens", b"x"));
    assert_ne!(VAULT.mac("audit", b"x"), VAULT.mac("audit", b"y"));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &*VAULT.mac_key("audit"));
    assert_eq!(
        aws_lc_rs::hmac::sign(&key, b"x").as_ref(),
        VAULT.mac("audit", b"x")
    );
}

proptest! {
    #[test]
    fn what_is_sealed_opens_in_its_place(plain: Vec<u8>, table: String, column: String, row: Vec<u8>) {
        let place = Context { table: &table, column: &column, row: &row };
        let sealed = VAULT.seal(place, &plain).unwrap();
        prop_assert_eq!(&*VAULT.open(place, &sealed).unwrap(), &plain);
        prop_assert_ne!(VAULT.seal(place, &plain).unwrap(), sealed);
    }

    #[test]
    fn what_is_sealed_opens_nowhere_else(a: [String; 3], b: [String; 3]) {
        prop_assume!(a != b);
        let sealed = VAULT.seal(place(&a), b"x").unwrap();
        prop_assert!(matches!(VAULT.open(place(&b), &sealed).unwrap_err(), Error::Altered));
    }

    #[test]
    fn one_altered_bit_anywhere_is_found(plain: Vec<u8>, part in 2..5_usize, at: prop::sample::Index, bit in 0..8_u8) {
        let sealed = VAULT.seal(PLACE, &plain).unwrap();
        let mut parts: Vec<String> = sealed.split('.').map(str::to_owned).collect();
        let mut bytes = BASE64.decode(&parts[part]).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        parts[part] = BASE64.encode(bytes);
        prop_assert!(matches!(VAULT.open(PLACE, &parts.join(".")).unwrap_err(), Error::Altered));
    }

    #[test]
    fn a_part_of_one_value_does_not_fit_into_another(part in 2..5_usize) {
        let one = VAULT.seal(PLACE, b"one").unwrap();
        let two = VAULT.seal(PLACE, b"two").unwrap();
        let mut parts: Vec<&str> = one.split('.').collect();
        parts[part] = two.split('.').nth(part).unwrap();
        prop_assert!(matches!(VAULT.open(PLACE, &parts.join(".")).unwrap_err(), Error::Altered));
    }

    #[test]
    fn no_text_makes_it_panic(text in ".*|v1\\.[0-9a-f]{8}\\.[A-Za-z0-9_-]{80}\\.[A-Za-z0-9_-]{16}\\.[A-Za-z0-9_-]*") {
        prop_assert!(VAULT.open(PLACE, &text).is_err());
    }
}
