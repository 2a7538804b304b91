//! Who asks `EventBridge`.

use std::fmt;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_sdk_eventbridge::config::{self, SharedCredentialsProvider, SharedHttpClient};

/// Where the keys come from.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// They are given.
    Keys(AccessKeys),
    /// The role of a task (ECS). Where its keys are, the platform says in variables that Amazon's client reads itself.
    Task,
    /// The role of the machine (EC2).
    Machine,
}

/// Keys of AWS.
#[derive(Clone)]
pub struct AccessKeys {
    id: String,
    secret: String,
    session_token: Option<String>,
}

impl AccessKeys {
    /// Takes keys; those of a role come with a session token.
    pub fn new(id: impl Into<String>, secret: impl Into<String>, session_token: Option<String>) -> Self {
        Self { id: id.into(), secret: secret.into(), session_token }
    }
}

/// Says nothing: the secret is in there.
impl fmt::Debug for AccessKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKeys").finish_non_exhaustive()
    }
}

impl Credentials {
    /// Who hands out the keys; those of a role are renewed before they expire.
    pub(crate) fn provider(self, http: SharedHttpClient) -> SharedCredentialsProvider {
        let roles = ProviderConfig::without_region().with_http_client(http);
        match self {
            Self::Keys(AccessKeys { id, secret, session_token }) => SharedCredentialsProvider::new(
                config::Credentials::new(id, secret, session_token, None, "configuration"),
            ),
            Self::Task => SharedCredentialsProvider::new(EcsCredentialsProvider::builder().configure(&roles).build()),
            Self::Machine => {
                SharedCredentialsProvider::new(ImdsCredentialsProvider::builder().configure(&roles).build())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_not_shown() {
        let keys = Credentials::Keys(AccessKeys::new("AKIAHUNTER", "hunter2", Some("hunter3".to_owned())));

        assert!(!format!("{keys:?}").to_lowercase().contains("hunter"), "{keys:?}");
    }
}
