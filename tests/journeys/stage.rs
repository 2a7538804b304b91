//! What most journeys begin with.

use reqwest::StatusCode;
use serde_json::{Value, json};
use support::app::{TestApp, Visitor};
pub(crate) use support::paths::{BATCHES, CENTERS, ITEMS, TRANSPORTS};

/// Two centers, somebody who runs shipping, and somebody who drives.
pub(crate) struct Stage {
    pub(crate) staff: Visitor,
    pub(crate) driver: Visitor,
}

impl Stage {
    pub(crate) async fn set(app: &TestApp) -> Self {
        let staff = app.manager().await;
        for (code, name) in [("ABC001", "North"), ("ABC002", "South")] {
            let center = json!({ "center_code": code, "name": name });
            staff.post(CENTERS, center).await.expecting(StatusCode::CREATED);
        }
        Self { staff, driver: app.driver().await }
    }

    /// Registers an item, and gives its tracking number.
    pub(crate) async fn an_item(&self) -> String {
        let item = self.staff.post(ITEMS, json!({ "sku": "SHOE-42" })).await.expecting(StatusCode::CREATED);
        text(&item["tracking_number"])
    }

    /// Opens a batch, and gives its alias.
    pub(crate) async fn a_batch(&self) -> String {
        let batch = self.staff.post(BATCHES, json!({})).await.expecting(StatusCode::CREATED);
        text(&batch["alias"])
    }

    /// Opens a batch with an item in it; gives alias and tracking number.
    pub(crate) async fn a_packed_batch(&self) -> (String, String) {
        let (alias, item) = (self.a_batch().await, self.an_item().await);
        self.pack(&alias, &item).await;
        (alias, item)
    }

    pub(crate) async fn pack(&self, alias: &str, item: &str) {
        let body = json!({ "tracking_number": item });
        self.staff.post(&format!("{BATCHES}{alias}/add/"), body).await.expecting(StatusCode::OK);
    }

    /// Plans a transport from `ABC001` to `ABC002` without a driver, and gives its uuid.
    pub(crate) async fn a_transport(&self) -> String {
        let plan = json!({
            "distribution_center_code_source": "ABC001",
            "distribution_center_code_destination": "ABC002",
        });
        text(&self.staff.post(TRANSPORTS, plan).await.expecting(StatusCode::CREATED)["uuid"])
    }

    pub(crate) async fn load(&self, transport: &str, alias: &str) {
        let body = json!({ "alias": alias });
        self.staff.post(&format!("{TRANSPORTS}{transport}/add/"), body).await.expecting(StatusCode::OK);
    }

    /// A transport on the road with one batch and one item in it.
    pub(crate) async fn a_departed_transport(&self) -> Departed {
        let (alias, item) = self.a_packed_batch().await;
        let transport = self.a_transport().await;
        self.load(&transport, &alias).await;
        let driver = json!({ "driver_uuid": self.driver.user_id });
        self.staff.post(&format!("{TRANSPORTS}{transport}/start/"), driver).await.expecting(StatusCode::OK);
        Departed { transport, alias, item }
    }

    pub(crate) async fn complete(&self, transport: &str) {
        let path = format!("{TRANSPORTS}{transport}/complete/");
        self.staff.post(&path, json!({})).await.expecting(StatusCode::OK);
    }
}

/// What is on the road.
pub(crate) struct Departed {
    pub(crate) transport: String,
    pub(crate) alias: String,
    pub(crate) item: String,
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
