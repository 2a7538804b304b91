//! Sessions go on, end on every instance, and betray who copies them.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::app::{Answer, PASSWORD, TestApp, Visitor};
use support::sql::Sql;
use tokio::task::JoinSet;
use tokio::time::Instant;

on_both_stacks![
    a_session_goes_on_with_the_next_pair_of_tokens,
    a_refresh_token_that_is_shown_twice_ends_the_session,
    of_fifty_who_show_the_same_refresh_token_one_at_most_goes_on,
    who_signs_out_is_out_on_every_instance_within_a_second,
    who_is_banned_unregistered_or_switched_off_is_out_on_every_instance_within_a_second,
    who_closes_their_own_account_is_out_on_every_instance_within_a_second,
    who_is_switched_on_again_has_to_sign_in_anew,
    a_changed_password_ends_every_other_session,
    people_see_their_own_sessions_and_end_them,
    nobody_signs_anybody_else_out,
    an_honest_retry_gets_the_same_pair_again,
    a_thief_hides_behind_no_idempotency_key,
    a_token_is_verified_by_whether_it_opens_doors,
    old_sessions_are_deleted_by_whoever_may,
    who_signs_out_again_is_told_that_the_token_is_void_key_or_not,
    web_tokens_do_as_well,
    a_new_root_key_signs_nobody_out,
];

const REFRESH: &str = "/api/v1/auth/token/refresh/";
const VERIFY: &str = "/api/v1/auth/token/verify/";
const SIGN_OUT: &str = "/api/v1/auth/signout/";
const SESSIONS: &str = "/api/v1/auth/sessions/";
const PROFILE: &str = "/api/v1/user/users/self/profile/";

fn refreshing(visitor: &Visitor) -> Value {
    json!({ "refresh": visitor.refresh })
}

/// Until when whoever was shut out may still be let in somewhere.
pub(crate) fn in_a_second() -> Instant {
    Instant::now() + Duration::from_secs(1)
}

/// Waits until the token opens nothing, which has to be before `deadline`.
pub(crate) async fn is_out(visitor: &Visitor, deadline: Instant) {
    loop {
        let answer = visitor.get(PROFILE).await;
        if answer.status == StatusCode::UNAUTHORIZED {
            return;
        }
        assert!(Instant::now() < deadline, "the token still opens doors: {}", answer.status);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn a_session_goes_on_with_the_next_pair_of_tokens(app: TestApp) {
    let mut clerk = app.clerk().await;
    for _ in 0..3 {
        let old = clerk.refresh.clone();

        let next = app.anybody().post(REFRESH, refreshing(&clerk)).await.expecting(StatusCode::OK);

        clerk.holds(&next);
        assert_ne!(clerk.refresh, old, "it is rotated");
        clerk.get(PROFILE).await.expecting(StatusCode::OK);
    }
    for body in [json!({ "refresh": "nonsense" }), json!({ "refresh": clerk.token })] {
        app.anybody().post(REFRESH, body).await.refused(StatusCode::UNAUTHORIZED, "token_not_valid");
    }
}

async fn a_refresh_token_that_is_shown_twice_ends_the_session(app: TestApp) {
    let mut clerk = app.clerk().await;
    let stolen = refreshing(&clerk);
    let next = app.anybody().post(REFRESH, stolen.clone()).await.expecting(StatusCode::OK);
    clerk.holds(&next);

    let again = app.anybody().post(REFRESH, stolen).await;

    again.refused(StatusCode::UNAUTHORIZED, "token_not_valid");
    let gone = app.anybody().post(REFRESH, refreshing(&clerk)).await;
    gone.refused(StatusCode::UNAUTHORIZED, "token_not_valid");
    is_out(&clerk, in_a_second()).await;
}

async fn of_fifty_who_show_the_same_refresh_token_one_at_most_goes_on(app: TestApp) {
    let clerk = app.clerk().await;
    let mut tries = JoinSet::new();
    for _ in 0..50 {
        let (anybody, body) = (app.anybody(), refreshing(&clerk));
        tries.spawn(async move { anybody.post(REFRESH, body).await });
    }

    let answers = tries.join_all().await;

    let pairs: Vec<_> = answers.iter().filter(|it| it.status == StatusCode::OK).collect();
    assert_eq!(pairs.len(), 1, "one of them gets the next pair");
    // The others showed that there are copies: the session has ended for all of them.
    let refused = app.anybody().post(REFRESH, json!({ "refresh": pairs[0].body["refresh"] })).await;
    refused.refused(StatusCode::UNAUTHORIZED, "token_not_valid");
}

async fn who_signs_out_is_out_on_every_instance_within_a_second(app: TestApp) {
    let other = app.beside().await;
    let clerk = app.clerk().await;
    clerk.at(&other).get(PROFILE).await.expecting(StatusCode::OK);

    let answer = clerk.post(SIGN_OUT, refreshing(&clerk)).await;

    let deadline = in_a_second();
    answer.expecting(StatusCode::NO_CONTENT);
    clerk.get(PROFILE).await.refused(StatusCode::UNAUTHORIZED, "authentication_failed");
    is_out(&clerk.at(&other), deadline).await;
    let refused = app.anybody().post(REFRESH, refreshing(&clerk)).await;
    refused.refused(StatusCode::UNAUTHORIZED, "token_not_valid");
}

async fn who_is_banned_unregistered_or_switched_off_is_out_on_every_instance_within_a_second(app: TestApp) {
    let other = app.beside().await;
    let root = app.superuser().await;
    for (method, path, body) in [
        (Method::POST, "ban/", Value::Null),
        (Method::POST, "unregister/", Value::Null),
        (Method::PATCH, "", json!({ "is_active": false })),
    ] {
        let clerk = app.clerk().await;
        clerk.at(&other).get(PROFILE).await.expecting(StatusCode::OK);

        let request = root.request(method, &format!("/api/v1/user/users/{}/{path}", clerk.user_id)).json(&body);
        let answer = Answer::to(request).await;

        let deadline = in_a_second();
        assert!(answer.status.is_success(), "{path}: {:#}", answer.body);
        is_out(&clerk, deadline).await;
        is_out(&clerk.at(&other), deadline).await;
        let refused = app.anybody().post(REFRESH, refreshing(&clerk)).await;
        refused.refused(StatusCode::UNAUTHORIZED, "token_not_valid");
    }
}

async fn who_closes_their_own_account_is_out_on_every_instance_within_a_second(app: TestApp) {
    let other = app.beside().await;
    let phone = app.driver().await;
    let mut desk = phone.clone();
    desk.sign_in().await;
    for session in [&phone, &desk] {
        session.at(&other).get(PROFILE).await.expecting(StatusCode::OK);
    }

    let answer = phone.post("/api/v1/auth/unregister/", refreshing(&phone)).await;

    let deadline = in_a_second();
    answer.expecting(StatusCode::NO_CONTENT);
    for session in [&phone, &desk] {
        is_out(session, deadline).await;
        is_out(&session.at(&other), deadline).await;
    }
    for session in [&phone, &desk] {
        let refused = other.anybody().post(REFRESH, refreshing(session)).await;
        refused.refused(StatusCode::UNAUTHORIZED, "token_not_valid");
    }
}

/// Waits until the token opens doors.
async fn is_in(visitor: &Visitor) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while visitor.get(PROFILE).await.status != StatusCode::OK {
        assert!(Instant::now() < deadline, "the token opens nothing");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn who_is_switched_on_again_has_to_sign_in_anew(app: TestApp) {
    let other = app.beside().await;
    let root = app.superuser().await;
    for is_known_to_be_off in [true, false] {
        let clerk = app.clerk().await;
        let before = [clerk.clone(), clerk.at(&other)];
        is_in(&before[1]).await;
        let path = format!("/api/v1/user/users/{}/", clerk.user_id);

        root.patch(&path, json!({ "is_active": false })).await.expecting(StatusCode::OK);
        if is_known_to_be_off {
            for old in &before {
                is_out(old, in_a_second()).await;
            }
        }
        root.patch(&path, json!({ "is_active": true })).await.expecting(StatusCode::OK);

        let mut anew = clerk.clone();
        anew.sign_in().await;
        for (instance, old) in [&app, &other].into_iter().zip(&before) {
            is_in(&anew.at(instance)).await;
            if !is_known_to_be_off {
                // Nobody may have seen that it was off.
                is_out(old, in_a_second()).await;
            }
            old.get(PROFILE).await.refused(StatusCode::UNAUTHORIZED, "authentication_failed");
            let refused = app.anybody().at(instance).post(REFRESH, refreshing(&clerk)).await;
            refused.refused(StatusCode::UNAUTHORIZED, "token_not_valid");
        }
        assert_eq!(anew.get(SESSIONS).await.expecting(StatusCode::OK)["count"], 1, "those of before are gone");
        let next = app.anybody().post(REFRESH, refreshing(&anew)).await.expecting(StatusCode::OK);
        anew.holds(&next);
        is_in(&anew).await;
    }
}

async fn a_changed_password_ends_every_other_session(app: TestApp) {
    let other = app.beside().await;
    let clerk = app.clerk().await;
    let mut elsewhere = clerk.clone();
    elsewhere.sign_in().await;
    let path = "/api/v1/auth/password/change/";
    let wrong = json!({ "password": "not the password", "new_password": "battery staple" });
    clerk.post(path, wrong).await.refused(StatusCode::BAD_REQUEST, "wrong_password");

    let right = json!({ "password": PASSWORD, "new_password": "battery staple" });
    elsewhere.at(&other).get(PROFILE).await.expecting(StatusCode::OK);
    clerk.post(path, right).await.expecting(StatusCode::NO_CONTENT);

    let deadline = in_a_second();
    is_out(&elsewhere, deadline).await;
    is_out(&elsewhere.at(&other), deadline).await;
    clerk.get(PROFILE).await.expecting(StatusCode::OK);
    let old = json!({ "phonenumber": clerk.phone_number, "password": PASSWORD });
    app.anybody().post("/api/v1/auth/signin/", old).await.refused(StatusCode::BAD_REQUEST, "no_active_account");
    let new = json!({ "phonenumber": clerk.phone_number, "password": "battery staple" });
    app.anybody().post("/api/v1/auth/signin/", new).await.expecting(StatusCode::OK);
}

async fn people_see_their_own_sessions_and_end_them(app: TestApp) {
    let other = app.beside().await;
    let clerk = app.clerk().await;
    let (mut phone, mut desk) = (clerk.clone(), clerk.clone());
    let request = app.anybody().request(Method::POST, "/api/v1/auth/signin/").header("user-agent", "Phone/1.0");
    let credentials = json!({ "phonenumber": clerk.phone_number, "password": PASSWORD });
    phone.holds(&Answer::to(request.json(&credentials)).await.expecting(StatusCode::OK));
    desk.sign_in().await;
    app.clerk().await;

    let list = clerk.get(SESSIONS).await.expecting(StatusCode::OK);

    assert_eq!(list["count"], 3, "{list:#}");
    let sessions = list["results"].as_array().expect("sessions");
    assert_eq!(sessions.iter().filter(|it| it["current"] == true).count(), 1);
    for session in sessions {
        assert_eq!(session["address"], "127.0.0.1");
        for field in ["id", "created_at", "last_used_at"] {
            assert!(session[field].is_string(), "{session:#}");
        }
    }
    let of_phone = phone.get(SESSIONS).await.expecting(StatusCode::OK);
    let phones = of_phone["results"].as_array().expect("sessions").iter().find(|it| it["current"] == true);
    let phones = phones.expect("its own");
    assert_eq!(phones["user_agent"], "Phone/1.0");
    let id = phones["id"].as_str().expect("an id");
    for gone in [&phone, &desk] {
        gone.at(&other).get(PROFILE).await.expecting(StatusCode::OK);
    }

    clerk.delete(&format!("{SESSIONS}{id}/")).await.expecting(StatusCode::NO_CONTENT);
    let deadline = in_a_second();
    is_out(&phone, deadline).await;
    is_out(&phone.at(&other), deadline).await;

    clerk.delete(SESSIONS).await.expecting(StatusCode::NO_CONTENT);
    let deadline = in_a_second();
    is_out(&desk, deadline).await;
    is_out(&desk.at(&other), deadline).await;
    clerk.get(PROFILE).await.expecting(StatusCode::OK);
}

async fn nobody_signs_anybody_else_out(app: TestApp) {
    let (clerk, stranger) = (app.clerk().await, app.driver().await);
    let sessions = clerk.get(SESSIONS).await.expecting(StatusCode::OK);
    let id = sessions["results"][0]["id"].as_str().expect("an id").to_owned();

    for body in [refreshing(&clerk), json!({ "refresh": "nonsense" })] {
        let refused = stranger.post(SIGN_OUT, body.clone()).await;
        refused.refused(StatusCode::BAD_REQUEST, "refresh_token_not_yours");
        let refused = stranger.post("/api/v1/auth/unregister/", body).await;
        refused.refused(StatusCode::BAD_REQUEST, "refresh_token_not_yours");
    }
    stranger.delete(&format!("{SESSIONS}{id}/")).await.refused(StatusCode::NOT_FOUND, "not_found");

    clerk.get(PROFILE).await.expecting(StatusCode::OK);
    app.anybody().post(REFRESH, refreshing(&clerk)).await.expecting(StatusCode::OK);
}

async fn an_honest_retry_gets_the_same_pair_again(app: TestApp) {
    let clerk = app.clerk().await;
    let ask = || {
        let request = app.anybody().request(Method::POST, REFRESH).header("Idempotency-Key", "renewal-1");
        Answer::to(request.json(&refreshing(&clerk)))
    };
    let first = ask().await.expecting(StatusCode::OK);

    let again = ask().await;

    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.expecting(StatusCode::OK), first);
    app.anybody().post(REFRESH, json!({ "refresh": first["refresh"] })).await.expecting(StatusCode::OK);
}

async fn a_thief_hides_behind_no_idempotency_key(app: TestApp) {
    let mut clerk = app.clerk().await;
    let stolen = refreshing(&clerk);
    let next = app.anybody().post(REFRESH, stolen.clone()).await.expecting(StatusCode::OK);
    clerk.holds(&next);

    let request = app.anybody().request(Method::POST, REFRESH).header("Idempotency-Key", "fresh");
    Answer::to(request.json(&stolen)).await.refused(StatusCode::UNAUTHORIZED, "token_not_valid");

    let gone = app.anybody().post(REFRESH, refreshing(&clerk)).await;
    gone.refused(StatusCode::UNAUTHORIZED, "token_not_valid");
}

async fn a_token_is_verified_by_whether_it_opens_doors(app: TestApp) {
    let clerk = app.clerk().await;
    let verified = app.anybody().post(VERIFY, json!({ "token": clerk.token })).await.expecting(StatusCode::OK);
    assert_eq!(verified, json!({}));

    clerk.post(SIGN_OUT, refreshing(&clerk)).await.expecting(StatusCode::NO_CONTENT);

    for token in [clerk.token.clone().expect("a token"), "nonsense".to_owned()] {
        let refused = app.anybody().post(VERIFY, json!({ "token": token })).await;
        refused.refused(StatusCode::UNAUTHORIZED, "token_not_valid");
    }
}

async fn old_sessions_are_deleted_by_whoever_may(app: TestApp) {
    let path = "/api/v1/auth/token/heartbeat/";
    app.anybody().post(path, json!({})).await.refused(StatusCode::UNAUTHORIZED, "not_authenticated");
    app.driver().await.post(path, json!({})).await.refused(StatusCode::FORBIDDEN, "permission_denied");

    let clerk = app.clerk().await;
    let deleted = clerk.post(path, json!({})).await.expecting(StatusCode::OK);
    assert_eq!(deleted, json!({ "delete_count": 0 }), "none of them is old");

    // The chores would delete it as well.
    let _quiet = app.quiet().await;
    let driver = app.driver().await;
    let mut sql = Sql::open(app.variable("DATABASE_URL")).await;
    let of_driver = format!("account_id = X'{}'", driver.user_id.replace('-', ""));
    let days = "opened_at = '2020-01-01 00:00:00', expires_at = '2020-01-31 00:00:00'";
    sql.run(&format!("UPDATE auth_sessions SET {days} WHERE {of_driver}")).await.expect("it is made old");

    let deleted = clerk.post(path, json!({})).await.expecting(StatusCode::OK);

    assert_eq!(deleted, json!({ "delete_count": 1 }), "the old one, and no other");
    clerk.get(PROFILE).await.expecting(StatusCode::OK);
}

async fn who_signs_out_again_is_told_that_the_token_is_void_key_or_not(app: TestApp) {
    let clerk = app.clerk().await;
    let ask = || {
        let request = clerk.request(Method::POST, SIGN_OUT).header("Idempotency-Key", "leaving");
        Answer::to(request.json(&refreshing(&clerk)))
    };
    ask().await.expecting(StatusCode::NO_CONTENT);

    ask().await.refused(StatusCode::UNAUTHORIZED, "authentication_failed");
}

async fn web_tokens_do_as_well(app: TestApp) {
    let app = app.beside_with(&[("TOKEN_FORMAT", "jwt")]).await;
    let (mut clerk, driver) = (app.clerk().await, app.driver().await);
    assert_eq!(
        clerk.token.as_deref().unwrap_or_default().split('.').count(),
        3,
        "three parts, as everybody knows them"
    );

    clerk.get("/api/v1/shipping/batches/").await.expecting(StatusCode::OK);
    driver.get("/api/v1/shipping/batches/").await.refused(StatusCode::FORBIDDEN, "permission_denied");
    let next = app.anybody().post(REFRESH, refreshing(&clerk)).await.expecting(StatusCode::OK);
    clerk.holds(&next);
    clerk.post(SIGN_OUT, refreshing(&clerk)).await.expecting(StatusCode::NO_CONTENT);
    clerk.get(PROFILE).await.refused(StatusCode::UNAUTHORIZED, "authentication_failed");
    let keys = app.anybody().get("/api/v1/auth/public-keys/").await.expecting(StatusCode::OK);
    assert_eq!(keys, json!({ "keys": [] }), "there is nothing to verify them with but the secret");
}

async fn a_new_root_key_signs_nobody_out(app: TestApp) {
    let clerk = app.clerk().await;
    let old = app.variable("TOKEN_ROOT_KEY").to_owned();
    let new = tokens_adapter::RootKeys::generate();

    let rotated = app.beside_with(&[("TOKEN_ROOT_KEY", &new), ("TOKEN_RETIRED_KEYS", &old)]).await;

    clerk.at(&rotated).get(PROFILE).await.expecting(StatusCode::OK);
    let keys = rotated.anybody().get("/api/v1/auth/public-keys/").await.expecting(StatusCode::OK);
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(2), "both are live");
    let without = app.beside_with(&[("TOKEN_ROOT_KEY", &new)]).await;
    clerk.at(&without).get(PROFILE).await.refused(StatusCode::UNAUTHORIZED, "authentication_failed");
    // The session goes on all the same: its refresh token has nothing to do with keys.
    without.anybody().post(REFRESH, refreshing(&clerk)).await.expecting(StatusCode::OK);
}
