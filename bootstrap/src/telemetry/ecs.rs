//! Lines of JSON in Elastic Common Schema 8: what is logged under names that are not Elastic's goes to `labels`, which
//! the schema keeps for that.
//!
//! A span is written once, when it begins, and its text is repeated with each of its events. No name stands twice in a line,
//! or Elasticsearch refuses it: what an event says itself comes before what its spans say, the inner ones first.

use std::cell::RefCell;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::Write;
use std::sync::Arc;

use chrono::SecondsFormat;
use kernel_application::Clock as _;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::system::SystemClock;

/// The names of our fields that Elastic has a name for.
const NAMES: [(&str, &str); 15] = [
    ("api_key", "user.id"),
    ("cause", "error.message"),
    ("chain", "error.stack_trace"),
    ("client", "client.ip"),
    ("correlation_id", "http.request.id"),
    ("duration_ns", "event.duration"),
    ("error", "error.message"),
    ("event", "event.id"),
    ("event_id", "event.id"),
    ("method", "http.request.method"),
    ("path", "url.path"),
    ("status", "http.response.status_code"),
    ("trace", "trace.id"),
    ("user", "user.id"),
    ("user_agent", "user_agent.original"),
];

/// Fields that speak to traces begin like this; the log has the same in its own words.
const OF_TRACES: &str = "otel.";

/// What a request is named by: its id, its method, its path and its user.
const USUAL_BYTES: usize = 256;

/// Writes what happens to `W`, a line at a time.
pub(super) struct Ecs<W>(Arc<W>);

impl<W> Ecs<W> {
    pub(super) fn to(output: Arc<W>) -> Self {
        Self(output)
    }
}

impl<S, W> Layer<S> for Ecs<W>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: Send + Sync + 'static,
    for<'w> &'w W: Write,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let named = Members { text: String::with_capacity(USUAL_BYTES), ..Members::default() };
        let mut fields = Fields { named, labels: Members::default() };
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        thread_local! {
            /// What is about to be written, so that a line costs no allocation.
            static LINE: RefCell<(String, Fields)> = RefCell::default();
        }
        LINE.with(|line| {
            // Whatever is logged while a line is written has no line of its own.
            let Ok(mut line) = line.try_borrow_mut() else { return };
            let (line, own) = &mut *line;
            line.clear();
            own.clear();
            event.record(own);
            let at = SystemClock.now().to_rfc3339_opts(SecondsFormat::Micros, true);
            let metadata = event.metadata();
            let (level, target) = (metadata.level(), metadata.target());
            let _ = write!(line, r#"{{"@timestamp":"{at}","log.level":"{level}","log.logger":"{target}""#);
            line.push_str(r#","ecs.version":"8.17.0","service.name":"majestic""#);
            for span in context.event_scope(event).into_iter().flatten() {
                if let Some(fields) = span.extensions().get::<Fields>() {
                    own.named.add_those_of(&fields.named);
                    own.labels.add_those_of(&fields.labels);
                }
            }
            line.push_str(&own.named.text);
            // Each label begins with a comma; the first one needs none.
            if let Some(labels) = own.labels.text.strip_prefix(',') {
                line.push_str(r#","labels":{"#);
                line.push_str(labels);
                line.push('}');
            }
            line.push_str("}\n");
            // There is nobody left to tell of a log that cannot be written.
            let _ = (&*self.0).write_all(line.as_bytes());
        });
    }
}

/// Fields: those that Elastic knows, and the others.
#[derive(Default)]
struct Fields {
    named: Members,
    labels: Members,
}

/// Members of a JSON object, each after a comma, and none twice: the first one of a name stays.
#[derive(Default)]
struct Members {
    text: String,
    /// The name of each, and where in the text it ends.
    ends: Vec<(&'static str, usize)>,
}

impl Members {
    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    fn has(&self, name: &str) -> bool {
        self.ends.iter().any(|(it, _)| *it == name)
    }

    fn add(&mut self, name: &'static str, value: impl FnOnce(&mut String)) {
        if self.has(name) {
            return;
        }
        for part in [",\"", name, "\":"] {
            self.text.push_str(part);
        }
        value(&mut self.text);
        self.ends.push((name, self.text.len()));
    }

    fn add_those_of(&mut self, others: &Self) {
        let mut begin = 0;
        for &(name, end) in &others.ends {
            if !self.has(name) {
                self.text.push_str(others.text.get(begin..end).unwrap_or_default());
                self.ends.push((name, self.text.len()));
            }
            begin = end;
        }
    }
}

impl Fields {
    fn clear(&mut self) {
        self.named.clear();
        self.labels.clear();
    }

    /// Adds a number or a truth. Labels are texts, whatever they say.
    fn plain(&mut self, field: &Field, value: impl fmt::Display) {
        if field.name().starts_with(OF_TRACES) {
            return;
        }
        match known(field.name()) {
            Some(name) => self.named.add(name, |out| {
                let _ = write!(out, "{value}");
            }),
            None => self.labels.add(field.name(), |out| {
                let _ = write!(out, "\"{value}\"");
            }),
        }
    }

    fn text(&mut self, field: &Field, write: impl FnOnce(&mut Escaped<'_>) -> fmt::Result) {
        if field.name().starts_with(OF_TRACES) {
            return;
        }
        let (members, name) = match known(field.name()) {
            Some(name) => (&mut self.named, name),
            None => (&mut self.labels, field.name()),
        };
        members.add(name, |out| {
            out.push('"');
            let _ = write(&mut Escaped(out));
            out.push('"');
        });
    }
}

fn known(name: &str) -> Option<&'static str> {
    if name == "message" {
        return Some("message");
    }
    NAMES.iter().find(|(ours, _)| *ours == name).map(|(_, elastic)| *elastic)
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.text(field, |out| write!(out, "{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, |out| out.write_str(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.plain(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.text(field, |out| write!(out, "{}", Causes(value)));
    }
}

/// An error, and what caused it.
struct Causes<'e>(&'e (dyn Error + 'static));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ", because {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// Escapes what is written to it for a JSON string (RFC 8259, 7).
struct Escaped<'o>(&'o mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|it| it < b' ' || it == b'"' || it == b'\\') {
            let (plain, special) = rest.split_at(at);
            self.0.push_str(plain);
            let mut characters = special.chars();
            match characters.next() {
                Some(quoted @ ('"' | '\\')) => self.0.extend(['\\', quoted]),
                Some('\n') => self.0.push_str("\\n"),
                Some(control) => write!(self.0, "\\u{:04x}", u32::from(control))?,
                None => {}
            }
            rest = characters.as_str();
        }
        self.0.push_str(rest);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use serde_json::{Value, json};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::super::schema;
    use super::*;

    #[derive(Default)]
    struct Written(Mutex<Vec<u8>>);

    impl Write for &Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// The lines that are written. In none of them a name stands twice: read and written again, it would be shorter.
    fn lines(happens: impl FnOnce()) -> Vec<Value> {
        let written = Arc::<Written>::default();
        let subscriber = tracing_subscriber::registry().with(Ecs::to(Arc::clone(&written)));
        tracing::subscriber::with_default(subscriber, happens);
        let bytes = written.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = String::from_utf8(bytes).expect("UTF-8");
        let read = |it: &str| {
            let line: Value = serde_json::from_str(it).expect("JSON");
            assert_eq!(line.to_string().len(), it.len(), "a name stands twice in {it}");
            line
        };
        text.lines().map(read).collect()
    }

    #[test]
    fn a_request_is_told_in_the_words_of_the_schema() {
        let lines = lines(|| {
            let span = tracing::error_span!(
                "request",
                correlation_id = "c-1",
                method = %"GET",
                path = "/api/v1/",
                user = tracing::field::Empty,
                trace = tracing::field::Empty,
                otel.name = tracing::field::Empty,
            );
            let _inside = span.enter();
            span.record("user", tracing::field::display("u-1"));
            span.record("trace", "4bf92f3577b34da6a3ce929d0e0e4736");
            span.record("otel.name", "for traces alone");
            let client = Some(tracing::field::display(std::net::IpAddr::from([192, 0, 2, 1])));
            tracing::info!(
                target: "access",
                status = Some(200_u16),
                duration_ns = 7_u64,
                route = Some("/api/v1/:id"),
                client,
                user_agent = Some("curl/8"),
                "request"
            );
            tracing::warn!(backend = "redis", tries = 3, ready = false, "it does not answer");
        });

        let [access, warning] = lines.as_slice() else { panic!("two lines, not {lines:?}") };
        for line in &lines {
            schema::assert_keeps_the_schema(line);
            for (name, told) in [
                ("http.request.id", json!("c-1")),
                ("http.request.method", json!("GET")),
                ("url.path", json!("/api/v1/")),
                ("user.id", json!("u-1")),
                ("service.name", json!("majestic")),
                ("trace.id", json!("4bf92f3577b34da6a3ce929d0e0e4736")),
            ] {
                assert_eq!(line[name], told, "{line}");
            }
        }
        for (name, told) in [
            ("message", json!("request")),
            ("log.level", json!("INFO")),
            ("log.logger", json!("access")),
            ("http.response.status_code", json!(200)),
            ("event.duration", json!(7)),
            ("client.ip", json!("192.0.2.1")),
            ("user_agent.original", json!("curl/8")),
            ("labels", json!({ "route": "/api/v1/:id" })),
        ] {
            assert_eq!(access[name], told, "{access}");
        }
        assert_eq!(
            warning["labels"],
            json!({ "backend": "redis", "tries": "3", "ready": "false" }),
            "texts, all of them"
        );
    }

    /// Elasticsearch refuses a line in which a name stands twice.
    #[test]
    fn what_an_event_says_itself_is_not_said_again_by_its_spans() {
        let lines = lines(|| {
            let outer = tracing::error_span!("request", correlation_id = "c-1", path = "/", step = "outer");
            let _outside = outer.enter();
            let inner = tracing::error_span!("deliver", correlation_id = "c-2", event_id = "e-2", step = "inner");
            let _inside = inner.enter();
            tracing::info!(correlation_id = "c-3", event_id = "e-3", event = "e-4", "published");
            tracing::info!("delivered");
        });

        let [published, delivered] = lines.as_slice() else { panic!("two lines, not {lines:?}") };
        for (line, name, told) in [
            (published, "http.request.id", "c-3"),
            (published, "event.id", "e-3"),
            (published, "url.path", "/"),
            (delivered, "http.request.id", "c-2"),
            (delivered, "event.id", "e-2"),
            (delivered, "url.path", "/"),
        ] {
            assert_eq!(line[name], json!(told), "{line}");
        }
        assert_eq!(published["labels"], json!({ "step": "inner" }));
    }

    #[test]
    fn whatever_is_said_it_stays_one_line_of_json() {
        let nasty = "a \"quote\", a \\, a\nline, a \u{1b}[31mcolour, 한국어";

        let lines = lines(|| tracing::error!(cause = nasty, path = %nasty, odd = ?nasty, "{nasty}"));

        let [line] = lines.as_slice() else { panic!("one line, not {lines:?}") };
        for name in ["error.message", "url.path", "message"] {
            assert_eq!(line[name], json!(nasty));
        }
        assert_eq!(line["labels"]["odd"], json!(format!("{nasty:?}")));
    }

    #[test]
    fn an_error_names_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("it does not work")]
        struct Broken(#[source] std::io::Error);

        let broken = Broken(std::io::Error::other("it is broken"));
        let lines = lines(|| tracing::error!(error = &broken as &dyn Error, "no"));

        assert_eq!(lines[0]["error.message"], json!("it does not work, because it is broken"));
    }

    #[test]
    fn every_name_is_one_of_the_schema() {
        assert_eq!(NAMES.iter().find(|(_, name)| schema::kind(name).is_none()), None);
    }
}
