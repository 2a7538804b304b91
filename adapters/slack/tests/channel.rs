//! What a channel gets, and what becomes of a message that it does not get.

#![expect(clippy::unwrap_used, reason = "a test that cannot have what it needs fails")]

use std::time::{Duration, Instant};

use kernel_application::testing::noon;
use kernel_application::{EventHandler, StoredEvent, Undelivered};
use kernel_domain::{CorrelationId, EventId};
use slack_adapter::{Announcements, Webhook, WebhookUrl};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// What the server says, which is nothing if it hangs.
const HANGS: &str = "";

/// A channel whose server answers once, and gives the request that it got.
async fn channel(answer: &'static str) -> (Announcements, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/services/T0/B0/hunter2", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        // The body is the last thing that comes, and the only one that ends with a brace.
        while !request.ends_with(b"}") {
            let mut part = [0; 4096];
            let read = connection.read(&mut part).await.unwrap();
            request.extend_from_slice(&part[..read]);
        }
        if answer == HANGS {
            std::future::pending::<()>().await;
        }
        let answer = format!("HTTP/1.1 {answer}\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n");
        connection.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8(request).unwrap()
    });
    let channel = Webhook::to(WebhookUrl::parse(&url).unwrap()).unwrap();
    (Announcements { channel }, serving)
}

fn an_event(context: &str, name: &str) -> StoredEvent {
    StoredEvent {
        id: EventId::new(Uuid::from_u128(1)),
        context: context.to_owned(),
        name: name.to_owned(),
        aggregate_kind: "user".to_owned(),
        aggregate_id: Uuid::from_u128(2),
        aggregate_version: 1,
        data: vec![("uuid".to_owned(), "0199aa".to_owned()), ("phonenumber".to_owned(), "+821012345678".to_owned())],
        is_confidential: false,
        occurred_at: noon(),
        correlation_id: CorrelationId::from(Uuid::from_u128(9)),
        trace_parent: None,
    }
}

#[tokio::test]
async fn who_comes_and_goes_is_announced_by_id_alone() {
    for (name, said) in [
        ("UserSignup", "User 0199aa signed up."),
        ("UserDeactivated", "User 0199aa is no user any more."),
        ("UserBanned", "User 0199aa was banned."),
    ] {
        let (announcements, served) = channel("200 OK").await;
        let event = an_event("user", name);
        assert!(announcements.wants(&event));

        announcements.handle(&event).await.unwrap();

        let request = served.await.unwrap();
        assert!(request.starts_with("POST /services/T0/B0/hunter2 HTTP/1.1\r\n"), "{request}");
        assert!(request.contains(&format!("\"text\":\"{said}\"")), "{request}");
        assert!(!request.contains("8210"), "nobody's number: {request}");
    }
}

#[tokio::test]
async fn nothing_else_is_announced() {
    let (announcements, _) = channel(HANGS).await;

    for (context, name) in [("user", "UserRenamed"), ("shipping", "UserSignup"), ("auth", "verification_attempt")] {
        assert!(!announcements.wants(&an_event(context, name)), "{context} {name}");
    }
}

#[tokio::test]
async fn an_id_that_is_none_is_not_written() {
    let (announcements, _) = channel(HANGS).await;
    let event =
        StoredEvent { data: vec![("uuid".to_owned(), "<!channel>".to_owned())], ..an_event("user", "UserBanned") };

    let fate = announcements.handle(&event).await;

    assert!(matches!(fate, Err(Undelivered::Refused(_))), "{fate:?}");
}

#[tokio::test]
async fn a_message_that_does_not_arrive_says_whose_fault_it_is_and_not_where_it_went() {
    for (answer, is_refused) in [
        ("400 Bad Request", true),
        ("403 Forbidden", false),
        ("404 Not Found", false),
        ("429 Too Many Requests", false),
        ("500 Internal Server Error", false),
        ("302 Found", false),
        (HANGS, false),
    ] {
        let (announcements, _served) = channel(answer).await;
        let asked = Instant::now();

        let fate = announcements.handle(&an_event("user", "UserBanned")).await.unwrap_err();

        assert_eq!(matches!(fate, Undelivered::Refused(_)), is_refused, "{answer}: {fate:?}");
        assert!(asked.elapsed() < Duration::from_secs(5), "{answer}: {:?}", asked.elapsed());
        assert!(!format!("{fate:?}").contains("hunter2"), "{fate:?}");
    }
}
