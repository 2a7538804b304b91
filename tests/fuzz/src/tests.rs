//! What was found, or thought of, once is tried each time.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::TARGETS;

/// Bytes of all inputs of a target together: they are tried by whoever runs the tests, and kept for ever.
const MAX_BYTES: u64 = 256 * 1024;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of inputs");
    entries.map(|it| it.expect("a readable folder").path()).collect()
}

#[test]
fn every_kept_input_is_taken_as_it_should_be() {
    for target in TARGETS {
        let inputs = entries(&corpus().join(target.name));
        assert!(!inputs.is_empty(), "there is nothing to try on {}", target.name);
        for input in inputs {
            let bytes = fs::read(&input).expect("an input");
            let taken = std::panic::catch_unwind(|| (target.take)(&bytes));
            assert!(taken.is_ok(), "{} cannot take {}", target.name, input.display());
        }
    }
}

/// `cargo xtask fuzz` knows the targets by the folders of their inputs.
#[test]
fn each_target_has_a_folder_of_inputs_and_each_folder_a_target() {
    let name = |it: PathBuf| it.file_name().expect("a name").to_string_lossy().into_owned();
    let folders: BTreeSet<String> = entries(&corpus()).into_iter().map(name).collect();

    assert_eq!(folders, TARGETS.iter().map(|it| it.name.to_owned()).collect());
}

/// A new operation is looked into from its first day.
#[test]
fn each_operation_has_an_input() {
    let inputs = entries(&corpus().join("requests")).into_iter().map(|it| fs::read(it).expect("an input"));
    let asked: Vec<String> = inputs.filter_map(|it| asked_for(&it)).collect();
    let document: Value = serde_json::from_str(&http_adapter::openapi_document()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    assert!(!paths.is_empty(), "there is no operation: the rule guards nothing");
    for (path, operations) in paths {
        for method in operations.as_object().expect("operations").keys() {
            let operation = format!("{} {path}", method.to_uppercase());
            assert!(asked.iter().any(|it| is_of(it, &operation)), "nothing is tried on {operation}");
        }
    }
}

/// `GET /api/v1/user/users/`, without what stands behind a question mark.
fn asked_for(input: &[u8]) -> Option<String> {
    let line = input.split(|it| *it == b'\n').next()?;
    str::from_utf8(line).ok()?.split('?').next().map(ToOwned::to_owned)
}

fn is_of(asked: &str, operation: &str) -> bool {
    let mut parts = asked.split('/').zip(operation.split('/'));
    asked.matches('/').count() == operation.matches('/').count()
        && parts.all(|(asked, part)| asked == part || part.starts_with('{'))
}

#[test]
fn an_input_is_of_the_operation_that_it_names() {
    assert!(is_of("GET /a/7/", "GET /a/{id}/"));
    for other in ["GET /a/", "POST /a/7/", "GET /b/7/", "GET /a/7/b/"] {
        assert!(!is_of(other, "GET /a/{id}/"), "{other}");
    }
}

#[test]
fn the_inputs_are_few() {
    for target in TARGETS {
        let inputs = entries(&corpus().join(target.name));
        let bytes: u64 = inputs.iter().map(|it| fs::metadata(it).expect("an input").len()).sum();
        assert!(bytes <= MAX_BYTES, "the inputs of {} have {bytes} bytes", target.name);
    }
}
