//! Which adapter stands behind which port: the only place that names both.

mod contexts;
mod events;

use std::sync::Arc;

use async_trait::async_trait;
use auth_application::{AccessTokens, Auth, EndedSessions, RecentKeys, RecentNumbers, TokenLimits};
use cache_adapter::{CacheUrl, MemoryThrottle, RedisCache, RedisSettings, ResilientThrottle, ViewCache};
use contexts_adapter::{ClosedAccounts, UserAccounts};
use distribution_application::Distribution;
use eventbridge_adapter::{BusError, EventBus};
use events_adapter::{Inbox, Relay};
use http_adapter::{Media, MediaFile, Probe, Questions};
use images_adapter::Redrawing;
use kernel_application::{Clock, Idempotency, Ids, Throttle};
use kernel_domain::{BoxError, StoreError};
use passwords_adapter::Argon2id;
use persistence_adapter::{BUS, Database, Interest, InvalidDatabase, Settings, Subscriber};
use phonenumbers_adapter::Libphonenumber;
use secrets_adapter::{InvalidSecret, Secrets};
use shipping_application::Shipping;
use storage_adapter::{Bucket, Files, StorageUrl};
use tokens_adapter::{
    Biscuits, InvalidKey, InvalidPolicies, JwtKeys, Jwts, RandomApiKeys, RandomRefreshTokens, RootKeys,
};
use tokio::sync::RwLock;
use user_application::{ImageStore, Users};

use crate::chores::Chores;
use crate::config::{Config, Environment, Secret, TokenFormat};
use crate::metrics::Watched;
use crate::probes::{BucketProbe, DatabaseProbe, FilesProbe, RedisProbe, ReplicaProbe};
use crate::system::{SystemClock, SystemIds, SystemPauses};

/// Whether each backend works, by its name.
pub type Probes = Vec<(&'static str, Arc<dyn Probe>)>;

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
    /// A secret key is none.
    #[error(transparent)]
    Secret(#[from] InvalidSecret),
    /// Our rights do not parse, which tests rule out.
    #[error(transparent)]
    Policies(#[from] InvalidPolicies),
    /// Events would be swallowed.
    #[error("events would get lost")]
    Bus(#[from] BusError),
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
    /// Tells auth whose accounts were closed.
    pub closed_accounts: Relay,
    /// Tells a channel who comes and goes.
    pub announcements: Option<Relay>,
    /// What is done again and again.
    pub chores: Chores,
    /// What has to work before requests are sent here.
    pub probes: Probes,
    /// The database behind all of them.
    pub database: Database,
    pub(crate) idempotency: Arc<dyn Idempotency>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) throttle: Arc<dyn Throttle>,
    /// What metrics are looked up in.
    pub(crate) watched: Watched,
    /// The files of pictures, where this process hands them out itself.
    pub(crate) media: Option<Arc<dyn Media>>,
    /// What was sent to phones, on a developer's machine.
    pub(crate) inbox: Option<Inbox>,
    /// Answers processes that serve other contexts.
    pub(crate) questions: Option<Arc<dyn Questions>>,
    bus: Option<Arc<EventBus>>,
}

impl App {
    /// Makes sure that there is a bus before anything is sent there. One that cannot be reached now is asked again before
    /// the first event.
    pub(crate) async fn expect_bus(&self) -> Result<(), BusError> {
        let Some(bus) = &self.bus else { return Ok(()) };
        match bus.check().await {
            Err(missing @ BusError::Missing) => Err(missing),
            Err(error @ BusError::Unreachable(_)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "events wait until the bus can be asked for");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }
}

/// Builds the application. Backends that are down now may be up when they are needed: all that has to be there is a
/// folder for pictures, or a role to reach their bucket.
pub async fn build(config: &Config) -> Result<App, StartupError> {
    // TLS has one provider here, and whoever installed it first has installed the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (clock, ids): (Arc<dyn Clock>, Arc<dyn Ids>) = (Arc::new(SystemClock), Arc::new(SystemIds));
    let secrets = Arc::new(secrets(config)?);
    let channel = events::channel(config)?;
    let subscribers = events::subscribers(channel.is_some());
    let Backends { database, shared: Shared { views, throttle, resilient }, bus, peers, mut probes } =
        Backends::of(config, &subscribers, &secrets)?;
    let (images, media) = pictures(config, &mut probes).await?;

    let plans = Arc::new(Libphonenumber::load());
    let users = users(&database, &views, plans.clone(), images, secrets.clone(), &clock, &ids);
    let passwords = Arc::new(Argon2id::new()?);
    let auth = Arc::new(Auth {
        store: database.auth_store(),
        scope: views.transaction_scope(database.transaction_scope()),
        queries: database.auth_queries(),
        accounts: Arc::new(UserAccounts(users.clone())),
        numbering_plans: plans,
        passwords: passwords.clone(),
        hash: secrets.clone(),
        access_tokens: access_tokens(config)?,
        refresh_tokens: Arc::new(RandomRefreshTokens),
        api_keys: Arc::new(RandomApiKeys::new()?),
        ended: EndedSessions::default(),
        recent_keys: RecentKeys::default(),
        recent_numbers: RecentNumbers::default(),
        limits: TokenLimits::new(throttle.clone(), config.throttle_rates.of_tokens()),
        policy: config.auth.clone(),
        clock: clock.clone(),
        ids: ids.clone(),
        // Not those that are counted: nothing is tried again.
        pauses: Arc::new(SystemPauses::default()),
    });
    let pauses = Arc::new(SystemPauses::default());
    let distribution = Arc::new(Distribution {
        store: views.distribution_store(database.distribution_store()),
        queries: views.distribution_queries(database.distribution_queries()),
        staff: peers.staff(&users),
        changes: Arc::new(views.clone()),
        usage: peers.usage(database.shipping_queries()),
        clock: clock.clone(),
        ids: ids.clone(),
        pauses: pauses.clone(),
    });
    let shipping = Arc::new(Shipping {
        store: database.shipping_store(),
        queries: database.shipping_queries(),
        drivers: peers.drivers(&users),
        centers: peers.centers(&distribution, &views),
        clock: clock.clone(),
        ids: ids.clone(),
        pauses: pauses.clone(),
    });

    let questions =
        contexts::questions(&config.contexts, &*secrets, &users, &distribution, database.shipping_queries());
    let inbox = (config.environment == Environment::Local).then(Inbox::default);
    let publisher = events::publisher(config, bus.as_ref(), inbox.as_ref());
    let relays = events::relays(&database, publisher, ClosedAccounts(auth.clone()), channel, &clock, &ids);
    let idempotency = views.idempotency(database.idempotency());
    let watched = Watched {
        database: database.clone(),
        views,
        throttle: resilient,
        passwords,
        pauses,
        clock: clock.clone(),
        subscribers,
    };
    let chores = Chores {
        contexts: config.contexts.clone(),
        auth: auth.clone(),
        users: users.clone(),
        idempotency: idempotency.clone(),
        settled: database.settled_events(),
        handled: database.handled_events(),
        clock: clock.clone(),
        turn: Arc::new(RwLock::new(())),
    };
    Ok(App {
        relay: relays.bus,
        closed_accounts: relays.closed_accounts,
        announcements: relays.announcements,
        auth,
        users,
        distribution,
        shipping,
        chores,
        probes,
        database,
        idempotency,
        ids,
        throttle,
        watched,
        media,
        inbox,
        questions,
        bus,
    })
}

/// Who there is, in every process: whoever authenticates has to know whose accounts were closed.
fn users(
    database: &Database,
    views: &ViewCache,
    international_form: Arc<Libphonenumber>,
    images: Arc<dyn ImageStore>,
    hash: Arc<Secrets>,
    clock: &Arc<dyn Clock>,
    ids: &Arc<dyn Ids>,
) -> Arc<Users> {
    Arc::new(Users {
        store: views.user_store(database.user_store()),
        queries: views.user_queries(database.user_queries()),
        international_form,
        image_editor: Arc::new(Redrawing::new()),
        images,
        hash,
        clock: clock.clone(),
        ids: ids.clone(),
    })
}

/// The backends that are asked nothing before they are needed: all but the place for pictures.
struct Backends {
    database: Database,
    shared: Shared,
    bus: Option<Arc<EventBus>>,
    peers: contexts::Peers,
    probes: Probes,
}

impl Backends {
    fn of(config: &Config, subscribers: &[&str], secrets: &Arc<Secrets>) -> Result<Self, StartupError> {
        let database = database(config, subscribers, secrets.clone())?;
        let mut probes = database_probes(config, &database);
        let shared = shared(config, &mut probes);
        let bus = events::bus(config, &mut probes);
        let peers = contexts::Peers::of(&config.contexts, &**secrets, &mut probes)?;
        Ok(Self { database, shared, bus, peers, probes })
    }
}

/// The database, and whether the backends work that are there before the place for pictures is: for whoever looks at them
/// while that is gone.
pub(crate) fn besides_pictures(config: &Config) -> Result<(Database, Probes), StartupError> {
    let Backends { database, probes, .. } = Backends::of(config, &[], &Arc::new(secrets(config)?))?;
    Ok((database, probes))
}

/// The key in use, and those before it.
fn secrets(config: &Config) -> Result<Secrets, InvalidSecret> {
    Secrets::parse(config.secret_key.expose(), config.secret_retired_keys.iter().map(Secret::expose))
}

/// Whether the database works, and its replica, if there is one.
fn database_probes(config: &Config, database: &Database) -> Probes {
    let mut probes: Probes = vec![("database", Arc::new(DatabaseProbe::of(database.clone())))];
    if config.database_replica_url.is_some() {
        probes.push(("replica", Arc::new(ReplicaProbe(database.clone()))));
    }
    probes
}

/// The database, and who hears of its events: the bus of all of them, the others of users.
fn database(config: &Config, subscribers: &[&str], secrets: Arc<Secrets>) -> Result<Database, InvalidDatabase> {
    let longest_unit_of_work = config.longest_unit_of_work();
    let mut settings = Settings { trace: telemetry_adapter::current, longest_unit_of_work, ..Settings::default() };
    for name in subscribers.iter().filter(|it| **it != BUS) {
        settings.subscribers.push(Subscriber { name: (*name).to_owned(), contexts: Interest::Only("user") });
    }
    let replica = config.database_replica_url.as_ref().map(Secret::expose);
    Database::open_with_replica(config.database_url.expose(), replica, &settings, secrets)
}

/// What instances remember together.
struct Shared {
    views: ViewCache,
    throttle: Arc<dyn Throttle>,
    /// The same, where it can be left alone.
    resilient: Option<Arc<ResilientThrottle>>,
}

fn shared(config: &Config, probes: &mut Probes) -> Shared {
    match &config.cache {
        CacheUrl::Memory => {
            Shared { views: ViewCache::alone(), throttle: Arc::new(MemoryThrottle::default()), resilient: None }
        }
        CacheUrl::Redis(url) => {
            let redis =
                RedisCache::connect(url, &config.cache_prefix, &RedisSettings::answering_within(config.cache_timeout));
            probes.push(("cache", Arc::new(RedisProbe(redis.clone()))));
            let throttle = ResilientThrottle::new(Arc::new(redis.throttle()), MemoryThrottle::default());
            let throttle = Arc::new(throttle);
            Shared { views: ViewCache::shared(redis), throttle: throttle.clone(), resilient: Some(throttle) }
        }
    }
}

fn access_tokens(config: &Config) -> Result<Arc<dyn AccessTokens>, StartupError> {
    let key = config.token_root_key.expose();
    let retired = config.token_retired_keys.iter().map(Secret::expose);
    Ok(match config.token_format {
        TokenFormat::Biscuit => Arc::new(Biscuits::signed_by(RootKeys::parse(key, retired)?)?),
        TokenFormat::Jwt => Arc::new(Jwts::signed_by(JwtKeys::parse(key, retired)?)?),
    })
}

/// Where pictures are kept, and who hands them out.
async fn pictures(
    config: &Config,
    probes: &mut Probes,
) -> Result<(Arc<dyn ImageStore>, Option<Arc<dyn Media>>), StartupError> {
    match &config.storage {
        StorageUrl::Folder(folder) => {
            let files = Files::open(folder, config.public_url.as_deref().unwrap_or_default()).await?;
            let files = Arc::new(files);
            probes.push(("storage", Arc::new(FilesProbe(files.clone()))));
            Ok((files.clone(), Some(Arc::new(FilesMedia(files)))))
        }
        StorageUrl::Bucket(url) => {
            let bucket = Arc::new(Bucket::open(url, config.storage_credentials.clone()).await?);
            probes.push(("storage", Arc::new(BucketProbe(bucket.clone()))));
            Ok((bucket, None))
        }
    }
}

struct FilesMedia(Arc<Files>);

#[async_trait]
impl Media for FilesMedia {
    async fn read(&self, path: &str) -> Result<Option<MediaFile>, BoxError> {
        let file = self.0.read(path).await?;
        Ok(file.map(|it| MediaFile { media_type: it.media_type.to_owned(), bytes: it.bytes.into() }))
    }
}
