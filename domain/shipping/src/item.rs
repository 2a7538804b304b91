//! An item: one parcel.

use std::fmt;

use chrono::{DateTime, Utc};

use crate::{BatchId, CannotDelete, CenterCode, ItemId, Sku, TrackingNumber};

/// One parcel, from its registration to its delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    id: ItemId,
    tracking_number: TrackingNumber,
    sku: Sku,
    state: ItemState,
    current_center: Option<CenterCode>,
    packing: Option<Packing>,
    created_at: DateTime<Utc>,
}

/// How an item fares, with what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemState {
    /// Registered, and still where it was.
    Created,
    /// On its way.
    Moving,
    /// Delivered.
    Completed {
        /// When it was delivered.
        at: DateTime<Utc>,
    },
    /// Broken.
    Damaged,
    /// Nobody knows where it is.
    Lost,
}

/// How an item fares, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemStatus {
    /// Registered, and still where it was.
    Created,
    /// On its way.
    Moving,
    /// Delivered.
    Completed,
    /// Broken.
    Damaged,
    /// Nobody knows where it is.
    Lost,
}

impl ItemStatus {
    /// Every status there is.
    pub const ALL: [Self; 5] = [Self::Created, Self::Moving, Self::Completed, Self::Damaged, Self::Lost];

    /// The word that the API and the database use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Moving => "MOVING",
            Self::Completed => "COMPLETED",
            Self::Damaged => "DAMAGED",
            Self::Lost => "LOST",
        }
    }

    /// The status with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

impl fmt::Display for ItemStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The open batch that an item sits in. There is at most one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packing {
    /// The batch.
    pub batch_id: BatchId,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Why an item's status may not change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("item {tracking_number} cannot go from {from} to {to}")]
pub struct CannotChangeStatus {
    /// The item.
    pub tracking_number: TrackingNumber,
    /// What it is.
    pub from: ItemStatus,
    /// What it cannot become from there.
    pub to: ItemStatus,
}

impl Item {
    /// Registers a parcel.
    pub fn register(id: ItemId, tracking_number: TrackingNumber, sku: Sku, now: DateTime<Utc>) -> Self {
        Self {
            id,
            tracking_number,
            sku,
            state: ItemState::Created,
            current_center: None,
            packing: None,
            created_at: now,
        }
    }

    /// Goes on to another status. Setting the status it has changes nothing.
    pub fn change_status(&mut self, to: ItemStatus, now: DateTime<Utc>) -> Result<(), CannotChangeStatus> {
        use ItemStatus::{Completed, Created, Damaged, Lost, Moving};
        let from = self.status();
        match (from, to) {
            (Created | Damaged | Lost, Moving)
            | (Created | Moving, Damaged | Lost)
            | (Moving | Damaged | Lost, Completed) => {}
            _ if from == to => return Ok(()),
            _ => return Err(CannotChangeStatus { tracking_number: self.tracking_number.clone(), from, to }),
        }

        self.state = match to {
            Created => ItemState::Created,
            Moving => ItemState::Moving,
            Completed => ItemState::Completed { at: now },
            Damaged => ItemState::Damaged,
            Lost => ItemState::Lost,
        };
        Ok(())
    }

    /// Gets another article number, wherever it is: that is for the seller to know.
    pub fn relabel(&mut self, sku: Sku) {
        self.sku = sku;
    }

    /// Whether it can be deleted: not while it sits in an open batch.
    pub fn can_be_deleted(&self) -> Result<(), CannotDelete> {
        match self.packing {
            Some(_) => Err(CannotDelete::ItemPacked(self.tracking_number.clone())),
            None => Ok(()),
        }
    }

    /// Sits in `batch` from now on, and moves. Called by the batch, which knows the rules.
    pub(crate) fn pack_into(&mut self, batch_id: BatchId, now: DateTime<Utc>) {
        self.packing = Some(Packing { batch_id, since: now });
        self.state = ItemState::Moving;
    }

    /// Leaves its batch, which has not left yet. What never travelled is where it was before it was packed; what travelled
    /// is still under way, and what is damaged, lost or delivered stays that. Called by the batch, which knows the rules.
    pub(crate) fn take_out(&mut self) {
        self.packing = None;
        if self.state == ItemState::Moving && self.current_center.is_none() {
            self.state = ItemState::Created;
        }
    }

    /// The batch has reached `center`: the item leaves it, and is there unless it is damaged or lost.
    pub(crate) fn arrive_at(&mut self, center: &CenterCode) {
        self.packing = None;
        if self.state == ItemState::Moving {
            self.current_center = Some(center.clone());
        }
    }

    /// Its identifier.
    pub fn id(&self) -> ItemId {
        self.id
    }

    /// The number on its label.
    pub fn tracking_number(&self) -> &TrackingNumber {
        &self.tracking_number
    }

    /// The seller's article number.
    pub fn sku(&self) -> &Sku {
        &self.sku
    }

    /// How it fares, in one word.
    pub fn status(&self) -> ItemStatus {
        match self.state {
            ItemState::Created => ItemStatus::Created,
            ItemState::Moving => ItemStatus::Moving,
            ItemState::Completed { .. } => ItemStatus::Completed,
            ItemState::Damaged => ItemStatus::Damaged,
            ItemState::Lost => ItemStatus::Lost,
        }
    }

    /// How it fares.
    pub fn state(&self) -> ItemState {
        self.state
    }

    /// The center it was last brought to, if it ever travelled.
    pub fn current_center(&self) -> Option<&CenterCode> {
        self.current_center.as_ref()
    }

    /// The open batch it sits in.
    pub fn packing(&self) -> Option<Packing> {
        self.packing
    }

    /// When it was registered.
    pub fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }
}

/// Everything a store must keep to bring an item back, unjudged: rules guard transitions, never history.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `Item`")]
pub struct ItemSnapshot {
    pub id: ItemId,
    pub tracking_number: TrackingNumber,
    pub sku: Sku,
    pub state: ItemState,
    pub current_center: Option<CenterCode>,
    pub packing: Option<Packing>,
    pub created_at: DateTime<Utc>,
}

impl Item {
    /// What a store keeps.
    pub fn snapshot(&self) -> ItemSnapshot {
        let Self { id, tracking_number, sku, state, current_center, packing, created_at } = self.clone();
        ItemSnapshot { id, tracking_number, sku, state, current_center, packing, created_at }
    }
}

impl From<ItemSnapshot> for Item {
    fn from(kept: ItemSnapshot) -> Self {
        let ItemSnapshot { id, tracking_number, sku, state, current_center, packing, created_at } = kept;
        Self { id, tracking_number, sku, state, current_center, packing, created_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{a_batch, an_item, noon};

    #[test]
    fn a_status_only_moves_along_the_written_edges() {
        use ItemStatus::{Completed, Created, Damaged, Lost, Moving};
        let allowed = [
            (Created, Moving),
            (Moving, Completed),
            (Created, Damaged),
            (Created, Lost),
            (Moving, Damaged),
            (Moving, Lost),
            (Damaged, Moving),
            (Damaged, Completed),
            (Lost, Moving),
            (Lost, Completed),
        ];
        for from in ItemStatus::ALL {
            for to in ItemStatus::ALL {
                let before = an_item().with_status(from).build();
                let mut item = before.clone();

                let changed = item.change_status(to, noon());

                if from == to || allowed.contains(&(from, to)) {
                    assert_eq!((changed, item.status()), (Ok(()), to), "{from} to {to}");
                } else {
                    assert!(changed.is_err(), "{from} to {to}");
                    assert_eq!(item, before, "a refused change changes nothing");
                }
            }
        }
    }

    #[test]
    fn a_refused_change_says_what_the_item_is_and_what_it_cannot_become() {
        let mut item = an_item().build();

        let refusal = item.change_status(ItemStatus::Completed, noon()).expect_err("it never travelled");

        let number = item.tracking_number().as_str();
        assert_eq!(refusal.to_string(), format!("item {number} cannot go from CREATED to COMPLETED"));
    }

    #[test]
    fn completing_stamps_the_time() {
        let mut item = an_item().with_status(ItemStatus::Moving).build();

        item.change_status(ItemStatus::Completed, noon()).expect("it completes");

        assert_eq!(item.state(), ItemState::Completed { at: noon() });
    }

    #[test]
    fn an_item_in_an_open_batch_is_not_deleted() {
        let packed = an_item().in_batch(&a_batch().build()).build();

        assert_eq!(packed.can_be_deleted(), Err(CannotDelete::ItemPacked(packed.tracking_number().clone())));
        for status in ItemStatus::ALL {
            assert_eq!(an_item().with_status(status).build().can_be_deleted(), Ok(()), "{status}");
        }
    }

    #[test]
    fn an_item_is_relabelled_wherever_it_is() {
        let batch = a_batch().departed().build();
        let mut item = an_item().in_batch(&batch).build();

        item.relabel(Sku::parse("SHOE-43").expect("an sku"));

        assert_eq!(item.sku().as_str(), "SHOE-43");
        assert_eq!(item.status(), ItemStatus::Moving);
    }

    #[test]
    fn every_status_can_be_read_back() {
        for status in ItemStatus::ALL {
            assert_eq!(ItemStatus::named(status.name()), Some(status));
        }
        assert_eq!(ItemStatus::named("moving"), None);
    }
}
