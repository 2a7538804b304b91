//! Whether everything can have happened one after the other, in an order that nobody who watched the clock would deny.
//!
//! Versions tell in which order an aggregate was changed, answers tell what somebody had seen by then, and the clock tells who
//! was done before somebody else began. Each such "this was before that" is an edge; a cycle of them is what no order explains,
//! whatever its name in the literature: a lost update, a stale read, a write skew.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt::Write as _;

use tokio::time::Instant;

use super::commands::Command;
use super::faults::named;
use super::history::{Entry, Fate, Operation};
use super::left::{Event, Left};
use super::renamed::one_name_each;

/// Cycles that are told of at most.
const TOLD: usize = 3;

/// A cycle, if there is one, for each knot of commands that no order explains.
pub fn disorder(entries: &[Entry], left: &Left) -> Vec<String> {
    let (entries, left) = &one_name_each(entries, left);
    let operations = Operation::all(entries);
    let mut order = Order::of(&operations);
    order.add_versions(left);
    order.add_what_was_seen(left);
    order.add_the_clock();
    order.knots().iter().take(TOLD).map(|knot| order.told(knot)).collect()
}

struct Order<'h, 'o> {
    operations: &'o [Operation<'h>],
    by_request: HashMap<&'h str, usize>,
    /// Who comes after each operation and, after all operations, after each moment of the clock; and why.
    later: Vec<Vec<(usize, &'static str)>>,
}

impl<'h, 'o> Order<'h, 'o> {
    fn of(operations: &'o [Operation<'h>]) -> Self {
        let mut by_request = HashMap::new();
        for (at, operation) in operations.iter().enumerate() {
            by_request.extend(operation.attempts.iter().map(|it| (it.request.as_str(), at)));
        }
        Self { operations, by_request, later: vec![Vec::new(); operations.len()] }
    }

    fn who(&self, event: &Event) -> Option<usize> {
        self.by_request.get(event.request.as_str()).copied()
    }

    fn add(&mut self, earlier: Option<usize>, later: Option<usize>, why: &'static str) {
        if let (Some(earlier), Some(later)) = (earlier, later)
            && earlier != later
            && let Some(edges) = self.later.get_mut(earlier)
        {
            edges.push((later, why));
        }
    }

    /// An aggregate is changed in the order of its versions.
    fn add_versions(&mut self, left: &Left) {
        let mut of_aggregates: BTreeMap<&(String, String), BTreeMap<u64, &Event>> = BTreeMap::new();
        for event in &left.events {
            of_aggregates.entry(&event.aggregate).or_default().insert(event.version, event);
        }
        for events in of_aggregates.into_values() {
            let events: Vec<_> = events.into_values().collect();
            for pair in events.windows(2) {
                self.add(self.who(pair[0]), self.who(pair[1]), "an earlier version");
            }
        }
    }

    /// Nothing goes in, out or on after a transport has left; and whoever was answered had seen how things were.
    fn add_what_was_seen(&mut self, left: &Left) {
        let trips = Trips::of(left);
        for event in &left.events {
            let (_, place) = named(event);
            let transport = match event.name.as_str() {
                "ItemAddedToBatch" | "ItemRemovedFromBatch" => trips.of_batch.get(place.as_str()).copied(),
                "BatchAddedToTransport" => Some(place.as_str()),
                _ => None,
            };
            let started = transport.and_then(|it| trips.started.get(it));
            self.add(self.who(event), started.and_then(|it| self.who(it)), "before it left");
        }
        for at in 0..self.operations.len() {
            self.add_what_it_saw(at, &trips, left);
        }
    }

    fn add_what_it_saw(&mut self, at: usize, trips: &Trips<'_>, left: &Left) {
        let Some(operation) = self.operations.get(at) else { return };
        let Some(answer) = operation.attempts.iter().rfind(|it| it.is_final()) else { return };
        let transport_of = |alias: &str| trips.of_batch.get(alias).map(|it| (*it).to_owned());
        let transport = match operation.command {
            Command::Start { transport, .. }
            | Command::Complete { transport }
            | Command::Replan { transport, .. }
            | Command::SeeTransport { transport } => Some(transport.replace('-', "")),
            Command::Pack { alias, .. } | Command::Unpack { alias, .. } => transport_of(alias),
            _ => None,
        };
        let event =
            |of: &HashMap<String, &Event>| transport.as_ref().and_then(|it| of.get(it)).and_then(|it| self.who(it));
        let (started, arrived, loaded) = (event(&trips.started), event(&trips.arrived), event(&trips.loaded));
        match (operation.command, answer.succeeded(), answer.code.as_str()) {
            (Command::SeeTransport { .. }, true, _) => {
                self.seen(at, started, !answer.body["timestamp_departed"].is_null());
                self.seen(at, arrived, !answer.body["timestamp_arrived"].is_null());
                if answer.body["batch_count"] == 0 {
                    self.seen(at, loaded, false);
                }
            }
            (Command::SeeItemsOf { alias }, true, _) => self.add_members_seen(at, alias, answer, left),
            (_, false, "ShippingTransportAlreadyDeparted" | "ShippingBatchDeparted") => self.seen(at, started, true),
            (_, false, "ShippingTransportAlreadyCompleted" | "ShippingBatchCompleted") => self.seen(at, arrived, true),
            (_, false, "ShippingTransportNotDeparted") => self.seen(at, started, false),
            (_, false, "ShippingTransportNoBatch") => self.seen(at, loaded, false),
            _ => {}
        }
    }

    /// Somebody saw that something had happened, or that it had not.
    fn seen(&mut self, reader: usize, writer: Option<usize>, had_happened: bool) {
        if had_happened {
            self.add(writer, Some(reader), "it was seen");
        } else {
            self.add(Some(reader), writer, "it was not seen yet");
        }
    }

    /// Who went into a batch once, and stayed, is in the list from then on.
    fn add_members_seen(&mut self, at: usize, alias: &str, answer: &Entry, left: &Left) {
        let Some(listed) = answer.body["results"].as_array() else { return };
        if answer.body["count"].as_u64() != u64::try_from(listed.len()).ok() {
            return;
        }
        let mut moves: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
        for event in left.events.iter().filter(|it| it.tells("batch_alias") == alias) {
            moves.entry(event.tells("item_tracking_number")).or_default().push(event);
        }
        for (item, moves) in moves {
            // Whoever was deleted is in no list any more, and who came twice may have been seen either time.
            if let [only] = moves[..]
                && only.name == "ItemAddedToBatch"
                && left.items.contains_key(item)
            {
                let is_listed = listed.iter().any(|it| it["tracking_number"] == *item);
                self.seen(at, self.who(only), is_listed);
            }
        }
    }

    /// Who was answered before somebody else began was before them. The moments of answers are a chain, so that there are few edges.
    fn add_the_clock(&mut self) {
        let mut ends: Vec<(Instant, usize)> = Vec::new();
        for (at, operation) in self.operations.iter().enumerate() {
            let told = match operation.fate {
                Fate::Acknowledged(told) => Some(told),
                Fate::Refused => operation.attempts.iter().find(|it| it.is_final()).copied(),
                Fate::Unknown => None,
            };
            ends.extend(told.map(|it| (it.answered, at)));
        }
        ends.sort_unstable();
        let first = self.later.len();
        self.later.resize(first + ends.len(), Vec::new());
        for (moment, (_, at)) in ends.iter().enumerate() {
            self.add(Some(*at), Some(first + moment), "the clock");
            let next = Some(first + moment + 1).filter(|_| moment + 1 < ends.len());
            self.add(Some(first + moment), next, "the clock");
        }
        for (at, operation) in self.operations.iter().enumerate() {
            let Some(sent) = operation.sent() else { continue };
            let before = ends.partition_point(|(end, _)| *end < sent);
            self.add(before.checked_sub(1).map(|it| first + it), Some(at), "the clock");
        }
    }

    /// Sets of nodes that are all before each other (Tarjan's strongly connected components, without recursion).
    fn knots(&self) -> Vec<Vec<usize>> {
        let count = self.later.len();
        let (mut index, mut low) = (vec![usize::MAX; count], vec![0; count]);
        let (mut on_stack, mut stack, mut knots) = (vec![false; count], Vec::new(), Vec::new());
        let mut next = 0;
        for root in 0..count {
            if index[root] != usize::MAX {
                continue;
            }
            let mut path = vec![(root, 0)];
            while let Some((node, edge)) = path.pop() {
                if edge == 0 {
                    (index[node], low[node], on_stack[node]) = (next, next, true);
                    next += 1;
                    stack.push(node);
                }
                if let Some(&(later, _)) = self.later[node].get(edge) {
                    path.push((node, edge + 1));
                    if index[later] == usize::MAX {
                        path.push((later, 0));
                    } else if on_stack[later] {
                        low[node] = low[node].min(index[later]);
                    }
                    continue;
                }
                if let Some((parent, _)) = path.last() {
                    low[*parent] = low[*parent].min(low[node]);
                }
                if low[node] == index[node] {
                    let begin = stack.iter().rposition(|it| *it == node).unwrap_or_default();
                    let knot = stack.split_off(begin);
                    for done in &knot {
                        on_stack[*done] = false;
                    }
                    if knot.len() > 1 {
                        knots.push(knot);
                    }
                }
            }
        }
        knots
    }

    /// The shortest cycle through the first commands of a knot.
    fn told(&self, knot: &[usize]) -> String {
        const TRIED: usize = 32;
        let commands = knot.iter().copied().filter(|it| *it < self.operations.len());
        let cycles = commands.take(TRIED).filter_map(|it| self.cycle_through(it));
        let Some(shortest) = cycles.min_by_key(Vec::len) else { return format!("{} commands in a knot", knot.len()) };
        let mut told = format!("no order explains these {}:", shortest.len());
        for (node, why) in shortest {
            if let Some(operation) = self.operations.get(node) {
                // Writing to a text cannot fail.
                let _ = write!(told, "\n  {:?} was before, by {why}: {:?}", operation.command, operation.attempts);
            }
        }
        told
    }

    /// The shortest way from a command back to itself: its commands, each with why it is before the next. Moments cost nothing.
    fn cycle_through(&self, start: usize) -> Option<Vec<(usize, &'static str)>> {
        let mut came_from: HashMap<usize, (usize, &'static str)> = HashMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            for &(later, why) in self.later.get(node)? {
                if came_from.contains_key(&later) {
                    continue;
                }
                came_from.insert(later, (node, why));
                if later == start {
                    let mut cycle = Vec::new();
                    let mut at = start;
                    loop {
                        let (before, why) = *came_from.get(&at)?;
                        if before < self.operations.len() {
                            cycle.push((before, why));
                        }
                        if before == start {
                            cycle.reverse();
                            return Some(cycle);
                        }
                        at = before;
                    }
                }
                if later < self.operations.len() { queue.push_back(later) } else { queue.push_front(later) }
            }
        }
        None
    }
}

/// What happened to transports, by their ids; and on which one each batch went, by its alias.
#[derive(Default)]
struct Trips<'h> {
    started: HashMap<String, &'h Event>,
    arrived: HashMap<String, &'h Event>,
    /// Its first batch.
    loaded: HashMap<String, &'h Event>,
    of_batch: HashMap<&'h str, &'h str>,
}

impl<'h> Trips<'h> {
    fn of(left: &'h Left) -> Self {
        let mut trips = Self::default();
        for event in &left.events {
            let transport = event.tells("transport_uuid");
            match event.name.as_str() {
                "TransportStarted" => _ = trips.started.insert(transport.to_owned(), event),
                "TransportComplete" => _ = trips.arrived.insert(transport.to_owned(), event),
                "BatchAddedToTransport" => {
                    trips.loaded.entry(transport.to_owned()).or_insert(event);
                    trips.of_batch.insert(event.tells("batch_alias"), transport);
                }
                _ => {}
            }
        }
        trips
    }
}
