//! Draws a picture again, in every size, with nothing in it but pixels.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::imageops::{FilterType, crop_imm, resize, thumbnail};
use image::{
    GenericImageView, ImageBuffer, ImageError, ImageResult, Pixel, PixelWithColorType, RgbImage, Rgba, RgbaImage,
    SubImage,
};
use user_application::{ImageRefused, PreparedImage};
use user_domain::{ImageFormat, ImageSize};

use crate::decoding::{Picture, decode};

/// Of 100: no difference to be seen in a photograph.
const JPEG_QUALITY: u8 = 85;

/// What is kept of an upload.
pub(crate) fn prepare(upload: &[u8]) -> Result<PreparedImage, ImageRefused> {
    let prepared = match decode(upload)? {
        Picture::Opaque(pixels) => draw(&pixels, ImageFormat::Jpeg, opaque_thumbnail),
        Picture::Transparent(pixels) => draw(&pixels, ImageFormat::Png, transparent_thumbnail),
    };
    prepared.map_err(|_: ImageError| ImageRefused::NotAnImage)
}

type Pixels<P> = ImageBuffer<P, Vec<u8>>;

fn draw<P>(
    picture: &Pixels<P>,
    format: ImageFormat,
    thumbnail: impl Fn(&Pixels<P>, u32) -> Pixels<P>,
) -> ImageResult<PreparedImage>
where
    P: Pixel<Subpixel = u8> + PixelWithColorType,
{
    let file = |size: ImageSize| match size.side() {
        None => Ok((size, encode(picture, format)?)),
        Some(side) => Ok((size, encode(&thumbnail(picture, side), format)?)),
    };
    Ok(PreparedImage { format, files: ImageSize::ALL.into_iter().map(file).collect::<ImageResult<_>>()? })
}

fn encode<P>(picture: &Pixels<P>, format: ImageFormat) -> ImageResult<Vec<u8>>
where
    P: Pixel<Subpixel = u8> + PixelWithColorType,
{
    let mut file = Vec::new();
    match format {
        ImageFormat::Jpeg => picture.write_with_encoder(JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY))?,
        ImageFormat::Png => picture.write_with_encoder(PngEncoder::new(&mut file))?,
    }
    Ok(file)
}

/// Keeps a thumbnail sharp, but reads each pixel many times.
const FILTER: FilterType = FilterType::CatmullRom;

/// From a much larger picture averages are taken first, which read each pixel once: so many times the side is left for
/// the filter.
const COARSE: u32 = 2;

/// How large the averages of a picture are, if it is much larger than its thumbnail.
fn coarse(middle: &impl GenericImageView, side: u32) -> Option<(u32, u32)> {
    let enough = side * COARSE;
    (middle.width() > 2 * enough && middle.height() > 2 * enough).then_some((enough, enough))
}

fn opaque_thumbnail(picture: &RgbImage, side: u32) -> RgbImage {
    let middle = middle(picture, side);
    let (width, height) = (middle.width().min(side), middle.height().min(side));
    match coarse(&*middle, side) {
        Some((across, down)) => resize(&thumbnail(&*middle, across, down), width, height, FILTER),
        None => resize(&*middle, width, height, FILTER),
    }
}

fn transparent_thumbnail(picture: &RgbaImage, side: u32) -> RgbaImage {
    let middle = middle(picture, side);
    let (width, height) = (middle.width().min(side), middle.height().min(side));
    let middle = Weighed(middle);
    let weighed = match coarse(&middle, side) {
        Some((across, down)) => resize(&thumbnail(&middle, across, down), width, height, FILTER),
        None => resize(&middle, width, height, FILTER),
    };
    RgbaImage::from_fn(width, height, |x, y| unweighed(*weighed.get_pixel(x, y)))
}

/// The part of a picture that a thumbnail shows. It is cropped before it is made smaller: the other way round a long
/// ribbon would take hundreds of megabytes.
fn middle<P: Pixel<Subpixel = u8>>(picture: &Pixels<P>, side: u32) -> SubImage<&Pixels<P>> {
    let (width, height) = picture.dimensions();
    let shorter = width.min(height);
    let (across, down) = if shorter > side { (shorter, shorter) } else { (width.min(side), height.min(side)) };
    crop_imm(picture, (width - across) / 2, (height - down) / 2, across, down)
}

/// A picture in which colours count by how much of them is seen: the colour of a transparent pixel, which may be any,
/// must not bleed into its neighbours.
struct Weighed<'a>(SubImage<&'a RgbaImage>);

impl GenericImageView for Weighed<'_> {
    type Pixel = Rgba<u16>;

    fn dimensions(&self) -> (u32, u32) {
        self.0.dimensions()
    }

    fn get_pixel(&self, x: u32, y: u32) -> Rgba<u16> {
        let [red, green, blue, alpha] = self.0.get_pixel(x, y).0.map(u16::from);
        Rgba([red * alpha, green * alpha, blue * alpha, u16::from(u8::MAX) * alpha])
    }
}

/// Back from [`Weighed`].
fn unweighed(pixel: Rgba<u16>) -> Rgba<u8> {
    let [red, green, blue, weight] = pixel.0.map(u32::from);
    let full = u32::from(u8::MAX);
    let colour = |it: u32| byte((it * full + weight / 2).checked_div(weight).unwrap_or(0));
    Rgba([colour(red), colour(green), colour(blue), byte((weight + full / 2) / full)])
}

/// Sharpening may overshoot.
fn byte(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}
