//! Each entry's fate, in everything that a bus may do with a call.

#![expect(clippy::unwrap_used, reason = "a test that cannot have what it needs fails")]

mod stub;

use std::time::{Duration, Instant};

use eventbridge_adapter::{AccessKeys, BusError, BusUrl, Credentials, EventBus};
use kernel_application::testing::noon;
use kernel_application::{Publisher, StoredEvent, TraceParent, Undelivered, WireEntry};
use kernel_domain::{CorrelationId, EventId};
use serde_json::json;
use uuid::Uuid;

use stub::{Mode, Stub};

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Arrived,
    Refused,
    Unreachable,
}

use Fate::{Arrived, Refused, Unreachable};

fn bus(address: &str) -> EventBus {
    let url = BusUrl::parse(&format!("eventbridge://bus?region=eu-west-1&endpoint=http://{address}")).unwrap();
    let keys = AccessKeys::new("id", "secret", None);
    EventBus::open(&url, Credentials::Keys(keys), |event| WireEntry {
        source: format!("mmd.api.{}", event.context),
        detail_type: event.name.clone(),
        detail: json!({ "id": event.id.to_string(), "data": event.data }).to_string(),
        trace_header: event.trace_parent.map(TraceParent::to_x_ray),
    })
}

fn an_event(id: u64) -> StoredEvent {
    StoredEvent {
        id: EventId::new(Uuid::from_u128(id.into())),
        context: "shipping".to_owned(),
        name: format!("Event{id}"),
        aggregate_kind: "item".to_owned(),
        aggregate_id: Uuid::from_u128(id.into()),
        aggregate_version: 1,
        data: Vec::new(),
        is_confidential: false,
        occurred_at: noon(),
        correlation_id: CorrelationId::from(Uuid::from_u128(9)),
        trace_parent: TraceParent::new(1, id, true),
    }
}

fn events(count: u64) -> Vec<StoredEvent> {
    (1..=count).map(an_event).collect()
}

async fn publish(bus: &EventBus, events: &[StoredEvent]) -> (Vec<Fate>, String) {
    let fates = bus.publish(events).await;
    let told = format!("{fates:?}");
    let fates = fates.iter().map(|it| match it {
        Ok(()) => Arrived,
        Err(Undelivered::Refused(_)) => Refused,
        Err(Undelivered::Unreachable(_)) => Unreachable,
    });
    (fates.collect(), told)
}

/// The fates of three events.
async fn fates(mode: Mode) -> (Vec<Fate>, Stub) {
    let stub = Stub::start(mode).await;
    let (fates, told) = publish(&bus(&stub.address), &events(3)).await;
    assert!(!told.contains("hunter2"), "what the bus says may quote the event: {told}");
    (fates, stub)
}

#[tokio::test]
async fn what_the_bus_takes_has_arrived_ten_in_a_call() {
    let stub = Stub::start(Mode::Takes).await;

    let (fates, _) = publish(&bus(&stub.address), &events(23)).await;

    assert_eq!(fates, [Arrived; 23]);
    assert_eq!(stub.calls(), [10, 10, 3]);
    let first = json!({
        "EventBusName": "bus",
        "Source": "mmd.api.shipping",
        "DetailType": "Event1",
        "Detail": json!({ "id": an_event(1).id.to_string(), "data": [] }).to_string(),
        "TraceHeader": "Root=1-00000000-000000000000000000000001;Parent=0000000000000001;Sampled=1",
    });
    assert_eq!(stub.taken()[0], first);
}

#[tokio::test]
async fn an_entry_that_fails_has_a_fate_of_its_own() {
    for (code, fate) in [
        ("MalformedDetail", Refused),
        ("NotAuthorizedForSourceException", Refused),
        ("SomethingNew", Refused),
        ("InternalFailure", Unreachable),
        ("ThrottlingException", Unreachable),
    ] {
        for at in 0..3 {
            let (fates, stub) = fates(Mode::FailsEntry(at, code)).await;

            let mut expected = [Arrived; 3];
            expected[at] = fate;
            assert_eq!(fates, expected, "{code} at {at}");
            assert_eq!(stub.taken().len(), 2);
        }
    }
}

#[tokio::test]
async fn a_call_that_fails_is_nobodys_fault() {
    for (status, code) in [
        (400, "ThrottlingException"),
        (400, "AccessDeniedException"),
        (400, "ResourceNotFoundException"),
        (403, "UnrecognizedClientException"),
        (500, "InternalException"),
        (503, "ServiceUnavailable"),
    ] {
        let (fates, stub) = fates(Mode::FailsCall(status, code)).await;

        assert_eq!(fates, [Unreachable; 3], "{code}");
        assert_eq!(stub.calls(), [3], "it is the relay that tries again");
    }
}

#[tokio::test]
async fn an_entry_that_spoils_its_call_is_found_and_the_others_arrive() {
    let (fates, stub) = fates(Mode::SpoiltBy("Event2")).await;

    assert_eq!(fates, [Arrived, Refused, Arrived]);
    assert_eq!(stub.calls(), [3, 1, 1, 1]);
}

/// A relay that gave up before the others are through would send them again, for ever.
#[tokio::test]
async fn what_a_slow_bus_takes_one_by_one_it_takes_before_a_relay_gives_up() {
    let stub = Stub::start(Mode::SpoiltSlowlyBy("Event2")).await;
    let asked = Instant::now();

    let (fates, _) = publish(&bus(&stub.address), &events(10)).await;

    let mut expected = [Arrived; 10];
    expected[1] = Refused;
    assert_eq!(fates, expected);
    assert!(asked.elapsed() < Duration::from_secs(6), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_bus_that_hangs_is_given_up_in_time() {
    let asked = Instant::now();

    let (fates, _) = fates(Mode::Hangs).await;

    assert_eq!(fates, [Unreachable; 3]);
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_the_fate_open_and_the_next_try_comes_through() {
    let (fates, stub) = fates(Mode::LosesAnswer).await;

    assert_eq!(fates, [Unreachable; 3], "they may have arrived, and nobody knows");
    stub.becomes(Mode::Takes);
    let (again, _) = publish(&bus(&stub.address), &events(3)).await;
    assert_eq!(again, [Arrived; 3]);
    assert_eq!(stub.taken().len(), 6, "at least once");
}

#[tokio::test]
async fn an_answer_that_does_not_tell_of_each_entry_tells_of_none() {
    let (fates, _) = fates(Mode::Babbles).await;

    assert_eq!(fates, [Unreachable; 3]);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (fates, stub) = fates(Mode::Redirects).await;

    assert_eq!(fates, [Unreachable; 3]);
    assert_eq!(stub.calls(), [3]);
}

#[tokio::test]
async fn a_bus_that_is_down_is_unreachable() {
    let stub = Stub::start(Mode::Takes).await;
    let bus = bus(&stub.address);
    drop(stub);

    assert_eq!(publish(&bus, &events(3)).await.0, [Unreachable; 3]);
    assert!(bus.check().await.is_err());
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_not_sent() {
    let stub = Stub::start(Mode::Takes).await;
    let large = StoredEvent { data: vec![("text".to_owned(), "x".repeat(300_000))], ..an_event(7) };

    let (fates, told) = publish(&bus(&stub.address), &[an_event(1), large, an_event(2)]).await;

    assert_eq!(fates, [Arrived, Refused, Arrived], "{told}");
    assert_eq!(stub.calls(), [2]);
}

/// Amazon answers that such events were taken, and nobody sees them again.
#[tokio::test]
async fn a_bus_that_does_not_exist_is_found_out_by_asking_for_it() {
    let stub = Stub::start(Mode::HasNoBus).await;
    let bus = bus(&stub.address);

    assert!(matches!(bus.check().await, Err(BusError::Missing)));
    assert_eq!(publish(&bus, &events(3)).await.0, [Unreachable; 3]);
    assert_eq!(stub.calls(), [0; 0], "nothing was sent");

    stub.becomes(Mode::Takes);
    assert_eq!(publish(&bus, &events(3)).await.0, [Arrived; 3]);
    stub.becomes(Mode::HasNoBus);
    assert!(matches!(bus.check().await, Err(BusError::Missing)));
    assert_eq!(publish(&bus, &events(3)).await.0, [Unreachable; 3], "who asks for it stops the sending");
    assert_eq!(stub.taken().len(), 3);
}

/// Probes ask for the bus as well, and share its limits with whoever else does.
#[tokio::test]
async fn a_bus_that_was_seen_is_believed_in_while_nobody_may_ask_for_it() {
    let stub = Stub::start(Mode::Takes).await;
    let bus = bus(&stub.address);
    assert_eq!(publish(&bus, &events(3)).await.0, [Arrived; 3]);

    stub.becomes(Mode::ThrottlesDescribe);
    assert!(matches!(bus.check().await, Err(BusError::Unreachable(_))));

    assert_eq!(publish(&bus, &events(3)).await.0, [Arrived; 3]);
    assert_eq!(stub.taken().len(), 6);
}
