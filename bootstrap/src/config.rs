//! Configuration: environment variables in, one typed value out, every fault named at once.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use auth_application::{AuthPolicy, Bypass};
use auth_domain::{OneTimeToken, TokenLength};
use cache_adapter::{CacheUrl, RedisSettings};
use http_adapter::Rates;
use ipnet::IpNet;
use regex::Regex;
use secrets_adapter::Secrets;
use storage_adapter::{AccessKeys, Credentials, StorageUrl};
use tokens_adapter::RootKeys;

/// Where this runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// On a developer's machine.
    Local,
    /// In a test.
    Test,
    /// Where developers share it.
    Dev,
    /// Where it is tried before it goes out.
    Stage,
    /// Where it counts.
    Prod,
}

impl Environment {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "local" => Self::Local,
            "test" => Self::Test,
            "dev" => Self::Dev,
            "stage" => Self::Stage,
            "prod" => Self::Prod,
            _ => return None,
        })
    }

    /// Whether one person runs it for themselves: it may then migrate itself, sign with a key of
    /// its own making, and show its documentation to anybody.
    pub fn is_private(self) -> bool {
        matches!(self, Self::Local | Self::Test)
    }
}

/// A text that no log shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What access tokens are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFormat {
    /// Biscuits, which their holders can narrow and everybody can verify.
    Biscuit,
    /// JSON web tokens (RFC 7519) with a shared key, as many clients know them.
    Jwt,
}

impl TokenFormat {
    fn named(name: &str) -> Option<Self> {
        match name {
            "biscuit" => Some(Self::Biscuit),
            "jwt" => Some(Self::Jwt),
            _ => None,
        }
    }
}

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// `ENV`: `local` (the default), `test`, `dev`, `stage` or `prod`.
    pub environment: Environment,
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
    /// `TRUSTED_PROXIES`: networks whose `X-Forwarded-…` headers are believed, by comma; none by default.
    pub trusted_proxies: Vec<IpNet>,
    /// `CORS_ALLOWED_ORIGINS`: origins of pages that may read answers, by comma; none by default.
    pub allowed_origins: Vec<String>,
    /// `SECRET_KEY`: what is hashed and sealed is hashed and sealed with it; see `majestic generate-keypair`.
    pub secret_key: Secret,
    /// `SECRET_RETIRED_KEYS`: keys that seal no more but still open what they sealed and know what they hashed,
    /// by comma.
    pub secret_retired_keys: Vec<Secret>,
    /// `AUTH_HIDE_ACCOUNTS`, `AUTH_TOKEN_DIGITS`, `AUTH_FIXED_TOKEN` and `BYPASS_PHONENUMBER_REGEX`.
    pub auth: AuthPolicy,
    /// `TOKEN_FORMAT`: `biscuit` (the default) or `jwt`.
    pub token_format: TokenFormat,
    /// `TOKEN_ROOT_KEY`: signs access tokens; see `majestic generate-keypair`.
    pub token_root_key: Secret,
    /// `TOKEN_RETIRED_KEYS`: keys that sign no more but whose tokens are still good, by comma.
    pub token_retired_keys: Vec<Secret>,
    /// `THROTTLE_RATES`: JSON like `{"auth-check":"30/min"}`; replaces rates of the same name.
    pub throttle_rates: Rates,
}

/// On a developer's machine, and nowhere else: what was sealed yesterday can be opened today.
const DEVELOPMENT_KEY: &str = "0d15ea5e0123456789abcdef0011223344556677f8e9dacbbcad9e8f70615243";

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

const DEFAULT_DATABASE: &str = "sqlite://var/majestic.db";
const DEFAULT_STORAGE: &str = "file:var/media";

impl Config {
    /// Reads the variables that `lookup` knows.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidConfig> {
        let mut reader = Reader { lookup, faults: Vec::new() };
        let environment =
            reader.parsed("ENV", Environment::Local, "local, test, dev, stage or prod", Environment::named);
        let private = environment.is_private();
        let config = Self {
            environment,
            listen: reader.parsed(
                "LISTEN_ADDR",
                SocketAddr::from(([127, 0, 0, 1], 8000)),
                "an address and a port",
                |raw| raw.parse().ok(),
            ),
            public_url: reader
                .parsed("PUBLIC_URL", None, "http(s)://host[:port] without a path", |raw| base_url(raw).map(Some)),
            database_url: reader.database_url(private),
            database_replica_url: reader.database_replica_url(),
            cache: reader.cache(),
            cache_timeout: reader.parsed(
                "CACHE_TIMEOUT_MS",
                RedisSettings::USUAL_TIMEOUT,
                "milliseconds, from 1 to 10000",
                |raw| raw.parse().ok().filter(|it| (1..=10_000).contains(it)).map(Duration::from_millis),
            ),
            cache_prefix: reader.raw("CACHE_PREFIX").unwrap_or_else(|| "majestic".to_owned()),
            storage: reader.storage(environment),
            storage_credentials: reader.storage_credentials(),
            trusted_proxies: reader.trusted_proxies(),
            allowed_origins: reader.allowed_origins(),
            secret_key: reader.secret_key(private),
            secret_retired_keys: reader.keys("SECRET_RETIRED_KEYS", |key| Secrets::parse(key, []).is_ok()),
            auth: reader.auth(environment),
            token_format: reader.parsed("TOKEN_FORMAT", TokenFormat::Biscuit, "biscuit or jwt", TokenFormat::named),
            token_root_key: reader.token_root_key(private),
            token_retired_keys: reader.keys("TOKEN_RETIRED_KEYS", |key| RootKeys::parse(key, []).is_ok()),
            throttle_rates: reader.throttle_rates(),
        };
        reader.events_url();
        if reader.faults.is_empty() { Ok(config) } else { Err(InvalidConfig { faults: reader.faults }) }
    }
}

struct Reader<L> {
    lookup: L,
    faults: Vec<String>,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    /// A variable that is set to nothing is not set.
    fn raw(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|it| !it.trim().is_empty())
    }

    fn fault(&mut self, name: &str, rule: &str) {
        self.faults.push(format!("{name} must be {rule}"));
    }

    fn parsed<T>(&mut self, name: &str, default: T, rule: &str, parse: impl Fn(&str) -> Option<T>) -> T {
        let Some(raw) = self.raw(name) else { return default };
        parse(raw.trim()).unwrap_or_else(|| {
            self.fault(name, rule);
            default
        })
    }

    fn database_url(&mut self, private: bool) -> Secret {
        match self.raw("DATABASE_URL") {
            Some(url) if is_database_url(&url) => Secret::new(url),
            Some(_) => {
                self.fault("DATABASE_URL", "mysql://user:password@host/name or sqlite://path/to/file");
                Secret::new(DEFAULT_DATABASE)
            }
            None => {
                if !private {
                    self.fault("DATABASE_URL", "set outside local and test");
                }
                Secret::new(DEFAULT_DATABASE)
            }
        }
    }

    fn database_replica_url(&mut self) -> Option<Secret> {
        let url = self.raw("DATABASE_REPLICA_URL")?;
        let scheme = |url: &str| url.split_once("://").map(|(scheme, _)| scheme.to_owned());
        let original = self.raw("DATABASE_URL").unwrap_or_else(|| DEFAULT_DATABASE.to_owned());
        if is_database_url(&url) && scheme(&url) == scheme(&original) {
            return Some(Secret::new(url));
        }
        self.fault("DATABASE_REPLICA_URL", "of the same kind as DATABASE_URL");
        None
    }

    fn cache(&mut self) -> CacheUrl {
        let Some(url) = self.raw("CACHE_URL") else { return CacheUrl::Memory };
        CacheUrl::parse(&url).unwrap_or_else(|error| {
            self.faults.push(format!("CACHE_URL: {error}"));
            CacheUrl::Memory
        })
    }

    /// The only place that events go to today.
    fn events_url(&mut self) {
        if self.raw("EVENTS_URL").is_some_and(|url| url != "log:") {
            self.fault("EVENTS_URL", "log:");
        }
    }

    fn token_root_key(&mut self, private: bool) -> Secret {
        match self.raw("TOKEN_ROOT_KEY") {
            Some(key) if RootKeys::parse(&key, []).is_ok() => Secret::new(key),
            Some(_) => {
                self.fault("TOKEN_ROOT_KEY", "a key that `majestic generate-keypair` printed");
                Secret::new("")
            }
            None if private => Secret::new(RootKeys::generate()),
            None => {
                self.fault("TOKEN_ROOT_KEY", "set outside local and test; `majestic generate-keypair` prints one");
                Secret::new("")
            }
        }
    }

    /// Keys by comma.
    fn keys(&mut self, name: &str, is_key: impl Fn(&str) -> bool) -> Vec<Secret> {
        let keys = self.raw(name).unwrap_or_default();
        let keys: Vec<_> = keys.split(',').map(str::trim).filter(|it| !it.is_empty()).map(Secret::new).collect();
        if keys.iter().any(|key| !is_key(key.expose())) {
            self.fault(name, "keys that `majestic generate-keypair` printed, by comma");
            return Vec::new();
        }
        keys
    }

    fn secret_key(&mut self, private: bool) -> Secret {
        match self.raw("SECRET_KEY") {
            Some(key) if key.eq_ignore_ascii_case(DEVELOPMENT_KEY) && !private => {
                self.fault("SECRET_KEY", "a key of your own outside local and test");
                Secret::new("")
            }
            Some(key) if Secrets::parse(&key, []).is_ok() => Secret::new(key),
            Some(_) => {
                self.fault("SECRET_KEY", "a key that `majestic generate-keypair` printed");
                Secret::new("")
            }
            None if private => Secret::new(DEVELOPMENT_KEY),
            None => {
                self.fault("SECRET_KEY", "set outside local and test; `majestic generate-keypair` prints one");
                Secret::new("")
            }
        }
    }

    /// Pictures travel in clear only where nobody's are at stake.
    fn storage(&mut self, environment: Environment) -> StorageUrl {
        let url = self.raw("STORAGE_URL").unwrap_or_else(|| DEFAULT_STORAGE.to_owned());
        let url = StorageUrl::parse(&url).unwrap_or_else(|error| {
            self.faults.push(format!("STORAGE_URL: {error}"));
            StorageUrl::Folder(std::path::PathBuf::new())
        });
        if matches!(environment, Environment::Stage | Environment::Prod) && url.is_in_clear() {
            self.fault("STORAGE_URL", "reached by https:// on stage and prod");
        }
        url
    }

    fn storage_credentials(&mut self) -> Credentials {
        let [id, secret, token] =
            ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"].map(|it| self.raw(it));
        match (id, secret) {
            (Some(id), Some(secret)) => return Credentials::Keys(AccessKeys::new(id, secret, token)),
            (Some(_), None) => self.fault("AWS_SECRET_ACCESS_KEY", "set where AWS_ACCESS_KEY_ID is"),
            (None, Some(_)) => self.fault("AWS_ACCESS_KEY_ID", "set where AWS_SECRET_ACCESS_KEY is"),
            (None, None) => {}
        }
        self.raw("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").map_or(Credentials::Machine, Credentials::Task)
    }

    fn trusted_proxies(&mut self) -> Vec<IpNet> {
        let raw = self.raw("TRUSTED_PROXIES").unwrap_or_default();
        let network = |it: &str| it.parse::<IpNet>().or_else(|_| it.parse::<std::net::IpAddr>().map(IpNet::from));
        let networks: Result<Vec<_>, _> =
            raw.split(',').map(str::trim).filter(|it| !it.is_empty()).map(network).collect();
        networks.unwrap_or_else(|_| {
            self.fault("TRUSTED_PROXIES", "networks like 10.0.0.0/8, by comma");
            Vec::new()
        })
    }

    fn allowed_origins(&mut self) -> Vec<String> {
        let raw = self.raw("CORS_ALLOWED_ORIGINS").unwrap_or_default();
        let origins: Vec<_> = raw.split(',').map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect();
        if origins.iter().all(|it| is_origin(it)) {
            return origins;
        }
        self.fault("CORS_ALLOWED_ORIGINS", "origins like https://app.example.com, by comma");
        Vec::new()
    }

    fn auth(&mut self, environment: Environment) -> AuthPolicy {
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
        }
    }

    fn fixed_token(&mut self, private: bool) -> Option<OneTimeToken> {
        let token = self.raw("AUTH_FIXED_TOKEN")?;
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

    fn throttle_rates(&mut self) -> Rates {
        let Some(raw) = self.raw("THROTTLE_RATES") else { return Rates::default() };
        let Ok(rates) = serde_json::from_str::<BTreeMap<String, String>>(&raw) else {
            self.fault("THROTTLE_RATES", r#"JSON like {"auth-check":"30/min"}"#);
            return Rates::default();
        };
        Rates::replaced(rates.iter().map(|(scope, rate)| (scope.as_str(), rate.as_str()))).unwrap_or_else(|error| {
            self.faults.push(format!("THROTTLE_RATES: {error}"));
            Rates::default()
        })
    }
}

/// Whether this can lead to a database; what else the URL says is for the driver to judge.
fn is_database_url(raw: &str) -> bool {
    match raw.split_once("://") {
        Some(("sqlite", path)) => !path.is_empty(),
        Some(("mysql", _)) => url::Url::parse(raw).is_ok_and(|url| url.has_host() && url.path().len() > 1),
        _ => false,
    }
}

fn base_url(raw: &str) -> Option<String> {
    let url = url::Url::parse(raw).ok()?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    plain.then(|| raw.trim_end_matches('/').to_owned())
}

/// Whether that is how browsers write an origin: in lower case, and without the port that is the scheme's own.
fn is_origin(raw: &str) -> bool {
    let origin = url::Url::parse(raw).map(|it| it.origin());
    raw.starts_with("http") && origin.is_ok_and(|it| it.is_tuple() && it.ascii_serialization() == raw)
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
