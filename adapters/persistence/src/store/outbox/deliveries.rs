//! One subscriber's queue of events, shared by any number of relays.
//!
//! Relays claim one after the other: whoever claims holds the subscriber's row meanwhile. So two of
//! them never look at the same aggregate at once, and none overtakes an event that another has.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use kernel_application::{ClaimLimits, Deliveries, Delivery, DeliveryOutcome, Sealing};
use kernel_domain::StoreError;
use tokio::sync::Notify;
use uuid::Uuid;

use super::super::access::Access;
use super::super::record::{self, Binds, CHUNK, Record, record};
use super::super::transaction::Transaction;
use super::super::{Connection, Pool};
use super::relayed::StoredRow;
use super::{Bells, DELIVERED, OPEN, PARKED};
use crate::error::store_error;
use crate::id::Id;
use crate::sabotage::{self, Sabotage};
use crate::schema::{outbox, outbox_subscribers};
use crate::sql::{Prepared, padded};

/// Claims of an event that cannot be read, before it is parked. Another instance may have the key that this one lacks,
/// or be of the version that wrote it.
const UNREADABLE_AT_MOST: i32 = 10;

/// What is said of an event that was parked because of that.
const UNREADABLE: &str = "it cannot be read: it was sealed with another key, or written by another version";

/// Characters of a reason that are kept.
const REASON: usize = 200;

pub(in super::super) struct Queue {
    pub(in super::super) readers: Pool,
    pub(in super::super) writers: Pool,
    pub(in super::super) subscriber: String,
    pub(in super::super) sealing: Arc<dyn Sealing>,
    /// Rings when an event was added.
    pub(in super::super) bell: Arc<Notify>,
}

struct SubscriberRow {
    subscriber: String,
}

record!(SubscriberRow in outbox_subscribers { subscriber; });

/// What became of deliveries that are due.
#[derive(Default)]
struct Reading {
    /// Those whose events can be read.
    claimed: Vec<Delivery>,
    /// The positions of those, and of those whose events cannot be read now.
    tried: Vec<i64>,
    /// The positions of those whose events nobody could read for too long.
    hopeless: Vec<i64>,
}

/// A delivery that is due: its position, its attempts and its fence so far, and its event.
type DueRow = (i64, i32, i64, StoredRow);

#[async_trait]
impl Deliveries for Queue {
    async fn claim(&self, owner: Uuid, limits: ClaimLimits, now: DateTime<Utc>) -> Result<Vec<Delivery>, StoreError> {
        if !self.has_due(now).await? {
            return Ok(Vec::new());
        }
        let mut transaction = self.begin().await?;
        let connection = transaction.connection()?;
        let subscriber = SubscriberRow { subscriber: self.subscriber.clone() };
        record::overwrite(connection, &[subscriber]).await.map_err(store_error)?;
        let due = self.due(connection, limits.events, now).await?;
        let Reading { claimed, tried, hopeless } = self.read(due);
        lease(connection, &tried, owner, now + limits.lease).await?;
        end(connection, &hopeless, PARKED, Some(UNREADABLE)).await?;
        if sabotage::is_on(Sabotage::SentBeforeSending) {
            end(connection, &tried, DELIVERED, None).await?;
        }
        transaction.commit(Bells::default()).await?;
        for sabotage in [Sabotage::SentBeforeSending, Sabotage::RowsClaimedAlone, Sabotage::NoFence] {
            sabotage::dawdle(sabotage).await;
        }
        Ok(claimed)
    }

    async fn settle(&self, owner: Uuid, settled: &[(Delivery, DeliveryOutcome)]) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        for alike in Alike::groups(settled) {
            self.close(transaction.connection()?, owner, &alike).await?;
        }
        transaction.commit(Bells::default()).await
    }

    async fn added(&self) {
        self.bell.notified().await;
    }
}

impl Queue {
    async fn begin(&self) -> Result<Transaction, StoreError> {
        Transaction::begin(Access::Own(self.writers.lease().await?)).await
    }

    /// Whether anything may be claimed. Most of the time nothing is, and then a relay holds nothing up.
    async fn has_due(&self, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let mut lease = self.readers.lease().await?;
        let open = outbox::table
            .filter(outbox::subscriber.eq(&self.subscriber))
            .filter(outbox::state.eq(OPEN))
            .filter(is_due(now));
        diesel::select(exists(open)).get_result(lease.connection()).await.map_err(store_error)
    }

    /// The oldest deliveries that are due, except those of an aggregate that has one claimed, waiting or parked.
    async fn due(
        &self,
        connection: &mut Connection,
        limit: u32,
        now: DateTime<Utc>,
    ) -> Result<Vec<DueRow>, StoreError> {
        let (parked, open) = if sabotage::is_on(Sabotage::RowsClaimedAlone) { ("", "") } else { (PARKED, OPEN) };
        let others = diesel::alias!(outbox as others);
        let held_up = others
            .filter(others.field(outbox::subscriber).eq(&self.subscriber))
            .filter(others.field(outbox::aggregate_type).eq(outbox::aggregate_type))
            .filter(others.field(outbox::aggregate_id).eq(outbox::aggregate_id))
            .filter(others.field(outbox::state).eq(parked).nullable().or(
                others.field(outbox::state).eq(open).and(others.field(outbox::next_attempt_at).gt(now.naive_utc())),
            ));
        let due = outbox::table
            .filter(outbox::subscriber.eq(&self.subscriber))
            .filter(outbox::state.eq(OPEN))
            .filter(is_due(now))
            .filter(not(exists(held_up)))
            .order(outbox::position)
            .limit(i64::from(limit))
            .select((outbox::position, outbox::attempts, outbox::fence, StoredRow::as_select()));
        due.load(connection).await.map_err(store_error)
    }

    /// Tells deliveries whose events can be read from those that cannot. Such an event is tried again when its lease
    /// ends, and parked in the end; only its own aggregate waits with it.
    fn read(&self, due: Vec<DueRow>) -> Reading {
        let mut reading = Reading::default();
        let mut held_up = HashSet::new();
        for (position, attempts, fence, row) in due {
            let (event_id, aggregate) = (row.event_id.0, row.aggregate());
            if held_up.contains(&aggregate) || sabotage::is_behind(&self.subscriber, position) {
                continue;
            }
            reading.tried.push(position);
            match delivery(attempts, fence, row, &*self.sealing) {
                Ok(delivery) => reading.claimed.push(delivery),
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                    tracing::error!(%event_id, attempts, cause, "an event cannot be read");
                    reading.hopeless.extend((attempts + 1 >= UNREADABLE_AT_MOST).then_some(position));
                    held_up.insert(aggregate);
                }
            }
        }
        reading
    }

    /// Ends claims, unless another relay has made them its own since. A secret that arrived is forgotten.
    async fn close(&self, connection: &mut Connection, owner: Uuid, alike: &Alike<'_>) -> Result<(), StoreError> {
        let (state, next_attempt_at, tried, reason) = match alike.outcome {
            DeliveryOutcome::Delivered => (DELIVERED, None, true, None),
            DeliveryOutcome::RetryAt(at) => (OPEN, Some(at.naive_utc()), true, None),
            DeliveryOutcome::Parked { reason } => (PARKED, None, true, Some(reason)),
            DeliveryOutcome::Released => (OPEN, None, false, None),
        };
        let reason = reason.map(|it| it.chars().take(REASON).collect::<String>());
        let is_secret_over = alike.is_confidential && *alike.outcome == DeliveryOutcome::Delivered;
        for events in alike.events.chunks(CHUNK) {
            if sabotage::is_on(Sabotage::NoFence) {
                let taken = diesel::update(outbox::table)
                    .filter(outbox::event_id.eq_any(padded(events.iter().copied())))
                    .filter(outbox::subscriber.eq(&self.subscriber))
                    .set((
                        outbox::state.eq(OPEN),
                        outbox::next_attempt_at.eq(Some(DateTime::UNIX_EPOCH.naive_utc())),
                        outbox::lease_owner.eq(Some(Id(owner))),
                        outbox::fence.eq(alike.fence),
                    ));
                Prepared::kept(taken).execute(connection).await.map_err(store_error)?;
            }
            let closed = diesel::update(outbox::table)
                .filter(outbox::event_id.eq_any(padded(events.iter().copied())))
                .filter(outbox::subscriber.eq(&self.subscriber))
                .filter(outbox::lease_owner.eq(Some(Id(owner))))
                .filter(outbox::fence.eq(alike.fence))
                .set((
                    outbox::state.eq(state),
                    outbox::attempts.eq(outbox::attempts - i32::from(!tried)),
                    outbox::next_attempt_at.eq(next_attempt_at),
                    outbox::lease_owner.eq(None::<Id>),
                    outbox::reason.eq(reason.as_deref()),
                    is_secret_over.then(|| outbox::payload.eq("")),
                ));
            Prepared::kept(closed).execute(connection).await.map_err(store_error)?;
        }
        Ok(())
    }
}

#[diesel::dsl::auto_type(no_type_alias)]
fn is_due(now: DateTime<Utc>) -> _ {
    let now: NaiveDateTime = now.naive_utc();
    outbox::next_attempt_at.is_null().nullable().or(outbox::next_attempt_at.le(now))
}

fn delivery(attempts: i32, fence: i64, row: StoredRow, sealing: &dyn Sealing) -> Result<Delivery, StoreError> {
    let attempts = u32::try_from(attempts).map_err(|error| StoreError::corrupt("delivery", error))?;
    Ok(Delivery { event: row.into_event(sealing)?, attempts: attempts + 1, fence: fence + 1 })
}

async fn lease(
    connection: &mut Connection,
    positions: &[i64],
    owner: Uuid,
    until: DateTime<Utc>,
) -> Result<(), StoreError> {
    for chunk in positions.chunks(CHUNK) {
        let positions = padded(chunk.iter().copied());
        let leased = diesel::update(outbox::table).filter(outbox::position.eq_any(positions)).set((
            outbox::attempts.eq(outbox::attempts + 1),
            outbox::fence.eq(outbox::fence + 1),
            outbox::next_attempt_at.eq(Some(until.naive_utc())),
            outbox::lease_owner.eq(Some(Id(owner))),
        ));
        Prepared::kept(leased).execute(connection).await.map_err(store_error)?;
    }
    Ok(())
}

async fn end(
    connection: &mut Connection,
    positions: &[i64],
    state: &str,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    for chunk in positions.chunks(CHUNK) {
        let over = outbox::position.eq_any(padded(chunk.iter().copied()));
        let ended = diesel::update(outbox::table).filter(over).set((
            outbox::state.eq(state),
            outbox::next_attempt_at.eq(None::<NaiveDateTime>),
            outbox::lease_owner.eq(None::<Id>),
            outbox::reason.eq(reason),
        ));
        Prepared::kept(ended).execute(connection).await.map_err(store_error)?;
    }
    Ok(())
}

/// Deliveries that end alike, together: most end alike.
struct Alike<'s> {
    outcome: &'s DeliveryOutcome,
    fence: i64,
    is_confidential: bool,
    events: Vec<Id>,
}

impl<'s> Alike<'s> {
    fn groups(settled: &'s [(Delivery, DeliveryOutcome)]) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for (Delivery { event, fence, .. }, outcome) in settled {
            let id = Id(event.id.as_uuid());
            let (fence, is_confidential) = (*fence, event.is_confidential);
            let alike =
                |it: &&mut Self| it.outcome == outcome && it.fence == fence && it.is_confidential == is_confidential;
            match groups.iter_mut().find(alike) {
                Some(group) => group.events.push(id),
                None => groups.push(Self { outcome, fence, is_confidential, events: vec![id] }),
            }
        }
        groups
    }
}
