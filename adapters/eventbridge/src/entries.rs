//! Events as entries of calls: none too large, and no call with too many.

use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use kernel_application::WireEntry;

/// The most entries that a call takes.
const ENTRIES: usize = 10;

/// The most that all entries of a call may come to. `EventBridge` takes 1 MB in most regions by now, and this much
/// everywhere; ours come to a few hundred bytes each.
const BYTES: usize = 256 * 1024;

/// The most characters of a detail type.
const DETAIL_TYPE: usize = 128;

/// What the timestamp of an entry counts for.
const TIMESTAMP: usize = 14;

/// Why an entry is not even sent.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Unfit {
    #[error("the event comes to {0} bytes, and {BYTES} fit into a call")]
    TooLarge(usize),
    #[error("the name of the event has {0} characters, and {DETAIL_TYPE} are allowed")]
    NameTooLong(usize),
}

/// Whether the bus could take the entry at all.
pub(crate) fn fit(entry: &WireEntry) -> Result<(), Unfit> {
    let name = entry.detail_type.chars().count();
    if name > DETAIL_TYPE {
        return Err(Unfit::NameTooLong(name));
    }
    let size = size(entry);
    if size > BYTES { Err(Unfit::TooLarge(size)) } else { Ok(()) }
}

/// What an entry counts for, as Amazon counts it.
fn size(entry: &WireEntry) -> usize {
    let WireEntry { source, detail_type, detail, .. } = entry;
    TIMESTAMP + source.len() + detail_type.len() + detail.len()
}

/// Splits entries that are fit into calls, in their order.
pub(crate) fn calls<T: Copy>(entries: &[(T, WireEntry)]) -> Vec<&[(T, WireEntry)]> {
    let mut calls = Vec::new();
    let mut rest = entries;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fitting = rest.iter().take(ENTRIES).take_while(|(_, entry)| {
            bytes += size(entry);
            bytes <= BYTES
        });
        let (call, others) = rest.split_at(fitting.count().max(1));
        calls.push(call);
        rest = others;
    }
    calls
}

/// The entry as the client sends it.
pub(crate) fn request(entry: &WireEntry, bus: &str) -> PutEventsRequestEntry {
    PutEventsRequestEntry::builder()
        .event_bus_name(bus)
        .source(&entry.source)
        .detail_type(&entry.detail_type)
        .detail(&entry.detail)
        .set_trace_header(entry.trace_header.clone())
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn an_entry(bytes: usize) -> WireEntry {
        let detail = "d".repeat(bytes - TIMESTAMP - 2);
        WireEntry { source: "s".to_owned(), detail_type: "t".to_owned(), detail, trace_header: None }
    }

    fn sizes(entries: &[usize]) -> Vec<usize> {
        let entries: Vec<_> = entries.iter().enumerate().map(|(at, bytes)| (at, an_entry(*bytes))).collect();
        let calls = calls(&entries);
        let together: Vec<usize> = calls.iter().flat_map(|it| it.iter().map(|(at, _)| *at)).collect();
        assert_eq!(together, (0..entries.len()).collect::<Vec<_>>(), "each once, in order");
        calls.iter().map(|it| it.len()).collect()
    }

    #[test]
    fn a_call_has_ten_entries_and_no_more_bytes_than_it_takes() {
        assert_eq!(sizes(&[]), [0; 0]);
        assert_eq!(sizes(&[100; 10]), [10]);
        assert_eq!(sizes(&[100; 21]), [10, 10, 1]);
        assert_eq!(sizes(&[BYTES / 2, BYTES / 2, 100]), [2, 1]);
        assert_eq!(sizes(&[100, BYTES, 100]), [1, 1, 1]);
    }

    #[test]
    fn what_no_call_could_take_is_not_fit() {
        assert_eq!(fit(&an_entry(BYTES)), Ok(()));
        assert_eq!(fit(&an_entry(BYTES + 1)), Err(Unfit::TooLarge(BYTES + 1)));
        let named = |length: usize| WireEntry { detail_type: "ä".repeat(length), ..an_entry(100) };
        assert_eq!(fit(&named(DETAIL_TYPE)), Ok(()));
        assert_eq!(fit(&named(DETAIL_TYPE + 1)), Err(Unfit::NameTooLong(DETAIL_TYPE + 1)));
    }
}
