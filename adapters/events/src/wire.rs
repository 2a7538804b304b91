//! What an event looks like outside the process.

use chrono::SecondsFormat;
use kernel_application::{StoredEvent, TraceParent, WireEntry};
use serde_json::{Value, json};

/// The event that carries a token to whoever sends it.
pub(crate) const VERIFICATION_ATTEMPT: &str = "verification_attempt";

/// The event as an entry of Amazon EventBridge's `PutEvents`: `Source`, `DetailType` and `Detail`.
pub fn wire_entry(event: &StoredEvent) -> WireEntry {
    WireEntry {
        source: source(event),
        detail_type: event.name.clone(),
        detail: detail(event).to_string(),
        trace_header: event.trace_parent.map(TraceParent::to_x_ray),
    }
}

/// The same, for people to read.
pub(crate) fn entry(event: &StoredEvent) -> Value {
    json!({ "Source": source(event), "DetailType": event.name, "Detail": detail(event) })
}

fn source(event: &StoredEvent) -> String {
    format!("mmd.api.{}", event.context)
}

/// The parameters of most events are in `params.data`; those of a verification attempt stand in `params` themselves.
///
/// `version` counts the changes of the aggregate: whoever sees 3 before 2 knows that it is early.
fn detail(event: &StoredEvent) -> Value {
    let data: serde_json::Map<String, Value> =
        event.data.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    let is_bare = (event.context.as_str(), event.name.as_str()) == ("auth", VERIFICATION_ATTEMPT);
    let params = if is_bare { Value::Object(data) } else { json!({ "data": data }) };
    json!({
        "params": params,
        "id": event.id.to_string(),
        "occurred_at": event.occurred_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        "correlation_id": event.correlation_id.as_str(),
        "version": event.aggregate_version,
    })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use kernel_domain::{CorrelationId, EventId};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_wire_form_does_not_change() {
        let event = StoredEvent {
            id: EventId::new(Uuid::from_u128(1)),
            context: "shipping".to_owned(),
            name: "TransportStarted".to_owned(),
            aggregate_kind: "transport".to_owned(),
            aggregate_id: Uuid::from_u128(2),
            aggregate_version: 3,
            data: vec![("transport_uuid".to_owned(), "00000000000000000000000000000002".to_owned())],
            is_confidential: false,
            occurred_at: DateTime::from_timestamp_micros(1_767_355_200_000_001).expect("a time"),
            correlation_id: CorrelationId::from(Uuid::from_u128(4)),
            trace_parent: None,
        };

        assert_eq!(
            entry(&event),
            json!({
                "Source": "mmd.api.shipping",
                "DetailType": "TransportStarted",
                "Detail": {
                    "params": { "data": { "transport_uuid": "00000000000000000000000000000002" } },
                    "id": "00000000-0000-0000-0000-000000000001",
                    "occurred_at": "2026-01-02T12:00:00.000001Z",
                    "correlation_id": "00000000000000000000000000000004",
                    "version": 3,
                },
            })
        );
        let WireEntry { source, detail_type, detail, trace_header } = wire_entry(&event);
        assert_eq!(trace_header, None);
        let detail: Value = serde_json::from_str(&detail).expect("JSON");
        assert_eq!(entry(&event), json!({ "Source": source, "DetailType": detail_type, "Detail": detail }));
    }

    #[test]
    fn a_token_stands_in_the_parameters_themselves() {
        let event = StoredEvent {
            id: EventId::new(Uuid::from_u128(1)),
            context: "auth".to_owned(),
            name: VERIFICATION_ATTEMPT.to_owned(),
            aggregate_kind: "challenge".to_owned(),
            aggregate_id: Uuid::from_u128(2),
            aggregate_version: 1,
            data: vec![
                ("token".to_owned(), "123456".to_owned()),
                ("phonenumber".to_owned(), "+821012345678".to_owned()),
            ],
            is_confidential: true,
            occurred_at: DateTime::from_timestamp_micros(1_767_355_200_000_001).expect("a time"),
            correlation_id: CorrelationId::from(Uuid::from_u128(4)),
            trace_parent: None,
        };

        let params = &entry(&event)["Detail"]["params"];

        assert_eq!(*params, json!({ "token": "123456", "phonenumber": "+821012345678" }));
    }
}
