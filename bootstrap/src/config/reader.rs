//! Reads variables one by one, and goes on when one is at fault.

/// Looks variables up, and keeps what is wrong with them.
pub(super) struct Reader<L> {
    pub(super) lookup: L,
    pub(super) faults: Vec<String>,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    /// A variable that is set to nothing is not set.
    pub(super) fn raw(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|it| !it.trim().is_empty())
    }

    pub(super) fn fault(&mut self, name: &str, rule: &str) {
        self.faults.push(format!("{name} must be {rule}"));
    }

    pub(super) fn parsed<T>(&mut self, name: &str, default: T, rule: &str, parse: impl Fn(&str) -> Option<T>) -> T {
        let Some(raw) = self.raw(name) else { return default };
        parse(raw.trim()).unwrap_or_else(|| {
            self.fault(name, rule);
            default
        })
    }
}
