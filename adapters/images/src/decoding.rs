//! Reads an upload into pixels, and refuses by its header what would take too much memory.

use std::io::Cursor;

use image::codecs::gif::GifDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageResult, Limits, RgbImage, RgbaImage};
use user_application::{ImageRefused, MAX_PIXELS};

/// The longest side: a JPEG can have no longer one, and a JPEG is what most pictures become.
const MAX_SIDE: u32 = 65_535;

/// Bytes of the pixels once they are decoded. With 16 bits in each channel half as many pixels fit.
const MAX_DECODED_BYTES: u64 = MAX_PIXELS * 4;

/// Bytes that a decoder may take besides: for a colour profile, or for a frame that covers a part of the picture.
const DECODER_BYTES: u64 = 32 * 1024 * 1024;

/// Pixels of eight bits a channel.
pub(crate) enum Picture {
    /// Every pixel hides what is behind it.
    Opaque(RgbImage),
    /// Some pixel does not.
    Transparent(RgbaImage),
}

/// The first frame of an upload, upright.
pub(crate) fn decode(upload: &[u8]) -> Result<Picture, ImageRefused> {
    let mut decoder = decoder(upload)?;
    let (width, height) = decoder.dimensions();
    refuse_pixels(u64::from(width) * u64::from(height))?;
    // Some decoders ignore the limit of memory, so it is asked here.
    if decoder.total_bytes() > MAX_DECODED_BYTES {
        return Err(ImageRefused::TooManyPixels);
    }
    decoder.set_limits(limits()).map_err(|it| refusal(&it))?;
    // A picture whose orientation cannot be read is shown as it is, by browsers too.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);

    let mut picture = slim(DynamicImage::from_decoder(decoder).map_err(|it| refusal(&it))?);
    picture.apply_orientation(orientation);
    Ok(match picture {
        DynamicImage::ImageRgba8(pixels) => Picture::Transparent(pixels),
        opaque => Picture::Opaque(opaque.into_rgb8()),
    })
}

/// The content decides, whatever the upload is called.
fn decoder(upload: &[u8]) -> Result<Box<dyn ImageDecoder + '_>, ImageRefused> {
    let content = Cursor::new(upload);
    let format = image::guess_format(upload).map_err(|_| ImageRefused::NotAnImage)?;
    let decoder: ImageResult<Box<dyn ImageDecoder + '_>> = match format {
        ImageFormat::Jpeg => {
            refuse_cut_off(upload)?;
            JpegDecoder::new(content).map(|it| Box::new(it) as _)
        }
        ImageFormat::Png => PngDecoder::with_limits(content, limits()).map(|it| Box::new(it) as _),
        ImageFormat::Gif => GifDecoder::new(content).map(|it| Box::new(it) as _),
        ImageFormat::WebP => {
            refuse_large_frames(upload)?;
            WebPDecoder::new(content).map(|it| Box::new(it) as _)
        }
        _ => return Err(ImageRefused::NotAnImage),
    };
    decoder.map_err(|it| refusal(&it))
}

fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(DECODER_BYTES);
    limits
}

fn refuse_pixels(pixels: u64) -> Result<(), ImageRefused> {
    match pixels {
        0 => Err(ImageRefused::NotAnImage),
        1..=MAX_PIXELS => Ok(()),
        _ => Err(ImageRefused::TooManyPixels),
    }
}

/// A lossy frame of a WebP has a size of its own. The decoder takes memory for it before it compares that with the
/// size of the picture, so a picture of one pixel could ask for 400 MB.
fn refuse_large_frames(upload: &[u8]) -> Result<(), ImageRefused> {
    const NAME: &[u8] = b"VP8 ";
    const START_CODE: &[u8] = &[0x9d, 0x01, 0x2a];
    // RFC 9649: the chunk's name, its length, three bytes of the frame's tag, the start code, width and height of
    // 14 bits each. Wherever a decoder may look for a frame, this is what it finds.
    const SPAN: usize = 18;
    let side = |low: u8, high: u8| u64::from(u16::from_le_bytes([low, high]) & 0x3fff);
    let frames = upload.windows(SPAN).filter(|it| it.starts_with(NAME) && it[11..].starts_with(START_CODE));
    frames.map(|it| side(it[14], it[15]) * side(it[16], it[17])).try_for_each(refuse_pixels)
}

/// The decoder paints grey what is missing of a JPEG. One that is whole has an end (EOI) somewhere behind the start of
/// its first scan (SOS); before that there may be the end of a thumbnail, within a segment.
fn refuse_cut_off(upload: &[u8]) -> Result<(), ImageRefused> {
    const START_OF_SCAN: u8 = 0xda;
    const END: [u8; 2] = [0xff, 0xd9];
    let mut rest = upload.get(2..).unwrap_or_default();
    loop {
        rest = match rest {
            [0xff, START_OF_SCAN, scan @ ..] if scan.windows(END.len()).any(|it| it == END) => return Ok(()),
            [] | [0xff, START_OF_SCAN, ..] => return Err(ImageRefused::NotAnImage),
            [0xff, 0x01..=0xfe, high, low, ..] => {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                rest.get(2 + length..).unwrap_or_default()
            }
            [_, behind @ ..] => behind,
        };
    }
}

fn refusal(error: &ImageError) -> ImageRefused {
    match error {
        ImageError::Limits(_) => ImageRefused::TooManyPixels,
        _ => ImageRefused::NotAnImage,
    }
}

/// Eight bits a channel, and an alpha channel only if a pixel uses it.
fn slim(picture: DynamicImage) -> DynamicImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8().into();
    }
    let pixels = picture.into_rgba8();
    if pixels.pixels().any(|it| it.0[3] < u8::MAX) {
        return pixels.into();
    }
    DynamicImage::from(pixels).into_rgb8().into()
}
