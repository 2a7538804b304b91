//! Images in a folder or in a bucket.
//!
//! [`StorageUrl`] says which. A folder's files are handed out by this process, a bucket's by S3, to whoever has a link
//! that was signed a few minutes ago.

mod bucket;
mod credentials;
mod files;
mod transport;
mod url;

use std::time::Duration;

use kernel_domain::StoreError;

pub use bucket::Bucket;
pub use credentials::{AccessKeys, Credentials};
pub use files::{Files, MediaFile};
pub use url::{BucketUrl, InvalidStorageUrl, StorageUrl};

/// What a store may take for one operation, with everything that is tried again in it.
const DEADLINE: Duration = Duration::from_secs(3);

/// Gives up on a store that is too slow.
async fn in_time<T>(work: impl Future<Output = object_store::Result<T>>) -> Result<T, StoreError> {
    let outcome = tokio::time::timeout(DEADLINE, work).await;
    outcome.map_err(StoreError::unavailable)?.map_err(StoreError::unavailable)
}
