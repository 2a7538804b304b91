//! An incoming webhook: whoever knows its URL may write into its channel.

use std::fmt;
use std::time::Duration;

use kernel_application::Undelivered;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use serde_json::json;
use url::Url;

/// What Slack may take for one message.
const DEADLINE: Duration = Duration::from_secs(3);

/// A host that does not take a connection by then is down.
const CONNECT_DEADLINE: Duration = Duration::from_secs(1);

/// Slack cuts longer texts.
const MOST_CHARACTERS: usize = 3_000;

/// Where messages go. The whole of it is a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(Url);

/// Why a URL is no webhook. The URL itself is never repeated.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the webhook is no http:// or https:// URL of a server")]
pub struct InvalidWebhook;

/// Why a message did not arrive. What Slack says besides may quote the message.
#[derive(Debug, thiserror::Error)]
#[error("Slack answers {0}")]
struct Refusal(StatusCode);

impl WebhookUrl {
    /// Reads a URL, and connects to nothing.
    pub fn parse(raw: &str) -> Result<Self, InvalidWebhook> {
        let url = Url::parse(raw).ok().filter(|it| matches!(it.scheme(), "http" | "https") && it.has_host());
        url.map(Self).ok_or(InvalidWebhook)
    }

    /// Whether messages travel through a network that anybody on it can read.
    pub fn is_in_clear(&self) -> bool {
        self.0.scheme() == "http"
    }
}

impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookUrl(…)")
    }
}

/// A channel to write into; clones are the same one.
#[derive(Clone)]
pub struct Webhook {
    client: Client,
    url: WebhookUrl,
}

impl Webhook {
    /// Prepares to write. Asks nobody.
    pub fn to(url: WebhookUrl) -> Result<Self, reqwest::Error> {
        // Whoever came first has installed the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_DEADLINE)
            .timeout(DEADLINE)
            .build()?;
        Ok(Self { client, url })
    }

    /// Writes a message.
    pub async fn post(&self, text: &str) -> Result<(), Undelivered> {
        let text: String = text.chars().take(MOST_CHARACTERS).collect();
        // A link in a text would have Slack fetch it.
        let message = json!({ "text": text, "unfurl_links": false, "unfurl_media": false });
        let sent = self.client.post(self.url.0.clone()).json(&message).send().await;
        // The URL is a secret.
        let answer = sent.map_err(|error| Undelivered::Unreachable(error.without_url().into()))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            // "invalid_payload", "no_text"
            status @ StatusCode::BAD_REQUEST => Err(Undelivered::Refused(Refusal(status).into())),
            status => Err(Undelivered::Unreachable(Refusal(status).into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_servers_are_written_to_and_no_url_is_shown() {
        let url = WebhookUrl::parse("https://hooks.slack.com/services/T0/B0/hunter2").unwrap();
        assert!(!url.is_in_clear());
        assert!(!format!("{url:?}").contains("hunter2"));
        assert!(WebhookUrl::parse("http://127.0.0.1:9/hunter2").unwrap().is_in_clear());

        for raw in ["", "hooks.slack.com/hunter2", "ftp://hunter2", "file:///hunter2", "https://"] {
            let refusal = WebhookUrl::parse(raw).unwrap_err();
            assert!(!refusal.to_string().contains("hunter2"), "{raw}");
        }
    }
}
