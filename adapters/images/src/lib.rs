//! Pictures, decoded within bounds and drawn again.
//!
//! The largest picture takes two seconds and up to 300 MB: it is drawn on a blocking thread, one at a time, and when
//! too many wait already the next one is refused at once. A blocking thread cannot be stopped, so there is no
//! deadline. What bounds the time is the number of pixels, which is told by the header: each is decoded once, however
//! many frames follow or bytes are left (a progressive JPEG: as often as it has scans, a hundred at most).

mod decoding;
mod drawing;

use std::sync::Arc;

use async_trait::async_trait;
use kernel_domain::StoreError;
use tokio::sync::{Semaphore, TryAcquireError};
use user_application::{ImageEditor, ImageRefused, PreparedImage};

/// Pictures that are drawn at the same time: the memory of one is what the process has to spare.
const AT_ONCE: usize = 1;
/// Pictures that may wait, each with its upload of up to 10 MiB in memory.
const WAITING: usize = 16;

/// Makes uploads into pictures.
pub struct Redrawing {
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
}

impl Default for Redrawing {
    fn default() -> Self {
        Self::new()
    }
}

impl Redrawing {
    /// Prepares an editor, which is shared by everybody: its bounds are those of the process.
    pub fn new() -> Self {
        Self { running: Arc::new(Semaphore::new(AT_ONCE)), admitted: Arc::new(Semaphore::new(AT_ONCE + WAITING)) }
    }

    /// Runs `work` on a blocking thread when it is its turn. The turn belongs to the work, not to whoever waits for
    /// it: a client that leaves does not let another picture in beside it.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, ImageRefused> + Send + 'static,
    ) -> Result<T, ImageRefused> {
        let admitted = self.admitted.clone().try_acquire_owned().map_err(|full: TryAcquireError| {
            StoreError::Unavailable(format!("too many pictures are being drawn: {full}").into())
        })?;
        let turn = self.running.clone().acquire_owned().await.map_err(StoreError::unavailable)?;
        let done = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop((turn, admitted));
            outcome
        });
        match done.await {
            Ok(outcome) => outcome,
            Err(stopped) if stopped.is_panic() => {
                // What it panicked with may quote the picture.
                tracing::error!("a decoder panicked on an upload, which was refused");
                Err(ImageRefused::NotAnImage)
            }
            Err(stopped) => Err(StoreError::unavailable(stopped).into()),
        }
    }
}

#[async_trait]
impl ImageEditor for Redrawing {
    async fn prepare(&self, upload: Vec<u8>) -> Result<PreparedImage, ImageRefused> {
        self.in_turn(move || drawing::prepare(&upload)).await
    }
}

#[cfg(test)]
mod tests;
