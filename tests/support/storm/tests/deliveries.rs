//! What arrives at the bus.

use super::story::{Story, assert_told};
use crate::storm::Deliveries;

#[test]
fn what_arrives_twice_is_counted_and_what_does_not_arrive_or_too_early_is_told() {
    let story = Story::of_a_trip();
    let arrivals = story.arrivals();

    let twice = Deliveries::of(&[arrivals.clone(), arrivals.clone()].concat(), &story.left);
    assert_eq!((twice.faults.len(), twice.arrived, twice.duplicates), (0, 5, 5));
    assert_told(&Deliveries::of(&arrivals[1..], &story.left).faults, "never arrived");
    let made_up = [arrivals.clone(), vec!["made up".to_owned()]].concat();
    assert_told(&Deliveries::of(&made_up, &story.left).faults, "was never announced");
    let mut early = arrivals;
    early.swap(3, 4);
    assert_told(&Deliveries::of(&early, &story.left).faults, "arrived before");
}
