//! How many statements each operation may need, as a table; an operation that the table forgets makes it fail.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::app::{Answer, PASSWORD, TestApp, Visitor};

use crate::rights::{operations, without_names};
use crate::stage::{BATCHES, CENTERS, Stage, TRANSPORTS, text};

on_both_stacks![every_operation_keeps_to_its_budget];

/// A method and a path of the document, the statements that its work needs, and the units of work it takes.
type Budget = (&'static str, &'static str, u64, u64);

/// Of each operation that succeeds at once and has no `Idempotency-Key`, where people and centers are known that it only
/// shows. `BEGIN` and `COMMIT` of each unit of work come on top. Each list is asked for by page number, and counted.
const BUDGETS: &[Budget] = &[
    // auth
    ("POST", "/api/v1/auth/phonenumber/check/", 1, 0),
    ("POST", "/api/v1/auth/signup/token_request/", 3, 1),
    ("POST", "/api/v1/auth/signup/token_confirm/", 2, 1),
    ("POST", "/api/v1/auth/signup/", 10, 4),
    ("POST", "/api/v1/auth/signin/", 3, 0),
    ("POST", "/api/v1/auth/signin/token_request/", 3, 1),
    ("POST", "/api/v1/auth/signin/token_confirm/", 4, 1),
    ("POST", "/api/v1/auth/token/refresh/", 5, 1),
    ("POST", "/api/v1/auth/token/verify/", 0, 0),
    ("POST", "/api/v1/auth/token/heartbeat/", 2, 1),
    ("POST", "/api/v1/auth/signout/", 2, 1),
    ("POST", "/api/v1/auth/unregister/", 9, 3),
    ("POST", "/api/v1/auth/password/change/", 3, 1),
    ("GET", "/api/v1/auth/sessions/", 1, 0),
    ("DELETE", "/api/v1/auth/sessions/", 1, 1),
    ("DELETE", "/api/v1/auth/sessions/{id}/", 2, 1),
    ("GET", "/api/v1/auth/api-keys/", 1, 0),
    ("POST", "/api/v1/auth/api-keys/", 1, 1),
    ("DELETE", "/api/v1/auth/api-keys/{id}/", 2, 1),
    ("GET", "/api/v1/auth/public-keys/", 0, 0),
    // user
    ("GET", "/api/v1/user/users/self/profile/", 0, 0),
    ("PATCH", "/api/v1/user/users/self/profile/", 5, 1),
    ("GET", "/api/v1/user/users/", 2, 0),
    ("GET", "/api/v1/user/users/{uuid}/", 2, 0),
    ("PATCH", "/api/v1/user/users/{uuid}/", 5, 1),
    ("POST", "/api/v1/user/users/{uuid}/ban/", 4, 1),
    ("POST", "/api/v1/user/users/{uuid}/unregister/", 4, 1),
    // distribution
    ("GET", "/api/v1/distribution/centers/", 0, 0),
    ("POST", "/api/v1/distribution/centers/", 2, 1),
    ("GET", "/api/v1/distribution/centers/{uuid}/", 2, 0),
    ("PUT", "/api/v1/distribution/centers/{uuid}/", 5, 1),
    ("PATCH", "/api/v1/distribution/centers/{uuid}/", 3, 1),
    ("DELETE", "/api/v1/distribution/centers/{uuid}/", 9, 2),
    // shipping
    ("GET", "/api/v1/shipping/shippingitems/", 2, 0),
    ("POST", "/api/v1/shipping/shippingitems/", 1, 1),
    ("GET", "/api/v1/shipping/shippingitems/{tracking_number}/", 2, 0),
    ("PUT", "/api/v1/shipping/shippingitems/{tracking_number}/", 3, 1),
    ("PATCH", "/api/v1/shipping/shippingitems/{tracking_number}/", 3, 1),
    ("DELETE", "/api/v1/shipping/shippingitems/{tracking_number}/", 3, 1),
    ("GET", "/api/v1/shipping/batches/", 2, 0),
    ("POST", "/api/v1/shipping/batches/", 1, 1),
    ("GET", "/api/v1/shipping/batches/{alias}/", 2, 0),
    ("PUT", "/api/v1/shipping/batches/{alias}/", 4, 1),
    ("PATCH", "/api/v1/shipping/batches/{alias}/", 4, 1),
    ("DELETE", "/api/v1/shipping/batches/{alias}/", 3, 1),
    ("GET", "/api/v1/shipping/batches/{alias}/shippingitems/", 4, 0),
    ("POST", "/api/v1/shipping/batches/{alias}/add/", 6, 1),
    ("POST", "/api/v1/shipping/batches/{alias}/remove/", 6, 1),
    ("GET", "/api/v1/shipping/transports/", 1, 0),
    ("POST", "/api/v1/shipping/transports/", 2, 1),
    ("GET", "/api/v1/shipping/transports/{uuid}/", 1, 0),
    ("PUT", "/api/v1/shipping/transports/{uuid}/", 4, 1),
    ("PATCH", "/api/v1/shipping/transports/{uuid}/", 4, 1),
    ("DELETE", "/api/v1/shipping/transports/{uuid}/", 3, 1),
    ("GET", "/api/v1/shipping/transports/{uuid}/batches/", 3, 0),
    ("POST", "/api/v1/shipping/transports/{uuid}/add/", 6, 1),
    ("POST", "/api/v1/shipping/transports/{uuid}/start/", 6, 1),
    ("POST", "/api/v1/shipping/transports/{uuid}/complete/", 7, 1),
];

/// What is beside the document asks no database.
const BESIDE: &[&str] = &["/", "/api/docs/openapi.json", "/api/healthcheck/", "/healthcheck/"];

/// The token that proves every number here: what is sent out would wait, as the relay does.
const TOKEN: &str = "246810";

/// How often each is asked for at most. Whoever and whatever the first one meets is known to the others, and a rare chore that one
/// request does for many others is not theirs.
const ASKED: usize = 6;

/// `BEGIN` and `COMMIT`, which go to the database like everything else.
const TRANSACTION: u64 = 2;

async fn every_operation_keeps_to_its_budget(usual: TestApp) {
    let app = usual.beside_with(&[("AUTH_FIXED_TOKEN", TOKEN)]).await;
    let scene = Scene::set(&app).await;

    let document = app.anybody().get("/api/docs/openapi.json").await.expecting(StatusCode::OK);
    let documented: BTreeSet<_> = operations(&document).into_iter().collect();
    let tabled = BUDGETS.iter().map(|(method, path, ..)| ((*method).to_owned(), without_names(path))).collect();
    let amiss: Vec<_> = documented.symmetric_difference(&tabled).collect();
    assert!(amiss.is_empty(), "every operation has a budget: {amiss:?}");

    let _quiet = (usual.quiet().await, app.quiet().await);
    let mut wrong = Vec::new();
    for (method, path, statements, transactions) in BUDGETS {
        let most = statements + transactions * TRANSACTION;
        let needed = scene.needed(method, path, most).await;
        if needed != most {
            wrong.push(format!("{method} {path} needs {needed} statements, not {most}"));
        }
    }
    for path in BESIDE {
        let needed = scene.statements_of(Request::of(&app.anybody(), "GET", path)).await;
        if needed != 0 {
            wrong.push(format!("{path} needs {needed} statements, not 0"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whom and what the operations need.
struct Scene<'a> {
    app: &'a TestApp,
    stage: Stage,
    root: Visitor,
}

/// What to ask.
struct Request {
    by: Visitor,
    method: Method,
    path: String,
    body: Option<Value>,
}

impl Request {
    fn of(by: &Visitor, method: &str, path: &str) -> Self {
        Self { by: by.clone(), method: method.parse().expect("a method"), path: path.to_owned(), body: None }
    }

    fn with(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    /// With this in the place of the parameter of the path.
    fn about(self, value: &str) -> Self {
        let (before, rest) = self.path.split_once('{').expect("a parameter");
        let (_, after) = rest.split_once('}').expect("a parameter");
        Self { path: format!("{before}{value}{after}"), ..self }
    }
}

impl<'a> Scene<'a> {
    async fn set(app: &'a TestApp) -> Self {
        let stage = Stage::set(app).await;
        // Every list has something in it that other tables know more about.
        let departed = stage.a_departed_transport().await;
        stage.complete(&departed.transport).await;
        Self { app, stage, root: app.superuser().await }
    }

    /// The statements that the operation needs when it succeeds: `most`, sooner or later.
    async fn needed(&self, method: &str, path: &str, most: u64) -> u64 {
        let mut least = u64::MAX;
        for _ in 0..ASKED {
            let request = self.prepared(method, path).await;
            least = least.min(self.statements_of(request).await);
            if least <= most {
                break;
            }
        }
        least
    }

    async fn statements_of(&self, Request { by, method, path, body }: Request) -> u64 {
        let request = by.request(method.clone(), &path);
        let request = body.into_iter().fold(request, |it, body| it.json(&body));
        let before = self.app.database.statements();
        let answer = Answer::to(request).await;
        let needed = self.app.database.statements() - before;
        assert!(answer.status.is_success(), "{method} {path}: {} {:#}", answer.status, answer.body);
        needed
    }

    /// A request that succeeds, with everything that it needs before it.
    async fn prepared(&self, method: &str, path: &str) -> Request {
        let request = |by: &Visitor| Request::of(by, method, path);
        match path.trim_start_matches("/api/v1/").split_once('/').expect("a context") {
            ("auth", operation) => self.of_auth(method, operation, request).await,
            ("user", operation) => self.of_user(method, operation, request).await,
            ("distribution", _) => self.of_distribution(method, path, request).await,
            (_, operation) => self.of_shipping(method, operation, request).await,
        }
    }

    async fn of_auth(&self, method: &str, operation: &str, request: impl Fn(&Visitor) -> Request) -> Request {
        let anybody = self.app.anybody();
        let ask = async |path: &str, body: &Value| {
            let path = format!("/api/v1/auth/{path}");
            anybody.post(&path, body.clone()).await.expecting(StatusCode::OK);
        };
        let somebody = self.app.driver().await;
        let number = json!({ "phonenumber": somebody.phone_number });
        let proof = json!({ "phonenumber": somebody.phone_number, "token": TOKEN });
        let stranger = self.app.a_phone_number();
        let new_number = json!({ "phonenumber": stranger.as_str() });
        let new_proof = json!({ "phonenumber": stranger.as_str(), "token": TOKEN });
        let refresh = json!({ "refresh": somebody.refresh });
        match (method, operation) {
            (_, "phonenumber/check/") => request(&anybody).with(number),
            (_, "signup/token_request/") => {
                // Whoever is about to sign up or in asks first whether the number has an account: that is known then.
                let checked = anybody.post("/api/v1/auth/phonenumber/check/", new_number.clone()).await;
                checked.expecting(StatusCode::NOT_FOUND);
                request(&anybody).with(new_number)
            }
            (_, "signup/token_confirm/") => {
                ask("signup/token_request/", &new_number).await;
                request(&anybody).with(new_proof)
            }
            (_, "signup/") => {
                ask("signup/token_request/", &new_number).await;
                ask("signup/token_confirm/", &new_proof).await;
                let driver = json!({ "phonenumber": stranger.as_str(), "user_type": "DRIVER", "password": PASSWORD });
                request(&anybody).with(driver)
            }
            (_, "signin/") => {
                request(&anybody).with(json!({ "phonenumber": somebody.phone_number, "password": PASSWORD }))
            }
            (_, "signin/token_request/") => {
                ask("phonenumber/check/", &number).await;
                request(&anybody).with(number)
            }
            (_, "signin/token_confirm/") => {
                ask("signin/token_request/", &number).await;
                request(&anybody).with(proof)
            }
            (_, "token/refresh/") => request(&anybody).with(refresh),
            (_, "token/verify/") => request(&anybody).with(json!({ "token": somebody.token })),
            (_, "signout/" | "unregister/") => request(&somebody).with(refresh),
            (_, "password/change/") => {
                request(&somebody).with(json!({ "password": PASSWORD, "new_password": "another horse battery" }))
            }
            ("DELETE", "sessions/{id}/") => {
                let mut elsewhere = somebody.clone();
                elsewhere.sign_in().await;
                let sessions = somebody.get("/api/v1/auth/sessions/").await.expecting(StatusCode::OK);
                let sessions = sessions["results"].as_array().expect("a list");
                let other = sessions.iter().find(|it| it["current"] == false).expect("another session");
                request(&somebody).about(&text(&other["id"]))
            }
            (_, "sessions/") => request(&somebody),
            ("POST", "api-keys/") => request(&self.root).with(json!({ "name": "tests" })),
            ("DELETE", "api-keys/{id}/") => {
                let key = self.root.post("/api/v1/auth/api-keys/", json!({ "name": "tests" })).await;
                request(&self.root).about(&text(&key.expecting(StatusCode::CREATED)["id"]))
            }
            _ => request(&self.root),
        }
    }

    async fn of_user(&self, method: &str, operation: &str, request: impl Fn(&Visitor) -> Request) -> Request {
        let somebody = &self.app.driver().await;
        match (method, operation) {
            ("GET", "users/self/profile/") | (_, "users/") => request(&self.root),
            (_, "users/self/profile/") => request(somebody).with(json!({ "fullname": "Kim" })),
            ("GET", _) => request(&self.root).about(&somebody.user_id),
            ("PATCH", _) => request(&self.root).about(&somebody.user_id).with(json!({ "email": "kim@example.com" })),
            _ => request(&self.root).about(&somebody.user_id).with(json!({})),
        }
    }

    async fn of_distribution(&self, method: &str, path: &str, request: impl Fn(&Visitor) -> Request) -> Request {
        let code = format!("C{}", &self.app.a_phone_number().as_str()[3..]);
        let new = json!({ "center_code": code, "name": "East", "staff_members": [self.root.user_id] });
        if !path.contains('{') {
            return if method == "POST" { request(&self.root).with(new) } else { request(&self.root) };
        }
        let center = self.root.post(CENTERS, new).await.expecting(StatusCode::CREATED);
        let request = request(&self.root).about(&text(&center["uuid"]));
        match method {
            "PUT" => request.with(json!({ "name": "West", "staff_members": [self.stage.driver.user_id] })),
            "PATCH" => request.with(json!({ "name": "West" })),
            _ => request,
        }
    }

    async fn of_shipping(&self, method: &str, operation: &str, request: impl Fn(&Visitor) -> Request) -> Request {
        let stage = &self.stage;
        let request = request(&stage.staff);
        match (method, operation) {
            ("POST", "shippingitems/") => request.with(json!({ "sku": "SHOE-42" })),
            ("PUT" | "PATCH", "shippingitems/{tracking_number}/") => {
                request.about(&stage.an_item().await).with(json!({ "sku": "HAT-7", "status": "MOVING" }))
            }
            (_, "shippingitems/{tracking_number}/") => {
                // A read shows its history, and what is deleted may have one.
                let (alias, item) = stage.a_packed_batch().await;
                if method == "DELETE" {
                    let items = json!({ "tracking_number": item });
                    stage.staff.post(&format!("{BATCHES}{alias}/remove/"), items).await.expecting(StatusCode::OK);
                }
                request.about(&item)
            }
            ("POST", "batches/") => request.with(json!({})),
            ("PUT" | "PATCH", "batches/{alias}/") => {
                let (alias, transport) = (stage.a_batch().await, stage.a_transport().await);
                stage.load(&transport, &alias).await;
                request.about(&alias).with(json!({ "alias": "" }))
            }
            ("DELETE", "batches/{alias}/") => request.about(&stage.a_batch().await),
            ("POST", "batches/{alias}/add/") => {
                let item = stage.an_item().await;
                request.about(&stage.a_batch().await).with(json!({ "tracking_number": item }))
            }
            ("POST", "batches/{alias}/remove/") => {
                let (alias, item) = stage.a_packed_batch().await;
                request.about(&alias).with(json!({ "tracking_number": item }))
            }
            ("GET", operation) if operation.contains('{') => {
                let departed = stage.a_departed_transport().await;
                stage.complete(&departed.transport).await;
                request.about(if operation.starts_with("batches") { &departed.alias } else { &departed.transport })
            }
            ("POST", "transports/") => request.with(a_plan(&stage.driver)),
            ("PUT" | "PATCH", "transports/{uuid}/") => {
                request.about(&stage.a_transport().await).with(a_plan(&stage.driver))
            }
            ("DELETE", "transports/{uuid}/") => request.about(&stage.a_transport().await),
            ("POST", "transports/{uuid}/add/") => {
                let (alias, _) = stage.a_packed_batch().await;
                request.about(&stage.a_transport().await).with(json!({ "alias": alias }))
            }
            ("POST", "transports/{uuid}/start/") => {
                let plan = a_plan(&self.app.driver().await);
                let transport = text(&stage.staff.post(TRANSPORTS, plan).await.expecting(StatusCode::CREATED)["uuid"]);
                stage.load(&transport, &stage.a_packed_batch().await.0).await;
                request.about(&transport).with(json!({}))
            }
            ("POST", "transports/{uuid}/complete/") => {
                request.about(&stage.a_departed_transport().await.transport).with(json!({}))
            }
            _ => request,
        }
    }
}

fn a_plan(driver: &Visitor) -> Value {
    json!({
        "distribution_center_code_source": "ABC002",
        "distribution_center_code_destination": "ABC001",
        "driver_uuid": driver.user_id,
    })
}
