//! Who takes events out, and where they go.

use std::sync::Arc;
use std::time::Duration;

use contexts_adapter::ClosedAccounts;
use eventbridge_adapter::EventBus;
use events_adapter::{Inbox, InboxPublisher, LogPublisher, OncePublisher, Relay, RelaySettings, wire_entry};
use kernel_application::{Clock, Ids, Publisher};
use persistence_adapter::{BUS, Database};
use slack_adapter::{Announcements, Webhook};
use telemetry_adapter::TracedPublisher;

use super::{Probes, StartupError};
use crate::config::{Config, Environment, EventsUrl};
use crate::probes::BusProbe;

/// Who hears of users: auth, which forgets those that are gone.
const AUTH: &str = "auth";

/// Who hears of users, too: a channel, if there is one.
const SLACK: &str = "slack";

/// How often somebody looks for closed accounts that another process left behind: their sessions end within a second.
const LOOK_FOR_CLOSED: Duration = Duration::from_secs(1);

/// Who hears of events: the bus of all of them, the others of users.
pub(super) fn subscribers(has_channel: bool) -> Vec<&'static str> {
    [BUS, AUTH].into_iter().chain(has_channel.then_some(SLACK)).collect()
}

/// The channel that hears of users, if there is one.
pub(super) fn channel(config: &Config) -> Result<Option<Webhook>, StartupError> {
    let channel = config.slack_webhook.clone().map(Webhook::to).transpose();
    channel.map_err(|error| StartupError::Other(error.into()))
}

/// The bus that events go to, unless the log is enough.
pub(super) fn bus(config: &Config, probes: &mut Probes) -> Option<Arc<EventBus>> {
    let EventsUrl::Bus(url) = &config.events else { return None };
    let bus = Arc::new(EventBus::open(url, config.events_credentials.clone(), wire_entry));
    probes.push(("events", Arc::new(BusProbe(bus.clone()))));
    Some(bus)
}

/// Where events go; on a developer's machine what is sent to phones is seen on the way.
pub(super) fn publisher(config: &Config, bus: Option<&Arc<EventBus>>, inbox: Option<&Inbox>) -> Arc<dyn Publisher> {
    let shows_secrets = config.environment == Environment::Local;
    let next: Arc<dyn Publisher> = match bus {
        Some(bus) => bus.clone(),
        None => Arc::new(LogPublisher { shows_secrets }),
    };
    match inbox {
        Some(inbox) => Arc::new(InboxPublisher { inbox: inbox.clone(), next }),
        None => next,
    }
}

/// What takes events to each of those who want them.
pub(super) struct Relays {
    pub(super) bus: Relay,
    pub(super) closed_accounts: Relay,
    pub(super) announcements: Option<Relay>,
}

pub(super) fn relays(
    database: &Database,
    publisher: Arc<dyn Publisher>,
    closed_accounts: ClosedAccounts,
    channel: Option<Webhook>,
    clock: &Arc<dyn Clock>,
    ids: &Arc<dyn Ids>,
) -> Relays {
    let relay = |subscriber: &'static str, publisher: Arc<dyn Publisher>, settings: RelaySettings| Relay {
        deliveries: database.deliveries(subscriber),
        publisher: Arc::new(TracedPublisher { next: publisher, subscriber }),
        clock: clock.clone(),
        ids: ids.clone(),
        settings,
    };
    let usual = RelaySettings::default();
    // Each by itself, so that it is known how long one claim takes.
    let one_by_one = RelaySettings { batch: 1, ..usual };
    let often = RelaySettings { idle: LOOK_FOR_CLOSED, ..usual };
    Relays {
        bus: relay(BUS, publisher, usual),
        closed_accounts: relay(AUTH, Arc::new(closed_accounts), often),
        announcements: channel.map(|it| relay(SLACK, announcing(it, database, clock), one_by_one)),
    }
}

/// Announces in a channel who comes and goes, each of them once.
fn announcing(channel: Webhook, database: &Database, clock: &Arc<dyn Clock>) -> Arc<dyn Publisher> {
    Arc::new(OncePublisher {
        subscriber: SLACK,
        handled: database.handled_events(),
        handler: Arc::new(Announcements { channel }),
        clock: clock.clone(),
    })
}
