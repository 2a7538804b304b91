//! What becomes of a question that is not answered.

#![expect(clippy::unwrap_used, reason = "a test that cannot have what it needs fails")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel_application::TraceParent;
use kernel_domain::StoreError;
use remote_adapter::{Peer, PeerUrl, RemoteDrivers};
use shipping_application::DriverDirectory as _;
use shipping_domain::testing::a_driver;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Somebody at `url` to ask for drivers.
fn drivers_at(url: &str) -> RemoteDrivers {
    let step = || TraceParent::parse(TRACE);
    RemoteDrivers(Arc::new(Peer::at(PeerUrl::parse(url).unwrap(), "hunter2", step).unwrap()))
}

/// A process that answers once with this status and body, or never, and gives what it was asked.
async fn process(answer: Option<(&'static str, String)>) -> (RemoteDrivers, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let drivers = drivers_at(&format!("http://{}", listener.local_addr().unwrap()));
    let serving = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        // The body is the last thing that comes, and the only one that ends with a brace.
        while !request.ends_with(b"}") {
            let mut part = [0; 4096];
            let read = connection.read(&mut part).await.unwrap();
            request.extend_from_slice(&part[..read]);
        }
        let Some((status, body)) = answer else { return std::future::pending().await };
        let location = "location: http://127.0.0.1:9/";
        let answer = format!("HTTP/1.1 {status}\r\n{location}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        // Whoever has read enough does not wait for the rest.
        let _ = connection.write_all(answer.as_bytes()).await;
        String::from_utf8(request).unwrap()
    });
    (drivers, serving)
}

#[tokio::test]
async fn a_port_is_one_question_however_many_it_is_about() {
    let (drivers, asked) = process(Some(("200 OK", "[]".to_owned()))).await;
    let some = [a_driver(), a_driver(), a_driver()];

    assert_eq!(drivers.find(&some).await.unwrap(), []);

    let asked = asked.await.unwrap();
    assert!(asked.starts_with("POST /internal/contexts/shipping-drivers-1 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("authorization: Contexts hunter2\r\n"), "{asked}");
    assert!(asked.contains(&format!("traceparent: {TRACE}\r\n")), "{asked}");
    assert!(some.iter().all(|it| asked.contains(&it.to_string())), "{asked}");
}

#[tokio::test]
async fn whatever_is_no_answer_is_an_unavailable_context_and_never_nobody() {
    let refusals = ["403 Forbidden", "404 Not Found", "413 Content Too Large", "302 Found", "503 Service Unavailable"];
    let answers = refusals.map(|status| Some((status, "[]".to_owned())));
    for answer in answers.into_iter().chain([None]) {
        let (drivers, _asked) = process(answer.clone()).await;
        let asked_at = Instant::now();

        let outcome = drivers.find(&[a_driver()]).await;

        assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{answer:?}: {outcome:?}");
        assert!(asked_at.elapsed() < Duration::from_secs(4), "{answer:?}: {:?}", asked_at.elapsed());
        assert!(!format!("{outcome:?}").contains("hunter2"), "{outcome:?}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let outcome = drivers_at(&format!("http://{nobody}")).find(&[a_driver()]).await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_told_as_such() {
    for body in ["", "{}", r#"[{"may_drive":true}]"#] {
        let (drivers, _asked) = process(Some(("200 OK", body.to_owned()))).await;

        let outcome = drivers.find(&[a_driver()]).await;

        assert!(matches!(outcome, Err(StoreError::Corrupt { .. })), "{body}: {outcome:?}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let (drivers, _asked) = process(Some(("200 OK", " ".repeat(64 * 1024 * 1024 + 1)))).await;

    let outcome = drivers.find(&[a_driver()]).await;

    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
}
