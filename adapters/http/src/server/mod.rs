//! The accept loop: bounded connections, clients that keep us waiting are cut, a stop is a drain.
//!
//! The framework's own server waits endlessly for the rest of a header, also when it should stop.

mod pace;

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use poem::http::uri::Scheme;
use poem::http::{HeaderValue, Version, header};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Endpoint, Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use crate::lifecycle::Lifecycle;
use pace::{Pace, Paced};

/// How a server treats its connections, and how it stops.
#[derive(Debug, Clone, Copy)]
pub struct ServerSettings {
    /// Connections at the same time; more of them wait until one is closed.
    pub connections: usize,
    /// How long clients may keep us waiting.
    pub patience: Patience,
    /// After the signal to stop: how long requests are still accepted while the process says that
    /// it is not ready, so that whoever balances the load learns of it first.
    pub notice: Duration,
    /// After that: how long what has begun may take to end.
    pub grace: Duration,
}

/// How long clients may keep us waiting.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a request's header, from its first byte to its last; also for the first byte of all.
    pub header: Duration,
    /// For the next request. Longer than load balancers keep idle connections (AWS: 60 s), or
    /// they send requests into connections that we are closing.
    pub idle: Duration,
    /// For the next request, and for the first byte of all, while few more connections can be taken: then who says nothing
    /// makes room for who has something to say.
    pub crowded: Duration,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            connections: 10_000,
            patience: Patience {
                header: Duration::from_secs(10),
                idle: Duration::from_secs(75),
                crowded: Duration::from_secs(1),
            },
            notice: Duration::ZERO,
            grace: Duration::from_secs(20),
        }
    }
}

/// Serves `endpoint` until `shutdown`, then drains: not ready, then no new connections, then what
/// has begun may end. Whatever is still open after the grace is cut.
pub async fn serve<E>(
    listener: TcpListener,
    endpoint: E,
    shutdown: impl Future<Output = ()>,
    lifecycle: Lifecycle,
    settings: ServerSettings,
) where
    E: Endpoint<Output = Response> + 'static,
{
    let acceptor = Acceptor {
        endpoint: Arc::new(endpoint),
        places: Places::of(settings.connections),
        patience: settings.patience,
        lifecycle: lifecycle.clone(),
        ending: watch::Sender::new(()),
    };

    tokio::select! {
        never = acceptor.accept_all(&listener) => match never {},
        () = shutdown => {}
    }
    tracing::info!("stopping: not ready any more");
    lifecycle.drain();
    let _ = timeout(settings.notice, acceptor.accept_all(&listener)).await;
    drop(listener);
    let ended = async {
        acceptor.ending.send_replace(());
        acceptor.ending.closed().await;
        lifecycle.idle().await;
    };
    if timeout(settings.grace, ended).await.is_err() {
        tracing::warn!("stopping: some requests did not end in time");
    }
    drop(acceptor);
}

/// Places for connections.
#[derive(Clone)]
struct Places {
    free: Arc<Semaphore>,
    all: usize,
    few: Arc<Notify>,
}

impl Places {
    fn of(connections: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(connections)), all: connections, few: Arc::default() }
    }

    /// Whether less than a quarter of them is free.
    fn are_few(&self) -> bool {
        self.free.available_permits().saturating_mul(4) < self.all
    }

    /// Waits until somebody tells that they are few.
    fn told_that_they_are_few(&self) -> Notified<'_> {
        self.few.notified()
    }

    /// Tells it again and again, for as long as it is so: one look for everybody, or each of ten thousand idle connections
    /// would wake up to look.
    async fn tell_when_they_are_few(&self, pause: Duration) -> Infallible {
        loop {
            sleep(pause).await;
            if self.are_few() {
                self.few.notify_waiters();
            }
        }
    }
}

struct Acceptor<E> {
    endpoint: Arc<E>,
    places: Places,
    patience: Patience,
    lifecycle: Lifecycle,
    /// Tells connections to end as soon as they can, and is closed when they have to.
    ending: watch::Sender<()>,
}

impl<E: Endpoint<Output = Response> + 'static> Acceptor<E> {
    async fn accept_all(&self, listener: &TcpListener) -> Infallible {
        tokio::select! {
            never = self.accept_each(listener) => never,
            never = self.places.tell_when_they_are_few(self.patience.crowded) => never,
        }
    }

    async fn accept_each(&self, listener: &TcpListener) -> Infallible {
        loop {
            // The semaphore is never closed.
            let Ok(permit) = Arc::clone(&self.places.free).acquire_owned().await else { continue };
            match listener.accept().await {
                Ok((socket, _)) => {
                    let connection = Connection {
                        endpoint: Arc::clone(&self.endpoint),
                        pace: Pace::new(self.patience, self.places.clone()),
                        lifecycle: self.lifecycle.clone(),
                        ending: self.ending.subscribe(),
                        _place: permit,
                    };
                    tokio::spawn(connection.serve(socket));
                }
                Err(error) => {
                    // Out of file descriptors, most likely: some will be free soon.
                    tracing::error!(cause = %error, "a connection could not be accepted");
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

struct Connection<E> {
    endpoint: Arc<E>,
    pace: Pace,
    lifecycle: Lifecycle,
    ending: watch::Receiver<()>,
    _place: OwnedSemaphorePermit,
}

impl<E: Endpoint<Output = Response> + 'static> Connection<E> {
    /// Waits for the first bytes with next to nothing in hand: what a protocol needs is many times as much as a socket, and
    /// many connections never say a word.
    async fn serve(mut self, socket: TcpStream) {
        let mut first = [0; 4];
        let heard = tokio::select! {
            biased;
            heard = socket.peek(&mut first) => heard,
            () = self.pace.exceeded() => return,
            _ = self.ending.changed() => return,
        };
        // An error means that the client went away, and is its own business.
        if let Ok(length) = heard {
            let protocols = protocols(first.get(..length).unwrap_or_default());
            Box::pin(self.converse(socket, protocols)).await;
        }
    }

    async fn converse(mut self, socket: TcpStream, protocols: auto::Builder<TokioExecutor>) {
        let (Ok(local), Ok(remote)) = (socket.local_addr(), socket.peer_addr()) else { return };
        // Answers are written at once and whole: waiting for more only delays them.
        let _ = socket.set_nodelay(true);
        let (local, remote) = (LocalAddr(local.into()), RemoteAddr(remote.into()));
        let (endpoint, lifecycle, pace) = (self.endpoint, self.lifecycle, self.pace.clone());
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let serving = pace.serve(request.version() == Version::HTTP_2);
            let request = Request::from((request, local.clone(), remote.clone(), Scheme::HTTP));
            let (endpoint, lifecycle) = (Arc::clone(&endpoint), lifecycle.clone());
            let is_multiplexed = request.version() == Version::HTTP_2;
            async move {
                // The connection keeps room for this future for as long as it lives: in a box, most of that is for a request alone.
                let mut answer = Box::pin(endpoint.as_ref().get_response(request)).await;
                if lifecycle.is_draining() && !is_multiplexed {
                    // The next request belongs elsewhere: whoever is told comes here no more, and finds no closed door.
                    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                drop(serving);
                Ok::<hyper::Response<_>, Infallible>(answer.into())
            }
        });
        let io = TokioIo::new(Paced { socket, pace: self.pace.clone() });
        let mut connection = pin!(protocols.serve_connection(io, service));
        loop {
            tokio::select! {
                biased;
                // What goes wrong on a connection is the client's business: it went away.
                _ = connection.as_mut() => return,
                () = self.pace.exceeded() => {
                    tracing::debug!("a connection kept us waiting too long");
                    return;
                }
                told = self.ending.changed() => match told {
                    Ok(()) => connection.as_mut().graceful_shutdown(),
                    Err(_) => return,
                },
            }
        }
    }
}

/// How a client begins that speaks HTTP/2.
const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a connection that begins so may speak.
fn protocols(first: &[u8]) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // Waiting is the pace's business.
    builder.http1().header_read_timeout(None).max_buf_size(64 * 1024);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .max_concurrent_streams(100)
        .max_header_list_size(16 * 1024);
    if HTTP_2.starts_with(first) {
        return builder;
    }
    // Whoever is still to tell them apart reads a few bytes alone, and then takes a buffer of twice the size for the rest.
    builder.http1_only()
}

#[cfg(test)]
mod tests;
