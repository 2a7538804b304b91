//! What one-time tokens may cost altogether, in text messages and in guesses. The limits of one number are rules of its
//! verification.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_domain::{Network, PhoneNumber};
use chrono::{DateTime, TimeDelta, Utc};
use kernel_application::{Rate, Throttle, Verdict};
use kernel_domain::StoreError;

/// The scope of all text messages.
pub const MESSAGES: &str = "sms-total";
/// The scope of the text messages to one block of numbers.
pub const MESSAGES_TO_BLOCK: &str = "sms-block";
/// The scope of all wrong one-time tokens.
pub const WRONG_TOKENS: &str = "wrong-tokens";
/// The scope of the wrong one-time tokens that come from one network.
pub const WRONG_TOKENS_OF_NETWORK: &str = "wrong-tokens-network";

/// Networks that are remembered to have guessed too often. Those beyond are held to what all may guess together.
const CLOSED_NETWORKS: usize = 10_000;

/// The last digits of a number, in which those of one block differ.
const DIGITS_IN_BLOCK: usize = 4;

/// What counts together where everything does.
const EVERYTHING: &str = "*";

/// How often something may happen, whoever asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRates {
    /// Text messages altogether: what somebody can make us pay for.
    pub messages: Rate,
    /// Text messages to numbers that differ in their last four digits only: who has numbers made for being sent
    /// messages has them in a row.
    pub messages_to_block: Rate,
    /// Wrong tokens altogether: each has a chance of one in a million, for whichever number it is tried.
    pub wrong_tokens: Rate,
    /// Wrong tokens from one network: who has the addresses of one does not use up what all may guess together.
    pub wrong_tokens_of_network: Rate,
}

impl Default for TokenRates {
    fn default() -> Self {
        const HOUR: Duration = Duration::from_hours(1);
        const DAY: Duration = Duration::from_hours(24);
        Self {
            messages: Rate { limit: 5_000, window: HOUR },
            messages_to_block: Rate { limit: 50, window: HOUR },
            wrong_tokens: Rate { limit: 1_000, window: DAY },
            wrong_tokens_of_network: Rate { limit: 200, window: DAY },
        }
    }
}

/// Too much of something for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{scope} has reached its limit")]
pub struct LimitReached {
    /// Of what.
    pub scope: &'static str,
    /// How much there may be.
    pub rate: Rate,
    /// How long it may take until there may be more.
    pub retry_after: Duration,
}

/// Counts text messages and wrong tokens, for all instances that share the throttle.
pub struct TokenLimits {
    throttle: Arc<dyn Throttle>,
    rates: TokenRates,
    closed: Mutex<Closed>,
}

/// Until when nobody is believed, as far as this instance has heard. Others hear of it with their next wrong token.
#[derive(Default)]
struct Closed {
    to_all: Option<DateTime<Utc>>,
    to: HashMap<Network, DateTime<Utc>>,
}

impl Closed {
    fn close(&mut self, network: Network, until: DateTime<Utc>, now: DateTime<Utc>) {
        if self.to.len() >= CLOSED_NETWORKS {
            self.to.retain(|_, until| *until > now);
        }
        if self.to.len() < CLOSED_NETWORKS {
            self.to.insert(network, until);
        }
    }
}

impl TokenLimits {
    /// Counts with `throttle`.
    pub fn new(throttle: Arc<dyn Throttle>, rates: TokenRates) -> Self {
        Self { throttle, rates, closed: Mutex::default() }
    }

    /// Counts a text message to this number, if it may go out.
    pub(crate) async fn message_to(&self, number: &PhoneNumber) -> Result<Result<(), LimitReached>, StoreError> {
        let counts = [
            (MESSAGES_TO_BLOCK, block_of(number), self.rates.messages_to_block),
            (MESSAGES, EVERYTHING, self.rates.messages),
        ];
        for (scope, counted, rate) in counts {
            let verdict = self.throttle.hit(scope, counted, rate).await?;
            if !verdict.allowed {
                return Ok(Err(LimitReached { scope, rate, retry_after: verdict.reset_after }));
            }
        }
        Ok(Ok(()))
    }

    /// Counts a token that was wrong, shown from `network`.
    pub(crate) async fn wrong_token(&self, network: Option<Network>, now: DateTime<Utc>) -> Result<(), StoreError> {
        if let Some(network) = network {
            let rate = self.rates.wrong_tokens_of_network;
            let verdict = self.throttle.hit(WRONG_TOKENS_OF_NETWORK, network.as_str(), rate).await?;
            if verdict.remaining == 0 {
                self.closed().close(network, end_of(verdict, now), now);
            }
        }
        let verdict = self.throttle.hit(WRONG_TOKENS, EVERYTHING, self.rates.wrong_tokens).await?;
        if verdict.remaining == 0 {
            self.closed().to_all = Some(end_of(verdict, now));
        }
        Ok(())
    }

    /// Whether tokens of anybody there are compared.
    pub(crate) fn comparing(&self, network: Option<&Network>, now: DateTime<Utc>) -> Result<(), LimitReached> {
        let closed = self.closed();
        let to_network = network.and_then(|it| closed.to.get(it)).copied();
        for (scope, rate, until) in [
            (WRONG_TOKENS, self.rates.wrong_tokens, closed.to_all),
            (WRONG_TOKENS_OF_NETWORK, self.rates.wrong_tokens_of_network, to_network),
        ] {
            let left = until.and_then(|it| (it - now).to_std().ok()).filter(|left| !left.is_zero());
            if let Some(retry_after) = left {
                return Err(LimitReached { scope, rate, retry_after });
            }
        }
        Ok(())
    }

    fn closed(&self) -> MutexGuard<'_, Closed> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When what a throttle counted is forgotten.
fn end_of(verdict: Verdict, now: DateTime<Utc>) -> DateTime<Utc> {
    now + TimeDelta::from_std(verdict.reset_after).unwrap_or(TimeDelta::days(1))
}

/// The digits that a number shares with its neighbours.
fn block_of(number: &PhoneNumber) -> &str {
    let digits = number.as_str();
    digits.get(..digits.len().saturating_sub(DIGITS_IN_BLOCK)).unwrap_or(digits)
}

#[cfg(test)]
mod tests {
    use kernel_application::MockThrottle;
    use kernel_application::testing::noon;

    use super::*;

    fn number(raw: &str) -> PhoneNumber {
        PhoneNumber::parse(raw).expect("a number")
    }

    #[test]
    fn neighbours_share_a_block() {
        assert_eq!(block_of(&number("+821012345678")), block_of(&number("+821012349999")));
        assert_ne!(block_of(&number("+821012345678")), block_of(&number("+821012355678")));
    }

    #[tokio::test]
    async fn the_last_wrong_token_closes_for_as_long_as_the_throttle_says() {
        let mut left = 2;
        let mut throttle = MockThrottle::new();
        throttle.expect_hit().returning(move |_, _, _| {
            left -= 1;
            Ok(Verdict { allowed: true, remaining: left, reset_after: Duration::from_mins(5) })
        });
        let limits = TokenLimits::new(Arc::new(throttle), TokenRates::default());

        limits.wrong_token(None, noon()).await.expect("it is counted");
        assert_eq!(limits.comparing(None, noon()), Ok(()));
        limits.wrong_token(None, noon()).await.expect("it is counted");

        let refused = limits.comparing(None, noon()).expect_err("that was the last one");
        assert_eq!((refused.scope, refused.retry_after), (WRONG_TOKENS, Duration::from_mins(5)));
        assert_eq!(limits.comparing(None, noon() + TimeDelta::minutes(5)), Ok(()));
    }

    #[tokio::test]
    async fn a_network_that_guesses_is_closed_and_others_are_not() {
        let network = |address: &str| auth_domain::Device::seen(None, Some(address)).network();
        let mut throttle = MockThrottle::new();
        throttle.expect_hit().returning(|scope, counted, _| {
            let is_last = (scope, counted) == (WRONG_TOKENS_OF_NETWORK, "192.0.2.0/24");
            Ok(Verdict { allowed: true, remaining: u32::from(!is_last), reset_after: Duration::from_mins(5) })
        });
        let limits = TokenLimits::new(Arc::new(throttle), TokenRates::default());

        limits.wrong_token(network("192.0.2.1"), noon()).await.expect("it is counted");
        limits.wrong_token(network("198.51.100.1"), noon()).await.expect("it is counted");

        let refused = limits.comparing(network("192.0.2.200").as_ref(), noon()).expect_err("that was the last one");
        assert_eq!((refused.scope, refused.retry_after), (WRONG_TOKENS_OF_NETWORK, Duration::from_mins(5)));
        for other in [network("198.51.100.1"), None] {
            assert_eq!(limits.comparing(other.as_ref(), noon()), Ok(()));
        }
        assert_eq!(limits.comparing(network("192.0.2.1").as_ref(), noon() + TimeDelta::minutes(5)), Ok(()));
    }

    #[test]
    fn no_more_networks_are_remembered_than_fit() {
        let (mut closed, until) = (Closed::default(), noon() + TimeDelta::minutes(5));
        let network = |number: usize| {
            let number = u32::try_from(number << 8).expect("an address");
            Network::of(std::net::Ipv4Addr::from(number).into())
        };
        for number in 0..=CLOSED_NETWORKS {
            closed.close(network(number), until, noon());
        }
        assert_eq!(closed.to.len(), CLOSED_NETWORKS);
        assert!(!closed.to.contains_key(&network(CLOSED_NETWORKS)));
        closed.close(network(CLOSED_NETWORKS), until + TimeDelta::minutes(5), until);
        assert_eq!(closed.to.len(), 1, "those that are open again make room");
    }

    #[tokio::test]
    async fn a_message_counts_for_its_block_and_for_all() {
        let mut throttle = MockThrottle::new();
        let allowed = Verdict { allowed: true, remaining: 1, reset_after: Duration::from_mins(1) };
        let refused = Verdict { allowed: false, remaining: 0, ..allowed };
        let of_block = |scope: &str, counted: &str, _: &Rate| (scope, counted) == (MESSAGES_TO_BLOCK, "+82101234");
        throttle.expect_hit().withf(of_block).returning(move |_, _, _| Ok(allowed));
        throttle.expect_hit().withf(|scope, _, _| scope == MESSAGES).returning(move |_, _, _| Ok(refused));
        let limits = TokenLimits::new(Arc::new(throttle), TokenRates::default());

        let counted = limits.message_to(&number("+821012345678")).await.expect("it is counted");

        assert_eq!(counted.map_err(|it| it.scope), Err(MESSAGES));
    }
}
