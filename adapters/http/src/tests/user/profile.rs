//! One's own profile.

use chrono::NaiveDate;
use poem::http::{Method, StatusCode};
use serde_json::json;
use user_application::ProfileRecord;
use user_application::testing::{World, a_profile};
use user_domain::{FullName, GroupName, ImageFormat, ImageKey, Role, User, UserSnapshot, UserType, Username};
use uuid::Uuid;

use super::super::contexts::{STAFF, Served, as_staff, get, send, serving};
use super::super::{json_of, refusal, refusals_of};
use super::{knowing, me, shown};
use crate::HttpSettings;

const PROFILE: &str = "user/users/self/profile/";

fn a_driver() -> User {
    let user = me(Role::Driver { date_of_birth: NaiveDate::from_ymd_opt(1990, 2, 28) }).snapshot();
    let profile = user_domain::Profile { full_name: FullName::parse("Kim").ok(), image: None };
    User::from(UserSnapshot { profile, ..user })
}

/// A world in which my profile is changed into what `expected` is asked of.
fn changing(expected: impl Fn(UserSnapshot) -> bool + Send + 'static) -> Served {
    let mut served = knowing(&a_driver());
    served.users.work.users.expect_save().times(1).withf(move |it| expected(it.snapshot())).returning(|_| Ok(()));
    served
}

#[tokio::test]
async fn staff_see_their_groups_and_their_picture() {
    let groups = vec![GroupName::parse("night shift").expect("a group")];
    let user = me(Role::Staff { groups });
    let number = user.phone_number().map(|it| it.as_str().to_owned());
    let mut users = World::default();
    let image = ImageKey::new(UserType::Staff, Uuid::from_u128(1), ImageFormat::Png);
    shown(
        &mut users,
        ProfileRecord {
            username: Username::parse("kim").expect("a name"),
            image: Some(image),
            full_name: Some(String::new()),
            ..a_profile(&user)
        },
    );
    users.images.expect_url().returning(|image, size| format!("/media/{}", image.file(size)));

    let response = get(Served { users: Box::new(users), ..Served::default() }, PROFILE).await;

    response.assert_status_is_ok();
    let expected = json!({
        "uuid": STAFF, "phonenumber": number, "username": "kim", "type": "STAFF", "fullname": null,
        "image": "/media/images/user/staff/00000000000000000000000000000001.medium.png",
        "permission_group": ["night shift"],
    });
    assert_eq!(json_of(response).await, expected);
}

#[tokio::test]
async fn drivers_see_their_date_of_birth_known_or_not() {
    for (born, written) in [(None, json!(null)), (NaiveDate::from_ymd_opt(1990, 2, 28), json!("1990-02-28"))] {
        let user = me(Role::Driver { date_of_birth: born });

        let profile = json_of(get(knowing(&user), PROFILE).await).await;

        assert_eq!((&profile["type"], &profile["dob"]), (&json!("DRIVER"), &written));
        assert_eq!(profile.get("permission_group"), None);
    }
}

#[tokio::test]
async fn a_token_that_outlived_its_user_opens_nothing() {
    let mut users = World::default();
    users.queries.expect_profiles().returning(|_| Ok(vec![]));
    get(Served { users: Box::new(users), ..Served::default() }, PROFILE).await.assert_status(StatusCode::UNAUTHORIZED);

    let mut gone = a_driver();
    gone.unregister(kernel_application::testing::noon()).expect("they may leave");
    let response = send(knowing(&gone), Method::PATCH, PROFILE, &json!({ "fullname": "Kim" })).await;
    assert_eq!(refusals_of(response, StatusCode::UNAUTHORIZED).await, [refusal("", "authentication_failed")]);
}

#[tokio::test]
async fn what_is_left_out_stays_and_what_is_null_or_empty_goes() {
    let born = |it: &UserSnapshot| match it.role {
        Role::Driver { date_of_birth } => date_of_birth.map(|it| it.to_string()).unwrap_or_default(),
        Role::Staff { .. } => "never".to_owned(),
    };
    let name = |it: &UserSnapshot| it.profile.full_name.as_ref().map(|it| it.as_str().to_owned()).unwrap_or_default();
    for (body, named, birthday) in [
        (json!({}), "Kim", "1990-02-28"),
        (json!({ "fullname": " Lee " }), "Lee", "1990-02-28"),
        (json!({ "fullname": null }), "", "1990-02-28"),
        (json!({ "fullname": " " }), "", "1990-02-28"),
        (json!({ "dob": "2000-01-01" }), "Kim", "2000-01-01"),
        (json!({ "dob": null, "image": null }), "Kim", ""),
        (json!({ "fullname": "한".repeat(32) }), &"한".repeat(32), "1990-02-28"),
    ] {
        let (expected_name, expected_birthday) = (named.to_owned(), birthday.to_owned());
        let served = changing(move |it| name(&it) == expected_name && born(&it) == expected_birthday);
        send(served, Method::PATCH, PROFILE, &body).await.assert_status_is_ok();
    }
}

#[tokio::test]
async fn a_form_says_the_same() {
    let served = changing(|it| it.profile.full_name.is_none() && it.role == Role::Driver { date_of_birth: None });
    let client = serving(served, HttpSettings::default());

    let request = as_staff(client.patch(format!("/api/v1/{PROFILE}")));
    let response = request.content_type("application/x-www-form-urlencoded").body("fullname=&dob=&image=").send().await;

    response.assert_status_is_ok();
}

#[tokio::test]
async fn nobody_changes_what_is_not_theirs_to_change() {
    let before = a_driver().snapshot();
    let served = changing(move |it| {
        it.profile == before.profile && it.privileges == before.privileges && it.role == before.role
    });
    let mut body = json!({});
    for name in [
        "uuid",
        "id",
        "phonenumber",
        "username",
        "type",
        "user_type",
        "user",
        "permission_group",
        "groups",
        "email",
        "is_staff",
        "is_superuser",
        "is_active",
        "banned",
        "locale",
        "completed",
        "date_joined",
        "timestamp_created",
        "phonenumber_meta",
        "password",
    ] {
        body[name] = json!({ "a": [true] });
    }

    send(served, Method::PATCH, PROFILE, &body).await.assert_status_is_ok();
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let body = json!({ "fullname": "x".repeat(33), "dob": "yesterday", "image": "https://example.com/me.png" });

    let response = send(Served::default(), Method::PATCH, PROFILE, &body).await;

    let expected = [refusal("fullname", "max_length"), refusal("dob", "invalid"), refusal("image", "invalid")];
    assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, expected);
}

#[tokio::test]
async fn a_value_of_the_wrong_kind_is_refused() {
    for value in [json!(1), json!(true), json!([]), json!({}), json!("a\u{0}b")] {
        let body = json!({ "fullname": value, "dob": value, "image": value });
        let response = send(Served::default(), Method::PATCH, PROFILE, &body).await;
        let told = refusals_of(response, StatusCode::BAD_REQUEST).await;
        let fields: Vec<&str> = told.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["fullname", "dob", "image"], "{value}");
    }
}
