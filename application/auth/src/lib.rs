//! Auth use cases. One file each; the file name is the use case.

use std::sync::Arc;

use auth_domain::AuthStore;
use kernel_application::{Clock, Ids, KeyedHash, Pauses, TransactionScope};

mod allow_number;
mod authenticate;
mod change_password;
mod check_phone_number;
mod close_account;
mod confirm_token;
mod create_api_key;
mod create_superuser;
mod end_sessions;
mod ended_sessions;
mod find_api_keys;
mod find_sessions;
mod operations;
mod pardon_number;
mod policy;
mod ports;
mod purge_sessions;
mod purge_verifications;
mod queries;
mod recent_keys;
mod recent_numbers;
mod renew_session;
mod request_token;
mod revoke_api_key;
mod sign_in;
mod sign_out;
mod sign_up;
mod suspend_account;
mod token_limits;
mod tokens;
mod unregister;
mod verify_token;

#[cfg(feature = "testing")]
pub mod testing;

pub use allow_number::AllowNumberError;
pub use authenticate::{AuthenticateError, PresentedApiKey, PresentedToken};
pub use change_password::{ChangePassword, ChangePasswordError};
pub use check_phone_number::{CheckPhoneNumberError, CheckedNumber};
pub use confirm_token::{ConfirmToken, ConfirmTokenError};
pub use create_api_key::{CreateApiKey, CreateApiKeyError, CreatedApiKey};
pub use create_superuser::{CreateSuperuser, CreateSuperuserError};
pub use end_sessions::EndSessionError;
pub use ended_sessions::EndedSessions;
pub use find_api_keys::FindApiKeysError;
pub use find_sessions::{FindSessionsError, OwnSession};
pub use operations::{MANAGE_API_KEYS, OWN_SESSIONS, PURGE_SESSIONS};
pub use pardon_number::PardonNumberError;
pub use policy::{AuthPolicy, Bypass, Country};
pub use ports::{
    AccessTokens, Account, AccountDirectory, AccountType, ApiKeys, Claims, CloseAccountError, IssueError,
    KeyFingerprint, NewAccount, NumberStanding, NumberingPlans, PasswordHasher, PresentedKey, Profile, PublicKey,
    RefreshToken, RefreshTokens, RegisterError, RequestFacts, SignInName, TokenRefused, UnassignableNumber, Verified,
    VerifiedToken,
};
#[cfg(feature = "testing")]
pub use ports::{
    MockAccessTokens, MockAccountDirectory, MockApiKeys, MockNumberingPlans, MockPasswordHasher, MockRefreshTokens,
};
pub use purge_sessions::PurgeSessionsError;
#[cfg(feature = "testing")]
pub use queries::MockAuthQueries;
pub use queries::{ApiKeyView, AuthQueries, SessionView};
pub use recent_keys::RecentKeys;
pub use recent_numbers::RecentNumbers;
pub use renew_session::RenewSessionError;
pub use request_token::{RequestToken, RequestTokenError, TokenRequested};
pub use revoke_api_key::RevokeApiKeyError;
pub use sign_in::{SignIn, SignInError};
pub use sign_out::SignOutError;
pub use sign_up::{SignUp, SignUpError, SignedUp};
pub use token_limits::{
    LimitReached, MESSAGES, MESSAGES_TO_BLOCK, TokenLimits, TokenRates, WRONG_TOKENS, WRONG_TOKENS_OF_NETWORK,
};
pub use tokens::TokenPair;
pub use unregister::UnregisterError;

/// The auth context, as the outside sees it: its driving port.
pub struct Auth {
    /// Where units of work begin.
    pub store: Arc<dyn AuthStore>,
    /// Keeps units of work together, those of the user context included.
    pub scope: Arc<dyn TransactionScope>,
    /// The read side.
    pub queries: Arc<dyn AuthQueries>,
    /// Who there is.
    pub accounts: Arc<dyn AccountDirectory>,
    /// Which phone numbers there can be.
    pub numbering_plans: Arc<dyn NumberingPlans>,
    /// Hashes passwords, and takes its time.
    pub passwords: Arc<dyn PasswordHasher>,
    /// Hashes one-time tokens.
    pub hash: Arc<dyn KeyedHash>,
    /// Signs and reads access tokens.
    pub access_tokens: Arc<dyn AccessTokens>,
    /// Makes refresh tokens.
    pub refresh_tokens: Arc<dyn RefreshTokens>,
    /// Makes and reads API keys.
    pub api_keys: Arc<dyn ApiKeys>,
    /// Whose tokens are good no more.
    pub ended: EndedSessions,
    /// Keys that were shown of late.
    pub recent_keys: RecentKeys,
    /// Numbers that were seen of late.
    pub recent_numbers: RecentNumbers,
    /// What one-time tokens may cost altogether.
    pub limits: TokenLimits,
    /// What differs from one environment to the next.
    pub policy: AuthPolicy,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn Ids>,
    /// Lets time pass where it would tell something.
    pub pauses: Arc<dyn Pauses>,
}
