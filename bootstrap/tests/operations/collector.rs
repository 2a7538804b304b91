//! A collector of traces that takes OTLP over HTTP, and remembers every step it was told of.

use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::time::{Duration, sleep, timeout};

use crate::program::PATIENCE;
use crate::stub::answering;

/// What was told so far.
#[derive(Clone)]
pub(crate) struct Collector {
    pub(crate) endpoint: String,
    spans: Arc<Mutex<Vec<Span>>>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let spans = Arc::<Mutex<Vec<Span>>>::default();
        let taken = spans.clone();
        let endpoint = answering(move |heard| {
            assert!(heard.head.starts_with("POST /v1/traces "), "{}", heard.head);
            let told = ExportTraceServiceRequest::decode(heard.body.as_slice()).expect("what OTLP says");
            let scopes = told.resource_spans.into_iter().flat_map(|it| it.scope_spans);
            taken.lock().unwrap_or_else(PoisonError::into_inner).extend(scopes.flat_map(|it| it.spans));
            (200, "application/x-protobuf", String::new())
        });
        Self { endpoint: endpoint.await, spans }
    }

    /// The steps of one trace, as soon as one of this name is among them.
    pub(crate) async fn trace(&self, trace: u128, until: &str) -> Vec<Span> {
        let told = async {
            loop {
                let spans = self.steps_of(trace);
                if spans.iter().any(|it| it.name == until) {
                    return spans;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        let told = timeout(PATIENCE, told).await;
        told.unwrap_or_else(|_| panic!("no {until} among {:#?}", self.steps_of(trace)))
    }

    pub(crate) fn steps_of(&self, trace: u128) -> Vec<Span> {
        self.steps().into_iter().filter(|it| it.trace_id == trace.to_be_bytes()).collect()
    }

    /// The steps of all traces.
    pub(crate) fn steps(&self) -> Vec<Span> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
