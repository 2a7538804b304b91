//! Where pictures are kept.

use storage_adapter::{AccessKeys, Credentials, StorageUrl};

use super::Environment;
use super::reader::Reader;

const DEFAULT_STORAGE: &str = "file:var/media";

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    /// Pictures travel in clear only where nobody's are at stake.
    pub(super) fn storage(&mut self, environment: Environment) -> StorageUrl {
        let url = self.raw("STORAGE_URL").unwrap_or_else(|| DEFAULT_STORAGE.to_owned());
        let url = StorageUrl::parse(&url).unwrap_or_else(|error| {
            self.faults.push(format!("STORAGE_URL: {error}"));
            StorageUrl::Folder(std::path::PathBuf::new())
        });
        if matches!(environment, Environment::Stage | Environment::Prod) && url.is_in_clear() {
            self.fault("STORAGE_URL", "reached by https:// on stage and prod");
        }
        url
    }

    pub(super) fn storage_credentials(&mut self) -> Credentials {
        let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
        let [Ok(id), Ok(secret), Ok(token)] = names.map(|it| self.secret(it)) else { return Credentials::Machine };
        match (id, secret) {
            (Some(id), Some(secret)) => return Credentials::Keys(AccessKeys::new(id, secret, token)),
            (Some(_), None) => self.fault("AWS_SECRET_ACCESS_KEY", "set where AWS_ACCESS_KEY_ID is"),
            (None, Some(_)) => self.fault("AWS_ACCESS_KEY_ID", "set where AWS_SECRET_ACCESS_KEY is"),
            (None, None) => {}
        }
        self.raw("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").map_or(Credentials::Machine, Credentials::Task)
    }
}
