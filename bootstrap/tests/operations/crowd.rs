//! A crowd that asks for nothing, or never finishes what it asks: it costs little memory, and holds nobody up.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use reqwest::{Client, header};
use secrets_adapter::Secrets;
use tokens_adapter::RootKeys;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::{interval, timeout};

use crate::program::{PATIENCE, Server, Setting, client};

/// As many as there are places, so that there are not enough of them for all who come.
const IDLE: usize = 10_000;
const HALF: usize = 1_000;
const HALF_A_HEADER: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\nx: ";
/// How many come before somebody looks again.
const STEP: usize = 1_000;
/// The first are cut after ten seconds: at least as many as this have come until then.
const AT_ONCE: usize = 5_000;
/// A machine that is too busy for that has time to become less so.
const GATHERED: Duration = Duration::from_mins(2);
/// Connections that have come and gone before anything is measured: what a process takes only once, it has by then.
const FIRST: usize = 200;
/// How much the process may grow, in KiB.
const GROWTH: u64 = 50 * 1024;
/// How long others may wait for an answer: sooner than half a header is given up.
const SOON: Duration = Duration::from_secs(8);
/// One more byte of each header as often.
const DRIP: Duration = Duration::from_secs(2);
/// A header has ten seconds, and a busy machine is late.
const CUT: Duration = Duration::from_secs(30);
/// Files that a process may open: both ends have one for each connection.
const FILES: usize = IDLE + 5_000;

/// For this process and those that it starts. Many a shell allows 1,024.
async fn allow_files() {
    let (pid, files) = (std::process::id().to_string(), format!("--nofile={FILES}:"));
    let allowed = Command::new("prlimit").args(["--pid", &pid, &files]).output().await.expect("util-linux");
    assert!(allowed.status.success(), "{}", String::from_utf8_lossy(&allowed.stderr));
}

/// A number of `/proc/PID/status`, in KiB.
fn memory(server: &Server, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("its status");
    let line = status.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(':')).expect("a line");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}

fn files(server: &Server) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", server.pid())).expect("its files").count()
}

/// That many new connections, each of which has said this.
async fn connected(server: &Server, count: usize, word: &[u8]) -> Vec<TcpStream> {
    let address = server.base.trim_start_matches("http://");
    let connect = async |_| {
        let mut socket = TcpStream::connect(address).await.expect("a connection");
        socket.write_all(word).await.expect("sent");
        socket
    };
    timeout(PATIENCE, stream::iter(0..count).map(connect).buffer_unordered(100).collect()).await.expect("in time")
}

/// Sends one more byte, and looks whether the other side is still there.
fn drips_on(socket: &TcpStream) -> bool {
    let would_block = |it: std::io::Error| it.kind() == std::io::ErrorKind::WouldBlock;
    socket.try_write(b"x").map_or_else(would_block, |_| true)
        && socket.try_read(&mut [0; 512]).map_or_else(would_block, |it| it > 0)
}

/// Asks by a connection of its own, as somebody does who has just come.
async fn ask(server: &Server, http: &Client) {
    let asked =
        http.get(format!("{}/api/v1/auth/public-keys/", server.base)).header(header::CONNECTION, "close").send();
    let answer = timeout(SOON, asked).await.expect("an answer in time").expect("an answer");
    assert!(answer.status().is_success(), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_idle_clients_and_a_thousand_half_headers_cost_little_and_hold_nobody_up() {
    allow_files().await;
    let folder = tempfile::tempdir().expect("a folder");
    let variables = vec![
        ("ENV", "test".to_owned()),
        ("RUST_LOG", "warn".to_owned()),
        ("DATABASE_URL", format!("sqlite://{}", folder.path().join("crowd.db").display())),
        ("SECRET_KEY", Secrets::generate()),
        ("TOKEN_ROOT_KEY", RootKeys::generate()),
    ];
    let setting = Setting { folder: folder.path(), variables };
    let (mut server, http) = (setting.serve().await, client());
    let whole = b"GET /api/healthcheck/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    for mut socket in connected(&server, FIRST, whole).await {
        let mut answer = Vec::new();
        timeout(PATIENCE, socket.read_to_end(&mut answer)).await.expect("in time").expect("an answer");
    }
    let before = memory(&server, "VmRSS");

    let (began, mut most) = (Instant::now(), 0);
    let mut half = connected(&server, HALF, HALF_A_HEADER).await;
    let mut idle = Vec::new();
    while idle.len() < IDLE || most < AT_ONCE {
        assert!(began.elapsed() < GATHERED, "there is no crowd: {most}");
        // Where it takes that long, others come for the first ones, which were cut.
        idle.drain(..(idle.len() + STEP).saturating_sub(IDLE));
        idle.extend(connected(&server, STEP, b"").await);
        most = most.max(files(&server));
        ask(&server, &http).await;
    }
    let gathered = Instant::now();
    let mut drips = interval(DRIP);
    while !half.is_empty() {
        drips.tick().await;
        ask(&server, &http).await;
        half.retain(drips_on);
        assert!(gathered.elapsed() < CUT, "{} are still taken", half.len());
    }

    // At its peak, whatever it has given back since.
    let grown = memory(&server, "VmHWM").saturating_sub(before);
    assert!(grown < GROWTH, "it has grown by {grown} KiB");
    server.terminate().await;
    assert!(server.ended().await.success(), "{}", server.said.all());
}
