//! Uploads that mean well, and uploads that do not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use image::codecs::gif::GifEncoder;
use image::codecs::webp::WebPEncoder;
use image::{Delay, DynamicImage, Frame, ImageEncoder, ImageReader, Rgb, RgbImage, Rgba, RgbaImage};
use kernel_domain::StoreError;
use proptest::prelude::*;
use tokio::task::JoinSet;
use user_application::{ImageEditor, ImageRefused, MAX_PIXELS, PreparedImage};
use user_domain::{ImageFormat, ImageSize};

use super::Redrawing;
use crate::drawing::prepare;

/// S11: refused by its header within this, on a machine that does nothing else. Tests share theirs.
const BY_ITS_HEADER: Duration = Duration::from_millis(500);

const RED: Rgb<u8> = Rgb([200, 30, 30]);
const BLUE: Rgb<u8> = Rgb([30, 30, 200]);

#[test]
fn a_picture_is_kept_in_every_size() {
    let prepared = prepare(&jpeg(&two_halves(640, 480))).unwrap();

    assert_eq!(prepared.format, ImageFormat::Jpeg);
    assert_eq!(sizes(&prepared), [(640, 480), (100, 100), (300, 300)]);
}

#[test]
fn a_thumbnail_is_never_enlarged() {
    for (upload, small, medium) in [
        ((1, 1), (1, 1), (1, 1)),
        ((50, 40), (50, 40), (50, 40)),
        ((200, 50), (100, 50), (200, 50)),
        ((200, 150), (100, 100), (200, 150)),
        ((301, 1000), (100, 100), (300, 300)),
        ((2000, 1), (100, 1), (300, 1)),
    ] {
        let prepared = prepare(&png(&two_halves(upload.0, upload.1).into())).unwrap();

        assert_eq!(sizes(&prepared), [upload, small, medium]);
    }
}

#[test]
fn a_thumbnail_is_the_middle() {
    let mut picture = RgbImage::from_pixel(900, 300, RED);
    image::imageops::replace(&mut picture, &RgbImage::from_pixel(300, 300, BLUE), 300, 0);

    let prepared = prepare(&png(&picture.into())).unwrap();

    for size in [ImageSize::Small, ImageSize::Medium] {
        let thumbnail = drawn(&prepared, size).into_rgb8();
        let corners = [(2, 2), (thumbnail.width() - 3, thumbnail.height() - 3)];
        assert!(corners.iter().all(|&(x, y)| is_about(*thumbnail.get_pixel(x, y), BLUE)), "{size:?}");
    }
}

#[test]
fn what_is_transparent_stays_so_and_what_is_not_becomes_a_photograph() {
    let mut glass = RgbaImage::from_pixel(400, 400, Rgba([10, 200, 10, 255]));
    glass.put_pixel(0, 0, Rgba([10, 200, 10, 0]));
    let opaque = RgbaImage::from_pixel(400, 400, Rgba([10, 200, 10, 255]));

    let kept_glass = prepare(&png(&glass.into())).unwrap();
    let kept_opaque = prepare(&png(&opaque.into())).unwrap();

    assert_eq!(kept_glass.format, ImageFormat::Png);
    assert_eq!(drawn(&kept_glass, ImageSize::Original).into_rgba8().get_pixel(0, 0).0[3], 0);
    assert_eq!(kept_opaque.format, ImageFormat::Jpeg);
    assert!(kept_opaque.files.iter().all(|(_, file)| file.starts_with(&[0xff, 0xd8, 0xff])));
}

#[test]
fn the_colour_of_what_nobody_sees_leaves_no_rim() {
    let mut picture = RgbaImage::from_pixel(800, 800, Rgba([0, 255, 0, 0]));
    image::imageops::replace(&mut picture, &RgbaImage::from_pixel(400, 800, Rgba([255, 0, 0, 255])), 0, 0);

    let thumbnail = drawn(&prepare(&png(&picture.into())).unwrap(), ImageSize::Small).into_rgba8();

    assert!(thumbnail.pixels().all(|it| it.0[3] == 0 || it.0[1] < 8), "green shines through");
}

#[test]
fn every_kind_of_pixel_is_drawn() {
    let picture = DynamicImage::from(two_halves(64, 64));
    for picture in [
        DynamicImage::from(picture.to_luma8()),
        picture.to_luma16().into(),
        picture.to_luma_alpha8().into(),
        picture.to_luma_alpha16().into(),
        picture.to_rgb16().into(),
        picture.to_rgba16().into(),
    ] {
        let prepared = prepare(&png(&picture)).unwrap();

        assert_eq!(prepared.format, ImageFormat::Jpeg, "{:?}", picture.color());
        assert_eq!(sizes(&prepared), [(64, 64); 3], "{:?}", picture.color());
    }
}

#[test]
fn webp_and_gif_are_pictures() {
    let picture = two_halves(320, 310);
    for upload in [webp(&picture), gif(&[&picture])] {
        let prepared = prepare(&upload).unwrap();

        assert_eq!(prepared.format, ImageFormat::Jpeg);
        assert_eq!(sizes(&prepared), [(320, 310), (100, 100), (300, 300)]);
        assert!(is_about(*drawn(&prepared, ImageSize::Original).into_rgb8().get_pixel(20, 20), RED));
    }
}

#[test]
fn a_picture_is_turned_upright() {
    // Its left half is red. Orientation 6: it has to be turned by 90° clockwise, so red goes up.
    let prepared = prepare(&with_exif(&jpeg(&two_halves(640, 480)), 6)).unwrap();

    assert_eq!(sizes(&prepared), [(480, 640), (100, 100), (300, 300)]);
    for size in ImageSize::ALL {
        let picture = drawn(&prepared, size).into_rgb8();
        let (across, down) = (picture.width() / 2, picture.height());
        assert!(is_about(*picture.get_pixel(across, down / 8), RED), "{size:?}");
        assert!(is_about(*picture.get_pixel(across, down - down / 8), BLUE), "{size:?}");
    }
}

#[test]
fn nothing_that_came_with_a_picture_is_kept() {
    let upload = with_exif(&jpeg(&two_halves(640, 480)), 1);
    assert!(holds(&upload, b"Exif") && holds(&upload, GPS));

    let prepared = prepare(&upload).unwrap();

    for (size, file) in &prepared.files {
        assert!(!holds(file, b"Exif") && !holds(file, GPS), "{size:?}");
    }
}

#[test]
fn a_page_that_is_a_picture_too_is_no_page_any_more() {
    const PAGE: &[u8] = b"<html><script>alert(document.domain)</script></html>";
    let picture = jpeg(&two_halves(320, 320));
    let comment = u16::try_from(PAGE.len() + 2).unwrap().to_be_bytes();
    let inside = [&picture[..2], &[0xff, 0xfe], &comment, PAGE, &picture[2..]].concat();
    let behind = [&picture, PAGE].concat();

    for upload in [inside, behind] {
        assert!(holds(&upload, PAGE));

        let prepared = prepare(&upload).unwrap();

        assert!(prepared.files.iter().all(|(_, file)| !holds(file, b"script")));
        assert!(prepared.files.iter().all(|(_, file)| file.starts_with(&[0xff, 0xd8, 0xff])));
    }
}

#[test]
fn what_is_no_picture_is_refused() {
    for upload in [
        &b""[..],
        b"\0",
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"RIFF\0\0\0\0WEBP",
        b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>",
        b"<?xml version=\"1.0\"?><!DOCTYPE svg [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><svg>&x;</svg>",
        b"<html></html>",
        b"%PDF-1.7",
        b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0",
        b"II*\0\x08\0\0\0",
        b"P6 1 1 255 abc",
        b"qoif\0\0\0\x01\0\0\0\x01\x03\0",
    ] {
        assert!(matches!(prepare(upload), Err(ImageRefused::NotAnImage)), "{}", upload.escape_ascii());
    }
}

#[test]
fn a_picture_that_was_cut_off_is_refused() {
    let picture = two_halves(320, 320);
    for whole in [png(&picture.clone().into()), webp(&picture), gif(&[&picture]), jpeg(&picture)] {
        for kept in [1, 2, 5, 9].map(|tenths| whole.len() * tenths / 10) {
            let start = &whole[..kept];

            assert!(matches!(prepare(start), Err(ImageRefused::NotAnImage)), "{}", whole[..4].escape_ascii());
        }
    }
}

#[test]
fn too_many_pixels_are_refused_by_the_header() {
    let small = two_halves(16, 16);
    let png = png(&small.clone().into());
    for upload in [
        png_claiming(&png, 50_000, 50_000),
        png_claiming(&png, 5_001, 5_000),
        png_claiming(&png, 65_536, 1),
        png_claiming(&png, u32::MAX >> 1, u32::MAX >> 1),
        gif_claiming(&gif(&[&small]), 65_535, 65_535),
        jpeg_claiming(&jpeg(&small), 65_535, 65_535),
        webp_claiming(16_384, 16_384),
    ] {
        let start = Instant::now();

        let refusal = prepare(&upload);

        assert!(matches!(refusal, Err(ImageRefused::TooManyPixels)), "{}", upload[..4].escape_ascii());
        assert!(start.elapsed() < BY_ITS_HEADER, "{:?} for {}", start.elapsed(), upload[..4].escape_ascii());
    }
}

#[test]
fn a_frame_that_is_larger_than_its_picture_is_refused_by_its_header() {
    let start = Instant::now();

    let refusal = prepare(&webp_of_one_pixel_with_a_frame_of(16_383, 16_383));

    assert!(matches!(refusal, Err(ImageRefused::TooManyPixels)));
    assert!(start.elapsed() < BY_ITS_HEADER, "{:?}", start.elapsed());
}

#[test]
fn a_picture_without_pixels_is_refused() {
    let small = two_halves(16, 16);
    for upload in [gif_claiming(&gif(&[&small]), 0, 16), jpeg_claiming(&jpeg(&small), 0, 16)] {
        assert!(matches!(prepare(&upload), Err(ImageRefused::NotAnImage)), "{}", upload[..4].escape_ascii());
    }
}

#[test]
fn deep_pixels_count_twice() {
    let deep = png(&DynamicImage::from(two_halves(16, 16)).to_rgba16().into());

    let refusal = prepare(&png_claiming(&deep, 5_000, 5_000));

    assert!(matches!(refusal, Err(ImageRefused::TooManyPixels)));
}

#[test]
fn only_the_first_frame_of_an_animation_is_looked_at() {
    let first = gif(&[&two_halves(64, 64)]);
    let green = |shade: u32| RgbImage::from_pixel(64, 64, Rgb([0, shade.to_le_bytes()[0], 0]));
    let frames: Vec<_> = std::iter::once(two_halves(64, 64)).chain((0..500).map(green)).collect();
    let animation = gif(&frames.iter().collect::<Vec<_>>());
    // Everything behind the first frame is rubbish; a decoder that went on would stumble.
    let rubbish = [&first[..first.len() - 1], &[0x2c; 64]].concat();

    for upload in [animation, rubbish] {
        let prepared = prepare(&upload).unwrap();

        assert!(is_about(*drawn(&prepared, ImageSize::Original).into_rgb8().get_pixel(8, 8), RED));
    }
}

#[tokio::test]
async fn a_panic_is_a_refusal_and_gives_the_turn_back() {
    let editor = Redrawing::new();

    for _ in 0..3 {
        let refusal = editor.in_turn::<()>(|| panic!("index out of bounds")).await;

        assert!(matches!(refusal, Err(ImageRefused::NotAnImage)));
    }
    assert!(editor.prepare(jpeg(&two_halves(8, 8))).await.is_ok());
}

#[tokio::test]
async fn one_picture_is_drawn_at_a_time_and_too_many_are_refused_at_once() {
    const WAITING: usize = 16;
    let editor = Arc::new(Redrawing::new());
    let busy = editor.running.clone().acquire_owned().await.unwrap();
    let mut uploads = JoinSet::new();

    for _ in 0..20 {
        let (editor, upload) = (editor.clone(), jpeg(&two_halves(64, 64)));
        uploads.spawn(async move { editor.prepare(upload).await });
    }
    let mut refused = 0;
    while refused < 20 - WAITING - 1 {
        let outcome = uploads.join_next().await.unwrap().unwrap();
        assert!(matches!(outcome, Err(ImageRefused::Store(StoreError::Unavailable(_)))));
        refused += 1;
    }
    drop(busy);

    let outcomes = uploads.join_all().await;
    assert_eq!(outcomes.len(), WAITING + 1);
    assert!(outcomes.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_client_that_leaves_lets_nobody_in_before_its_picture_is_done() {
    let editor = Redrawing::new();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (report, started) = tokio::sync::oneshot::channel();
    let work = editor.in_turn(move || {
        report.send(()).unwrap();
        released.recv().map_err(|_| ImageRefused::NotAnImage)
    });

    tokio::select! {
        _ = work => panic!("it cannot be done"),
        began = started => began.unwrap(),
    }

    assert_eq!(editor.running.available_permits(), 0);
    release.send(()).unwrap();
    let _turn = editor.running.acquire().await.unwrap();
}

proptest! {
    /// Damage anywhere, most of it near the start, where the headers are.
    #[test]
    fn a_damaged_picture_is_drawn_or_refused(
        kind in 0_usize..4,
        damage in prop::collection::vec((prop_oneof![3 => 0_usize..64, 1 => 0_usize..4096], any::<u8>()), 1..8),
        cut in prop::option::of(0_usize..4096),
    ) {
        let picture = two_halves(24, 16);
        let mut upload = match kind {
            0 => jpeg(&picture),
            1 => png(&picture.into()),
            2 => webp(&picture),
            _ => gif(&[&picture]),
        };
        for (at, byte) in damage {
            let at = at % upload.len();
            upload[at] = byte;
        }
        upload.truncate(cut.unwrap_or(usize::MAX));

        is_drawn_or_refused(upload);
    }

    #[test]
    fn rubbish_behind_a_signature_is_drawn_or_refused(
        signature in prop::sample::select(&SIGNATURES[..]),
        rubbish in prop::collection::vec(any::<u8>(), 0..512),
    ) {
        is_drawn_or_refused([signature, &rubbish].concat());
    }
}

proptest! {
    // Each case draws up to half a million pixels, unoptimised.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_thumbnail_fits_and_is_as_large_as_it_can_be(width in 1_u32..700, height in 1_u32..700) {
        let prepared = prepare(&jpeg(&RgbImage::from_pixel(width, height, RED))).unwrap();

        let sides = [(width, height), (width.min(100), height.min(100)), (width.min(300), height.min(300))];
        prop_assert_eq!(sizes(&prepared), sides);
    }
}

const SIGNATURES: [&[u8]; 6] = [
    b"",
    b"\xff\xd8\xff\xe0",
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    b"GIF89a",
    b"RIFF\xff\0\0\0WEBPVP8 ",
    b"RIFF\xff\0\0\0WEBPVP8X\x0a\0\0\0",
];

/// Whatever is drawn is made of pixels that were decoded, so it can be read again.
fn is_drawn_or_refused(upload: Vec<u8>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    match runtime.block_on(Redrawing::new().prepare(upload)) {
        Ok(prepared) => {
            let [original, small, medium] = sizes(&prepared)[..] else { panic!("every size") };
            assert!(u64::from(original.0) * u64::from(original.1) <= MAX_PIXELS);
            assert!(small.0 <= 100 && small.1 <= 100 && medium.0 <= 300 && medium.1 <= 300);
        }
        Err(ImageRefused::NotAnImage | ImageRefused::TooManyPixels) => {}
        Err(ImageRefused::Store(error)) => panic!("nobody else is waiting: {error}"),
    }
}

/// Red on the left, blue on the right.
fn two_halves(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, _| if x < width.div_ceil(2) { RED } else { BLUE })
}

fn is_about(one: Rgb<u8>, other: Rgb<u8>) -> bool {
    one.0.into_iter().zip(other.0).all(|(one, other)| one.abs_diff(other) < 16)
}

fn jpeg(picture: &RgbImage) -> Vec<u8> {
    let mut file = Vec::new();
    image::codecs::jpeg::JpegEncoder::new(&mut file).encode_image(picture).unwrap();
    file
}

fn png(picture: &DynamicImage) -> Vec<u8> {
    let mut file = Vec::new();
    picture.write_with_encoder(image::codecs::png::PngEncoder::new(&mut file)).unwrap();
    file
}

fn webp(picture: &RgbImage) -> Vec<u8> {
    let mut file = Vec::new();
    let (width, height) = picture.dimensions();
    let encoder = WebPEncoder::new_lossless(&mut file);
    encoder.write_image(picture, width, height, image::ExtendedColorType::Rgb8).unwrap();
    file
}

fn gif(frames: &[&RgbImage]) -> Vec<u8> {
    let mut file = Vec::new();
    let frames = frames.iter().map(|it| {
        Frame::from_parts(DynamicImage::from((*it).clone()).into_rgba8(), 0, 0, Delay::from_numer_denom_ms(40, 1))
    });
    GifEncoder::new_with_speed(&mut file, 30).encode_frames(frames).unwrap();
    file
}

const GPS: &[u8] = b"37.5665N126.9780E";

/// A JPEG with an APP1 segment: the orientation, and where it was taken.
fn with_exif(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    exif.extend(GPS);
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

fn png_claiming(png: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut png = png.to_vec();
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let checksum = crc32fast::hash(&png[12..29]);
    png[29..33].copy_from_slice(&checksum.to_be_bytes());
    png
}

fn gif_claiming(gif: &[u8], width: u16, height: u16) -> Vec<u8> {
    let mut gif = gif.to_vec();
    gif[6..8].copy_from_slice(&width.to_le_bytes());
    gif[8..10].copy_from_slice(&height.to_le_bytes());
    gif
}

fn jpeg_claiming(jpeg: &[u8], width: u16, height: u16) -> Vec<u8> {
    let mut jpeg = jpeg.to_vec();
    let frame = jpeg.windows(2).position(|it| it == [0xff, 0xc0]).unwrap();
    jpeg[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    jpeg[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    jpeg
}

/// Only the header of an extended WebP, which says how large it is less one, in 24 bits.
fn webp_claiming(width: u32, height: u32) -> Vec<u8> {
    let (width, height) = ((width - 1).to_le_bytes(), (height - 1).to_le_bytes());
    let header = [b"VP8X\x0a\0\0\0\0\0\0\0", &width[..3], &height[..3]].concat();
    riff(&[header, b"VP8L\x05\0\0\0\x2f\0\0\0\0\0".to_vec()].concat())
}

fn webp_of_one_pixel_with_a_frame_of(width: u16, height: u16) -> Vec<u8> {
    let (width, height) = (width.to_le_bytes(), height.to_le_bytes());
    let frame = [b"VP8 \x20\0\0\0\x10\x02\0\x9d\x01\x2a", &width[..], &height[..], &[0; 22]].concat();
    riff(&[b"VP8X\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec(), frame].concat())
}

fn riff(chunks: &[u8]) -> Vec<u8> {
    let length = u32::try_from(chunks.len() + 4).unwrap().to_le_bytes();
    [b"RIFF", &length[..], b"WEBP", chunks].concat()
}

fn drawn(prepared: &PreparedImage, size: ImageSize) -> DynamicImage {
    let (_, file) = prepared.files.iter().find(|(it, _)| *it == size).unwrap();
    let reader = ImageReader::new(std::io::Cursor::new(file)).with_guessed_format().unwrap();
    reader.decode().unwrap()
}

fn sizes(prepared: &PreparedImage) -> Vec<(u32, u32)> {
    prepared.files.iter().map(|(size, _)| drawn(prepared, *size)).map(|it| (it.width(), it.height())).collect()
}

fn holds(file: &[u8], text: &[u8]) -> bool {
    file.windows(text.len()).any(|it| it == text)
}
