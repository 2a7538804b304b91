//! What the user context needs of technology: pictures drawn again, and a place for them.

use async_trait::async_trait;
use kernel_domain::StoreError;
use user_domain::{ImageFormat, ImageKey, ImageSize};

/// A picture, ready to be kept: decoded, turned upright and drawn again without anything that came with it.
#[derive(Clone, PartialEq, Eq)]
pub struct PreparedImage {
    /// The format of every file.
    pub format: ImageFormat,
    /// One file for each [`ImageSize`].
    pub files: Vec<(ImageSize, Vec<u8>)>,
}

/// Why a picture is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ImageRefused {
    /// It is neither JPEG, PNG, WebP nor GIF, or cannot be decoded.
    #[error("this is no image, or a damaged one")]
    NotAnImage,
    /// It has more than [`MAX_PIXELS`].
    #[error("an image has at most {MAX_PIXELS} pixels")]
    TooManyPixels,
    /// Too many others wait already.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Pixels of the largest picture.
pub const MAX_PIXELS: u64 = 25_000_000;

/// Bytes of the largest upload.
pub const MAX_IMAGE_BYTES: usize = 10 * 1024 * 1024;

/// Makes uploads into pictures, off the async threads, within bounds of memory, and a few at a time.
/// [`StoreError::Unavailable`] when too many wait already.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait ImageEditor: Send + Sync {
    /// What is kept of an upload. Its format is told by its content, whatever it calls itself. Thumbnails are cropped
    /// to the centre and never enlarged.
    async fn prepare(&self, upload: Vec<u8>) -> Result<PreparedImage, ImageRefused>;
}

/// Keeps the files of pictures where nobody finds them by trying.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait ImageStore: Send + Sync {
    /// Keeps every file of a picture. After an error some of them may be there.
    async fn put(&self, image: &ImageKey, prepared: PreparedImage) -> Result<(), StoreError>;

    /// Removes every file of a picture; those that are gone already are no error.
    async fn remove(&self, image: &ImageKey) -> Result<(), StoreError>;

    /// Where one size of a picture can be fetched, for a few minutes at least. Asks nobody.
    fn url(&self, image: &ImageKey, size: ImageSize) -> String;
}
