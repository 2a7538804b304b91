//! Pictures to upload, drawn here.

/// A PNG of so many pixels, each of its own colour; a transparent one if asked.
pub fn png(width: u32, height: u32, is_transparent: bool) -> Vec<u8> {
    let (kind, channels) = if is_transparent { (6, 4) } else { (2, 3) };
    let mut rows = Vec::new();
    for y in 0..height {
        rows.push(0);
        for x in 0..width {
            let colour = [x, y, x ^ y, 128].map(|it| it.to_le_bytes()[0]);
            rows.extend_from_slice(&colour[..channels]);
        }
    }
    with_header(width, height, kind, &stored(&rows))
}

/// The beginning of a PNG that claims to be of this size, and holds next to nothing.
pub fn png_that_claims(width: u32, height: u32) -> Vec<u8> {
    with_header(width, height, 2, &stored(&[0; 64]))
}

fn with_header(width: u32, height: u32, kind: u8, data: &[u8]) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend_from_slice(&width.to_be_bytes());
    header.extend_from_slice(&height.to_be_bytes());
    header.extend_from_slice(&[8, kind, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, content) in [(b"IHDR", header.as_slice()), (b"IDAT", data), (b"IEND", &[])] {
        let length = u32::try_from(content.len()).expect("a small picture");
        file.extend_from_slice(&length.to_be_bytes());
        let chunk: Vec<u8> = name.iter().chain(content).copied().collect();
        file.extend_from_slice(&chunk);
        file.extend_from_slice(&crc32(&chunk).to_be_bytes());
    }
    file
}

/// A zlib stream (RFC 1950) of blocks that are not compressed.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let blocks: Vec<_> = data.chunks(0xFFFF).collect();
    for (at, block) in blocks.iter().enumerate() {
        stream.push(u8::from(at + 1 == blocks.len()));
        let length = u16::try_from(block.len()).expect("a short block");
        stream.extend_from_slice(&length.to_le_bytes());
        stream.extend_from_slice(&(!length).to_le_bytes());
        stream.extend_from_slice(block);
    }
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in data {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    stream.extend_from_slice(&((b << 16) | a).to_be_bytes());
    stream
}

/// The checksum of PNG chunks (ISO 3309).
fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 })
    })
}

/// Width and height that a PNG says it has.
pub fn size_of_png(file: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| Some(u32::from_be_bytes(file.get(at..at + 4)?.try_into().ok()?));
    file.starts_with(b"\x89PNG").then_some(())?;
    Some((number(16)?, number(20)?))
}
