//! Who asks S3.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredential, AwsCredentialProvider};
use object_store::{CredentialProvider, StaticCredentialProvider};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::in_time;
use crate::transport::Transport;

/// Where the keys come from.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// They are given.
    Keys(AccessKeys),
    /// The role of a task (ECS), at the path that `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` says.
    Task(String),
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
    /// Who hands out the keys, and renews those of a role five minutes before they expire.
    pub(crate) fn provider(self) -> object_store::Result<AwsCredentialProvider> {
        // Only asked for its provider, so which bucket it would use does not matter.
        let role = AmazonS3Builder::new().with_bucket_name("none").with_http_connector(Transport);
        let role = match self {
            Self::Keys(AccessKeys { id, secret, session_token }) => {
                let keys = AwsCredential { key_id: id, secret_key: secret, token: session_token };
                return Ok(Arc::new(StaticCredentialProvider::new(keys)));
            }
            Self::Task(path) => role.with_config(AmazonS3ConfigKey::ContainerCredentialsRelativeUri, path),
            Self::Machine => role,
        };
        Ok(role.build()?.credentials().clone())
    }
}

/// How old keys may be before a link that is signed with them has others fetched. Those of a role are renewed five
/// minutes before they expire, which is as long as a link is good.
const FRESH: Duration = Duration::from_mins(1);

/// The keys as they were last seen, for links that are signed without asking anybody.
#[derive(Debug)]
pub(crate) struct KnownKeys {
    provider: AwsCredentialProvider,
    known: RwLock<(Arc<AwsCredential>, Instant)>,
    /// One renewal at a time.
    renewing: Arc<Semaphore>,
}

impl KnownKeys {
    pub(crate) async fn fetch(provider: AwsCredentialProvider) -> object_store::Result<Arc<Self>> {
        let known = RwLock::new((provider.get_credential().await?, Instant::now()));
        Ok(Arc::new(Self { provider, known, renewing: Arc::new(Semaphore::new(1)) }))
    }

    /// Asks for the keys, which asks nobody as long as they are good.
    pub(crate) async fn renew(&self) -> object_store::Result<()> {
        let keys = self.provider.get_credential().await?;
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = (keys, Instant::now());
        Ok(())
    }

    /// Has the keys renewed for later, unless they are fresh, and waits for nothing. Readiness renews them too, so
    /// they are old only where nobody asks for that.
    pub(crate) fn renew_later(self: &Arc<Self>) {
        let is_fresh = self.known.read().unwrap_or_else(PoisonError::into_inner).1.elapsed() < FRESH;
        if is_fresh {
            return;
        }
        let (Ok(runtime), Ok(turn)) = (Handle::try_current(), self.renewing.clone().try_acquire_owned()) else {
            return;
        };
        let keys = self.clone();
        runtime.spawn(async move {
            if let Err(error) = in_time(keys.renew()).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "the keys of S3 cannot be renewed");
            }
            drop(turn);
        });
    }
}

#[async_trait]
impl CredentialProvider for KnownKeys {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        Ok(self.known.read().unwrap_or_else(PoisonError::into_inner).0.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use object_store::Error;

    use super::*;

    /// Hands out keys by number, as many as there are.
    #[derive(Debug)]
    struct Numbered {
        asked: AtomicUsize,
        limit: usize,
    }

    #[async_trait]
    impl CredentialProvider for Numbered {
        type Credential = AwsCredential;

        async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
            let number = self.asked.fetch_add(1, Ordering::Relaxed);
            if number >= self.limit {
                return Err(Error::Generic { store: "S3", source: "no more keys".into() });
            }
            Ok(Arc::new(AwsCredential { key_id: number.to_string(), secret_key: String::new(), token: None }))
        }
    }

    async fn known_of(limit: usize) -> (Arc<Numbered>, Arc<KnownKeys>) {
        let provider = Arc::new(Numbered { asked: AtomicUsize::new(0), limit });
        let keys = KnownKeys::fetch(provider.clone()).await.unwrap();
        (provider, keys)
    }

    async fn id(keys: &KnownKeys) -> String {
        keys.get_credential().await.unwrap().key_id.clone()
    }

    /// Until nobody renews any more.
    async fn renewed(keys: &KnownKeys) {
        drop(keys.renewing.acquire().await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn fresh_keys_are_asked_for_once() {
        let (provider, keys) = known_of(9).await;

        keys.renew_later();
        renewed(&keys).await;

        assert_eq!(id(&keys).await, "0");
        assert_eq!(provider.asked.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn old_keys_sign_at_once_and_are_renewed_meanwhile_by_one() {
        let (provider, keys) = known_of(9).await;
        tokio::time::advance(FRESH).await;

        keys.renew_later();
        keys.renew_later();

        assert_eq!(id(&keys).await, "0");
        renewed(&keys).await;
        assert_eq!(id(&keys).await, "1");
        assert_eq!(provider.asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn keys_that_cannot_be_renewed_stay() {
        let (_, keys) = known_of(1).await;
        tokio::time::advance(FRESH).await;

        keys.renew_later();
        renewed(&keys).await;

        assert_eq!(id(&keys).await, "0");
        assert!(keys.renew().await.is_err());
    }
}
