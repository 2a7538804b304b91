//! Staff delete a trip that will not be made.

use kernel_application::{Actor, Denied};
use kernel_domain::StoreError;
use shipping_domain::{CannotDelete, TransportId};

use crate::{Shipping, WRITE};

/// Why it stays.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum DeleteTransportError {
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error("there is no transport {0}")]
    UnknownTransport(TransportId),
    #[error(transparent)]
    CannotDelete(#[from] CannotDelete),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Shipping {
    /// Deletes a transport with nothing on it that has not left.
    pub async fn delete_transport(&self, actor: &Actor, id: TransportId) -> Result<(), DeleteTransportError> {
        self.retried(|| self.try_to_delete_transport(actor, id)).await
    }

    async fn try_to_delete_transport(&self, actor: &Actor, id: TransportId) -> Result<(), DeleteTransportError> {
        actor.require(WRITE)?;

        let mut work = self.store.begin().await?;
        let transport = work.transports().find(id).await?.ok_or(DeleteTransportError::UnknownTransport(id))?;
        let batches = work.batches().carried_by(id).await?;

        transport.can_be_deleted(&batches)?;

        work.transports().remove(&transport).await?;
        Ok(work.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use kernel_application::testing::{anyone, nobody};
    use shipping_domain::testing::{a_batch, a_transport};
    use shipping_domain::{Batch, Transport};

    fn carrying(transport: &Transport, batches: Vec<Batch>) -> World {
        let mut world = World::finding_transport(transport);
        world.work.batches.expect_carried_by().returning(move |_| Ok(batches.clone()));
        world
    }

    #[tokio::test]
    async fn a_deleted_transport_is_gone() {
        let transport = a_transport().build();
        let mut world = carrying(&transport, vec![]);
        world.work.transports.expect_remove().times(1).returning(|_| Ok(()));
        let (shipping, outcome) = world.commits();

        shipping.delete_transport(&anyone(), transport.id()).await.expect("it is deleted");

        assert!(outcome.committed());
    }

    #[tokio::test]
    async fn a_transport_with_a_batch_stays() {
        let transport = a_transport().build();
        let (shipping, outcome) = carrying(&transport, vec![a_batch().loaded_on(&transport).build()]).commits();

        let refusal = shipping.delete_transport(&anyone(), transport.id()).await;

        assert!(matches!(refusal, Err(DeleteTransportError::CannotDelete(CannotDelete::TransportLoaded(_)))));
        assert!(!outcome.committed());
    }

    #[tokio::test]
    async fn who_may_not_write_deletes_nothing() {
        let id = a_transport().build().id();
        let refusal = World::default().never_begins().delete_transport(&nobody(), id).await;

        assert!(matches!(refusal, Err(DeleteTransportError::Denied(Denied::Forbidden(WRITE)))));
    }
}
