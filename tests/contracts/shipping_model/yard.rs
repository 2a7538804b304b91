//! What shipping does, in as few words as possible: lists, and the rules. It shares nothing with the entities but the words for
//! what an item fares like; what can be derived is not kept.

use kernel_domain::StoreError;
use shipping_domain::{Alias, CenterCode, DriverId, ItemStatus, Sku, TrackingNumber, TransportId};

use super::commands::{Command, Driver, Name};

/// Done, or the sentence that says why not.
pub(super) type Outcome = Result<(), String>;

/// What a command made, which only whoever made it can name.
#[derive(Debug)]
pub(super) enum Made {
    Nothing,
    Item(TrackingNumber),
    Batch(Alias),
    Transport(TransportId),
}

pub(super) struct Parcel {
    pub(super) number: TrackingNumber,
    pub(super) sku: Sku,
    pub(super) status: ItemStatus,
    center: Option<CenterCode>,
    /// The batches that it went into, and out of only by arriving.
    been_in: Vec<usize>,
    is_gone: bool,
}

pub(super) struct Crate {
    pub(super) alias: Alias,
    transport: Option<usize>,
    is_gone: bool,
}

pub(super) struct Trip {
    pub(super) id: TransportId,
    source: CenterCode,
    destination: CenterCode,
    driver: Option<DriverId>,
    stage: Stage,
    is_gone: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Planned,
    OnTheRoad,
    Arrived,
}

/// Everything that there is, or was.
#[derive(Default)]
pub(super) struct Yard {
    pub(super) items: Vec<Parcel>,
    pub(super) batches: Vec<Crate>,
    pub(super) transports: Vec<Trip>,
    /// How many names were given.
    pub(super) names: usize,
}

impl Yard {
    /// Does what is asked for, or says why not.
    pub(super) fn attempt(&mut self, command: &Command, made: Made) -> Outcome {
        match command {
            Command::Register => {
                if let Made::Item(number) = made {
                    let (sku, status) = (Sku::default(), ItemStatus::Created);
                    self.items.push(Parcel { number, sku, status, center: None, been_in: vec![], is_gone: false });
                }
                Ok(())
            }
            Command::Open { name } => self.open(*name, made),
            Command::Plan { source, destination, driver } => self.plan(source, destination, *driver, &made),
            Command::Pack { items, batch } => self.pack(items, *batch),
            Command::Unpack { items, batch } => self.unpack(items, *batch),
            Command::Rename { batch, to } => self.rename(*batch, *to, made),
            Command::Relabel { item, sku } => {
                self.known_item(*item)?;
                self.items[*item].sku = sku.clone();
                Ok(())
            }
            Command::Mark { item, status } => self.mark(*item, *status),
            Command::Load { batches, transport } => self.load(batches, *transport),
            Command::Replan { transport, source, destination, driver } => {
                self.replan(*transport, source.as_ref(), destination.as_ref(), *driver)
            }
            Command::Start { transport, driver } => self.start(*transport, *driver),
            Command::Complete { transport } => self.complete(*transport),
            Command::DeleteItem { item } => self.delete_item(*item),
            Command::DeleteBatch { batch } => self.delete_batch(*batch),
            Command::DeleteTransport { transport } => self.delete_transport(*transport),
        }
    }

    /// The name that is asked for; nothing if one is to be drawn.
    pub(super) fn named(&self, name: Name) -> Option<Alias> {
        match name {
            Name::Drawn => None,
            Name::Fresh => Some(Alias::parse(&format!("name-{}", self.names)).unwrap()),
            Name::Of(batch) => Some(self.batches[batch].alias.clone()),
        }
    }

    fn is_taken(&self, alias: &Alias) -> bool {
        self.batches.iter().any(|it| !it.is_gone && it.alias == *alias)
    }

    fn known_item(&self, at: usize) -> Outcome {
        let Parcel { number, is_gone, .. } = &self.items[at];
        if *is_gone { Err(format!("there is no item {number}")) } else { Ok(()) }
    }

    /// A name is somebody's who is there, whoever had it before.
    pub(super) fn holder(&self, at: usize) -> usize {
        let alias = &self.batches[at].alias;
        self.batches.iter().position(|it| !it.is_gone && it.alias == *alias).unwrap_or(at)
    }

    fn known_batch(&self, at: usize) -> Outcome {
        let Crate { alias, is_gone, .. } = &self.batches[at];
        if *is_gone { Err(format!("there is no batch {alias}")) } else { Ok(()) }
    }

    fn known_transport(&self, at: usize) -> Outcome {
        let Trip { id, is_gone, .. } = self.transports[at];
        if is_gone { Err(format!("there is no transport {id}")) } else { Ok(()) }
    }

    /// A batch is where its transport is.
    fn stage(&self, batch: usize) -> Option<Stage> {
        self.batches[batch].transport.map(|it| self.transports[it].stage)
    }

    /// Whether nothing goes in or out any more.
    fn open_to_changes(&self, batch: usize) -> Outcome {
        let alias = &self.batches[batch].alias;
        match self.stage(batch) {
            None | Some(Stage::Planned) => Ok(()),
            Some(Stage::OnTheRoad) => Err(format!("batch {alias} has departed")),
            Some(Stage::Arrived) => Err(format!("batch {alias} is completed")),
        }
    }

    /// The batch that an item is in, until it arrives.
    fn inside(&self, item: usize) -> Option<usize> {
        self.items[item].been_in.last().copied().filter(|it| self.stage(*it) != Some(Stage::Arrived))
    }

    fn carried(&self, transport: usize) -> usize {
        self.batches.iter().filter(|it| !it.is_gone && it.transport == Some(transport)).count()
    }

    fn open(&mut self, name: Name, made: Made) -> Outcome {
        if self.named(name).is_some_and(|it| self.is_taken(&it)) {
            return Err(taken());
        }
        if let Made::Batch(drawn) = made {
            let alias = self.named(name).unwrap_or(drawn);
            self.batches.push(Crate { alias, transport: None, is_gone: false });
        }
        Ok(())
    }

    fn rename(&mut self, at: usize, to: Name, made: Made) -> Outcome {
        let wanted = self.named(to);
        let at = self.holder(at);
        self.known_batch(at)?;
        self.open_to_changes(at)?;
        match wanted {
            Some(name) if name != self.batches[at].alias && self.is_taken(&name) => return Err(taken()),
            Some(name) => self.batches[at].alias = name,
            None => {
                if let Made::Batch(drawn) = made {
                    self.batches[at].alias = drawn;
                }
            }
        }
        Ok(())
    }

    fn pack(&mut self, items: &[usize], batch: usize) -> Outcome {
        let batch = self.holder(batch);
        self.known_batch(batch)?;
        self.open_to_changes(batch)?;
        each(items, |item| {
            self.known_item(item)?;
            let Parcel { number, status, .. } = &self.items[item];
            match self.inside(item) {
                Some(inside) if inside == batch => Ok(()),
                Some(_) => Err(format!("item {number} is in another open batch")),
                None if matches!(status, ItemStatus::Created | ItemStatus::Moving) => Ok(()),
                None => Err(format!("item {number} is {status} and cannot be added to a batch")),
            }
        })?;
        for item in items {
            if self.inside(*item).is_none() {
                self.items[*item].been_in.push(batch);
                self.items[*item].status = ItemStatus::Moving;
            }
        }
        Ok(())
    }

    fn unpack(&mut self, items: &[usize], batch: usize) -> Outcome {
        let batch = self.holder(batch);
        self.known_batch(batch)?;
        self.open_to_changes(batch)?;
        each(items, |item| self.known_item(item))?;
        for item in items {
            if self.inside(*item) == Some(batch) {
                let item = &mut self.items[*item];
                item.been_in.pop();
                if item.status == ItemStatus::Moving && item.center.is_none() {
                    item.status = ItemStatus::Created;
                }
            }
        }
        Ok(())
    }

    fn mark(&mut self, at: usize, to: ItemStatus) -> Outcome {
        use ItemStatus::{Completed, Created, Damaged, Lost, Moving};
        self.known_item(at)?;
        let Parcel { number, status: from, .. } = &self.items[at];
        let edges: &[_] = match from {
            Created => &[Created, Moving, Damaged, Lost],
            Moving => &[Moving, Damaged, Lost, Completed],
            Damaged => &[Damaged, Moving, Completed],
            Lost => &[Lost, Moving, Completed],
            Completed => &[Completed],
        };
        if !edges.contains(&to) {
            return Err(format!("item {number} cannot go from {from} to {to}"));
        }
        self.items[at].status = to;
        Ok(())
    }

    fn load(&mut self, batches: &[usize], transport: usize) -> Outcome {
        self.known_transport(transport)?;
        let Trip { id, stage, .. } = self.transports[transport];
        match stage {
            Stage::Planned => {}
            Stage::OnTheRoad => return Err(format!("transport {id} has already departed")),
            Stage::Arrived => return Err(format!("transport {id} is already completed")),
        }
        let batches: Vec<_> = batches.iter().map(|it| self.holder(*it)).collect();
        each(&batches, |batch| {
            self.known_batch(batch)?;
            let Crate { alias, transport: on, .. } = &self.batches[batch];
            match on {
                _ if self.stage(batch) == Some(Stage::Arrived) => Err(format!("batch {alias} is already completed")),
                Some(other) if *other != transport => Err(format!("batch {alias} is on another transport")),
                _ => Ok(()),
            }
        })?;
        for batch in batches {
            self.batches[batch].transport = Some(transport);
        }
        Ok(())
    }

    fn plan(&mut self, source: &CenterCode, destination: &CenterCode, driver: Option<Driver>, made: &Made) -> Outcome {
        judged(source, destination, Some(source), Some(destination), driver)?;
        if let Made::Transport(id) = made {
            self.transports.push(Trip {
                id: *id,
                source: source.clone(),
                destination: destination.clone(),
                driver: driver.map(Driver::id),
                stage: Stage::Planned,
                is_gone: false,
            });
        }
        Ok(())
    }

    #[expect(clippy::option_option, reason = "the driver stays, goes, or is another one")]
    fn replan(
        &mut self,
        at: usize,
        source: Option<&CenterCode>,
        destination: Option<&CenterCode>,
        driver: Option<Option<Driver>>,
    ) -> Outcome {
        self.known_transport(at)?;
        let trip = &mut self.transports[at];
        match trip.stage {
            Stage::Planned => {}
            Stage::OnTheRoad => return Err(format!("transport {} has already departed", trip.id)),
            Stage::Arrived => return Err(format!("transport {} is already completed", trip.id)),
        }
        let (from, to) = (source.unwrap_or(&trip.source), destination.unwrap_or(&trip.destination));
        judged(from, to, source, destination, driver.flatten())?;
        (trip.source, trip.destination) = (from.clone(), to.clone());
        if let Some(driver) = driver {
            trip.driver = driver.map(Driver::id);
        }
        Ok(())
    }

    fn start(&mut self, at: usize, replacement: Option<Driver>) -> Outcome {
        self.known_transport(at)?;
        let Trip { id, stage, driver, .. } = self.transports[at];
        match stage {
            Stage::Planned => {}
            Stage::OnTheRoad => return Err(format!("transport {id} has already departed")),
            Stage::Arrived => return Err(format!("transport {id} is already completed")),
        }
        if self.carried(at) == 0 {
            return Err(format!("transport {id} has no batch"));
        }
        let Some(driver) = replacement.map(Driver::id).or(driver) else {
            return Err(format!("transport {id} has no driver"));
        };
        if driver == Driver::Retired.id() {
            return Err(format!("{driver} is not an active driver"));
        }
        if self.transports.iter().any(|it| it.stage == Stage::OnTheRoad && it.driver == Some(driver)) {
            return Err(format!("driver {driver} is on the road with another transport"));
        }
        (self.transports[at].stage, self.transports[at].driver) = (Stage::OnTheRoad, Some(driver));
        Ok(())
    }

    fn complete(&mut self, at: usize) -> Outcome {
        self.known_transport(at)?;
        let Trip { id, stage, .. } = self.transports[at];
        match stage {
            Stage::Planned => return Err(format!("transport {id} has not departed yet")),
            Stage::OnTheRoad => {}
            Stage::Arrived => return Err(format!("transport {id} is already completed")),
        }
        for item in 0..self.items.len() {
            let is_on_board = self.inside(item).is_some_and(|it| self.batches[it].transport == Some(at));
            if is_on_board && self.items[item].status == ItemStatus::Moving {
                self.items[item].center = Some(self.transports[at].destination.clone());
            }
        }
        self.transports[at].stage = Stage::Arrived;
        Ok(())
    }

    fn delete_item(&mut self, at: usize) -> Outcome {
        self.known_item(at)?;
        if self.inside(at).is_some() {
            return Err(format!("item {} is in an open batch", self.items[at].number));
        }
        self.items[at].is_gone = true;
        Ok(())
    }

    fn delete_batch(&mut self, at: usize) -> Outcome {
        let at = self.holder(at);
        self.known_batch(at)?;
        let Crate { alias, transport, .. } = &self.batches[at];
        if transport.is_some() {
            return Err(format!("batch {alias} is on a transport"));
        }
        if (0..self.items.len()).any(|it| self.inside(it) == Some(at)) {
            return Err(format!("batch {alias} has items"));
        }
        self.batches[at].is_gone = true;
        Ok(())
    }

    fn delete_transport(&mut self, at: usize) -> Outcome {
        self.known_transport(at)?;
        let Trip { id, stage, .. } = self.transports[at];
        if stage != Stage::Planned {
            return Err(format!("transport {id} has departed"));
        }
        if self.carried(at) > 0 {
            return Err(format!("transport {id} carries batches"));
        }
        self.transports[at].is_gone = true;
        Ok(())
    }

    /// What whoever asks sees of items, batches and transports, newest first.
    pub(super) fn seen(&self) -> Vec<String> {
        let items = self.items.iter().rev().filter(|it| !it.is_gone).map(|it| {
            let been_in = it.been_in.iter().rev().map(|it| (&self.batches[*it].alias, self.stage(*it)));
            let been_in: Vec<_> = been_in.map(|(alias, stage)| (alias, stage == Some(Stage::Arrived))).collect();
            let is_delivered = it.status == ItemStatus::Completed;
            format!("{} {:?} {} {:?} {been_in:?} {is_delivered}", it.number, it.sku.as_str(), it.status, it.center)
        });
        let batches = (0..self.batches.len()).rev().filter(|it| !self.batches[*it].is_gone).map(|it| {
            let transport = self.batches[it].transport.map(|it| self.transports[it].id);
            format!("{} {transport:?} {}", self.batches[it].alias, self.stage(it) == Some(Stage::Arrived))
        });
        let transports = (0..self.transports.len()).rev().filter(|it| !self.transports[*it].is_gone).map(|at| {
            let Trip { id, source, destination, driver, stage, .. } = &self.transports[at];
            let (left, arrived) = (*stage != Stage::Planned, *stage == Stage::Arrived);
            format!("{id} {source} {destination} {driver:?} {} {left} {arrived}", self.carried(at))
        });
        items.chain(batches).chain(transports).collect()
    }
}

fn taken() -> String {
    StoreError::Duplicate { key: "alias" }.to_string()
}

/// Whether each of them may; if not, why each that may not, with its place.
fn each(all: &[usize], may: impl Fn(usize) -> Outcome) -> Outcome {
    let faults = all.iter().enumerate().filter_map(|(place, it)| may(*it).err().map(|why| format!("{place}: {why}")));
    let faults: Vec<_> = faults.collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join(", ")) }
}

/// All that is wrong with a plan from `from` to `to`, of which these ends are new.
fn judged(
    from: &CenterCode,
    to: &CenterCode,
    new_source: Option<&CenterCode>,
    new_destination: Option<&CenterCode>,
    driver: Option<Driver>,
) -> Outcome {
    let nowhere = |it: &&CenterCode| !super::commands::CENTERS.contains(&it.as_str());
    let faults = (from == to).then(|| format!("a transport cannot start and end at {from}"));
    let faults =
        faults.into_iter().chain(new_source.filter(nowhere).map(|it| format!("there is no center {it} to start from")));
    let faults = faults.chain(new_destination.filter(nowhere).map(|it| format!("there is no center {it} to go to")));
    let retired = driver.filter(|it| *it == Driver::Retired);
    let faults: Vec<_> = faults.chain(retired.map(|it| format!("{} is not an active driver", it.id()))).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join(", ")) }
}
