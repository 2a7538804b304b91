//! Configuration: environment variables in, one typed value out, every fault named at once.
//!
//! Each file reads what belongs together, by methods of the one `Reader`.

mod auth;
mod cache;
mod contexts;
mod database;
mod environment;
mod events;
mod http;
mod keys;
mod operations;
mod reader;
mod secret;
mod storage;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use auth_application::AuthPolicy;
use cache_adapter::CacheUrl;
use http_adapter::Rates;
use ipnet::IpNet;
use persistence_adapter::Settings;
use slack_adapter::WebhookUrl;
use storage_adapter::{Credentials, StorageUrl};
use telemetry_adapter::TraceSettings;

use reader::Reader;

pub use contexts::{Context, ServedContexts};
pub use environment::Environment;
pub use events::EventsUrl;
pub use keys::TokenFormat;
pub use operations::MetricsListen;
pub use secret::Secret;

/// A secret that no configuration keeps: the value of a variable, or what is in the file that `<name>_FILE` names.
pub(crate) fn read_secret(
    lookup: impl Fn(&str) -> Option<String>,
    name: &str,
) -> Result<Option<String>, InvalidConfig> {
    let mut reader = Reader { lookup, faults: Vec::new() };
    let secret = reader.secret(name);
    secret.map_err(|_| InvalidConfig { faults: reader.faults })
}

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// `ENV`: `local` (the default), `test`, `dev`, `stage` or `prod`.
    pub environment: Environment,
    /// `CONTEXTS`: which contexts to serve, all by default; then `USER_URL`, `DISTRIBUTION_URL` and `SHIPPING_URL` say where
    /// those are that are asked and not served.
    pub contexts: ServedContexts,
    /// `LISTEN_ADDR`: where to serve, `127.0.0.1:8000` by default.
    pub listen: SocketAddr,
    /// `PUBLIC_URL`: what links start with, if not the `Host` that clients send.
    pub public_url: Option<String>,
    /// `DATABASE_URL`: `sqlite://var/majestic.db` by default, or `mysql://…`. May hold a password.
    pub database_url: Secret,
    /// `DATABASE_REPLICA_URL`: a copy that follows the database, for lists; none by default. May hold a password.
    pub database_replica_url: Option<Secret>,
    /// `CACHE_URL`: `memory:` by default, `redis://…` or `rediss://…`.
    pub cache: CacheUrl,
    /// `CACHE_TIMEOUT_MS`: how long Redis may take to answer before everybody goes on without, 50 ms by default.
    pub cache_timeout: Duration,
    /// `CACHE_PREFIX`: what keys start with in a Redis that others use too, `majestic` by default.
    pub cache_prefix: String,
    /// `STORAGE_URL`: `file:var/media` by default, or `s3://bucket?region=…&endpoint=…`.
    pub storage: StorageUrl,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, else the role of the task or the machine.
    pub storage_credentials: Credentials,
    /// `EVENTS_URL`: `log:` by default, or `eventbridge://bus?region=…&endpoint=…`.
    pub events: EventsUrl,
    /// The same variables as for `STORAGE_URL`.
    pub events_credentials: eventbridge_adapter::Credentials,
    /// `SLACK_WEBHOOK_URL`: the channel that hears who comes and goes, and of errors; none by default.
    pub slack_webhook: Option<WebhookUrl>,
    /// `TRUSTED_PROXIES`: networks whose `X-Forwarded-…` headers are believed, by comma; none by default.
    pub trusted_proxies: Vec<IpNet>,
    /// `CORS_ALLOWED_ORIGINS`: origins of pages that may read answers, by comma; none by default.
    pub allowed_origins: Vec<String>,
    /// `SECRET_KEY`: what is hashed and sealed is hashed and sealed with it; see `majestic generate-keypair`.
    pub secret_key: Secret,
    /// `SECRET_RETIRED_KEYS`: keys that seal no more but still open what they sealed and know what they hashed,
    /// by comma.
    pub secret_retired_keys: Vec<Secret>,
    /// `AUTH_HIDE_ACCOUNTS`, `AUTH_TOKEN_DIGITS`, `AUTH_FIXED_TOKEN`, `BYPASS_PHONENUMBER_REGEX` and `SMS_COUNTRIES`.
    pub auth: AuthPolicy,
    /// `TOKEN_FORMAT`: `biscuit` (the default) or `jwt`.
    pub token_format: TokenFormat,
    /// `TOKEN_ROOT_KEY`: signs access tokens; see `majestic generate-keypair`.
    pub token_root_key: Secret,
    /// `TOKEN_RETIRED_KEYS`: keys that sign no more but whose tokens are still good, by comma.
    pub token_retired_keys: Vec<Secret>,
    /// `THROTTLE_RATES`: JSON like `{"auth-check":"30/min"}`; replaces rates of the same name.
    pub throttle_rates: Rates,
    /// `METRICS_ADDR`: where metrics are served, `127.0.0.1:9464` by default, or `none`.
    pub metrics: Option<MetricsListen>,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT` and `OTEL_TRACES_SAMPLER_ARG`: who collects traces, and of which part; nobody by default.
    pub traces: Option<TraceSettings>,
    /// `MAX_REQUESTS`: how many requests are answered at once, 512 by default; more are refused.
    pub requests: usize,
    /// `REQUEST_TIMEOUT_MS`: how long we may take for a request that has arrived, 5 s by default.
    pub request_timeout: Duration,
    /// `DRAIN_SECONDS`: how long requests are still accepted after the signal to stop; 5 s by default, 0 on `local` and `test`.
    pub drain: Duration,
}

/// Every fault of a configuration.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct InvalidConfig {
    /// One line for each variable that is wrong.
    pub faults: Vec<String>,
}

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration is not usable:")?;
        self.faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl Config {
    /// Reads the variables that `lookup` knows.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidConfig> {
        let mut reader = Reader { lookup, faults: Vec::new() };
        let environment =
            reader.parsed("ENV", Environment::Local, "local, test, dev, stage or prod", Environment::named);
        let private = environment.is_private();
        let database_url = reader.database_url(private);
        let config = Self {
            environment,
            contexts: reader.contexts(),
            listen: reader.listen(),
            public_url: reader.public_url(),
            database_replica_url: reader.database_replica_url(&database_url),
            database_url,
            cache: reader.cache(),
            cache_timeout: reader.cache_timeout(),
            cache_prefix: reader.cache_prefix(),
            storage: reader.storage(environment),
            storage_credentials: reader.storage_credentials(),
            events: reader.events(environment),
            events_credentials: reader.events_credentials(),
            slack_webhook: reader.slack_webhook(environment),
            trusted_proxies: reader.trusted_proxies(),
            allowed_origins: reader.allowed_origins(),
            secret_key: reader.secret_key(private),
            secret_retired_keys: reader.secret_retired_keys(private),
            auth: reader.auth(environment),
            token_format: reader.token_format(),
            token_root_key: reader.token_root_key(private),
            token_retired_keys: reader.token_retired_keys(private),
            throttle_rates: reader.throttle_rates(),
            metrics: reader.metrics(environment),
            traces: reader.traces(),
            requests: reader.requests(),
            request_timeout: reader.request_timeout(),
            drain: reader.drain(private),
        };
        if reader.faults.is_empty() { Ok(config) } else { Err(InvalidConfig { faults: reader.faults }) }
    }

    /// How long a unit of work may be open: what is usual for the database's adapter, and where requests may take longer than
    /// usual, three fifths of that. Then whoever goes on, and waits for a lock, is done when a request has to be.
    pub(crate) fn longest_unit_of_work(&self) -> Duration {
        Settings::default().longest_unit_of_work.max(self.request_timeout * 3 / 5)
    }
}

#[cfg(test)]
mod tests;
