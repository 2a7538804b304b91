//! Staff load batches on a transport: all of them, or none.

use std::collections::HashMap;

use kernel_application::{Actor, Denied, MAX_ENTRIES};
use kernel_domain::StoreError;
use shipping_domain::{Alias, Batch, BatchId, CannotLoad, Named, Refused, TransportId};

use crate::{BatchView, Shipping, WRITE};

/// What to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadBatches {
    /// The transport to load.
    pub transport_id: TransportId,
    /// The batches, as they were named, at most [`MAX_ENTRIES`]; one that is named twice goes on once.
    pub aliases: Vec<String>,
}

/// Why nothing was loaded.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum LoadBatchesError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("there is no transport {0}")]
    UnknownTransport(TransportId),
    #[error("at most {MAX_ENTRIES} batches are loaded at once")]
    TooMany,
    /// The transport takes no batches at all.
    #[error(transparent)]
    TransportClosed(CannotLoad),
    /// Every batch that cannot go on.
    #[error("some batches cannot be loaded")]
    Batches(Vec<Refused<CannotLoad>>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Shipping {
    /// Loads the batches, and answers with them in the order of the command, as they are right after: found by their ids,
    /// for somebody may have renamed one.
    pub async fn load_batches(&self, actor: &Actor, command: LoadBatches) -> Result<Vec<BatchView>, LoadBatchesError> {
        self.retried(|| self.try_to_load_batches(actor, command.clone())).await
    }

    async fn try_to_load_batches(
        &self,
        actor: &Actor,
        command: LoadBatches,
    ) -> Result<Vec<BatchView>, LoadBatchesError> {
        actor.require(WRITE)?;
        if command.aliases.len() > MAX_ENTRIES {
            return Err(LoadBatchesError::TooMany);
        }
        let aliases: Vec<_> = command.aliases.iter().filter_map(|it| Alias::parse(it).ok()).collect();

        let mut work = self.store.begin().await?;
        let transport = work.transports().find(command.transport_id).await?;
        let transport = transport.ok_or(LoadBatchesError::UnknownTransport(command.transport_id))?;
        transport.accepts_batches().map_err(LoadBatchesError::TransportClosed)?;
        let found = work.batches().find(&aliases).await?;

        let loaded = transport.load_all(Named::batches(command.aliases, found)).map_err(LoadBatchesError::Batches)?;

        if !loaded.changed.is_empty() {
            work.batches().save(&loaded.changed).await?;
            work.outbox().append(&self.recorded(&loaded.events, actor)).await?;
        }
        work.commit().await?;
        let ids: Vec<_> = loaded.named.in_order().map(Batch::id).collect();
        self.batches_in_order(&ids).await.map_err(LoadBatchesError::Store)
    }

    async fn batches_in_order(&self, ids: &[BatchId]) -> Result<Vec<BatchView>, StoreError> {
        let views = self.with_transports(self.queries.batches_by_id(ids).await?).await?;
        let by_id: HashMap<_, _> = views.iter().map(|it| (it.summary.id, it)).collect();
        Ok(ids.iter().filter_map(|it| by_id.get(it)).map(|it| (*it).clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BatchSummary;
    use crate::testing::{World, a_batch_summary, a_summary};
    use kernel_application::testing::{anyone, nobody};
    use shipping_domain::Transport;
    use shipping_domain::testing::{a_batch, a_driver, a_transport};

    fn command(transport: &Transport, batches: &[&Batch]) -> LoadBatches {
        let aliases = batches.iter().map(|it| it.alias().to_string()).collect();
        LoadBatches { transport_id: transport.id(), aliases }
    }

    #[tokio::test]
    async fn loaded_batches_are_kept_and_announced() {
        let (transport, batch) = (a_transport().build(), a_batch().build());
        let mut world = World::finding_transport(&transport);
        world.finds_batches(vec![batch.clone()]);
        world.work.batches.expect_save().times(1).withf(|saved| saved.len() == 1).returning(|_| Ok(()));
        let summary = BatchSummary { id: batch.id(), ..a_batch_summary(batch.alias()) };
        world.queries.expect_batches_by_id().returning(move |_| Ok(vec![summary.clone()]));
        let (shipping, outcome) = world.commits();

        let answer = shipping.load_batches(&anyone(), command(&transport, &[&batch])).await.expect("it goes on");

        assert_eq!(answer[0].summary.alias, *batch.alias());
        assert_eq!(outcome.announced(), ["BatchAddedToTransport"]);
        assert!(outcome.committed());
    }

    #[tokio::test]
    async fn a_batch_that_is_renamed_meanwhile_is_answered_with_all_the_same() {
        let (transport, batch) = (a_transport().build(), a_batch().build());
        let mut world = World::finding_transport(&transport);
        world.finds_batches(vec![batch.clone()]);
        world.work.batches.expect_save().returning(|_| Ok(()));
        let friday = Alias::parse("friday").expect("an alias");
        let renamed = BatchSummary { id: batch.id(), ..a_batch_summary(&friday) };
        let id = batch.id();
        let asked = move |ids: &[BatchId]| ids == [id, id];
        world.queries.expect_batches_by_id().times(1).withf(asked).returning(move |_| Ok(vec![renamed.clone()]));
        let (shipping, _) = world.commits();

        let answer =
            shipping.load_batches(&anyone(), command(&transport, &[&batch, &batch])).await.expect("it goes on");

        assert_eq!(answer.iter().map(|it| &it.summary.alias).collect::<Vec<_>>(), [&friday, &friday]);
    }

    #[tokio::test]
    async fn many_loaded_batches_ask_each_other_context_once() {
        let transport = a_transport().driven_by(a_driver()).build();
        let batches = [a_batch().build(), a_batch().build(), a_batch().build()];
        let mut world = World { directory_calls: Some(1), ..World::finding_transport(&transport) };
        world.finds_batches(batches.to_vec());
        world.work.batches.expect_save().returning(|_| Ok(()));
        let loaded = |it: &Batch| BatchSummary {
            id: it.id(),
            transport: Some(a_summary(&transport)),
            ..a_batch_summary(it.alias())
        };
        let summaries: Vec<_> = batches.iter().map(loaded).collect();
        world.queries.expect_batches_by_id().times(1).returning(move |_| Ok(summaries.clone()));
        let (shipping, _) = world.commits();

        let command = command(&transport, &batches.iter().collect::<Vec<_>>());
        let answer = shipping.load_batches(&anyone(), command).await.expect("they go on");

        assert_eq!(answer.len(), 3);
        let shown = answer.iter().filter_map(|it| it.transport.as_ref());
        assert_eq!(shown.filter(|it| it.source.is_some() && it.driver.is_some()).count(), 3);
    }

    #[tokio::test]
    async fn every_fault_is_told_with_its_place_and_nothing_is_kept() {
        let transport = a_transport().build();
        let (free, taken, unknown) = (a_batch().build(), a_batch().loaded().build(), a_batch().build());
        let mut world = World::finding_transport(&transport);
        world.finds_batches(vec![free.clone(), taken.clone()]);
        let (shipping, outcome) = world.commits();

        let refusal = shipping.load_batches(&anyone(), command(&transport, &[&unknown, &free, &taken])).await;

        let Err(LoadBatchesError::Batches(faults)) = refusal else { panic!("{refusal:?}") };
        assert!(matches!(
            &faults[..],
            [
                Refused { index: 0, reason: CannotLoad::UnknownBatch(_) },
                Refused { index: 2, reason: CannotLoad::BatchAssigned(_) },
            ]
        ));
        assert!(!outcome.committed());
    }

    #[tokio::test]
    async fn a_command_that_is_too_long_is_not_begun() {
        let too_many =
            LoadBatches { aliases: vec![String::new(); MAX_ENTRIES + 1], ..command(&a_transport().build(), &[]) };

        let refusal = World::default().never_begins().load_batches(&anyone(), too_many).await;

        assert!(matches!(refusal, Err(LoadBatchesError::TooMany)));
    }

    #[tokio::test]
    async fn a_departed_transport_refuses_before_its_batches_are_looked_at() {
        let transport = a_transport().departed().build();
        let (shipping, outcome) = World::finding_transport(&transport).commits();

        let refusal = shipping.load_batches(&anyone(), command(&transport, &[])).await;

        assert!(matches!(refusal, Err(LoadBatchesError::TransportClosed(CannotLoad::TransportDeparted(_)))));
        assert!(!outcome.committed());
    }

    #[tokio::test]
    async fn who_may_not_write_loads_nothing() {
        let command = command(&a_transport().build(), &[]);
        let refusal = World::default().never_begins().load_batches(&nobody(), command).await;

        assert!(matches!(refusal, Err(LoadBatchesError::Denied(Denied::Forbidden(WRITE)))));
    }
}
