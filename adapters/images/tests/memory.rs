//! What an upload may cost in memory. A process of its own, because the operating system counts by process.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot have what it needs fails")]

use std::time::{Duration, Instant};

use images_adapter::Redrawing;
use user_application::{ImageEditor, ImageRefused, MAX_IMAGE_BYTES};
use user_domain::ImageFormat;

/// The pixels of the largest picture take 100 MB, and twice that while it is turned; the rest is for its files.
const PEAK: u64 = 256 * 1024 * 1024;

/// Slow machines, unoptimised: what is here to be found takes minutes.
const DEADLINE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_decompression_bomb_is_bounded_in_memory_and_time() {
    let editor = Redrawing::new();
    let before = peak();

    // The most pixels there may be, each of them transparent, and turned on its side: 630 kB become 100 MB.
    let largest = png((5_000, 5_000), &[(b"eXIf", EXIF_ON_ITS_SIDE), (b"IDAT", &zeros(5_000 * (1 + 5_000 * 4)))]);
    let kept = within_deadline(editor.prepare(largest)).await;
    assert!(kept.is_ok_and(|it| it.format == ImageFormat::Png));

    // One pixel, and 1.6 GB that belong to none.
    let run = zeros(1_600_000_000);
    assert!(run.len() < MAX_IMAGE_BYTES && run.len() > MAX_IMAGE_BYTES * 9 / 10, "{}", run.len());
    let tail = png((1, 1), &[(b"IDAT", &run)]);
    let kept = within_deadline(editor.prepare(tail)).await;
    assert!(matches!(kept, Ok(_) | Err(ImageRefused::NotAnImage)));

    // The same in a colour profile, and in a comment.
    let profile = [b"profile\0\0", &run[..]].concat();
    for chunk in [b"iCCP", b"zTXt"] {
        let bloated = png((1, 1), &[(chunk, &profile), (b"IDAT", &zeros(5))]);
        let kept = within_deadline(editor.prepare(bloated)).await;
        assert!(matches!(kept, Ok(_) | Err(ImageRefused::NotAnImage | ImageRefused::TooManyPixels)));
    }

    let grown = peak() - before;
    assert!(grown < PEAK, "{} MiB", grown / 1024 / 1024);
}

async fn within_deadline<T>(work: impl Future<Output = T>) -> T {
    let start = Instant::now();
    let outcome = work.await;
    assert!(start.elapsed() < DEADLINE, "{:?}", start.elapsed());
    outcome
}

/// The most memory that this process ever had.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

const EXIF_ON_ITS_SIDE: &[u8] = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";

/// Eight bits a channel, with alpha.
fn png((width, height): (u32, u32), chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in [&[(b"IHDR", &header[..])], chunks, &[(b"IEND", &[])]].concat() {
        png.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        let start = png.len();
        png.extend_from_slice(name);
        png.extend_from_slice(data);
        png.extend(crc32fast::hash(&png[start..]).to_be_bytes());
    }
    png
}

/// A zlib stream (RFC 1950) of at least that many zeros, without ever holding them: a literal zero, then "258 bytes
/// like the last one", again and again, in fixed Huffman codes (RFC 1951).
fn zeros(count: usize) -> Vec<u8> {
    const LONGEST_RUN: usize = 258;
    let runs = count.div_ceil(LONGEST_RUN);
    let mut bits = Bits { bytes: vec![0x78, 0x01], used: 0 };
    bits.push(0b011, 3);
    bits.push(0b0000_1100, 8);
    for _ in 0..runs {
        bits.push(0b0_0000_1010_0011, 13);
    }
    bits.push(0, 7);
    // Adler-32 of zeros: its first sum stays 1, its second counts them.
    let length = 1 + runs * LONGEST_RUN;
    let second = u32::try_from(length % 65_521).unwrap();
    bits.bytes.extend(((second << 16) | 1).to_be_bytes());
    bits.bytes
}

/// Bits, the lowest first.
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn push(&mut self, bits: u32, count: u32) {
        for bit in (0..count).map(|at| u8::from(bits >> at & 1 == 1)) {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= bit << (self.used % 8);
            }
            self.used += 1;
        }
    }
}
