//! An auth context whose ports are mocks, and what became of its units of work.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use auth_domain::{
    AuthStore, AuthWork, CredentialRepository, MockCredentialRepository, MockSessionRepository, RefreshTokenHash,
    SessionRepository,
};
use kernel_application::testing::{Committed, CountingIds, Noon};
use kernel_domain::StoreError;

use crate::{
    Account, AccountType, Auth, MockAccessTokens, MockAccountDirectory, MockAuthQueries, MockPasswordHasher,
    MockRefreshTokens, RefreshToken,
};

/// The repositories of one unit of work, as mocks.
#[derive(Default)]
pub struct MockedWork {
    /// The passwords.
    pub credentials: MockCredentialRepository,
    /// The sessions.
    pub sessions: MockSessionRepository,
    committed: Committed,
}

#[async_trait]
impl AuthWork for MockedWork {
    fn credentials(&mut self) -> &mut dyn CredentialRepository {
        &mut self.credentials
    }

    fn sessions(&mut self) -> &mut dyn SessionRepository {
        &mut self.sessions
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.committed.note();
        Ok(())
    }
}

struct Prepared(Mutex<VecDeque<MockedWork>>);

#[async_trait]
impl AuthStore for Prepared {
    async fn begin(&self) -> Result<Box<dyn AuthWork>, StoreError> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front() {
            Some(work) => Ok(Box::new(work)),
            None => Err(StoreError::unavailable("no further unit of work was expected")),
        }
    }
}

/// Everything around auth; a test changes what it is about.
#[derive(Default)]
pub struct World {
    /// The first unit of work that the use case will get.
    pub work: MockedWork,
    /// The second.
    pub second_work: MockedWork,
    /// The read side.
    pub queries: MockAuthQueries,
    /// The user context.
    pub accounts: MockAccountDirectory,
    /// The password hasher.
    pub passwords: MockPasswordHasher,
}

impl World {
    /// A world in which everybody goes by this account.
    pub fn with_account(account: Option<Account>) -> Self {
        let mut world = Self::default();
        world.accounts.expect_find().returning(move |_| Ok(account.clone()));
        world
    }

    /// Auth in this world, and whether its first unit of work will be kept.
    pub fn commits(mut self) -> (Auth, Committed) {
        let committed = Committed::default();
        self.work.committed = committed.clone();
        let mut access_tokens = MockAccessTokens::new();
        access_tokens.expect_issue().returning(|_| Ok("signed".to_owned()));
        let mut refresh_tokens = MockRefreshTokens::new();
        refresh_tokens.expect_fresh().returning(|| RefreshToken::new("fresh"));
        refresh_tokens.expect_hash().returning(|_| RefreshTokenHash::new([7; 32]));
        let auth = Auth {
            store: Arc::new(Prepared(Mutex::new(VecDeque::from([self.work, self.second_work])))),
            queries: Arc::new(self.queries),
            accounts: Arc::new(self.accounts),
            passwords: Arc::new(self.passwords),
            access_tokens: Arc::new(access_tokens),
            refresh_tokens: Arc::new(refresh_tokens),
            clock: Arc::new(Noon),
            ids: Arc::new(CountingIds::default()),
        };
        (auth, committed)
    }
}

/// An active account of the staff.
pub fn an_account() -> Account {
    Account {
        id: auth_domain::testing::an_account(),
        active: true,
        account_type: AccountType::Staff,
        is_staff: false,
        is_superuser: false,
        groups: Vec::new(),
    }
}
