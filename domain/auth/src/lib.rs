//! Auth: who somebody is, proved by what they know or hold.

mod allowed_number;
mod api_key;
mod common_passwords;
mod events;
mod one_time_token;
mod password;
mod repository;
mod session;
mod verification;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use allowed_number::{AllowedNumber, Description, InvalidDescription};
pub use api_key::{
    ApiKey, ApiKeyHash, ApiKeyName, ApiKeySnapshot, CannotCreateApiKey, InvalidApiKeyName, NewApiKey, Scope,
};
pub use events::AuthEvent;
pub use kernel_domain::{InvalidPhoneNumber, PhoneNumber};
pub use one_time_token::{OneTimeToken, TokenHash, TokenLength};
pub use password::{Credential, NewPassword, Password, PasswordHash, WeakPassword};
pub use repository::{
    AllowedNumberRepository, ApiKeyRepository, AuthStore, AuthWork, CredentialRepository, FoundSession,
    SessionRepository, VerificationRepository,
};
#[cfg(feature = "testing")]
pub use repository::{
    MockAllowedNumberRepository, MockApiKeyRepository, MockCredentialRepository, MockSessionRepository,
    MockVerificationRepository,
};
pub use session::{CannotRenew, Device, Network, RefreshTokenHash, Session, SessionSnapshot};
pub use verification::{
    CannotConfirm, CannotRequest, Challenge, ChallengeState, Comparison, NewChallenge, NotConfirmed, PhoneVerification,
    Purpose, ShownBy,
};

kernel_domain::typed_id!(
    /// Identifies an account; the user context knows the rest.
    AccountId
);
kernel_domain::typed_id!(
    /// Identifies a [`Session`].
    SessionId
);
kernel_domain::typed_id!(
    /// Identifies a [`Challenge`].
    ChallengeId
);
kernel_domain::typed_id!(
    /// Identifies an [`ApiKey`].
    ApiKeyId
);
