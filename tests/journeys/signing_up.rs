//! Somebody opens an account with a number that they proved is theirs.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::app::{Answer, PASSWORD, Stack, TestApp, Visitor};
use support::sql::Sql;
use tokio::task::JoinSet;
use user_domain::{Privileges, Role};

on_both_stacks![
    a_driver_signs_up_with_name_birthday_and_password,
    who_did_not_prove_their_number_opens_no_account,
    a_number_opens_one_account_however_many_try_at_once,
    a_number_that_has_an_account_cannot_sign_up_again,
    a_sign_up_that_fails_half_way_leaves_nothing_and_succeeds_when_it_is_made_again,
    outside_of_tests_only_allowed_numbers_are_staff,
    every_fault_of_a_sign_up_is_told,
    nobody_gives_themselves_rights,
    who_gave_no_password_has_none,
    a_password_that_everybody_uses_is_not_set_and_one_that_was_set_before_still_opens,
    a_number_that_needs_no_token_opens_one_account_and_signs_in_with_any,
];

const SIGN_UP: &str = "/api/v1/auth/signup/";
const REQUEST: &str = "/api/v1/auth/signup/token_request/";
const CONFIRM: &str = "/api/v1/auth/signup/token_confirm/";
const SIGN_IN: &str = "/api/v1/auth/signin/";

/// A number that somebody proved is theirs.
async fn a_proved_number(app: &TestApp) -> String {
    let number = app.a_phone_number().as_str().to_owned();
    let anybody = app.anybody();
    anybody.post(REQUEST, json!({ "phonenumber": number })).await.expecting(StatusCode::OK);
    let token = app.token_sent_to(&number).await;
    anybody.post(CONFIRM, json!({ "phonenumber": number, "token": token })).await.expecting(StatusCode::OK);
    number
}

fn signed_in(app: &TestApp, answer: &Value) -> Visitor {
    let mut visitor = app.anybody();
    visitor.holds(answer);
    visitor
}

async fn a_driver_signs_up_with_name_birthday_and_password(app: TestApp) {
    let number = a_proved_number(&app).await;
    let driver = json!({
        "phonenumber": number, "user_type": "DRIVER", "fullname": "Park Minho", "dob": "1990-02-28", "password": PASSWORD,
    });

    let answer = app.anybody().post(SIGN_UP, driver).await.expecting(StatusCode::CREATED);

    let profile = &answer["user_profile"];
    assert_eq!(profile["uuid"], answer["uuid"]);
    assert_eq!(
        (&profile["type"], &profile["fullname"], &profile["dob"]),
        (&json!("DRIVER"), &json!("Park Minho"), &json!("1990-02-28"))
    );
    let digits = number.trim_start_matches('+');
    assert_eq!((&profile["username"], &profile["phonenumber"]), (&json!(digits), &json!(number)));

    let me = signed_in(&app, &answer);
    let own = me.get("/api/v1/user/users/self/profile/").await.expecting(StatusCode::OK);
    assert_eq!(own, *profile);
    let credentials = json!({ "username": digits, "password": PASSWORD });
    app.anybody().post(SIGN_IN, credentials).await.expecting(StatusCode::OK);

    let events = app.events.until(|it| it.name == "UserSignup").await;
    let signed_up = events.iter().find(|it| it.name == "UserSignup").expect("it was waited for");
    let uuid = answer["uuid"].as_str().expect("an id").replace('-', "");
    assert_eq!(signed_up.data, [("uuid".to_owned(), uuid)]);
}

async fn who_did_not_prove_their_number_opens_no_account(app: TestApp) {
    let number = app.a_phone_number().as_str().to_owned();
    let body = json!({ "phonenumber": number, "user_type": "STAFF" });

    for _ in 0..2 {
        let refused = app.anybody().post(SIGN_UP, body.clone()).await;
        refused.refused(StatusCode::BAD_REQUEST, "phonenumber_not_confirmed");
        app.anybody().post(REQUEST, json!({ "phonenumber": number })).await.expecting(StatusCode::OK);
    }
}

async fn a_number_opens_one_account_however_many_try_at_once(app: TestApp) {
    let number = a_proved_number(&app).await;
    let mut tries = JoinSet::new();
    for _ in 0..30 {
        let (anybody, body) = (app.anybody(), json!({ "phonenumber": number, "user_type": "DRIVER" }));
        tries.spawn(async move { anybody.post(SIGN_UP, body).await });
    }

    let answers = tries.join_all().await;

    assert_eq!(answers.iter().filter(|it| it.status == StatusCode::CREATED).count(), 1);
    for answer in answers.iter().filter(|it| it.status != StatusCode::CREATED) {
        let status = answer.status.as_u16();
        assert!(matches!(status, 400 | 409 | 503), "{status}: {:#}", answer.body);
    }
}

async fn a_number_that_has_an_account_cannot_sign_up_again(app: TestApp) {
    let (_, number) = app.somebody(Role::Driver { date_of_birth: None }, Privileges::None).await;

    let refused = app.anybody().post(REQUEST, json!({ "phonenumber": number.as_str() })).await;

    refused.refused(StatusCode::BAD_REQUEST, "unique");
}

/// How much there is of everything that a sign-up leaves, and whether its number is used up.
async fn left_by_sign_ups(sql: &mut Sql) -> Vec<String> {
    let mut left = Vec::new();
    for table in ["user_users", "auth_credentials", "auth_sessions", "outbox"] {
        left.extend(sql.lines(&format!("SELECT CAST(COUNT(*) AS CHAR) AS line FROM {table}")).await.expect("a count"));
    }
    left.extend(sql.lines("SELECT state AS line FROM auth_challenges").await.expect("states"));
    left
}

async fn a_sign_up_that_fails_half_way_leaves_nothing_and_succeeds_when_it_is_made_again(app: TestApp) {
    let number = a_proved_number(&app).await;
    let mut sql = Sql::open(app.variable("DATABASE_URL")).await;
    let driver = json!({ "phonenumber": number, "user_type": "DRIVER", "password": PASSWORD });
    let sign_up = async |key: Option<&str>| {
        let mut request = app.anybody().request(Method::POST, SIGN_UP).json(&driver);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        Answer::to(request).await
    };
    let before = left_by_sign_ups(&mut sql).await;
    // The session is what is written last.
    let refuse = match app.stack {
        Stack::Embedded => "BEGIN SELECT RAISE(ABORT, 'on purpose'); END",
        Stack::Networked => "FOR EACH ROW SIGNAL SQLSTATE '45000'",
    };
    sql.run(&format!("CREATE TRIGGER no_sessions BEFORE INSERT ON auth_sessions {refuse}")).await.expect("a trigger");

    for key in [None, Some("one"), None] {
        let failed = sign_up(key).await;
        assert!(matches!(failed.status.as_u16(), 409 | 500 | 503), "{}: {:#}", failed.status, failed.body);
        assert_eq!(left_by_sign_ups(&mut sql).await, before, "with the key {key:?}");
    }

    sql.run("DROP TRIGGER no_sessions").await.expect("it is lifted");
    let answer = sign_up(Some("one")).await.expecting(StatusCode::CREATED);
    let own = signed_in(&app, &answer).get("/api/v1/user/users/self/profile/").await.expecting(StatusCode::OK);
    assert_eq!(own, answer["user_profile"]);
    let credentials = json!({ "phonenumber": number, "password": PASSWORD });
    app.anybody().post(SIGN_IN, credentials).await.expecting(StatusCode::OK);
    let states = sql.lines("SELECT state AS line FROM auth_challenges").await.expect("states");
    assert_eq!(states, ["SPENT"]);
    app.all_is_delivered().await;
    let told = app.events.until(|it| it.name == "UserSignup").await;
    assert_eq!(told.iter().filter(|it| it.name == "UserSignup").count(), 1);
}

async fn outside_of_tests_only_allowed_numbers_are_staff(app: TestApp) {
    let strict = app.beside_with(&[("ENV", "stage")]).await;
    let (allowed, other) = (a_proved_number(&strict).await, a_proved_number(&strict).await);
    let number = auth_domain::PhoneNumber::parse(&allowed).expect("a number");
    let description = auth_domain::Description::default();
    let allow = auth_domain::AllowedNumber { phone_number: number, description };
    strict.auth.allow_number(allow).await.expect("it is allowed");
    let staff = |number: &str| json!({ "phonenumber": number, "user_type": "STAFF" });

    let refused = strict.anybody().post(SIGN_UP, staff(&other)).await;

    refused.refused(StatusCode::BAD_REQUEST, "staff_not_allowed");
    strict.anybody().post(SIGN_UP, staff(&allowed)).await.expecting(StatusCode::CREATED);
    let driver = json!({ "phonenumber": other, "user_type": "DRIVER" });
    strict.anybody().post(SIGN_UP, driver).await.expecting(StatusCode::CREATED);
}

async fn every_fault_of_a_sign_up_is_told(app: TestApp) {
    let body = json!({
        "phonenumber": 42, "user_type": "BOSS", "fullname": "x".repeat(33), "dob": "yesterday", "password": "short",
    });

    let problem = app.anybody().post(SIGN_UP, body).await.expecting(StatusCode::BAD_REQUEST);

    let faults = problem["errors"].as_array().expect("faults");
    let told: Vec<_> = faults.iter().filter_map(|it| Some((it["field"].as_str()?, it["code"].as_str()?))).collect();
    for fault in [
        ("phonenumber", "invalid"),
        ("user_type", "invalid_choice"),
        ("fullname", "max_length"),
        ("dob", "invalid"),
        ("password", "password_too_short"),
    ] {
        assert!(told.contains(&fault), "{fault:?} in {told:?}");
    }
}

async fn nobody_gives_themselves_rights(app: TestApp) {
    let number = a_proved_number(&app).await;
    let body = json!({
        "phonenumber": number, "user_type": "DRIVER", "is_staff": true, "is_superuser": true, "is_active": false,
        "uuid": "00000000-0000-0000-0000-000000000001", "groups": ["root"], "type": "STAFF", "username": "root",
    });

    let answer = app.anybody().post(SIGN_UP, body).await.expecting(StatusCode::CREATED);

    assert_ne!(answer["uuid"], "00000000-0000-0000-0000-000000000001");
    assert_eq!(answer["user_profile"]["username"], json!(number.trim_start_matches('+')));
    let me = signed_in(&app, &answer);
    me.get("/api/v1/user/users/").await.refused(StatusCode::FORBIDDEN, "permission_denied");
    me.get("/api/v1/shipping/batches/").await.refused(StatusCode::FORBIDDEN, "permission_denied");
}

async fn who_gave_no_password_has_none(app: TestApp) {
    let number = a_proved_number(&app).await;
    let body = json!({ "phonenumber": number, "user_type": "DRIVER" });
    app.anybody().post(SIGN_UP, body).await.expecting(StatusCode::CREATED);

    for password in ["12341234", "", number.as_str(), "!", "null"] {
        let credentials = json!({ "phonenumber": number, "password": password });
        app.anybody().post("/api/v1/auth/signin/", credentials).await.expecting(StatusCode::BAD_REQUEST);
    }
}

async fn a_password_that_everybody_uses_is_not_set_and_one_that_was_set_before_still_opens(app: TestApp) {
    let number = a_proved_number(&app).await;
    let with = |password: &str| json!({ "phonenumber": number, "user_type": "DRIVER", "password": password });
    for common in ["12341234", "Password1", "QWERTYUIOP"] {
        let refused = app.anybody().post(SIGN_UP, with(common)).await;
        let problem = refused.refused(StatusCode::BAD_REQUEST, "password_too_common");
        assert_eq!(problem["errors"][0]["field"], json!("password"));
    }
    let answer = app.anybody().post(SIGN_UP, with(PASSWORD)).await.expecting(StatusCode::CREATED);

    let me = signed_in(&app, &answer);
    let change = json!({ "password": PASSWORD, "new_password": "12341234" });
    let refused = me.post("/api/v1/auth/password/change/", change).await;
    let problem = refused.refused(StatusCode::BAD_REQUEST, "password_too_common");
    assert_eq!(problem["errors"][0]["field"], json!("new_password"));

    // That of the original's accounts, as Django keeps it.
    let old = "pbkdf2_sha256$1000$seasalt$m9/j1NQ3qkyvxFqgoL/bs/Wx6CVUWanM+ne8CgZsQzE=";
    let mut sql = Sql::open(app.variable("DATABASE_URL")).await;
    sql.run(&format!("UPDATE auth_credentials SET password_hash = '{old}'")).await.expect("it is the only one");
    let credentials = json!({ "phonenumber": number, "password": "12341234" });
    app.anybody().post(SIGN_IN, credentials).await.expecting(StatusCode::OK);
}

async fn a_number_that_needs_no_token_opens_one_account_and_signs_in_with_any(app: TestApp) {
    let lenient = app.beside_with(&[("BYPASS_PHONENUMBER_REGEX", r"\+82102998\d{4}")]).await;
    let anybody = lenient.anybody();
    let number = "+821029980001";
    let told = anybody.post(REQUEST, json!({ "phonenumber": number })).await.expecting(StatusCode::OK);
    assert_eq!(told, json!({}));
    let driver = json!({ "phonenumber": number, "user_type": "DRIVER" });

    let answer = anybody.post(SIGN_UP, driver.clone()).await.expecting(StatusCode::CREATED);

    anybody.post(SIGN_UP, driver).await.refused(StatusCode::BAD_REQUEST, "unique");
    let told = anybody.post("/api/v1/auth/signin/token_request/", json!({ "phonenumber": number })).await;
    assert_eq!(told.expecting(StatusCode::OK), json!({}));
    let any = json!({ "phonenumber": number, "token": "000000" });
    let tokens = anybody.post("/api/v1/auth/signin/token_confirm/", any).await.expecting(StatusCode::OK);
    let own = signed_in(&lenient, &tokens).get("/api/v1/user/users/self/profile/").await.expecting(StatusCode::OK);
    assert_eq!(own["uuid"], answer["uuid"]);
}
