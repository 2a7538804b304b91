//! A story in which everything is well, and what is said of it when something is not: an offender is planted for each check.

mod deliveries;
mod faults;
mod names;
mod order;
mod play;
mod story;

use super::Deliveries;
use story::{Story, assert_told, pack, packed};

/// What is done to the story, and what has to be said of it.
type Offender = (&'static str, fn(&mut Story));

#[test]
fn a_story_in_which_all_is_well_has_no_fault() {
    let story = Story::of_a_trip();

    assert_eq!(story.faults(), [] as [String; 0]);
    assert_eq!(story.disorder(), [] as [String; 0]);
    assert_eq!(Deliveries::of(&story.arrivals(), &story.left).faults, [] as [String; 0]);
}

#[test]
fn what_nobody_knows_may_be_so_or_not_but_wholly() {
    for second in 0..8 {
        let mut done = Story::of_a_trip();
        done.nobody_answers(second);
        assert_eq!(done.faults(), [] as [String; 0], "it was done: {second}");
        assert_eq!(done.disorder(), [] as [String; 0], "it was done: {second}");
    }
    let mut not_done = Story::of_a_trip();
    not_done.left.events.truncate(5);
    not_done.nobody_answers(7);
    assert_eq!(not_done.faults(), [] as [String; 0]);

    let mut in_part = Story::of_a_trip();
    in_part.nobody_answers(4);
    in_part.left.events.remove(0);
    assert_told(&in_part.faults(), "nobody was told of (\"shoe\"");
}

#[test]
fn the_answer_to_a_repetition_tells_of_the_attempt_before() {
    let mut story = Story::of_a_trip();
    story.nobody_answers(4);
    let again = story.done(8, pack(&["shoe", "hat"]), packed(&["shoe", "hat"]));
    (again.is_replayed, again.key) = (true, Some("key 4".to_owned()));

    assert_eq!(story.faults(), [] as [String; 0]);
    assert_eq!(story.disorder(), [] as [String; 0]);
}
