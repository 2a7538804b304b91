//! What staff hear of: who came, and who is gone. By their ids, and nothing that tells who they are.

use async_trait::async_trait;
use kernel_application::{EventHandler, StoredEvent, Undelivered};

use crate::webhook::Webhook;

/// The events of the user context that are announced, and how.
const ANNOUNCED: [(&str, &str); 3] =
    [("UserSignup", "signed up"), ("UserDeactivated", "is no user any more"), ("UserBanned", "was banned")];

/// Writes a message for each event that is announced.
pub struct Announcements {
    /// Where to.
    pub channel: Webhook,
}

#[async_trait]
impl EventHandler for Announcements {
    fn wants(&self, event: &StoredEvent) -> bool {
        happened(event).is_some()
    }

    async fn handle(&self, event: &StoredEvent) -> Result<(), Undelivered> {
        let Some(happened) = happened(event) else { return Ok(()) };
        // The id as this process wrote it; only its digits are taken.
        let user = event.data.iter().find(|(name, _)| name == "uuid").map(|(_, value)| value.as_str());
        let user = user.filter(|it| it.bytes().all(|it| it.is_ascii_hexdigit() || it == b'-'));
        let user = user.ok_or_else(|| Undelivered::Refused("the event names no user".into()))?;
        self.channel.post(&format!("User {user} {happened}.")).await
    }
}

fn happened(event: &StoredEvent) -> Option<&'static str> {
    let announced = ANNOUNCED.iter().find(|(name, _)| event.context == "user" && event.name == *name);
    announced.map(|(_, happened)| *happened)
}
