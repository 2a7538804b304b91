//! Which cache to use, said by a URL.

use std::fmt;
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
use std::time::Duration;

use bb8_redis::redis::cluster::ClusterClientBuilder;
use bb8_redis::redis::io::tcp::TcpSettings;
use bb8_redis::redis::{Client, ConnectionInfo, IntoConnectionInfo};
use url::Url;

/// Where counters and views are kept.
#[derive(Debug, Clone)]
pub enum CacheUrl {
    /// `memory:`, by each process for itself.
    Memory,
    /// For all instances, by one server: `redis://[[user]:password@]host[:port][/database]`, or `rediss://` for TLS;
    /// or by a cluster: `redis-cluster://[[user]:password@]host[:port][,host[:port]…]`, or `rediss-cluster://`.
    Redis(RedisUrl),
}

/// Why a URL leads to no cache. The URL itself is never repeated: it may hold a password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidCacheUrl {
    /// It names no cache that we speak.
    #[error(
        "the cache URL is neither memory: nor does it start with redis://, rediss://, redis-cluster:// or rediss-cluster://"
    )]
    Scheme,
    /// It names a database of a cluster, which has none.
    #[error("the cache URL ends in more than the hosts of a cluster, which has one database and no options")]
    MoreThanHosts,
    /// It asks for TLS that trusts anybody.
    #[error("the cache URL ends in a #fragment: there is no way to leave certificates unchecked")]
    Fragment,
    /// It cannot be read.
    #[error("the cache URL is malformed: {0}")]
    Malformed(String),
}

impl CacheUrl {
    /// Reads a URL, and connects to nothing.
    pub fn parse(raw: &str) -> Result<Self, InvalidCacheUrl> {
        if raw == "memory:" {
            return Ok(Self::Memory);
        }
        match raw.split_once("://") {
            Some(("redis" | "rediss", _)) => RedisUrl::single(raw).map(Self::Redis),
            Some(("redis-cluster", hosts)) => RedisUrl::cluster("redis", hosts).map(Self::Redis),
            Some(("rediss-cluster", hosts)) => RedisUrl::cluster("rediss", hosts).map(Self::Redis),
            _ => Err(InvalidCacheUrl::Scheme),
        }
    }
}

/// A Redis server or cluster, and how to sign in there.
#[derive(Clone)]
pub struct RedisUrl(pub(crate) Servers);

#[derive(Clone)]
pub(crate) enum Servers {
    Single(Box<Client>),
    /// Some of them: they tell of the others.
    Cluster(Vec<ConnectionInfo>),
}

impl RedisUrl {
    fn single(raw: &str) -> Result<Self, InvalidCacheUrl> {
        let client = Client::open(server(raw)?).map_err(malformed)?;
        Ok(Self(Servers::Single(Box::new(client))))
    }

    /// Who signs in is the same for all hosts, and said once.
    fn cluster(scheme: &str, raw: &str) -> Result<Self, InvalidCacheUrl> {
        let (sign_in, hosts) = raw.rfind('@').map_or(("", raw), |at| raw.split_at(at + 1));
        if hosts.contains(['/', '?']) {
            return Err(InvalidCacheUrl::MoreThanHosts);
        }
        let servers = hosts.split(',').map(|host| server(&format!("{scheme}://{sign_in}{host}")));
        let servers = servers.collect::<Result<Vec<_>, _>>()?;
        ClusterClientBuilder::new(servers.clone()).build().map_err(malformed)?;
        Ok(Self(Servers::Cluster(servers)))
    }
}

fn server(raw: &str) -> Result<ConnectionInfo, InvalidCacheUrl> {
    let url = Url::parse(raw).map_err(malformed)?;
    if url.fragment().is_some() {
        return Err(InvalidCacheUrl::Fragment);
    }
    Ok(url.into_connection_info().map_err(malformed)?.set_tcp_settings(tcp_settings()))
}

/// Questions are small and wait for their answer: holding them back to fill a packet only costs time.
pub(crate) fn tcp_settings() -> TcpSettings {
    given_up_in_time(TcpSettings::default().set_nodelay(true))
}

/// What was sent and not confirmed for so long is given up with its connection, as far as the system can do that: an old
/// value that the network held back must not arrive when its tombstone is gone.
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
fn given_up_in_time(settings: TcpSettings) -> TcpSettings {
    const UNCONFIRMED_AT_MOST: Duration = Duration::from_secs(10);
    settings.set_user_timeout(UNCONFIRMED_AT_MOST)
}

#[cfg(not(any(target_os = "android", target_os = "fuchsia", target_os = "linux")))]
fn given_up_in_time(settings: TcpSettings) -> TcpSettings {
    settings
}

fn malformed(error: impl fmt::Display) -> InvalidCacheUrl {
    InvalidCacheUrl::Malformed(error.to_string())
}

/// Says nothing: the password is in there.
impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisUrl").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bb8_redis::redis::ConnectionAddr;

    use super::*;

    #[test]
    fn memory_single_servers_and_clusters_are_caches() {
        assert!(matches!(CacheUrl::parse("memory:"), Ok(CacheUrl::Memory)));
        for raw in ["redis://localhost", "redis://:secret@127.0.0.1:6380/2", "rediss://me:secret@cache.example/0"] {
            assert!(matches!(CacheUrl::parse(raw), Ok(CacheUrl::Redis(RedisUrl(Servers::Single(_))))), "{raw}");
        }
    }

    #[test]
    fn a_cluster_is_named_by_some_of_its_hosts_and_one_sign_in() {
        let servers = |raw| match CacheUrl::parse(raw) {
            Ok(CacheUrl::Redis(RedisUrl(Servers::Cluster(servers)))) => servers,
            other => panic!("{raw} is {other:?}"),
        };

        let plain = servers("redis-cluster://me:secret@one.example,[::1]:7001,three.example:7002");
        let encrypted = servers("rediss-cluster://one.example");

        let addresses = plain.iter().map(|it| it.addr().to_string()).collect::<Vec<_>>();
        assert_eq!(addresses, ["one.example:6379", "::1:7001", "three.example:7002"]);
        assert!(plain.iter().all(|it| it.redis_settings().password() == Some("secret")));
        assert!(matches!(encrypted[0].addr(), ConnectionAddr::TcpTls { insecure: false, .. }));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_nobody_confirms_is_given_up_in_seconds() {
        assert_eq!(tcp_settings().user_timeout(), Some(Duration::from_secs(10)));
    }

    #[test]
    fn anything_else_is_refused_by_what_is_wrong_with_it() {
        let refusal = |raw| CacheUrl::parse(raw).unwrap_err();
        for raw in ["", "memory", "memory://", "localhost:6379", "memcached://localhost", "unix:///run/redis.sock"] {
            assert_eq!(refusal(raw), InvalidCacheUrl::Scheme, "{raw}");
        }
        for raw in ["redis-cluster://a,b/2", "redis-cluster://a,b?protocol=resp3", "rediss-cluster://a/,b/"] {
            assert_eq!(refusal(raw), InvalidCacheUrl::MoreThanHosts, "{raw}");
        }
        for raw in ["rediss://localhost#insecure", "rediss-cluster://a,b#insecure"] {
            assert_eq!(refusal(raw), InvalidCacheUrl::Fragment, "{raw}");
        }
        for raw in [
            "redis://",
            "redis://localhost:port",
            "redis://localhost/first",
            "redis://0.0.0.0",
            "redis-cluster://",
            "redis-cluster://a,,b",
            "redis-cluster://a:port",
        ] {
            assert!(matches!(refusal(raw), InvalidCacheUrl::Malformed(_)), "{raw}");
        }
    }

    #[test]
    fn a_password_is_never_repeated() {
        let url = CacheUrl::parse("redis://me:hunter2@localhost").unwrap();
        assert!(!format!("{url:?}").contains("hunter2"));
        for raw in [
            "redis://me:hunter2@localhost/x",
            "redis://me:hunter2@localhost:x",
            "redis-cluster://me:hunter2@localhost:x",
            "redis-cluster://me:hunter2@localhost,",
            "bredis://me:hunter2@localhost",
        ] {
            assert!(!CacheUrl::parse(raw).unwrap_err().to_string().contains("hunter2"), "{raw}");
        }
    }
}
