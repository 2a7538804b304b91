//! What stands behind the service: the servers, and the proxies between them and each process.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use support::containers::{mysql_of_its_own, redis_of_its_own};
use support::proxy::FaultProxy;
use support::sql::Sql;
use testcontainers::{ContainerAsync, GenericImage};
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::Stack;
use crate::arrivals;
use crate::bus::{self, Bus};

const DOCKER_DEADLINE: Duration = Duration::from_secs(30);
/// A MySQL that was killed looks through its log first.
const RECOVERY_DEADLINE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(20);

/// A server in a container, which can be killed and comes back where it was.
pub(crate) struct Server {
    container: ContainerAsync<GenericImage>,
    /// Its host and port.
    address: String,
}

impl Server {
    /// Ends it as a power cut would, and starts it again.
    pub(crate) async fn kill_and_start(&self) -> Result<(), String> {
        docker(&["kill", "--signal", "KILL"], &self.container).await?;
        docker(&["start"], &self.container).await
    }
}

/// Does something to a container.
pub(crate) async fn docker(command: &[&str], container: &ContainerAsync<GenericImage>) -> Result<(), String> {
    let mut docker = Command::new("docker");
    docker.args(command).arg(container.id()).stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    let ended = timeout(DOCKER_DEADLINE, docker.status()).await;
    let ended = ended.map_err(|late| format!("docker {command:?} takes too long: {late}"))?;
    let ended = ended.map_err(|why| format!("docker cannot be run: {why}"))?;
    if ended.success() { Ok(()) } else { Err(format!("docker {command:?} of {} ended with {ended}", container.id())) }
}

/// The proxies before what one process depends on.
pub(crate) struct Proxies {
    pub(crate) mysql: FaultProxy,
    pub(crate) redis: FaultProxy,
    pub(crate) bus: FaultProxy,
}

/// Everything behind the service.
pub(crate) enum Backends {
    /// Servers, and the proxies of each process.
    Servers { mysql: Box<Server>, redis: Box<Server>, bus: Box<Bus>, proxies: Vec<Proxies>, url: String },
    /// A file.
    File { url: String },
}

impl Backends {
    pub(crate) async fn start(stack: Stack, folder: &Path) -> Result<Self, String> {
        if stack == Stack::Sqlite {
            return Ok(Self::File { url: format!("sqlite://{}", folder.join("majestic.db").display()) });
        }
        let missing = "there are no images of MySQL, Redis and moto: `cargo xtask chaos` finds them";
        let (mysql, url) = mysql_of_its_own().await.ok_or(missing)?;
        let (redis, redis_url) = redis_of_its_own().await.ok_or(missing)?;
        let bus = Box::new(Bus::start().await.ok_or(missing)?);
        let (mysql_address, redis_address) = (host_and_port(&url), host_and_port(&redis_url));
        let bus_address = host_and_port(bus.url());
        let mut proxies = Vec::new();
        for _ in 0..2 {
            let (mysql, redis, bus) = tokio::join!(
                FaultProxy::before(&mysql_address),
                FaultProxy::before(&redis_address),
                FaultProxy::before(&bus_address)
            );
            proxies.push(Proxies { mysql, redis, bus });
        }
        let mysql = Box::new(Server { container: mysql, address: mysql_address });
        let redis = Box::new(Server { container: redis, address: redis_address });
        Ok(Self::Servers { mysql, redis, bus, proxies, url })
    }

    /// How many processes share it.
    pub(crate) fn processes(&self) -> usize {
        match self {
            Self::Servers { proxies, .. } => proxies.len(),
            Self::File { .. } => 1,
        }
    }

    /// What a process is told of it.
    pub(crate) fn variables(&self, process: usize) -> Vec<(&'static str, String)> {
        match self {
            Self::Servers { proxies, .. } => vec![
                (
                    "DATABASE_URL",
                    format!("mysql://root@{}/majestic?prefer_socket=false", proxies[process].mysql.address()),
                ),
                ("CACHE_URL", format!("redis://{}", proxies[process].redis.address())),
                (
                    "EVENTS_URL",
                    format!("eventbridge://{}?endpoint=http://{}", bus::NAME, proxies[process].bus.address()),
                ),
                ("AWS_ACCESS_KEY_ID", "id".to_owned()),
                ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
            ],
            Self::File { url } => vec![("DATABASE_URL", url.clone()), ("CACHE_URL", "memory:".to_owned())],
        }
    }

    /// What stands between a process and the servers.
    pub(crate) fn proxies_of(&self, process: usize) -> Option<&Proxies> {
        match self {
            Self::Servers { proxies, .. } => proxies.get(process),
            Self::File { .. } => None,
        }
    }

    /// The ids of the events of shipping that arrive until `stop` says that nothing more comes: in the queue of the bus, or in
    /// the log.
    pub(crate) fn arrivals(&self, folder: &Path, mut stop: watch::Receiver<bool>) -> JoinHandle<Vec<String>> {
        match self {
            Self::Servers { bus, .. } => bus.arrivals(stop),
            Self::File { .. } => {
                let log = folder.join("service.log");
                tokio::spawn(async move {
                    let _ = stop.wait_for(|it| *it).await;
                    arrivals::in_log(&std::fs::read_to_string(&log).expect("the log can be read"))
                })
            }
        }
    }

    /// MySQL, if there is one, past the proxies.
    pub(crate) fn mysql_url(&self) -> Option<String> {
        match self {
            Self::Servers { url, .. } => Some(format!("{url}?prefer_socket=false")),
            Self::File { .. } => None,
        }
    }

    /// A connection past the proxies.
    pub(crate) async fn sql(&self) -> Sql {
        match self {
            Self::Servers { url, .. } => Sql::open(&format!("{url}?prefer_socket=false")).await,
            Self::File { url } => Sql::open(url).await,
        }
    }

    /// Has MySQL note what no relay may do: settle what another relay has claimed since, or undo a delivery. And takes the
    /// index away that keeps an item in one open batch, if that is what is to be tried.
    pub(crate) async fn lay_traps(&self, sabotage: Option<&str>) -> Result<(), String> {
        if matches!(self, Self::File { .. }) {
            return Ok(());
        }
        let traps = [
            "CREATE TABLE chaos_late_settlements (event_id BINARY(16) NOT NULL)",
            "CREATE TRIGGER chaos_fence BEFORE UPDATE ON outbox FOR EACH ROW \
                INSERT INTO chaos_late_settlements (event_id) SELECT NEW.event_id \
                WHERE NEW.fence < OLD.fence OR (OLD.state = 'DELIVERED' AND NEW.state <> 'DELIVERED')",
        ];
        let no_index = "DROP INDEX shipping_batch_items_open_item_id ON shipping_batch_items";
        let wants_no_index = sabotage.is_some_and(|it| it.contains("NoOpenIndex"));
        let mut sql = self.sql().await;
        for statement in traps.into_iter().chain(wants_no_index.then_some(no_index)) {
            sql.run(statement).await.map_err(|why| format!("{statement}: {why}"))?;
        }
        Ok(())
    }

    /// Waits until MySQL answers again.
    pub(crate) async fn until_mysql_answers(&self) -> Result<(), String> {
        let Self::Servers { url, mysql, .. } = self else { return Ok(()) };
        let deadline = Instant::now() + RECOVERY_DEADLINE;
        while mysql_async::Conn::from_url(format!("{url}?prefer_socket=false")).await.is_err() {
            if Instant::now() > deadline {
                return Err(format!("MySQL at {} does not come back", mysql.address));
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Ends every fault of the network.
    pub(crate) async fn heal(&self) {
        if let Self::Servers { proxies, .. } = self {
            for Proxies { mysql, redis, bus } in proxies {
                mysql.heal().await;
                redis.heal().await;
                bus.heal().await;
            }
        }
    }
}

/// `mysql://root@127.0.0.1:3306/majestic` → `127.0.0.1:3306`
fn host_and_port(url: &str) -> String {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or(host);
    host.rsplit('@').next().unwrap_or(host).to_owned()
}
