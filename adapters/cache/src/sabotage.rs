//! A defect to choose, so that whoever looks for it can be seen to find it: `cargo xtask chaos --controls`.
//!
//! Only debug builds with the feature `sabotage` have it, which the tests ask for; there, `SABOTAGE` names what to have, by
//! comma, as in `persistence`. Everywhere else it is never chosen, and the compiler takes it out.

/// Something that is done wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// What instances keep together stays when it is true no more.
    NoEvictions,
}

/// Whether this is done wrong.
#[cfg(all(feature = "sabotage", debug_assertions))]
pub(crate) fn is_on(sabotage: Sabotage) -> bool {
    static CHOSEN: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        #[expect(clippy::disallowed_methods, reason = "this speaks to a test build alone")]
        std::env::var("SABOTAGE").unwrap_or_default()
    });
    let name = format!("{sabotage:?}");
    CHOSEN.split(',').any(|it| it == name)
}

/// Whether this is done wrong: never.
#[cfg(not(all(feature = "sabotage", debug_assertions)))]
pub(crate) const fn is_on(_: Sabotage) -> bool {
    false
}
