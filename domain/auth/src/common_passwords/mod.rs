//! The passwords that everybody uses, and hence everybody tries first.
//!
//! `list.txt` is the list of Django 5.2 (`django/contrib/auth/common-passwords.txt.gz`, made by Royce Williams from
//! passwords that leaked), under its licence, which stands beside it. It is cut down to what is long enough to be chosen
//! at all, in lower case, a password a line, in the order of their bytes.

use std::sync::LazyLock;

static LIST: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("list.txt").lines().collect());

/// Whether a password is on the list, as Django would find it: in any case, with white space around it or without.
pub(crate) fn has(password: &str) -> bool {
    LIST.binary_search(&password.trim().to_lowercase().as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NewPassword;

    #[test]
    fn the_list_is_sorted_and_has_nothing_that_could_not_be_found_or_chosen() {
        assert_eq!(LIST.len(), 8354);
        assert!(LIST.is_sorted_by(|one, next| one < next));
        for password in &*LIST {
            assert!(has(password), "{password} is not as it is looked up");
            assert!(password.chars().count() >= NewPassword::MIN_CHARS, "{password} is too short anyway");
        }
    }
}
