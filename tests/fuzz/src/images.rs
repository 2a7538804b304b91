//! Pictures: whatever an upload says of itself, it is refused or drawn again within bounds, and what was drawn is no upload
//! that we would refuse.

use std::io::Cursor;
use std::panic::{self, Location};
use std::sync::LazyLock;

use image::ImageReader;
use images_adapter::Redrawing;
use tokio::runtime::{Builder, Runtime};
use user_application::{ImageEditor as _, ImageRefused, MAX_PIXELS, PreparedImage};
use user_domain::{ImageFormat, ImageSize};

/// Larger pictures are not drawn: headers are what is looked into, and pixels only take time.
const MAX_DRAWN: u64 = 96 * 96;

/// Bytes by which a JPEG tells of its camera, and where it was.
const EXIF: &[u8] = b"Exif\0";

/// What the decoders are compiled from. One that panics is found by those who make it
/// (<https://github.com/etemesi254/zune-image/issues/361>); our promise is that the upload is refused.
const DECODERS: [&str; 6] = ["/zune-jpeg-", "/zune-core-", "/png-", "/gif-", "/weezl-", "/image-webp-"];

struct Studio {
    editor: Redrawing,
    runtime: Runtime,
}

#[expect(clippy::expect_used, reason = "without threads there is nothing to try")]
static STUDIO: LazyLock<Studio> = LazyLock::new(|| {
    live_with_decoders();
    Studio { editor: Redrawing::new(), runtime: Builder::new_current_thread().build().expect("a runtime") }
});

/// libFuzzer ends as soon as anything panics, before anybody could catch that.
fn live_with_decoders() {
    let end = panic::take_hook();
    panic::set_hook(Box::new(move |told| {
        let file = told.location().map(Location::file).unwrap_or_default();
        if !DECODERS.iter().any(|it| file.contains(it)) {
            end(told);
        }
    }));
}

pub(crate) fn take(input: &[u8]) {
    let stated = size(input);
    let pixels = stated.map(|(width, height)| u64::from(width) * u64::from(height));
    if pixels.is_some_and(|it| (MAX_DRAWN..=MAX_PIXELS).contains(&it)) {
        return;
    }
    match prepare(input) {
        Ok(prepared) => {
            assert!(pixels.is_some_and(|it| it <= MAX_PIXELS), "more pixels than there may be were drawn");
            is_within_bounds(&prepared, stated.unwrap_or_default());
        }
        Err(ImageRefused::NotAnImage | ImageRefused::TooManyPixels) => {}
        Err(ImageRefused::Store(error)) => unreachable!("nothing is stored: {error}"),
    }
}

fn prepare(upload: &[u8]) -> Result<PreparedImage, ImageRefused> {
    STUDIO.runtime.block_on(STUDIO.editor.prepare(upload.to_vec()))
}

/// Width and height, by the header.
fn size(upload: &[u8]) -> Option<(u32, u32)> {
    ImageReader::new(Cursor::new(upload)).with_guessed_format().ok()?.into_dimensions().ok()
}

fn is_within_bounds(prepared: &PreparedImage, (width, height): (u32, u32)) {
    let magic: &[u8] = match prepared.format {
        ImageFormat::Jpeg => b"\xff\xd8\xff",
        ImageFormat::Png => b"\x89PNG",
    };
    let sizes: Vec<ImageSize> = prepared.files.iter().map(|(size, _)| *size).collect();
    assert_eq!(sizes, ImageSize::ALL);
    for (kind, file) in &prepared.files {
        assert!(file.starts_with(magic), "{kind:?} is no {:?}", prepared.format);
        assert!(!file.windows(EXIF.len()).any(|it| it == EXIF), "{kind:?} tells of its camera");
        let (across, down) = size(file).unwrap_or_default();
        match kind.side() {
            None => assert!([(width, height), (height, width)].contains(&(across, down)), "it has another size"),
            Some(side) => assert!((1..=side).contains(&across) && (1..=side).contains(&down), "{kind:?} is too large"),
        }
    }
    let (_, original) = &prepared.files[0];
    assert!(prepare(original).is_ok(), "what we drew is no picture to us");
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, RgbImage};

    use super::*;

    #[test]
    fn a_picture_is_drawn() {
        let mut upload = Cursor::new(Vec::new());
        RgbImage::new(7, 5).write_to(&mut upload, ImageFormat::Png).expect("a picture");

        assert!(prepare(upload.get_ref()).is_ok());
        take(upload.get_ref());
    }
}
