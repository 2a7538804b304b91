//! Users, as the staff sees them.

use kernel_application::Page;
use kernel_application::testing::noon;
use kernel_domain::RecordedEvent;
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};
use user_application::testing::{World, a_user};
use user_application::{UserFilter, UserView};
use user_domain::{
    Email, GroupName, PhoneNumber, PhoneNumberHash, Privileges, Registration, Role, User, UserId, UserSnapshot,
    UserState, UserType, Username,
};
use uuid::Uuid;

use super::super::contexts::{Served, get, post, send};
use super::super::{json_of, refusal, refusals_of};

const USERS: &str = "user/users/";
const SOMEBODY: Uuid = Uuid::from_u128(0x50);

fn a_view() -> UserView {
    UserView {
        id: UserId::new(SOMEBODY),
        username: Username::parse("kim").expect("a name"),
        phone_number: PhoneNumber::parse("+821012345678").ok(),
        email: Email::parse("kim@example.com").ok(),
        role: Role::Staff { groups: vec![GroupName::parse("night shift").expect("a group")] },
        privileges: Privileges::Staff,
        state: UserState::Active,
        joined_at: noon(),
    }
}

/// The users are asked for in this way, and there is one.
fn listing(expected: UserFilter) -> Served {
    let mut served = Served::default();
    served
        .users
        .queries
        .expect_users()
        .withf(move |filter, _| *filter == expected)
        .returning(|_, _| Ok(Some(Page::numbered(vec![a_view()], 1, 1, 10))));
    served
}

/// Somebody is found by the first unit of work.
fn with_somebody(user: &User) -> Served {
    Served { users: Box::new(World::with_user(user)), ..Served::default() }
}

fn somebody() -> User {
    a_user(UserId::new(SOMEBODY))
}

fn a_superuser() -> User {
    User::from(UserSnapshot { privileges: Privileges::Superuser, ..somebody().snapshot() })
}

#[tokio::test]
async fn a_user_is_told_as_the_staff_needs_it() {
    let page = json_of(get(listing(UserFilter::default()), USERS).await).await;

    let expected = json!({
        "uuid": SOMEBODY, "username": "kim", "phonenumber": "+821012345678", "type": "STAFF",
        "email": "kim@example.com", "is_staff": true, "is_superuser": false, "is_active": true, "banned": false,
        "date_joined": "2026-01-02T12:00:00.000000Z", "groups": ["night shift"],
    });
    assert_eq!(page["results"], json!([expected]));
    assert_eq!((&page["count"], &page["items_per_page"]), (&json!(1), &json!(10)));
}

#[tokio::test]
async fn who_was_thrown_out_has_nothing_left_but_that() {
    let banned = UserView {
        phone_number: None,
        email: None,
        role: Role::Driver { date_of_birth: None },
        privileges: Privileges::None,
        state: UserState::Banned { at: noon(), phone_number: Some(PhoneNumberHash::new([1; 32])) },
        ..a_view()
    };
    let mut served = Served::default();
    served.users.queries.expect_user().returning(move |_| Ok(Some(banned.clone())));

    let user = json_of(get(served, &format!("{USERS}{SOMEBODY}/")).await).await;

    assert_eq!((&user["banned"], &user["is_active"], &user["type"]), (&json!(true), &json!(false), &json!("DRIVER")));
    assert_eq!((&user["phonenumber"], &user["email"], &user["groups"]), (&Value::Null, &Value::Null, &json!([])));
}

#[tokio::test]
async fn users_are_filtered_by_everything_that_the_list_shows() {
    let number = PhoneNumber::parse("+821012345678").ok();
    for (query, filter) in [
        ("type=DRIVER", UserFilter { user_type: Some(UserType::Driver), ..UserFilter::default() }),
        (
            "is_active=TRUE&banned=0",
            UserFilter { is_active: Some(true), is_banned: Some(false), ..UserFilter::default() },
        ),
        ("phonenumber=%2B82-10-1234-5678", UserFilter { phone_number: number.clone(), ..UserFilter::default() }),
        ("phonenumber=+821012345678", UserFilter { phone_number: number.clone(), ..UserFilter::default() }),
        ("phonenumber=tel:+82-10-1234-5678", UserFilter { phone_number: number, ..UserFilter::default() }),
        ("q=+kim+", UserFilter { text: Some("kim".to_owned()), ..UserFilter::default() }),
        ("q=&type=&unknown=1", UserFilter::default()),
    ] {
        get(listing(filter), &format!("{USERS}?{query}")).await.assert_status_is_ok();
    }
}

#[tokio::test]
async fn filters_of_the_wrong_kind_are_told_at_once() {
    let long = "x".repeat(65);
    let query = format!("type=staff&is_active=maybe&banned=2&phonenumber=me&q={long}&page=0&page_size=x");

    let response = get(Served::default(), &format!("{USERS}?{query}")).await;

    let expected = [
        refusal("type", "invalid_choice"),
        refusal("is_active", "invalid"),
        refusal("banned", "invalid"),
        refusal("phonenumber", "invalid"),
        refusal("q", "max_length"),
        refusal("page", "invalid"),
        refusal("page_size", "invalid"),
    ];
    assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, expected);
}

#[tokio::test]
async fn who_or_what_is_not_there_is_not_found() {
    let mut past_the_end = Served::default();
    past_the_end.users.queries.expect_users().returning(|_, _| Ok(None));
    let mut unknown = Served::default();
    unknown.users.queries.expect_user().returning(|_| Ok(None));
    let no_uuid = || Served::default();
    for (served, path) in [
        (past_the_end, format!("{USERS}?page=9")),
        (unknown, format!("{USERS}{SOMEBODY}/")),
        (no_uuid(), format!("{USERS}self/")),
        (no_uuid(), format!("{USERS}{{{SOMEBODY}}}/")),
    ] {
        let response = get(served, &path).await;
        assert_eq!(refusals_of(response, StatusCode::NOT_FOUND).await, [refusal("", "not_found")], "{path}");
    }
    for what in ["ban", "unregister"] {
        let mut unknown = Served::default();
        unknown.users.work.users.expect_find().returning(|_| Ok(None));
        let response = post(unknown, &format!("{USERS}{SOMEBODY}/{what}/"), &json!({})).await;
        assert_eq!(refusals_of(response, StatusCode::NOT_FOUND).await, [refusal("", "not_found")], "{what}");
    }
}

#[tokio::test]
async fn who_is_thrown_out_or_leaves_is_announced() {
    for (what, event) in [("ban", "UserBanned"), ("unregister", "UserDeactivated")] {
        let mut served = with_somebody(&somebody());
        let work = &mut served.users.work;
        work.users.expect_save().times(1).withf(|it| it.phone_number().is_none()).returning(|_| Ok(()));
        work.outbox.expect_append().times(1).withf(move |it| it[0].name == event).returning(|_| Ok(()));

        let response = post(served, &format!("{USERS}{SOMEBODY}/{what}/"), &json!({})).await;

        response.assert_status(StatusCode::NO_CONTENT);
    }
}

#[tokio::test]
async fn an_account_that_cannot_be_closed_stays() {
    let mut gone = somebody();
    gone.unregister(noon()).expect("they may leave");
    for (user, code) in [(a_superuser(), "account_of_superuser"), (gone, "account_closed")] {
        for what in ["ban", "unregister"] {
            let response = post(with_somebody(&user), &format!("{USERS}{SOMEBODY}/{what}/"), &json!({})).await;
            assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, [refusal("", code)], "{what}");
        }
    }
}

#[tokio::test]
async fn a_superuser_changes_what_they_may_and_nothing_else() {
    let user = somebody();
    let before = user.snapshot();
    let mut served = with_somebody(&user);
    let changed = move |user: &User| {
        let after = user.snapshot();
        let expected = UserSnapshot {
            privileges: Privileges::Staff,
            state: UserState::Inactive { since: noon() },
            email: Email::parse("kim@example.com").ok(),
            role: Role::Staff { groups: vec![GroupName::parse("night shift").expect("a group")] },
            ..before.clone()
        };
        after == expected
    };
    served.users.work.users.expect_save().times(1).withf(changed).returning(|_| Ok(()));
    let announced = |it: &[RecordedEvent]| it.len() == 1 && it[0].name == "UserSuspended";
    served.users.work.outbox.expect_append().times(1).withf(announced).returning(|_| Ok(()));
    served.users.queries.expect_user().returning(|_| Ok(Some(a_view())));
    let body = json!({
        "is_staff": true, "is_active": false, "email": " kim@example.com ", "groups": ["night shift"],
        "uuid": Uuid::nil(), "username": "root", "phonenumber": "+821099999999", "type": "DRIVER",
        "is_superuser": true, "banned": true, "date_joined": "2020-01-01T00:00:00Z", "fullname": "Kim",
    });

    let response = send(served, Method::PATCH, &format!("{USERS}{SOMEBODY}/"), &body).await;

    response.assert_status_is_ok();
    assert_eq!(json_of(response).await["uuid"], json!(SOMEBODY));
}

#[tokio::test]
async fn an_address_is_taken_away_with_null_and_stays_if_nothing_is_said() {
    let has_one = User::from(UserSnapshot { email: Email::parse("kim@example.com").ok(), ..somebody().snapshot() });
    for (body, stays) in [(json!({}), true), (json!({ "email": null }), false), (json!({ "email": "" }), false)] {
        let mut served = with_somebody(&has_one);
        let expected = move |it: &User| it.snapshot().email.is_some() == stays;
        served.users.work.users.expect_save().times(1).withf(expected).returning(|_| Ok(()));
        served.users.queries.expect_user().returning(|_| Ok(Some(a_view())));
        send(served, Method::PATCH, &format!("{USERS}{SOMEBODY}/"), &body).await.assert_status_is_ok();
    }
}

#[tokio::test]
async fn each_way_not_to_change_a_user_has_its_code() {
    let registration = Registration {
        role: Role::Driver { date_of_birth: None },
        id: UserId::new(SOMEBODY),
        ..user_domain::testing::a_registration()
    };
    let (driver, _) = User::register(registration, noon());
    let mut gone = somebody();
    gone.unregister(noon()).expect("they may leave");
    for (user, body, told) in [
        (a_superuser(), json!({ "is_staff": false }), refusal("is_staff", "superuser_without_staff_flag")),
        (driver, json!({ "groups": ["night shift"] }), refusal("groups", "groups_of_driver")),
        (gone, json!({ "is_staff": true }), refusal("", "account_closed")),
    ] {
        let response = send(with_somebody(&user), Method::PATCH, &format!("{USERS}{SOMEBODY}/"), &body).await;
        assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, [told]);
    }

    let body = json!({
        "is_staff": null, "is_active": "maybe", "email": "kim", "groups": ["", 1, "x".repeat(65), "a\u{0}"],
    });
    let response = send(Served::default(), Method::PATCH, &format!("{USERS}{SOMEBODY}/"), &body).await;
    let expected = [
        refusal("is_staff", "null"),
        refusal("is_active", "invalid"),
        refusal("email", "invalid"),
        refusal("groups[0]", "invalid"),
        refusal("groups[1]", "invalid"),
        refusal("groups[2]", "invalid"),
        refusal("groups[3]", "null_characters_not_allowed"),
    ];
    assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, expected);
}
