//! Anything that staff may ask of shipping, of what there is, was or never was.

use proptest::prelude::*;
use shipping_domain::testing::center;
use shipping_domain::{CenterCode, DriverId, ItemStatus, Sku};
use uuid::Uuid;

use super::yard::Yard;

/// The centers that there are.
pub(super) const CENTERS: [&str; 3] = ["ABC001", "ABC002", "ABC003"];

/// One that there is not.
const NOWHERE: &str = "XYZ999";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Driver {
    Ann,
    Bob,
    /// Drives no more.
    Retired,
}

impl Driver {
    pub(super) fn id(self) -> DriverId {
        DriverId::new(Uuid::from_u128(0xD000 + self as u128))
    }
}

/// The name that a batch is to have.
#[derive(Debug, Clone, Copy)]
pub(super) enum Name {
    Drawn,
    Fresh,
    /// What this batch is or was called.
    Of(usize),
}

/// Numbers are places in the yard's lists.
#[derive(Debug, Clone)]
pub(super) enum Command {
    Register,
    Open {
        name: Name,
    },
    Plan {
        source: CenterCode,
        destination: CenterCode,
        driver: Option<Driver>,
    },
    Pack {
        items: Vec<usize>,
        batch: usize,
    },
    Unpack {
        items: Vec<usize>,
        batch: usize,
    },
    Rename {
        batch: usize,
        to: Name,
    },
    Relabel {
        item: usize,
        sku: Sku,
    },
    Mark {
        item: usize,
        status: ItemStatus,
    },
    Load {
        batches: Vec<usize>,
        transport: usize,
    },
    Replan {
        transport: usize,
        source: Option<CenterCode>,
        destination: Option<CenterCode>,
        #[expect(clippy::option_option, reason = "the driver stays, goes, or is another one")]
        driver: Option<Option<Driver>>,
    },
    Start {
        transport: usize,
        driver: Option<Driver>,
    },
    Complete {
        transport: usize,
    },
    DeleteItem {
        item: usize,
    },
    DeleteBatch {
        batch: usize,
    },
    DeleteTransport {
        transport: usize,
    },
}

/// Before anything is asked for, so that there is always something to ask about.
pub(super) fn first() -> Vec<Command> {
    let plan = |driver| Command::Plan { source: center("ABC001"), destination: center("ABC002"), driver };
    let open = || Command::Open { name: Name::Drawn };
    let register = || Command::Register;
    vec![register(), register(), register(), open(), open(), plan(Some(Driver::Ann)), plan(None)]
}

/// Up to fifty. Places go beyond what there is, and are brought back into it when their turn comes: any part of a sequence is a
/// sequence.
pub(super) fn sequences() -> impl Strategy<Value = Vec<Command>> {
    proptest::collection::vec(commands(), 0..=50)
}

fn commands() -> impl Strategy<Value = Command> {
    // Few of each, so that they meet.
    let one = || 0..6_usize;
    let some = || proptest::collection::vec(0..6_usize, 1..=3);
    let name = || prop_oneof![Just(Name::Drawn), Just(Name::Fresh), one().prop_map(Name::Of)];
    let place = || {
        let known = proptest::sample::select(CENTERS.to_vec());
        prop_oneof![9 => known, 1 => Just(NOWHERE)].prop_map(center)
    };
    let driver = || prop_oneof![4 => Just(Driver::Ann), 4 => Just(Driver::Bob), 1 => Just(Driver::Retired)];
    let maybe = proptest::option::of::<BoxedStrategy<Driver>>;
    let status = proptest::sample::select(ItemStatus::ALL.to_vec());
    let sku = (0..3_u8).prop_map(|it| Sku::parse(&format!("SHOE-{it}")).unwrap());
    prop_oneof![
        1 => Just(Command::Register),
        1 => name().prop_map(|name| Command::Open { name }),
        1 => (place(), place(), maybe(driver().boxed()))
            .prop_map(|(source, destination, driver)| Command::Plan { source, destination, driver }),
        6 => (some(), one()).prop_map(|(items, batch)| Command::Pack { items, batch }),
        2 => (some(), one()).prop_map(|(items, batch)| Command::Unpack { items, batch }),
        2 => (one(), name()).prop_map(|(batch, to)| Command::Rename { batch, to }),
        1 => (one(), sku).prop_map(|(item, sku)| Command::Relabel { item, sku }),
        4 => (one(), status).prop_map(|(item, status)| Command::Mark { item, status }),
        4 => (some(), one()).prop_map(|(batches, transport)| Command::Load { batches, transport }),
        2 => (
            one(),
            proptest::option::of(place()),
            proptest::option::of(place()),
            proptest::option::of(maybe(driver().boxed())),
        )
            .prop_map(|(transport, source, destination, driver)| Command::Replan { transport, source, destination, driver }),
        4 => (one(), maybe(driver().boxed())).prop_map(|(transport, driver)| Command::Start { transport, driver }),
        4 => one().prop_map(|transport| Command::Complete { transport }),
        1 => one().prop_map(|item| Command::DeleteItem { item }),
        1 => one().prop_map(|batch| Command::DeleteBatch { batch }),
        1 => one().prop_map(|transport| Command::DeleteTransport { transport }),
    ]
}

impl Command {
    /// The same, about something that is or was in the yard.
    pub(super) fn within(mut self, yard: &Yard) -> Self {
        let (items, batches, transports) = (yard.items.len(), yard.batches.len(), yard.transports.len());
        let name_within = |name: &mut Name| {
            if let Name::Of(batch) = name {
                *batch %= batches;
            }
        };
        match &mut self {
            Self::Register | Self::Plan { .. } => {}
            Self::Open { name } => name_within(name),
            Self::Pack { items: some, batch } | Self::Unpack { items: some, batch } => {
                for it in some.iter_mut() {
                    *it %= items;
                }
                *batch %= batches;
            }
            Self::Rename { batch, to } => {
                *batch %= batches;
                name_within(to);
            }
            Self::Relabel { item, .. } | Self::Mark { item, .. } | Self::DeleteItem { item } => *item %= items,
            Self::Load { batches: some, transport } => {
                for it in some.iter_mut() {
                    *it %= batches;
                }
                *transport %= transports;
            }
            Self::Replan { transport, .. }
            | Self::Start { transport, .. }
            | Self::Complete { transport }
            | Self::DeleteTransport { transport } => *transport %= transports,
            Self::DeleteBatch { batch } => *batch %= batches,
        }
        self
    }
}
