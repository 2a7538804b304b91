//! Another process of the same system, which serves contexts that this one does not.

use std::fmt;
use std::time::Duration;

use kernel_application::TraceParent;
use kernel_domain::StoreError;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use serde_json::Error as JsonError;
use tracing::{Instrument as _, debug_span};
use url::Url;

use crate::question::{Question, WhatIsServed};

/// What an answer may take: whoever waits for it holds a place, and once in a while a transaction.
const DEADLINE: Duration = Duration::from_secs(2);

/// A process that does not take a connection by then is down.
const CONNECT_DEADLINE: Duration = Duration::from_millis(500);

/// Connections that nobody has used for longer are closed from here, before the other side does.
const IDLE: Duration = Duration::from_secs(5);

/// Bytes of the longest answer: a page of a hundred centers, where a thousand people work in each, has half of that.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// Where questions are answered.
const PATH: &str = "/internal/contexts/";

/// The scheme of the credential that processes show each other.
const SCHEME: &str = "Contexts";

/// Where another process is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct PeerUrl(Url);

/// Why a URL leads to no process.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("http(s)://host[:port] without a user or a path")]
pub struct InvalidPeerUrl;

impl PeerUrl {
    /// Reads a URL, and connects to nothing.
    pub fn parse(raw: &str) -> Result<Self, InvalidPeerUrl> {
        let url = Url::parse(raw).map_err(|_| InvalidPeerUrl)?;
        let is_plain = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        is_plain.then_some(Self(url)).ok_or(InvalidPeerUrl)
    }

    /// Whether what is asked and answered travels through a network that anybody on it can read.
    pub fn is_in_clear(&self) -> bool {
        self.0.scheme() == "http"
    }
}

impl fmt::Debug for PeerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error("the process of another context cannot be reached")]
    Unreachable(#[from] reqwest::Error),
    #[error("the process of another context answers {0}")]
    Refused(StatusCode),
    #[error("the process of another context answers more than {MOST_BYTES} bytes")]
    TooLong,
}

/// A process to ask.
pub struct Peer {
    client: Client,
    url: PeerUrl,
    credential: HeaderValue,
    step: fn() -> Option<TraceParent>,
}

impl Peer {
    /// Prepares to ask the process at `url`, showing it `key`. `step` tells of which trace a question is a step. Asks nobody.
    pub fn at(url: PeerUrl, key: &str, step: fn() -> Option<TraceParent>) -> Result<Self, reqwest::Error> {
        // Whoever came first has installed the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_DEADLINE)
            .pool_idle_timeout(IDLE)
            .timeout(DEADLINE)
            .build()?;
        // A key has no character that a header may not have.
        let credential = HeaderValue::try_from(format!("{SCHEME} {key}"));
        let mut credential = credential.unwrap_or(HeaderValue::from_static(SCHEME));
        credential.set_sensitive(true);
        Ok(Self { client, url, credential, step })
    }

    /// Whether this context is served over there.
    pub async fn serves(&self, context: &str) -> Result<bool, StoreError> {
        Ok(self.ask(&WhatIsServed {}).await?.iter().any(|it| it == context))
    }

    /// Asks once. Whatever is no answer to this very question is none: nobody goes on with half of one.
    pub(crate) async fn ask<Q: Question>(&self, question: &Q) -> Result<Q::Answer, StoreError> {
        let unreadable = |error: JsonError| StoreError::corrupt(Q::NAME, error);
        let asked = serde_json::to_vec(question).map_err(unreadable)?;
        let span = debug_span!(target: "spans", "context", otel.kind = "client");
        let answer = self.answer(Q::NAME, asked).instrument(span).await.map_err(StoreError::unavailable)?;
        serde_json::from_slice(&answer).map_err(unreadable)
    }

    async fn answer(&self, name: &str, asked: Vec<u8>) -> Result<Vec<u8>, NoAnswer> {
        let mut url = self.url.0.clone();
        url.set_path(&format!("{PATH}{name}"));
        let mut request = self.client.post(url).header(AUTHORIZATION, self.credential.clone());
        if let Some(step) = (self.step)() {
            request = request.header("traceparent", step.to_string());
        }
        let answer = request.header(CONTENT_TYPE, "application/json").body(asked).send().await?;
        match answer.status() {
            StatusCode::OK => whole(answer).await,
            status => Err(NoAnswer::Refused(status)),
        }
    }
}

async fn whole(mut answer: Response) -> Result<Vec<u8>, NoAnswer> {
    let mut bytes = Vec::new();
    while let Some(part) = answer.chunk().await? {
        if bytes.len() + part.len() > MOST_BYTES {
            return Err(NoAnswer::TooLong);
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_reached_at_a_plain_address() {
        assert!(PeerUrl::parse("http://users:8000").is_ok_and(|it| it.is_in_clear()));
        assert!(PeerUrl::parse("https://users.internal/").is_ok_and(|it| !it.is_in_clear()));
        for raw in
            ["", "users", "ftp://users", "http://", "http://me:hunter2@users", "http://users/api", "http://users?a=b"]
        {
            assert_eq!(PeerUrl::parse(raw), Err(InvalidPeerUrl), "{raw}");
        }
    }
}
