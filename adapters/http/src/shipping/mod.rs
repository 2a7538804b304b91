//! Shipping over HTTP.

mod answers;
mod batches;
mod centers;
mod items;
mod rules;
mod transports;

use std::sync::Arc;

use kernel_application::Operation;
use shipping_application::{DRIVE, READ, Shipping, WRITE};
use shipping_domain::{Alias, TrackingNumber};

pub(crate) use batches::BatchesApi;
pub(crate) use items::ItemsApi;
pub(crate) use transports::TransportsApi;

use crate::caller::Right;
use crate::path::Segment;

/// The operations of shipping.
pub(crate) type Api = (ItemsApi, BatchesApi, TransportsApi);

/// The operations of shipping, over `shipping`.
pub(crate) fn api(shipping: Arc<Shipping>) -> Api {
    (
        ItemsApi { shipping: Arc::clone(&shipping) },
        BatchesApi { shipping: Arc::clone(&shipping) },
        TransportsApi { shipping },
    )
}

struct Read;
struct Write;

/// Staff read everything, drivers what is theirs.
struct ReadOrDrive;

/// Staff send every transport on its way, drivers their own.
struct WriteOrDrive;

impl Right for Read {
    const OPERATION: Operation = READ;
}

impl Right for Write {
    const OPERATION: Operation = WRITE;
}

impl Right for ReadOrDrive {
    const OPERATION: Operation = READ;
    const IN_PART: Option<Operation> = Some(DRIVE);
}

impl Right for WriteOrDrive {
    const OPERATION: Operation = WRITE;
    const IN_PART: Option<Operation> = Some(DRIVE);
}

// Names compare exactly: what would have to be trimmed first names nothing.
impl Segment for Alias {
    type Described = String;

    fn read(raw: &str) -> Option<Self> {
        Self::parse(raw).ok().filter(|alias| alias.as_str() == raw)
    }
}

impl Segment for TrackingNumber {
    type Described = String;

    fn read(raw: &str) -> Option<Self> {
        Self::parse(raw).ok()
    }
}
