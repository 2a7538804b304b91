//! Where a request comes from, and what its client calls us: as far as that can be believed.
//!
//! **Invariant:** what a client says of itself counts for nothing. Headers that proxies add are read only if the
//! connection comes from a proxy that the configuration trusts.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use poem::Request;
use poem::http::uri::{Authority, Scheme};
use poem::http::{HeaderName, HeaderValue, header};
use url::Url;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Proxies that are looked through: no request passes through more.
const MAX_HOPS: usize = 32;

/// What is known of the way that requests take to us.
pub(crate) struct Origins {
    /// What links start with, if that is configured.
    pub(crate) public_url: Option<String>,
    /// Whose word counts.
    pub(crate) trusted_proxies: Vec<IpNet>,
}

impl Origins {
    fn trust(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(&address))
    }

    /// The client behind `peer`: each trusted proxy says in `lines` whom it heard from, the nearest one last.
    fn client_behind<'a>(&self, peer: IpAddr, lines: impl DoubleEndedIterator<Item = &'a HeaderValue>) -> IpAddr {
        let mut client = peer;
        if !self.trust(peer) {
            return client;
        }
        // What is no text ends the walk as what is no address does.
        let entries = lines.rev().flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
        for entry in entries.take(MAX_HOPS) {
            let Some(address) = address_in(entry.trim()) else { break };
            client = address;
            if !self.trust(address) {
                break;
            }
        }
        client
    }
}

/// The address of whoever makes `request`; `None` if the connection has none.
pub(crate) fn client_address(request: &Request) -> Option<IpAddr> {
    let peer = peer_of(request)?;
    let Some(origins) = request.data::<Arc<Origins>>() else { return Some(peer) };
    Some(origins.client_behind(peer, request.headers().get_all(FORWARDED_FOR).iter()))
}

/// Scheme and host as the client knows them: from the configuration, else from a trusted proxy, else from the request.
pub(crate) fn base_url(request: &Request) -> String {
    if let Some(url) = public_url(request) {
        return url.trim_end_matches('/').to_owned();
    }
    let host = forwarded(request, &FORWARDED_HOST).filter(|it| is_host(it));
    let asked = || request.uri().authority().map(Authority::as_str).or_else(|| request.header(header::HOST));
    let host = host.or_else(|| asked().filter(|it| is_host(it))).unwrap_or("localhost");
    match forwarded(request, &FORWARDED_PROTO).and_then(scheme_in) {
        Some(scheme) => format!("{scheme}://{host}"),
        None => format!("{}://{host}", request.scheme()),
    }
}

/// Whether clients come by https, as far as that can be believed.
pub(crate) fn is_secure(request: &Request) -> bool {
    match public_url(request) {
        Some(url) => url.starts_with("https://"),
        None => match forwarded(request, &FORWARDED_PROTO).and_then(scheme_in) {
            Some(scheme) => scheme == "https",
            None => *request.scheme() == Scheme::HTTPS,
        },
    }
}

fn public_url(request: &Request) -> Option<&str> {
    request.data::<Arc<Origins>>()?.public_url.as_deref()
}

/// What the proxy before us says, if its word counts.
fn forwarded<'r>(request: &'r Request, name: &HeaderName) -> Option<&'r str> {
    let origins = request.data::<Arc<Origins>>()?;
    if origins.trust(peer_of(request)?) { last_of(request, name) } else { None }
}

/// The other end of the connection.
fn peer_of(request: &Request) -> Option<IpAddr> {
    request.remote_addr().as_socket_addr().map(|peer| peer.ip().to_canonical())
}

/// What the nearest proxy wrote: the last entry of the last line.
fn last_of<'r>(request: &'r Request, name: &HeaderName) -> Option<&'r str> {
    let line = request.headers().get_all(name).iter().next_back()?.to_str().ok()?;
    line.rsplit(',').next().map(str::trim)
}

fn scheme_in(entry: &str) -> Option<&'static str> {
    ["http", "https"].into_iter().find(|scheme| entry.eq_ignore_ascii_case(scheme))
}

/// An address as proxies write it: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn address_in(entry: &str) -> Option<IpAddr> {
    let bracketed = || entry.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok();
    let plain = entry.parse::<IpAddr>().ok();
    let with_port = || entry.parse::<SocketAddr>().ok().map(|it| it.ip());
    plain.or_else(with_port).or_else(|| bracketed().map(IpAddr::V6)).map(|it| it.to_canonical())
}

/// Whether a link can be made with it: a host that anybody sends ends up in our answer.
fn is_host(host: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
    host.len() <= 255 && host.bytes().all(plain) && Url::parse(&format!("http://{host}")).is_ok()
}

#[cfg(test)]
mod tests {
    use poem::web::{LocalAddr, RemoteAddr};
    use poem::{Body, RequestParts};
    use proptest::prelude::*;

    use super::*;

    const CLIENT: &str = "203.0.113.7";
    const PROXY: &str = "10.0.0.1";

    /// A request over a connection from `peer` to somebody who trusts `10.0.0.0/8` and `2001:db8:1::/48`.
    fn request(peer: &str, headers: &[(HeaderName, &[u8])], public_url: Option<&str>) -> Request {
        let mut written = poem::http::Request::builder().uri("/").header(header::HOST, "api.example.com");
        for (name, value) in headers {
            written = written.header(name, HeaderValue::from_bytes(value).expect("a header"));
        }
        let (parts, ()) = written.body(()).expect("a request").into_parts();
        let peer = SocketAddr::new(peer.parse().expect("an address"), 40_000);
        let way = (parts, LocalAddr::default(), RemoteAddr(peer.into()), Scheme::HTTP);
        let mut request = Request::from_parts(RequestParts::from(way), Body::empty());
        let trusted_proxies = ["10.0.0.0/8", "2001:db8:1::/48"].map(|it| it.parse().expect("a network")).into();
        request.set_data(Arc::new(Origins { public_url: public_url.map(ToOwned::to_owned), trusted_proxies }));
        request
    }

    fn client_of(peer: &str, lines: &[&[u8]]) -> String {
        let headers: Vec<_> = lines.iter().map(|line| (FORWARDED_FOR, *line)).collect();
        client_address(&request(peer, &headers, None)).expect("an address").to_string()
    }

    #[test]
    fn the_client_is_the_last_address_that_no_trusted_proxy_has() {
        for (peer, lines, client) in [
            (CLIENT, vec![], CLIENT),
            (CLIENT, vec!["198.51.100.1"], CLIENT),
            (PROXY, vec![], PROXY),
            (PROXY, vec!["198.51.100.1"], "198.51.100.1"),
            (PROXY, vec!["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            (PROXY, vec!["1.1.1.1, 198.51.100.1 ,10.9.9.9"], "198.51.100.1"),
            (PROXY, vec!["1.1.1.1", "198.51.100.1", "10.9.9.9"], "198.51.100.1"),
            (PROXY, vec!["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("::ffff:10.0.0.1", vec!["::ffff:198.51.100.1"], "198.51.100.1"),
            ("2001:db8:1::1", vec!["2001:db8:2::1"], "2001:db8:2::1"),
        ] {
            let bytes: Vec<_> = lines.iter().map(|it| it.as_bytes()).collect();
            assert_eq!(client_of(peer, &bytes), client, "{lines:?} from {peer}");
        }
    }

    #[test]
    fn an_address_may_have_brackets_and_a_port() {
        for (entry, client) in [
            ("198.51.100.1:8080", "198.51.100.1"),
            ("2001:db8:2::1", "2001:db8:2::1"),
            ("[2001:db8:2::1]", "2001:db8:2::1"),
            ("[2001:db8:2::1]:8080", "2001:db8:2::1"),
        ] {
            assert_eq!(client_of(PROXY, &[entry.as_bytes()]), client, "{entry}");
        }
    }

    #[test]
    fn what_is_no_address_ends_the_walk_at_the_proxy_that_wrote_it() {
        for entry in ["", "unknown", "198.51.100.1.", "198.51.100.1:99999", "[198.51.100.1]", "_hidden", "\u{e9}"] {
            let line = format!("198.51.100.1, {entry}, 10.0.0.9");
            assert_eq!(client_of(PROXY, &[line.as_bytes()]), if entry == "\u{e9}" { PROXY } else { "10.0.0.9" });
        }
    }

    #[test]
    fn a_list_without_end_is_not_read_to_its_end() {
        let line = format!("198.51.100.1{}", ", 10.0.0.9".repeat(MAX_HOPS));

        assert_eq!(client_of(PROXY, &[line.as_bytes()]), "10.0.0.9");
    }

    #[test]
    fn links_start_as_a_trusted_proxy_says_and_as_nobody_else_does() {
        let forwarded: [(HeaderName, &[u8]); 2] =
            [(FORWARDED_PROTO, b"http, HTTPS"), (FORWARDED_HOST, b"evil.example, majestic.example:8443")];
        let public = Some("https://configured.example/");

        for (peer, public_url, base) in [
            (PROXY, None, "https://majestic.example:8443"),
            (CLIENT, None, "http://api.example.com"),
            (PROXY, public, "https://configured.example"),
            (CLIENT, public, "https://configured.example"),
        ] {
            assert_eq!(base_url(&request(peer, &forwarded, public_url)), base, "from {peer}");
        }
    }

    #[test]
    fn what_a_trusted_proxy_says_has_to_make_sense_too() {
        for (proto, host) in [("javascript", "evil\"><script>"), ("", ""), ("https, ftp", "user@evil.example")] {
            let forwarded: [(HeaderName, &[u8]); 2] =
                [(FORWARDED_PROTO, proto.as_bytes()), (FORWARDED_HOST, host.as_bytes())];
            assert_eq!(base_url(&request(PROXY, &forwarded, None)), "http://api.example.com");
        }
    }

    /// What ends in a number is an address to browsers, and nothing else.
    #[test]
    fn a_host_that_no_link_can_lead_to_is_not_repeated() {
        for host in ["majestic.0.113.7", "10.0.0.999", "majestic.example:99999", "xn--a.example", "a:b:c", "[::1"] {
            let forwarded: [(HeaderName, &[u8]); 1] = [(FORWARDED_HOST, host.as_bytes())];
            assert_eq!(base_url(&request(PROXY, &forwarded, None)), "http://api.example.com", "{host}");
        }
    }

    /// Anything that can stand in a header, things that look like addresses more often.
    fn a_header() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![b' '..=b'~', 0x80_u8..=0xff];
        prop_oneof![
            proptest::collection::vec(byte, 0..64),
            "[0-9a-f:.,\\[\\] ]{0,64}".prop_map(String::into_bytes),
            "(10\\.0\\.0\\.[0-9]{1,3},? ?){0,40}".prop_map(String::into_bytes),
        ]
    }

    proptest! {
        #[test]
        fn nothing_that_an_untrusted_client_claims_matters(
            lines in proptest::collection::vec(a_header(), 0..4), proto in a_header(), host in a_header(),
        ) {
            let mut headers: Vec<(HeaderName, &[u8])> =
                lines.iter().map(|line| (FORWARDED_FOR, line.as_slice())).collect();
            headers.extend([(FORWARDED_PROTO, proto.as_slice()), (FORWARDED_HOST, host.as_slice())]);
            let request = request(CLIENT, &headers, None);

            prop_assert_eq!(client_address(&request), CLIENT.parse().ok());
            prop_assert_eq!(base_url(&request), "http://api.example.com");
        }

        #[test]
        fn a_trusted_proxy_may_say_anything_and_links_stay_links(
            lines in proptest::collection::vec(a_header(), 0..4), proto in a_header(), host in a_header(),
        ) {
            let mut headers: Vec<(HeaderName, &[u8])> =
                lines.iter().map(|line| (FORWARDED_FOR, line.as_slice())).collect();
            headers.extend([(FORWARDED_PROTO, proto.as_slice()), (FORWARDED_HOST, host.as_slice())]);
            let request = request(PROXY, &headers, None);

            prop_assert!(client_address(&request).is_some());
            let base = base_url(&request);
            prop_assert!(base.starts_with("http://") || base.starts_with("https://"));
            prop_assert!(Url::parse(&base).is_ok());
        }
    }
}
