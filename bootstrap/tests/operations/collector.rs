//! A collector of traces that takes OTLP over HTTP, and remembers every step it was told of.

use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Duration, sleep, timeout};

use crate::program::PATIENCE;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";

/// What was told so far.
#[derive(Clone)]
pub(crate) struct Collector {
    pub(crate) endpoint: String,
    spans: Arc<Mutex<Vec<Span>>>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let collector = Self { endpoint, spans: Arc::default() };
        let listening = collector.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(listening.clone().hear(socket));
            }
        });
        collector
    }

    async fn hear(self, socket: TcpStream) {
        let mut socket = BufReader::new(socket);
        loop {
            let (mut first, mut length) = (String::new(), 0);
            if socket.read_line(&mut first).await.unwrap_or(0) == 0 {
                return;
            }
            assert!(first.starts_with("POST /v1/traces "), "{first}");
            loop {
                let mut header = String::new();
                socket.read_line(&mut header).await.expect("a header");
                let header = header.trim().to_lowercase();
                if header.is_empty() {
                    break;
                }
                if let Some(given) = header.strip_prefix("content-length:") {
                    length = given.trim().parse().expect("a length");
                }
            }
            let mut body = vec![0; length];
            socket.read_exact(&mut body).await.expect("a body");
            let told = ExportTraceServiceRequest::decode(body.as_slice()).expect("what OTLP says");
            let scopes = told.resource_spans.into_iter().flat_map(|it| it.scope_spans);
            self.spans.lock().unwrap_or_else(PoisonError::into_inner).extend(scopes.flat_map(|it| it.spans));
            socket.get_mut().write_all(OK).await.expect("an answer");
        }
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
        let spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.iter().filter(|it| it.trace_id == trace.to_be_bytes()).cloned().collect()
    }
}
