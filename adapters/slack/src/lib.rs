//! Messages in a channel of Slack, by an incoming webhook.

mod announcements;
mod webhook;

pub use announcements::Announcements;
pub use webhook::{InvalidWebhook, Webhook, WebhookUrl};
