//! Which database.

use super::Secret;
use super::reader::{AtFault, Reader};

const DEFAULT_DATABASE: &str = "sqlite://var/majestic.db";

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    pub(super) fn database_url(&mut self, private: bool) -> Secret {
        let rule = match self.secret("DATABASE_URL") {
            Ok(Some(url)) if is_database_url(&url) => return Secret::new(url),
            Ok(Some(_)) => "mysql://user:password@host/name or sqlite://path/to/file",
            Ok(None) if private => return Secret::new(DEFAULT_DATABASE),
            Ok(None) => "set outside local and test",
            Err(AtFault) => return Secret::new(DEFAULT_DATABASE),
        };
        self.fault("DATABASE_URL", rule);
        Secret::new(DEFAULT_DATABASE)
    }

    pub(super) fn database_replica_url(&mut self, original: &Secret) -> Option<Secret> {
        let url = self.secret("DATABASE_REPLICA_URL").ok().flatten()?;
        let scheme = |url: &str| url.split_once("://").map(|(scheme, _)| scheme.to_owned());
        if is_database_url(&url) && scheme(&url) == scheme(original.expose()) {
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
