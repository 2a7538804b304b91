//! A page with the text messages that went to nobody: what a developer's telephone would show.

use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use poem::http::header;
use poem::{Endpoint, Request, Response, Result};

/// Messages on the page; older ones are of no use, a token lives for minutes.
const SHOWN: usize = 50;

/// A text message.
#[derive(Clone, PartialEq, Eq)]
pub struct InboxMessage {
    /// When it was sent.
    pub sent_at: DateTime<Utc>,
    /// Where to.
    pub number: String,
    /// The one-time token in it.
    pub token: String,
}

/// Numbers are personal, tokens are secret.
impl fmt::Debug for InboxMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboxMessage").field("sent_at", &self.sent_at).finish_non_exhaustive()
    }
}

/// Where text messages end up on a developer's machine.
pub trait Inbox: Send + Sync {
    /// The last messages, in any order.
    fn messages(&self) -> Vec<InboxMessage>;
}

/// Shows the messages, those sent last first.
pub(crate) struct Page(pub(crate) Arc<dyn Inbox>);

impl Endpoint for Page {
    type Output = Response;

    async fn call(&self, _: Request) -> Result<Response> {
        let policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; \
                      frame-ancestors 'none'";
        Ok(Response::builder()
            .content_type("text/html; charset=utf-8")
            .header(header::CONTENT_SECURITY_POLICY, policy)
            .body(page(self.0.messages())))
    }
}

fn page(mut messages: Vec<InboxMessage>) -> String {
    messages.sort_by_key(|it| std::cmp::Reverse(it.sent_at));
    let mut rows = String::new();
    for InboxMessage { sent_at, number, token } in messages.into_iter().take(SHOWN) {
        let sent_at = sent_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let (number, token) = (escaped(&number), escaped(&token));
        // Writing to a string cannot fail.
        let _ = writeln!(rows, "<tr><td>{sent_at}</td><td>{number}</td><td><code>{token}</code></td></tr>");
    }
    if rows.is_empty() {
        rows.push_str("<tr><td colspan=\"3\">Nothing was sent yet.</td></tr>\n");
    }
    format!(
        "<!doctype html>
<html lang=\"en\">
<head><meta charset=\"utf-8\"><title>Inbox</title>
<style>body {{ font-family: sans-serif; margin: 2rem }} td, th {{ padding: .3rem 1.5rem .3rem 0; text-align: left }}</style>
</head>
<body>
<h1>Inbox</h1>
<table>
<tr><th>Sent</th><th>To</th><th>Token</th></tr>
{rows}</table>
</body>
</html>
"
    )
}

/// The text, which nobody takes for anything else in a page.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            plain => escaped.push(plain),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use kernel_application::testing::noon;

    use super::*;

    fn message(seconds: i64, token: &str) -> InboxMessage {
        let number = "+82<script>\"'&".to_owned();
        InboxMessage { sent_at: noon() + TimeDelta::seconds(seconds), number, token: token.to_owned() }
    }

    #[test]
    fn the_last_message_comes_first_and_old_ones_not_at_all() {
        let page = page((0..60).map(|at| message(at, &format!("token-{at}."))).collect());

        let at = |token: &str| page.find(token);
        assert!(at("token-59.").expect("the last") < at("token-58.").expect("the one before"));
        assert_eq!((page.matches("token-").count(), at("token-9.")), (SHOWN, None));
    }

    #[test]
    fn whatever_is_in_a_message_is_text() {
        let page = page(vec![message(0, "<b>")]);

        assert!(page.contains("+82&lt;script&gt;&quot;&#39;&amp;") && page.contains("&lt;b&gt;"), "{page}");
    }

    #[test]
    fn a_message_does_not_get_into_a_log() {
        assert!(!format!("{:?}", message(0, "123456")).contains("123456"));
    }
}
