//! The rules of auth, as clients know them: a code each, and a sentence for people.
//!
//! | code | field | what it says |
//! |---|---|---|
//! | `unique` | `phonenumber` | somebody has the number |
//! | `user_not_found` | `phonenumber` | nobody has the number |
//! | `user_banned` | `phonenumber` | its owner was banned |
//! | `user_inactive` | | the account cannot be used (401) |
//! | `no_active_account` | | a name or a password is wrong |
//! | `throttled` | | the number had its tokens for today (429) |
//! | `verification_not_sent` | `phonenumber` | no token was requested, or a newer one was for something else |
//! | `verification_expired` | `token` | the token came too late |
//! | `verification_void` | `token` | the token was used, or guessed at too often |
//! | `verification_stopped` | `phonenumber` | too many wrong tokens were shown for the number |
//! | `invalid_token` | `token` | it is not the one that was sent |
//! | `phonenumber_not_confirmed` | `phonenumber` | the number was not proved, or too long ago |
//! | `staff_not_allowed` | `user_type` | the number is not among those of the staff |
//! | `password_too_short`, `password_too_long` | that of the password | characters count, nothing else |
//! | `password_too_common` | that of the password | everybody uses it |
//! | `wrong_password` | `password` | the current password is another one |
//! | `token_not_valid` | | an access or refresh token is good no more (401) |
//! | `refresh_token_not_yours` | `refresh` | it is none of whoever asks |
//! | `account_of_superuser` | | a superuser cannot leave before the flag is taken off |
//! | `already_expired` | `expires_at` | the key would never have been good |
//! | `empty` | `scopes` | the key would be good for nothing |
//!
//! No wildcard arms: a new refusal does not compile until somebody picks its code.

use auth_application::UnassignableNumber;
use auth_domain::{
    ApiKeyName, CannotConfirm, CannotCreateApiKey, InvalidApiKeyName, InvalidPhoneNumber, NewPassword, NotConfirmed,
    WeakPassword,
};

use crate::fault::Fault;
use crate::messages::Message;

pub(super) const NUMBER: &str = "phonenumber";
pub(super) const TOKEN: &str = "token";
pub(super) const REFRESH: &str = "refresh";
pub(super) const USER_TYPE: &str = "user_type";

pub(super) fn number_taken() -> Fault {
    Fault::unique(NUMBER)
}

pub(super) fn number_unknown() -> Fault {
    Fault::new("user_not_found", Message::NumberUnknown).of(NUMBER)
}

pub(super) fn number_banned() -> Fault {
    Fault::new("user_banned", Message::NumberBanned).of(NUMBER)
}

pub(super) fn number_blocked() -> Fault {
    Fault::new("throttled", Message::NumberBlocked)
}

pub(super) fn number_stopped() -> Fault {
    Fault::new("verification_stopped", Message::VerificationStopped).of(NUMBER)
}

pub(super) fn inactive() -> Fault {
    Fault::new("user_inactive", Message::UserInactive)
}

pub(super) fn no_active_account() -> Fault {
    Fault::new("no_active_account", Message::NoActiveAccount)
}

pub(super) fn wrong_token() -> Fault {
    Fault::new("invalid_token", Message::WrongOneTimeToken).of(TOKEN)
}

pub(super) fn not_staff() -> Fault {
    Fault::new("staff_not_allowed", Message::StaffNotAllowed).of(USER_TYPE)
}

pub(super) fn token_not_valid() -> Fault {
    Fault::new("token_not_valid", Message::TokenNotValid)
}

pub(super) fn refresh_token_not_yours() -> Fault {
    Fault::new("refresh_token_not_yours", Message::RefreshTokenNotYours).of(REFRESH)
}

pub(super) fn wrong_password() -> Fault {
    Fault::new("wrong_password", Message::WrongPassword).of("password")
}

pub(super) fn account_of_superuser() -> Fault {
    Fault::new("account_of_superuser", Message::AccountOfSuperuser)
}

/// The same as for a text that has not even the form of a number.
impl From<UnassignableNumber> for Fault {
    fn from(UnassignableNumber: UnassignableNumber) -> Self {
        Self::from(InvalidPhoneNumber).of(NUMBER)
    }
}

impl From<CannotConfirm> for Fault {
    fn from(refusal: CannotConfirm) -> Self {
        match refusal {
            CannotConfirm::NotRequested => Self::new("verification_not_sent", Message::VerificationNotSent).of(NUMBER),
            CannotConfirm::Expired => Self::new("verification_expired", Message::VerificationExpired).of(TOKEN),
            CannotConfirm::Void => Self::new("verification_void", Message::VerificationVoid).of(TOKEN),
            CannotConfirm::Stopped => number_stopped(),
        }
    }
}

impl From<NotConfirmed> for Fault {
    fn from(NotConfirmed: NotConfirmed) -> Self {
        Self::new("phonenumber_not_confirmed", Message::NumberNotConfirmed).of(NUMBER)
    }
}

impl From<WeakPassword> for Fault {
    fn from(refusal: WeakPassword) -> Self {
        match refusal {
            WeakPassword::TooShort => {
                Self::new("password_too_short", Message::PasswordTooShort { least: NewPassword::MIN_CHARS })
            }
            WeakPassword::TooLong => {
                Self::new("password_too_long", Message::PasswordTooLong { most: NewPassword::MAX_CHARS })
            }
            WeakPassword::Common => Self::new("password_too_common", Message::PasswordTooCommon),
        }
    }
}

impl From<InvalidApiKeyName> for Fault {
    fn from(invalid: InvalidApiKeyName) -> Self {
        match invalid {
            InvalidApiKeyName::Blank => Self::blank(),
            InvalidApiKeyName::TooLong => Self::too_long(ApiKeyName::MAX_CHARS),
        }
    }
}

impl From<CannotCreateApiKey> for Fault {
    fn from(refusal: CannotCreateApiKey) -> Self {
        match refusal {
            CannotCreateApiKey::AlreadyExpired => {
                Self::new("already_expired", Message::AlreadyExpired).of("expires_at")
            }
            CannotCreateApiKey::NoScope => Self::new("empty", Message::EmptyList).of("scopes"),
        }
    }
}
