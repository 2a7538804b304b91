//! Where events go, and which channel hears of them.

use eventbridge_adapter::{AccessKeys, BusUrl, Credentials};
use slack_adapter::WebhookUrl;

use super::Environment;
use super::reader::Reader;

/// Where events go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventsUrl {
    /// `log:`
    Log,
    /// `eventbridge://bus?region=…&endpoint=…`
    Bus(BusUrl),
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    /// Events carry one-time tokens: they travel in clear only where nobody's are at stake.
    pub(super) fn events(&mut self, environment: Environment) -> EventsUrl {
        let url = match self.raw("EVENTS_URL") {
            None => return EventsUrl::Log,
            Some(url) if url == "log:" => return EventsUrl::Log,
            Some(url) => url,
        };
        match BusUrl::parse(&url) {
            Ok(bus) if is_public(environment) && bus.is_in_clear() => {
                self.fault("EVENTS_URL", "reached by https:// on stage and prod");
                EventsUrl::Log
            }
            Ok(bus) => EventsUrl::Bus(bus),
            Err(error) => {
                self.faults.push(format!("EVENTS_URL: {error}; log: is the other choice"));
                EventsUrl::Log
            }
        }
    }

    /// Who asks the bus: by the variables that S3 is asked with, too, whose faults are found there.
    pub(super) fn events_credentials(&self) -> Credentials {
        let [id, secret, token] =
            ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"].map(|it| self.known_secret(it));
        match (id, secret, self.raw("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")) {
            (Some(id), Some(secret), _) => Credentials::Keys(AccessKeys::new(id, secret, token)),
            (_, _, Some(_)) => Credentials::Task,
            (_, _, None) => Credentials::Machine,
        }
    }

    /// Whoever knows the URL may write into the channel, so it travels encrypted.
    pub(super) fn slack_webhook(&mut self, environment: Environment) -> Option<WebhookUrl> {
        let url = self.secret("SLACK_WEBHOOK_URL").ok().flatten()?;
        match WebhookUrl::parse(url.trim()) {
            Ok(url) if is_public(environment) && url.is_in_clear() => {
                self.fault("SLACK_WEBHOOK_URL", "reached by https:// on stage and prod");
                None
            }
            Ok(url) => Some(url),
            Err(error) => {
                self.faults.push(format!("SLACK_WEBHOOK_URL: {error}"));
                None
            }
        }
    }
}

fn is_public(environment: Environment) -> bool {
    matches!(environment, Environment::Stage | Environment::Prod)
}
