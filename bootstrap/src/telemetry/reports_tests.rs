//! What a channel hears of errors.

use slack_adapter::WebhookUrl;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tracing_subscriber::layer::SubscriberExt;

use super::*;

const PATIENCE: Duration = Duration::from_secs(10);

/// Where errors come from. What is logged here counts as being about reports.
const ELSEWHERE: &str = "shipping_application";

/// A channel, and the texts that arrive in it. Each is answered with this status.
async fn channel(status: u16) -> (Webhook, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let (told, heard) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"}") {
                let mut part = [0; 8192];
                match connection.read(&mut part).await {
                    Ok(0) | Err(_) => break,
                    Ok(read) => request.extend_from_slice(&part[..read]),
                }
            }
            let text = String::from_utf8_lossy(&request);
            let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
            let message: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
            let _ = told.send(message["text"].as_str().unwrap_or_default().to_owned());
            let answer = format!("HTTP/1.1 {status} Said\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            let _ = connection.write_all(answer.as_bytes()).await;
        }
    });
    (Webhook::to(WebhookUrl::parse(&url).expect("a URL")).expect("a client"), heard)
}

async fn next(heard: &mut mpsc::UnboundedReceiver<String>) -> String {
    timeout(PATIENCE, heard.recv()).await.expect("it arrives in time").expect("the channel is open")
}

/// Logs with errors reported to the channel, until what this gives is dropped.
fn reporting(channel: Webhook, rest: Duration, log: impl FnOnce()) -> Reporting {
    let (reports, reporting) = Reports::to(channel, "prod", rest);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(reports), log);
    reporting
}

#[tokio::test]
async fn errors_are_reported_without_secrets_and_nothing_else_is() {
    let (channel, mut heard) = channel(200).await;

    let _reporting = reporting(channel, Duration::ZERO, || {
        tracing::warn!(target: ELSEWHERE, "a warning");
        tracing::error!(target: "slack_adapter", "about a report");
        let cause = "token 123456 of +821012345678";
        tracing::error!(target: ELSEWHERE, cause, path = "/secret", status = 500, "<!channel> failed");
    });

    assert_eq!(next(&mut heard).await, "[prod] &lt;!channel&gt; failed cause=token … of … status=500\n");
}

#[tokio::test]
async fn a_storm_of_errors_is_a_few_messages_and_holds_nobody_up() {
    let (channel, mut heard) = channel(200).await;

    let _reporting = reporting(channel, Duration::ZERO, || {
        for _ in 0..1_000 {
            tracing::error!(target: ELSEWHERE, "the same again");
        }
    });

    let (mut reports, mut lost, mut messages) = (0, 0, 0);
    while reports + lost < 1_000 {
        let message = next(&mut heard).await;
        messages += 1;
        reports += message.matches("the same again").count();
        let told = message.split_once("and ").and_then(|(_, rest)| rest.split(' ').next());
        lost += told.and_then(|it| it.parse().ok()).unwrap_or(0);
    }
    assert_eq!((reports, lost, messages), (CAPACITY, 1_000 - CAPACITY, CAPACITY / IN_ONE));
}

#[tokio::test]
async fn a_channel_that_fails_makes_no_more_errors() {
    let (channel, mut heard) = channel(500).await;
    let (reports, _reporting) = Reports::to(channel, "prod", Duration::ZERO);
    // Whoever sends the reports runs on this thread, too, and what it logs is seen.
    let _logging = tracing::subscriber::set_default(tracing_subscriber::registry().with(reports));

    tracing::error!(target: ELSEWHERE, "once");
    assert_eq!(next(&mut heard).await, "[prod] once\n");
    tracing::error!(target: ELSEWHERE, "again");

    let lost = "[prod] again\n[prod] and 1 more, which are in the log\n";
    assert_eq!(next(&mut heard).await, lost, "the one before did not arrive, and there is no report about a report");
}

#[tokio::test]
async fn what_waits_when_the_process_ends_is_told_without_a_rest() {
    let (channel, mut heard) = channel(200).await;

    let reporting = reporting(channel, Duration::from_hours(1), || {
        for _ in 0..=IN_ONE {
            tracing::error!(target: ELSEWHERE, "the end is near");
        }
    });
    reporting.end().await;

    let told = [heard.try_recv(), heard.try_recv()].map(|it| it.map(|it| it.matches("the end is near").count()));
    assert_eq!(told, [Ok(IN_ONE), Ok(1)]);
}

#[tokio::test]
async fn a_channel_that_takes_nothing_holds_no_end_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/hook", silent.local_addr().expect("an address"));
    let channel = Webhook::to(WebhookUrl::parse(&url).expect("a URL")).expect("a client");

    let reporting = reporting(channel, Duration::ZERO, || {
        for _ in 0..CAPACITY {
            tracing::error!(target: ELSEWHERE, "the end is near");
        }
    });

    timeout(PATIENCE, reporting.end()).await.expect("it ends in time");
}
