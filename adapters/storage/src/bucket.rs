//! Images in a private bucket of S3, or of a look-alike.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::try_join_all;
use kernel_domain::StoreError;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path;
use object_store::signer::{Method, Signer};
use object_store::{Attribute, Attributes, BackoffConfig, ObjectStore, ObjectStoreExt, PutOptions, RetryConfig};
use user_application::{ImageStore, PreparedImage};
use user_domain::{ImageKey, ImageSize};

use crate::credentials::{Credentials, KnownKeys};
use crate::files::unless_missing;
use crate::in_time;
use crate::transport::Transport;
use crate::url::BucketUrl;

/// How long a link is good: for a page to load its pictures, and not to be passed on.
const LINK: Duration = Duration::from_mins(5);

/// What is tried again, within the deadline of an operation.
const RETRIES: usize = 2;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A bucket that nobody reads without a signed link.
pub struct Bucket {
    store: AmazonS3,
    keys: Arc<KnownKeys>,
}

impl Bucket {
    /// Prepares to use a bucket. Asks nobody, except for the keys of a role.
    pub async fn open(url: &BucketUrl, credentials: Credentials) -> Result<Self, StoreError> {
        // Whoever came first has installed the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let provider = credentials.provider().map_err(StoreError::unavailable)?;
        let keys = in_time(KnownKeys::fetch(provider)).await?;
        let builder = AmazonS3Builder::new()
            .with_bucket_name(&url.bucket)
            .with_region(&url.region)
            .with_credentials(keys.clone())
            .with_allow_http(url.is_in_clear())
            // Amazon's certificates do not cover a bucket with a dot in front of its host, and of look-alikes
            // not each has a name for every bucket.
            .with_virtual_hosted_style_request(url.endpoint.is_none() && !url.bucket.contains('.'))
            .with_retry(RetryConfig {
                backoff: BackoffConfig { init_backoff: FIRST_PAUSE, max_backoff: LONGEST_PAUSE, base: 2.0 },
                max_retries: RETRIES,
                retry_timeout: crate::DEADLINE,
            })
            .with_http_connector(Transport);
        let builder = url.endpoint.iter().fold(builder, AmazonS3Builder::with_endpoint);
        Ok(Self { store: builder.build().map_err(StoreError::unavailable)?, keys })
    }

    /// Whether the bucket is there and may be listed.
    pub async fn check(&self) -> Result<(), StoreError> {
        let one = PaginatedListOptions { max_keys: Some(1), ..PaginatedListOptions::default() };
        in_time(async {
            self.keys.renew().await?;
            self.store.list_paginated(None, one).await.map(drop)
        })
        .await
    }
}

#[async_trait]
impl ImageStore for Bucket {
    async fn put(&self, image: &ImageKey, prepared: PreparedImage) -> Result<(), StoreError> {
        let attributes = Attributes::from_iter([
            (Attribute::ContentType, prepared.format.media_type()),
            (Attribute::ContentDisposition, "inline"),
            (Attribute::CacheControl, "private"),
        ]);
        let files = prepared.files.into_iter().map(|(size, file)| {
            let options = PutOptions::from(attributes.clone());
            async move { self.store.put_opts(&Path::from(image.file(size)), file.into(), options).await }
        });
        in_time(async {
            self.keys.renew().await?;
            try_join_all(files).await.map(drop)
        })
        .await
    }

    async fn remove(&self, image: &ImageKey) -> Result<(), StoreError> {
        let files = ImageSize::ALL
            .map(|size| async move { unless_missing(self.store.delete(&Path::from(image.file(size))).await) });
        in_time(async {
            self.keys.renew().await?;
            try_join_all(files).await.map(drop)
        })
        .await
    }

    fn url(&self, image: &ImageKey, size: ImageSize) -> String {
        self.keys.renew_later();
        let path = Path::from(image.file(size));
        // The keys are known, so there is nothing to wait for.
        match self.store.signed_url(Method::GET, &path, LINK).now_or_never() {
            Some(Ok(url)) => url.into(),
            failed => {
                tracing::error!(?failed, "a link to an image cannot be signed");
                String::new()
            }
        }
    }
}
