//! A trace that begins elsewhere goes on here, and on to where events are delivered.

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::collector::Collector;
use crate::program::{PATIENCE, Server, Setting, client};
use crate::schema::assert_keeps_the_schema;

const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
const X_RAY_TRACE: u128 = 0x5759_e988_bd86_2e3f_e1be_46a9_9427_2793;
const UNWANTED: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_0000;
const STEP: u64 = 0x00f0_67aa_0ba9_02b7;

/// What is asked here: it keeps an event that nobody has to sign in for.
const PATH: &str = "/api/v1/auth/signup/token_request";

async fn ask(server: &Server, number: &str, header: (&str, &str)) {
    let asked = client().post(format!("{}{PATH}/", server.base)).header(header.0, header.1);
    let answer = asked.json(&json!({ "phonenumber": number })).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());
}

fn named<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    spans.iter().find(|it| it.name == name).unwrap_or_else(|| panic!("no {name} among {spans:#?}"))
}

/// What a trace that came from another process has to look like.
fn assert_whole(spans: &[Span], request: &str) {
    let (request, delivery) = (named(spans, request), named(spans, "deliver"));
    assert_eq!(request.parent_span_id, STEP.to_be_bytes());
    assert_eq!(request.kind(), SpanKind::Server);
    assert_eq!(delivery.parent_span_id, request.span_id, "the delivery follows from the request");
    assert_eq!(delivery.kind(), SpanKind::Producer);
    let database = spans.iter().filter(|it| it.name == "database" && it.parent_span_id == request.span_id);
    assert_ne!(database.count(), 0, "{spans:#?}");
    let attribute = |name: &str| request.attributes.iter().find(|it| it.key == name);
    assert!(attribute("http.route").is_some() && attribute("http.response.status_code").is_some(), "{request:#?}");
}

#[tokio::test]
async fn a_trace_that_begins_elsewhere_goes_on_to_where_its_events_are_delivered() {
    let folder = tempfile::tempdir().expect("a folder");
    let collector = Collector::start().await;
    let mut setting = Setting { folder: folder.path(), variables: Vec::new() };
    let (secret, root) = (setting.run(&["generate-keypair"]).await, setting.run(&["generate-keypair"]).await);
    setting.variables = vec![
        ("ENV", "dev".to_owned()),
        ("DATABASE_URL", "sqlite://majestic.db".to_owned()),
        ("SECRET_KEY", secret),
        ("TOKEN_ROOT_KEY", root),
        ("METRICS_ADDR", "none".to_owned()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint.clone()),
    ];
    setting.run(&["migrate"]).await;
    let mut server = setting.serve().await;
    let w3c = |trace: u128, flags: &str| format!("00-{trace:032x}-{STEP:016x}-{flags}");
    let x_ray = format!("Root=1-5759e988-bd862e3fe1be46a994272793;Parent={STEP:016x};Sampled=1");

    ask(&server, "+821012345670", ("traceparent", &w3c(UNWANTED, "00"))).await;
    ask(&server, "+821012345671", ("traceparent", &w3c(TRACE, "01"))).await;
    ask(&server, "+821012345672", ("x-amzn-trace-id", &x_ray)).await;

    let request = format!("POST {PATH}");
    for trace in [TRACE, X_RAY_TRACE] {
        collector.trace(trace, &request).await;
        assert_whole(&collector.trace(trace, "deliver").await, &request);
    }
    server.terminate().await;
    assert!(server.ended().await.success(), "{}", server.said.all());
    assert_eq!(collector.steps_of(UNWANTED), [], "whoever sent it does not want it told");
    let log = server.said.all();
    let lines: Vec<Value> = log.lines().map(|it| serde_json::from_str(it).expect("a line of JSON")).collect();
    lines.iter().for_each(assert_keeps_the_schema);
    let of_trace = |it: &&Value| it["trace.id"] == json!(format!("{TRACE:032x}"));
    assert!(lines.iter().filter(of_trace).any(|it| it["message"] == json!("request")), "{log}");
}

#[tokio::test]
async fn a_collector_that_is_gone_holds_nothing_up() {
    let folder = tempfile::tempdir().expect("a folder");
    // Who takes connections and never answers is worse than who takes none.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gone = silent.local_addr().expect("an address");
    let variables = vec![("ENV", "test".to_owned()), ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{gone}"))];
    let mut server = Setting { folder: folder.path(), variables }.serve().await;

    let asking = async {
        for _ in 0..100 {
            let answer = client().get(format!("{}/api/v1/auth/public-keys/", server.base)).send().await;
            assert!(answer.expect("an answer").status().is_success());
        }
    };
    timeout(PATIENCE / 2, asking).await.expect("nobody waits for the collector");

    server.terminate().await;
    assert!(server.ended().await.success(), "{}", server.said.all());
    drop(silent);
}
