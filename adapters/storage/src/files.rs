//! Images as files in a folder, which this process hands out itself.

use std::path::Path as Folder;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use kernel_domain::StoreError;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Error, ObjectStoreExt};
use user_application::{ImageStore, PreparedImage};
use user_domain::{ImageKey, ImageSize};

use crate::in_time;

/// A folder. A file appears in it whole or not at all, and stays when the machine stops.
#[derive(Debug)]
pub struct Files {
    folder: LocalFileSystem,
    base: String,
}

/// A file as it is handed out.
#[derive(Clone, PartialEq, Eq)]
pub struct MediaFile {
    /// What it is, decided by us.
    pub media_type: &'static str,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl Files {
    /// Opens a folder, and creates it if there is none. Files are found under `base` and `/media/`: an empty base
    /// makes links that begin at the root of whatever host they are read from.
    pub async fn open(folder: &Folder, base: &str) -> Result<Self, StoreError> {
        let path = folder.to_owned();
        let opened = tokio::task::spawn_blocking(move || {
            std::fs::create_dir_all(&path).map_err(StoreError::unavailable)?;
            LocalFileSystem::new_with_prefix(&path).map_err(StoreError::unavailable)
        });
        let folder = opened.await.map_err(StoreError::unavailable)??.with_fsync(true);
        Ok(Self { folder, base: base.trim_end_matches('/').to_owned() })
    }

    /// The file that has this path below `/media/`, if it is one of a picture. Every other path leads nowhere,
    /// whatever there is in the folder.
    pub async fn read(&self, path: &str) -> Result<Option<MediaFile>, StoreError> {
        let Some(image) = picture(path) else { return Ok(None) };
        let bytes = in_time(async {
            match self.folder.get(&Path::from(path)).await {
                Ok(file) => file.bytes().await.map(Some),
                Err(Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        });
        let file = |bytes| MediaFile { media_type: image.format().media_type(), bytes };
        Ok(bytes.await?.map(|it| file(it.into())))
    }

    /// Whether the folder can be written.
    pub async fn check(&self) -> Result<(), StoreError> {
        // No key of a picture, so nobody can read it.
        let probe = Path::from("writable");
        in_time(async {
            self.folder.put(&probe, "".into()).await?;
            unless_missing(self.folder.delete(&probe).await)
        })
        .await
    }
}

/// Whose file it is.
fn picture(path: &str) -> Option<ImageKey> {
    let (stem, end) = path.split_once('.')?;
    let extension = end.rsplit('.').next()?;
    let image = ImageKey::parse(&format!("{stem}.{extension}")).ok()?;
    ImageSize::ALL.into_iter().any(|size| image.file(size) == path).then_some(image)
}

/// Gone is as good as removed.
pub(crate) fn unless_missing(removed: object_store::Result<()>) -> object_store::Result<()> {
    match removed {
        Err(Error::NotFound { .. }) => Ok(()),
        outcome => outcome,
    }
}

#[async_trait]
impl ImageStore for Files {
    async fn put(&self, image: &ImageKey, prepared: PreparedImage) -> Result<(), StoreError> {
        let files = prepared
            .files
            .into_iter()
            .map(|(size, file)| async move { self.folder.put(&Path::from(image.file(size)), file.into()).await });
        in_time(try_join_all(files)).await.map(drop)
    }

    async fn remove(&self, image: &ImageKey) -> Result<(), StoreError> {
        let files = ImageSize::ALL
            .map(|size| async move { unless_missing(self.folder.delete(&Path::from(image.file(size))).await) });
        in_time(try_join_all(files)).await.map(drop)
    }

    fn url(&self, image: &ImageKey, size: ImageSize) -> String {
        format!("{}/media/{}", self.base, image.file(size))
    }
}
