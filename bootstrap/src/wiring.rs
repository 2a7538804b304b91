//! Which adapter stands behind which port: the only file that names both.

use std::sync::Arc;

use async_trait::async_trait;
use auth_application::Auth;
use cache_adapter::{CacheUrl, MemoryThrottle, RedisCache, RedisSettings, ResilientThrottle};
use contexts_adapter::{DistributionCenters, UserAccounts, UserDrivers, UserStaff};
use distribution_application::Distribution;
use events_adapter::{LogPublisher, Relay, RelaySettings};
use http_adapter::Probe;
use kernel_application::{Clock, Ids, Throttle};
use kernel_domain::{BoxError, StoreError};
use passwords_adapter::Argon2id;
use persistence_adapter::{Database, InvalidDatabase, Settings};
use shipping_application::Shipping;
use tokens_adapter::{Biscuits, InvalidKey, RandomRefreshTokens, RootKeys};
use user_application::Users;

use crate::config::{Config, Secret};
use crate::system::{SystemClock, SystemIds};

/// The one subscriber there is: whatever stands behind `EVENTS_URL`.
const BUS: &str = "bus";

/// Why the application could not be built.
#[derive(Debug, thiserror::Error)]
pub enum StartupError {
    /// The database's URL leads nowhere.
    #[error(transparent)]
    Database(#[from] InvalidDatabase),
    /// A backend that is needed from the start did not answer.
    #[error("a backend that is needed to start does not answer")]
    Store(#[from] StoreError),
    /// A root key is none.
    #[error(transparent)]
    Key(#[from] InvalidKey),
    /// Something else.
    #[error(transparent)]
    Other(BoxError),
}

/// The contexts, and what runs beside them.
pub struct App {
    /// Who somebody is.
    pub auth: Arc<Auth>,
    /// Who there is.
    pub users: Arc<Users>,
    /// Where transports can go.
    pub distribution: Arc<Distribution>,
    /// What travels.
    pub shipping: Arc<Shipping>,
    /// Takes events out of the process.
    pub relay: Relay,
    /// What has to work before requests are sent here.
    pub probes: Vec<(&'static str, Arc<dyn Probe>)>,
    /// The database behind all of them.
    pub database: Database,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) throttle: Arc<dyn Throttle>,
}

/// Builds the application. Nothing is asked of any backend yet.
pub fn build(config: &Config) -> Result<App, StartupError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ids: Arc<dyn Ids> = Arc::new(SystemIds);
    let database = Database::open(config.database_url.expose(), &Settings::default())?;

    let users = Arc::new(Users {
        store: database.user_store(),
        queries: database.user_queries(),
        clock: clock.clone(),
        ids: ids.clone(),
    });
    let retired = config.token_retired_keys.iter().map(Secret::expose);
    let keys = RootKeys::parse(config.token_root_key.expose(), retired)?;
    let auth = Arc::new(Auth {
        store: database.auth_store(),
        queries: database.auth_queries(),
        accounts: Arc::new(UserAccounts(users.clone())),
        passwords: Arc::new(Argon2id::new()?),
        access_tokens: Arc::new(Biscuits::signed_by(keys).map_err(|error| StartupError::Other(error.into()))?),
        refresh_tokens: Arc::new(RandomRefreshTokens),
        clock: clock.clone(),
        ids: ids.clone(),
    });
    let distribution = Arc::new(Distribution {
        store: database.distribution_store(),
        queries: database.distribution_queries(),
        staff: Arc::new(UserStaff(users.clone())),
        clock: clock.clone(),
        ids: ids.clone(),
    });
    let shipping = Arc::new(Shipping {
        store: database.shipping_store(),
        queries: database.shipping_queries(),
        drivers: Arc::new(UserDrivers(users.clone())),
        centers: Arc::new(DistributionCenters(distribution.clone())),
        clock: clock.clone(),
        ids: ids.clone(),
    });
    let relay = Relay {
        deliveries: database.deliveries(BUS),
        publisher: Arc::new(LogPublisher),
        clock,
        ids: ids.clone(),
        settings: RelaySettings::default(),
    };
    let mut probes: Vec<(&'static str, Arc<dyn Probe>)> = vec![("database", Arc::new(DatabaseProbe(database.clone())))];
    let throttle: Arc<dyn Throttle> = match &config.cache {
        CacheUrl::Memory => Arc::new(MemoryThrottle::default()),
        CacheUrl::Redis(url) => {
            let redis = RedisCache::connect(url, &config.cache_prefix, &RedisSettings::default());
            probes.push(("cache", Arc::new(RedisProbe(redis.clone()))));
            Arc::new(ResilientThrottle::new(Arc::new(redis.throttle()), MemoryThrottle::default()))
        }
    };
    Ok(App { auth, users, distribution, shipping, relay, probes, database, ids, throttle })
}

struct DatabaseProbe(Database);

#[async_trait]
impl Probe for DatabaseProbe {
    async fn check(&self) -> Result<(), BoxError> {
        Ok(self.0.ping().await?)
    }
}

/// Redis is missed, and not needed: every instance counts for itself while it is gone.
struct RedisProbe(RedisCache);

#[async_trait]
impl Probe for RedisProbe {
    async fn check(&self) -> Result<(), BoxError> {
        Ok(self.0.ping().await?)
    }

    fn is_needed(&self) -> bool {
        false
    }
}
