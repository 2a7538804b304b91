//! One unit of work: a transaction, the version of every aggregate in it, and its outbox.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use kernel_domain::{Aggregate, RecordedEvent, StoreError};

use super::Connection;
use super::access::Access;
use super::outbox::{Bells, Outlet};
use super::record::{self, Record};
use super::transaction::Transaction;
use crate::error::store_error;
use crate::sabotage::{self, Sabotage};

pub(super) struct Unit {
    transaction: Transaction,
    versions: HashMap<Aggregate, Version>,
    outlet: Outlet,
    bells: Bells,
}

/// The version of an aggregate in this unit of work.
#[derive(Clone, Copy)]
struct Version {
    number: i32,
    /// Saved here, and no event appended since.
    is_fresh: bool,
}

impl Unit {
    pub(super) async fn begin(access: Access, outlet: Outlet) -> Result<Self, StoreError> {
        let transaction = Transaction::begin(access).await?;
        Ok(Self { transaction, versions: HashMap::new(), outlet, bells: Bells::default() })
    }

    pub(super) fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        self.transaction.connection()
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit(self.bells).await
    }

    /// Notes the version that an aggregate was found with. What was saved here since stays saved.
    pub(super) fn found(&mut self, aggregate: Aggregate, number: i32) {
        if let Entry::Vacant(unknown) = self.versions.entry(aggregate) {
            unknown.insert(Version { number, is_fresh: false });
        }
    }

    /// The version that an aggregate is going to have when it is saved.
    pub(super) fn next_version(&self, aggregate: Aggregate) -> Result<i32, StoreError> {
        Ok(self.version(aggregate)? + 1)
    }

    /// Keeps a new aggregate, in its first version.
    pub(super) async fn add<R: Record>(&mut self, aggregate: Aggregate, row: R) -> Result<(), StoreError> {
        record::insert(self.connection()?, &[row]).await.map_err(store_error)?;
        self.added(aggregate);
        Ok(())
    }

    /// Notes that a new aggregate is kept, in its first version.
    pub(super) fn added(&mut self, aggregate: Aggregate) {
        self.versions.insert(aggregate, Version { number: FIRST_VERSION, is_fresh: true });
    }

    /// Replaces aggregates that were found, each in its next version.
    pub(super) async fn save<R: Record>(&mut self, aggregates: &[Aggregate], rows: &[R]) -> Result<(), StoreError> {
        sabotage::dawdle_now_and_then(Sabotage::NoRowLocks).await;
        record::overwrite(self.connection()?, rows).await.map_err(store_error)?;
        self.transaction.split_by(Sabotage::CommandsInParts).await?;
        for aggregate in aggregates {
            let number = self.next_version(*aggregate)?;
            self.versions.insert(*aggregate, Version { number, is_fresh: true });
        }
        Ok(())
    }

    /// The version that an aggregate has, found or saved here: nothing else is removed.
    pub(super) fn version(&self, aggregate: Aggregate) -> Result<i32, StoreError> {
        Ok(self.versions.get(&aggregate).ok_or_else(|| never_found(aggregate))?.number)
    }

    /// Notes that an aggregate is removed, by a statement that met `rows` of its version.
    pub(super) fn removed(&mut self, aggregate: Aggregate, rows: usize) -> Result<(), StoreError> {
        if rows == 0 {
            let Aggregate { kind, id } = aggregate;
            return Err(StoreError::Conflict(format!("{kind} {id}")));
        }
        self.versions.remove(&aggregate);
        Ok(())
    }

    /// Appends events in this order, each under the version that its aggregate was saved with.
    pub(super) async fn append(&mut self, events: &[RecordedEvent]) -> Result<(), StoreError> {
        self.bells.extend(self.outlet.bells(events));
        let events = events.iter().map(|it| Ok((it, self.announce(it)?))).collect::<Result<Vec<_>, StoreError>>()?;
        self.transaction.split_by(Sabotage::EventsAfterCommit).await?;
        self.outlet.append(self.transaction.connection()?, &events).await.map_err(store_error)?;
        sabotage::dawdle_now_and_then(Sabotage::PollByOffset).await;
        Ok(())
    }

    /// The version to announce. Each is announced once.
    fn announce(&mut self, event: &RecordedEvent) -> Result<i32, StoreError> {
        let version = self.versions.get_mut(&event.aggregate).filter(|it| it.is_fresh);
        let version = version.ok_or_else(|| never_saved(event))?;
        version.is_fresh = false;
        Ok(version.number)
    }
}

/// The version of what is new.
pub(super) const FIRST_VERSION: i32 = 1;

fn never_found(aggregate: Aggregate) -> StoreError {
    let Aggregate { kind, id } = aggregate;
    StoreError::corrupt("unit of work", format!("{kind} {id} is saved, but was never found"))
}

fn never_saved(event: &RecordedEvent) -> StoreError {
    let Aggregate { kind, id } = event.aggregate;
    StoreError::corrupt("unit of work", format!("{} is announced, but {kind} {id} was not saved for it", event.name))
}
