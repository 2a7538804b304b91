//! Lists in pages: counted, or cut where a cursor points.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Which page: counted from 1, or the last one there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageNumber {
    /// Page `n`, from 1.
    Number(u32),
    /// Whatever page is last; page 1 of an empty list.
    Last,
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageStart {
    /// At a number. The list is counted for it, and, but for the last page, skipped up to there: what that costs grows
    /// with the list.
    Number(PageNumber),
    /// Beyond a cursor, or at the beginning without one. Costs the same wherever it is.
    Cursor(Option<Cursor>),
}

/// A place in a list, told by what stands there: the times that the list is ordered by, and the id that breaks ties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Whether the page ends before this place, and does not begin behind it.
    pub is_backwards: bool,
    times: [Option<DateTime<Utc>>; Cursor::MAX_TIMES],
    count: usize,
    /// What breaks ties.
    pub id: Uuid,
}

impl Cursor {
    /// As many times as any list can be ordered by.
    pub const MAX_TIMES: usize = 4;

    /// `None` if these are no times, or more than [`Self::MAX_TIMES`].
    pub fn new(is_backwards: bool, times: &[Option<DateTime<Utc>>], id: Uuid) -> Option<Self> {
        let mut all = [None; Self::MAX_TIMES];
        all.get_mut(..times.len())?.copy_from_slice(times);
        (!times.is_empty()).then_some(Self { is_backwards, times: all, count: times.len(), id })
    }

    /// The same place, for the page before it or behind it.
    #[must_use]
    pub fn towards(self, is_backwards: bool) -> Self {
        Self { is_backwards, ..self }
    }

    /// The times, in the order of the list.
    pub fn times(&self) -> &[Option<DateTime<Utc>>] {
        self.times.get(..self.count).unwrap_or_default()
    }
}

/// A page to fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    start: PageStart,
    size: u32,
}

impl PageRequest {
    /// Entries on a page unless the caller says otherwise.
    pub const DEFAULT_SIZE: u32 = 10;
    /// A larger page is held at this size: one request must not cost what a hundred do.
    pub const MAX_SIZE: u32 = 100;

    /// `None` for a page number or a size of zero.
    pub fn new(number: PageNumber, size: u32) -> Option<Self> {
        let sensible = size > 0 && number != PageNumber::Number(0);
        sensible.then(|| Self { start: PageStart::Number(number), size: size.min(Self::MAX_SIZE) })
    }

    /// The page beyond a cursor, or the first one without; `None` for a size of zero.
    pub fn beyond(cursor: Option<Cursor>, size: u32) -> Option<Self> {
        (size > 0).then(|| Self { start: PageStart::Cursor(cursor), size: size.min(Self::MAX_SIZE) })
    }

    /// Where it begins.
    pub fn start(&self) -> PageStart {
        self.start
    }

    /// How many entries of the list are passed over to get there.
    pub fn skipped(&self) -> u64 {
        match self.start {
            PageStart::Number(PageNumber::Number(number)) => u64::from(number.saturating_sub(1)) * u64::from(self.size),
            PageStart::Number(PageNumber::Last) | PageStart::Cursor(_) => 0,
        }
    }

    /// Entries on a page, at most [`Self::MAX_SIZE`].
    pub fn size(&self) -> u32 {
        self.size
    }
}

impl PageNumber {
    /// The number in a list of `count` entries with `size` on a page; `None` past the end. Page 1 always exists.
    pub fn among(self, count: u64, size: u32) -> Option<u32> {
        let last = u32::try_from(count.div_ceil(u64::from(size))).unwrap_or(u32::MAX).max(1);
        match self {
            Self::Last => Some(last),
            Self::Number(number) => (number <= last).then_some(number),
        }
    }
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { start: PageStart::Number(PageNumber::Number(1)), size: Self::DEFAULT_SIZE }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries of this page, in the order asked for.
    pub entries: Vec<T>,
    /// Where in the list it is.
    pub place: Place,
    /// Entries on a full page.
    pub size: u32,
}

/// Where in its list a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At a number.
    Numbered {
        /// The number, from 1.
        number: u32,
        /// How many entries the whole list has.
        count: u64,
    },
    /// Between others.
    Between {
        /// What leads to the page before, if there is one.
        previous: Option<Cursor>,
        /// What leads to the next one, if there is one.
        next: Option<Cursor>,
    },
}

impl<T> Page<T> {
    /// A page of a list of `count` entries.
    pub fn numbered(entries: Vec<T>, number: u32, count: u64, size: u32) -> Self {
        Self { entries, place: Place::Numbered { number, count }, size }
    }

    /// The entries, and the page without them.
    pub fn taken(self) -> (Vec<T>, Page<()>) {
        (self.entries, Page { entries: Vec::new(), place: self.place, size: self.size })
    }

    /// The same page with other entries.
    pub fn with<U>(self, entries: Vec<U>) -> Page<U> {
        Page { entries, place: self.place, size: self.size }
    }

    /// How many entries the whole list has, if they were counted.
    pub fn count(&self) -> Option<u64> {
        match self.place {
            Place::Numbered { count, .. } => Some(count),
            Place::Between { .. } => None,
        }
    }
}

/// Which way a list is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smallest or oldest first.
    Ascending,
    /// Largest or newest first.
    Descending,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: u32, size: u32) -> PageRequest {
        PageRequest::new(PageNumber::Number(number), size).expect("a sensible page")
    }

    #[test]
    fn nothing_is_on_page_zero_and_no_page_has_size_zero() {
        assert_eq!(PageRequest::new(PageNumber::Number(0), 10), None);
        assert_eq!(PageRequest::new(PageNumber::Number(1), 0), None);
    }

    #[test]
    fn a_large_page_is_held_at_the_limit() {
        assert_eq!(page(1, 1_000_000).size(), PageRequest::MAX_SIZE);
    }

    #[test]
    fn only_pages_by_number_pass_over_others() {
        let last = PageRequest::new(PageNumber::Last, 10).expect("a sensible page");
        let beyond = PageRequest::beyond(None, 10).expect("a sensible page");
        let skipped = [page(1, 10), page(3, 10), page(u32::MAX, 100), last, beyond].map(|it| it.skipped());

        assert_eq!(skipped, [0, 20, 429_496_729_400, 0, 0]);
    }

    #[test]
    fn page_one_exists_even_when_nothing_does() {
        assert_eq!(PageNumber::Number(1).among(0, 10), Some(1));
        assert_eq!(PageNumber::Number(2).among(0, 10), None);
    }

    #[test]
    fn the_last_page_is_found_by_name() {
        assert_eq!(PageNumber::Last.among(0, 10), Some(1));
        assert_eq!(PageNumber::Last.among(20, 10), Some(2));
        assert_eq!(PageNumber::Last.among(21, 10), Some(3));
    }

    #[test]
    fn a_cursor_holds_as_many_times_as_a_list_has() {
        let cursor = |count| Cursor::new(false, &vec![None; count], Uuid::nil());

        assert_eq!(cursor(0), None);
        assert_eq!(cursor(4).map(|it| it.times().len()), Some(4));
        assert_eq!(cursor(5), None);
    }

    #[test]
    fn a_page_beyond_a_cursor_is_bounded_like_any_other() {
        let cursor = Cursor::new(false, &[None], Uuid::nil());

        let page = PageRequest::beyond(cursor, 1_000_000).expect("a sensible page");

        assert_eq!((page.start(), page.size()), (PageStart::Cursor(cursor), PageRequest::MAX_SIZE));
        assert_eq!(PageRequest::beyond(cursor, 0), None);
    }

    #[test]
    fn one_place_leads_both_ways() {
        let place = Cursor::new(false, &[None, None], Uuid::from_u128(7)).expect("a place");

        let before = place.towards(true);

        assert_eq!((before.is_backwards, before.times(), before.id), (true, place.times(), place.id));
        assert_eq!(before.towards(false), place);
    }

    #[test]
    fn only_a_list_with_numbers_was_counted() {
        let numbered = Page::numbered(vec!['a', 'b'], 3, 22, 10);
        assert_eq!(numbered.count(), Some(22));

        let (entries, page) = numbered.taken();
        assert_eq!((entries, page.with(vec![1, 2]).count()), (vec!['a', 'b'], Some(22)));
        let between = Page { entries: vec!['a'], place: Place::Between { previous: None, next: None }, size: 10 };
        assert_eq!(between.count(), None);
    }
}
