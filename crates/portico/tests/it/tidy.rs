//! The house's arrows and walls, held by reading the source.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The longest file, in lines.
const WALL: usize = 500;
/// Crates that may be known by every domain.
const DOMAINS: [&str; 5] = ["identity", "billing", "updates", "realtime", "hosted_stack"];
/// Where the binary may name a domain.
const JUNCTIONS: [&str; 10] = [
    "src/wiring.rs",
    "src/holders.rs",
    // Lists of live tables answer with the cursor of the stream: realtime belongs to none of them.
    "src/live_reads.rs",
    // Who takes payments is told to whom they are for.
    "src/payments.rs",
    "src/app.rs",
    "src/router.rs",
    "src/config.rs",
    "src/demo/",
    "src/cli/",
    "src/system/",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// Every file below a folder whose name ends so, with its path from the root.
fn files(below: &str, ends: &[&str]) -> Vec<(String, String)> {
    let (root, mut found) = (root(), Vec::new());
    let mut folders = vec![root.join(below)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.map(Result::unwrap) {
            let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
            if entry.file_type().unwrap().is_dir() {
                if !matches!(name.as_str(), "node_modules" | "target" | "snapshots")
                    && !name.starts_with('.')
                {
                    folders.push(path);
                }
            } else if ends.iter().any(|end| name.ends_with(end)) {
                let from_root = path
                    .strip_prefix(&root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                found.push((from_root, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "nothing below {below}");
    found
}

#[track_caller]
fn none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// The crates of ours that a crate depends on, tests included.
fn dependencies(name: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("crates").join(name).join("Cargo.toml")).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    let ours: BTreeSet<String> = fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .iter()
        .filter_map(|section| manifest.get(*section)?.as_table())
        .flat_map(|section| section.keys().cloned())
        .filter(|name| ours.contains(name))
        .collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn crates_depend_as_the_house_says() {
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let allowed = match name.as_str() {
            "portico" => continue,
            // The imitation of Stripe knows nothing of ours; nor do the two that only lead
            // identity's dialogues with authenticators and with providers.
            "kernel" | "stripe-sandbox" | "passkeys" | "providers" => set(&[]),
            "identity" => set(&["kernel", "passkeys", "providers"]),
            _ => set(&["kernel"]),
        };
        assert!(
            dependencies(&name).is_subset(&allowed),
            "{name}: {:?}",
            dependencies(&name)
        );
    }
}

#[test]
fn the_binary_names_domains_only_at_its_junctions() {
    let mut faults = Vec::new();
    for (path, text) in files("crates/portico/src", &[".rs"]) {
        let inside = path.strip_prefix("crates/portico/").unwrap();
        if JUNCTIONS
            .iter()
            .any(|junction| inside.starts_with(junction))
        {
            continue;
        }
        for domain in DOMAINS {
            let names = |line: &&str| {
                !line.trim_start().starts_with("//")
                    && [
                        format!("use {domain}::"),
                        format!(" {domain}::"),
                        format!("({domain}::"),
                    ]
                    .iter()
                    .any(|mark| line.contains(mark.as_str()))
            };
            if let Some(line) = text.lines().find(names) {
                faults.push(format!("{path} names {domain}: {}", line.trim()));
            }
        }
    }
    none(&faults);
}

#[test]
fn a_domain_touches_its_own_tables_and_published_views_only() {
    let mut faults = Vec::new();
    let owners = ["identity", "billing", "updates"];
    for domain in owners {
        for (path, text) in files(&format!("crates/{domain}/src"), &[".rs"]) {
            for other in owners.into_iter().filter(|other| *other != domain) {
                let named =
                    ["from ", "join ", "into ", "update "].map(|verb| format!("{verb}{other}."));
                if named.iter().any(|mark| text.contains(mark.as_str())) {
                    faults.push(format!("{path} reads the tables of {other}"));
                }
            }
        }
    }
    none(&faults);
}

#[test]
fn sql_stands_in_stores() {
    let mut faults = Vec::new();
    for (path, text) in files("crates", &[".rs"]) {
        // The kernel's modules are each their own store; tests look where they like.
        let elsewhere = path.starts_with("crates/kernel/") || path.contains("/tests");
        let store = path.ends_with("/store.rs") || path.contains("/store/");
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let macros = code.filter(|line| {
            ["query!(", "query_as!(", "query_scalar!("]
                .iter()
                .any(|m| line.contains(m))
        });
        if !elsewhere && !store && macros.count() > 0 {
            faults.push(format!("{path} holds SQL"));
        }
    }
    none(&faults);
}

#[test]
fn files_stay_within_the_wall() {
    let mut faults = Vec::new();
    for folder in ["crates", "web", "migrations"] {
        for (path, text) in files(folder, &[".rs", ".ts", ".tsx", ".mjs", ".css", ".sql"]) {
            let made = path.ends_with("schema.d.ts") || path.ends_with("tamagui.css");
            let lines = text.lines().count();
            if lines > WALL && !made {
                faults.push(format!("{path}: {lines} lines"));
            }
        }
    }
    none(&faults);
}

#[test]
fn each_module_says_what_it_is_for() {
    let faults: Vec<String> = files("crates", &[".rs"])
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//!"))
        // A module's own tests, beside the module that says it.
        .filter(|(path, _)| !path.ends_with("_tests.rs"))
        .map(|(path, _)| format!("{path} begins without //!"))
        .collect();
    none(&faults);
}

#[test]
fn nothing_is_left_for_later() {
    // Written in two halves, or this file would find itself.
    let marks = [
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
    ];
    let mut faults = Vec::new();
    for folder in ["crates", "web", "migrations"] {
        for (path, text) in files(folder, &[".rs", ".ts", ".tsx", ".mjs", ".sql"]) {
            for mark in marks.iter().filter(|mark| text.contains(**mark)) {
                faults.push(format!("{path}: {mark}"));
            }
        }
    }
    none(&faults);
}

#[test]
fn a_feature_never_imports_a_feature() {
    let mut faults = Vec::new();
    for (path, text) in files("web/features", &[".ts", ".tsx"]) {
        let own = path.split('/').nth(2).unwrap();
        let imports = text
            .lines()
            .filter(|line| line.contains("from \"") || line.contains("import(\""));
        for line in imports {
            let Some(other) = line
                .split("features/")
                .nth(1)
                .and_then(|rest| rest.split(['/', '"']).next())
            else {
                continue;
            };
            if other != own {
                faults.push(format!("{path} imports {other}"));
            }
        }
    }
    none(&faults);
}

#[test]
fn migrations_are_named_and_ordered() {
    let domains = set(&[
        "kernel",
        "identity",
        "updates",
        "realtime",
        "billing",
        "hosted",
        "automation",
        "backup",
        "monitoring",
    ]);
    let mut before = String::new();
    for (path, _) in files("migrations", &[".sql"]) {
        let name = path
            .trim_start_matches("migrations/")
            .trim_end_matches(".sql");
        let mut parts = name.splitn(3, '_');
        let (time, domain, verb) = (parts.next().unwrap(), parts.next().unwrap(), parts.next());
        assert!(
            time.len() == 14 && time.bytes().all(|byte| byte.is_ascii_digit()),
            "{path}"
        );
        assert!(domains.contains(domain), "{path}");
        assert!(verb.is_some_and(|verb| !verb.is_empty()), "{path}");
        assert!(
            time > before.as_str(),
            "{path} has the time of the one before"
        );
        time.clone_into(&mut before);
    }
}
