//! Auth use cases. One file each; the file name is the use case.

use std::sync::Arc;

use auth_domain::AuthStore;
use kernel_application::{Clock, Ids};

mod authenticate;
mod create_superuser;
mod ports;
mod queries;
mod sign_in;

#[cfg(feature = "testing")]
pub mod testing;

pub use authenticate::{AuthenticateError, PresentedToken};
pub use create_superuser::{CreateSuperuser, CreateSuperuserError};
pub use ports::{
    AccessTokens, Account, AccountDirectory, AccountType, Claims, IssueError, NewAccount, PasswordHasher, RefreshToken,
    RefreshTokens, RegisterError, RequestFacts, SignInName, TokenRefused, VerifiedToken,
};
#[cfg(feature = "testing")]
pub use ports::{MockAccessTokens, MockAccountDirectory, MockPasswordHasher, MockRefreshTokens};
pub use queries::AuthQueries;
#[cfg(feature = "testing")]
pub use queries::MockAuthQueries;
pub use sign_in::{SignIn, SignInError, SignedIn};

/// The auth context, as the outside sees it: its driving port.
pub struct Auth {
    /// Where units of work begin.
    pub store: Arc<dyn AuthStore>,
    /// The read side.
    pub queries: Arc<dyn AuthQueries>,
    /// Who there is.
    pub accounts: Arc<dyn AccountDirectory>,
    /// Hashes passwords, and takes its time.
    pub passwords: Arc<dyn PasswordHasher>,
    /// Signs and reads access tokens.
    pub access_tokens: Arc<dyn AccessTokens>,
    /// Makes refresh tokens.
    pub refresh_tokens: Arc<dyn RefreshTokens>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn Ids>,
}
