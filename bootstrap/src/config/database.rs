//! Which database.

use super::Secret;
use super::reader::Reader;

const DEFAULT_DATABASE: &str = "sqlite://var/majestic.db";

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    pub(super) fn database_url(&mut self, private: bool) -> Secret {
        match self.raw("DATABASE_URL") {
            Some(url) if is_database_url(&url) => Secret::new(url),
            Some(_) => {
                self.fault("DATABASE_URL", "mysql://user:password@host/name or sqlite://path/to/file");
                Secret::new(DEFAULT_DATABASE)
            }
            None => {
                if !private {
                    self.fault("DATABASE_URL", "set outside local and test");
                }
                Secret::new(DEFAULT_DATABASE)
            }
        }
    }

    pub(super) fn database_replica_url(&mut self) -> Option<Secret> {
        let url = self.raw("DATABASE_REPLICA_URL")?;
        let scheme = |url: &str| url.split_once("://").map(|(scheme, _)| scheme.to_owned());
        let original = self.raw("DATABASE_URL").unwrap_or_else(|| DEFAULT_DATABASE.to_owned());
        if is_database_url(&url) && scheme(&url) == scheme(&original) {
            return Some(Secret::new(url));
        }
        self.fault("DATABASE_REPLICA_URL", "of the same kind as DATABASE_URL");
        None
    }
}

/// Whether this can lead to a database; what else the URL says is for the driver to judge.
fn is_database_url(raw: &str) -> bool {
    match raw.split_once("://") {
        Some(("sqlite", path)) => !path.is_empty(),
        Some(("mysql", _)) => url::Url::parse(raw).is_ok_and(|url| url.has_host() && url.path().len() > 1),
        _ => false,
    }
}
