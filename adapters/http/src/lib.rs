//! The HTTP API: translates requests into use cases, and outcomes into answers.
//!
//! **Invariant:** a context's folder knows its own context and the words all of them share on the
//! wire; rights and rules are asked of the use cases, never decided here.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use auth_application::Auth;
use distribution_application::Distribution;
use ipnet::IpNet;
use kernel_application::{Clock, Idempotency, Ids, Operation, Throttle};
use poem::{Endpoint, EndpointExt as _, Response};
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
mod cross_origin;
mod cursor;
mod deadline;
mod distribution;
mod docs;
mod document;
mod fault;
mod fields;
mod health;
mod idempotency;
mod inbox;
mod json;
mod lifecycle;
mod media;
mod messages;
mod no_content;
mod observer;
mod origin;
mod overload;
mod page;
mod path;
mod problem;
mod profile;
mod protection;
mod query;
mod questions;
mod resource;
mod server;
mod shipping;
mod slashes;
mod tags;
mod throttle;
mod timestamp;
mod upload;
mod user;

#[cfg(test)]
mod tests;

use docs::Docs;
use resource::{Resource, Resources};

pub use health::Probe;
pub use inbox::{Inbox, InboxMessage};
pub use lifecycle::{Lifecycle, Running};
pub use media::{Media, MediaFile};
pub use observer::{Ended, Observer};
pub use questions::Questions;
pub use server::{Patience, ServerSettings, serve};
pub use throttle::{InvalidRate, Rates};

/// The right to read the API's documentation, where it is not public.
pub const READ_DOCS: Operation = Operation::new("docs:read");

/// The contexts, by the names that stand in the paths of their operations.
pub const CONTEXTS: [&str; 4] = ["auth", "user", "distribution", "shipping"];

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
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh correlation ids.
    pub ids: Arc<dyn Ids>,
    /// How often somebody asked.
    pub throttle: Arc<dyn Throttle>,
    /// What was asked before, and what was answered.
    pub idempotency: Arc<dyn Idempotency>,
}

/// How the API behaves, whatever it serves.
pub struct HttpSettings {
    /// Which of the [`CONTEXTS`] are served; the operations of the others are not there.
    pub contexts: Vec<&'static str>,
    /// Whoever answers processes that serve other contexts, if there are any.
    pub questions: Option<Arc<dyn Questions>>,
    /// Scheme, host and port that clients use, if that is not what they send as `Host`.
    pub public_url: Option<String>,
    /// The proxies whose word counts for where requests come from. None unless they are named.
    pub trusted_proxies: Vec<IpNet>,
    /// The origins of pages elsewhere that may read answers, like `https://app.example.com`. None unless they are named.
    pub allowed_origins: Vec<String>,
    /// Whether the documentation takes no right at all.
    pub public_docs: bool,
    /// How long we may take for a request, from when it has arrived.
    pub request_timeout: Duration,
    /// How many requests may be answered at once.
    pub requests: usize,
    /// Whoever watches what is asked and what comes of it.
    pub observer: Arc<dyn Observer>,
    /// How often somebody may ask.
    pub rates: Rates,
    /// Files to hand out below `/media/`, if we do that ourselves.
    pub media: Option<Arc<dyn Media>>,
    /// Text messages to show at `/dev/inbox`. For a developer's machine, and for nothing else.
    pub inbox: Option<Arc<dyn Inbox>>,
    /// The backends that have to work before requests are sent here.
    pub probes: Vec<(&'static str, Arc<dyn Probe>)>,
    /// Shared with the server.
    pub lifecycle: Lifecycle,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            contexts: CONTEXTS.to_vec(),
            questions: None,
            public_url: None,
            trusted_proxies: Vec::new(),
            allowed_origins: Vec::new(),
            public_docs: false,
            request_timeout: Duration::from_secs(5),
            requests: 512,
            observer: Arc::new(observer::Nobody),
            rates: Rates::default(),
            media: None,
            inbox: None,
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
    let Contexts { auth, users, distribution, shipping, clock, ids, throttle, idempotency } = contexts;

    let mut resources = operations(Arc::clone(&auth), users, distribution, shipping);
    resources.retain(|(path, _)| document::is_of(&settings.contexts, path));
    resources.extend(docs(&settings.contexts, settings.public_docs));
    pipeline(resources, Foundations { auth, clock, ids, throttle, idempotency }, settings)
}

/// Every operation there is, by its path.
fn operations(
    auth: Arc<Auth>,
    users: Arc<Users>,
    distribution: Arc<Distribution>,
    shipping: Arc<Shipping>,
) -> Resources {
    let api: Api = (auth::api(auth), user::api(users), distribution::api(distribution), shipping::api(shipping));
    resource::operations(document::BASE, api)
}

/// The documentation of what is served.
fn docs(contexts: &[&str], public: bool) -> Resources {
    if CONTEXTS.iter().all(|it| contexts.contains(it)) {
        return DOCS.resources(public);
    }
    let service = document::service::<Api>();
    Docs::showing(&service, &document::of(document::document(&service), contexts)).resources(public)
}

/// The `OpenAPI` document of every operation there is, as JSON.
pub fn openapi_document() -> String {
    let document = document::document(&document::service::<Api>());
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

/// What everything stands on, whatever is served.
struct Foundations {
    auth: Arc<Auth>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    throttle: Arc<dyn Throttle>,
    idempotency: Arc<dyn Idempotency>,
}

/// What is served besides the operations and their documentation.
fn extras(settings: &HttpSettings) -> Resources {
    let HttpSettings { media, inbox, questions, probes, lifecycle, .. } = settings;
    let readiness = health::Readiness::of(probes.clone(), lifecycle.clone());
    let mut extras = vec![
        ("/healthcheck".to_owned(), Resource::get(health::Liveness)),
        ("/api/healthcheck".to_owned(), Resource::get(health::Liveness)),
        ("/api/readiness".to_owned(), Resource::get(readiness)),
    ];
    extras.extend(media.clone().map(|it| ("/media/*path".to_owned(), Resource::get(media::Files(it)))));
    extras.extend(inbox.clone().map(|it| ("/dev/inbox".to_owned(), Resource::get(inbox::Page(it)))));
    let desk = questions.clone().map(questions::Desk);
    extras.extend(desk.map(|it| ("/internal/contexts/:question".to_owned(), Resource::post(it))));
    extras
}

/// Everything around the resources. The outermost comes last.
fn pipeline(
    mut resources: Resources,
    foundations: Foundations,
    settings: HttpSettings,
) -> impl Endpoint<Output = Response> + use<> {
    resources.extend(extras(&settings));
    let Foundations { auth, clock, ids, throttle, idempotency } = foundations;
    let HttpSettings { public_url, trusted_proxies, allowed_origins, request_timeout, rates, lifecycle, .. } = settings;
    let HttpSettings { requests, observer, .. } = settings;
    resource::mounted(resources)
        .data(upload::Uploads::default())
        .with(caller::Recognising(auth))
        .with(slashes::MergedSlashes)
        .with(answer::Answering)
        // Boxed now and then: each layer holds the one inside, and is moved with all of it.
        .boxed()
        .with(idempotency::Idempotent { memory: idempotency, clock })
        .with(throttle::Throttling::new(throttle, rates, Arc::clone(&observer)))
        .with(overload::Bounded { at_once: requests, observer: Arc::clone(&observer) })
        .boxed()
        .with(deadline::Deadline { after: request_timeout, lifecycle })
        .with(compression::Compressed)
        .with(cross_origin::CrossOrigin::from(allowed_origins))
        .with(protection::Protected)
        .with(access_log::AccessLog(Arc::clone(&observer)))
        .with(correlation::Correlated { ids, observer })
        .data(Arc::new(origin::Origins { public_url, trusted_proxies }))
}
