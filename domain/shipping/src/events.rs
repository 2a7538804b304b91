//! What happened in shipping, in the words that others subscribe to.

use kernel_domain::{Aggregate, DomainEvent};

use crate::{Alias, BatchId, ItemId, TrackingNumber, TransportId};

/// A fact of shipping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShippingEvent {
    /// An item went into a batch.
    ItemAddedToBatch {
        /// The item.
        item_id: ItemId,
        /// The number on its label.
        tracking_number: TrackingNumber,
        /// The batch.
        alias: Alias,
    },
    /// An item came out of a batch before it left.
    ItemRemovedFromBatch {
        /// The item.
        item_id: ItemId,
        /// The number on its label.
        tracking_number: TrackingNumber,
        /// The batch.
        alias: Alias,
    },
    /// A batch went on a transport.
    BatchAddedToTransport {
        /// The batch.
        batch_id: BatchId,
        /// The transport.
        transport_id: TransportId,
        /// The batch's name.
        alias: Alias,
    },
    /// A transport left its source center.
    TransportStarted {
        /// The transport.
        transport_id: TransportId,
    },
    /// A transport reached its destination.
    TransportCompleted {
        /// The transport.
        transport_id: TransportId,
    },
}

impl DomainEvent for ShippingEvent {
    const CONTEXT: &'static str = "shipping";

    fn name(&self) -> &'static str {
        match self {
            Self::ItemAddedToBatch { .. } => "ItemAddedToBatch",
            Self::ItemRemovedFromBatch { .. } => "ItemRemovedFromBatch",
            Self::BatchAddedToTransport { .. } => "BatchAddedToTransport",
            Self::TransportStarted { .. } => "TransportStarted",
            Self::TransportCompleted { .. } => "TransportComplete",
        }
    }

    fn aggregate(&self) -> Aggregate {
        match self {
            Self::ItemAddedToBatch { item_id, .. } | Self::ItemRemovedFromBatch { item_id, .. } => {
                Aggregate { kind: "item", id: item_id.as_uuid() }
            }
            Self::BatchAddedToTransport { batch_id, .. } => Aggregate { kind: "batch", id: batch_id.as_uuid() },
            Self::TransportStarted { transport_id } | Self::TransportCompleted { transport_id } => {
                Aggregate { kind: "transport", id: transport_id.as_uuid() }
            }
        }
    }

    /// Identifiers are written as 32 hexadecimal digits, without dashes.
    fn data(&self) -> Vec<(&'static str, String)> {
        let hex = |id: &TransportId| id.as_uuid().as_simple().to_string();
        match self {
            Self::ItemAddedToBatch { tracking_number, alias, .. }
            | Self::ItemRemovedFromBatch { tracking_number, alias, .. } => {
                vec![("item_tracking_number", tracking_number.to_string()), ("batch_alias", alias.to_string())]
            }
            Self::BatchAddedToTransport { transport_id, alias, .. } => {
                vec![("transport_uuid", hex(transport_id)), ("batch_alias", alias.to_string())]
            }
            Self::TransportStarted { transport_id } | Self::TransportCompleted { transport_id } => {
                vec![("transport_uuid", hex(transport_id))]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{a_batch, a_transport, an_item};

    /// Others subscribe to these words: a change here breaks them.
    #[test]
    fn the_published_language_does_not_change() {
        let (item, batch, transport) = (an_item().build(), a_batch().build(), a_transport().build());
        let alias = batch.alias().clone();
        let words = |event: ShippingEvent| {
            let fields: Vec<_> = event.data().into_iter().map(|(name, _)| name).collect();
            (event.name(), event.aggregate().kind, fields)
        };

        assert_eq!(
            words(ShippingEvent::ItemAddedToBatch {
                item_id: item.id(),
                tracking_number: item.tracking_number().clone(),
                alias: alias.clone(),
            }),
            ("ItemAddedToBatch", "item", vec!["item_tracking_number", "batch_alias"])
        );
        assert_eq!(
            words(ShippingEvent::ItemRemovedFromBatch {
                item_id: item.id(),
                tracking_number: item.tracking_number().clone(),
                alias: alias.clone(),
            }),
            ("ItemRemovedFromBatch", "item", vec!["item_tracking_number", "batch_alias"])
        );
        assert_eq!(
            words(ShippingEvent::BatchAddedToTransport { batch_id: batch.id(), transport_id: transport.id(), alias }),
            ("BatchAddedToTransport", "batch", vec!["transport_uuid", "batch_alias"])
        );
        assert_eq!(
            words(ShippingEvent::TransportStarted { transport_id: transport.id() }),
            ("TransportStarted", "transport", vec!["transport_uuid"])
        );
        assert_eq!(
            words(ShippingEvent::TransportCompleted { transport_id: transport.id() }),
            ("TransportComplete", "transport", vec!["transport_uuid"])
        );
    }

    #[test]
    fn items_and_batches_go_by_what_is_on_their_labels() {
        let (item, batch, transport) = (an_item().build(), a_batch().build(), a_transport().build());
        let (tracking_number, alias) = (item.tracking_number().clone(), batch.alias().clone());
        let labels =
            [("item_tracking_number", tracking_number.as_str().to_owned()), ("batch_alias", alias.as_str().to_owned())];

        let packed = ShippingEvent::ItemAddedToBatch {
            item_id: item.id(),
            tracking_number: tracking_number.clone(),
            alias: alias.clone(),
        };
        assert_eq!(packed.data(), labels);
        let unpacked =
            ShippingEvent::ItemRemovedFromBatch { item_id: item.id(), tracking_number, alias: alias.clone() };
        assert_eq!(unpacked.data(), labels);
        let loaded = ShippingEvent::BatchAddedToTransport { batch_id: batch.id(), transport_id: transport.id(), alias };
        assert_eq!(loaded.data()[1], labels[1]);
    }

    #[test]
    fn identifiers_travel_without_dashes() {
        let transport = a_transport().build();
        let event = ShippingEvent::TransportStarted { transport_id: transport.id() };

        assert_eq!(event.data(), [("transport_uuid", transport.id().to_string().replace('-', ""))]);
    }
}
