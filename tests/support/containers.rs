//! MySQL, `MariaDB`, Redis and what stands for Amazon, for tests: a server that runs already, or a container that is started once and shared.
//!
//! `cargo xtask test` says which images to start, by `TEST_MYSQL_IMAGE`, `TEST_MARIADB_IMAGE`, `TEST_REDIS_IMAGE` and
//! `TEST_MOTO_IMAGE`, and removes what was started. `TEST_DATABASE_URL`, `TEST_MARIADB_URL` and `TEST_REDIS_URL` name servers to use instead. Where
//! neither says anything, the answers here are `None` and the test leaves itself out, except in CI, where that fails.
//!
//! Without `TEST_RUN_ID` a container outlives the tests, and the next run finds it again.

use std::time::Duration;

use mysql_async::prelude::Queryable;
use testcontainers::bollard::models::PortBinding;
use testcontainers::core::{IntoContainerPort, Mount};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt, ReuseDirective, TestcontainersError};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};

/// A first start of MySQL takes 5 s alone, and several times that on a busy machine.
const START_DEADLINE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(100);

const REDIS_PORT: u16 = 6379;

const AMAZON_PORT: u16 = 5000;

const CLUSTER_NODE: &str = "redis-server --bind 0.0.0.0 --protected-mode no --save '' --cluster-enabled yes \
    --cluster-announce-ip 127.0.0.1 --cluster-node-timeout 2000";

/// The name of the label by which `cargo xtask test` finds what a run has started.
const RUN_LABEL: &str = "majestic.test-run";

/// A crash of this server loses nothing that a test would miss, so it need not wait for the disk.
const SQL_ARGUMENTS: [&str; 5] = [
    "--skip-log-bin",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=OFF",
    "--skip-name-resolve",
    "--max-connections=500",
];

/// The shared MySQL server: `mysql://user[:password]@host:port`, without a database.
pub async fn mysql_url() -> Option<String> {
    static URL: OnceCell<Option<String>> = OnceCell::const_new();
    URL.get_or_init(|| async {
        let source = source("MySQL", "TEST_DATABASE_URL", "TEST_MYSQL_IMAGE")?;
        Some(sql_server(source, "mysql", &["--mysqlx=OFF"]).await)
    })
    .await
    .clone()
}

/// The shared `MariaDB` server, as [`mysql_url`].
pub async fn mariadb_url() -> Option<String> {
    static URL: OnceCell<Option<String>> = OnceCell::const_new();
    URL.get_or_init(|| async {
        let source = source("MariaDB", "TEST_MARIADB_URL", "TEST_MARIADB_IMAGE")?;
        Some(sql_server(source, "mariadb", &[]).await)
    })
    .await
    .clone()
}

async fn sql_server(source: Source, name: &str, arguments: &[&str]) -> String {
    let image = match source {
        Source::Running(url) => return without_database(&url),
        Source::Image(image) => image,
    };
    let container = start(|| {
        shared(&image, name, 3306)
            .with_env_var("MYSQL_ALLOW_EMPTY_PASSWORD", "yes")
            .with_mount(Mount::tmpfs_mount("/var/lib/mysql"))
            .with_cmd(SQL_ARGUMENTS.iter().chain(arguments).copied())
    })
    .await;
    let url = format!("mysql://root@{}", address(&container, 3306).await);
    until_ready(name, async || query(&url, "SELECT 1").await.map(drop)).await;
    url
}

/// The shared Redis server. Whoever uses it keeps to keys of its own.
pub async fn redis_url() -> Option<String> {
    static URL: OnceCell<Option<String>> = OnceCell::const_new();
    URL.get_or_init(|| async {
        match source("Redis", "TEST_REDIS_URL", "TEST_REDIS_IMAGE")? {
            Source::Running(url) => Some(url),
            Source::Image(image) => {
                let container = start(|| shared(&image, "redis", REDIS_PORT)).await;
                let url = format!("redis://{}", address(&container, REDIS_PORT).await);
                until_ready("Redis", async || ping(&url).await).await;
                Some(url)
            }
        }
    })
    .await
    .clone()
}

/// The shared Redis server, and a prefix for the keys of one test that no other test has.
pub async fn fresh_redis_prefix() -> Option<(String, String)> {
    let url = redis_url().await?;
    // The server counts, so that no two tests can get the same one, whichever process they run in.
    let test: u64 = redis_answer(&url, redis::cmd("INCR").arg("majestic-tests")).await.expect("Redis counts");
    Some((url, format!("majestic-test-{test}")))
}

/// A Redis server for one test alone, which may stop it: it listens on the same port when it starts again.
pub async fn redis_of_its_own() -> Option<(ContainerAsync<GenericImage>, String)> {
    let image =
        given("TEST_REDIS_IMAGE").or_else(|| left_out("TEST_REDIS_IMAGE names no Redis that may be stopped"))?;
    let container = start(|| request(&image, REDIS_PORT, Some(unused_port()))).await;
    let url = format!("redis://{}", address(&container, REDIS_PORT).await);
    until_ready("Redis", async || ping(&url).await).await;
    Some((container, url))
}

/// A MySQL server for one test alone, which may kill it: what was committed survives, and it listens on the same port when it
/// starts again. The URL is that of an empty database.
pub async fn mysql_of_its_own() -> Option<(ContainerAsync<GenericImage>, String)> {
    let image = given("TEST_MYSQL_IMAGE").or_else(|| left_out("TEST_MYSQL_IMAGE names no MySQL that may be killed"))?;
    let container = start(|| {
        request(&image, 3306, Some(unused_port())).with_env_var("MYSQL_ALLOW_EMPTY_PASSWORD", "yes").with_cmd([
            "--skip-log-bin",
            "--mysqlx=OFF",
            "--skip-name-resolve",
            "--max-connections=500",
        ])
    })
    .await;
    let url = format!("mysql://root@{}", address(&container, 3306).await);
    until_ready("MySQL", async || query(&url, "CREATE DATABASE IF NOT EXISTS majestic").await.map(drop)).await;
    Some((container, format!("{url}/majestic")))
}

/// What stands for Amazon, for one test alone, which may freeze it, and its URL. It forgets everything when it ends.
pub async fn amazon_of_its_own() -> Option<(ContainerAsync<GenericImage>, String)> {
    let image = given("TEST_MOTO_IMAGE").or_else(|| left_out("TEST_MOTO_IMAGE names no Amazon that may be frozen"))?;
    let container = start(|| request(&image, AMAZON_PORT, None)).await;
    let url = format!("http://{}", address(&container, AMAZON_PORT).await);
    until_ready("Amazon", async || reqwest::get(&url).await.map(drop)).await;
    Some((container, url))
}

/// Puts a text file that everybody may read into a container.
pub async fn put_in(container: &ContainerAsync<GenericImage>, path: &str, text: &str) {
    let mut docker = tokio::process::Command::new("docker");
    let put = docker.args(["exec", container.id(), "sh", "-c", "printf %s \"$1\" > \"$2\"", "sh", text, path]).status();
    let put = tokio::time::timeout(START_DEADLINE, put).await.expect("docker answers").expect("docker is there");
    assert!(put.success(), "docker exec ends with {put}");
}

/// Ends a server as a power cut would.
pub async fn killed(container: &ContainerAsync<GenericImage>) {
    let mut docker = tokio::process::Command::new("docker");
    let killed = docker.args(["kill", "--signal", "KILL", container.id()]).stdout(std::process::Stdio::null()).status();
    let killed = tokio::time::timeout(START_DEADLINE, killed).await.expect("docker answers").expect("docker is there");
    assert!(killed.success(), "docker kill ends with {killed}");
}

/// A Redis cluster for one test alone, and the URL of one of its three nodes. It may be stopped, and comes back where
/// it was.
///
/// The nodes tell clients and each other the same addresses. So they share a container, and listen inside on the ports
/// on which they are found outside.
pub async fn redis_cluster_of_its_own() -> Option<(ContainerAsync<GenericImage>, String)> {
    let image =
        given("TEST_REDIS_IMAGE").or_else(|| left_out("TEST_REDIS_IMAGE names no Redis that may form a cluster"))?;
    let ports = std::sync::Mutex::new([0; 3]);
    let container = start(|| {
        let unused = [(); 3].map(|()| unused_port());
        *ports.lock().expect("nobody panicked with it") = unused;
        let nodes = unused.map(|port| format!("{CLUSTER_NODE} --port {port} --cluster-config-file /tmp/{port}.conf"));
        let [first, second, third] = [0, 1, 2].map(|node| format!("{} --cluster-port {}", nodes[node], 17_001 + node));
        let script = format!("{first} & {second} & exec {third}");
        publishing(&image, unused.map(|port| (port, Some(port))).to_vec()).with_cmd(["sh", "-c", &script])
    })
    .await;
    let ports = ports.into_inner().expect("nobody panicked with it");
    for (node, port) in ports.into_iter().enumerate() {
        let url = format!("redis://127.0.0.1:{port}");
        until_ready("a node", async || ping(&url).await).await;
        let (first, last) = [(0, 5_460), (5_461, 10_922), (10_923, 16_383)][node];
        let mut slots = redis::cmd("CLUSTER");
        slots.arg("ADDSLOTSRANGE").arg(first).arg(last);
        let mut meet = redis::cmd("CLUSTER");
        meet.arg("MEET").arg("127.0.0.1").arg(ports[0]).arg(17_001);
        for command in [slots, meet] {
            redis_answer::<()>(&url, &command).await.expect("the node joins");
        }
    }
    for port in ports {
        until_ready("the cluster", async || clustered(&format!("redis://127.0.0.1:{port}")).await).await;
    }
    Some((container, format!("redis-cluster://127.0.0.1:{}", ports[0])))
}

/// Whether a node knows of all slots.
async fn clustered(url: &str) -> Result<(), String> {
    let info: String = redis_answer(url, redis::cmd("CLUSTER").arg("INFO")).await.map_err(|error| error.to_string())?;
    if info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3") { Ok(()) } else { Err(info) }
}

/// An empty database of its own for one test, on the shared server.
pub async fn fresh_mysql_database() -> Option<String> {
    static SWEPT: OnceCell<()> = OnceCell::const_new();
    let server = mysql_url().await?;
    SWEPT.get_or_init(|| drop_abandoned_databases(&server)).await;
    Some(fresh_database_on(&server).await)
}

/// The same on the shared `MariaDB` server.
pub async fn fresh_mariadb_database() -> Option<String> {
    static SWEPT: OnceCell<()> = OnceCell::const_new();
    let server = mariadb_url().await?;
    SWEPT.get_or_init(|| drop_abandoned_databases(&server)).await;
    Some(fresh_database_on(&server).await)
}

/// An empty database beside this one, or on this server.
pub async fn fresh_database_on(url: &str) -> String {
    let server = without_database(url);
    // The server names it, so that no two tests can get the same one, whichever process they run in.
    let name = query(&server, "SELECT CONCAT('majestic_test_', UNIX_TIMESTAMP(), '_', UUID_SHORT())")
        .await
        .expect("the server makes up a name")
        .remove(0);
    query(&server, &format!("CREATE DATABASE {name}")).await.expect("the server creates a database");
    format!("{server}/{name}")
}

/// Databases that runs of an hour ago and more left on a server that outlives them.
async fn drop_abandoned_databases(server: &str) {
    let abandoned = "SELECT schema_name FROM information_schema.schemata \
        WHERE schema_name REGEXP '^majestic_test_[0-9]+_[0-9]+$' \
        AND SUBSTRING_INDEX(SUBSTRING_INDEX(schema_name, '_', 3), '_', -1) < UNIX_TIMESTAMP() - 3600";
    for name in query(server, abandoned).await.expect("MySQL lists its databases") {
        query(server, &format!("DROP DATABASE IF EXISTS {name}")).await.expect("MySQL drops a database");
    }
}

enum Source {
    Running(String),
    Image(String),
}

fn source(server: &str, url_variable: &str, image_variable: &str) -> Option<Source> {
    let running = given(url_variable).map(Source::Running);
    running
        .or_else(|| given(image_variable).map(Source::Image))
        .or_else(|| left_out(&format!("neither {url_variable} nor {image_variable} names a {server} server")))
}

#[expect(clippy::disallowed_methods, reason = "these variables speak to the tests, not to the product")]
fn given(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|it| !it.is_empty())
}

#[expect(clippy::print_stderr, reason = "a test that leaves itself out says so")]
pub(crate) fn left_out<T>(why: &str) -> Option<T> {
    assert!(given("CI").is_none_or(|ci| ci != "true"), "left out: {why}, and CI may leave nothing out");
    eprintln!("left out: {why}");
    None
}

/// A container that listens on this loopback port, or on one of Docker's choice.
fn request(image: &str, port: u16, on: Option<u16>) -> ContainerRequest<GenericImage> {
    publishing(image, vec![(port, on)])
}

/// A container that is found on these loopback ports, or on ones of Docker's choice.
fn publishing(image: &str, ports: Vec<(u16, Option<u16>)>) -> ContainerRequest<GenericImage> {
    let (name, tag) = match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    };
    let image = ports.iter().fold(GenericImage::new(name, tag), |image, (port, _)| image.with_exposed_port(port.tcp()));
    image.with_label(RUN_LABEL, run()).with_host_config_modifier(move |host| {
        let bindings = ports.iter().map(|(port, on)| {
            let loopback = PortBinding { host_ip: Some("127.0.0.1".into()), host_port: on.map(|it| it.to_string()) };
            (format!("{port}/tcp"), Some(vec![loopback]))
        });
        host.publish_all_ports = Some(false);
        host.port_bindings = Some(bindings.collect());
    })
}

/// A container that is shared by name: the first process of a run to ask for it starts it.
fn shared(image: &str, server: &str, port: u16) -> ContainerRequest<GenericImage> {
    request(image, port, None)
        .with_container_name(format!("majestic-test-{server}-{}", run()))
        .with_reuse(ReuseDirective::Always)
}

/// The label that a container needs that is started in another way, so that `cargo xtask test` removes it, too.
pub fn run_label() -> String {
    format!("{RUN_LABEL}={}", run())
}

fn run() -> String {
    given("TEST_RUN_ID").unwrap_or_else(|| "by-hand".into())
}

/// A port that is free now. Docker chooses another on each start, if it may choose.
fn unused_port() -> u16 {
    let probe = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    probe.expect("there is a free port").port()
}

/// Starts the container. One that is shared may be there already, or be starting.
async fn start(request: impl Fn() -> ContainerRequest<GenericImage>) -> ContainerAsync<GenericImage> {
    const ATTEMPTS: usize = 20;
    let mut refused = None;
    for _ in 0..ATTEMPTS {
        match request().start().await {
            Ok(container) => return container,
            Err(why) => refused = Some(why),
        }
        sleep(PAUSE).await;
    }
    panic!("docker cannot start {:?}: {refused:?}", request())
}

async fn address(container: &ContainerAsync<GenericImage>, port: u16) -> String {
    let published: Result<u16, TestcontainersError> = container.get_host_port_ipv4(port).await;
    format!("127.0.0.1:{}", published.expect("the port is published"))
}

/// Asks until the server answers: its log says "ready" before it is, on a first start.
async fn until_ready<E: std::fmt::Debug>(server: &str, ask: impl AsyncFn() -> Result<(), E>) {
    let deadline = Instant::now() + START_DEADLINE;
    while let Err(why) = ask().await {
        assert!(Instant::now() < deadline, "{server} is not ready: {why:?}");
        sleep(PAUSE).await;
    }
}

/// The first column of each row.
async fn query(url: &str, statement: &str) -> mysql_async::Result<Vec<String>> {
    let mut connection = mysql_async::Conn::from_url(url).await?;
    let rows = connection.query(statement).await?;
    connection.disconnect().await?;
    Ok(rows)
}

async fn ping(url: &str) -> redis::RedisResult<()> {
    redis_answer(url, &redis::cmd("PING")).await
}

async fn redis_answer<T: redis::FromRedisValue>(url: &str, command: &redis::Cmd) -> redis::RedisResult<T> {
    let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    command.query_async(&mut connection).await
}

/// `mysql://host:3306/shop?x=y` → `mysql://host:3306`
fn without_database(url: &str) -> String {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find(['/', '?']).map_or(url.len(), |at| host + at);
    url[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::{
        fresh_mysql_database, fresh_redis_prefix, ping, query, redis_cluster_of_its_own, redis_of_its_own, until_ready,
        without_database,
    };

    #[tokio::test]
    async fn each_test_gets_a_database_of_its_own() {
        let (Some(one), Some(other)) = (fresh_mysql_database().await, fresh_mysql_database().await) else { return };
        query(&one, "CREATE TABLE marks (id INT)").await.unwrap();
        assert_eq!(query(&one, "SHOW TABLES").await.unwrap(), ["marks"]);
        assert_eq!(query(&other, "SHOW TABLES").await.unwrap(), [] as [String; 0]);
    }

    #[tokio::test]
    async fn each_test_gets_a_redis_prefix_of_its_own() {
        let (Some(one), Some(other)) = (fresh_redis_prefix().await, fresh_redis_prefix().await) else { return };
        assert_eq!(one.0, other.0);
        assert_ne!(one.1, other.1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_redis_of_its_own_starts_again_where_it_was() {
        let Some((container, url)) = redis_of_its_own().await else { return };
        container.stop_with_timeout(Some(0)).await.unwrap();
        assert!(ping(&url).await.is_err());
        container.start().await.unwrap();
        until_ready("Redis", async || ping(&url).await).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_cluster_of_its_own_forms_again_where_it_was() {
        let Some((container, url)) = redis_cluster_of_its_own().await else { return };
        let node = url.replace("redis-cluster", "redis");
        container.stop_with_timeout(Some(0)).await.unwrap();
        assert!(ping(&node).await.is_err());
        container.start().await.unwrap();
        until_ready("the cluster", async || super::clustered(&node).await).await;
    }

    #[test]
    fn a_url_loses_its_database_and_keeps_its_server() {
        for (url, server) in [
            ("mysql://root:secret@127.0.0.1:3306/shop?x=y", "mysql://root:secret@127.0.0.1:3306"),
            ("mysql://127.0.0.1?x=y", "mysql://127.0.0.1"),
            ("mysql://127.0.0.1", "mysql://127.0.0.1"),
        ] {
            assert_eq!(without_database(url), server);
        }
    }
}
