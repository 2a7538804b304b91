//! How long a connection may keep us waiting.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::{Patience, Places};

/// Watches one connection. While a request is being served its own deadline counts; between
/// requests it may idle; once a request has begun to arrive, it has to arrive.
#[derive(Clone)]
pub(super) struct Pace(Arc<Watched>);

struct Watched {
    patience: Patience,
    places: Places,
    state: Mutex<State>,
}

struct State {
    /// Requests being served.
    serving: usize,
    /// What is waited for while none is.
    awaited: Awaited,
    /// Frames come and go between the requests of HTTP/2: they do not mean that one arrives.
    multiplexed: bool,
    /// When the state last changed.
    since: Instant,
}

/// What a connection keeps us waiting for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaited {
    /// The first byte of all.
    Word,
    /// The rest of a request's header, of which bytes have arrived.
    Header,
    /// The next request.
    Request,
}

/// A request being served, for as long as this lives.
pub(super) struct Serving(Pace);

impl Pace {
    /// A fresh connection: whoever opens one has something to say.
    pub(super) fn new(patience: Patience, places: Places) -> Self {
        let state = State { serving: 0, awaited: Awaited::Word, multiplexed: false, since: Instant::now() };
        Self(Arc::new(Watched { patience, places, state: Mutex::new(state) }))
    }

    /// A request has arrived.
    pub(super) fn serve(&self, multiplexed: bool) -> Serving {
        let mut state = self.state();
        state.serving += 1;
        state.awaited = Awaited::Request;
        state.multiplexed = multiplexed;
        drop(state);
        Serving(self.clone())
    }

    /// Waits until the connection has kept us waiting too long.
    pub(super) async fn exceeded(&self) {
        let Watched { patience, places, .. } = &*self.0;
        loop {
            // From before the look: what is told meanwhile counts.
            let told = places.told_that_they_are_few();
            let left = self.left();
            if left.is_zero() {
                return;
            }
            // The state may change meanwhile, but nothing that begins now is over sooner than a header would have to be.
            let _ = timeout(left.min(patience.header), told).await;
        }
    }

    fn left(&self) -> Duration {
        let Watched { patience, places, .. } = &*self.0;
        let state = self.state();
        if state.serving > 0 {
            return patience.header;
        }
        let limit = match state.awaited {
            Awaited::Word | Awaited::Request if places.are_few() => patience.crowded,
            Awaited::Word | Awaited::Header => patience.header,
            Awaited::Request => patience.idle,
        };
        limit.saturating_sub(state.since.elapsed())
    }

    /// Bytes have arrived.
    pub(super) fn heard(&self) {
        let mut state = self.state();
        if state.serving > 0 || state.multiplexed {
            return;
        }
        match state.awaited {
            // Its time has run since the connection was made.
            Awaited::Word => state.awaited = Awaited::Header,
            Awaited::Header => {}
            Awaited::Request => {
                state.awaited = Awaited::Header;
                state.since = Instant::now();
            }
        }
    }

    /// Bytes have left.
    fn told(&self) {
        let mut state = self.state();
        if state.serving == 0 && state.awaited == Awaited::Request {
            state.since = Instant::now();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.serving -= 1;
        state.since = Instant::now();
    }
}

/// A socket whose traffic a [`Pace`] hears of.
pub(super) struct Paced {
    pub(super) socket: TcpStream,
    pub(super) pace: Pace,
}

impl AsyncRead for Paced {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let outcome = Pin::new(&mut self.socket).poll_read(cx, into);
        if into.filled().len() > before {
            self.pace.heard();
        }
        outcome
    }
}

impl AsyncWrite for Paced {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.socket).poll_write(cx, bytes);
        if outcome.is_ready() {
            self.pace.told();
        }
        outcome
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.socket).poll_write_vectored(cx, slices);
        if outcome.is_ready() {
            self.pace.told();
        }
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
