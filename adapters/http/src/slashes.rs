//! Paths lead where they lead whatever their slashes: one more at the end, or two where one is meant.

use std::sync::Arc;

use poem::middleware::{NormalizePath, NormalizePathEndpoint, TrailingSlash};
use poem::{Endpoint, Middleware, Request, Result};

/// Reads several slashes in a row as one. The framework's own middleware makes a new path for each request; this one leaves
/// it to those that need one.
pub(crate) struct MergedSlashes;

impl<E: Endpoint> Middleware<E> for MergedSlashes {
    type Output = MergedSlashesEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        let inner = Arc::new(inner);
        let merging = NormalizePath::new(TrailingSlash::MergeOnly).transform(Arc::clone(&inner));
        MergedSlashesEndpoint { inner, merging }
    }
}

pub(crate) struct MergedSlashesEndpoint<E> {
    inner: Arc<E>,
    merging: NormalizePathEndpoint<Arc<E>>,
}

impl<E: Endpoint> Endpoint for MergedSlashesEndpoint<E> {
    type Output = E::Output;

    async fn call(&self, request: Request) -> Result<Self::Output> {
        if request.uri().path().contains("//") {
            // In a box, for it is seldom needed: the room that a future takes is copied with each request.
            return Box::pin(self.merging.call(request)).await;
        }
        self.inner.as_ref().call(request).await
    }
}
