//! Who drives and who works at a center is shown with them, and what changes about these people is seen there, too: at once
//! where it was changed, and within a second elsewhere.

use reqwest::StatusCode;
use serde_json::json;
use support::app::{Stack, TestApp, Visitor};
use support::pictures;
use tokio::time::{Duration, Instant};

use crate::profiles::{PROFILE, upload};
use crate::stage::{BATCHES, CENTERS, Stage, TRANSPORTS, text};

on_both_stacks![
    a_new_picture_is_seen_wherever_its_owner_is_shown,
    of_whoever_is_banned_nothing_is_shown_any_more_anywhere,
    of_whoever_leaves_nothing_is_shown_any_more_anywhere,
];

/// How long another instance may not know of a change, and what a busy machine adds.
const PATIENCE: Duration = Duration::from_secs(3);

/// A driver on the road who works at a center as well, somebody who only works where the transport comes from, and what shows
/// them: each their center, and both the transport and its batch.
struct Company {
    stage: Stage,
    clerk: Visitor,
    of_driver: Vec<String>,
    of_clerk: Vec<String>,
}

impl Company {
    async fn of(app: &TestApp) -> Self {
        let (stage, clerk) = (Stage::set(app).await, app.clerk().await);
        let east = json!({ "center_code": "ABC003", "name": "East", "staff_members": [stage.driver.user_id] });
        let east = stage.staff.post(CENTERS, east).await.expecting(StatusCode::CREATED);
        let north = stage.staff.get(&format!("{CENTERS}?center_code=ABC001")).await.expecting(StatusCode::OK);
        let [east, north] = [&east, &north["results"][0]].map(|it| format!("{CENTERS}{}/", text(&it["uuid"])));
        let staff = json!({ "staff_members": [clerk.user_id] });
        stage.staff.patch(&north, staff).await.expecting(StatusCode::OK);
        let departed = stage.a_departed_transport().await;
        let trips = [
            CENTERS.to_owned(),
            TRANSPORTS.to_owned(),
            format!("{TRANSPORTS}{}/", departed.transport),
            format!("{TRANSPORTS}{}/batches/", departed.transport),
            BATCHES.to_owned(),
            format!("{BATCHES}{}/", departed.alias),
        ];
        let [of_driver, of_clerk] = [east, north].map(|it| trips.iter().cloned().chain([it]).collect());
        Self { stage, clerk, of_driver, of_clerk }
    }

    /// Whom the changes are about, and where they are shown.
    fn people(&self) -> [(&Visitor, &[String]); 2] {
        [(&self.stage.driver, &self.of_driver), (&self.clerk, &self.of_clerk)]
    }
}

/// Those of the views that are not as they should be: with this in them, or without.
async fn amiss(visitor: &Visitor, views: &[String], about: &str, is_there: bool) -> Vec<String> {
    let mut amiss = Vec::new();
    for view in views {
        let answer = visitor.get(view).await;
        assert_eq!(answer.status, StatusCode::OK, "{view}");
        if answer.text.contains(about) != is_there {
            amiss.push(view.clone());
        }
    }
    amiss
}

/// It is so here at once, and there in time.
async fn is_seen(here: &Visitor, there: &Visitor, views: &[String], about: &str, is_there: bool) {
    let deadline = Instant::now() + PATIENCE;
    let nothing: [String; 0] = [];
    assert_eq!(amiss(here, views, about, is_there).await, nothing, "{about}, {is_there}");
    loop {
        let late = amiss(there, views, about, is_there).await;
        if late.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "the other instance does not know: {late:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// In memory there is no elsewhere: that is for one instance alone.
async fn another_instance(app: &TestApp) -> Option<TestApp> {
    if app.stack == Stack::Networked { Some(app.beside().await) } else { None }
}

async fn a_new_picture_is_seen_wherever_its_owner_is_shown(app: TestApp) {
    let company = Company::of(&app).await;
    let (here, other) = (&company.stage.staff, another_instance(&app).await);
    let there = here.at(other.as_ref().unwrap_or(&app));
    for (person, views) in company.people() {
        let mut before = None;
        for size in [40, 50] {
            is_seen(here, &there, views, &person.phone_number, true).await;

            let profile = upload(person, "me.png", pictures::png(size, size, false)).await.expecting(StatusCode::OK);

            let picture = text(&profile["image"]);
            is_seen(here, &there, views, &picture, true).await;
            if let Some(before) = before.replace(picture) {
                is_seen(here, &there, views, &before, false).await;
            }
        }
    }
}

async fn of_whoever_is_banned_nothing_is_shown_any_more_anywhere(app: TestApp) {
    let company = Company::of(&app).await;
    vanish(&app, &company, async |person| {
        let ban = format!("/api/v1/user/users/{}/ban/", person.user_id);
        company.stage.staff.post(&ban, json!({})).await.expecting(StatusCode::NO_CONTENT);
    })
    .await;
}

async fn of_whoever_leaves_nothing_is_shown_any_more_anywhere(app: TestApp) {
    let company = Company::of(&app).await;
    vanish(&app, &company, async |person| {
        let leave = person.post("/api/v1/auth/unregister/", json!({ "refresh": person.refresh })).await;
        leave.expecting(StatusCode::NO_CONTENT);
    })
    .await;
}

/// What is known of somebody is shown until `goes` is done with them, and then no more.
async fn vanish(app: &TestApp, company: &Company, goes: impl AsyncFn(&Visitor)) {
    let (here, other) = (&company.stage.staff, another_instance(app).await);
    let there = here.at(other.as_ref().unwrap_or(app));
    for (person, views) in company.people() {
        let name = format!("Somebody {}", &person.user_id[24..]);
        person.patch(PROFILE, json!({ "fullname": name })).await.expecting(StatusCode::OK);
        for known in [&name, &person.phone_number] {
            is_seen(here, &there, views, known, true).await;
        }

        goes(person).await;

        for known in [&name, &person.phone_number] {
            is_seen(here, &there, views, known, false).await;
        }
    }
}
