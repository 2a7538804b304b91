//! An auth context whose ports are mocks, and what became of its units of work.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use auth_domain::{
    AccountId, AllowedNumberRepository, ApiKeyRepository, AuthStore, AuthWork, CredentialRepository,
    MockAllowedNumberRepository, MockApiKeyRepository, MockCredentialRepository, MockSessionRepository,
    MockVerificationRepository, PasswordHash, RefreshTokenHash, Session, SessionRepository, VerificationRepository,
};
use kernel_application::Throttle;
use kernel_application::testing::{Committed, CountingIds, NoLimit, NoPause, NoScope, Noon, PlainHash};
use kernel_domain::{MockOutbox, Outbox, StoreError};

use crate::{
    Account, AccountType, Auth, AuthPolicy, EndedSessions, MockAccessTokens, MockAccountDirectory, MockApiKeys,
    MockAuthQueries, MockNumberingPlans, MockPasswordHasher, MockRefreshTokens, Profile, RecentKeys, RecentNumbers,
    RefreshToken, TokenLimits, TokenRates,
};

/// The repositories of one unit of work, as mocks.
#[derive(Default)]
pub struct MockedWork {
    /// The passwords.
    pub credentials: MockCredentialRepository,
    /// The sessions.
    pub sessions: MockSessionRepository,
    /// The numbers that are being proved.
    pub verifications: MockVerificationRepository,
    /// The API keys.
    pub api_keys: MockApiKeyRepository,
    /// The numbers whose owners may sign up as staff.
    pub allowed_numbers: MockAllowedNumberRepository,
    /// The events.
    pub outbox: MockOutbox,
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

    fn verifications(&mut self) -> &mut dyn VerificationRepository {
        &mut self.verifications
    }

    fn api_keys(&mut self) -> &mut dyn ApiKeyRepository {
        &mut self.api_keys
    }

    fn allowed_numbers(&mut self) -> &mut dyn AllowedNumberRepository {
        &mut self.allowed_numbers
    }

    fn outbox(&mut self) -> &mut dyn Outbox {
        &mut self.outbox
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.committed.note();
        Ok(())
    }
}

struct Prepared {
    works: Mutex<VecDeque<MockedWork>>,
    sessions_may_be_opened: Mutex<usize>,
}

#[async_trait]
impl AuthStore for Prepared {
    async fn begin(&self) -> Result<Box<dyn AuthWork>, StoreError> {
        match self.works.lock().unwrap_or_else(PoisonError::into_inner).pop_front() {
            Some(work) => Ok(Box::new(work)),
            None => Err(StoreError::unavailable("no further unit of work was expected")),
        }
    }

    async fn open(&self, _: &Session, _: &PasswordHash) -> Result<bool, StoreError> {
        let mut left = self.sessions_may_be_opened.lock().unwrap_or_else(PoisonError::into_inner);
        let is_opened = left.checked_sub(1);
        *left = is_opened.unwrap_or_default();
        Ok(is_opened.is_some())
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
    /// Makes and reads API keys.
    pub api_keys: MockApiKeys,
    /// Counts text messages and wrong tokens; without one, there may be any number.
    pub throttle: Option<Arc<dyn Throttle>>,
    /// How many sessions may be opened outside of units of work; for others, the password has been changed.
    pub sessions_may_be_opened: usize,
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
        access_tokens.expect_public_keys().returning(Vec::new);
        let mut refresh_tokens = MockRefreshTokens::new();
        refresh_tokens.expect_fresh().returning(|| RefreshToken::new("fresh"));
        refresh_tokens.expect_hash().returning(|_| RefreshTokenHash::new([7; 32]));
        let mut numbering_plans = MockNumberingPlans::new();
        numbering_plans.expect_assignable().returning(|it| Ok(it.clone()));
        let auth = Auth {
            store: Arc::new(Prepared {
                works: Mutex::new(VecDeque::from([self.work, self.second_work])),
                sessions_may_be_opened: Mutex::new(self.sessions_may_be_opened),
            }),
            scope: Arc::new(NoScope),
            queries: Arc::new(self.queries),
            accounts: Arc::new(self.accounts),
            numbering_plans: Arc::new(numbering_plans),
            passwords: Arc::new(self.passwords),
            access_tokens: Arc::new(access_tokens),
            refresh_tokens: Arc::new(refresh_tokens),
            hash: Arc::new(PlainHash),
            api_keys: Arc::new(self.api_keys),
            ended: EndedSessions::default(),
            recent_keys: RecentKeys::default(),
            recent_numbers: RecentNumbers::default(),
            limits: TokenLimits::new(self.throttle.unwrap_or_else(|| Arc::new(NoLimit)), TokenRates::default()),
            policy: AuthPolicy::default(),
            clock: Arc::new(Noon),
            ids: Arc::new(CountingIds::default()),
            pauses: Arc::new(NoPause),
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

/// What the owner of an account sees of themselves.
pub fn a_profile(account_id: AccountId) -> Profile {
    Profile {
        account_id,
        phone_number: Some("+821012345678".to_owned()),
        username: "821012345678".to_owned(),
        full_name: None,
        image_url: None,
        account_type: AccountType::Driver,
        groups: Vec::new(),
        date_of_birth: None,
    }
}
