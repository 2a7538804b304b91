//! The names of centers that somebody is shown.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::story::{Story, assert_told};
use crate::storm::left::Left;
use crate::storm::{Command, old_names};

/// Center A is opened, renamed in the first second and again in the third, and seen as `name` in that second.
fn seen_as(name: &str, second: u64) -> Story {
    let mut story = Story { begin: Instant::now(), entries: Vec::new(), left: Left::default() };
    story.done(0, Command::OpenCenter { code: "A".to_owned() }, Value::Null);
    for (second, name) in [(1, "1"), (3, "2")] {
        let (code, path) = ("A".to_owned(), "/a".to_owned());
        story.done(second, Command::RenameCenter { code, path, name: name.to_owned() }, Value::Null);
    }
    let centers = json!({ "results": [{ "center_code": "A", "name": name }] });
    story.done(second, Command::List { path: "/" }, centers);
    story
}

#[test]
fn an_old_name_that_is_still_shown_is_told_unless_nobody_could_evict_it() {
    let old = |story: &Story, unrest: &[_]| old_names(&story.entries, Duration::from_secs(1), unrest);

    for (name, second) in [("A", 0), ("A", 2), ("1", 2), ("1", 4), ("2", 3), ("2", 60)] {
        assert_eq!(old(&seen_as(name, second), &[]), [] as [String; 0], "{name} {second}");
    }
    for (name, second) in [("A", 3), ("A", 60), ("1", 5), ("1", 60)] {
        assert_told(&old(&seen_as(name, second), &[]), "is shown");
    }

    let mut at_once = seen_as("1", 60);
    at_once.entries[1].answered = at_once.moment(3_100);
    assert_eq!(old(&at_once, &[]), [] as [String; 0], "nobody knows which of two came last");
    let mut given_up = seen_as("1", 60);
    given_up.nobody_answers(2);
    assert_eq!(old(&given_up, &[]), [] as [String; 0], "nobody knows whether it was replaced");

    let story = seen_as("1", 5);
    let unrest = |from, to| [(story.moment(from), story.moment(to))];
    assert_eq!(old(&story, &unrest(3_400, 3_600)), [] as [String; 0]);
    assert_told(&old(&story, &unrest(1_000, 2_900)), "is shown");
    assert_told(&old(&story, &unrest(6_000, 7_000)), "is shown");
}
