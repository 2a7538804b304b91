//! Somebody who talks to the API and shows what is said.

#![expect(clippy::print_stdout, reason = "a demonstration is there to be seen")]

use std::time::{Duration, Instant};

use kernel_domain::BoxError;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(10);
/// Entries of a list that are shown; of the others, only how many there are.
const SHOWN_ENTRIES: usize = 2;

pub(super) struct Visitor {
    client: Client,
    base: String,
    token: Option<String>,
    step: usize,
}

/// What to ask, and which answer is expected.
pub(super) struct Step<'a> {
    pub(super) title: &'a str,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<Value>,
    pub(super) expected: StatusCode,
}

impl Visitor {
    pub(super) fn to(base: String) -> Result<Self, BoxError> {
        let client = Client::builder().timeout(PATIENCE).build()?;
        Ok(Self { client, base, token: None, step: 0 })
    }

    /// Shows this token from now on.
    pub(super) fn signed_in_with(&mut self, token: &str) {
        self.token = Some(token.to_owned());
    }

    /// Asks, shows request and answer, and gives the answer's body if it is the expected one.
    pub(super) async fn take(&mut self, step: Step<'_>) -> Result<Value, BoxError> {
        let Step { title, method, path, body, expected } = step;
        self.step += 1;
        println!("\n── {}. {title} {}", self.step, "─".repeat(70_usize.saturating_sub(title.chars().count())));
        println!("{method} {path}");
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            println!("Authorization: Bearer {}…", token.get(..16).unwrap_or_default());
            request = request.bearer_auth(token);
        }
        if let Some(body) = &body {
            println!("{:#}", shortened(body));
            request = request.json(body);
        }

        let asked = Instant::now();
        let answer = request.send().await?;
        let (status, took) = (answer.status(), asked.elapsed());
        let text = answer.text().await?;
        let body: Value = if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? };
        println!("\n→ {status}  ({:.1} ms)\n{:#}", took.as_secs_f64() * 1000.0, shortened(&body));

        if status != expected {
            return Err(format!("step {} ({title}) was answered {status}, not {expected}", self.step).into());
        }
        Ok(body)
    }

    /// Fails unless `found` is `expected`.
    pub(super) fn expect(&self, what: &str, found: &Value, expected: &Value) -> Result<(), BoxError> {
        if found == expected {
            println!("✔ {what}");
            return Ok(());
        }
        Err(format!("after step {}: {what} should be {expected}, but is {found}", self.step).into())
    }
}

/// The same value with tokens cut and long lists told by their length.
fn shortened(value: &Value) -> Value {
    match value {
        Value::Array(entries) if entries.len() > SHOWN_ENTRIES => {
            let mut shown: Vec<_> = entries.iter().take(SHOWN_ENTRIES).map(shortened).collect();
            shown.push(json!(format!("… and {} more", entries.len() - SHOWN_ENTRIES)));
            Value::Array(shown)
        }
        Value::Array(entries) => entries.iter().map(shortened).collect(),
        Value::Object(fields) => {
            let secret = |name: &str| matches!(name, "access" | "refresh" | "password");
            let field = |(name, value): (&String, &Value)| match value {
                Value::String(text) if secret(name) => {
                    (name.clone(), json!(format!("{}…", text.get(..8).unwrap_or_default())))
                }
                value => (name.clone(), shortened(value)),
            };
            Value::Object(fields.iter().map(field).collect())
        }
        plain => plain.clone(),
    }
}
