//! Traces: what belongs to one request, in whichever process, told to a collector by OTLP.

use std::time::Duration;

use kernel_application::TraceParent;
use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, TracerProvider as _,
};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider};
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

/// The target of spans that are there for traces alone: to be enabled where somebody collects them.
pub const SPANS: &str = "spans";

/// Steps that wait to be told. More of them are lost: nobody waits for a collector.
const WAITING_AT_MOST: usize = 2_048;
/// Steps that are told in one request.
const AT_ONCE: usize = 512;
/// How often what waits is told.
const PAUSE: Duration = Duration::from_secs(1);
/// A collector that takes longer has lost them.
const DEADLINE: Duration = Duration::from_secs(3);

/// Whom to tell of what.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceSettings {
    /// Where the collector listens, without `/v1/traces`.
    pub endpoint: String,
    /// Which part of the traces that begin here is told, from 0 to 1. Whoever sends us a request within a trace has decided.
    pub ratio: f64,
}

/// Why there are no traces.
#[derive(Debug, thiserror::Error)]
#[error("traces cannot be told")]
pub struct TracesUnavailable(#[from] ExporterBuildError);

/// Tells a collector, on a thread of its own.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Begins to tell. Asks nobody yet.
    pub fn start(settings: &TraceSettings) -> Result<Self, TracesUnavailable> {
        let endpoint = format!("{}/v1/traces", settings.endpoint.trim_end_matches('/'));
        let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint).with_timeout(DEADLINE).build()?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(WAITING_AT_MOST)
            .with_max_export_batch_size(AT_ONCE)
            .with_scheduled_delay(PAUSE)
            .build();
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.ratio)));
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_sampler(sampler)
            .with_resource(Resource::builder().with_service_name("majestic").build())
            .build();
        Ok(Self(provider))
    }

    /// Makes a step of a trace of each span. What is logged within is in the log.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'s> LookupSpan<'s>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("majestic"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(|it| !it.is_event()))
    }

    /// Tells what still waits, within a deadline. Blocks the thread meanwhile.
    pub fn end(&self) {
        if let Err(error) = self.0.shutdown_with_timeout(DEADLINE) {
            tracing::warn!(error = &error as &dyn std::error::Error, "the last traces are lost");
        }
    }
}

/// The step of a trace that the task at hand is.
pub fn current() -> Option<TraceParent> {
    step(&Span::current())
}

fn step(span: &Span) -> Option<TraceParent> {
    let context = span.context();
    let step = context.span().span_context().clone();
    let (trace, id) = (u128::from_be_bytes(step.trace_id().to_bytes()), u64::from_be_bytes(step.span_id().to_bytes()));
    TraceParent::new(trace, id, step.is_sampled())
}

/// Lets a span that has not begun follow from a step in another process, or begin a trace if there is none. The trace is noted
/// in the span's field `trace`, for the log.
pub fn follow(span: &Span, parent: Option<TraceParent>) {
    if let Some(parent) = parent {
        let flags = if parent.is_sampled() { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
        let trace = TraceId::from_bytes(parent.trace().to_be_bytes());
        let id = SpanId::from_bytes(parent.step().to_be_bytes());
        let remote = SpanContext::new(trace, id, flags, true, TraceState::NONE);
        if span.set_parent(Context::new().with_remote_span_context(remote)).is_err() {
            // Nobody tells of this span.
            return;
        }
    }
    if let Some(step) = step(span) {
        span.record("trace", tracing::field::display(format_args!("{:032x}", step.trace())));
    }
}

/// Names a step by what it turned out to be.
pub fn name(span: &Span, name: String) {
    span.context().span().update_name(name);
}

/// Notes what came of a request, in the words of OpenTelemetry's semantic conventions.
pub fn outcome(span: &Span, method: &str, route: Option<&str>, status: Option<u16>) {
    span.set_attribute("http.request.method", method.to_owned());
    if let Some(route) = route {
        span.set_attribute("http.route", route.to_owned());
    }
    if let Some(status) = status {
        span.set_attribute("http.response.status_code", i64::from(status));
        if status >= 500 {
            span.set_status(opentelemetry::trace::Status::error(""));
        }
    }
}
