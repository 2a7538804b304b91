//! Which bus events go to, said by a URL.

use url::Url;

/// A bus, and the server that has it: `eventbridge://bus-name?region=…&endpoint=…`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusUrl {
    pub(crate) bus: String,
    pub(crate) region: String,
    /// None is Amazon.
    pub(crate) endpoint: Option<String>,
}

/// Why a URL leads to no bus. The URL itself is never repeated: it may hold a password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InvalidBusUrl {
    /// It names no kind of bus that we speak.
    #[error("the events URL does not start with eventbridge://")]
    Scheme,
    /// `EventBridge` has no bus of that name.
    #[error("the events URL names no bus: its name has 1 to 256 letters, digits, dots, hyphens and underscores")]
    Bus,
    /// It says more than a bus.
    #[error("the events URL has more than eventbridge://bus?region=…&endpoint=…, each of them once")]
    Parameter,
    /// It holds a password, where everybody who lists processes or configurations would see it.
    #[error("the events URL holds credentials, which belong into variables of their own")]
    Credentials,
    /// Amazon has to be told the region.
    #[error("the events URL names no region, by lower-case letters, digits and hyphens, and no endpoint that has none")]
    Region,
    /// There is no server at the endpoint.
    #[error("the endpoint of the events URL is no http:// or https:// URL of a server")]
    Endpoint,
    /// It cannot be read.
    #[error("the events URL is malformed: {0}")]
    Malformed(String),
}

impl BusUrl {
    /// What look-alikes that have no regions want to be signed.
    const NO_REGION: &str = "us-east-1";

    /// Reads a URL, and connects to nothing.
    pub fn parse(raw: &str) -> Result<Self, InvalidBusUrl> {
        let rest = raw.strip_prefix("eventbridge://").ok_or(InvalidBusUrl::Scheme)?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let bus = place.strip_suffix('/').unwrap_or(place);
        if place.contains('@') {
            return Err(InvalidBusUrl::Credentials);
        }
        if !is_bus(bus) {
            return Err(InvalidBusUrl::Bus);
        }
        // The name of a bus has capitals, which the host of a URL loses: only what follows it is read as one.
        let query = Url::parse(&format!("eventbridge://bus?{query}"));
        let query = query.map_err(|error| InvalidBusUrl::Malformed(error.to_string()))?;
        if query.fragment().is_some() {
            return Err(InvalidBusUrl::Parameter);
        }
        let (mut region, mut endpoint) = (None, None);
        for (name, value) in query.query_pairs() {
            let place = match &*name {
                "region" => &mut region,
                "endpoint" => &mut endpoint,
                _ => return Err(InvalidBusUrl::Parameter),
            };
            if place.replace(value.into_owned()).is_some() {
                return Err(InvalidBusUrl::Parameter);
            }
        }
        let endpoint = endpoint.map(|it| server(&it)).transpose()?;
        let region = region.or_else(|| endpoint.is_some().then(|| Self::NO_REGION.to_owned()));
        let region = region.filter(|it| is_region(it)).ok_or(InvalidBusUrl::Region)?;
        Ok(Self { bus: bus.to_owned(), region, endpoint })
    }

    /// Whether events travel through a network that anybody on it can read.
    pub fn is_in_clear(&self) -> bool {
        self.endpoint.as_deref().is_some_and(|it| it.starts_with("http:"))
    }
}

fn is_bus(name: &str) -> bool {
    (1..=256).contains(&name.len()) && name.bytes().all(|it| it.is_ascii_alphanumeric() || b".-_".contains(&it))
}

/// It becomes a part of a host name.
fn is_region(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
}

fn server(raw: &str) -> Result<String, InvalidBusUrl> {
    let url = Url::parse(raw).map_err(|_| InvalidBusUrl::Endpoint)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(InvalidBusUrl::Credentials);
    }
    let is_server = matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none();
    if is_server { Ok(url.as_str().trim_end_matches('/').to_owned()) } else { Err(InvalidBusUrl::Endpoint) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bus_is_amazons_or_at_an_endpoint() {
        for (raw, region, endpoint) in [
            ("eventbridge://My.Bus_1?region=eu-central-1", "eu-central-1", None),
            ("eventbridge://My.Bus_1/?region=eu-central-1", "eu-central-1", None),
            ("eventbridge://My.Bus_1?endpoint=http://127.0.0.1:5000", "us-east-1", Some("http://127.0.0.1:5000")),
            (
                "eventbridge://My.Bus_1?region=eu-west-1&endpoint=https%3A%2F%2Fbus.example.com%2F",
                "eu-west-1",
                Some("https://bus.example.com"),
            ),
        ] {
            let endpoint = endpoint.map(ToOwned::to_owned);
            let url = BusUrl { bus: "My.Bus_1".to_owned(), region: region.to_owned(), endpoint };
            assert_eq!(BusUrl::parse(raw), Ok(url), "{raw}");
        }
    }

    #[test]
    fn only_plain_http_is_in_the_clear() {
        let is_in_clear = |raw| BusUrl::parse(raw).unwrap().is_in_clear();

        assert!(is_in_clear("eventbridge://bus?endpoint=HTTP://127.0.0.1"));
        assert!(!is_in_clear("eventbridge://bus?endpoint=https://127.0.0.1"));
        assert!(!is_in_clear("eventbridge://bus?region=eu-central-1"));
    }

    #[test]
    fn anything_else_is_refused_by_what_is_wrong_with_it() {
        for (raw, refusal) in [
            ("", InvalidBusUrl::Scheme),
            ("log:", InvalidBusUrl::Scheme),
            ("eventbridge:bus", InvalidBusUrl::Scheme),
            ("eventbridge://?region=a", InvalidBusUrl::Bus),
            ("eventbridge://a bus?region=a", InvalidBusUrl::Bus),
            ("eventbridge://bus:80?region=a", InvalidBusUrl::Bus),
            ("eventbridge://bus/folder?region=a", InvalidBusUrl::Bus),
            ("eventbridge://bus?region=a&region=b", InvalidBusUrl::Parameter),
            ("eventbridge://bus?region=a&rule=b", InvalidBusUrl::Parameter),
            ("eventbridge://bus?region=a#x", InvalidBusUrl::Parameter),
            ("eventbridge://bus", InvalidBusUrl::Region),
            ("eventbridge://bus?region=evil.example/", InvalidBusUrl::Region),
            ("eventbridge://bus?endpoint=", InvalidBusUrl::Endpoint),
            ("eventbridge://bus?endpoint=ftp://a", InvalidBusUrl::Endpoint),
        ] {
            assert_eq!(BusUrl::parse(raw), Err(refusal), "{raw}");
        }
    }

    #[test]
    fn a_password_is_refused_and_never_repeated() {
        for raw in ["eventbridge://me:hunter2@bus?region=a", "eventbridge://bus?endpoint=http://me:hunter2@localhost"] {
            assert_eq!(BusUrl::parse(raw), Err(InvalidBusUrl::Credentials), "{raw}");
        }
        for raw in ["eventbridge://hunter2 x", "ftp://me:hunter2@a", "eventbridge://bus?secret=hunter2"] {
            assert!(!BusUrl::parse(raw).unwrap_err().to_string().contains("hunter2"), "{raw}");
        }
    }
}
