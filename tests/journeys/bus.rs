//! The bus behind the application: what it gets, and what happens while it is away.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use support::amazon::Amazon;
use support::app::{Stack, TestApp};
use support::bus::Bus;
use support::proxy::{Fault, FaultProxy};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::metrics::Scraped;
use crate::stage::{BATCHES, Stage, text};

on_both_stacks![while_the_bus_is_away_everybody_is_served_and_it_is_told_what_waits];

const USERS: &str = "/api/v1/user/users/";
const SIGN_UP: &str = "/api/v1/auth/signup/";

/// How long an event may be on its way: a relay that reached nobody rests for up to eight seconds.
const DEADLINE: Duration = Duration::from_mins(1);

/// The same application with this bus behind it.
async fn before(endpoint: &str, bus: &str, app: &TestApp, scraped: &Scraped) -> TestApp {
    let url = format!("eventbridge://{bus}?endpoint={endpoint}");
    let changed = [
        ("EVENTS_URL", url.as_str()),
        ("AWS_ACCESS_KEY_ID", "tests"),
        ("AWS_SECRET_ACCESS_KEY", "tests"),
        ("METRICS_ADDR", &scraped.address),
    ];
    app.beside_with(&changed).await
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn while_the_bus_is_away_everybody_is_served_and_it_is_told_what_waits(app: TestApp) {
    let bus = Bus::that_refuses("BatchAddedToTransport").await;
    let (proxy, endpoint) = FaultProxy::on_the_way_to(&bus.endpoint).await;
    let scraped = Scraped::at_a_free_port().await;
    // Its relay would be another way out.
    let _quiet = app.quiet().await;
    let app = before(&endpoint, "bus", &app, &scraped).await;
    let stage = Stage::set(&app).await;
    let [waiting, lag, parked] =
        ["waiting", "lag_seconds", "parked"].map(|it| format!(r#"majestic_outbox_{it}{{subscriber="bus"}}"#));
    scraped.until(&waiting, |it| it < 1.0).await;

    proxy.set(Fault::Cut).await;
    for _ in 0..10 {
        stage.a_packed_batch().await;
    }
    scraped.until(&lag, |it| it >= 2.0).await;
    assert!(scraped.value(&waiting).await >= 10.0, "nothing has gone out");
    stage.a_packed_batch().await;

    proxy.heal().await;
    for number in [&waiting, &lag] {
        scraped.until(number, |it| it < 1.0).await;
    }
    assert_eq!(bus.taken("ItemAddedToBatch"), 11);
    assert!(scraped.value(&parked).await < 1.0, "that nobody was there is no fault of theirs");

    let transport = stage.a_transport().await;
    let (refused, _) = stage.a_packed_batch().await;
    stage.load(&transport, &refused).await;
    scraped.until(&parked, |it| it > 0.0).await;
    stage.a_packed_batch().await;
    until("the others are taken", || bus.taken("ItemAddedToBatch") == 13).await;
    assert!((0.5..1.5).contains(&scraped.value(&parked).await), "one was refused");
}

/// What arrives in a queue behind a bus.
struct Arrivals {
    amazon: Amazon,
    queue: String,
    so_far: Vec<Value>,
}

impl Arrivals {
    /// Waits for the event of this name that `is_it`.
    async fn one(&mut self, name: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + DEADLINE;
        let wanted = |it: &&Value| it["detail-type"] == json!(name) && is_it(&it["detail"]["params"]);
        loop {
            if let Some(event) = self.so_far.iter().find(wanted) {
                return event.clone();
            }
            assert!(Instant::now() < deadline, "{name} does not arrive; these do: {:#?}", self.so_far);
            self.so_far.extend(self.amazon.taken_from(&self.queue).await);
        }
    }

    /// Waits for an event, which has to be in the published form.
    async fn is(&mut self, context: &str, name: &str, data: Value) {
        let params = json!({ "data": data });
        let event = self.one(name, |it| *it == params).await;
        is_published(&event, context, &params);
    }
}

/// Everything that an event says: who, what, and in `detail` these and no more.
fn is_published(event: &Value, context: &str, params: &Value) {
    assert_eq!(event["source"], json!(format!("mmd.api.{context}")));
    let detail = &event["detail"];
    let told = |name: &str| detail[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(told("id").len(), 36, "{detail:#}");
    assert_eq!((told("occurred_at").len(), told("occurred_at").ends_with('Z')), (27, true), "{detail:#}");
    assert!(!told("correlation_id").is_empty() && detail["version"].as_i64() > Some(0), "{detail:#}");
    let whole = json!({
        "params": params,
        "id": told("id"),
        "occurred_at": told("occurred_at"),
        "correlation_id": told("correlation_id"),
        "version": detail["version"],
    });
    assert_eq!(*detail, whole);
}

/// An id as events write it.
fn hex(id: &str) -> String {
    Uuid::parse_str(id).expect("an id").as_simple().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_arrives_behind_the_bus_in_its_published_form() {
    let (Some(app), Some(endpoint)) = (TestApp::start(Stack::Embedded).await, support::s3_endpoint()) else { return };
    let amazon = Amazon::at(&endpoint);
    let name = format!("bus-{}", app.variable("CACHE_PREFIX"));
    let queue = amazon.bus_with_queue(&name).await;
    let mut arrivals = Arrivals { amazon, queue, so_far: Vec::new() };
    // Its relay would be another way out.
    let _quiet = app.quiet().await;
    let app = before(&endpoint, &name, &app, &Scraped::at_a_free_port().await).await;
    let stage = Stage::set(&app).await;

    let (anybody, number) = (app.anybody(), app.a_phone_number().as_str().to_owned());
    let asked = json!({ "phonenumber": number });
    anybody.post(&format!("{SIGN_UP}token_request/"), asked).await.expecting(StatusCode::OK);
    let attempt = arrivals.one("verification_attempt", |it| it["phonenumber"] == json!(number)).await;
    let token = text(&attempt["detail"]["params"]["token"]);
    // Only here the parameters stand bare.
    is_published(&attempt, "auth", &json!({ "token": token, "phonenumber": number }));
    let shown = json!({ "phonenumber": number, "token": token });
    anybody.post(&format!("{SIGN_UP}token_confirm/"), shown).await.expecting(StatusCode::OK);

    let driver = json!({ "phonenumber": number, "user_type": "DRIVER" });
    let driver = text(&anybody.post(SIGN_UP, driver).await.expecting(StatusCode::CREATED)["uuid"]);
    arrivals.is("user", "UserSignup", json!({ "uuid": hex(&driver) })).await;
    let banned = format!("{USERS}{driver}/ban/");
    stage.staff.post(&banned, json!({})).await.expecting(StatusCode::NO_CONTENT);
    arrivals.is("user", "UserBanned", json!({ "uuid": hex(&driver) })).await;
    let (root, suspended) = (app.superuser().await, app.driver().await.user_id);
    for (is_active, event) in [(false, "UserSuspended"), (true, "UserReinstated")] {
        let change = json!({ "is_active": is_active });
        root.patch(&format!("{USERS}{suspended}/"), change).await.expecting(StatusCode::OK);
        arrivals.is("user", event, json!({ "uuid": hex(&suspended) })).await;
    }
    let leaving = app.driver().await;
    let goodbye = json!({ "refresh": leaving.refresh });
    leaving.post("/api/v1/auth/unregister/", goodbye).await.expecting(StatusCode::NO_CONTENT);
    arrivals.is("user", "UserDeactivated", json!({ "uuid": hex(&leaving.user_id) })).await;

    let departed = stage.a_departed_transport().await;
    stage.complete(&departed.transport).await;
    let (transport, alias) = (hex(&departed.transport), &departed.alias);
    let packed = json!({ "item_tracking_number": departed.item, "batch_alias": alias });
    arrivals.is("shipping", "ItemAddedToBatch", packed).await;
    let loaded = json!({ "transport_uuid": transport, "batch_alias": alias });
    arrivals.is("shipping", "BatchAddedToTransport", loaded).await;
    arrivals.is("shipping", "TransportStarted", json!({ "transport_uuid": transport })).await;
    arrivals.is("shipping", "TransportComplete", json!({ "transport_uuid": transport })).await;
    let (alias, item) = stage.a_packed_batch().await;
    let unpacked = json!({ "tracking_number": item });
    stage.staff.post(&format!("{BATCHES}{alias}/remove/"), unpacked).await.expecting(StatusCode::OK);
    let unpacked = json!({ "item_tracking_number": item, "batch_alias": alias });
    arrivals.is("shipping", "ItemRemovedFromBatch", unpacked).await;
}
