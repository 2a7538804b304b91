//! Splits a claim so that whether an event arrived is known before the next one of its aggregate leaves.

use std::collections::HashSet;

use kernel_application::Delivery;
use uuid::Uuid;

/// Rounds of which none has two events of one aggregate, in order.
pub(crate) fn rounds(claimed: Vec<Delivery>) -> Vec<Vec<Delivery>> {
    let mut rounds: Vec<(HashSet<Uuid>, Vec<Delivery>)> = Vec::new();
    for delivery in claimed {
        let aggregate = delivery.event.aggregate_id;
        let after_last = rounds.iter().rposition(|(seen, _)| seen.contains(&aggregate)).map_or(0, |at| at + 1);
        if after_last == rounds.len() {
            rounds.push(Default::default());
        }
        if let Some((seen, round)) = rounds.get_mut(after_last) {
            seen.insert(aggregate);
            round.push(delivery);
        }
    }
    rounds.into_iter().map(|(_, round)| round).collect()
}
