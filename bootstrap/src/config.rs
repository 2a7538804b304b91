//! Configuration: environment variables in, one typed value out, every fault named at once.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use cache_adapter::CacheUrl;
use http_adapter::Rates;
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
    /// `CACHE_URL`: `memory:` by default, `redis://…` or `rediss://…`.
    pub cache: CacheUrl,
    /// `CACHE_PREFIX`: what keys start with in a Redis that others use too, `majestic` by default.
    pub cache_prefix: String,
    /// `TOKEN_ROOT_KEY`: signs access tokens; see `majestic generate-keypair`.
    pub token_root_key: Secret,
    /// `TOKEN_RETIRED_KEYS`: keys that sign no more but whose tokens are still good, by comma.
    pub token_retired_keys: Vec<Secret>,
    /// `THROTTLE_RATES`: JSON like `{"auth-check":"30/min"}`; replaces rates of the same name.
    pub throttle_rates: Rates,
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

const DEFAULT_DATABASE: &str = "sqlite://var/majestic.db";

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
            cache: reader.cache(),
            cache_prefix: reader.raw("CACHE_PREFIX").unwrap_or_else(|| "majestic".to_owned()),
            token_root_key: reader.token_root_key(private),
            token_retired_keys: reader.token_retired_keys(),
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

    fn token_retired_keys(&mut self) -> Vec<Secret> {
        let keys = self.raw("TOKEN_RETIRED_KEYS").unwrap_or_default();
        let keys: Vec<_> = keys.split(',').map(str::trim).filter(|it| !it.is_empty()).map(Secret::new).collect();
        if keys.iter().any(|key| RootKeys::parse(key.expose(), []).is_err()) {
            self.fault("TOKEN_RETIRED_KEYS", "keys that `majestic generate-keypair` printed, by comma");
            return Vec::new();
        }
        keys
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, InvalidConfig> {
        let find = |name: &str| variables.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned());
        Config::read(find)
    }

    #[test]
    fn nothing_has_to_be_set_on_a_developers_machine() {
        let config = read(&[]).expect("the defaults are usable");

        assert_eq!(config.environment, Environment::Local);
        assert_eq!(config.listen.to_string(), "127.0.0.1:8000");
        assert_eq!(config.database_url.expose(), "sqlite://var/majestic.db");
        assert!(matches!(config.cache, CacheUrl::Memory));
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let refusal = read(&[
            ("ENV", "production"),
            ("LISTEN_ADDR", "8000"),
            ("PUBLIC_URL", "ftp://example.com"),
            ("DATABASE_URL", "postgres://localhost/db"),
            ("CACHE_URL", "memcached://localhost"),
            ("EVENTS_URL", "kafka://localhost"),
            ("TOKEN_ROOT_KEY", "123123123123"),
            ("TOKEN_RETIRED_KEYS", "secret"),
            ("THROTTLE_RATES", "30/min"),
        ]);

        let faults = refusal.expect_err("nothing is right").faults;
        for name in [
            "ENV",
            "LISTEN_ADDR",
            "PUBLIC_URL",
            "DATABASE_URL",
            "CACHE_URL",
            "EVENTS_URL",
            "TOKEN_ROOT_KEY",
            "TOKEN_RETIRED_KEYS",
            "THROTTLE_RATES",
        ] {
            assert!(faults.iter().any(|fault| fault.starts_with(name)), "{name} in {faults:?}");
        }
    }

    #[test]
    fn a_database_has_a_server_and_a_name_or_a_file() {
        for raw in ["mysql://root@localhost:3306/majestic", "sqlite:///tmp/majestic.db", "sqlite://var/majestic.db"] {
            assert!(read(&[("DATABASE_URL", raw)]).is_ok(), "{raw}");
        }
        for raw in ["mysql://", "mysql://localhost", "mysql://localhost:port/majestic", "sqlite://", "majestic.db"] {
            assert!(read(&[("DATABASE_URL", raw)]).is_err(), "{raw}");
        }
    }

    #[test]
    fn where_it_counts_nothing_is_made_up() {
        let faults = read(&[("ENV", "prod")]).expect_err("it is not configured").faults;

        assert!(faults.iter().any(|fault| fault.starts_with("DATABASE_URL")), "{faults:?}");
        assert!(faults.iter().any(|fault| fault.starts_with("TOKEN_ROOT_KEY")), "{faults:?}");
    }

    #[test]
    fn a_log_shows_no_secret() {
        let config = read(&[
            ("DATABASE_URL", "mysql://root:hunter2@localhost/db"),
            ("CACHE_URL", "redis://root:hunter2@localhost"),
        ])
        .expect("it is usable");

        let shown = format!("{config:?}");
        assert!(!shown.contains("hunter2") && !shown.contains(config.token_root_key.expose()), "{shown}");
    }

    #[test]
    fn links_start_with_a_plain_address() {
        let config = read(&[("PUBLIC_URL", "https://example.com/")]).expect("it is usable");

        assert_eq!(config.public_url.as_deref(), Some("https://example.com"));
        assert!(read(&[("PUBLIC_URL", "https://example.com/api")]).is_err());
    }
}
