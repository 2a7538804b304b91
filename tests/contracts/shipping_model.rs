//! Shipping over a real store, in step with a model of it: whatever staff ask for in whatever order, both do the same, give the
//! same reason if they do not, and show the same afterwards. `PROPTEST_CASES` says how many sequences.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use kernel_application::testing::{CountingIds, NoPause, anyone};
use kernel_application::{Clock, PageNumber, PageRequest};
use kernel_domain::StoreError;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};
use shipping_application::*;
use shipping_domain::testing::noon;
use shipping_domain::{CannotPlan, CenterCode, DriverId, Refused, Sku};
use support::invariants::broken;
use support::sql::Sql;
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::databases::{self, TestDatabase};

mod commands;
mod yard;

use commands::{CENTERS, Command, first, sequences};
use yard::{Made, Outcome, Yard};

/// Each look at it is a second later.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> DateTime<Utc> {
        noon() + TimeDelta::seconds(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Everybody whom a command can name is a driver, and one of them is no more.
struct Drivers;

#[async_trait]
impl DriverDirectory for Drivers {
    async fn find(&self, drivers: &[DriverId]) -> Result<Vec<Driver>, StoreError> {
        let driver = |id: &DriverId| {
            let (user_id, username) = (id.as_uuid(), id.to_string());
            let role = Role::Driver { date_of_birth: None };
            let person = Person { user_id, phone_number: None, username, full_name: None, image_url: None, role };
            Driver { id: *id, may_drive: *id != commands::Driver::Retired.id(), person }
        };
        Ok(drivers.iter().map(driver).collect())
    }
}

struct Centers;

#[async_trait]
impl CenterDirectory for Centers {
    async fn find(&self, codes: &[CenterCode]) -> Result<Vec<Arc<Center>>, StoreError> {
        let center = |code| Center { id: Uuid::from_u128(0xCE), code, name: String::new(), staff: Vec::new() };
        Ok(self.open_among(codes).await?.into_iter().map(|it| Arc::new(center(it))).collect())
    }

    async fn open_among(&self, codes: &[CenterCode]) -> Result<Vec<CenterCode>, StoreError> {
        Ok(codes.iter().filter(|it| CENTERS.contains(&it.as_str())).cloned().collect())
    }
}

/// Shipping over a store, in a world of three centers whose time passes when somebody looks.
pub(crate) fn shipping_over(database: &TestDatabase) -> Shipping {
    Shipping {
        store: database.shipping_store(),
        queries: database.shipping_queries(),
        drivers: Arc::new(Drivers),
        centers: Arc::new(Centers),
        clock: Arc::new(Ticking(AtomicI64::new(0))),
        ids: Arc::new(CountingIds::default()),
        pauses: Arc::new(NoPause),
    }
}

/// The real thing.
struct World {
    shipping: Shipping,
    sql: Sql,
}

impl World {
    /// Empties the store first.
    async fn over(database: &TestDatabase) -> Self {
        let mut sql = Sql::open(&database.url).await;
        let tables = ["shipping_batch_items", "shipping_batches", "shipping_items", "shipping_transports"];
        for table in tables.into_iter().chain(["distribution_centers", "outbox"]) {
            sql.run(&format!("DELETE FROM {table}")).await.unwrap();
        }
        for (at, code) in CENTERS.iter().enumerate() {
            let center = format!(
                "INSERT INTO distribution_centers (id, center_code, name, created_at, version) \
                VALUES (X'{at:032}', '{code}', '', '2026-01-01 00:00:00', 1)"
            );
            sql.run(&center).await.unwrap();
        }
        Self { shipping: shipping_over(database), sql }
    }

    /// Asks for it in the yard's names: what it made, or the sentence that says why not.
    async fn attempt(&self, yard: &Yard, command: &Command) -> Result<Made, String> {
        let (shipping, staff) = (&self.shipping, &anyone());
        let alias = |at: usize| yard.batches[at].alias.clone();
        let number = |at: usize| yard.items[at].number.clone();
        let transport = |at: usize| yard.transports[at].id;
        let numbers = |items: &[usize]| items.iter().map(|it| number(*it).to_string()).collect();
        let new_driver = |driver| match driver {
            None => NewDriver::Same,
            Some(None) => NewDriver::Nobody,
            Some(Some(driver)) => NewDriver::Somebody(commands::Driver::id(driver)),
        };
        match command.clone() {
            Command::Register => {
                let made = shipping.register_item(staff, RegisterItem { sku: Sku::default() }).await;
                return made.map(|it| Made::Item(it.tracking_number)).map_err(|it| it.to_string());
            }
            Command::Open { name } => {
                let made = shipping.open_batch(staff, OpenBatch { alias: yard.named(name) }).await;
                return made.map(|it| Made::Batch(it.summary.alias)).map_err(|it| it.to_string());
            }
            Command::Plan { source, destination, driver } => {
                let plan = PlanTransport { source, destination, driver_id: driver.map(commands::Driver::id) };
                let made = shipping.plan_transport(staff, plan).await.map(|it| Made::Transport(it.summary.id));
                return made.map_err(|refusal| match refusal {
                    PlanTransportError::Faults(faults) => listed(&faults),
                    refusal => refusal.to_string(),
                });
            }
            Command::Rename { batch, to } => {
                let to = yard.named(to).map_or(NewAlias::Drawn, NewAlias::Given);
                let made = shipping.rename_batch(staff, RenameBatch { alias: alias(batch), to }).await;
                return made.map(|it| Made::Batch(it.summary.alias)).map_err(|it| it.to_string());
            }
            Command::Pack { items, batch } => {
                let pack = PackItems { alias: alias(batch), tracking_numbers: numbers(&items) };
                shipping.pack_items(staff, pack).await.map(drop).map_err(|refusal| match refusal {
                    PackItemsError::Items(faults) => placed(&faults),
                    refusal => refusal.to_string(),
                })
            }
            Command::Unpack { items, batch } => {
                let unpack = UnpackItems { alias: alias(batch), tracking_numbers: numbers(&items) };
                shipping.unpack_items(staff, unpack).await.map(drop).map_err(|refusal| match refusal {
                    UnpackItemsError::Items(faults) => placed(&faults),
                    refusal => refusal.to_string(),
                })
            }
            Command::Load { batches, transport: at } => {
                let aliases = batches.iter().map(|it| alias(*it).to_string()).collect();
                let load = LoadBatches { transport_id: transport(at), aliases };
                shipping.load_batches(staff, load).await.map(drop).map_err(|refusal| match refusal {
                    LoadBatchesError::Batches(faults) => placed(&faults),
                    refusal => refusal.to_string(),
                })
            }
            Command::Relabel { item, sku } => {
                let change = ChangeItem { tracking_number: number(item), sku: Some(sku), status: None };
                shipping.change_item(staff, change).await.map(drop).map_err(|it| it.to_string())
            }
            Command::Mark { item, status } => {
                let change = ChangeItem { tracking_number: number(item), sku: None, status: Some(status) };
                shipping.change_item(staff, change).await.map(drop).map_err(|it| it.to_string())
            }
            Command::Replan { transport: at, source, destination, driver } => {
                let plan =
                    ReplanTransport { transport_id: transport(at), source, destination, driver: new_driver(driver) };
                shipping.replan_transport(staff, plan).await.map(drop).map_err(|refusal| match refusal {
                    ReplanTransportError::Faults(faults) => listed(&faults),
                    refusal => refusal.to_string(),
                })
            }
            Command::Start { transport: at, driver } => {
                let driver_id = driver.map(commands::Driver::id);
                let start = StartTransport { transport_id: transport(at), driver_id };
                shipping.start_transport(staff, start).await.map(drop).map_err(|it| it.to_string())
            }
            Command::Complete { transport: at } => {
                let complete = CompleteTransport { transport_id: transport(at) };
                shipping.complete_transport(staff, complete).await.map(drop).map_err(|it| it.to_string())
            }
            Command::DeleteItem { item } => {
                shipping.delete_item(staff, &number(item)).await.map_err(|it| it.to_string())
            }
            Command::DeleteBatch { batch } => {
                shipping.delete_batch(staff, &alias(batch)).await.map_err(|it| it.to_string())
            }
            Command::DeleteTransport { transport: at } => {
                shipping.delete_transport(staff, transport(at)).await.map_err(|it| it.to_string())
            }
        }
        .map(|()| Made::Nothing)
    }

    /// What its lists show, as the yard writes it.
    async fn seen(&self) -> Vec<String> {
        let everything = || PageRequest::new(PageNumber::Number(1), PageRequest::MAX_SIZE).unwrap();
        let queries = &self.shipping.queries;
        let items = queries.items(&ItemFilter::default(), &[], everything()).await.unwrap().unwrap().entries;
        let items = items.iter().map(|it| {
            let been_in: Vec<_> = it.history.iter().map(|it| (&it.alias, it.completed)).collect();
            let (center, is_delivered) = (&it.current_center, it.completed_at.is_some());
            format!("{} {:?} {} {center:?} {been_in:?} {is_delivered}", it.tracking_number, it.sku, it.status)
        });
        let batches = queries.batches(&BatchFilter::default(), &[], everything()).await.unwrap().unwrap().entries;
        let batches = batches.iter().map(|it| {
            assert_eq!(it.completed, it.completed_at.is_some(), "{it:?}");
            format!("{} {:?} {}", it.alias, it.transport.as_ref().map(|it| it.id), it.completed)
        });
        let filter = TransportFilter::default();
        let transports = queries.transports(&filter, &[], everything()).await.unwrap().unwrap().entries;
        let transports = transports.iter().map(|it| {
            assert_eq!(it.completed, it.arrived_at.is_some(), "{it:?}");
            let TransportSummary { id, source, destination, driver_id, batch_count, completed, .. } = it;
            let left = it.departed_at.is_some();
            format!("{id} {source} {destination} {driver_id:?} {batch_count} {left} {completed}")
        });
        items.chain(batches).chain(transports).collect()
    }
}

fn listed(faults: &[CannotPlan]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn placed<R: std::fmt::Display>(faults: &[Refused<R>]) -> String {
    faults.iter().map(|it| format!("{}: {}", it.index, it.reason)).collect::<Vec<_>>().join(", ")
}

/// Lets both do the same.
async fn walk(database: &TestDatabase, sequence: Vec<Command>) -> Result<(), TestCaseError> {
    let (mut world, mut yard) = (World::over(database).await, Yard::default());
    for command in first().into_iter().chain(sequence) {
        let command = command.within(&yard);
        yard.names += 1;
        let (made, outcome): (_, Outcome) = match world.attempt(&yard, &command).await {
            Ok(made) => (made, Ok(())),
            Err(refusal) => (Made::Nothing, Err(refusal)),
        };
        prop_assert_eq!(outcome, yard.attempt(&command, made), "{:?}", command);
        prop_assert_eq!(world.seen().await, yard.seen(), "after {:?}", command);
    }
    prop_assert_eq!(broken(&mut world.sql).await, []);
    Ok(())
}

fn walk_in_step(database: &TestDatabase, runtime: &Runtime, config: Config) {
    // What fails once is tried first from then on.
    let config = Config { source_file: Some(file!()), ..config };
    let walked = TestRunner::new(config).run(&sequences(), |it| runtime.block_on(walk(database, it)));
    if let Err(TestError::Fail(why, sequence)) = &walked {
        panic!("{why}\n{sequence:#?}");
    }
    walked.unwrap();
}

#[test]
fn whatever_staff_ask_for_the_store_does_what_the_model_does() {
    let runtime = Runtime::new().unwrap();
    let database = runtime.block_on(databases::sqlite());

    walk_in_step(&database, &runtime, Config::default());
}

#[test]
fn mysql_does_what_the_model_does() {
    let runtime = Runtime::new().unwrap();
    let Some(database) = runtime.block_on(databases::mysql()) else { return };

    walk_in_step(&database, &runtime, Config { cases: 10, ..Config::default() });
}
