//! Where requests come from: nothing that a client says of itself counts, and links stay links.
//!
//! An input is lines: the address of the connection, `X-Forwarded-Proto`, `X-Forwarded-Host`, then one `X-Forwarded-For` each.

use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;
use poem::http::request::Builder;
use poem::http::{Request, StatusCode, header};
use serde_json::Value;
use url::Url;

use crate::api::{CREDENTIAL, PUBLIC, TRUSTED, USERS, ask};

const HOST: &str = "api.example.com";

/// A place in a list, so that the answer has a link that leads on.
const SOMEWHERE: &str = "AQABAAAAAAAAAAAHBwcHBwcHBwcHBwcHBwcH";

/// Whom a client may say that it is.
const FORGED: &str = "198.51.100.77";

static PROXIES: LazyLock<Vec<IpNet>> = LazyLock::new(|| TRUSTED.iter().filter_map(|it| it.parse().ok()).collect());

/// What proxies say of a request.
struct Said<'a> {
    peer: IpAddr,
    proto: &'a [u8],
    host: &'a [u8],
    hops: Vec<&'a [u8]>,
}

pub(crate) fn take(input: &[u8]) {
    let mut lines = input.split(|it| *it == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let Some(peer) = str::from_utf8(line()).ok().and_then(|it| it.parse().ok()) else { return };
    let (proto, host) = (line(), line());
    let said = Said { peer, proto, host, hops: lines.collect() };
    let Some((caller, next)) = said.by(None) else { return };

    let url = Url::parse(&next).unwrap_or_else(|why| unreachable!("{next} is no link: {why}"));
    let plain = url.username().is_empty() && url.password().is_none() && url.path() == USERS;
    assert!(["http", "https"].contains(&url.scheme()) && url.has_host() && plain, "{url} leads elsewhere");
    if !is_trusted(peer) {
        assert_eq!(caller, network_of(peer), "the client says who it is");
        assert_eq!((url.scheme(), url.host_str()), ("http", Some(HOST)), "the client says who we are");
    } else if !is_trusted_network(&caller) {
        let forged = said.by(Some(FORGED));
        assert_eq!(forged.map(|(caller, _)| caller), Some(caller), "what the client sends before it counts");
    }
}

impl Said<'_> {
    /// Whom a request counts for and where a link in its answer leads to; `None` if no header can say this. The client may
    /// have sent a line itself, which is the first of them.
    fn by(&self, forged: Option<&str>) -> Option<(String, String)> {
        let forwarded = |path: &str| {
            let mut request = Request::get(path).header(header::HOST, HOST).header(header::AUTHORIZATION, CREDENTIAL);
            request = with(request, "x-forwarded-proto", self.proto);
            request = with(request, "x-forwarded-host", self.host);
            for hop in forged.map(str::as_bytes).iter().chain(&self.hops) {
                request = with(request, "x-forwarded-for", hop);
            }
            request.body(Vec::new()).ok().map(|it| ask(it, self.peer))
        };
        let counted = forwarded(PUBLIC)?;
        let listed = forwarded(&format!("{USERS}?cursor={SOMEWHERE}"))?;
        assert_eq!((counted.status, listed.status), (StatusCode::OK, StatusCode::OK));
        let body: Value = serde_json::from_slice(&listed.body).unwrap_or_default();
        Some((counted.caller, body["next"].as_str().unwrap_or_default().to_owned()))
    }
}

/// An empty line is no header.
fn with(request: Builder, name: &str, value: &[u8]) -> Builder {
    if value.is_empty() { request } else { request.header(name, value) }
}

fn is_trusted(address: IpAddr) -> bool {
    PROXIES.iter().any(|it| it.contains(&address.to_canonical()))
}

/// Of an address as it is counted: alone, or with its network.
fn is_trusted_network(caller: &str) -> bool {
    let network = caller.parse::<IpAddr>().map(IpNet::from).or_else(|_| caller.parse::<IpNet>());
    network.is_ok_and(|network| PROXIES.iter().any(|it| it.contains(&network)))
}

/// As the documentation of the rates says it: version 6 counts by the first half.
fn network_of(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_believed_and_a_client_is_not() {
        let (proto, host, hops) = (b"https".as_slice(), b"majestic.example".as_slice(), vec![b"192.0.2.9".as_slice()]);
        for (peer, caller, base) in
            [("10.0.0.1", "192.0.2.9", "https://majestic.example/"), ("203.0.113.7", "203.0.113.7", "http://api.")]
        {
            let said = Said { peer: peer.parse().expect("an address"), proto, host, hops: hops.clone() };

            let (counted, link) = said.by(None).expect("an answer");

            assert_eq!(counted, caller);
            assert!(link.starts_with(base), "{link}");
        }
    }
}
