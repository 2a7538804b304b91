//! How the API is reached, and how often.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use http_adapter::Rates;
use ipnet::IpNet;

use super::reader::Reader;

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    pub(super) fn listen(&mut self) -> SocketAddr {
        let usual = SocketAddr::from(([127, 0, 0, 1], 8000));
        self.parsed("LISTEN_ADDR", usual, "an address and a port", |raw| raw.parse().ok())
    }

    pub(super) fn public_url(&mut self) -> Option<String> {
        self.parsed("PUBLIC_URL", None, "http(s)://host[:port] without a path", |raw| base_url(raw).map(Some))
    }

    pub(super) fn trusted_proxies(&mut self) -> Vec<IpNet> {
        let raw = self.raw("TRUSTED_PROXIES").unwrap_or_default();
        let network = |it: &str| it.parse::<IpNet>().or_else(|_| it.parse::<IpAddr>().map(IpNet::from));
        let networks: Result<Vec<_>, _> =
            raw.split(',').map(str::trim).filter(|it| !it.is_empty()).map(network).collect();
        networks.unwrap_or_else(|_| {
            self.fault("TRUSTED_PROXIES", "networks like 10.0.0.0/8, by comma");
            Vec::new()
        })
    }

    pub(super) fn allowed_origins(&mut self) -> Vec<String> {
        let raw = self.raw("CORS_ALLOWED_ORIGINS").unwrap_or_default();
        let origins: Vec<_> = raw.split(',').map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect();
        if origins.iter().all(|it| is_origin(it)) {
            return origins;
        }
        self.fault("CORS_ALLOWED_ORIGINS", "origins like https://app.example.com, by comma");
        Vec::new()
    }

    pub(super) fn throttle_rates(&mut self) -> Rates {
        let Some(raw) = self.raw("THROTTLE_RATES") else { return Rates::default() };
        let Ok(rates) = serde_json::from_str::<BTreeMap<String, String>>(&raw) else {
            self.fault("THROTTLE_RATES", r#"JSON like {"auth-check":"30/min"}"#);
            return Rates::default();
        };
        Rates::replaced(rates.iter().map(|(scope, rate)| (scope.as_str(), rate.as_str()))).unwrap_or_else(|error| {
            self.faults.push(format!("THROTTLE_RATES: {error}"));
            Rates::default()
        })
    }
}

fn base_url(raw: &str) -> Option<String> {
    let url = url::Url::parse(raw).ok()?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    plain.then(|| raw.trim_end_matches('/').to_owned())
}

/// Whether that is how browsers write an origin: in lower case, and without the port that is the scheme's own.
fn is_origin(raw: &str) -> bool {
    let origin = url::Url::parse(raw).map(|it| it.origin());
    raw.starts_with("http") && origin.is_ok_and(|it| it.is_tuple() && it.ascii_serialization() == raw)
}
