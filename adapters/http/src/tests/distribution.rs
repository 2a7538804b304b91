//! Centers.

use distribution_application::testing::World;
use distribution_application::{CenterFilter, CenterSummary};
use distribution_domain::{CenterCode, CenterId, StaffId};
use kernel_application::Page;
use kernel_domain::StoreError;
use poem::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::contexts::{Served, get, post};
use super::{faults_of, json_of};

const ID: Uuid = Uuid::from_u128(1);
const MEMBER: Uuid = Uuid::from_u128(0x57AF);

fn served(world: World) -> Served {
    Served { distribution: Some(world.commits().0), ..Served::default() }
}

fn opening() -> World {
    let mut world = World::default();
    world.work.centers.expect_add().returning(|_| Ok(()));
    world
}

fn seoul() -> Value {
    let member = json!({
        "uuid": MEMBER, "phonenumber": null, "username": "somebody", "type": "STAFF", "fullname": null, "image": null,
        "permission_group": [],
    });
    json!({ "uuid": ID, "center_code": "ABC001", "name": "Seoul", "staff_members": [member] })
}

fn summary() -> CenterSummary {
    CenterSummary {
        id: CenterId::new(ID),
        code: CenterCode::parse("ABC001").expect("a code"),
        name: "Seoul".to_owned(),
        staff: vec![StaffId::new(MEMBER)],
    }
}

#[tokio::test]
async fn a_center_is_opened_with_its_staff_in_either_spelling() {
    for staff in [json!([MEMBER]), json!({ "uuid": [MEMBER] })] {
        let body = json!({ "center_code": "ABC001", "name": " Seoul ", "staff_members": staff, "uuid": "ignored" });
        let response = post(served(opening()), "distribution/centers/", &body).await;
        response.assert_status(StatusCode::CREATED);
        assert_eq!(json_of(response).await, seoul());
    }
}

#[tokio::test]
async fn a_center_has_a_code_and_a_name_that_fit() {
    let body = json!({ "center_code": "x".repeat(17), "name": "x".repeat(65), "staff_members": ["me"] });
    let faults = faults_of(post(served(World::default()), "distribution/centers/", &body).await).await;

    let told: Vec<_> = faults.iter().map(|(field, code, _)| (field.as_str(), code.as_str())).collect();
    assert_eq!(told, [("center_code", "max_length"), ("name", "max_length"), ("staff_members[0]", "invalid")]);
}

#[tokio::test]
async fn a_code_that_is_taken_is_not_unique() {
    let mut world = World::default();
    world.work.centers.expect_add().returning(|_| Err(StoreError::Duplicate { key: "center_code" }));

    let body = json!({ "center_code": "ABC001", "name": "Seoul" });
    let response = post(served(world), "distribution/centers/", &body).await;

    response.assert_status(StatusCode::BAD_REQUEST);
    let (field, code, _) = faults_of(response).await.remove(0);
    assert_eq!((field.as_str(), code.as_str()), ("center_code", "unique"));
}

#[tokio::test]
async fn centers_are_listed_by_code_and_name() {
    let mut world = World::default();
    let filter = CenterFilter { code: Some("ABC001".to_owned()), name: Some("Seoul".to_owned()) };
    world
        .queries
        .expect_centers()
        .withf(move |it, _| *it == filter)
        .returning(|_, page| Ok(Some(Page::numbered(vec![summary()], 1, 1, page.size()))));

    let page = json_of(get(served(world), "distribution/centers/?center_code=ABC001&name=Seoul").await).await;

    assert_eq!((&page["count"], &page["results"]), (&json!(1), &json!([seoul()])));
}

#[tokio::test]
async fn a_center_is_found_by_its_uuid_or_not_at_all() {
    let mut world = World::default();
    world.queries.expect_center().returning(|id| Ok((id.as_uuid() == ID).then(summary)));
    let served = || {
        let mut world = World::default();
        world.queries.expect_center().returning(|id| Ok((id.as_uuid() == ID).then(summary)));
        served(world)
    };

    assert_eq!(json_of(get(served(), &format!("distribution/centers/{ID}/")).await).await, seoul());
    for unknown in [MEMBER.to_string(), "not-a-uuid".to_owned()] {
        get(served(), &format!("distribution/centers/{unknown}/")).await.assert_status(StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_page_past_the_end_of_the_centers_is_not_found() {
    let mut world = World::default();
    world.queries.expect_centers().returning(|_, _| Ok(None));

    let response = get(served(world), "distribution/centers/?page=7").await;

    response.assert_status(StatusCode::NOT_FOUND);
    assert_eq!(faults_of(response).await[0].2, "Invalid page.");
}
