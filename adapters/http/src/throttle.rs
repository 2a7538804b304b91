//! How often somebody may ask, by named scopes.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use auth_application::{MESSAGES, MESSAGES_TO_BLOCK, TokenRates, WRONG_TOKENS, WRONG_TOKENS_OF_NETWORK};
use kernel_application::{Identity, Rate, Throttle, Verdict};
use poem::http::{HeaderName, HeaderValue};
use poem::{Endpoint, FromRequest, Middleware, Request, RequestBody, Response, Result};

use crate::observer::Observer;
use crate::problem::{Limit, Problem};
use crate::{caller, idempotency, origin};

/// The scopes of requests, and how often each lets the same caller pass.
const SCOPES: [(&str, u32, Duration); 9] = [
    (AnonDefault::NAME, 30, Duration::from_mins(1)),
    (AnonBurst::NAME, 120, Duration::from_mins(1)),
    (AnonSuppressed::NAME, 10, Duration::from_mins(1)),
    (UserDefault::NAME, 60, Duration::from_mins(1)),
    (UserBurst::NAME, 120, Duration::from_mins(1)),
    (UserSuppressed::NAME, 10, Duration::from_mins(1)),
    (AuthCheck::NAME, 30, Duration::from_mins(1)),
    (SmsRequest::NAME, 10, Duration::from_mins(1)),
    (API_KEY, 6000, Duration::from_mins(1)),
];

/// The scope of whoever shows an API key, whatever they ask for.
const API_KEY: &str = "api-key";

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// What answers tell in their headers: the most requests, how many are left, and the seconds until there is one more.
pub(crate) const HEADERS: [HeaderName; 3] = [LIMIT, REMAINING, RESET];

/// The rate of every scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates(BTreeMap<&'static str, Rate>);

/// Why rates cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRate {
    /// There is no such scope.
    #[error("there is no scope {0}")]
    UnknownScope(String),
    /// It is no rate.
    #[error("{0} is no rate: it should be like 30/min, with s, m, h or d")]
    Malformed(String),
}

impl Default for Rates {
    fn default() -> Self {
        let usual = TokenRates::default();
        let of_tokens = [
            (MESSAGES, usual.messages),
            (MESSAGES_TO_BLOCK, usual.messages_to_block),
            (WRONG_TOKENS, usual.wrong_tokens),
            (WRONG_TOKENS_OF_NETWORK, usual.wrong_tokens_of_network),
        ];
        let of_requests = SCOPES.into_iter().map(|(scope, limit, window)| (scope, Rate { limit, window }));
        Self(of_requests.chain(of_tokens).collect())
    }
}

impl Rates {
    /// Those that no single caller is measured by, but all one-time tokens together.
    pub fn of_tokens(&self) -> TokenRates {
        let usual = TokenRates::default();
        let rate = |scope, usual| self.0.get(scope).copied().unwrap_or(usual);
        TokenRates {
            messages: rate(MESSAGES, usual.messages),
            messages_to_block: rate(MESSAGES_TO_BLOCK, usual.messages_to_block),
            wrong_tokens: rate(WRONG_TOKENS, usual.wrong_tokens),
            wrong_tokens_of_network: rate(WRONG_TOKENS_OF_NETWORK, usual.wrong_tokens_of_network),
        }
    }

    /// The usual rates, with some of them replaced: `auth-check` by `30/min`.
    pub fn replaced<'a>(with: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, InvalidRate> {
        let mut rates = Self::default();
        for (scope, raw) in with {
            let rate = parse(raw).ok_or_else(|| InvalidRate::Malformed(raw.to_owned()))?;
            let known = rates.0.get_mut(scope).ok_or_else(|| InvalidRate::UnknownScope(scope.to_owned()))?;
            *known = rate;
        }
        Ok(rates)
    }
}

/// A number, a slash and a unit of which the first letter counts, as in Django REST framework.
fn parse(raw: &str) -> Option<Rate> {
    let (limit, unit) = raw.split_once('/')?;
    let window = match unit.chars().next()? {
        's' => Duration::from_secs(1),
        'm' => Duration::from_mins(1),
        'h' => Duration::from_hours(1),
        'd' => Duration::from_hours(24),
        _ => return None,
    };
    let limit = limit.trim().parse().ok().filter(|it| *it > 0)?;
    Some(Rate { limit, window })
}

/// A named scope.
pub(crate) trait Scope: Send {
    const NAME: &'static str;
    /// Whose requests count together.
    const PER: Per;
}

/// Whose requests count together.
#[derive(Clone, Copy)]
pub(crate) enum Per {
    /// Those from one address, whatever credential is shown: a good one buys no second budget.
    Address,
    /// Those of one user, wherever they sign in. An API key has the scope of all keys, whatever it asks for.
    Caller,
}

macro_rules! scopes {
    ($($(#[$about:meta])* $scope:ident = $name:literal per $per:ident;)+) => {
        $(
            $(#[$about])*
            pub(crate) struct $scope;

            impl Scope for $scope {
                const NAME: &'static str = $name;
                const PER: Per = Per::$per;
            }
        )+
    };
}

scopes! {
    /// What anybody may ask.
    AnonDefault = "anon-default" per Address;
    /// What anybody may ask often.
    AnonBurst = "anon-burst" per Address;
    /// What anybody may ask seldom.
    AnonSuppressed = "anon-suppressed" per Address;
    /// What users may ask.
    UserDefault = "user-default" per Caller;
    /// What users may ask often.
    UserBurst = "user-burst" per Caller;
    /// What users may ask seldom.
    UserSuppressed = "user-suppressed" per Caller;
    /// Asking whether a credential is right.
    AuthCheck = "auth-check" per Address;
    /// Asking whether a credential of one's own is right.
    OwnAuthCheck = "auth-check" per Caller;
    /// Having a text message sent.
    SmsRequest = "sms-request" per Address;
}

/// The request may pass: its caller has not asked too often under the scope `S`.
///
/// Every operation has one, before all other parameters. Their order is the order of the deeds: with
/// [`Allowed`](crate::caller::Allowed) behind it, who shows no good credential is not counted, and
/// who may not do it is.
pub(crate) struct Throttled<S>(PhantomData<S>);

impl<'a, S: Scope> FromRequest<'a> for Throttled<S> {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        let (scope, caller) = match S::PER {
            Per::Address => (S::NAME, address_of(request)),
            Per::Caller => match caller::recognised(request).await?.identity {
                Identity::User { user_id, .. } => (S::NAME, user_id.to_string()),
                Identity::ApiKey { key_id } => (API_KEY, key_id.to_string()),
            },
        };
        count(request, scope, &caller).await?;
        if matches!(S::PER, Per::Address) {
            // Anybody may do this. What only some may do waits for [`Allowed`](crate::caller::Allowed).
            idempotency::admitted(request).await;
        }
        Ok(Self(PhantomData))
    }
}

#[cfg(test)]
impl<S> Throttled<S> {
    /// Somebody who may pass.
    pub(crate) fn admitted() -> Self {
        Self(PhantomData)
    }
}

/// Counts one request of `caller` under `scope`, and remembers the verdict for the headers of the answer.
async fn count(request: &Request, scope: &'static str, caller: &str) -> Result<(), Problem> {
    let Some(Desk { gate, told }) = request.data::<Desk>() else {
        return Err(Problem::internal("nobody can be throttled here"));
    };
    let Some(rate) = gate.rates.0.get(scope).copied() else {
        return Err(Problem::internal(format!("the scope {scope} has no rate")));
    };
    let verdict = gate.throttle.hit(scope, caller, rate).await?;
    *told.lock().unwrap_or_else(PoisonError::into_inner) = Some((rate, verdict));
    if verdict.allowed { Ok(()) } else { Err(Problem::throttled(scope, rate, seconds(verdict.reset_after))) }
}

/// Where a request comes from, as far as its requests count together.
pub(crate) fn address_of(request: &Request) -> String {
    origin::client_address(request).map_or_else(|| "unknown".to_owned(), network_of)
}

/// What one customer of a provider has: an address of version 4, or 2^64 of version 6 (RFC 6177).
fn network_of(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// Whole seconds, rounded up: whoever waits as long as that may pass.
pub(crate) fn seconds(time: Duration) -> u64 {
    time.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)
}

/// What requests are measured by.
struct Gate {
    throttle: Arc<dyn Throttle>,
    rates: Rates,
    observer: Arc<dyn Observer>,
}

/// Where one request is measured.
#[derive(Clone)]
struct Desk {
    gate: Arc<Gate>,
    /// What was decided, for the headers of the answer.
    told: Arc<Mutex<Option<(Rate, Verdict)>>>,
}

/// Lets [`Throttled`] decide, and tells in the answer's headers what is left.
pub(crate) struct Throttling(Arc<Gate>);

impl Throttling {
    /// Throttles with `throttle` at these rates, and tells `observer` whom.
    pub(crate) fn new(throttle: Arc<dyn Throttle>, rates: Rates, observer: Arc<dyn Observer>) -> Self {
        Self(Arc::new(Gate { throttle, rates, observer }))
    }
}

impl<E: Endpoint<Output = Response>> Middleware<E> for Throttling {
    type Output = ThrottlingEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        ThrottlingEndpoint { inner, gate: Arc::clone(&self.0) }
    }
}

pub(crate) struct ThrottlingEndpoint<E> {
    inner: E,
    gate: Arc<Gate>,
}

impl<E: Endpoint<Output = Response>> Endpoint for ThrottlingEndpoint<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let desk = Desk { gate: Arc::clone(&self.gate), told: Arc::default() };
        request.set_data(desk.clone());
        let mut answer = self.inner.call(request).await?;
        // Also those that count over all callers, which are found to be reached in the midst of an operation.
        if let Some(Limit(scope)) = answer.extensions().get() {
            self.gate.observer.throttled(scope);
        }
        let decided = *desk.told.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((rate, verdict)) = decided {
            let headers = answer.headers_mut();
            headers.insert(LIMIT, HeaderValue::from(rate.limit));
            headers.insert(REMAINING, HeaderValue::from(verdict.remaining));
            headers.insert(RESET, HeaderValue::from(seconds(verdict.reset_after)));
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_unit() {
        let rate = |raw| parse(raw).map(|it| (it.limit, it.window.as_secs()));

        assert_eq!(rate("30/min"), Some((30, 60)));
        assert_eq!(rate("5/s"), Some((5, 1)));
        assert_eq!(rate("2/hour"), Some((2, 3600)));
        assert_eq!(rate("1/day"), Some((1, 86400)));
        for nonsense in ["", "30", "30/", "x/min", "0/min", "-1/min", "30/fortnight"] {
            assert_eq!(rate(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn rates_are_replaced_by_name() {
        let replaced = Rates::replaced([("auth-check", "5/s")]).expect("a rate");

        assert_eq!(replaced.0["auth-check"], Rate { limit: 5, window: Duration::from_secs(1) });
        assert_eq!(Rates::replaced([("coffee", "5/s")]), Err(InvalidRate::UnknownScope("coffee".to_owned())));
        assert_eq!(Rates::replaced([("auth-check", "often")]), Err(InvalidRate::Malformed("often".to_owned())));
    }

    #[test]
    fn whoever_has_many_addresses_is_one_caller() {
        let network = |raw: &str| network_of(raw.parse().expect("an address"));

        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }

    #[test]
    fn whoever_waits_as_long_as_told_may_pass() {
        assert_eq!(seconds(Duration::from_millis(1)), 1);
        assert_eq!(seconds(Duration::from_millis(59_001)), 60);
        assert_eq!(seconds(Duration::ZERO), 0);
    }
}
