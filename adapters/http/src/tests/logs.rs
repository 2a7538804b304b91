//! What the log says of a request, and what it never says.

use std::io::Write;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use uuid::Uuid;

use super::client;

/// What the whole test run logs: one subscriber for every thread, since they share its caches.
static LOG: LazyLock<&'static Mutex<Vec<u8>>> = LazyLock::new(|| {
    let log: &'static Mutex<Vec<u8>> = Box::leak(Box::default());
    let subscriber = tracing_subscriber::fmt().with_writer(move || Log(log)).with_ansi(false).finish();
    tracing::subscriber::set_global_default(subscriber).expect("no other subscriber");
    log
});

struct Log(&'static Mutex<Vec<u8>>);

fn written(log: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        written(self.0).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The lines about the request with this correlation id.
fn lines_with(id: &str) -> Vec<String> {
    let written = String::from_utf8_lossy(&written(*LOG)).into_owned();
    written.lines().filter(|line| line.contains(id)).map(ToOwned::to_owned).collect()
}

/// The lines that `path` leaves in the log when it is asked for under the correlation id `id`.
async fn lines_about(path: &str, id: u128) -> Vec<String> {
    LazyLock::force(&LOG);
    let id = Uuid::from_u128(id).to_string();
    let client = client();
    let request = client.get(path).header("correlation-id", &id).header("authorization", "Bearer secret-token");
    request.send().await;
    lines_with(&id)
}

#[tokio::test]
async fn a_request_leaves_one_line_that_says_all_about_it() {
    let lines = lines_about("/api/v1/parcels/?size=SMALL", 0x1_0001).await;

    let [line] = lines.as_slice() else { panic!("one line, not {lines:?}") };
    for part in ["method=GET", "path=\"/api/v1/parcels/\"", "status=200", "duration_ns="] {
        assert!(line.contains(part), "{part} is missing in {line}");
    }
    assert!(!line.contains("secret-token") && !line.contains("SMALL"), "{line}");
}

#[tokio::test]
async fn what_is_our_fault_is_logged_once_with_its_cause() {
    for (path, id, cause) in [
        ("/api/v1/breaks", 0x1_0002, "the secret host does not answer"),
        ("/api/v1/panics", 0x1_0003, "the secret is out"),
    ] {
        let lines = lines_about(path, id).await;

        let errors: Vec<_> = lines.iter().filter(|line| line.contains("ERROR")).collect();
        let [error] = errors.as_slice() else { panic!("one error, not {lines:?}") };
        assert!(error.contains(cause), "{error}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_early_is_in_the_log_too() {
    LazyLock::force(&LOG);
    let id = Uuid::from_u128(0x1_0005).to_string();

    assert!(client().get("/api/v1/waits/").header("correlation-id", &id).send().now_or_never().is_none());

    let lines = lines_with(&id);
    assert!(
        matches!(lines.as_slice(), [line] if line.contains("duration_ns=") && !line.contains("status=")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn health_checks_leave_no_line() {
    for path in ["/healthcheck", "/api/healthcheck/", "/api/readiness/"] {
        assert_eq!(lines_about(path, 0x1_0004).await, [] as [String; 0]);
    }
}
