//! The API's document is committed: whatever changes it shows in a diff, and the front
//! end's client is made from it.

use std::path::Path;

#[test]
fn the_committed_document_is_the_one_that_is_served() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/api/openapi.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let served = serde_json::to_string_pretty(&portico::router::document()).unwrap() + "\n";
    assert!(
        committed == served,
        "the API changed. If that is meant:\n  \
         cargo run -p portico -- openapi > docs/api/openapi.json && (cd web && npm run api)\n\
         and commit both.\nFirst difference: {:?}",
        committed
            .lines()
            .zip(served.lines())
            .find(|(old, new)| old != new)
    );
}

#[test]
fn every_operation_has_a_name_of_its_own_and_says_what_it_does() {
    let document = serde_json::to_value(portico::router::document()).unwrap();
    let mut names = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let place = format!("{method} {path}");
            names.push(operation["operationId"].as_str().expect(&place).to_owned());
            let said = operation["summary"]
                .as_str()
                .or(operation["description"].as_str());
            assert!(
                said.is_some_and(|said| !said.is_empty()),
                "{place} says nothing"
            );
        }
    }
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all, "a name stands for two operations");
}
