//! How S3 is reached: directly, in time, and nowhere else than configured.

use std::time::Duration;

use async_trait::async_trait;
use object_store::client::{HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService};
use object_store::{ClientConfigKey, ClientOptions, Error};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};

use crate::DEADLINE;

/// A host that does not take a connection by then is down.
const CONNECT_DEADLINE: Duration = Duration::from_secs(1);

/// S3 closes connections that nobody used for twenty seconds.
const IDLE: Duration = Duration::from_secs(15);

/// Makes clients that follow no redirect: whoever answers for S3 must not choose whom this process asks next.
#[derive(Debug)]
pub(crate) struct Transport;

impl HttpConnector for Transport {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let may_be_in_clear = options.get_config_value(&ClientConfigKey::AllowHttp).is_some_and(|it| it == "true");
        let client = Client::builder()
            .redirect(Policy::none())
            // The environment is read in one place, and a proxy has no business with the keys of a role.
            .no_proxy()
            .https_only(!may_be_in_clear)
            .http1_only()
            .connect_timeout(CONNECT_DEADLINE)
            .timeout(DEADLINE)
            .pool_idle_timeout(IDLE)
            .build()
            .map_err(|error| Error::Generic { store: "S3", source: error.into() })?;
        Ok(HttpClient::new(Discreet(client)))
    }
}

/// Keeps to itself what S3 quotes of a request that it refuses, which is what was signed and with which token.
#[derive(Debug)]
struct Discreet(Client);

#[async_trait]
impl HttpService for Discreet {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = HttpService::call(&self.0, request).await?;
        if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let code = code(&body.bytes().await?).to_owned();
        Ok(HttpResponse::from_parts(parts, code.into()))
    }
}

/// The word for what is wrong: `AccessDenied`, `NoSuchBucket`.
fn code(body: &[u8]) -> &str {
    let text = str::from_utf8(body).unwrap_or_default();
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map_or("", |(it, _)| it);
    if code.bytes().all(|it| it.is_ascii_alphanumeric()) { code } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_refusal_only_its_code_is_repeated() {
        let refusal = b"<Error><Code>SignatureDoesNotMatch</Code><StringToSign>secret</StringToSign></Error>";

        assert_eq!(code(refusal), "SignatureDoesNotMatch");
        for refusal in [&b""[..], b"<Code>", b"<Code>two words</Code>", b"<Code>\n</Code>", b"\xff<Code>A</Code>"] {
            assert_eq!(code(refusal), "");
        }
    }
}
