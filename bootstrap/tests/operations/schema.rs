//! Elastic Common Schema 8.17: the fields that our log has, with the types that its published list (`generated/csv/fields.csv`)
//! gives them.

use std::net::IpAddr;

use serde_json::Value;

const FIELDS: [(&str, &str); 19] = [
    ("@timestamp", "date"),
    ("client.ip", "ip"),
    ("ecs.version", "keyword"),
    ("error.message", "match_only_text"),
    ("error.stack_trace", "wildcard"),
    ("event.duration", "long"),
    ("event.id", "keyword"),
    ("http.request.id", "keyword"),
    ("http.request.method", "keyword"),
    ("http.response.status_code", "long"),
    ("labels", "object"),
    ("log.level", "keyword"),
    ("log.logger", "keyword"),
    ("message", "match_only_text"),
    ("service.name", "keyword"),
    ("trace.id", "keyword"),
    ("url.path", "wildcard"),
    ("user.id", "keyword"),
    ("user_agent.original", "keyword"),
];

/// The type of a field, if the schema has one of this name.
pub(crate) fn kind(name: &str) -> Option<&'static str> {
    FIELDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

/// Checks that a line has fields of the schema alone, each of its type, and those that every line has to have.
pub(crate) fn assert_keeps_the_schema(line: &Value) {
    for (name, value) in line.as_object().expect("an object") {
        let is_right = match kind(name) {
            Some("date") => value.as_str().is_some_and(|it| chrono::DateTime::parse_from_rfc3339(it).is_ok()),
            Some("ip") => value.as_str().is_some_and(|it| it.parse::<IpAddr>().is_ok()),
            Some("long") => value.is_i64(),
            // Labels are keywords, each of them.
            Some("object") => value.as_object().is_some_and(|it| it.values().all(Value::is_string)),
            Some(_) => value.is_string(),
            None => false,
        };
        assert!(is_right, "{name} in {line}");
    }
    for name in ["@timestamp", "ecs.version", "log.level", "message"] {
        assert!(line.get(name).is_some(), "no {name} in {line}");
    }
}
