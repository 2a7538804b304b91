//! The HTTP API: translates requests into use cases, and outcomes into answers.
//!
//! **Invariant:** a context's folder knows its own context and the words all of them share on the
//! wire; rights and rules are asked of the use cases, never decided here.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use auth_application::Auth;
use distribution_application::Distribution;
use kernel_application::{Ids, Operation, Throttle};
use poem::middleware::{NormalizePath, TrailingSlash};
use poem::{Endpoint, EndpointExt as _, Response, Route};
use shipping_application::Shipping;
use user_application::Users;

mod access_log;
mod answer;
mod auth;
mod body;
mod caller;
mod center;
mod compression;
mod correlation;
mod created;
mod deadline;
mod distribution;
mod docs;
mod document;
mod fault;
mod fields;
mod health;
mod lifecycle;
mod page;
mod path;
mod problem;
mod profile;
mod protection;
mod query;
mod resource;
mod server;
mod shipping;
mod tags;
mod throttle;
mod timestamp;
mod user;

#[cfg(test)]
mod tests;

use docs::Docs;

pub use health::Probe;
pub use lifecycle::{Lifecycle, Running};
pub use server::{Patience, ServerSettings, serve};
pub use throttle::{InvalidRate, Rates};

/// The right to read the API's documentation, where it is not public.
pub const READ_DOCS: Operation = Operation::new("docs:read");

/// Everything that the API can ask for.
pub struct Contexts {
    /// Who somebody is.
    pub auth: Arc<Auth>,
    /// Users and their profiles.
    pub users: Arc<Users>,
    /// Distribution centers.
    pub distribution: Arc<Distribution>,
    /// Items, batches and transports.
    pub shipping: Arc<Shipping>,
    /// Fresh correlation ids.
    pub ids: Arc<dyn Ids>,
    /// How often somebody asked.
    pub throttle: Arc<dyn Throttle>,
}

/// How the API behaves, whatever it serves.
pub struct HttpSettings {
    /// Scheme, host and port that clients use, if that is not what they send as `Host`.
    pub public_url: Option<String>,
    /// Whether the documentation takes no right at all.
    pub public_docs: bool,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// How often somebody may ask.
    pub rates: Rates,
    /// The backends that have to work before requests are sent here.
    pub probes: Vec<(&'static str, Arc<dyn Probe>)>,
    /// Shared with the server.
    pub lifecycle: Lifecycle,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            public_url: None,
            public_docs: false,
            request_timeout: Duration::from_secs(30),
            rates: Rates::default(),
            probes: Vec::new(),
            lifecycle: Lifecycle::default(),
        }
    }
}

/// Every operation there is.
type Api = (auth::Api, user::Api, distribution::Api, shipping::Api);

/// Some megabytes of pages, made once.
static DOCS: LazyLock<Docs> = LazyLock::new(|| Docs::of(&document::service::<Api>()));

/// The API, ready to be served.
pub fn api(contexts: Contexts, settings: HttpSettings) -> impl Endpoint<Output = Response> + use<> {
    let Contexts { auth, users, distribution, shipping, ids, throttle } = contexts;

    let operations: Api =
        (auth::api(Arc::clone(&auth)), user::api(users), distribution::api(distribution), shipping::api(shipping));
    let routes = resource::routes(document::BASE, operations);
    pipeline(DOCS.mounted_on(routes, settings.public_docs), ids, throttle, settings).data(auth)
}

/// The `OpenAPI` document of every operation there is, as JSON.
pub fn openapi_document() -> String {
    let document = document::document(&document::service::<Api>());
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

/// What links start with, if that is configured.
#[derive(Clone)]
struct PublicUrl(Option<String>);

/// Everything around the routes. The outermost comes last.
fn pipeline(
    routes: Route,
    ids: Arc<dyn Ids>,
    throttle: Arc<dyn Throttle>,
    settings: HttpSettings,
) -> impl Endpoint<Output = Response> + use<> {
    let HttpSettings { public_url, request_timeout, rates, probes, lifecycle, .. } = settings;
    let readiness = health::Readiness { probes, lifecycle: lifecycle.clone() };
    routes
        .at("/healthcheck", resource::Resource::get(health::Liveness))
        .at("/api/healthcheck", resource::Resource::get(health::Liveness))
        .at("/api/readiness", resource::Resource::get(readiness))
        .data(PublicUrl(public_url))
        .with(NormalizePath::new(TrailingSlash::Trim))
        .with(answer::Answering)
        .with(throttle::Throttling { throttle, rates })
        .with(deadline::Deadline { after: request_timeout, lifecycle })
        .with(compression::Compressed)
        .with(protection::Protected)
        .with(access_log::AccessLog)
        .with(correlation::Correlated(ids))
}
