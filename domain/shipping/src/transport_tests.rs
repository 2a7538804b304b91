//! The rules of a transport, and a machine that looks for sequences which break them.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::testing::{a_batch, a_driver, a_transport, an_item, center, noon};
use crate::{ItemState, ItemStatus};

fn a_departure(batches: &mut [Batch]) -> Departure<'_> {
    Departure {
        centers_exist: true,
        batches,
        driver_id: None,
        started_by: None,
        driver_may_drive: true,
        driver_is_busy: false,
        now: noon(),
    }
}

#[test]
fn a_loaded_transport_with_a_driver_departs_with_its_batches() {
    let driver = a_driver();
    let mut transport = a_transport().driven_by(driver).build();
    let mut batches = [a_batch().loaded_on(&transport).build()];

    let event = transport.start(a_departure(&mut batches));

    assert_eq!(event, Ok(ShippingEvent::TransportStarted { transport_id: transport.id() }));
    assert_eq!(transport.state(), TransportState::InTransit { driver_id: driver, departed_at: noon() });
    assert_eq!(batches[0].state(), BatchState::Departed { transport_id: transport.id() });
}

#[test]
fn another_driver_may_take_over() {
    let (planned, replacement) = (a_driver(), a_driver());
    let mut transport = a_transport().driven_by(planned).build();
    let mut batches = [a_batch().loaded_on(&transport).build()];

    let departure = Departure { driver_id: Some(replacement), ..a_departure(&mut batches) };
    transport.start(departure).expect("it departs");

    assert_eq!(transport.driver_id(), Some(replacement));
}

#[test]
fn an_empty_transport_stays() {
    let mut transport = a_transport().driven_by(a_driver()).build();
    let before = transport.clone();

    assert_eq!(transport.start(a_departure(&mut [])), Err(CannotStart::NoBatch(before.id())));
    assert_eq!(transport, before, "a refused start changes nothing");
}

#[test]
fn nobody_at_the_wheel_means_nobody_leaves() {
    let mut transport = a_transport().build();
    let mut batches = [a_batch().loaded_on(&transport).build()];

    assert_eq!(transport.start(a_departure(&mut batches)), Err(CannotStart::NoDriver(transport.id())));
    assert_eq!(batches[0].state(), BatchState::Loaded { transport_id: transport.id() });
}

#[test]
fn only_an_active_driver_drives() {
    let driver = a_driver();
    let mut transport = a_transport().driven_by(driver).build();
    let mut batches = [a_batch().loaded_on(&transport).build()];

    let departure = Departure { driver_may_drive: false, ..a_departure(&mut batches) };
    assert_eq!(transport.start(departure), Err(CannotStart::DriverInvalid(driver)));
}

#[test]
fn a_driver_drives_one_transport_at_a_time() {
    let driver = a_driver();
    let mut transport = a_transport().driven_by(driver).build();
    let mut batches = [a_batch().loaded_on(&transport).build()];

    let departure = Departure { driver_is_busy: true, ..a_departure(&mut batches) };
    assert_eq!(transport.start(departure), Err(CannotStart::DriverBusy(driver)));
}

#[test]
fn a_transport_departs_once() {
    let mut on_the_road = a_transport().departed().build();
    let mut arrived = a_transport().arrived().build();

    assert_eq!(on_the_road.start(a_departure(&mut [])), Err(CannotStart::AlreadyDeparted(on_the_road.id())));
    assert_eq!(arrived.start(a_departure(&mut [])), Err(CannotStart::AlreadyCompleted(arrived.id())));
}

#[test]
fn the_first_rule_that_forbids_a_start_answers() {
    let mut transport = a_transport().build();

    let nothing_is_right = Departure { centers_exist: false, ..a_departure(&mut []) };
    assert_eq!(transport.start(nothing_is_right), Err(CannotStart::CentersUnknown(transport.id())));
    assert_eq!(transport.start(a_departure(&mut [])), Err(CannotStart::NoBatch(transport.id())));
}

#[test]
fn a_loaded_batch_is_announced_once() {
    let transport = a_transport().build();
    let mut batch = a_batch().build();

    let first = transport.load(&mut batch).expect("it goes on");
    let second = transport.load(&mut batch).expect("it is on already");

    assert!(matches!(first, Some(ShippingEvent::BatchAddedToTransport { batch_id, .. }) if batch_id == batch.id()));
    assert_eq!(second, None);
    assert_eq!(batch.transport_id(), Some(transport.id()));
}

#[test]
fn a_transport_that_left_takes_nothing_on() {
    let on_the_road = a_transport().departed().build();
    let arrived = a_transport().arrived().build();
    let mut batch = a_batch().build();

    assert_eq!(on_the_road.load(&mut batch), Err(CannotLoad::TransportDeparted(on_the_road.id())));
    assert_eq!(arrived.load(&mut batch), Err(CannotLoad::TransportCompleted(arrived.id())));
    assert_eq!(batch.state(), BatchState::Open, "a refusal changes nothing");
}

#[test]
fn a_batch_is_on_one_transport_only() {
    let transport = a_transport().build();
    for mut taken in [a_batch().loaded().build(), a_batch().departed().build()] {
        assert_eq!(transport.load(&mut taken), Err(CannotLoad::BatchAssigned(taken.alias().clone())));
    }
    let mut completed = a_batch().completed().build();
    assert_eq!(transport.load(&mut completed), Err(CannotLoad::BatchCompleted(completed.alias().clone())));
}

#[test]
fn all_the_named_batches_go_on_and_one_that_is_named_twice_goes_on_once() {
    let transport = a_transport().build();
    let (first, second, aboard) = (a_batch().build(), a_batch().build(), a_batch().loaded_on(&transport).build());
    let names = [&second, &aboard, &first, &second].map(|it| it.alias().to_string()).to_vec();

    let loaded = transport.load_all(Named::batches(names, vec![first.clone(), second.clone(), aboard.clone()]));

    let loaded = loaded.expect("they go on");
    assert_eq!(loaded.changed.iter().map(Batch::id).collect::<Vec<_>>(), [second.id(), first.id()]);
    assert_eq!(loaded.events.len(), 2);
    let in_order = loaded.named.in_order().map(Batch::id).collect::<Vec<_>>();
    assert_eq!(in_order, [second.id(), aboard.id(), first.id(), second.id()]);
    assert!(loaded.changed.iter().chain(loaded.named.in_order()).all(|it| it.transport_id() == Some(transport.id())));
}

#[test]
fn a_batch_that_there_is_not_goes_on_nothing_and_neither_do_the_others() {
    let (free, taken) = (a_batch().build(), a_batch().loaded().build());
    let names = vec!["nowhere".to_owned(), free.alias().to_string(), taken.alias().to_string()];

    let refused = a_transport().build().load_all(Named::batches(names, vec![free, taken.clone()]));

    let refusals = [
        Refused { index: 0, reason: CannotLoad::UnknownBatch("nowhere".to_owned()) },
        Refused { index: 2, reason: CannotLoad::BatchAssigned(taken.alias().clone()) },
    ];
    assert_eq!(refused, Err(refusals.to_vec()));
}

#[test]
fn completing_brings_everything_that_moves_to_the_destination() {
    let mut transport = a_transport().departed().build();
    let batch = a_batch().departed_with(&transport).build();
    let items = vec![
        an_item().in_batch(&batch).build(),
        an_item().in_batch(&batch).with_status(ItemStatus::Damaged).build(),
        an_item().in_batch(&batch).with_status(ItemStatus::Lost).build(),
    ];
    let mut cargo = Cargo { batches: vec![batch], items };

    let event = transport.complete(&mut cargo, noon() + TimeDelta::hours(2));

    assert_eq!(event, Ok(ShippingEvent::TransportCompleted { transport_id: transport.id() }));
    assert!(matches!(transport.state(), TransportState::Arrived { .. }));
    let Cargo { batches, items } = cargo;
    assert!(matches!(batches[0].state(), BatchState::Completed { .. }));
    assert_eq!(items[0].current_center(), Some(transport.route().destination()));
    assert_eq!(items[0].state(), ItemState::Moving, "it moves until someone delivers it");
    assert_eq!(items[1].current_center(), None, "a damaged item is not moved");
    assert_eq!(items[2].current_center(), None, "a lost item is not moved");
    assert!(items.iter().all(|it| it.packing().is_none()), "they can go into another batch");
}

#[test]
fn a_transport_is_completed_once_and_only_after_it_left() {
    let mut planned = a_transport().build();
    let mut arrived = a_transport().arrived().build();
    let before = arrived.clone();
    let mut cargo = Cargo::default();

    assert_eq!(planned.complete(&mut cargo, noon()), Err(CannotComplete::NotDeparted(planned.id())));
    assert_eq!(arrived.complete(&mut cargo, noon()), Err(CannotComplete::AlreadyCompleted(arrived.id())));
    assert_eq!(arrived, before, "a refusal changes nothing");
}

#[test]
fn nothing_arrives_before_it_left() {
    let mut transport = a_transport().departed().build();

    transport.complete(&mut Cargo::default(), noon() - TimeDelta::hours(1)).expect("it arrives");

    assert!(
        matches!(transport.state(), TransportState::Arrived { departed_at, arrived_at, .. } if arrived_at >= departed_at)
    );
}

#[test]
fn a_plan_changes_until_the_transport_leaves() {
    let (route, driver) = (Route::between(center("ABC002"), center("ABC003")).expect("a route"), a_driver());
    let mut planned = a_transport().build();
    planned.replan(route.clone(), Some(driver)).expect("it is planned anew");
    assert_eq!((planned.route(), planned.driver_id()), (&route, Some(driver)));
    planned.replan(route.clone(), None).expect("it is planned anew");
    assert_eq!(planned.driver_id(), None);

    let (left, arrived) = (a_transport().departed().build(), a_transport().arrived().build());
    let refusals = [CannotReplan::AlreadyDeparted(left.id()), CannotReplan::AlreadyCompleted(arrived.id())];
    for (before, refusal) in [left, arrived].into_iter().zip(refusals) {
        let mut transport = before.clone();
        assert_eq!(transport.replan(route.clone(), None), Err(refusal));
        assert_eq!(transport, before, "a refusal changes nothing");
    }
}

#[test]
fn only_an_empty_transport_that_has_not_left_is_deleted() {
    let planned = a_transport().build();
    let batch = a_batch().loaded_on(&planned).build();

    assert_eq!(planned.can_be_deleted(&[]), Ok(()));
    assert_eq!(planned.can_be_deleted(&[batch]), Err(CannotDelete::TransportLoaded(planned.id())));
    for transport in [a_transport().departed().build(), a_transport().arrived().build()] {
        assert_eq!(transport.can_be_deleted(&[]), Err(CannotDelete::TransportDeparted(transport.id())));
    }
}

#[test]
fn a_driver_who_starts_a_transport_drives_it() {
    let driver = a_driver();
    let mut transport = a_transport().driven_by(driver).build();
    let before = transport.clone();
    let mut batches = [a_batch().loaded_on(&transport).build()];
    let other = a_driver();

    let departure = Departure { driver_id: Some(other), started_by: Some(driver), ..a_departure(&mut batches) };
    assert_eq!(transport.start(departure), Err(CannotStart::DriverInvalid(other)));
    assert_eq!(transport, before, "a refusal changes nothing");

    let departure = Departure { started_by: Some(driver), ..a_departure(&mut batches) };
    transport.start(departure).expect("it starts");
    assert!(transport.is_assigned_to(driver) && !transport.is_assigned_to(other));
}

/// Anything that anybody may try, in any order.
#[derive(Debug, Clone, Copy)]
enum Attempt {
    Pack { item: usize, batch: usize },
    Unpack { item: usize, batch: usize },
    Rename { batch: usize },
    DeleteItem { item: usize },
    DeleteBatch { batch: usize },
    DeleteTransport { transport: usize },
    Replan { transport: usize },
    Load { batch: usize, transport: usize },
    Start { transport: usize },
    Complete { transport: usize },
    Mark { item: usize, status: ItemStatus },
}

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    let attempt = prop_oneof![
        (0..4_usize, 0..3_usize).prop_map(|(item, batch)| Attempt::Pack { item, batch }),
        (0..4_usize, 0..3_usize).prop_map(|(item, batch)| Attempt::Unpack { item, batch }),
        (0..3_usize).prop_map(|batch| Attempt::Rename { batch }),
        (0..4_usize).prop_map(|item| Attempt::DeleteItem { item }),
        (0..3_usize).prop_map(|batch| Attempt::DeleteBatch { batch }),
        (0..2_usize).prop_map(|transport| Attempt::DeleteTransport { transport }),
        (0..2_usize).prop_map(|transport| Attempt::Replan { transport }),
        (0..3_usize, 0..2_usize).prop_map(|(batch, transport)| Attempt::Load { batch, transport }),
        (0..2_usize).prop_map(|transport| Attempt::Start { transport }),
        (0..2_usize).prop_map(|transport| Attempt::Complete { transport }),
        (0..4_usize, 0..5_usize).prop_map(|(item, at)| Attempt::Mark { item, status: ItemStatus::ALL[at] }),
    ];
    proptest::collection::vec(attempt, 0..50)
}

struct Yard {
    items: Vec<Item>,
    batches: Vec<Batch>,
    transports: Vec<Transport>,
}

impl Yard {
    fn new() -> Self {
        Self {
            items: (0..4).map(|_| an_item().build()).collect(),
            batches: (0..3).map(|_| a_batch().build()).collect(),
            transports: (0..2).map(|_| a_transport().driven_by(a_driver()).build()).collect(),
        }
    }

    /// Tries it, and says whether it was allowed.
    fn attempt(&mut self, attempt: Attempt) -> bool {
        match attempt {
            Attempt::Pack { item, batch } => self.batches[batch].pack(&mut self.items[item], noon()).is_ok(),
            Attempt::Unpack { item, batch } => self.batches[batch].unpack(&mut self.items[item]).is_ok(),
            Attempt::Rename { batch } => {
                let alias = a_batch().build().alias().clone();
                self.batches[batch].rename(alias).is_ok()
            }
            Attempt::DeleteItem { item } => self.delete_item(item),
            Attempt::DeleteBatch { batch } => self.delete_batch(batch),
            Attempt::DeleteTransport { transport } => self.delete_transport(transport),
            Attempt::Replan { transport } => {
                let route = Route::between(center("ABC002"), center("ABC003")).expect("a route");
                self.transports[transport].replan(route, Some(a_driver())).is_ok()
            }
            Attempt::Load { batch, transport } => self.transports[transport].load(&mut self.batches[batch]).is_ok(),
            Attempt::Start { transport } => self.start(transport),
            Attempt::Complete { transport } => self.complete(transport),
            Attempt::Mark { item, status } => self.items[item].change_status(status, noon()).is_ok(),
        }
    }

    fn start(&mut self, at: usize) -> bool {
        let transport = &mut self.transports[at];
        let mut carried: Vec<_> =
            self.batches.iter().filter(|it| it.transport_id() == Some(transport.id())).cloned().collect();
        let started = transport.start(a_departure(&mut carried)).is_ok();
        self.put_back(carried, vec![]);
        started
    }

    fn complete(&mut self, at: usize) -> bool {
        let transport = &mut self.transports[at];
        let batches: Vec<_> =
            self.batches.iter().filter(|it| it.transport_id() == Some(transport.id())).cloned().collect();
        let on_board = |item: &&Item| item.packing().is_some_and(|it| batches.iter().any(|b| b.id() == it.batch_id));
        let items = self.items.iter().filter(on_board).cloned().collect();
        let mut cargo = Cargo { batches, items };
        let completed = transport.complete(&mut cargo, noon()).is_ok();
        self.put_back(cargo.batches, cargo.items);
        completed
    }

    /// A new one takes the place of what was deleted.
    fn delete_item(&mut self, at: usize) -> bool {
        let deleted = self.items[at].can_be_deleted().is_ok();
        if deleted {
            self.items[at] = an_item().build();
        }
        deleted
    }

    fn delete_batch(&mut self, at: usize) -> bool {
        let id = self.batches[at].id();
        let inside = |it: &&Item| it.packing().is_some_and(|it| it.batch_id == id);
        let inside: Vec<_> = self.items.iter().filter(inside).cloned().collect();
        let deleted = self.batches[at].can_be_deleted(&inside).is_ok();
        if deleted {
            self.batches[at] = a_batch().build();
        }
        deleted
    }

    fn delete_transport(&mut self, at: usize) -> bool {
        let id = self.transports[at].id();
        let carried: Vec<_> = self.batches.iter().filter(|it| it.transport_id() == Some(id)).cloned().collect();
        let deleted = self.transports[at].can_be_deleted(&carried).is_ok();
        if deleted {
            self.transports[at] = a_transport().driven_by(a_driver()).build();
        }
        deleted
    }

    fn put_back(&mut self, batches: Vec<Batch>, items: Vec<Item>) {
        for batch in batches {
            if let Some(kept) = self.batches.iter_mut().find(|it| it.id() == batch.id()) {
                *kept = batch;
            }
        }
        for item in items {
            if let Some(kept) = self.items.iter_mut().find(|it| it.id() == item.id()) {
                *kept = item;
            }
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        for batch in &self.batches {
            let transport = batch.transport_id().and_then(|id| self.transports.iter().find(|it| it.id() == id));
            let consistent = matches!(
                (batch.state(), transport.map(Transport::state)),
                (BatchState::Open, None)
                    | (BatchState::Loaded { .. }, Some(TransportState::Planned { .. }))
                    | (BatchState::Departed { .. }, Some(TransportState::InTransit { .. }))
                    | (BatchState::Completed { .. }, Some(TransportState::Arrived { .. }))
            );
            prop_assert!(consistent, "a batch goes where its transport goes: {batch:?} on {transport:?}");
        }
        for item in &self.items {
            if let Some(packing) = item.packing() {
                let batch = self.batches.iter().find(|it| it.id() == packing.batch_id);
                let open = batch.is_some_and(|it| !matches!(it.state(), BatchState::Completed { .. }));
                prop_assert!(open, "an item sits in open batches only: {item:?}");
                prop_assert!(item.status() != ItemStatus::Created, "a packed item has left: {item:?}");
            }
        }
        Ok(())
    }
}

proptest! {
    /// Whatever is tried in whatever order: states go forward only, refusals change nothing, and
    /// transports, batches and items agree with each other.
    #[test]
    fn no_sequence_of_attempts_breaks_the_state_machine(attempts in attempts()) {
        let mut yard = Yard::new();
        for attempt in attempts {
            let before = (yard.items.clone(), yard.batches.clone(), yard.transports.clone());

            if !yard.attempt(attempt) {
                prop_assert_eq!(&before, &(yard.items.clone(), yard.batches.clone(), yard.transports.clone()));
            }

            for (was, is) in before.2.iter().zip(&yard.transports).filter(|(was, is)| was.id() == is.id()) {
                prop_assert!(stage(was.state()) <= stage(is.state()), "{:?} went back to {:?}", was, is);
            }
            yard.check()?;
        }
    }
}

fn stage(state: TransportState) -> u8 {
    match state {
        TransportState::Planned { .. } => 0,
        TransportState::InTransit { .. } => 1,
        TransportState::Arrived { .. } => 2,
    }
}
