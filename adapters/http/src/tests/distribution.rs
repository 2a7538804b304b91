//! Centers.

use distribution_application::testing::World;
use distribution_application::{CenterFilter, CenterSummary};
use distribution_domain::{Center, CenterCode, CenterId, CenterSnapshot, StaffId};
use kernel_application::{MAX_RETRIES, Page};
use kernel_domain::StoreError;
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::contexts::{Served, get, post, send};
use super::{faults_of, json_of, refusal, refusals_of};

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

fn path() -> String {
    format!("distribution/centers/{ID}/")
}

/// The center of [`seoul`].
fn center() -> Center {
    let name = distribution_domain::CenterName::parse("Seoul").expect("a name");
    let CenterSummary { id, code, staff, .. } = summary();
    Center::from(CenterSnapshot {
        id,
        code,
        name,
        staff,
        created_at: distribution_domain::testing::noon(),
        closing: None,
    })
}

/// The center is changed to this.
fn changing(name: &'static str, staff: &'static [u128]) -> World {
    let mut world = World::with_center(&center());
    let staff: Vec<_> = staff.iter().map(|it| StaffId::new(Uuid::from_u128(*it))).collect();
    let expected = move |it: &Center| it.name().as_str() == name && it.staff() == staff;
    world.work.centers.expect_save().times(1).withf(expected).returning(|_| Ok(()));
    world
}

#[tokio::test]
async fn a_center_is_changed_as_a_whole_or_in_part_but_for_its_code() {
    for (method, body, name, staff) in [
        (Method::PUT, json!({ "name": " Busan ", "staff_members": [] }), "Busan", [].as_slice()),
        (Method::PUT, json!({ "name": "Busan", "staff_members": { "uuid": [Uuid::from_u128(9)] } }), "Busan", &[9]),
        (Method::PUT, json!({ "name": "Busan", "center_code": 7 }), "Busan", &[0x57AF]),
        (Method::PATCH, json!({ "name": "Busan", "center_code": "XYZ", "uuid": MEMBER }), "Busan", &[0x57AF]),
        (Method::PATCH, json!({ "staff_members": [Uuid::from_u128(9), Uuid::from_u128(9)] }), "Seoul", &[9]),
        (Method::PATCH, json!({}), "Seoul", &[0x57AF]),
    ] {
        let response = send(served(changing(name, staff)), method.clone(), &path(), &body).await;

        response.assert_status_is_ok();
        let shown = json_of(response).await;
        assert_eq!((&shown["center_code"], &shown["name"]), (&json!("ABC001"), &json!(name)), "{method} {body}");
        assert_eq!(shown["staff_members"].as_array().map(Vec::len), Some(staff.len()), "{method} {body}");
    }
}

#[tokio::test]
async fn every_fault_of_a_change_is_told() {
    let both_wrong = json!({ "name": "x".repeat(65), "staff_members": { "uuid": ["me", MEMBER, 1] } });
    let wrong = [
        refusal("name", "max_length"),
        refusal("staff_members.uuid[0]", "invalid"),
        refusal("staff_members.uuid[2]", "invalid"),
    ];
    for (method, body, told) in [
        (Method::PUT, both_wrong.clone(), wrong.to_vec()),
        (Method::PATCH, both_wrong, wrong.to_vec()),
        (Method::PUT, json!({}), vec![refusal("name", "required")]),
        (
            Method::PUT,
            json!({ "name": null, "staff_members": null }),
            vec![refusal("name", "null"), refusal("staff_members", "null")],
        ),
        (
            Method::PATCH,
            json!({ "name": " ", "staff_members": {} }),
            vec![refusal("name", "blank"), refusal("staff_members.uuid", "required")],
        ),
    ] {
        let response = send(served(World::default()), method.clone(), &path(), &body).await;
        assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, told, "{method} {body}");
    }
}

#[tokio::test]
async fn a_center_that_is_not_there_is_neither_changed_nor_closed() {
    let body = json!({ "name": "Busan" });
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        for unknown in [MEMBER.to_string(), "not-a-uuid".to_owned()] {
            let path = format!("distribution/centers/{unknown}/");
            let response = send(served(World::with_center(&center())), method.clone(), &path, &body).await;
            let told = refusals_of(response, StatusCode::NOT_FOUND).await;
            assert_eq!(told, [refusal("", "not_found")], "{method} {unknown}");
        }
    }
}

#[tokio::test]
async fn who_comes_too_late_to_change_a_center_is_told_so() {
    let late = || {
        let mut work = World::with_center(&center()).work;
        work.centers.expect_save().returning(|_| Err(StoreError::Conflict("center".to_owned())));
        work
    };
    let before = (0..MAX_RETRIES).map(|_| late()).collect();
    let world = World { before, work: late(), ..World::with_center(&center()) };

    let response = send(served(world), Method::PATCH, &path(), &json!({ "name": "Busan" })).await;

    response.assert_status(StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_center_is_closed_unless_a_transport_needs_it() {
    for is_used in [false, true] {
        let mut world = World::closing(&center(), Ok(is_used));
        world.work.centers.expect_save().times(usize::from(is_used)).returning(|_| Ok(()));
        world.work.centers.expect_remove().times(usize::from(!is_used)).returning(|_| Ok(()));

        let response = send(served(world), Method::DELETE, &path(), &json!({})).await;

        if is_used {
            let told = faults_of(response).await.remove(0);
            let message = "A transport that has not arrived starts or ends at ABC001.";
            assert_eq!((told.1.as_str(), told.2.as_str()), ("DistributionCenterInUse", message));
        } else {
            response.assert_status(StatusCode::NO_CONTENT);
        }
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
