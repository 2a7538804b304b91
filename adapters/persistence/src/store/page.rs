//! Lists in pages.

use kernel_application::{Direction, Page, PageRequest};
use kernel_domain::StoreError;

/// Which part of a list to read, once it is known how long the list is.
pub(super) struct Window {
    pub(super) limit: i64,
    pub(super) offset: i64,
    number: u32,
    count: u64,
}

impl Window {
    /// `None` past the end.
    pub(super) fn of(page: PageRequest, count: i64) -> Result<Option<Self>, StoreError> {
        let count = u64::try_from(count).map_err(|error| StoreError::corrupt("count", error))?;
        let Some(number) = page.number_in(count) else { return Ok(None) };
        let offset = i64::try_from(page.offset_of(number)).map_err(|error| StoreError::corrupt("page", error))?;
        Ok(Some(Self { limit: i64::from(page.size()), offset, number, count }))
    }

    pub(super) fn filled<T>(self, entries: Vec<T>, page: PageRequest) -> Page<T> {
        Page { entries, count: self.count, number: self.number, size: page.size() }
    }
}

/// What a list is ordered by, without repetitions, and the direction in which ties are broken.
pub(super) fn order_of<K: Copy + PartialEq>(asked: &[(K, Direction)]) -> (Vec<(K, Direction)>, Direction) {
    let mut order: Vec<(K, Direction)> = Vec::new();
    for &(key, direction) in asked {
        if order.iter().all(|(known, _)| *known != key) {
            order.push((key, direction));
        }
    }
    let ties = order.last().map_or(Direction::Descending, |(_, direction)| *direction);
    (order, ties)
}

/// Orders a boxed query by one more column.
macro_rules! then_by {
    ($query:expr, $column:expr, $direction:expr) => {
        match $direction {
            ::kernel_application::Direction::Ascending => $query.then_order_by($column.asc()),
            ::kernel_application::Direction::Descending => $query.then_order_by($column.desc()),
        }
    };
}
pub(super) use then_by;

#[cfg(test)]
mod tests {
    use kernel_application::Direction::{Ascending, Descending};

    use super::*;

    #[test]
    fn a_key_that_is_named_twice_counts_once() {
        assert_eq!(
            order_of(&[('a', Ascending), ('b', Descending), ('a', Descending)]).0,
            [('a', Ascending), ('b', Descending)]
        );
    }

    #[test]
    fn ties_follow_the_last_key_and_newest_come_first_without_any() {
        assert_eq!(order_of::<char>(&[]).1, Descending);
        assert_eq!(order_of(&[('a', Descending), ('b', Ascending)]).1, Ascending);
    }
}
