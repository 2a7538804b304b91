//! Auth: who somebody is, proved by what they know or hold.

mod password;
mod repository;
mod session;

#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use password::{Credential, NewPassword, Password, PasswordHash, WeakPassword};
pub use repository::{AuthStore, AuthWork, CredentialRepository, SessionRepository};
#[cfg(feature = "testing")]
pub use repository::{MockCredentialRepository, MockSessionRepository};
pub use session::{RefreshTokenHash, Session, SessionSnapshot};

kernel_domain::typed_id!(
    /// Identifies an account; the user context knows the rest.
    AccountId
);
kernel_domain::typed_id!(
    /// Identifies a [`Session`].
    SessionId
);
