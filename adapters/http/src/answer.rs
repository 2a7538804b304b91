//! Whatever happens inside, an answer comes out: errors and panics leave as problem documents.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use hyper::body::Body as _;
use poem::http::{HeaderValue, Method, header};
use poem::{Body, Endpoint, IntoResponse, Middleware, Request, Response, Result};

use crate::problem::{Problem, Recipient};

/// Turns every error and every panic of what it wraps into an answer, and answers HEAD as GET.
pub(crate) struct Answering;

impl<E: Endpoint> Middleware<E> for Answering {
    type Output = AnsweringEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        AnsweringEndpoint(inner)
    }
}

pub(crate) struct AnsweringEndpoint<E>(E);

impl<E: Endpoint> Endpoint for AnsweringEndpoint<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let recipient = Recipient::of(&request);
        let head = request.method() == Method::HEAD;
        if head {
            request.set_method(Method::GET);
        }
        let problem = match AssertUnwindSafe(self.0.call(request)).catch_unwind().await {
            Ok(Ok(answer)) => {
                let answer = answer.into_response();
                return Ok(if head { without_body(answer) } else { answer });
            }
            Ok(Err(error)) => Problem::from_framework(error),
            Err(panic) => Problem::internal(format!("a panic: {}", message_of(&*panic))),
        };
        let answer = problem.into_answer(&recipient);
        Ok(if head { without_body(answer) } else { answer })
    }
}

fn message_of(panic: &(dyn Any + Send)) -> &str {
    let message = panic.downcast_ref::<&str>().copied();
    message.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// The headers of `answer`, the length included, and nothing after them.
fn without_body(mut answer: Response) -> Response {
    let body: http_body_util::combinators::BoxBody<bytes::Bytes, std::io::Error> = answer.take_body().into();
    if let Some(length) = body.size_hint().exact() {
        answer.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    answer.set_body(Body::empty());
    answer
}
