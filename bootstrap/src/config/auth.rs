//! Who may sign up and in, and how.

use std::collections::BTreeSet;

use auth_application::{AuthPolicy, Bypass, Country};
use auth_domain::{OneTimeToken, TokenLength};
use phonenumbers_adapter::Libphonenumber;
use regex::Regex;

use super::Environment;
use super::reader::Reader;

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    pub(super) fn auth(&mut self, environment: Environment) -> AuthPolicy {
        let private = environment.is_private();
        let token_length = self.parsed("AUTH_TOKEN_DIGITS", TokenLength::USUAL, "a number from 6 to 10", |raw| {
            raw.parse().ok().and_then(TokenLength::new)
        });
        AuthPolicy {
            staff_sign_up_is_open: private,
            accounts_are_hidden: self.parsed("AUTH_HIDE_ACCOUNTS", false, "true or false", |raw| raw.parse().ok()),
            token_length,
            fixed_token: self.fixed_token(private),
            bypass: self.bypass(environment),
            countries: self.sms_countries(),
        }
    }

    fn sms_countries(&mut self) -> Option<BTreeSet<Country>> {
        let raw = self.raw("SMS_COUNTRIES")?;
        let country = |it: &str| Country::parse(it.trim()).filter(Libphonenumber::knows);
        let countries: Option<BTreeSet<_>> = raw.split(',').map(country).collect();
        if countries.is_none() {
            self.fault("SMS_COUNTRIES", "countries by their two letters, like KR,US");
        }
        countries
    }

    fn fixed_token(&mut self, private: bool) -> Option<OneTimeToken> {
        let token = self.secret("AUTH_FIXED_TOKEN").ok().flatten()?;
        if !private {
            self.fault("AUTH_FIXED_TOKEN", "left alone outside local and test");
        } else if token.is_empty() || !token.bytes().all(|it| it.is_ascii_digit()) {
            self.fault("AUTH_FIXED_TOKEN", "digits");
        }
        Some(OneTimeToken::typed(token))
    }

    /// The whole number has to match, not a part of it.
    fn bypass(&mut self, environment: Environment) -> Bypass {
        let Some(raw) = self.raw("BYPASS_PHONENUMBER_REGEX") else { return Bypass::default() };
        if environment == Environment::Prod {
            self.fault("BYPASS_PHONENUMBER_REGEX", "left alone on prod");
        }
        if let Ok(pattern) = Regex::new(&format!("^(?:{raw})$")) {
            return Bypass::of(move |number| pattern.is_match(number.as_str()));
        }
        self.fault("BYPASS_PHONENUMBER_REGEX", "a regular expression");
        Bypass::default()
    }
}
