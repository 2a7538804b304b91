//! Contexts that are served by two or three processes, over the same database.

use std::net::SocketAddr;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::program::{PATIENCE, Server, Setting, a_free_address, client};

const TOKEN: &str = "246810";
const DRIVER: &str = "+821012345679";
const PASSWORD: &str = "correct horse battery";

/// Who people are, and what is moved.
const PEOPLE: [&str; 3] = ["serve", "--contexts", "auth,user"];
const GOODS: [&str; 3] = ["serve", "--contexts", "shipping,distribution"];

/// Somebody who asks a process.
struct Visitor {
    http: Client,
    token: String,
}

impl Visitor {
    async fn ask(&self, server: &Server, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let request = self.http.request(method, format!("{}/api/v1/{path}", server.base)).bearer_auth(&self.token);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            assert!(answer.headers().contains_key("retry-after"), "{path}");
        }
        (status, answer.json().await.unwrap_or_default())
    }

    async fn get(&self, server: &Server, path: &str) -> (StatusCode, Value) {
        self.ask(server, Method::GET, path, None).await
    }

    /// Sends what has to succeed, and gives the answer.
    async fn post(&self, server: &Server, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask(server, Method::POST, path, Some(body)).await;
        assert!(status.is_success(), "{path}: {status} {answer:#}\n{}", server.said.all());
        answer
    }
}

fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value[member].as_str().unwrap_or_else(|| panic!("no {member} in {value:#}"))
}

/// Who drives: they sign up with a number that they prove.
async fn a_driver(visitor: &Visitor, people: &Server) -> String {
    visitor.post(people, "auth/signup/token_request/", json!({ "phonenumber": DRIVER })).await;
    visitor.post(people, "auth/signup/token_confirm/", json!({ "phonenumber": DRIVER, "token": TOKEN })).await;
    let driver =
        json!({ "phonenumber": DRIVER, "user_type": "DRIVER", "fullname": "Park Minho", "password": PASSWORD });
    text(&visitor.post(people, "auth/signup/", driver).await, "uuid").to_owned()
}

/// A transport with a batch and an item on board, and that item.
async fn a_loaded_transport(visitor: &Visitor, goods: &Server, driver: &str, staff: &str) -> (Value, String) {
    for code in ["SEOUL01", "BUSAN01"] {
        let center = json!({ "center_code": code, "name": code, "staff_members": { "uuid": [staff] } });
        let opened = visitor.post(goods, "distribution/centers/", center).await;
        assert_eq!(opened["staff_members"][0]["username"], json!("root"), "{opened:#}");
    }
    let item = visitor.post(goods, "shipping/shippingitems/", json!({ "sku": "SHOE-42" })).await;
    let tracking_number = text(&item, "tracking_number").to_owned();
    let batch = visitor.post(goods, "shipping/batches/", json!({})).await;
    let alias = text(&batch, "alias");
    let packed = json!([{ "tracking_number": tracking_number }]);
    visitor.post(goods, &format!("shipping/batches/{alias}/add/"), packed).await;
    let plan = json!({
        "distribution_center_code_source": "SEOUL01",
        "distribution_center_code_destination": "BUSAN01",
        "driver_uuid": driver,
    });
    let transport = visitor.post(goods, "shipping/transports/", plan).await;
    let load = format!("shipping/transports/{}/add/", text(&transport, "uuid"));
    visitor.post(goods, &load, json!({ "alias": alias })).await;
    (transport, tracking_number)
}

/// Two processes, somebody at them, and what a test needs of it.
struct Apart<'f> {
    setting: Setting<'f>,
    address: SocketAddr,
    people: Server,
    goods: Server,
    root: Visitor,
    staff: String,
}

impl<'f> Apart<'f> {
    async fn begin(folder: &'f std::path::Path) -> Self {
        let mut setting = Setting { folder, variables: Vec::new() };
        let (secret, root_key) = (setting.run(&["generate-keypair"]).await, setting.run(&["generate-keypair"]).await);
        let address = a_free_address().await;
        setting.variables = vec![
            ("ENV", "test".to_owned()),
            ("SECRET_KEY", secret),
            ("TOKEN_ROOT_KEY", root_key),
            ("AUTH_FIXED_TOKEN", TOKEN.to_owned()),
            ("MAJESTIC_PASSWORD", PASSWORD.to_owned()),
            ("USER_URL", format!("http://{address}")),
        ];
        let staff = setting.run(&["create-superuser", "--phonenumber", "+821012345678", "--username", "root"]).await;
        let people = setting.serve_at(address, &PEOPLE).await;
        let goods = setting.serve_at(a_free_address().await, &GOODS).await;
        let anybody = Visitor { http: client(), token: String::new() };
        let credentials = json!({ "username": "root", "password": PASSWORD });
        let tokens = anybody.post(&people, "auth/signin/", credentials).await;
        let root = Visitor { token: text(&tokens, "access").to_owned(), ..anybody };
        Self { setting, address, people, goods, root, staff }
    }

    /// Waits until readiness says this of the user context.
    async fn until_user_is(&self, state: &str) {
        let found = async {
            loop {
                let asked = self.root.http.get(format!("{}/api/readiness/", self.goods.base)).send().await;
                let readiness: Value = asked.expect("an answer").json().await.expect("JSON");
                if readiness["checks"]["user"] == json!(state) {
                    break;
                }
            }
        };
        timeout(PATIENCE, found).await.expect("it is found out");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_travels_where_contexts_are_served_by_two_processes() {
    let folder = tempfile::tempdir().expect("a folder");
    let Apart { people, goods, root, staff, .. } = &Apart::begin(folder.path()).await;
    let driver = a_driver(root, people).await;

    let (transport, tracking_number) = a_loaded_transport(root, goods, &driver, staff).await;
    assert_eq!((text(&transport["driver"], "uuid"), text(&transport["driver"], "fullname")), (&*driver, "Park Minho"));
    let path = format!("shipping/transports/{}/", text(&transport, "uuid"));
    root.post(goods, &format!("{path}start/"), json!({})).await;
    let arrived = root.post(goods, &format!("{path}complete/"), json!({})).await;

    assert_eq!(arrived["completed"], json!(true), "{arrived:#}");
    let (_, item) = root.get(goods, &format!("shipping/shippingitems/{tracking_number}/")).await;
    assert!(item.to_string().contains("BUSAN01"), "{item:#}");
    let (_, shown) = root.get(goods, &path).await;
    assert!(shown.to_string().contains("\"username\":\"root\""), "the centers with who works there: {shown:#}");
    for (server, path) in [
        (people, "shipping/batches/"),
        (people, "distribution/centers/"),
        (goods, "user/users/self/profile/"),
        (goods, "auth/public-keys/"),
    ] {
        assert_eq!(root.get(server, path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_context_is_away_what_needs_it_is_told_so_and_all_else_is_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut apart = Apart::begin(folder.path()).await;
    let driver = a_driver(&apart.root, &apart.people).await;
    let (transport, _) = a_loaded_transport(&apart.root, &apart.goods, &driver, &apart.staff).await;
    let path = format!("shipping/transports/{}/", text(&transport, "uuid"));

    apart.people.kill().await;

    let Apart { goods, root, .. } = &apart;
    let (status, problem) = root.get(goods, &path).await;
    assert_eq!((status, &problem["status"]), (StatusCode::SERVICE_UNAVAILABLE, &json!(503)), "{problem:#}");
    let start = root.ask(goods, Method::POST, &format!("{path}start/"), Some(json!({}))).await;
    assert_eq!(start.0, StatusCode::SERVICE_UNAVAILABLE, "nobody knows whether they may still drive");
    root.post(goods, "shipping/shippingitems/", json!({ "sku": "SHOE-43" })).await;
    apart.until_user_is("failed").await;
    assert!(goods.is_ready(&root.http).await, "all others have no more of it");

    apart.people = apart.setting.serve_at(apart.address, &PEOPLE).await;

    let (status, shown) = apart.root.get(&apart.goods, &path).await;
    assert_eq!((status, &shown["driver"]["fullname"]), (StatusCode::OK, &json!("Park Minho")), "{shown:#}");
    apart.root.post(&apart.goods, &format!("{path}start/"), json!({})).await;
    apart.until_user_is("ok").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shipping_and_distribution_ask_each_other_wherever_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let Apart { mut setting, people, goods, root, staff, .. } = Apart::begin(folder.path()).await;
    let driver = a_driver(&root, &people).await;
    let (transport, _) = a_loaded_transport(&root, &goods, &driver, &staff).await;
    let (at_shipping, at_distribution) = (a_free_address().await, a_free_address().await);
    let urls = [("SHIPPING_URL", at_shipping), ("DISTRIBUTION_URL", at_distribution)];
    setting.variables.extend(urls.map(|(name, address)| (name, format!("http://{address}"))));
    let mut shipping = setting.serve_at(at_shipping, &["serve", "--contexts", "shipping"]).await;
    let distribution = setting.serve_at(at_distribution, &["serve", "--contexts", "distribution"]).await;

    let path = format!("shipping/transports/{}/", text(&transport, "uuid"));
    let (_, shown) = root.get(&shipping, &path).await;
    assert!(shown.to_string().contains("\"username\":\"root\""), "from shipping by distribution to user: {shown:#}");
    let (_, centers) = root.get(&distribution, "distribution/centers/?center_code=BUSAN01").await;
    let center = format!("distribution/centers/{}/", text(&centers["results"][0], "uuid"));
    let close = || root.ask(&distribution, Method::DELETE, &center, None);

    let (status, problem) = close().await;
    assert_eq!((status, text(&problem, "code")), (StatusCode::BAD_REQUEST, "DistributionCenterInUse"), "{problem:#}");
    root.post(&shipping, &format!("{path}start/"), json!({})).await;
    root.post(&shipping, &format!("{path}complete/"), json!({})).await;
    shipping.kill().await;
    assert_eq!(close().await.0, StatusCode::SERVICE_UNAVAILABLE, "who cannot be asked may need it");
    let shipping = setting.serve_at(at_shipping, &["serve", "--contexts", "shipping"]).await;
    assert_eq!(close().await.0, StatusCode::NO_CONTENT, "the last transport has arrived");

    let plan = json!({
        "distribution_center_code_source": "SEOUL01",
        "distribution_center_code_destination": "BUSAN01",
    });
    let (status, problem) = root.ask(&shipping, Method::POST, "shipping/transports/", Some(plan)).await;
    assert_eq!(
        (status, text(&problem, "code")),
        (StatusCode::BAD_REQUEST, "DistributionCenterNotExist"),
        "{problem:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_another_secret_is_not_answered() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut apart = Apart::begin(folder.path()).await;
    let question = |credential: &str| {
        let asked = client().post(format!("{}/internal/contexts/shipping-drivers-1", apart.people.base));
        asked.header("authorization", credential).json(&json!({ "drivers": [apart.staff] })).send()
    };
    for credential in [String::new(), "Contexts guessed".to_owned(), format!("Bearer {}", apart.root.token)] {
        let refused = question(&credential).await.expect("an answer");
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{credential}");
        assert!(!refused.text().await.expect("a body").contains("root"));
    }

    let secret = apart.setting.run(&["generate-keypair"]).await;
    apart.setting.variables.retain(|(name, _)| *name != "SECRET_KEY");
    apart.setting.variables.push(("SECRET_KEY", secret));
    let stranger = apart.setting.serve_at(a_free_address().await, &GOODS).await;

    let center = json!({ "center_code": "SEOUL01", "name": "Seoul", "staff_members": { "uuid": [apart.staff] } });
    let refused = apart.root.ask(&stranger, Method::POST, "distribution/centers/", Some(center)).await;
    assert_eq!(refused.0, StatusCode::SERVICE_UNAVAILABLE, "{:#}", refused.1);
    let said = stranger.said.until(|it| it.contains("a request failed")).await;
    assert!(said.contains("the process of another context answers 403 Forbidden"), "{said}");
}

#[tokio::test]
async fn contexts_that_cannot_be_served_so_are_refused_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let setting = Setting { folder: folder.path(), variables: vec![("ENV", "test".to_owned())] };
    for (contexts, fault) in [
        ("auth", "CONTEXTS must be with user where auth is"),
        ("shipping", "DISTRIBUTION_URL must be set: a context of CONTEXTS asks distribution"),
        ("distribution", "SHIPPING_URL must be set: a context of CONTEXTS asks shipping"),
        ("shipping,distribution", "USER_URL must be set: a context of CONTEXTS asks user"),
        ("shipping,billing", "CONTEXTS must be some of auth, user, distribution and shipping, by comma"),
    ] {
        for command in ["serve", "check"] {
            let output = setting.command(&[command, "--contexts", contexts]).output().await.expect("it runs");
            let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            assert!(!output.status.success() && said.contains(fault), "{command} {contexts}: {said}");
        }
    }
}
