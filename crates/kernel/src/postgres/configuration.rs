//! The settings of a private cluster: small, safe, reached by a socket only.

use std::{fmt::Write, path::Path};

/// Ours, and why where it is not plain. What the caller adds comes after them and wins.
const SETTINGS: &[(&str, &str)] = &[
    // No TCP at all: whoever may open the socket's folder may try, and peer authentication decides.
    ("listen_addresses", ""),
    ("unix_socket_permissions", "0700"),
    ("max_connections", "100"),
    ("shared_buffers", "64MB"),
    ("effective_cache_size", "512MB"),
    ("work_mem", "8MB"),
    ("maintenance_work_mem", "64MB"),
    // Compiling short queries costs more than running them.
    ("jit", "off"),
    // The change stream is logical replication; a reader that is gone for good must not
    // fill the disk.
    ("wal_level", "logical"),
    ("max_wal_senders", "10"),
    ("max_replication_slots", "10"),
    ("max_slot_wal_keep_size", "2GB"),
    ("max_wal_size", "1GB"),
    ("wal_compression", "on"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("log_line_prefix", "%m [%p] %d "),
    ("log_checkpoints", "off"),
];

/// The text of `server.conf`.
pub(super) fn server_conf(
    root: &Path,
    name: &str,
    socket: &Path,
    port: u16,
    extra: &[(String, String)],
) -> String {
    let mut text = String::from("# Written anew at each start.\n");
    let mut set = |name: &str, value: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name} = {}", quoted_value(value));
    };
    for (name, value) in SETTINGS {
        set(name, value);
    }
    for (name, value) in extra {
        set(name, value);
    }
    set("cluster_name", name);
    set("port", &port.to_string());
    set(
        "unix_socket_directories",
        &quoted_name(&socket.to_string_lossy()),
    );
    set("hba_file", &root.join("pg_hba.conf").to_string_lossy());
    set("ident_file", &root.join("pg_ident.conf").to_string_lossy());
    text
}

/// A value as postgresql.conf reads it: quotes and backslashes doubled, and no line can be
/// broken out of.
fn quoted_value(value: &str) -> String {
    let escaped = value
        .replace('\\', r"\\")
        .replace('\'', "''")
        .replace('\n', r"\n")
        .replace('\r', r"\r");
    format!("'{escaped}'")
}

/// A name in double quotes, where commas and spaces would otherwise part it.
pub(super) fn quoted_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_add_a_setting() {
        assert_eq!(
            quoted_value("a'b\\c\nfsync = off"),
            r"'a''b\\c\nfsync = off'"
        );
    }

    #[test]
    fn what_the_caller_sets_comes_after_ours() {
        let extra = [("shared_buffers".to_owned(), "1GB".to_owned())];
        let text = server_conf(Path::new("/r"), "n", Path::new("/r/run"), 5432, &extra);
        assert!(text.rfind("shared_buffers = '1GB'") > text.rfind("shared_buffers = '64MB'"));
        assert!(text.contains("unix_socket_directories = '\"/r/run\"'"));
    }
}
