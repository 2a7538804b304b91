//! The bus: asked for before it is relied on, and told of events ten at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::config::retry::RetryConfig;
use aws_sdk_eventbridge::config::timeout::TimeoutConfig;
use aws_sdk_eventbridge::config::{BehaviorVersion, Config, Region};
use aws_sdk_eventbridge::error::ProvideErrorMetadata;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use futures_util::future::join_all;
use kernel_application::{Publisher, StoredEvent, Undelivered, WireEntry};
use kernel_domain::BoxError;
use tokio::time::{Instant, timeout};

use crate::credentials::Credentials;
use crate::entries::{calls, fit, request};
use crate::fates::{Failure, failure, refusal, told};
use crate::url::BusUrl;
use crate::{CONNECT_DEADLINE, DEADLINE};

/// Connections that nobody used for so long are closed, before Amazon does.
const IDLE: Duration = Duration::from_secs(15);

/// How long it is believed that the bus is there: one that was deleted swallows events, and answers as if it had taken
/// them.
const BELIEVED: Duration = Duration::from_mins(1);

/// A bus of `EventBridge`.
pub struct EventBus {
    client: Client,
    name: String,
    form: fn(&StoredEvent) -> WireEntry,
    /// When it was last seen.
    seen: Mutex<Option<Instant>>,
}

/// Why nothing can be sent.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// There is no such bus.
    #[error("there is no such bus")]
    Missing,
    /// Nobody says whether there is.
    #[error("the bus cannot be asked for")]
    Unreachable(#[source] BoxError),
}

impl EventBus {
    /// Prepares to use a bus, with events in this form. Asks nobody.
    ///
    /// Every answer counts as it comes: no redirect is followed, no proxy is used, and it is the relay that tries again.
    pub fn open(url: &BusUrl, credentials: Credentials, form: fn(&StoredEvent) -> WireEntry) -> Self {
        let http = aws_smithy_http_client::Builder::new()
            .pool_idle_timeout(IDLE)
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_DEADLINE).operation_timeout(DEADLINE).build();
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(url.region.clone()))
            .credentials_provider(credentials.provider(http.clone()))
            .http_client(http)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::disabled());
        config.set_endpoint_url(url.endpoint.clone());
        Self { client: Client::from_conf(config.build()), name: url.bus.clone(), form, seen: Mutex::new(None) }
    }

    /// Whether the bus is there. An answer that says nothing about that, like a throttled one, changes nothing about what
    /// is believed: how often somebody asks must not decide whether events are sent.
    pub async fn check(&self) -> Result<(), BusError> {
        let asked = self.client.describe_event_bus().name(&self.name).send();
        let found = match timeout(DEADLINE, asked).await {
            Ok(Ok(bus)) if bus.name().is_some() => Ok(()),
            Ok(Ok(_)) => Err(BusError::Unreachable("the answer tells of no bus".into())),
            Ok(Err(error)) => Err(match error.code() {
                Some("ResourceNotFoundException") => BusError::Missing,
                Some(code) => BusError::Unreachable(refusal(code)),
                None => BusError::Unreachable(error.into()),
            }),
            Err(late) => Err(BusError::Unreachable(late.into())),
        };
        match &found {
            Ok(()) => *self.seen() = Some(Instant::now()),
            Err(BusError::Missing) => *self.seen() = None,
            Err(BusError::Unreachable(_)) => {}
        }
        found
    }

    /// Nothing is sent to a bus that nobody has seen lately.
    async fn expect(&self) -> Result<(), BusError> {
        let is_believed = self.seen().is_some_and(|it| it.elapsed() < BELIEVED);
        if is_believed { Ok(()) } else { self.check().await }
    }

    fn seen(&self) -> MutexGuard<'_, Option<Instant>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One call: the fate of each entry.
    async fn put(&self, entries: &[&WireEntry]) -> Result<Vec<Result<(), Undelivered>>, Failure> {
        let requests = entries.iter().map(|it| request(it, &self.name)).collect();
        let asked = self.client.put_events().set_entries(Some(requests)).send();
        match timeout(DEADLINE, asked).await {
            Ok(Ok(answer)) => Ok(told(&answer, entries.len())),
            Ok(Err(error)) => Err(failure(error)),
            Err(late) => Err(Failure::Unreachable(Undelivered::Unreachable(late.into()))),
        }
    }

    /// One call, or one for each entry where one of them spoils it for all.
    async fn put_apart(&self, entries: &[&WireEntry]) -> Vec<Result<(), Undelivered>> {
        match self.put(entries).await {
            Ok(fates) => fates,
            Err(Failure::Spoilt(error)) if entries.len() == 1 => vec![Err(error)],
            Err(Failure::Spoilt(_)) => {
                // At once: one after the other they would take longer than whoever publishes waits for them.
                join_all(entries.iter().map(|it| self.put_alone(it))).await
            }
            Err(Failure::Unreachable(error)) => unreachable(error, entries.len()),
        }
    }

    async fn put_alone(&self, entry: &WireEntry) -> Result<(), Undelivered> {
        match self.put(&[entry]).await {
            Ok(mut fates) => fates.pop().unwrap_or_else(|| Err(Undelivered::Unreachable("no answer".into()))),
            Err(Failure::Spoilt(error) | Failure::Unreachable(error)) => Err(error),
        }
    }
}

#[async_trait]
impl Publisher for EventBus {
    async fn publish(&self, events: &[StoredEvent]) -> Vec<Result<(), Undelivered>> {
        if let Err(error) = self.expect().await {
            return unreachable(Undelivered::Unreachable(error.into()), events.len());
        }
        let mut fates: Vec<Result<(), Undelivered>> = Vec::with_capacity(events.len());
        let mut entries = Vec::with_capacity(events.len());
        for (at, event) in events.iter().enumerate() {
            let entry = (self.form)(event);
            let is_fit = fit(&entry);
            if is_fit.is_ok() {
                entries.push((at, entry));
            }
            fates.push(is_fit.map_err(|why| Undelivered::Refused(why.into())));
        }
        for call in calls(&entries) {
            let sent: Vec<&WireEntry> = call.iter().map(|(_, entry)| entry).collect();
            for ((at, _), fate) in call.iter().zip(self.put_apart(&sent).await) {
                if let Some(place) = fates.get_mut(*at) {
                    *place = fate;
                }
            }
        }
        fates
    }
}

/// The same fate for all; the first one tells why.
fn unreachable(error: Undelivered, entries: usize) -> Vec<Result<(), Undelivered>> {
    let others = (1..entries).map(|_| Err(Undelivered::Unreachable("the call failed".into())));
    std::iter::once(Err(error)).chain(others).collect()
}
