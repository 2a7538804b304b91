//! A server over real sockets: slow clients and a stop.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use poem::endpoint::make;
use poem::{EndpointExt as _, Response};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval, sleep, timeout};

use super::pace::Pace;
use super::{Patience, Places, ServerSettings, serve};
use crate::Lifecycle;

/// Long enough for anything that happens at all.
const SOON: Duration = Duration::from_secs(10);

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
    lifecycle: Lifecycle,
    /// Lets one request to `/slow` answer.
    gate: Arc<Notify>,
    /// Told when a request to `/slow` has begun.
    begun: Arc<Notify>,
}

async fn running(settings: ServerSettings) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let (gate, begun, lifecycle) = (Arc::new(Notify::new()), Arc::new(Notify::new()), Lifecycle::default());
    let (opens, begins) = (Arc::clone(&gate), Arc::clone(&begun));
    let endpoint = make(move |request: poem::Request| {
        let (opens, begins) = (Arc::clone(&opens), Arc::clone(&begins));
        async move {
            if request.uri().path() == "/slow" {
                begins.notify_one();
                opens.notified().await;
            }
            Ok::<_, poem::Error>(Response::builder().body("served"))
        }
    });
    let signal = async move {
        let _ = stopped.await;
    };
    let server = tokio::spawn(serve(listener, endpoint.map_to_response(), signal, lifecycle.clone(), settings));
    Running { address, stop, server, lifecycle, gate, begun }
}

fn impatient() -> ServerSettings {
    let patience = Patience {
        header: Duration::from_millis(200),
        idle: Duration::from_mins(1),
        crowded: Duration::from_millis(50),
    };
    ServerSettings { patience, grace: Duration::from_secs(5), ..ServerSettings::default() }
}

async fn connected(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.expect("a connection")
}

/// Sends `text` and reads until the server has closed the connection.
async fn sent(address: SocketAddr, text: &str) -> String {
    let mut socket = connected(address).await;
    socket.write_all(text.as_bytes()).await.expect("sent");
    heard(&mut socket).await
}

async fn heard(socket: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A connection that is cut may end in a reset; what came before counts.
    let _ = timeout(SOON, socket.read_to_end(&mut answer)).await.expect("the connection is closed");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_request_is_served() {
    let running = running(ServerSettings::default()).await;

    let answer = sent(running.address, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;

    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("served"), "{answer}");
}

#[tokio::test]
async fn clients_that_never_finish_a_header_are_cut_and_others_served_meanwhile() {
    let running = running(impatient()).await;
    let began = Instant::now();
    let mut half: Vec<_> = Vec::new();
    for text in ["", "P", "PRI * HTTP/2", "GET / HTTP/1.1\r\nhost:"] {
        let mut socket = connected(running.address).await;
        socket.write_all(text.as_bytes()).await.expect("sent");
        half.push((text, socket));
    }

    let served = sent(running.address, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;

    assert!(served.ends_with("served"));
    for (text, mut socket) in half {
        assert_eq!(heard(&mut socket).await, "", "{text}");
    }
    assert!(began.elapsed() < SOON / 2);
}

#[tokio::test]
async fn a_second_header_has_to_arrive_too_but_may_come_late() {
    let running = running(impatient()).await;
    let mut socket = connected(running.address).await;
    let request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut answer = [0; 512];
    for _ in 0..2 {
        socket.write_all(request).await.expect("sent");
        let length = timeout(SOON, socket.read(&mut answer)).await.expect("in time").expect("an answer");
        assert!(String::from_utf8_lossy(&answer[..length]).ends_with("served"));
        // Idle for longer than a header may take.
        let idle = timeout(Duration::from_millis(400), socket.read(&mut answer)).await;
        assert!(idle.is_err(), "an idle connection stays open");
    }

    socket.write_all(b"GET / HT").await.expect("sent");

    assert_eq!(heard(&mut socket).await, "");
}

#[tokio::test]
async fn a_stop_lets_what_has_begun_end_and_takes_nothing_new() {
    let Running { address, stop, server, lifecycle, gate, begun } = running(impatient()).await;
    let slow = tokio::spawn(async move { sent(address, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await });
    timeout(SOON, begun.notified()).await.expect("it has begun");

    stop.send(()).expect("the server runs");
    let refused = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, refused).await.expect("new connections are refused");
    assert!(lifecycle.is_draining());
    assert!(!server.is_finished(), "it waits for the slow one");
    gate.notify_one();

    assert!(slow.await.expect("an answer").ends_with("served"));
    timeout(SOON, server).await.expect("it has stopped").expect("without a panic");
}

#[tokio::test]
async fn a_process_says_that_it_is_not_ready_before_it_takes_nothing_new() {
    let settings = ServerSettings { notice: Duration::from_mins(1), ..impatient() };
    let Running { address, stop, lifecycle, .. } = running(settings).await;

    stop.send(()).expect("the server runs");
    let draining = async {
        while !lifecycle.is_draining() {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, draining).await.expect("it says so");

    assert!(sent(address, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.ends_with("served"));
}

#[tokio::test]
async fn a_stop_waits_for_half_a_header_or_for_ever_slow_requests_only_so_long() {
    let settings = ServerSettings { grace: Duration::from_millis(300), ..ServerSettings::default() };
    let Running { address, stop, server, begun, .. } = running(settings).await;
    let mut half = connected(address).await;
    half.write_all(b"GET / HT").await.expect("sent");
    let slow = tokio::spawn(async move { sent(address, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await });
    timeout(SOON, begun.notified()).await.expect("it has begun");

    stop.send(()).expect("the server runs");

    timeout(SOON, server).await.expect("it has stopped").expect("without a panic");
    assert_eq!(slow.await.expect("cut"), "");
    assert_eq!(heard(&mut half).await, "");
}

#[tokio::test]
async fn a_stop_waits_for_changes_that_nobody_waits_for() {
    let Running { stop, server, lifecycle, .. } = running(impatient()).await;
    let change = lifecycle.begin();

    stop.send(()).expect("the server runs");
    let draining = async {
        while !lifecycle.is_draining() {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, draining).await.expect("it has begun to stop");
    assert!(!server.is_finished());
    drop(change);

    timeout(SOON, server).await.expect("it has stopped").expect("without a panic");
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let running = running(ServerSettings { connections: 1, ..impatient() }).await;
    let address = running.address;
    let slow =
        tokio::spawn(async move { sent(address, "GET /slow HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await });
    timeout(SOON, running.begun.notified()).await.expect("it has begun");
    let second =
        tokio::spawn(async move { sent(address, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await });
    tokio::task::yield_now().await;
    assert!(!second.is_finished());

    running.gate.notify_one();

    assert!(slow.await.expect("an answer").ends_with("served"));
    assert!(second.await.expect("an answer").ends_with("served"));
}

#[tokio::test]
async fn where_few_more_can_be_taken_who_says_nothing_makes_room() {
    let patience = Patience { header: Duration::from_mins(1), ..impatient().patience };
    let running = running(ServerSettings { connections: 20, patience, ..impatient() }).await;
    let mut idle = Vec::new();
    for turn in 0..60 {
        let mut socket = connected(running.address).await;
        // Some have asked and been answered, the others never say a word.
        if turn % 2 == 0 {
            socket.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sent");
            let mut answer = [0; 512];
            let length = timeout(SOON, socket.read(&mut answer)).await.expect("in time").expect("an answer");
            assert!(String::from_utf8_lossy(&answer[..length]).ends_with("served"));
        }
        idle.push(socket);
    }

    let served = sent(running.address, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;

    assert!(served.ends_with("served"), "{served}");
}

#[tokio::test]
async fn a_header_that_drips_in_has_no_more_time_than_any_other() {
    let running = running(impatient()).await;
    let (mut reads, mut writes) = connected(running.address).await.into_split();
    let drip = async {
        let mut ticks = interval(Duration::from_millis(20));
        while writes.write_all(b"G").await.is_ok() {
            ticks.tick().await;
        }
    };
    let mut answer = Vec::new();

    let cut = timeout(SOON, async { tokio::join!(drip, reads.read_to_end(&mut answer)) }).await;

    assert!(cut.is_ok(), "it is still taken");
    assert_eq!(String::from_utf8_lossy(&answer), "");
}

#[tokio::test]
async fn a_header_without_end_is_refused() {
    let running = running(ServerSettings::default()).await;
    let header = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(10_000_000));
    let mut socket = connected(running.address).await;
    let (mut reads, mut writes) = socket.split();
    let mut answer = Vec::new();
    let send = async { writes.write_all(header.as_bytes()).await };
    let hear = async { reads.read_to_end(&mut answer).await };

    // The server stops reading long before the end: either half may fail.
    let _ = timeout(SOON, async { tokio::join!(send, hear) }).await.expect("the connection is closed");

    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn a_thousand_clients_that_never_finish_a_header_hold_nobody_up() {
    let running = running(impatient()).await;
    let mut half = Vec::new();
    for _ in 0..1_000 {
        let mut socket = connected(running.address).await;
        // One that was cut already by a slow machine is as good.
        let _ = socket.write_all(b"GET / HTTP/1.1\r\nhost:").await;
        half.push(socket);
    }

    for _ in 0..20 {
        let served = sent(running.address, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        assert!(served.ends_with("served"), "{served}");
    }

    for mut socket in half {
        assert_eq!(heard(&mut socket).await, "");
    }
}

#[tokio::test]
async fn whoever_is_answered_while_it_stops_is_told_to_come_here_no_more() {
    let settings = ServerSettings { notice: Duration::from_mins(1), ..impatient() };
    let Running { address, stop, lifecycle, .. } = running(settings).await;
    let request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut socket = connected(address).await;
    let mut answer = [0; 512];
    socket.write_all(request).await.expect("sent");
    let length = timeout(SOON, socket.read(&mut answer)).await.expect("in time").expect("an answer");
    assert!(!String::from_utf8_lossy(&answer[..length]).contains("connection: close"));

    stop.send(()).expect("the server runs");
    let draining = async {
        while !lifecycle.is_draining() {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, draining).await.expect("it says so");
    socket.write_all(request).await.expect("the connection is still open");

    let last = heard(&mut socket).await;
    assert!(last.contains("connection: close") && last.ends_with("served"), "{last}");
}

/// How often a connection is looked at until it has kept us waiting too long, and after how long that is.
async fn looks_and_time(pace: &Pace) -> (usize, Duration) {
    let (began, mut looks) = (Instant::now(), 0);
    let mut exceeded = pin!(pace.exceeded());
    poll_fn(|cx| {
        looks += 1;
        exceeded.as_mut().poll(cx)
    })
    .await;
    (looks, began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn connections_that_ask_for_nothing_are_looked_at_seldom_and_go_in_time_all_the_same() {
    let pace = || Pace::new(ServerSettings::default().patience, Places::of(10));

    let silent = pace();
    let (looks, time) = looks_and_time(&silent).await;
    assert!(looks <= 2 && time.as_secs() == 10, "{looks} in {time:?}");

    let answered = pace();
    drop(answered.serve(false));
    let (looks, time) = looks_and_time(&answered).await;
    assert!(looks <= 9 && time.as_secs() == 75, "{looks} in {time:?}");

    let begun_late = pace();
    drop(begun_late.serve(false));
    let (_, time) = tokio::join!(
        async {
            sleep(Duration::from_secs(7)).await;
            begun_late.heard();
        },
        looks_and_time(&begun_late)
    )
    .1;
    assert_eq!(time.as_secs(), 17);
}
