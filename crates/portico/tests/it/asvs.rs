//! The table of security controls tells no tales: each control stands in it once, and what it
//! names as proof exists. Whether it proves what it should is for people to judge.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The cells of each row that is about a control.
fn rows(table: &str) -> Vec<Vec<&str>> {
    let cells = |line: &str| -> bool { line.starts_with("| V") };
    let rows = table.lines().filter(|line| cells(line));
    rows.map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect()
}

/// What stands between backticks, and in brackets right after.
fn named(evidence: &str) -> Vec<(&str, &str)> {
    let mut parts = evidence.split('`').skip(1);
    let mut found = Vec::new();
    while let Some(name) = parts.next() {
        let after = parts.next().unwrap_or_default();
        let inside = after
            .strip_prefix(" (")
            .and_then(|rest| rest.split(')').next());
        found.push((name, inside.unwrap_or_default()));
    }
    found
}

fn is_file(name: &str) -> bool {
    let known = [
        ".rs", ".ts", ".tsx", ".mjs", ".md", ".toml", ".json", ".lock",
    ];
    !name.contains(' ') && !name.starts_with('/') && known.iter().any(|end| name.ends_with(end))
}

#[test]
fn every_control_stands_in_the_table_once_with_a_state() {
    let (list, table) = (
        read("docs/security/asvs-controls.txt"),
        read("docs/security/asvs.md"),
    );
    let wanted: Vec<(&str, &str)> = list
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();
    let rows = rows(&table);
    let there: Vec<(&str, &str)> = rows.iter().map(|row| (row[0], row[1])).collect();
    assert_eq!(there, wanted);
    let mut totals: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for row in &rows {
        assert!(row[3].len() > 5, "{}: no reason", row[0]);
        let of = totals.entry(row[1]).or_default();
        of[0] += 1;
        match row[2] {
            "met" => of[1] += 1,
            "not applicable" => of[2] += 1,
            "not met" => of[3] += 1,
            other => panic!("{}: {other}", row[0]),
        }
    }
    for (level, [all, met, aside, open]) in totals {
        let line = format!("| {level} | {all} | {met} | {aside} | {open} |");
        assert!(table.contains(&line), "the totals should say {line}");
    }
}

#[test]
fn what_is_met_is_proved_by_files_and_tests_that_exist() {
    let table = read("docs/security/asvs.md");
    let mut wrong = Vec::new();
    for row in rows(&table) {
        let names = named(row[3]);
        if row[2] == "met" && !names.iter().any(|(name, _)| is_file(name)) {
            wrong.push(format!("{} names no file", row[0]));
        }
        for (name, inside) in names.into_iter().filter(|(name, _)| is_file(name)) {
            let Ok(text) = std::fs::read_to_string(root().join(name)) else {
                wrong.push(format!("{}: there is no {name}", row[0]));
                continue;
            };
            let tests = inside.split(", ").filter(|test| test.contains('_'));
            for test in tests.filter(|test| !text.contains(&format!("fn {test}("))) {
                wrong.push(format!("{}: there is no {test} in {name}", row[0]));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
