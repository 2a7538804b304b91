//! Requests: whatever is sent to whichever operation, it is accepted, or refused by a problem document that says what is wrong
//! and where.
//!
//! An input is a request as HTTP/1.1 writes it, without its version and with bare line feeds. Who does not say who they are
//! may do everything, so that what is behind a credential is reached.

use std::net::{IpAddr, Ipv4Addr};

use poem::http::{Method, Request, StatusCode, header};
use serde_json::Value;

use crate::api::{Answer, CREDENTIAL, ask};

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));

const PROBLEM: &str = "application/problem+json";

/// What stands between the head of a request and its body.
const END: &[u8] = b"\n\n";

/// Codes that are said of a field and of nothing else.
const OF_A_FIELD: [&str; 6] =
    ["required", "blank", "null_characters_not_allowed", "invalid_choice", "not_a_list", "unique"];

pub(crate) fn take(input: &[u8]) {
    let Some(request) = read(input) else { return };
    let has_body = request.method() != Method::HEAD;
    let answer = ask(request, CLIENT);

    let is_ours = answer.status.is_server_error() && answer.status != StatusCode::SERVICE_UNAVAILABLE;
    assert!(!is_ours, "it is our fault: {}", String::from_utf8_lossy(&answer.body));
    let is_refused = answer.status.is_client_error() || answer.status.is_server_error();
    if is_refused && has_body && !answer.headers.contains_key(header::CONTENT_ENCODING) {
        says_what_is_wrong(&answer);
    }
}

/// `None` for what no server would take for a request.
fn read(input: &[u8]) -> Option<Request<Vec<u8>>> {
    let end = input.windows(END.len()).position(|it| it == END).unwrap_or(input.len());
    let (head, body) = (&input[..end], input.get(end + END.len()..).unwrap_or_default());
    let mut lines = head.split(|it| *it == b'\n');
    let (method, target) = str::from_utf8(lines.next()?).ok()?.split_once(' ')?;
    let mut request = Request::builder().method(method).uri(target);
    for line in lines {
        let colon = line.iter().position(|it| *it == b':')?;
        request = request.header(&line[..colon], line[colon + 1..].trim_ascii());
    }
    if !request.headers_ref()?.contains_key(header::AUTHORIZATION) {
        request = request.header(header::AUTHORIZATION, CREDENTIAL);
    }
    request.body(body.to_vec()).ok()
}

fn says_what_is_wrong(answer: &Answer) {
    let media_type = answer.headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    assert_eq!(media_type, Some(PROBLEM));
    let problem: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    assert_eq!(problem["status"], answer.status.as_u16());
    let faults = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    assert!(!faults.is_empty(), "nothing is wrong, and yet it is refused: {problem}");
    for fault in faults {
        let said = |name: &str| fault[name].as_str().unwrap_or_default();
        assert!(!said("code").is_empty() && !said("message").is_empty(), "it does not say what is wrong: {fault}");
        assert!(!OF_A_FIELD.contains(&said("code")) || !said("field").is_empty(), "it does not say where: {fault}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(input: &str) -> (StatusCode, Value) {
        let answer = ask(read(input.as_bytes()).expect("a request"), CLIENT);
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    #[test]
    fn what_is_in_order_gets_as_far_as_the_store_and_nothing_else_does() {
        let item = |body| format!("POST /api/v1/shipping/shippingitems/\ncontent-type: application/json\n\n{body}");

        let (status, _) = answered(&item("{\"sku\": \"tea\"}"));
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);

        let (status, problem) = answered(&item("{\"sku\": 7}"));
        assert_eq!((status, &problem["errors"][0]["field"]), (StatusCode::BAD_REQUEST, &"sku".into()));
    }

    #[test]
    fn what_does_not_say_what_is_wrong_is_caught() {
        let refused = |content_type: &str, body: &str| Answer {
            status: StatusCode::BAD_REQUEST,
            headers: [(header::CONTENT_TYPE, content_type.parse().expect("a header"))].into_iter().collect(),
            body: body.into(),
            caller: String::new(),
        };
        let good = "{\"status\":400,\"errors\":[{\"code\":\"blank\",\"message\":\"No.\",\"field\":\"sku\"}]}";
        says_what_is_wrong(&refused(PROBLEM, good));
        for (content_type, body) in [
            ("text/plain", good.to_owned()),
            (PROBLEM, good.replace("400", "404")),
            (PROBLEM, good.replace("blank", "")),
            (PROBLEM, good.replace("No.", "")),
            (PROBLEM, good.replace("sku", "")),
            (PROBLEM, "{\"status\":400,\"errors\":[]}".to_owned()),
            (PROBLEM, String::new()),
        ] {
            let answer = refused(content_type, &body);
            assert!(std::panic::catch_unwind(|| says_what_is_wrong(&answer)).is_err(), "{content_type}: {body}");
        }
    }
}
