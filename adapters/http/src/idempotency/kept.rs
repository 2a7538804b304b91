//! An answer in the form in which it is kept.

use bytes::Bytes;
use kernel_application::KeptAnswer;
use poem::http::{HeaderName, HeaderValue, StatusCode, header};
use poem::{Body, Response};

/// The first byte: an answer that was kept in another form can be told apart.
const FORM: u8 = 1;

/// The headers that belong to what was answered. The others belong to when it was, and are made anew.
const HEADERS: [HeaderName; 6] = [
    header::CONTENT_TYPE,
    header::CONTENT_LANGUAGE,
    header::LOCATION,
    header::VARY,
    header::ALLOW,
    header::WWW_AUTHENTICATE,
];

/// Writes down a status, the headers that matter, and the body.
pub(super) fn written(answer: &Response, body: &[u8]) -> KeptAnswer {
    let mut bytes = Vec::with_capacity(body.len() + 128);
    bytes.push(FORM);
    bytes.extend(answer.status().as_u16().to_be_bytes());
    for (at, name) in (0_u8..).zip(&HEADERS) {
        for value in answer.headers().get_all(name) {
            // A header that long is none of ours.
            let Ok(length) = u16::try_from(value.len()) else { continue };
            bytes.push(at + 1);
            bytes.extend(length.to_be_bytes());
            bytes.extend(value.as_bytes());
        }
    }
    bytes.push(0);
    bytes.extend(body);
    KeptAnswer(bytes)
}

/// The answer that was written down; `None` if that is none, or has another form.
pub(super) fn read(KeptAnswer(bytes): KeptAnswer) -> Option<Response> {
    let bytes = Bytes::from(bytes);
    let mut rest = bytes.as_ref();
    if !take(&mut rest, 1)?.starts_with(&[FORM]) {
        return None;
    }
    let status = StatusCode::from_u16(number(&mut rest)?).ok()?;
    let mut answer = Response::builder().status(status).finish();
    while let Some(at) = take(&mut rest, 1)?.first()?.checked_sub(1) {
        let name = HEADERS.get(usize::from(at))?;
        let length = number(&mut rest)?;
        let value = HeaderValue::from_bytes(take(&mut rest, usize::from(length))?).ok()?;
        answer.headers_mut().append(name, value);
    }
    answer.set_body(Body::from_bytes(bytes.slice_ref(rest)));
    Some(answer)
}

fn take<'b>(rest: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn number(rest: &mut &[u8]) -> Option<u16> {
    take(rest, 2)?.try_into().ok().map(u16::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use proptest::prelude::*;

    use super::*;

    fn kept_and_read(answer: &Response, body: &[u8]) -> (Response, Vec<u8>) {
        let mut read = read(written(answer, body)).expect("an answer");
        let body = read.take_body().into_vec().now_or_never().expect("it is there").expect("a body");
        (read, body)
    }

    #[test]
    fn what_was_answered_is_kept_and_when_it_was_is_not() {
        let answer = Response::builder()
            .status(StatusCode::CREATED)
            .content_type("application/json")
            .header("vary", "accept-language")
            .header("vary", "accept-encoding")
            .header("date", "yesterday")
            .header("retry-after", "1")
            .finish();

        let (read, body) = kept_and_read(&answer, b"{}");

        assert_eq!((read.status(), body.as_slice()), (StatusCode::CREATED, b"{}".as_slice()));
        let headers: Vec<_> = read.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let expected: [(&str, &[u8]); 3] =
            [("content-type", b"application/json"), ("vary", b"accept-language"), ("vary", b"accept-encoding")];
        assert_eq!(headers, expected);
    }

    #[test]
    fn an_answer_in_another_form_is_not_guessed_at() {
        let KeptAnswer(mut bytes) = written(&Response::default(), b"");
        bytes[0] = FORM + 1;

        assert!(read(KeptAnswer(bytes)).is_none());
        assert!(read(KeptAnswer(Vec::new())).is_none());
    }

    proptest! {
        #[test]
        fn every_body_comes_back_as_it_went(status in 200_u16..500, body: Vec<u8>) {
            let status = StatusCode::from_u16(status).expect("a status");
            let answer = Response::builder().status(status).content_type("text/plain").finish();

            let (read, read_body) = kept_and_read(&answer, &body);

            prop_assert_eq!((read.status(), read_body), (status, body));
        }

        #[test]
        fn whatever_is_read_is_an_answer_or_none(bytes: Vec<u8>) {
            let _ = read(KeptAnswer(bytes.clone()));
            let _ = read(KeptAnswer([vec![FORM, 0, 200], bytes].concat()));
        }
    }
}
