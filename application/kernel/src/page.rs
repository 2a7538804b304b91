//! Lists in pages.

/// Which page: counted from 1, or the last one there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageNumber {
    /// Page `n`, from 1.
    Number(u32),
    /// Whatever page is last; page 1 of an empty list.
    Last,
}

/// A page to fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    number: PageNumber,
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
        sensible.then(|| Self { number, size: size.min(Self::MAX_SIZE) })
    }

    /// Entries on a page, at most [`Self::MAX_SIZE`].
    pub fn size(&self) -> u32 {
        self.size
    }

    /// The page's number in a list of `count` entries; `None` past the end. Page 1 always exists.
    pub fn number_in(&self, count: u64) -> Option<u32> {
        let last = u32::try_from(count.div_ceil(u64::from(self.size))).unwrap_or(u32::MAX).max(1);
        match self.number {
            PageNumber::Last => Some(last),
            PageNumber::Number(number) => (number <= last).then_some(number),
        }
    }

    /// How many entries stand before page `number`.
    pub fn offset_of(&self, number: u32) -> u64 {
        u64::from(number - 1) * u64::from(self.size)
    }
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { number: PageNumber::Number(1), size: Self::DEFAULT_SIZE }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries of this page, in the order asked for.
    pub entries: Vec<T>,
    /// How many entries the whole list has.
    pub count: u64,
    /// This page's number, from 1.
    pub number: u32,
    /// Entries on a full page.
    pub size: u32,
}

impl<T> Page<T> {
    /// The same page with each entry turned into something else.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            entries: self.entries.into_iter().map(f).collect(),
            count: self.count,
            number: self.number,
            size: self.size,
        }
    }

    /// Whether another page follows.
    pub fn has_next(&self) -> bool {
        u64::from(self.number) * u64::from(self.size) < self.count
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
    fn page_one_exists_even_when_nothing_does() {
        assert_eq!(page(1, 10).number_in(0), Some(1));
        assert_eq!(page(2, 10).number_in(0), None);
    }

    #[test]
    fn the_last_page_is_found_by_name() {
        let last = PageRequest::new(PageNumber::Last, 10).expect("a sensible page");

        assert_eq!(last.number_in(0), Some(1));
        assert_eq!(last.number_in(20), Some(2));
        assert_eq!(last.number_in(21), Some(3));
        assert_eq!(last.offset_of(3), 20);
    }
}
