//! What operators see of the process: numbers for Prometheus, and traces for whoever speaks OTLP.
//!
//! **Invariant:** nothing here makes anybody wait. What cannot be told is lost, and the work goes on.

mod deliveries;
mod metrics;
mod traces;

pub use deliveries::TracedPublisher;
pub use metrics::{METRICS, Metric, Metrics, MetricsUnavailable};
pub use traces::{SPANS, TraceSettings, Traces, TracesUnavailable, current, follow, name, outcome};
