//! A shipping context whose ports are mocks, and what became of its unit of work.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use kernel_application::testing::{Committed, CountingIds, NoPause, Noon, noon};
use kernel_domain::{MockOutbox, Outbox, StoreError};
use shipping_domain::testing::center;
use shipping_domain::{
    Alias, Batch, BatchId, BatchRepository, DriverId, Item, ItemId, ItemRepository, ItemStatus, MockBatchRepository,
    MockItemRepository, MockTransportRepository, ShippingStore, ShippingWork, TrackingNumber, Transport,
    TransportRepository,
};
use uuid::Uuid;

use crate::{
    BatchSummary, Center, Driver, ItemView, MockCenterDirectory, MockDriverDirectory, MockShippingQueries, Person,
    Role, Shipping, TransportSummary,
};

/// The repositories of one unit of work, as mocks.
#[derive(Default)]
pub struct MockedWork {
    /// The parcels.
    pub items: MockItemRepository,
    /// The batches.
    pub batches: MockBatchRepository,
    /// The transports.
    pub transports: MockTransportRepository,
    outbox: MockOutbox,
    outcome: Outcome,
}

#[async_trait]
impl ShippingWork for MockedWork {
    fn items(&mut self) -> &mut dyn ItemRepository {
        &mut self.items
    }

    fn batches(&mut self) -> &mut dyn BatchRepository {
        &mut self.batches
    }

    fn transports(&mut self) -> &mut dyn TransportRepository {
        &mut self.transports
    }

    fn outbox(&mut self) -> &mut dyn Outbox {
        &mut self.outbox
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.outcome.committed.note();
        Ok(())
    }
}

/// What became of a unit of work.
#[derive(Clone, Default)]
pub struct Outcome {
    committed: Committed,
    announced: Arc<Mutex<Vec<&'static str>>>,
}

impl Outcome {
    /// Whether it was kept.
    pub fn committed(&self) -> bool {
        self.committed.happened()
    }

    /// The names of the events appended to the outbox.
    pub fn announced(&self) -> Vec<&'static str> {
        self.announced.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Hands out the units of work that are expected; one more `begin` finds the store gone.
struct FewWorks(Mutex<VecDeque<MockedWork>>);

#[async_trait]
impl ShippingStore for FewWorks {
    async fn begin(&self) -> Result<Box<dyn ShippingWork>, StoreError> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front() {
            Some(work) => Ok(Box::new(work)),
            None => Err(StoreError::unavailable("no unit of work was expected here")),
        }
    }
}

/// Everything around shipping; a test changes what it is about.
pub struct World {
    /// The unit of work that the use case will get.
    pub work: MockedWork,
    /// Those that it gets before, and that fail.
    pub before: Vec<MockedWork>,
    /// The read side.
    pub queries: MockShippingQueries,
    /// The codes of the centers that exist.
    pub known_centers: Vec<&'static str>,
    /// Those of them that close while somebody plans to go there.
    pub closing_centers: Vec<&'static str>,
    /// Whether every user is an active driver, or none is.
    pub drivers_may_drive: bool,
    /// Whether the other contexts can be asked.
    pub others_answer: bool,
    /// How often each other context is asked, if that matters.
    pub directory_calls: Option<usize>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            work: MockedWork::default(),
            before: Vec::new(),
            queries: MockShippingQueries::new(),
            known_centers: vec!["ABC001", "ABC002"],
            closing_centers: Vec::new(),
            drivers_may_drive: true,
            others_answer: true,
            directory_calls: None,
        }
    }
}

impl World {
    /// A world in which a transport is found.
    pub fn finding_transport(transport: &Transport) -> Self {
        let mut world = Self::default();
        let transport = transport.clone();
        world.work.transports.expect_find().returning(move |_| Ok(Some(transport.clone())));
        world
    }

    /// A world in which a batch is found.
    pub fn finding_batch(batch: &Batch) -> Self {
        let mut world = Self::default();
        world.finds_batches(vec![batch.clone()]);
        world
    }

    /// These batches are found.
    pub fn finds_batches(&mut self, batches: Vec<Batch>) {
        self.work.batches.expect_find().returning(move |_| Ok(batches.clone()));
    }

    /// These items are found.
    pub fn finds_items(&mut self, items: Vec<Item>) {
        self.work.items.expect_find().returning(move |_| Ok(items.clone()));
    }

    /// No item was in a batch before.
    pub fn has_no_histories(&mut self) {
        self.queries.expect_histories().returning(|_| Ok(HashMap::new()));
    }

    /// Shipping in this world, and what will become of its one unit of work.
    pub fn commits(mut self) -> (Shipping, Outcome) {
        let outcome = Outcome::default();
        let announced = outcome.announced.clone();
        self.work.outcome = outcome.clone();
        self.work.outbox.expect_append().returning(move |events| {
            announced.lock().unwrap_or_else(PoisonError::into_inner).extend(events.iter().map(|it| it.name));
            Ok(())
        });
        let mut works = VecDeque::from(std::mem::take(&mut self.before));
        works.push_back(std::mem::take(&mut self.work));
        (self.shipping(works), outcome)
    }

    /// Shipping in this world, for a use case that must not begin a unit of work.
    pub fn never_begins(self) -> Shipping {
        self.shipping(VecDeque::new())
    }

    fn shipping(self, works: VecDeque<MockedWork>) -> Shipping {
        let Self { queries, known_centers, closing_centers, drivers_may_drive, others_answer, directory_calls, .. } =
            self;
        let answered = move || if others_answer { Ok(()) } else { Err(StoreError::unavailable("they are away")) };
        let calls = directory_calls.map_or(0..=usize::MAX - 1, |it| it..=it);
        let mut drivers = MockDriverDirectory::new();
        drivers.expect_find().times(calls.clone()).returning(move |ids| {
            answered()?;
            Ok(ids.iter().map(|id| a_known_driver(*id, drivers_may_drive)).collect())
        });
        let mut centers = MockCenterDirectory::new();
        centers.expect_find().times(calls).returning(move |codes| {
            answered()?;
            let known = codes.iter().filter(|it| known_centers.contains(&it.as_str()));
            Ok(known.map(|it| Arc::new(a_known_center(it.as_str()))).collect())
        });
        centers.expect_open_among().returning(move |codes| {
            Ok(codes.iter().filter(|it| !closing_centers.contains(&it.as_str())).cloned().collect())
        });
        Shipping {
            store: Arc::new(FewWorks(Mutex::new(works))),
            queries: Arc::new(queries),
            drivers: Arc::new(drivers),
            centers: Arc::new(centers),
            clock: Arc::new(Noon),
            ids: Arc::new(CountingIds::default()),
            pauses: Arc::new(NoPause),
        }
    }
}

fn a_known_driver(id: DriverId, may_drive: bool) -> Driver {
    let person = Person {
        user_id: id.as_uuid(),
        phone_number: Some("+821012345678".to_owned()),
        username: "821012345678".to_owned(),
        full_name: None,
        image_url: None,
        role: Role::Driver { date_of_birth: None },
    };
    Driver { id, may_drive, person }
}

fn a_known_center(code: &str) -> Center {
    Center { id: Uuid::from_u128(0xCE), code: center(code), name: format!("Center {code}"), staff: Vec::new() }
}

/// What the read side says of a transport.
pub fn a_summary(transport: &Transport) -> TransportSummary {
    TransportSummary {
        id: transport.id(),
        completed: false,
        batch_count: 1,
        source: transport.route().source().clone(),
        destination: transport.route().destination().clone(),
        driver_id: transport.driver_id(),
        created_at: transport.created_at(),
        departed_at: None,
        arrived_at: None,
    }
}

/// What the read side says of an item.
pub fn an_item_view(tracking_number: &TrackingNumber) -> ItemView {
    ItemView {
        id: ItemId::new(Uuid::from_u128(0x17)),
        tracking_number: tracking_number.clone(),
        sku: String::new(),
        status: ItemStatus::Moving,
        history: Vec::new(),
        current_center: None,
        created_at: noon(),
        completed_at: None,
    }
}

/// What the read side says of a batch that is on no transport.
pub fn a_batch_summary(alias: &Alias) -> BatchSummary {
    BatchSummary {
        id: BatchId::new(Uuid::from_u128(0xBA)),
        alias: alias.clone(),
        completed: false,
        transport: None,
        created_at: noon(),
        completed_at: None,
    }
}
