//! Profiles.

use poem::http::StatusCode;
use serde_json::json;
use user_application::{MockUserQueries, ProfileView};
use user_domain::testing::a_phone_number;
use user_domain::{GroupName, Role, UserId, UserState, Username};

use super::contexts::{STAFF, Served, get};
use super::json_of;

fn profile(role: Role) -> ProfileView {
    ProfileView {
        id: UserId::new(STAFF),
        username: Username::parse("kim").expect("a name"),
        phone_number: None,
        role,
        full_name: Some(String::new()),
        image: None,
        state: UserState::Active,
    }
}

fn knowing(profiles: Vec<ProfileView>) -> Served {
    let mut users = MockUserQueries::new();
    users.expect_profiles().withf(|ids| *ids == [UserId::new(STAFF)]).returning(move |_| Ok(profiles.clone()));
    Served { users, ..Served::default() }
}

#[tokio::test]
async fn staff_see_their_groups() {
    let groups = vec![GroupName::parse("night shift").expect("a group")];
    let view = ProfileView { phone_number: Some(a_phone_number()), ..profile(Role::Staff { groups }) };
    let number = view.phone_number.as_ref().map(|it| it.as_str().to_owned());

    let response = get(knowing(vec![view]), "user/users/self/profile/").await;

    response.assert_status_is_ok();
    let expected = json!({
        "uuid": STAFF, "phonenumber": number, "username": "kim", "type": "STAFF", "fullname": null, "image": null,
        "permission_group": ["night shift"],
    });
    assert_eq!(json_of(response).await, expected);
}

#[tokio::test]
async fn drivers_see_their_date_of_birth_known_or_not() {
    for (born, written) in [(None, json!(null)), (chrono::NaiveDate::from_ymd_opt(1990, 2, 28), json!("1990-02-28"))] {
        let view = profile(Role::Driver { date_of_birth: born });
        let expected = json!({
            "uuid": STAFF, "phonenumber": null, "username": "kim", "type": "DRIVER", "fullname": null, "image": null,
            "dob": written,
        });

        assert_eq!(json_of(get(knowing(vec![view]), "user/users/self/profile/").await).await, expected);
    }
}

#[tokio::test]
async fn a_token_that_outlived_its_user_opens_nothing() {
    let response = get(knowing(vec![]), "user/users/self/profile/").await;

    response.assert_status(StatusCode::UNAUTHORIZED);
}
