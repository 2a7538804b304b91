//! What shipping's units of work promise when they meet.

use std::sync::Arc;

use kernel_application::testing::{an_actor_who, anyone};
use kernel_domain::StoreError;
use persistence_adapter::Settings;
use shipping_application::*;
use shipping_domain::testing::{a_batch, a_driver, a_transport, an_item, noon};
use shipping_domain::*;
use support::sql::Sql;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::databases::{self, TestDatabase};
use crate::shipping_model::shipping_over;
use crate::shipping_store::{batch, item, keep, transport, unaware_departure};

crate::every_database_promises![
    one_of_twenty_racing_starts_wins_and_the_others_hear_why,
    an_item_goes_into_one_of_two_batches,
    a_driver_leaves_with_one_of_two_transports,
    a_batch_goes_on_one_of_two_transports,
    items_that_go_into_one_batch_at_once_all_go_in,
    commands_that_overlap_in_any_order_never_block_each_other_for_ever,
    who_loads_a_batch_that_is_renamed_finds_it_or_does_not,
    who_starts_a_transport_whose_batch_is_renamed_leaves_with_it,
    who_renames_a_batch_that_arrives_does_not,
    a_driver_who_is_replaced_while_they_leave_does_one_or_the_other,
];

/// How often two are let off at once: who is first is not the same each time.
const ROUNDS: usize = 20;

/// How a racer lost: what the entity or the store said.
#[derive(Debug)]
struct Loss(String);

impl From<StoreError> for Loss {
    fn from(error: StoreError) -> Self {
        refused(error)
    }
}

fn refused(refusal: impl std::fmt::Debug) -> Loss {
    Loss(format!("{refusal:?}"))
}

type Outcome = Result<(), Loss>;

/// Lets all racers off at once, each with its number.
async fn race<F>(
    racers: usize,
    database: &TestDatabase,
    run: impl Fn(Arc<dyn ShippingStore>, usize) -> F,
) -> Vec<Outcome>
where
    F: Future<Output = Outcome> + Send + 'static,
{
    let line = Arc::new(Barrier::new(racers));
    let mut running = JoinSet::new();
    for number in 0..racers {
        let (line, racer) = (line.clone(), run(database.shipping_store(), number));
        running.spawn(async move {
            line.wait().await;
            racer.await
        });
    }
    running.join_all().await
}

/// One racer won; the others were refused by name.
fn assert_one_winner(outcomes: &[Outcome], refusal: &str) {
    assert_eq!(outcomes.iter().filter(|it| it.is_ok()).count(), 1, "{outcomes:?}");
    for loss in outcomes.iter().filter_map(|it| it.as_ref().err()) {
        assert!(loss.0.contains(refusal), "{loss:?}");
    }
}

async fn start(store: Arc<dyn ShippingStore>, id: TransportId) -> Outcome {
    let mut work = store.begin().await?;
    let mut transport = work.transports().find(id).await?.expect("it is there");
    let mut batches = work.batches().carried_by(id).await?;
    transport.start(unaware_departure(&mut batches)).map_err(refused)?;
    work.transports().save(&transport).await?;
    work.batches().save(&batches).await?;
    let started = ShippingEvent::TransportStarted { transport_id: id };
    work.outbox().append(&crate::events::recorded(&[started])).await?;
    Ok(work.commit().await?)
}

async fn pack(store: Arc<dyn ShippingStore>, into: Alias, numbers: Vec<TrackingNumber>) -> Outcome {
    let mut work = store.begin().await?;
    let batch = work.batches().find(&[into]).await?.remove(0);
    let mut items = work.items().find(&numbers).await?;
    for item in &mut items {
        batch.pack(item, noon()).map_err(refused)?;
    }
    work.items().save(&items).await?;
    Ok(work.commit().await?)
}

async fn load(store: Arc<dyn ShippingStore>, onto: TransportId, alias: Alias) -> Outcome {
    let mut work = store.begin().await?;
    let transport = work.transports().find(onto).await?.expect("it is there");
    let mut batches = work.batches().find(&[alias]).await?;
    transport.load(&mut batches[0]).map_err(refused)?;
    work.batches().save(&batches).await?;
    Ok(work.commit().await?)
}

async fn one_of_twenty_racing_starts_wins_and_the_others_hear_why(database: TestDatabase) {
    let trip = a_transport().driven_by(a_driver()).build();
    keep(&database, &[], &[a_batch().loaded_on(&trip).build()], std::slice::from_ref(&trip)).await;

    let outcomes = race(20, &database, |store, _| start(store, trip.id())).await;

    assert_one_winner(&outcomes, "AlreadyDeparted");
    assert_eq!(crate::events::waiting(&database).await.len(), 1, "it is announced once");
}

async fn an_item_goes_into_one_of_two_batches(database: TestDatabase) {
    let (batches, parcel) = ([a_batch().build(), a_batch().build()], an_item().build());
    keep(&database, std::slice::from_ref(&parcel), &batches, &[]).await;

    let outcomes = race(2, &database, |store, number| {
        pack(store, batches[number].alias().clone(), vec![parcel.tracking_number().clone()])
    });

    assert_one_winner(&outcomes.await, "NotAvailable");
    assert!(item(&database, parcel.tracking_number()).await.unwrap().packing().is_some());
}

async fn a_driver_leaves_with_one_of_two_transports(database: TestDatabase) {
    let driver = a_driver();
    let trips = [a_transport().driven_by(driver).build(), a_transport().driven_by(driver).build()];
    let batches = trips.each_ref().map(|it| a_batch().loaded_on(it).build());
    keep(&database, &[], &batches, &trips).await;

    let outcomes = race(2, &database, |store, number| start(store, trips[number].id()));

    assert_one_winner(&outcomes.await, "driver_uuid");
}

async fn a_batch_goes_on_one_of_two_transports(database: TestDatabase) {
    let (trips, wanted) = ([a_transport().build(), a_transport().build()], a_batch().build());
    keep(&database, &[], std::slice::from_ref(&wanted), &trips).await;

    let outcomes = race(2, &database, |store, number| load(store, trips[number].id(), wanted.alias().clone()));

    assert_one_winner(&outcomes.await, "BatchAssigned");
    assert!(batch(&database, wanted.alias()).await.unwrap().transport_id().is_some());
}

async fn items_that_go_into_one_batch_at_once_all_go_in(database: TestDatabase) {
    let (batch, items) = (a_batch().build(), [(); 20].map(|()| an_item().build()));
    keep(&database, &items, std::slice::from_ref(&batch), &[]).await;

    let outcomes = race(20, &database, |store, number| {
        pack(store, batch.alias().clone(), vec![items[number].tracking_number().clone()])
    });

    for outcome in outcomes.await {
        outcome.expect("nothing stands against it");
    }
    let mut work = database.shipping_store().begin().await.unwrap();
    assert_eq!(work.items().packed_in(batch.id()).await.unwrap().len(), 20);
}

async fn commands_that_overlap_in_any_order_never_block_each_other_for_ever(database: TestDatabase) {
    const RACERS: usize = 10;
    let batches = [(); RACERS].map(|()| a_batch().build());
    let items = [(); 20].map(|()| an_item().build());
    keep(&database, &items, &batches, &[]).await;

    let outcomes = race(RACERS, &database, |store, number| {
        let mut numbers: Vec<_> = items.iter().map(|it| it.tracking_number().clone()).collect();
        numbers.rotate_left(number);
        if number % 2 == 0 {
            numbers.reverse();
        }
        pack(store, batches[number].alias().clone(), numbers)
    });

    assert_one_winner(&outcomes.await, "NotAvailable");
}

/// Lets two off at once.
async fn at_once<A: Send + 'static, B: Send + 'static>(
    one: impl Future<Output = A> + Send + 'static,
    other: impl Future<Output = B> + Send + 'static,
) -> (A, B) {
    let line = Arc::new(Barrier::new(2));
    let behind = line.clone();
    let one = tokio::spawn(async move {
        line.wait().await;
        one.await
    });
    let other = tokio::spawn(async move {
        behind.wait().await;
        other.await
    });
    (one.await.unwrap(), other.await.unwrap())
}

/// Asks for another name, which nobody has.
fn renaming(
    shipping: &Arc<Shipping>,
    batch: &Batch,
) -> (Alias, impl Future<Output = Result<BatchView, RenameBatchError>> + Send + use<>) {
    let (shipping, alias, name) = (shipping.clone(), batch.alias().clone(), a_batch().build().alias().clone());
    let command = RenameBatch { alias, to: NewAlias::Given(name.clone()) };
    (name, async move { shipping.rename_batch(&anyone(), command).await })
}

async fn who_loads_a_batch_that_is_renamed_finds_it_or_does_not(database: TestDatabase) {
    let shipping = Arc::new(shipping_over(&database));
    for _ in 0..ROUNDS {
        let (trip, parcels) = (a_transport().build(), a_batch().build());
        keep(&database, &[], std::slice::from_ref(&parcels), std::slice::from_ref(&trip)).await;
        let (name, rename) = renaming(&shipping, &parcels);
        let (other, alias) = (shipping.clone(), parcels.alias().to_string());
        let load = LoadBatches { transport_id: trip.id(), aliases: vec![alias.clone()] };

        let (renamed, loaded) = at_once(rename, async move { other.load_batches(&anyone(), load).await }).await;

        assert_eq!(renamed.expect("nothing stands against it").summary.alias, name);
        let left = batch(&database, &name).await.expect("it goes by its new name");
        match loaded {
            Ok(_) => assert_eq!(left.transport_id(), Some(trip.id())),
            Err(LoadBatchesError::Batches(faults)) => {
                assert_eq!(faults[0].reason, CannotLoad::UnknownBatch(alias));
                assert_eq!(left.transport_id(), None);
            }
            Err(refusal) => panic!("{refusal:?}"),
        }
    }
}

async fn who_starts_a_transport_whose_batch_is_renamed_leaves_with_it(database: TestDatabase) {
    let shipping = Arc::new(shipping_over(&database));
    for _ in 0..ROUNDS {
        let trip = a_transport().driven_by(a_driver()).build();
        let board = a_batch().loaded_on(&trip).build();
        keep(&database, &[], std::slice::from_ref(&board), std::slice::from_ref(&trip)).await;
        let (name, rename) = renaming(&shipping, &board);
        let (other, start) = (shipping.clone(), StartTransport { transport_id: trip.id(), driver_id: None });

        let (renamed, started) = at_once(rename, async move { other.start_transport(&anyone(), start).await }).await;

        started.expect("a name does not hold it back");
        let is_called = match renamed {
            Ok(_) => &name,
            Err(RenameBatchError::CannotChange(CannotChangeBatch::Departed(_))) => board.alias(),
            Err(refusal) => panic!("{refusal:?}"),
        };
        let left = batch(&database, is_called).await.expect("it goes by this name");
        assert_eq!(left.state(), BatchState::Departed { transport_id: trip.id() });
    }
}

async fn who_renames_a_batch_that_arrives_does_not(database: TestDatabase) {
    let shipping = Arc::new(shipping_over(&database));
    for _ in 0..ROUNDS {
        let trip = a_transport().departed().build();
        let board = a_batch().departed_with(&trip).build();
        keep(&database, &[], std::slice::from_ref(&board), std::slice::from_ref(&trip)).await;
        let (_, renaming) = renaming(&shipping, &board);
        let (driver, complete) = (shipping.clone(), CompleteTransport { transport_id: trip.id() });

        let (renamed, arrived) =
            at_once(renaming, async move { driver.complete_transport(&anyone(), complete).await }).await;

        arrived.expect("it arrives");
        assert!(matches!(renamed, Err(RenameBatchError::CannotChange(_))), "{renamed:?}");
        let left = batch(&database, board.alias()).await.expect("it keeps its name");
        assert!(matches!(left.state(), BatchState::Completed { .. }), "{left:?}");
    }
}

/// Whoever is first has it: a driver who has left is not replaced, and who was replaced does not leave, nor does the other.
async fn a_driver_who_is_replaced_while_they_leave_does_one_or_the_other(database: TestDatabase) {
    let shipping = Arc::new(shipping_over(&database));
    for _ in 0..ROUNDS {
        let as_driver = an_actor_who(|it| it == DRIVE);
        let driver = DriverId::new(as_driver.user_id().unwrap());
        let (trip, replacement) = (a_transport().driven_by(driver).build(), a_driver());
        let board = a_batch().loaded_on(&trip).build();
        keep(&database, &[], &[board], std::slice::from_ref(&trip)).await;
        let start = StartTransport { transport_id: trip.id(), driver_id: None };
        let driver_to_be = NewDriver::Somebody(replacement);
        let replan = ReplanTransport { transport_id: trip.id(), source: None, destination: None, driver: driver_to_be };
        let (one, other) = (shipping.clone(), shipping.clone());

        let (started, replanned) = at_once(async move { one.start_transport(&as_driver, start).await }, async move {
            other.replan_transport(&anyone(), replan).await
        })
        .await;

        let left = transport(&database, trip.id()).await.unwrap();
        match (started, replanned) {
            (Ok(_), Err(ReplanTransportError::CannotReplan(CannotReplan::AlreadyDeparted(_)))) => {
                assert!(matches!(left.state(), TransportState::InTransit { driver_id, .. } if driver_id == driver));
                // They are on the road: the next round needs them at home.
                let complete = CompleteTransport { transport_id: trip.id() };
                shipping.complete_transport(&anyone(), complete).await.unwrap();
            }
            (Err(StartTransportError::UnknownTransport(_)), Ok(_)) => {
                assert_eq!(left.state(), TransportState::Planned { driver_id: Some(replacement) });
            }
            outcome => panic!("{outcome:?}"),
        }
    }
}

/// What is on board is locked when it is saved: an item may be lost while its transport arrives, and is told so again.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_board_and_changes_meanwhile_is_a_conflict() {
    let Some(database) = databases::mysql().await else { return };
    let trip = a_transport().driven_by(a_driver()).build();
    let board = a_batch().loaded_on(&trip).build();
    let parcels = [an_item().in_batch(&board).build(), an_item().in_batch(&board).build()];
    keep(&database, &parcels, std::slice::from_ref(&board), std::slice::from_ref(&trip)).await;
    start(database.shipping_store(), trip.id()).await.expect("it leaves");

    let mut arriving = database.shipping_store().begin().await.unwrap();
    arriving.transports().find(trip.id()).await.unwrap();
    let mut items = arriving.transports().cargo(trip.id()).await.unwrap().items;
    assert!(items.windows(2).all(|it| it[0].id() < it[1].id()), "by id, which is how they are locked: {items:?}");

    let mut losing = database.shipping_store().begin().await.unwrap();
    let mut lost = losing.items().find(&[parcels[1].tracking_number().clone()]).await.unwrap();
    lost[0].change_status(ItemStatus::Lost, noon()).unwrap();
    losing.items().save(&lost).await.unwrap();
    losing.commit().await.unwrap();

    for item in &mut items {
        item.relabel(Sku::parse("HAT-7").unwrap());
    }
    let refusal = arriving.items().save(&items).await;
    assert!(matches!(refusal, Err(StoreError::Conflict(_))), "{refusal:?}");
}

/// Whatever is asked for at once of a few objects, no unit of work waits for another one that waits for it. Trying again
/// would hide it, so the server is asked.
#[tokio::test(flavor = "multi_thread")]
async fn commands_that_overlap_take_their_locks_in_one_order() {
    let Some(database) = databases::mysql().await else { return };
    let shipping = Arc::new(shipping_over(&database));
    let mut kept = 0;
    for round in 0..ROUNDS {
        let trip = a_transport().driven_by(a_driver()).build();
        let batches = [a_batch().build(), a_batch().loaded_on(&trip).build(), a_batch().loaded_on(&trip).build()];
        let mut items = vec![an_item().build(), an_item().build()];
        items.extend(batches.iter().flat_map(|it| [an_item().in_batch(it).build(), an_item().in_batch(it).build()]));
        keep(&database, &items, &batches, std::slice::from_ref(&trip)).await;

        let racers = 2 * COMMANDS;
        let line = Arc::new(Barrier::new(racers));
        let mut running = JoinSet::new();
        for number in 0..racers {
            let line = line.clone();
            let command = overlapping(shipping.clone(), number + round * racers, &trip, &batches, &items);
            running.spawn(async move {
                line.wait().await;
                command.await
            });
        }
        kept += running.join_all().await.into_iter().filter(|is_kept| *is_kept).count();
    }
    assert!(kept > ROUNDS, "{kept} of them were not refused");
    assert_eq!(deadlocks(&database).await, 0);

    a_deadlock(&database).await;
    assert_eq!(deadlocks(&database).await, 1);
}

/// The kinds of [`overlapping`] commands.
const COMMANDS: usize = 9;

/// One of the commands, which names several objects in an order of its own, and whether it was kept.
fn overlapping(
    shipping: Arc<Shipping>,
    number: usize,
    trip: &Transport,
    batches: &[Batch],
    items: &[Item],
) -> impl Future<Output = bool> + Send + use<> {
    let turn = number / COMMANDS;
    let mut tracking_numbers: Vec<_> = items.iter().map(|it| it.tracking_number().to_string()).collect();
    let mut aliases: Vec<_> = batches.iter().map(|it| it.alias().to_string()).collect();
    tracking_numbers.rotate_left(turn % items.len());
    aliases.rotate_left(turn % batches.len());
    if number.is_multiple_of(2) {
        tracking_numbers.reverse();
        aliases.reverse();
    }
    let transport_id = trip.id();
    let alias = batches[turn % batches.len()].alias().clone();
    let tracking_number = items[turn % items.len()].tracking_number().clone();
    async move {
        let (shipping, staff) = (&*shipping, &anyone());
        match number % COMMANDS {
            0 => {
                tracking_numbers.truncate(3);
                shipping.pack_items(staff, PackItems { alias, tracking_numbers }).await.is_ok()
            }
            1 => shipping.unpack_items(staff, UnpackItems { alias, tracking_numbers }).await.is_ok(),
            2 => shipping.load_batches(staff, LoadBatches { transport_id, aliases }).await.is_ok(),
            3 => shipping.start_transport(staff, StartTransport { transport_id, driver_id: None }).await.is_ok(),
            4 => shipping.complete_transport(staff, CompleteTransport { transport_id }).await.is_ok(),
            5 => {
                let change = ChangeItem { tracking_number, sku: None, status: Some(ItemStatus::Damaged) };
                shipping.change_item(staff, change).await.is_ok()
            }
            6 => shipping.delete_item(staff, &tracking_number).await.is_ok(),
            7 => shipping.delete_batch(staff, &alias).await.is_ok(),
            _ => shipping.delete_transport(staff, transport_id).await.is_ok(),
        }
    }
}

/// How many deadlocks the connections to this database were told of.
async fn deadlocks(database: &TestDatabase) -> u64 {
    let told = "SELECT CAST(COALESCE(SUM(sum_error_raised), 0) AS CHAR) AS line \
        FROM performance_schema.events_errors_summary_by_thread_by_error \
        JOIN performance_schema.threads USING (thread_id) \
        WHERE processlist_db = DATABASE() AND error_name = 'ER_LOCK_DEADLOCK'";
    let mut sql = Sql::open(&database.url).await;
    sql.lines(told).await.unwrap().remove(0).parse().unwrap()
}

/// Two units of work that wait for each other: the server ends one of them, which hears this.
async fn a_deadlock(database: &TestDatabase) -> StoreError {
    let trips = [a_transport().build(), a_transport().build()];
    keep(database, &[], &[], &trips).await;
    let store = database.shipping_store();

    let (mut one, mut other) = (store.begin().await.unwrap(), store.begin().await.unwrap());
    one.transports().find(trips[0].id()).await.unwrap();
    other.transports().find(trips[1].id()).await.unwrap();
    let (first, second) = tokio::join!(one.transports().find(trips[1].id()), other.transports().find(trips[0].id()));

    let (found, lost): (Vec<_>, Vec<_>) = [first, second].into_iter().partition(Result::is_ok);
    assert_eq!((found.len(), lost.len()), (1, 1), "{found:?} {lost:?}");
    lost.into_iter().find_map(Result::err).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadlock_is_contention() {
    let Some(database) = databases::mysql().await else { return };

    let lost = a_deadlock(&database).await;

    assert!(matches!(lost, StoreError::Contended(_)), "{lost:?}");
}

/// Somebody who is never going to end must not hold up everybody else for long.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_not_had_in_time_is_contention() {
    let Some(database) = databases::mysql().await else { return };
    let trip = a_transport().build();
    keep(&database, &[], &[], std::slice::from_ref(&trip)).await;
    let store = database.shipping_store();

    let (mut holder, mut waiter) = (store.begin().await.unwrap(), store.begin().await.unwrap());
    holder.transports().find(trip.id()).await.unwrap();
    let refusal = waiter.transports().find(trip.id()).await;

    assert!(matches!(refusal, Err(StoreError::Contended(_))), "{refusal:?}");
}

/// Another process on the same file is not in our line.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_another_process_writes_is_contention() {
    let database = databases::sqlite().await;
    let another = database.reopened(&Settings::default());
    let _holder = another.shipping_store().begin().await.unwrap();

    let refusal = database.shipping_store().begin().await.map(drop);

    assert!(matches!(refusal, Err(StoreError::Contended(_))), "{refusal:?}");
}

/// `SQLite` has one writer: who waits for too long stands in a queue, not in a race.
#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_does_not_come_in_time_is_overload() {
    let database = databases::sqlite().await;
    let _holder = database.shipping_store().begin().await.unwrap();

    let refusal = database.shipping_store().begin().await.map(drop);

    assert!(matches!(refusal, Err(StoreError::Unavailable(_))), "{refusal:?}");
}
