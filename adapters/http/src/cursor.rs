//! Cursors on the wire: texts that clients hand back as they got them.
//!
//! They are not signed: whoever makes one up reads from a place of their choice in a list that they may read anyway.
//! Whatever is not exactly what we write is refused.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use kernel_application::Cursor;
use uuid::Uuid;

/// The first byte: how the rest is to be read.
const FORMAT: u8 = 1;

/// Characters in the longest cursor.
pub(crate) const MAX_CHARS: usize = (2 + Cursor::MAX_TIMES * 9 + 16) * 4 / 3 + 1;

/// The text for a cursor: its format, its direction, each time in microseconds, and the id.
pub(crate) fn written(cursor: &Cursor) -> String {
    let mut bytes = vec![FORMAT, u8::from(cursor.is_backwards)];
    for time in cursor.times() {
        bytes.push(u8::from(time.is_some()));
        bytes.extend(time.map_or(0, |it| it.timestamp_micros()).to_be_bytes());
    }
    bytes.extend(cursor.id.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The cursor that a text stands for.
pub(crate) fn read(text: &str) -> Option<Cursor> {
    if text.len() > MAX_CHARS {
        return None;
    }
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let (&[FORMAT, direction], rest) = bytes.split_first_chunk::<2>()? else { return None };
    let (times, id) = rest.split_last_chunk::<16>()?;
    let (times, []) = times.as_chunks::<9>() else { return None };
    let times: Vec<_> = times.iter().map(time).collect::<Result<_, NotOurs>>().ok()?;
    Cursor::new(truth(direction)?, &times, Uuid::from_bytes(*id))
}

/// No bytes that we would have written.
struct NotOurs;

fn time([is_there, micros @ ..]: &[u8; 9]) -> Result<Option<DateTime<Utc>>, NotOurs> {
    match (truth(*is_there), i64::from_be_bytes(*micros)) {
        (Some(true), micros) => DateTime::from_timestamp_micros(micros).map(Some).ok_or(NotOurs),
        (Some(false), 0) => Ok(None),
        (Some(false) | None, _) => Err(NotOurs),
    }
}

fn truth(byte: u8) -> Option<bool> {
    match byte {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cursors() -> impl Strategy<Value = Cursor> {
        let time =
            prop::option::of((-60_000_000_000_000_000_i64..250_000_000_000_000_000).prop_map(|micros| {
                DateTime::from_timestamp_micros(micros).expect("a time that both databases can hold")
            }));
        let times = prop::collection::vec(time, 1..=Cursor::MAX_TIMES);
        (any::<bool>(), times, any::<u128>())
            .prop_map(|(is_backwards, times, id)| Cursor::new(is_backwards, &times, Uuid::from_u128(id)).expect("few"))
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(cursor in cursors()) {
            let text = written(&cursor);

            prop_assert!(text.len() <= MAX_CHARS);
            prop_assert_eq!(read(&text), Some(cursor));
        }

        /// Whatever a text is, it is a cursor only if we would have written it so.
        #[test]
        fn nothing_else_is_read(bytes in prop::collection::vec(any::<u8>(), 0..80), text in "\\PC{0,80}") {
            for text in [BASE64_URL_SAFE_NO_PAD.encode(&bytes), text] {
                if let Some(cursor) = read(&text) {
                    prop_assert_eq!(written(&cursor), text);
                }
            }
        }

        #[test]
        fn a_cursor_that_was_touched_is_none_or_another(cursor in cursors(), at in 0_usize..60, with in any::<u8>()) {
            let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(written(&cursor)).expect("ours");
            let at = at % bytes.len();
            bytes[at] = with;
            if let Some(read) = read(&BASE64_URL_SAFE_NO_PAD.encode(&bytes)) {
                prop_assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(written(&read)).expect("ours"), bytes);
            }
        }
    }
}
