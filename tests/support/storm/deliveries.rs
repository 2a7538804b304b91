//! Whether what was announced arrived: all of it, nothing else, and in order.

use std::collections::{BTreeMap, HashMap};

use super::left::{Event, Left};

/// What arrived, in the order in which it did, and what to make of it.
#[derive(Debug, Default)]
pub struct Deliveries {
    /// What is wrong.
    pub faults: Vec<String>,
    /// How many events arrived.
    pub arrived: usize,
    /// How often one arrived that had arrived before.
    pub duplicates: usize,
}

impl Deliveries {
    /// Judges the ids of events of shipping, in hexadecimal digits, in the order in which they arrived.
    pub fn of(arrivals: &[String], left: &Left) -> Self {
        let announced: HashMap<&str, &Event> = left.events.iter().map(|it| (it.id.as_str(), it)).collect();
        let mut found = Self::default();
        let mut first: HashMap<&str, usize> = HashMap::new();
        for (at, id) in arrivals.iter().enumerate() {
            if !announced.contains_key(id.as_str()) {
                found.faults.push(format!("event {id} arrived, and was never announced"));
            } else if first.contains_key(id.as_str()) {
                found.duplicates += 1;
            } else {
                first.insert(id, at);
            }
        }
        found.arrived = first.len();
        let lost = left.events.iter().filter(|it| !first.contains_key(it.id.as_str()));
        found.faults.extend(lost.map(|it| format!("it was announced, and never arrived: {it:?}")));
        found.judge_order(&first, left);
        found
    }

    /// The events of an aggregate arrive in the order of its versions, as far as first arrivals go.
    fn judge_order(&mut self, first: &HashMap<&str, usize>, left: &Left) {
        let mut of_aggregates: BTreeMap<&(String, String), BTreeMap<u64, &Event>> = BTreeMap::new();
        for event in &left.events {
            of_aggregates.entry(&event.aggregate).or_default().insert(event.version, event);
        }
        for events in of_aggregates.values() {
            let arrived: Vec<_> = events.values().filter_map(|it| Some((*it, *first.get(it.id.as_str())?))).collect();
            let early = arrived.windows(2).filter(|pair| pair[0].1 > pair[1].1);
            self.faults.extend(early.map(|pair| format!("{:?} arrived before {:?}", pair[1].0, pair[0].0)));
        }
    }
}
