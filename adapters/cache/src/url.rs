//! Which cache to use, said by a URL.

use std::fmt;

use bb8_redis::redis::io::tcp::TcpSettings;
use bb8_redis::redis::{Client, IntoConnectionInfo, RedisResult};
use url::Url;

/// Where counters are kept.
#[derive(Debug, Clone)]
pub enum CacheUrl {
    /// `memory:`, by each process for itself.
    Memory,
    /// `redis://[[user]:password@]host[:port][/database]`, or `rediss://` for TLS, by one server for all instances.
    Redis(RedisUrl),
}

/// Why a URL leads to no cache. The URL itself is never repeated: it may hold a password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidCacheUrl {
    /// It names no cache that we speak.
    #[error("the cache URL is neither memory: nor does it start with redis:// or rediss://")]
    Scheme,
    /// It names a cluster.
    #[error("the cache URL names a Redis cluster, and only a single server is supported, by redis:// or rediss://")]
    Cluster,
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
            Some(("redis" | "rediss", _)) => RedisUrl::parse(raw).map(Self::Redis),
            Some(("redis-cluster" | "rediss-cluster", _)) => Err(InvalidCacheUrl::Cluster),
            _ => Err(InvalidCacheUrl::Scheme),
        }
    }
}

/// A Redis server, and how to sign in to it.
#[derive(Clone)]
pub struct RedisUrl(Box<Client>);

impl RedisUrl {
    fn parse(raw: &str) -> Result<Self, InvalidCacheUrl> {
        let url = Url::parse(raw).map_err(|error| InvalidCacheUrl::Malformed(error.to_string()))?;
        if url.fragment().is_some() {
            return Err(InvalidCacheUrl::Fragment);
        }
        client(url).map(|client| Self(Box::new(client))).map_err(|error| InvalidCacheUrl::Malformed(error.to_string()))
    }

    pub(crate) fn client(&self) -> Client {
        (*self.0).clone()
    }
}

/// Questions are small and wait for their answer: holding them back to fill a packet only costs time.
fn client(url: Url) -> RedisResult<Client> {
    Client::open(url.into_connection_info()?.set_tcp_settings(TcpSettings::default().set_nodelay(true)))
}

/// Says nothing: the password is in there.
impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisUrl").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_single_servers_are_caches() {
        assert!(matches!(CacheUrl::parse("memory:"), Ok(CacheUrl::Memory)));
        for raw in ["redis://localhost", "redis://:secret@127.0.0.1:6380/2", "rediss://me:secret@cache.example/0"] {
            assert!(matches!(CacheUrl::parse(raw), Ok(CacheUrl::Redis(_))), "{raw}");
        }
    }

    #[test]
    fn anything_else_is_refused_by_what_is_wrong_with_it() {
        let refusal = |raw| CacheUrl::parse(raw).unwrap_err();
        for raw in ["", "memory", "memory://", "localhost:6379", "memcached://localhost", "unix:///run/redis.sock"] {
            assert_eq!(refusal(raw), InvalidCacheUrl::Scheme, "{raw}");
        }
        for raw in ["redis-cluster://a,b,c", "rediss-cluster://a"] {
            assert_eq!(refusal(raw), InvalidCacheUrl::Cluster, "{raw}");
        }
        assert_eq!(refusal("rediss://localhost#insecure"), InvalidCacheUrl::Fragment);
        for raw in ["redis://", "redis://localhost:port", "redis://localhost/first", "redis://0.0.0.0"] {
            assert!(matches!(refusal(raw), InvalidCacheUrl::Malformed(_)), "{raw}");
        }
    }

    #[test]
    fn a_password_is_never_repeated() {
        let url = CacheUrl::parse("redis://me:hunter2@localhost").unwrap();
        assert!(!format!("{url:?}").contains("hunter2"));
        for raw in ["redis://me:hunter2@localhost/x", "redis://me:hunter2@localhost:x", "bredis://me:hunter2@localhost"]
        {
            assert!(!CacheUrl::parse(raw).unwrap_err().to_string().contains("hunter2"), "{raw}");
        }
    }
}
