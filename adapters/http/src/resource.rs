//! Routes: one resource per path, which knows its methods.

use std::collections::HashMap;
use std::sync::Arc;

use poem::endpoint::BoxEndpoint;
use poem::http::{HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, EndpointExt as _, Request, Response, Result, Route};
use poem_openapi::OpenApi;

use crate::observer::Matched;
use crate::problem::Problem;

/// What answers at one path, method by method.
pub(crate) struct Resource {
    methods: HashMap<Method, BoxEndpoint<'static>>,
    /// The value of the `Allow` header.
    allow: HeaderValue,
    /// Its path, with names for what varies.
    template: Arc<str>,
}

impl Resource {
    /// A resource with these methods. HEAD arrives as GET, OPTIONS is answered here.
    pub(crate) fn new(methods: HashMap<Method, BoxEndpoint<'static>>) -> Self {
        let mut names: Vec<&str> = methods.keys().map(Method::as_str).chain(["OPTIONS"]).collect();
        if methods.contains_key(&Method::GET) {
            names.push("HEAD");
        }
        names.sort_unstable();
        let allow = HeaderValue::from_str(&names.join(", "));
        Self { methods, allow: allow.unwrap_or(HeaderValue::from_static("OPTIONS")), template: Arc::default() }
    }

    /// What can be done with it, besides asking what can be done.
    #[cfg(test)]
    pub(crate) fn methods(&self) -> impl Iterator<Item = &Method> {
        self.methods.keys()
    }

    /// A resource that can only be looked at.
    pub(crate) fn get(endpoint: impl Endpoint + 'static) -> Self {
        Self::new(HashMap::from([(Method::GET, endpoint.map_to_response().boxed())]))
    }

    /// A resource that takes what is sent, and shows nothing.
    pub(crate) fn post(endpoint: impl Endpoint + 'static) -> Self {
        Self::new(HashMap::from([(Method::POST, endpoint.map_to_response().boxed())]))
    }
}

impl Endpoint for Resource {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        Matched::note(&request, &self.template);
        if let Some(endpoint) = self.methods.get(request.method()) {
            return endpoint.call(request).await;
        }
        if request.method() == Method::OPTIONS {
            let allow = (header::ALLOW, self.allow.clone());
            return Ok(Response::builder().status(StatusCode::NO_CONTENT).header(allow.0, allow.1).finish());
        }
        Err(Problem::method_not_allowed(request.method().as_str(), self.allow.clone()).into())
    }
}

/// Everything that is served, by path.
pub(crate) type Resources = Vec<(String, Resource)>;

/// The operations of `api`, each under `prefix`.
pub(crate) fn operations<A: OpenApi>(prefix: &str, api: A) -> Resources {
    let mut table = HashMap::new();
    api.add_routes(&mut table);
    let templates = templates::<A>();
    let resource = |(path, methods): (String, HashMap<Method, BoxEndpoint<'static>>)| {
        let template = format!("{prefix}{}", templates.get(&path).unwrap_or(&path));
        (format!("{prefix}{path}"), Resource { template: template.into(), ..Resource::new(methods) })
    };
    table.into_iter().map(resource).collect()
}

/// Paths as the document has them, `/batches/{alias}`, by the way they are routed, `/batches/:param0`.
fn templates<A: OpenApi>() -> HashMap<String, String> {
    let documented = A::meta().into_iter().flat_map(|it| it.paths).map(|it| it.path);
    documented.map(|path| (routed(&path), path)).collect()
}

fn routed(path: &str) -> String {
    let mut parameters = 0;
    let mut routed = Vec::new();
    for segment in path.split('/') {
        if segment.starts_with('{') {
            routed.push(format!(":param{parameters}"));
            parameters += 1;
        } else {
            routed.push(segment.to_owned());
        }
    }
    routed.join("/")
}

/// The routes to `resources`, each with a slash at the end and without one. There is no other way to anything.
pub(crate) fn mounted(resources: Resources) -> Route {
    resources.into_iter().fold(Route::new(), |route, (path, resource)| {
        let template = if resource.template.is_empty() { path.as_str().into() } else { Arc::clone(&resource.template) };
        let resource = Arc::new(Resource { template, ..resource });
        let bare = path.trim_end_matches('/');
        // The root is its slash, and what may be any path ends with whatever it ends with.
        if bare.is_empty() || bare.contains('*') {
            return route.at(path, resource);
        }
        route.at(bare, Arc::clone(&resource)).at(format!("{bare}/"), resource)
    })
}
