//! Connections that a pool can trust without asking each time.
//!
//! The manager that comes with `bb8-redis` asks the server on each use, which doubles the cost of everything
//! we do there; and without asking it would never find out that a connection is dead.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bb8_redis::bb8::ManageConnection;
use bb8_redis::redis::aio::{ConnectionLike, MultiplexedConnection};
use bb8_redis::redis::cluster::ClusterClientBuilder;
use bb8_redis::redis::{
    AsyncConnectionConfig, Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult, ServerErrorKind, Value, cmd,
};

use super::RedisSettings;
use super::cluster::ClusterLink;
use crate::url::{Servers, tcp_settings};

/// A connection that was used so recently is still there; older ones are asked first.
const FRESH: Duration = Duration::from_secs(5);

/// How often a question follows a cluster that moves its keys, within the time that an answer may take.
const REDIRECTIONS: u32 = 3;

/// The shortest wait before a node of a cluster is asked again, in milliseconds: such questions are given up sooner
/// than by default they would be repeated.
const RETRY_PAUSE: u64 = 5;

/// Makes connections, and tells good ones from bad ones.
pub(super) struct Connector {
    servers: Servers,
    connect_timeout: Duration,
    response_timeout: Duration,
    /// How many connections have failed. Where one did, the others may have lost the same server.
    faults: AtomicU64,
}

impl Connector {
    pub(super) fn new(servers: Servers, settings: &RedisSettings) -> Self {
        let RedisSettings { connect_timeout, response_timeout, .. } = *settings;
        Self { servers, connect_timeout, response_timeout, faults: AtomicU64::new(0) }
    }

    async fn link(&self) -> RedisResult<Link> {
        match &self.servers {
            Servers::Single(client) => {
                let config = AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(self.connect_timeout))
                    .set_response_timeout(Some(self.response_timeout));
                client.get_multiplexed_async_connection_with_config(&config).await.map(Link::Single)
            }
            Servers::Cluster(some) => {
                let client = ClusterClientBuilder::new(some.iter().cloned())
                    .tcp_settings(tcp_settings())
                    .connection_timeout(self.connect_timeout)
                    .response_timeout(self.response_timeout)
                    .retries(REDIRECTIONS)
                    .min_retry_wait(RETRY_PAUSE)
                    .build()?;
                client.get_async_connection().await.map(|it| Link::Cluster(ClusterLink::over(it)))
            }
        }
    }
}

impl ManageConnection for Connector {
    type Connection = Connection;
    type Error = RedisError;

    async fn connect(&self) -> RedisResult<Connection> {
        let known_faults = self.faults.load(Ordering::Relaxed);
        let link = self.link().await?;
        let record = Record { answered_at: Instant::now(), known_faults, has_failed: false };
        Ok(Connection { link, record: Arc::new(Mutex::new(record)) })
    }

    async fn is_valid(&self, connection: &mut Connection) -> RedisResult<()> {
        if connection.mends_itself() {
            return Ok(());
        }
        let faults = self.faults.load(Ordering::Relaxed);
        match *connection.record() {
            Record { has_failed: true, .. } => return Err((ErrorKind::Io, "the connection failed before").into()),
            Record { answered_at, known_faults, .. } if known_faults == faults && answered_at.elapsed() < FRESH => {
                return Ok(());
            }
            Record { .. } => {}
        }
        cmd("PING").exec_async(connection).await?;
        connection.record().known_faults = faults;
        Ok(())
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        let has_failed = connection.record().has_failed;
        if has_failed {
            self.faults.fetch_add(1, Ordering::Relaxed);
        }
        has_failed
    }
}

/// A connection that carries the questions of many at once, for its clones are the same connection, and that knows
/// whether any of them ever failed.
#[derive(Clone)]
pub(super) struct Connection {
    link: Link,
    record: Arc<Mutex<Record>>,
}

#[derive(Clone)]
enum Link {
    Single(MultiplexedConnection),
    Cluster(ClusterLink),
}

struct Record {
    answered_at: Instant,
    /// How many faults there were in all when this one proved to be good.
    known_faults: u64,
    has_failed: bool,
}

impl Connection {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What leads to a cluster holds a connection to each node, replaces those that fail by itself, and asks the
    /// others meanwhile: to throw it away would make what one node cannot answer the fault of all.
    fn mends_itself(&self) -> bool {
        match self.link {
            Link::Single(_) => false,
            Link::Cluster(_) => true,
        }
    }

    fn judge(&self, is_good: bool) {
        if self.mends_itself() {
            return;
        }
        let mut record = self.record();
        if is_good {
            record.answered_at = Instant::now();
        } else {
            record.has_failed = true;
        }
    }
}

/// Whether to keep a connection with this answer. A server that refuses is loading, a replica by now, or full:
/// by a new connection we may reach a better one. That it does not know a script yet is nothing.
fn is_good(answer: &Value) -> bool {
    match answer {
        Value::ServerError(refusal) => refusal.kind() == Some(ServerErrorKind::NoScript),
        _ => true,
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let answer = match &mut self.link {
                Link::Single(server) => server.req_packed_command(command).await,
                Link::Cluster(cluster) => cluster.ask(command).await,
            };
            self.judge(answer.as_ref().is_ok_and(is_good));
            answer
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let answers = match &mut self.link {
                Link::Single(server) => server.req_packed_commands(commands, offset, count).await,
                Link::Cluster(cluster) => cluster.ask_all(commands).await,
            };
            self.judge(answers.as_ref().is_ok_and(|answers| answers.iter().all(is_good)));
            answers
        })
    }

    fn get_db(&self) -> i64 {
        match &self.link {
            Link::Single(server) => server.get_db(),
            Link::Cluster(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use bb8_redis::redis::Client;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// Answers every command alike, and counts those that only ask whether it is there.
    struct Server {
        connector: Connector,
        pings: Arc<AtomicUsize>,
    }

    impl Server {
        async fn that_answers(answer: &'static str) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let client = Client::open(format!("redis://{}", listener.local_addr().unwrap())).unwrap();
            let pings = Arc::new(AtomicUsize::new(0));
            let counter = pings.clone();
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, answer, counter.clone()));
                }
            });
            let patient = Duration::from_secs(10);
            let settings =
                RedisSettings { connect_timeout: patient, response_timeout: patient, ..RedisSettings::default() };
            Self { connector: Connector::new(Servers::Single(Box::new(client)), &settings), pings }
        }

        async fn connection(&self) -> Connection {
            self.connector.connect().await.unwrap()
        }

        async fn pings_for(&self, connection: &mut Connection) -> usize {
            let before = self.pings.load(Relaxed);
            self.connector.is_valid(connection).await.unwrap();
            self.pings.load(Relaxed) - before
        }
    }

    async fn serve(mut stream: TcpStream, answer: &str, pings: Arc<AtomicUsize>) {
        let mut input = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut input).await {
            let commands = String::from_utf8_lossy(&input[..length]).into_owned();
            pings.fetch_add(commands.matches("PING").count(), Relaxed);
            if commands.contains("QUIT") {
                return;
            }
            // Each command starts with the number of its words.
            for command in commands.split('*').skip(1) {
                let answer = if command.contains("CLIENT") { "+OK" } else { answer };
                stream.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn only_a_connection_that_has_idled_is_asked() {
        let server = Server::that_answers("+OK").await;
        let mut connection = server.connection().await;
        assert_eq!(server.pings_for(&mut connection).await, 0);
        let long_ago = Instant::now().checked_sub(FRESH).unwrap();
        connection.record().answered_at = long_ago;
        assert_eq!(server.pings_for(&mut connection).await, 1);
        assert_eq!(server.pings_for(&mut connection).await, 0);
    }

    #[tokio::test]
    async fn one_that_failed_is_discarded_and_the_others_are_asked() {
        let server = Server::that_answers("+OK").await;
        let mut good = server.connection().await;
        let mut bad = server.connection().await;
        assert!(cmd("QUIT").exec_async(&mut bad.clone()).await.is_err());
        assert!(server.connector.is_valid(&mut bad).await.is_err());
        assert!(server.connector.has_broken(&mut bad));

        assert!(!server.connector.has_broken(&mut good));
        assert_eq!(server.pings_for(&mut good).await, 1);
        assert_eq!(server.pings_for(&mut good).await, 0);
        assert_eq!(server.pings_for(&mut server.connection().await).await, 0);
    }

    #[tokio::test]
    async fn one_whose_server_refuses_is_discarded() {
        let server = Server::that_answers("-READONLY You can't write against a read only replica.").await;
        let mut connection = server.connection().await;
        assert!(cmd("SET").arg("key").arg("value").exec_async(&mut connection).await.is_err());
        assert!(server.connector.has_broken(&mut connection));
    }

    #[tokio::test]
    async fn one_whose_server_does_not_know_a_script_yet_is_kept() {
        let server = Server::that_answers("-NOSCRIPT No matching script.").await;
        let mut connection = server.connection().await;
        assert!(cmd("EVALSHA").arg("a hash").exec_async(&mut connection).await.is_err());
        assert!(!server.connector.has_broken(&mut connection));
    }
}
