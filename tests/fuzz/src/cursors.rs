//! Cursors of lists: what is read is what we would have written, to the letter; all else is refused, and named.

use std::net::{IpAddr, Ipv4Addr};

use poem::http::{Request, StatusCode, header};
use serde_json::Value;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::api::{CREDENTIAL, USERS, ask};

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));

pub(crate) fn take(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let query = Serializer::new(String::new()).append_pair("cursor", text).finish();
    let request = Request::get(format!("{USERS}?{query}")).header(header::AUTHORIZATION, CREDENTIAL).body(Vec::new());
    // What is longer than any address may be is refused before we see it.
    let Ok(request) = request else { return };
    let answer = ask(request, CLIENT);
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    match answer.status {
        StatusCode::OK => {
            let sent = Some(text.trim()).filter(|it| !it.is_empty());
            for neighbour in ["previous", "next"] {
                assert_eq!(cursor_in(&body[neighbour]).as_deref(), sent, "{neighbour} leads elsewhere");
            }
        }
        StatusCode::BAD_REQUEST => assert_eq!(body["errors"][0]["field"], "cursor"),
        other => unreachable!("a cursor is taken or refused, and this is {other}"),
    }
}

fn cursor_in(link: &Value) -> Option<String> {
    let link = Url::parse(link.as_str()?).ok()?;
    link.query_pairs().find(|(name, _)| name == "cursor").map(|(_, cursor)| cursor.into_owned())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    use super::*;

    #[test]
    fn a_cursor_leads_on_to_where_it_came_from() {
        let cursor = BASE64_URL_SAFE_NO_PAD.encode([&[1, 0, 1][..], &[0; 8], &[7; 16]].concat());
        let request = Request::get(format!("{USERS}?cursor={cursor}")).header(header::AUTHORIZATION, CREDENTIAL);

        let answer = ask(request.body(Vec::new()).expect("a request"), CLIENT);

        let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!((answer.status, cursor_in(&body["next"])), (StatusCode::OK, Some(cursor.clone())));
        take(cursor.as_bytes());
    }
}
