//! Smaller answers for clients that can read them.

use hyper::body::Body as _;
use poem::http::{HeaderValue, header};
use poem::web::{Compress, CompressionAlgo, CompressionLevel};
use poem::{Body, Endpoint, IntoResponse, Middleware, Request, Response, Result};

/// Compressing less than this costs more than it saves.
const WORTH_IT: u64 = 1024;

/// Compresses answers with brotli or gzip, whichever the client prefers.
///
/// The framework's own middleware also unpacks requests, compresses empty answers and picks
/// codings that were declined; hence this one.
pub(crate) struct Compressed;

impl<E: Endpoint<Output = Response>> Middleware<E> for Compressed {
    type Output = CompressedEndpoint<E>;

    fn transform(&self, inner: E) -> Self::Output {
        CompressedEndpoint(inner)
    }
}

pub(crate) struct CompressedEndpoint<E>(E);

impl<E: Endpoint<Output = Response>> Endpoint for CompressedEndpoint<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let accepted = request.header(header::ACCEPT_ENCODING).and_then(preferred);
        let mut answer = self.0.call(request).await?;
        let body: http_body_util::combinators::BoxBody<bytes::Bytes, std::io::Error> = answer.take_body().into();
        let worth_it = body.size_hint().lower() >= WORTH_IT && !is_packed(&answer);
        answer.set_body(Body::from(body));
        if !worth_it || answer.headers().contains_key(header::CONTENT_ENCODING) {
            return Ok(answer);
        }
        answer.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
        Ok(match accepted {
            Some(coding) => Compress::new(answer, coding).with_quality(CompressionLevel::Fastest).into_response(),
            None => answer,
        })
    }
}

/// Whether compressing the answer once more gains nothing: a picture.
fn is_packed(answer: &Response) -> bool {
    answer.content_type().is_some_and(|it| it.starts_with("image/"))
}

/// The coding that `accept` likes best, of those we speak; brotli if it does not care.
fn preferred(accept: &str) -> Option<CompressionAlgo> {
    let weight = |coding: &str| {
        let named = |name: &str| accept.split(',').map(str::trim).find_map(|term| weight_of(term, name));
        named(coding).or_else(|| named("*")).unwrap_or(0.0)
    };
    let (br, gzip) = (weight("br"), weight("gzip"));
    match (br > 0.0, gzip > 0.0) {
        (true, _) if br >= gzip => Some(CompressionAlgo::BR),
        (_, true) => Some(CompressionAlgo::GZIP),
        (_, false) => None,
    }
}

/// The weight of `term` if it is about `coding`: `gzip;q=0.5`.
fn weight_of(term: &str, coding: &str) -> Option<f32> {
    let (name, parameters) = term.split_once(';').unwrap_or((term, ""));
    if !name.trim().eq_ignore_ascii_case(coding) {
        return None;
    }
    let weight = parameters.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse);
    Some(weight.unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_chooses_and_brotli_breaks_ties() {
        for (accept, chosen) in [
            ("gzip, deflate, br", Some(CompressionAlgo::BR)),
            ("gzip", Some(CompressionAlgo::GZIP)),
            ("br;q=0.5, gzip;q=0.9", Some(CompressionAlgo::GZIP)),
            ("br;q=0, *", Some(CompressionAlgo::GZIP)),
            ("*", Some(CompressionAlgo::BR)),
            ("gzip;q=0", None),
            ("identity", None),
            ("", None),
        ] {
            assert_eq!(preferred(accept), chosen, "{accept}");
        }
    }
}
