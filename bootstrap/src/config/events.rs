//! Where events go.

use super::reader::Reader;

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    /// The only place that events go to today.
    pub(super) fn events_url(&mut self) {
        if self.raw("EVENTS_URL").is_some_and(|url| url != "log:") {
            self.fault("EVENTS_URL", "log:");
        }
    }
}
