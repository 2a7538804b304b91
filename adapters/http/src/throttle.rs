//! How often somebody may ask, by named scopes.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kernel_application::{Rate, Throttle, Verdict};
use poem::http::{HeaderName, HeaderValue};
use poem::{Endpoint, FromRequest, Middleware, Request, RequestBody, Response, Result};

use crate::problem::Problem;

/// The scopes there are, and how often each lets the same caller pass.
const SCOPES: [(&str, u32, Duration); 1] = [(AuthCheck::NAME, 30, Duration::from_mins(1))];

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

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
        Self(SCOPES.into_iter().map(|(scope, limit, window)| (scope, Rate { limit, window })).collect())
    }
}

impl Rates {
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
}

/// Asking whether a credential is right.
pub(crate) struct AuthCheck;

impl Scope for AuthCheck {
    const NAME: &'static str = "auth-check";
}

/// The request may pass: its caller has not asked too often under the scope `S`.
pub(crate) struct Throttled<S>(PhantomData<S>);

impl<'a, S: Scope> FromRequest<'a> for Throttled<S> {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        let Some(gate) = request.data::<Gate>() else {
            return Err(Problem::internal("nobody can be throttled here").into());
        };
        let Some(rate) = gate.rates.0.get(S::NAME).copied() else {
            return Err(Problem::internal(format!("the scope {} has no rate", S::NAME)).into());
        };
        let caller = address_of(request);
        let verdict = gate.throttle.hit(S::NAME, &caller, rate).await.map_err(Problem::from)?;
        if let Some(told) = request.data::<Told>() {
            *told.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((rate, verdict));
        }
        if verdict.allowed {
            Ok(Self(PhantomData))
        } else {
            Err(Problem::throttled(S::NAME, rate, seconds(verdict.reset_after)).into())
        }
    }
}

/// The address that the connection came from: what a client claims of itself counts for nothing.
fn address_of(request: &Request) -> String {
    request.remote_addr().as_socket_addr().map_or_else(|| "unknown".to_owned(), |it| network_of(it.ip()))
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
fn seconds(time: Duration) -> u64 {
    time.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)
}

/// What a request is measured by.
#[derive(Clone)]
struct Gate {
    throttle: Arc<dyn Throttle>,
    rates: Arc<Rates>,
}

/// What was decided about a request, for the headers of its answer.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Option<(Rate, Verdict)>>>);

/// Lets [`Throttled`] decide, and tells in the answer's headers what is left.
pub(crate) struct Throttling {
    pub(crate) throttle: Arc<dyn Throttle>,
    pub(crate) rates: Rates,
}

impl<E: Endpoint<Output = Response>> Middleware<E> for Throttling {
    type Output = ThrottlingEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        let gate = Gate { throttle: Arc::clone(&self.throttle), rates: Arc::new(self.rates.clone()) };
        ThrottlingEndpoint { inner, gate }
    }
}

pub(crate) struct ThrottlingEndpoint<E> {
    inner: E,
    gate: Gate,
}

impl<E: Endpoint<Output = Response>> Endpoint for ThrottlingEndpoint<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let told = Told::default();
        request.set_data(self.gate.clone());
        request.set_data(told.clone());
        let mut answer = self.inner.call(request).await?;
        let decided = *told.0.lock().unwrap_or_else(PoisonError::into_inner);
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
