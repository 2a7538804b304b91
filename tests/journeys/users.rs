//! The staff looks after users: finds them, changes them, and closes their accounts for good.

use reqwest::StatusCode;
use serde_json::{Value, json};
use support::app::{TestApp, Visitor};
use support::pictures;
use tokio::time::{Duration, Instant};
use user_domain::{Privileges, Role};

on_both_stacks![
    users_are_found_by_what_they_are_and_by_what_they_are_called,
    a_superuser_changes_rights_address_and_groups_and_nobody_else_does,
    who_is_banned_leaves_nothing_behind_and_their_number_stays_out,
    who_unregisters_leaves_nothing_behind_and_may_come_back,
    an_account_is_closed_once_and_never_a_superusers,
];

const USERS: &str = "/api/v1/user/users/";
const PROFILE: &str = "/api/v1/user/users/self/profile/";

async fn found(visitor: &Visitor, query: &str) -> Vec<String> {
    let list = visitor.get(&format!("{USERS}?page_size=100&{query}")).await.expecting(StatusCode::OK);
    let results = list["results"].as_array().expect("users");
    assert_eq!(list["count"], json!(results.len()));
    results.iter().map(|it| it["uuid"].as_str().expect("an id").to_owned()).collect()
}

async fn users_are_found_by_what_they_are_and_by_what_they_are_called(app: TestApp) {
    let (manager, clerk, driver) = (app.manager().await, app.clerk().await, app.driver().await);
    clerk.patch(PROFILE, json!({ "fullname": "Kim 100%_Sure" })).await.expecting(StatusCode::OK);
    let [m, c, d] = [&manager, &clerk, &driver].map(|it| it.user_id.clone());

    assert_eq!(found(&manager, "").await, [d.clone(), c.clone(), m.clone()], "who joined last comes first");
    let (only_clerk, only_driver) = (vec![c.clone()], vec![d.clone()]);
    assert_eq!(found(&manager, "type=DRIVER").await, only_driver);
    assert_eq!(found(&manager, "type=STAFF&is_active=true&banned=false").await, [c.clone(), m.clone()]);
    assert_eq!(found(&manager, "is_active=0").await, [] as [String; 0]);
    let digits = clerk.phone_number.trim_start_matches('+').to_owned();
    let national = digits.trim_start_matches("82");
    for spelt in ["%2B82", "%2B82-0", "+82-0", "tel:%2B82%200", "tel:+82-0"] {
        assert_eq!(found(&manager, &format!("phonenumber={spelt}{national}")).await, only_clerk, "{spelt}");
    }
    assert_eq!(found(&manager, "phonenumber=%2B82-99-999-9999").await, [] as [String; 0], "nobody can have it");
    assert_eq!(found(&manager, &format!("q={}", &digits[6..])).await, only_clerk);
    assert_eq!(found(&manager, "q=100%25_s").await, only_clerk, "in any case, and to the letter");
    assert_eq!(found(&manager, "q=100%25%25").await, [] as [String; 0]);
    for query in ["type=BOSS", "is_active=maybe", "phonenumber=42", "page=0"] {
        let answer = manager.get(&format!("{USERS}?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}: {:#}", answer.body);
    }

    let row = manager.get(&format!("{USERS}{c}/")).await.expecting(StatusCode::OK);
    for field in [
        "uuid",
        "username",
        "phonenumber",
        "type",
        "email",
        "is_staff",
        "is_superuser",
        "is_active",
        "banned",
        "date_joined",
        "groups",
    ] {
        assert!(row.as_object().is_some_and(|it| it.contains_key(field)), "{field} in {row:#}");
    }
    let nobody = "00000000-0000-0000-0000-000000000001";
    manager.get(&format!("{USERS}{nobody}/")).await.refused(StatusCode::NOT_FOUND, "not_found");
}

async fn a_superuser_changes_rights_address_and_groups_and_nobody_else_does(app: TestApp) {
    let (root, manager, mut clerk) = (app.superuser().await, app.manager().await, app.clerk().await);
    let path = format!("{USERS}{}/", clerk.user_id);
    manager.patch(&path, json!({ "is_staff": true })).await.refused(StatusCode::FORBIDDEN, "permission_denied");

    let change =
        json!({ "is_staff": true, "email": "kim@example.com", "groups": ["night shift"], "is_superuser": true });
    let changed = root.patch(&path, change).await.expecting(StatusCode::OK);

    assert_eq!((&changed["is_staff"], &changed["email"]), (&json!(true), &json!("kim@example.com")));
    assert_eq!((&changed["groups"], &changed["is_superuser"]), (&json!(["night shift"]), &json!(false)));
    clerk.sign_in().await;
    clerk.get(USERS).await.expecting(StatusCode::OK);
    let profile = clerk.get(PROFILE).await.expecting(StatusCode::OK);
    assert_eq!(profile["permission_group"], json!(["night shift"]));
    for body in [json!({ "email": "nonsense" }), json!({ "is_staff": "maybe" }), json!({ "groups": "x" })] {
        let answer = root.patch(&path, body.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}: {:#}", answer.body);
    }
}

/// Somebody with everything that can be known of a user, and what that is.
async fn somebody_well_known(app: &TestApp) -> (Visitor, Vec<String>) {
    let mut driver = app.driver().await;
    let name = format!("Hong Gildong {}", &driver.phone_number[7..]);
    driver.patch(PROFILE, json!({ "fullname": name, "dob": "1987-06-05" })).await.expecting(StatusCode::OK);
    let picture = reqwest::multipart::Part::bytes(pictures::png(320, 320, true)).file_name("me.png");
    let form = reqwest::multipart::Form::new().part("image", picture);
    let request = driver.request(reqwest::Method::PATCH, PROFILE).multipart(form);
    let changed = support::app::Answer::to(request).await.expecting(StatusCode::OK);
    let image = changed["image"].as_str().expect("a URL").rsplit('/').next().expect("a name").to_owned();
    let email = format!("gildong{}@example.com", &driver.phone_number[7..]);
    let path = format!("{USERS}{}/", driver.user_id);
    app.superuser().await.patch(&path, json!({ "email": email })).await.expecting(StatusCode::OK);
    // They prove their number too, which is in the log of verifications from then on.
    let number = json!({ "phonenumber": driver.phone_number });
    app.anybody().post("/api/v1/auth/signin/token_request/", number).await.expecting(StatusCode::OK);
    let token = app.token_sent_to(&driver.phone_number).await;
    let shown = json!({ "phonenumber": driver.phone_number, "token": token });
    let tokens = app.anybody().post("/api/v1/auth/signin/token_confirm/", shown).await.expecting(StatusCode::OK);
    driver.holds(&tokens);
    let stem = image.split('.').next().expect("a name").to_owned();
    let known = vec![name, email, driver.phone_number[1..].to_owned(), stem];
    (driver, known)
}

/// Waits until nothing of this is found in any store.
async fn is_forgotten(app: &TestApp, known: &[String]) {
    let manager = app.manager().await;
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let mut left = Vec::new();
        for (table, rows) in support::rows::everything_in(app).await {
            // What SQLite deletes stays in its file until the page is used again.
            if table.contains("test.db") {
                continue;
            }
            left.extend(
                known.iter().filter(|it| rows.iter().any(|row| row.contains(*it))).map(|it| (table.clone(), it)),
            );
        }
        for text in known {
            let users = manager.get(&format!("{USERS}?q={}", text.replace(' ', "%20"))).await;
            if users.expecting(StatusCode::OK)["count"] != 0 {
                left.push(("users".to_owned(), text));
            }
        }
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "{left:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn announced(app: &TestApp, name: &'static str, user: &Visitor) {
    let id = user.user_id.replace('-', "");
    app.events.until(|it| it.name == name && it.data == [("uuid".to_owned(), id.clone())]).await;
}

async fn who_is_banned_leaves_nothing_behind_and_their_number_stays_out(app: TestApp) {
    let (driver, known) = somebody_well_known(&app).await;
    let manager = app.manager().await;

    manager.post(&format!("{USERS}{}/ban/", driver.user_id), json!({})).await.expecting(StatusCode::NO_CONTENT);

    announced(&app, "UserBanned", &driver).await;
    let row = manager.get(&format!("{USERS}{}/", driver.user_id)).await.expecting(StatusCode::OK);
    assert_eq!((&row["banned"], &row["is_active"], &row["phonenumber"]), (&json!(true), &json!(false), &Value::Null));
    is_forgotten(&app, &known).await;
    let number = json!({ "phonenumber": driver.phone_number });
    for path in ["phonenumber/check/", "signup/token_request/", "signin/token_request/"] {
        let refused = app.anybody().post(&format!("/api/v1/auth/{path}"), number.clone()).await;
        refused.refused(StatusCode::BAD_REQUEST, "user_banned");
    }
}

async fn who_unregisters_leaves_nothing_behind_and_may_come_back(app: TestApp) {
    let (driver, known) = somebody_well_known(&app).await;

    let answer = driver.post("/api/v1/auth/unregister/", json!({ "refresh": driver.refresh })).await;

    answer.expecting(StatusCode::NO_CONTENT);
    announced(&app, "UserDeactivated", &driver).await;
    driver.get(PROFILE).await.refused(StatusCode::UNAUTHORIZED, "authentication_failed");
    is_forgotten(&app, &known).await;

    let number = json!({ "phonenumber": driver.phone_number });
    app.anybody().post("/api/v1/auth/signup/token_request/", number).await.expecting(StatusCode::OK);
    let token = app.nth_token_sent_to(2, &driver.phone_number).await;
    let shown = json!({ "phonenumber": driver.phone_number, "token": token });
    app.anybody().post("/api/v1/auth/signup/token_confirm/", shown).await.expecting(StatusCode::OK);
    let again = json!({ "phonenumber": driver.phone_number, "user_type": "DRIVER" });
    let again = app.anybody().post("/api/v1/auth/signup/", again).await.expecting(StatusCode::CREATED);
    assert_ne!(again["uuid"], json!(driver.user_id), "as somebody new");
    let username = driver.phone_number.trim_start_matches('+');
    assert_eq!(again["user_profile"]["username"], json!(username), "under the old name");
}

async fn an_account_is_closed_once_and_never_a_superusers(app: TestApp) {
    let (manager, clerk) = (app.manager().await, app.clerk().await);
    let (root, _) = app.somebody(Role::Staff { groups: vec![] }, Privileges::Superuser).await;
    let path = |id: &str, what: &str| format!("{USERS}{id}/{what}/");

    manager.post(&path(&clerk.user_id, "unregister"), json!({})).await.expecting(StatusCode::NO_CONTENT);

    for what in ["unregister", "ban"] {
        let again = manager.post(&path(&clerk.user_id, what), json!({})).await;
        again.refused(StatusCode::BAD_REQUEST, "account_closed");
        let refused = manager.post(&path(&root.to_string(), what), json!({})).await;
        refused.refused(StatusCode::BAD_REQUEST, "account_of_superuser");
        let nobody = manager.post(&path("00000000-0000-0000-0000-000000000001", what), json!({})).await;
        nobody.refused(StatusCode::NOT_FOUND, "not_found");
    }
}
