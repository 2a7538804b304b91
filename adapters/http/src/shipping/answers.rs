//! What shipping answers with, on the wire.

use std::sync::Arc;

use poem_openapi::types::Example;
use poem_openapi::{Enum, Object};
use serde::Serialize;
use shipping_application::{BatchView, Center, ItemView, PastBatch, Person, Role, TransportView};
use shipping_domain::{ItemStatus, TransportId};
use uuid::Uuid;

use super::centers::CenterText;
use crate::center::CenterBody;
use crate::profile::{self, ProfileBody};
use crate::timestamp::Timestamp;

/// A parcel.
#[derive(Object, Serialize)]
#[oai(rename = "Item", example)]
pub(super) struct ItemBody {
    uuid: Uuid,
    /// The number on its label.
    tracking_number: String,
    /// The seller's article number.
    sku: String,
    /// How it fares.
    status: StatusBody,
    /// The batches it was put into, newest first.
    shipping_batches_history: Vec<PastBatchBody>,
    /// The center it was last brought to.
    #[oai(nullable)]
    current_distribution_center_code: Option<String>,
    timestamp_created: Timestamp,
    /// When it was delivered.
    #[oai(nullable)]
    timestamp_completed: Option<Timestamp>,
}

/// How an item fares.
#[derive(Enum, Clone, Copy, Serialize)]
#[oai(rename = "ItemStatus", rename_all = "UPPERCASE")]
#[serde(rename_all = "UPPERCASE")]
enum StatusBody {
    Created,
    Moving,
    Completed,
    Damaged,
    Lost,
}

/// A batch that an item is or was in.
#[derive(Object, Serialize)]
#[oai(rename = "PastBatch")]
struct PastBatchBody {
    alias: String,
    completed: bool,
    #[oai(nullable, rename = "shipping_transport__uuid")]
    #[serde(rename = "shipping_transport__uuid")]
    transport: Option<Uuid>,
    #[oai(nullable, rename = "shipping_transport__distribution_center_code_source")]
    #[serde(rename = "shipping_transport__distribution_center_code_source")]
    source: Option<String>,
    #[oai(nullable, rename = "shipping_transport__distribution_center_code_destination")]
    #[serde(rename = "shipping_transport__distribution_center_code_destination")]
    destination: Option<String>,
}

impl Example for ItemBody {
    fn example() -> Self {
        Self {
            uuid: Uuid::from_u128(0x0190_a3f0_7b1c_7d2e_8f00_0000_0000_0003),
            tracking_number: "20260102-0123456789".to_owned(),
            sku: "TEA-250G".to_owned(),
            status: StatusBody::Created,
            shipping_batches_history: Vec::new(),
            current_distribution_center_code: None,
            timestamp_created: Timestamp::example(),
            timestamp_completed: None,
        }
    }
}

impl From<ItemView> for ItemBody {
    fn from(item: ItemView) -> Self {
        Self {
            uuid: item.id.as_uuid(),
            tracking_number: item.tracking_number.as_str().to_owned(),
            sku: item.sku,
            status: item.status.into(),
            shipping_batches_history: item.history.into_iter().map(Into::into).collect(),
            current_distribution_center_code: item.current_center.map(|it| it.as_str().to_owned()),
            timestamp_created: item.created_at.into(),
            timestamp_completed: item.completed_at.map(Into::into),
        }
    }
}

impl From<ItemStatus> for StatusBody {
    fn from(status: ItemStatus) -> Self {
        match status {
            ItemStatus::Created => Self::Created,
            ItemStatus::Moving => Self::Moving,
            ItemStatus::Completed => Self::Completed,
            ItemStatus::Damaged => Self::Damaged,
            ItemStatus::Lost => Self::Lost,
        }
    }
}

impl From<PastBatch> for PastBatchBody {
    fn from(PastBatch { alias, completed, transport }: PastBatch) -> Self {
        let (transport, ends) = transport.map(|(id, source, destination)| (id, (source, destination))).unzip();
        let (source, destination) = ends.unzip();
        Self {
            alias: alias.as_str().to_owned(),
            completed,
            transport: transport.map(TransportId::as_uuid),
            source: source.map(|it| it.as_str().to_owned()),
            destination: destination.map(|it| it.as_str().to_owned()),
        }
    }
}

/// Items that travel together.
#[derive(Object, Serialize)]
#[oai(rename = "Batch", example)]
pub(super) struct BatchBody {
    uuid: Uuid,
    /// Its name.
    alias: String,
    /// Whether it has arrived.
    completed: bool,
    /// The transport it is or was on.
    #[oai(nullable)]
    shipping_transport: Option<TransportBody>,
    timestamp_created: Timestamp,
    /// When it arrived.
    #[oai(nullable)]
    timestamp_completed: Option<Timestamp>,
}

impl Example for BatchBody {
    fn example() -> Self {
        Self {
            uuid: Uuid::from_u128(0x0190_a3f0_7b1c_7d2e_8f00_0000_0000_0004),
            alias: "friday-evening".to_owned(),
            completed: false,
            shipping_transport: Some(TransportBody::example()),
            timestamp_created: Timestamp::example(),
            timestamp_completed: None,
        }
    }
}

impl From<BatchView> for BatchBody {
    fn from(BatchView { summary, transport }: BatchView) -> Self {
        Self {
            uuid: summary.id.as_uuid(),
            alias: summary.alias.as_str().to_owned(),
            completed: summary.completed,
            shipping_transport: transport.map(Into::into),
            timestamp_created: summary.created_at.into(),
            timestamp_completed: summary.completed_at.map(Into::into),
        }
    }
}

/// One trip of one truck.
#[derive(Object, Serialize)]
#[oai(rename = "Transport", example)]
pub(super) struct TransportBody {
    uuid: Uuid,
    /// Whether it has arrived.
    completed: bool,
    /// How many batches it carries.
    batch_count: u64,
    /// Where it starts; null if that center is no more.
    #[oai(nullable)]
    distribution_center_source: Option<CenterText>,
    /// Where it ends; null if that center is no more.
    #[oai(nullable)]
    distribution_center_destination: Option<CenterText>,
    /// Who drives, drove or is going to.
    #[oai(nullable)]
    driver: Option<ProfileBody>,
    timestamp_created: Timestamp,
    /// When it left.
    #[oai(nullable)]
    timestamp_departed: Option<Timestamp>,
    /// When it arrived.
    #[oai(nullable)]
    timestamp_arrived: Option<Timestamp>,
}

impl Example for TransportBody {
    fn example() -> Self {
        let destination =
            CenterBody { center_code: "ABC002".to_owned(), name: "Busan".to_owned(), ..CenterBody::example() };
        Self {
            uuid: Uuid::from_u128(0x0190_a3f0_7b1c_7d2e_8f00_0000_0000_0005),
            completed: false,
            batch_count: 1,
            distribution_center_source: Some(CenterText::example()),
            distribution_center_destination: Some(CenterText::of(&destination)),
            driver: Some(ProfileBody::example()),
            timestamp_created: Timestamp::example(),
            timestamp_departed: None,
            timestamp_arrived: None,
        }
    }
}

impl From<TransportView> for TransportBody {
    fn from(TransportView { summary, source, destination, driver }: TransportView) -> Self {
        Self {
            uuid: summary.id.as_uuid(),
            completed: summary.completed,
            batch_count: summary.batch_count,
            distribution_center_source: source.map(Into::into),
            distribution_center_destination: destination.map(Into::into),
            driver: driver.map(|it| Arc::unwrap_or_clone(it).into()),
            timestamp_created: summary.created_at.into(),
            timestamp_departed: summary.departed_at.map(Into::into),
            timestamp_arrived: summary.arrived_at.map(Into::into),
        }
    }
}

impl From<Center> for CenterBody {
    fn from(center: Center) -> Self {
        Self {
            uuid: center.id,
            center_code: center.code.as_str().to_owned(),
            name: center.name,
            staff_members: center.staff.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Person> for ProfileBody {
    fn from(person: Person) -> Self {
        let Person { user_id, phone_number, username, full_name, image_url, role } = person;
        let person = profile::Person {
            uuid: user_id,
            phonenumber: phone_number,
            username,
            fullname: full_name,
            image: image_url,
        };
        match role {
            Role::Staff { permission_groups } => Self::staff(person, permission_groups),
            Role::Driver { date_of_birth } => Self::driver(person, date_of_birth),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::is_written_as_it_is_described;

    #[test]
    fn answers_are_written_as_they_are_described() {
        use StatusBody::{Completed, Created, Damaged, Lost, Moving};
        for status in [Created, Moving, Completed, Damaged, Lost] {
            for code in [None, Some("ABC001".to_owned())] {
                let past = PastBatchBody {
                    alias: "friday-evening".to_owned(),
                    completed: code.is_some(),
                    transport: code.as_ref().map(|_| Uuid::nil()),
                    source: code.clone(),
                    destination: code.clone(),
                };
                is_written_as_it_is_described(&ItemBody {
                    status,
                    shipping_batches_history: vec![past],
                    timestamp_completed: code.as_ref().map(|_| Timestamp::example()),
                    current_distribution_center_code: code,
                    ..ItemBody::example()
                });
            }
        }
        let bare = TransportBody {
            distribution_center_source: None,
            distribution_center_destination: None,
            driver: None,
            ..TransportBody::example()
        };
        let time = Some(Timestamp::example());
        let whole = TransportBody { timestamp_departed: time, timestamp_arrived: time, ..TransportBody::example() };
        for transport in [&bare, &whole] {
            is_written_as_it_is_described(transport);
        }
        for (shipping_transport, timestamp_completed) in [(None, None), (Some(bare), None), (Some(whole), time)] {
            let batch = BatchBody { shipping_transport, timestamp_completed, ..BatchBody::example() };
            is_written_as_it_is_described(&batch);
        }
    }
}
