//! Auth's store: one unit of work, seen through its ports.

mod allowed_numbers;
mod api_keys;
mod challenges;
mod credentials;
mod queries;
mod sessions;

use std::collections::HashMap;

use async_trait::async_trait;
use auth_domain::{
    AllowedNumberRepository, ApiKeyRepository, AuthStore, AuthWork, CredentialRepository, PasswordHash, PhoneNumber,
    RefreshTokenHash, Session, SessionId, SessionRepository, VerificationRepository,
};
use kernel_domain::{Outbox, RecordedEvent, StoreError};

use super::{Stores, Unit};
use challenges::ChallengeRow;

#[async_trait]
impl AuthStore for Stores {
    async fn begin(&self) -> Result<Box<dyn AuthWork>, StoreError> {
        let unit = self.begin_unit().await?;
        Ok(Box::new(Work { unit, tokens: HashMap::new(), newest: HashMap::new() }))
    }

    async fn open(&self, session: &Session, proved: &PasswordHash) -> Result<bool, StoreError> {
        let mut lease = self.writer().await?;
        sessions::open(lease.connection(), session, proved).await
    }
}

struct Work {
    unit: Unit,
    /// The refresh token of each session that was found or saved here, as it is kept.
    tokens: HashMap<SessionId, RefreshTokenHash>,
    /// The newest challenge of each number that was found or saved here, as it is kept; none if nothing was requested.
    newest: HashMap<PhoneNumber, Option<ChallengeRow>>,
}

#[async_trait]
impl AuthWork for Work {
    fn credentials(&mut self) -> &mut dyn CredentialRepository {
        self
    }

    fn sessions(&mut self) -> &mut dyn SessionRepository {
        self
    }

    fn verifications(&mut self) -> &mut dyn VerificationRepository {
        self
    }

    fn api_keys(&mut self) -> &mut dyn ApiKeyRepository {
        self
    }

    fn allowed_numbers(&mut self) -> &mut dyn AllowedNumberRepository {
        self
    }

    fn outbox(&mut self) -> &mut dyn Outbox {
        self
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.unit.commit().await
    }
}

#[async_trait]
impl Outbox for Work {
    async fn append(&mut self, events: &[RecordedEvent]) -> Result<(), StoreError> {
        self.unit.append(events).await
    }
}
