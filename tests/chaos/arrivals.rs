//! The ids of the events of shipping that arrived somewhere, without hyphens.

use serde_json::Value;

const SHIPPING: &str = "mmd.api.shipping";

/// The id in a message of the queue, if it is of shipping.
pub(crate) fn from_queue(message: &Value) -> Option<String> {
    (message["source"] == SHIPPING).then(|| id(&message["detail"])).flatten()
}

/// The ids in a log, in its order.
pub(crate) fn in_log(log: &str) -> Vec<String> {
    log.lines().filter(|it| it.contains("DetailType")).filter_map(in_line).collect()
}

fn in_line(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    let texts = line.as_object()?.values().chain(line["labels"].as_object().into_iter().flat_map(|it| it.values()));
    let events = texts.filter_map(|it| serde_json::from_str::<Value>(it.as_str()?).ok());
    let event = events.into_iter().find(|it| it["Source"] == SHIPPING)?;
    id(&event["Detail"])
}

fn id(detail: &Value) -> Option<String> {
    Some(detail["id"].as_str()?.replace('-', ""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_of_shipping_are_found_in_the_log_in_its_order() {
        let line = |context: &str, id: &str| {
            let event = format!(r#"{{"Source":"mmd.api.{context}","DetailType":"X","Detail":{{"id":"{id}"}}}}"#);
            json!({ "log.logger": "events", "event.id": event }).to_string()
        };
        let log = [line("shipping", "0-1"), "no JSON".to_owned(), line("user", "2"), line("shipping", "3")].join("\n");

        assert_eq!(in_log(&log), ["01", "3"]);
    }

    #[test]
    fn events_of_shipping_are_found_in_the_queue() {
        let message = |context: &str| json!({ "source": format!("mmd.api.{context}"), "detail": { "id": "0-1" } });

        assert_eq!(from_queue(&message("shipping")), Some("01".to_owned()));
        assert_eq!(from_queue(&message("user")), None);
    }
}
