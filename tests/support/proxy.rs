//! A fault proxy: a TCP relay that does to the connections through it what networks do, switched while they are open.

mod connection;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// What happens to connections, those that are open included. Requests go towards the server, answers come from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Each piece of an answer arrives so much later.
    Latency(Duration),
    /// Answers arrive in drips of so many bytes, one after each pause.
    Drip {
        /// Bytes at a time.
        bytes: usize,
        /// The pause before each.
        every: Duration,
    },
    /// Open connections end, and new ones are refused.
    Cut,
    /// Open connections are reset, and new ones as soon as they are open.
    Reset,
    /// Connections stay open, and nothing arrives in either direction; it does once the fault is over.
    BlackHole,
    /// So many bytes of the answers still arrive on each connection, then it ends. With 0, the server acts and nobody hears of it.
    Truncate(usize),
    /// Whoever hangs up is heard so much later.
    SlowClose(Duration),
}

/// How many connections there may be at once, unless a test says otherwise; more wait.
const MOST_CONNECTIONS: usize = 1_024;
/// How long a switch may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// Between two attempts to listen again.
const PAUSE: Duration = Duration::from_millis(10);

/// A fault, numbered, so that the proxy can say which it has heeded.
type Rule = (u64, Fault);

/// Stands before a server; ends, with its connections, when it is dropped.
pub struct FaultProxy {
    place: SocketAddr,
    rule: watch::Sender<Rule>,
    heeded: watch::Receiver<u64>,
    listening: JoinHandle<()>,
    /// Bound and never listening: nobody else gets the port while connections are refused.
    _held: TcpSocket,
}

impl FaultProxy {
    /// A proxy before the server at `upstream`, a host and a port.
    pub async fn before(upstream: &str) -> Self {
        Self::for_at_most(MOST_CONNECTIONS, upstream).await
    }

    /// A proxy before what a URL leads to, and the URL that leads through it.
    pub async fn on_the_way_to(url: &str) -> (Self, String) {
        let parsed = reqwest::Url::parse(url).expect("a URL");
        let server = format!("{}:{}", parsed.host_str().expect("a host"), parsed.port().expect("a port"));
        let proxy = Self::before(&server).await;
        let through = url.replacen(&server, &proxy.address(), 1);
        (proxy, through)
    }

    async fn for_at_most(connections: usize, upstream: &str) -> Self {
        let held = reusable();
        held.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        let place = held.local_addr().expect("an address");
        let (rule, rules) = watch::channel((0, Fault::None));
        let (heeding, heeded) = watch::channel(0);
        let room = Arc::new(Semaphore::new(connections));
        let listener = listen(place).await;
        let listening = tokio::spawn(accept(listener, place, upstream.into(), rules, heeding, room));
        Self { place, rule, heeded, listening, _held: held }
    }

    /// Where it listens, as a host and a port; always the same.
    pub fn address(&self) -> String {
        self.place.to_string()
    }

    /// From now on, this happens instead of what happened before.
    pub async fn set(&self, fault: Fault) {
        let mut number = 0;
        self.rule.send_modify(|rule| {
            number = rule.0 + 1;
            *rule = (number, fault);
        });
        let mut heeded = self.heeded.clone();
        let switched = timeout(DEADLINE, heeded.wait_for(|it| *it >= number)).await;
        switched.expect("the proxy switches in time").expect("the proxy lives");
    }

    /// Nothing happens any more.
    pub async fn heal(&self) {
        self.set(Fault::None).await;
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

fn reusable() -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("an address can be used again");
    socket
}

async fn listen(place: SocketAddr) -> TcpListener {
    const BACKLOG: u32 = 1_024;
    let deadline = Instant::now() + DEADLINE;
    loop {
        let socket = reusable();
        match socket.bind(place).and_then(|()| socket.listen(BACKLOG)) {
            Ok(listener) => return listener,
            Err(why) => assert!(Instant::now() < deadline, "cannot listen at {place}: {why}"),
        }
        sleep(PAUSE).await;
    }
}

/// Relays whoever connects. Each connection sees the rules for itself, and ends when the last rule-giver is gone.
async fn accept(
    mut listener: TcpListener,
    place: SocketAddr,
    upstream: Arc<str>,
    mut rules: watch::Receiver<Rule>,
    heeding: watch::Sender<u64>,
    room: Arc<Semaphore>,
) {
    loop {
        tokio::select! {
            biased;
            changed = rules.changed() => {
                if changed.is_err() {
                    return;
                }
                if rules.borrow_and_update().1 == Fault::Cut {
                    drop(listener);
                    if refuse(&mut rules, &heeding).await.is_err() {
                        return;
                    }
                    listener = listen(place).await;
                }
                heeding.send_replace(rules.borrow_and_update().0);
            }
            came = next(&listener, &room) => {
                let Ok((client, permit)) = came else {
                    // Out of file descriptors, say: some come back as connections end.
                    sleep(PAUSE).await;
                    continue;
                };
                let (upstream, rules) = (upstream.clone(), rules.clone());
                tokio::spawn(async move {
                    connection::relay(client, &upstream, rules).await;
                    drop(permit);
                });
            }
        }
    }
}

/// Nobody listens as long as the rule is that everything is cut.
async fn refuse(
    rules: &mut watch::Receiver<Rule>,
    heeding: &watch::Sender<u64>,
) -> Result<(), watch::error::RecvError> {
    loop {
        let (number, fault) = *rules.borrow_and_update();
        if fault != Fault::Cut {
            return Ok(());
        }
        heeding.send_replace(number);
        rules.changed().await?;
    }
}

/// The next client, once there is room.
async fn next(listener: &TcpListener, room: &Arc<Semaphore>) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let permit = room.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (client, _) = listener.accept().await?;
    Ok((client, permit))
}
