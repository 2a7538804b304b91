//! What differs from one environment to the next.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use auth_domain::{OneTimeToken, PhoneNumber, TokenLength};

type IsExempt = dyn Fn(&PhoneNumber) -> bool + Send + Sync;

/// Numbers that need no token. `Debug` shows only whether there are any.
#[derive(Clone, Default)]
pub struct Bypass(Option<Arc<IsExempt>>);

impl Bypass {
    /// The numbers that `is_exempt` accepts.
    pub fn of(is_exempt: impl Fn(&PhoneNumber) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(is_exempt)))
    }

    /// Whether this number needs no token.
    pub fn covers(&self, number: &PhoneNumber) -> bool {
        self.0.as_ref().is_some_and(|is_exempt| is_exempt(number))
    }
}

impl fmt::Debug for Bypass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Bypass(some)" } else { "Bypass(none)" })
    }
}

/// A country, by the two letters of ISO 3166-1: `KR`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Country(String);

impl Country {
    /// The country of these two letters, in any case.
    pub fn parse(raw: &str) -> Option<Self> {
        let is_code = raw.len() == 2 && raw.bytes().all(|it| it.is_ascii_alphabetic());
        is_code.then(|| Self(raw.to_ascii_uppercase()))
    }

    /// Its two letters.
    pub fn code(&self) -> &str {
        &self.0
    }
}

/// What differs from one environment to the next. By default nobody is exempt, and nothing is fixed.
#[derive(Debug, Clone)]
pub struct AuthPolicy {
    /// Whether anybody may sign up as staff; else only owners of allowed numbers.
    pub staff_sign_up_is_open: bool,
    /// Whether nobody is told who has an account: known and unknown numbers get the same answers.
    pub accounts_are_hidden: bool,
    /// How many digits a one-time token has.
    pub token_length: TokenLength,
    /// The token that is always sent, where nothing is at stake.
    pub fixed_token: Option<OneTimeToken>,
    /// Numbers that need no token.
    pub bypass: Bypass,
    /// Where text messages go, if not everywhere: what is sent to other countries is seldom for customers, and somebody
    /// earns by it.
    pub countries: Option<BTreeSet<Country>>,
}

impl Default for AuthPolicy {
    fn default() -> Self {
        Self {
            staff_sign_up_is_open: false,
            accounts_are_hidden: false,
            token_length: TokenLength::USUAL,
            fixed_token: None,
            bypass: Bypass::default(),
            countries: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_two_letters_in_any_case() {
        for raw in ["KR", "kr", "Kr"] {
            assert_eq!(Country::parse(raw).as_ref().map(Country::code), Some("KR"), "{raw}");
        }
        for raw in ["", "K", "KOR", "K1", "+8", "é"] {
            assert_eq!(Country::parse(raw), None, "{raw}");
        }
    }

    #[test]
    fn a_log_shows_whether_any_number_is_exempt_and_not_which() {
        assert_eq!(format!("{:?}", Bypass::of(|_| true)), "Bypass(some)");
        assert_eq!(format!("{:?}", Bypass::default()), "Bypass(none)");
    }
}
