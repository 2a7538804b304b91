//! For every operation that writes, a request that does what the operation is for.

use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::app::{PASSWORD, TestApp, Visitor};
use user_domain::{Privileges, Role};

use crate::stage::{BATCHES, CENTERS, ITEMS, Stage, TRANSPORTS, text};

const AUTH: &str = "/api/v1/auth/";
const USERS: &str = "/api/v1/user/users/";

/// What is sent, by whom, where everything that it refers to is there and in the right state.
pub(crate) struct Proper {
    pub(crate) who: Visitor,
    pub(crate) path: String,
    pub(crate) body: Value,
    /// The user whom it is about, if they are there already.
    pub(crate) about: Option<String>,
}

impl Proper {
    fn by(who: &Visitor, path: impl Into<String>, body: Value) -> Self {
        let about = Some(who.user_id.clone()).filter(|it| !it.is_empty());
        Self { who: who.clone(), path: path.into(), body, about }
    }

    /// The request to this operation of the document. Whoever adds one has to say here what it takes.
    pub(crate) async fn to(app: &TestApp, stage: &Stage, method: &Method, path: &str) -> Self {
        let short = path.trim_start_matches("/api/v1/").trim_start_matches('/');
        let found = match short.split('/').next() {
            Some("auth") => of_auth(app, method, short).await,
            Some("user") => of_user(app, method, short).await,
            Some("distribution") => of_distribution(stage, method, short).await,
            _ => of_shipping(app, stage, method, short).await,
        };
        found.unwrap_or_else(|| panic!("{method} {path} has no request here"))
    }
}

/// A number that nothing here has been called by yet.
fn next() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A number, to which a token was sent for this purpose.
async fn token_for(app: &TestApp, number: &str, purpose: &str) -> Value {
    let path = format!("{AUTH}{purpose}/token_request/");
    app.anybody().post(&path, json!({ "phonenumber": number })).await.expecting(StatusCode::OK);
    json!({ "phonenumber": number, "token": app.token_sent_to(number).await })
}

async fn of_auth(app: &TestApp, method: &Method, path: &str) -> Option<Proper> {
    let path = path.trim_start_matches("auth/");
    let anybody = app.anybody();
    let free = app.a_phone_number().as_str().to_owned();
    if *method != Method::POST {
        return None;
    }
    let with = |body: Value| Some(Proper::by(&anybody, format!("{AUTH}{path}"), body));
    match path {
        "signup/token_request/" => return with(json!({ "phonenumber": free })),
        "signup/token_confirm/" => return with(token_for(app, &free, "signup").await),
        "signup/" => {
            let proof = token_for(app, &free, "signup").await;
            anybody.post(&format!("{AUTH}signup/token_confirm/"), proof).await.expecting(StatusCode::OK);
            return with(json!({ "phonenumber": free, "user_type": "DRIVER", "password": PASSWORD }));
        }
        _ => {}
    }
    let clerk = app.clerk().await;
    let (number, refreshing) = (json!({ "phonenumber": clerk.phone_number }), json!({ "refresh": clerk.refresh }));
    let own = |body: Value| Some(Proper::by(&clerk, format!("{AUTH}{path}"), body));
    match path {
        "phonenumber/check/" | "signin/token_request/" => with(number),
        "signin/" => with(json!({ "phonenumber": clerk.phone_number, "password": PASSWORD })),
        "signin/token_confirm/" => with(token_for(app, &clerk.phone_number, "signin").await),
        "token/refresh/" => with(refreshing),
        "token/verify/" => with(json!({ "token": clerk.token })),
        "token/heartbeat/" => own(json!({})),
        "signout/" | "unregister/" => own(refreshing),
        "password/change/" => own(json!({ "password": PASSWORD, "new_password": "wrong mare capacitor" })),
        "api-keys/" => {
            let key = json!({ "name": "scanner", "scopes": ["shipping:read"] });
            Some(Proper::by(&app.superuser().await, format!("{AUTH}{path}"), key))
        }
        _ => None,
    }
}

async fn of_user(app: &TestApp, method: &Method, path: &str) -> Option<Proper> {
    let subject = app.somebody(Role::Driver { date_of_birth: None }, Privileges::None).await.0.to_string();
    let about = |who: &Visitor, rest: &str, body: Value| {
        let request = Proper::by(who, format!("{USERS}{subject}/{rest}"), body);
        Some(Proper { about: Some(subject.clone()), ..request })
    };
    match (method.as_str(), path.trim_start_matches("user/users/")) {
        ("PATCH", "self/profile/") => {
            Some(Proper::by(&app.driver().await, format!("{USERS}self/profile/"), json!({ "fullname": "Kim Minsu" })))
        }
        ("PATCH", "{uuid}/") => about(&app.superuser().await, "", json!({ "email": "kim@example.com" })),
        ("POST", "{uuid}/ban/") => about(&app.manager().await, "ban/", json!({})),
        ("POST", "{uuid}/unregister/") => about(&app.manager().await, "unregister/", json!({})),
        _ => None,
    }
}

async fn of_distribution(stage: &Stage, method: &Method, path: &str) -> Option<Proper> {
    let center = json!({ "center_code": format!("NEW{}", next()), "name": "Harbour" });
    match (method.as_str(), path.trim_start_matches("distribution/centers/")) {
        ("POST", "") => Some(Proper::by(&stage.staff, CENTERS, center)),
        ("PUT" | "PATCH", "{uuid}/") => {
            let center = stage.staff.post(CENTERS, center).await.expecting(StatusCode::CREATED);
            let path = format!("{CENTERS}{}/", text(&center["uuid"]));
            Some(Proper::by(&stage.staff, path, json!({ "name": "Airport" })))
        }
        _ => None,
    }
}

async fn of_shipping(app: &TestApp, stage: &Stage, method: &Method, path: &str) -> Option<Proper> {
    let staff = |path: String, body: Value| Some(Proper::by(&stage.staff, path, body));
    let plan = json!({
        "distribution_center_code_source": "ABC002",
        "distribution_center_code_destination": "ABC001",
    });
    match (method.as_str(), path.trim_start_matches("shipping/")) {
        ("POST", "shippingitems/") => staff(ITEMS.to_owned(), json!({ "sku": "SHOE-42" })),
        ("PUT" | "PATCH", "shippingitems/{tracking_number}/") => {
            staff(format!("{ITEMS}{}/", stage.an_item().await), json!({ "sku": "HAT-7" }))
        }
        ("POST", "batches/") => staff(BATCHES.to_owned(), json!({ "alias": format!("new-{}", next()) })),
        ("PUT" | "PATCH", "batches/{alias}/") => {
            let body = json!({ "alias": format!("other-{}", next()) });
            staff(format!("{BATCHES}{}/", stage.a_batch().await), body)
        }
        ("POST", "batches/{alias}/add/") => {
            let body = json!({ "tracking_number": stage.an_item().await });
            staff(format!("{BATCHES}{}/add/", stage.a_batch().await), body)
        }
        ("POST", "batches/{alias}/remove/") => {
            let (alias, item) = stage.a_packed_batch().await;
            staff(format!("{BATCHES}{alias}/remove/"), json!({ "tracking_number": item }))
        }
        ("POST", "transports/") => staff(TRANSPORTS.to_owned(), plan),
        ("PUT" | "PATCH", "transports/{uuid}/") => staff(format!("{TRANSPORTS}{}/", stage.a_transport().await), plan),
        ("POST", "transports/{uuid}/add/") => {
            let body = json!({ "alias": stage.a_packed_batch().await.0 });
            staff(format!("{TRANSPORTS}{}/add/", stage.a_transport().await), body)
        }
        ("POST", "transports/{uuid}/start/") => {
            let (path, body) = ready_to_start(app, stage).await;
            staff(path, body)
        }
        ("POST", "transports/{uuid}/complete/") => {
            let (path, body) = ready_to_start(app, stage).await;
            stage.staff.post(&path, body).await.expecting(StatusCode::OK);
            staff(path.replace("/start/", "/complete/"), json!({}))
        }
        _ => None,
    }
}

/// How a loaded transport is started, by a driver of its own.
async fn ready_to_start(app: &TestApp, stage: &Stage) -> (String, Value) {
    let (transport, alias) = (stage.a_transport().await, stage.a_packed_batch().await.0);
    stage.load(&transport, &alias).await;
    (format!("{TRANSPORTS}{transport}/start/"), json!({ "driver_uuid": app.driver().await.user_id }))
}
