//! Every promise that is written down names the tests that keep it, and these tests are there.
//!
//! The pages of docs/promises are tables: what is promised in the first column, the tests in the last one, each as
//! `file.rs::name` in backticks. As much of the file's path is given as tells it from others.

use std::collections::{BTreeMap, BTreeSet};

use crate::workspace::{File, files};

const PAGES: &str = "docs/promises";

/// Lists the pages, and is none.
const CONTENTS: &str = "docs/promises/README.md";

const RELIABILITY: &str = "docs/promises/reliability.md";

#[derive(Debug, PartialEq)]
struct Promise<'a> {
    words: &'a str,
    tests: Vec<(&'a str, &'a str)>,
}

/// The rows of a page's tables, without their headings.
fn promises(page: &str) -> Vec<Promise<'_>> {
    let lines: Vec<&str> = page.lines().map(str::trim).collect();
    let is_rule = |line: &str| line.starts_with("|-") || line.starts_with("| -") || line.starts_with("|:");
    let mut found = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let is_heading = lines.get(number + 1).is_some_and(|below| is_rule(below));
        if !line.starts_with('|') || is_rule(line) || is_heading {
            continue;
        }
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let tests = cells.last().map(|it| tests(it)).unwrap_or_default();
        found.push(Promise { words: cells.first().copied().unwrap_or_default(), tests });
    }
    found
}

/// The numbers of promises that have one, as `R7.` before their words.
fn numbers(page: &str) -> BTreeSet<u32> {
    let words =
        promises(page).into_iter().filter_map(|it| it.words.strip_prefix('R')?.split_once(". ")?.0.parse().ok());
    words.collect()
}

/// What stands in backticks and looks like `file.rs::name`.
fn tests(cell: &str) -> Vec<(&str, &str)> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted.filter_map(|it| it.rsplit_once("::")).filter(|(file, _)| file.strip_suffix(".rs").is_some()).collect()
}

/// Whether a file has a test of this name: a function that says so itself, stands in `proptest!`, or is handed to a
/// macro that runs it, as `on_both_stacks!` does.
fn has_test(file: &File, name: &str) -> bool {
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    let Some(line) = lines.iter().position(|it| is_definition(it, name)) else { return false };
    let above = lines[..line].iter().rev().take_while(|it| it.starts_with("#[") || it.starts_with("//"));
    above.into_iter().any(|it| is_test_attribute(it)) || lines.iter().any(|it| is_handed_on(it, name))
}

fn is_definition(line: &str, name: &str) -> bool {
    let after = line.split_once("fn ").and_then(|(_, after)| after.strip_prefix(name));
    after.is_some_and(|it| it.starts_with('(') || it.starts_with('<'))
}

fn is_test_attribute(line: &str) -> bool {
    ["#[test]", "#[tokio::test"].iter().any(|it| line.starts_with(it))
}

/// One of the names in a list such as `on_both_stacks![one, another];`
fn is_handed_on(line: &str, name: &str) -> bool {
    let names = line.rsplit(['[', '{', '(']).next().unwrap_or_default().trim_end_matches([']', '}', ')', ';']);
    names.split(',').any(|it| it.trim() == name) && !line.contains('=') && !line.contains('.')
}

/// What is wrong with a page, given the files of code by their names.
fn broken_promises(page: &File, code: &BTreeMap<&str, Vec<&File>>) -> Vec<String> {
    let promises = promises(&page.text);
    if promises.is_empty() {
        return vec![format!("{} promises nothing", page.path)];
    }
    let mut found = Vec::new();
    for promise in promises {
        if promise.words.is_empty() || promise.tests.is_empty() {
            found.push(format!("{}: no test keeps {:?}", page.path, promise.words));
        }
        for (path, name) in promise.tests {
            let candidates = code.get(file_name(path)).into_iter().flatten();
            let mut named = candidates.filter(|it| format!("/{}", it.path).ends_with(&format!("/{path}")));
            if !named.any(|it| has_test(it, name)) {
                found.push(format!("{}: there is no test {path}::{name}", page.path));
            }
        }
    }
    found
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

fn by_name(code: &[File]) -> BTreeMap<&str, Vec<&File>> {
    let mut by_name: BTreeMap<&str, Vec<&File>> = BTreeMap::new();
    for file in code {
        by_name.entry(file_name(&file.path)).or_default().push(file);
    }
    by_name
}

fn pages() -> Vec<File> {
    files(PAGES, ".md").into_iter().filter(|it| it.path != CONTENTS).collect()
}

#[test]
fn every_promise_names_a_test_that_is_there() {
    let (pages, code) = (pages(), files("", ".rs"));
    assert!(!pages.is_empty(), "there is no page of promises: the rule guards nothing");
    let code = by_name(&code);
    assert_eq!(pages.iter().flat_map(|it| broken_promises(it, &code)).collect::<Vec<_>>(), [] as [String; 0]);
}

/// The promises of reliability are known by their numbers elsewhere: none may be left out.
#[test]
fn every_promise_of_reliability_from_the_first_to_the_last_is_there() {
    let page = pages().into_iter().find(|it| it.path == RELIABILITY).expect("the page");
    assert_eq!(numbers(&page.text).into_iter().collect::<Vec<_>>(), (1..=22).collect::<Vec<_>>());
}

#[test]
fn a_promise_has_the_number_that_stands_before_its_words() {
    let page =
        "| promise | tests |\n|---|---|\n| R1. It is kept. | |\n| R12. So is that. | |\n| R3 times | |\n| Redis. | |\n";
    assert_eq!(numbers(page).into_iter().collect::<Vec<_>>(), [1, 12]);
}

#[test]
fn the_contents_list_every_page() {
    let contents = files(PAGES, ".md").into_iter().find(|it| it.path == CONTENTS).expect("the contents");
    for page in pages() {
        assert!(contents.text.contains(&format!("]({})", file_name(&page.path))), "{} is not listed", page.path);
    }
}

fn complaints(table: &str) -> usize {
    let text = "on_both_stacks![a_journey, another];\n\nasync fn a_journey(app: TestApp) {}\n\
        #[tokio::test(flavor = \"multi_thread\")]\n// Why.\nasync fn a_promise_is_kept() {}\n\
        proptest! {\n#[test]\nfn whatever_is_read(it in any()) {}\n}\n\
        fn a_step() {}\nasync fn unused(app: TestApp) { a_step(); }\n";
    let code = [File { path: "tests/journeys/trips.rs".into(), text: text.into() }];
    let page = format!("# Trips\n\n| promise | tests |\n|---|---|\n{table}\n");
    broken_promises(&File { path: "docs/promises/trips.md".into(), text: page }, &by_name(&code)).len()
}

#[test]
fn a_promise_that_a_test_keeps_passes() {
    for row in [
        "| kept | `trips.rs::a_journey` |",
        "| kept | `journeys/trips.rs::a_promise_is_kept`, `trips.rs::whatever_is_read` |",
        "| kept | in words | `tests/journeys/trips.rs::a_journey` on both stacks |",
    ] {
        assert_eq!(complaints(row), 0, "{row}");
    }
}

#[test]
fn each_broken_promise_is_caught() {
    for row in [
        "",
        "| nobody looks | |",
        "| nobody looks | by hand |",
        "| | `trips.rs::a_journey` |",
        "| only in words | trips.rs::a_journey |",
        "| another file | `rips.rs::a_journey` |",
        "| another folder | `contracts/trips.rs::a_journey` |",
        "| half a name | `trips.rs::a_journe` |",
        "| renamed | `trips.rs::a_trip` |",
        "| listed and not there | `trips.rs::another` |",
        "| no test | `trips.rs::a_step` |",
        "| never run | `trips.rs::unused` |",
        "| one of two | `trips.rs::a_journey`, `trips.rs::gone` |",
    ] {
        assert_eq!(complaints(row), 1, "{row}");
    }
}
