//! Users come from the Django original, with their passwords.

use reqwest::StatusCode;
use serde_json::{Value, json};
use support::app::{PASSWORD, TestApp, Visitor};
use support::sql::Sql;

on_both_stacks![who_is_moved_over_signs_in_as_before_and_gets_a_hash_of_ours];

/// What an operator runs.
const USERS: &str = include_str!("../../docs/from-django/users.sql");
/// The tables of the original that are read, with the columns that are.
const TABLES: [&str; 6] = [
    "auth_user (id INTEGER, password VARCHAR(128), is_superuser INTEGER, uuid CHAR(32), phonenumber VARCHAR(128), \
     username VARCHAR(15), type VARCHAR(10), email VARCHAR(254), is_staff INTEGER, is_active INTEGER, banned INTEGER, \
     date_joined VARCHAR(26), locale VARCHAR(10), date_unregistered VARCHAR(26))",
    "user_profile_staff (user_id INTEGER, fullname VARCHAR(32))",
    "user_profile_driver (user_id INTEGER, fullname VARCHAR(32), dob VARCHAR(10))",
    "auth_group (id INTEGER, name VARCHAR(150))",
    "auth_user_groups (customuser_id INTEGER, group_id INTEGER)",
    "mmd_auth_allowed_phonenumbers (phonenumber VARCHAR(32), description VARCHAR(32))",
];
/// What Django 3.2 writes for [`PASSWORD`].
const HASH: &str = "pbkdf2_sha256$260000$seasalt$5q6zv2yMVp524Dm+hdzXL4MRK7tsR28QdW8vM5+uOvA=";
const SIGN_IN: &str = "/api/v1/auth/signin/";
const PROFILE: &str = "/api/v1/user/users/self/profile/";

/// The database of the original.
async fn keeps_what_django_kept(sql: &mut Sql) {
    for table in TABLES {
        sql.run(&format!("CREATE TABLE {table}")).await.expect("there was none");
    }
    let users = [
        format!("1, '{HASH}', 0, '{:032}', '+821055550001', 'clerk', 'STAFF', NULL, 0, 1, 0", 1),
        format!("2, '{HASH}', 0, '{:032}', '+821055550002', '', 'DRIVER', '', 0, 1, 0", 2),
        format!("3, '{HASH}', 1, '{:032}', '+821055550003', 'root', 'STAFF', 'root@example.com', 0, 1, 0", 3),
        format!("4, '!random', 0, '{:032}', '+821055550004', 'tokens', 'STAFF', NULL, 0, 1, 0", 4),
        format!("5, '{HASH}', 0, '{:032}', '+821055550005', 'off', 'STAFF', NULL, 0, 0, 0", 5),
        format!("6, '{HASH}', 0, '{:032}', NULL, 'banned', 'STAFF', NULL, 0, 0, 1", 6),
    ];
    for user in users {
        let row = format!("INSERT INTO auth_user VALUES ({user}, '2022-07-24 01:02:03.123456', 'en', NULL)");
        sql.run(&row).await.expect("it is kept");
    }
    for row in [
        "user_profile_staff VALUES (1, 'Kim Clerk')",
        "user_profile_driver VALUES (2, 'Lee Driver', '1987-06-05')",
        "auth_group VALUES (1, 'night shift')",
        "auth_user_groups VALUES (1, 1)",
        "mmd_auth_allowed_phonenumbers VALUES ('+821055550009', 'Park'), ('+821055550009', 'Park')",
    ] {
        sql.run(&format!("INSERT INTO {row}")).await.expect("it is kept");
    }
}

async fn kept_hash(sql: &mut Sql, id: usize) -> Vec<String> {
    let query = format!("SELECT password_hash AS line FROM auth_credentials WHERE account_id = X'{id:032}'");
    sql.lines(&query).await.expect("it answers")
}

/// Signs in with this name.
async fn signed_in(app: &TestApp, name: Value) -> Visitor {
    let mut visitor = app.anybody();
    let mut credentials = name;
    credentials["password"] = json!(PASSWORD);
    let tokens = visitor.post(SIGN_IN, credentials).await.expecting(StatusCode::OK);
    visitor.holds(&tokens);
    visitor
}

async fn who_is_moved_over_signs_in_as_before_and_gets_a_hash_of_ours(app: TestApp) {
    let mut sql = Sql::open(app.variable("DATABASE_URL")).await;
    keeps_what_django_kept(&mut sql).await;
    for statement in USERS.split(";\n").filter(|it| !it.trim().is_empty()) {
        sql.run(statement).await.expect("what Django kept fits");
    }

    let wrong = json!({ "username": "clerk", "password": "not the password" });
    app.anybody().post(SIGN_IN, wrong).await.refused(StatusCode::BAD_REQUEST, "no_active_account");
    assert_eq!(kept_hash(&mut sql, 1).await, [HASH], "a guess replaces nothing");
    for name in [json!({ "username": "clerk" }), json!({ "phonenumber": "+821055550001" })] {
        let clerk = signed_in(&app, name).await;
        let [hash] = &kept_hash(&mut sql, 1).await[..] else { panic!("there is one password") };
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let profile = clerk.get(PROFILE).await.expecting(StatusCode::OK);
        assert_eq!((&profile["fullname"], &profile["type"]), (&json!("Kim Clerk"), &json!("STAFF")));
        assert_eq!(profile["permission_group"], json!(["night shift"]));
    }
    let driver = signed_in(&app, json!({ "username": "821055550002" })).await;
    let profile = driver.get(PROFILE).await.expecting(StatusCode::OK);
    assert_eq!((&profile["dob"], &profile["fullname"]), (&json!("1987-06-05"), &json!("Lee Driver")));

    let root = signed_in(&app, json!({ "username": "root" })).await;
    let users = root.get("/api/v1/user/users/").await.expecting(StatusCode::OK);
    assert_eq!(users["count"], 5, "the banned one stays behind: {users:#}");
    assert_eq!(users["results"][0]["date_joined"], "2022-07-24T01:02:03.123456Z");
    for (name, why) in [("tokens", "has no password"), ("off", "is switched off"), ("banned", "is banned")] {
        let credentials = json!({ "username": name, "password": PASSWORD });
        let refused = app.anybody().post(SIGN_IN, credentials).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{name} {why}");
    }
    assert_eq!(kept_hash(&mut sql, 4).await, [] as [String; 0]);
    let allowed = sql.lines("SELECT phone_number AS line FROM auth_allowed_numbers").await.expect("it answers");
    assert_eq!(allowed, ["+821055550009"]);
}
