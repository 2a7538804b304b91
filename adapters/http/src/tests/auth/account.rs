//! What somebody does with their own account.

use auth_application::{CloseAccountError, Verified};
use auth_domain::testing::{an_account, session_of};
use auth_domain::{AccountId, FoundSession, PasswordHash, SessionId};
use poem::http::StatusCode;
use serde_json::json;

use super::super::contexts::{SESSION, STAFF, Served, post};
use super::super::{refusal, refusals_of};

/// A world in which every refresh token is that of a session of this account.
fn showing_a_token_of(account: AccountId) -> Served {
    let mut served = Served::default();
    let found = FoundSession::Current(session_of(account));
    served.auth.work.sessions.expect_by_refresh_token().returning(move |_| Ok(Some(found.clone())));
    served
}

fn mine() -> AccountId {
    AccountId::new(STAFF)
}

#[tokio::test]
async fn who_signs_out_is_out() {
    let mut served = showing_a_token_of(mine());
    served.auth.work.sessions.expect_save().times(1).returning(|_| Ok(()));

    let response = post(served, "auth/signout/", &json!({ "refresh": "shown" })).await;

    response.assert_status(StatusCode::NO_CONTENT);
    assert!(response.0.into_body().into_bytes().await.expect("a body").is_empty());
}

#[tokio::test]
async fn nobody_signs_others_out_or_closes_an_account_with_their_token() {
    for path in ["auth/signout/", "auth/unregister/"] {
        let mut junk = Served::default();
        junk.auth.work.sessions.expect_by_refresh_token().returning(|_| Ok(None));
        for served in [showing_a_token_of(an_account()), junk] {
            let response = post(served, path, &json!({ "refresh": "shown" })).await;
            let told = refusals_of(response, StatusCode::BAD_REQUEST).await;
            assert_eq!(told, [refusal("refresh", "refresh_token_not_yours")], "{path}");
        }
    }
}

#[tokio::test]
async fn who_leaves_is_forgotten() {
    let mut served = showing_a_token_of(mine());
    served.auth.accounts.expect_close().times(1).withf(|id, _| *id == mine()).returning(|_, _| Ok(()));
    let work = &mut served.auth.second_work;
    work.sessions.expect_end_all().times(1).returning(|_, _, _| Ok(vec![]));
    work.credentials.expect_remove().times(1).returning(|_| Ok(()));
    work.verifications.expect_forget().times(1).returning(|_, _| Ok(()));

    let response = post(served, "auth/unregister/", &json!({ "refresh": "shown" })).await;

    response.assert_status(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn an_account_that_cannot_be_closed_stays() {
    type Refused = (fn() -> CloseAccountError, StatusCode, &'static str);
    let refused: [Refused; 3] = [
        (|| CloseAccountError::Superuser, StatusCode::BAD_REQUEST, "account_of_superuser"),
        (|| CloseAccountError::Unknown, StatusCode::UNAUTHORIZED, "authentication_failed"),
        (|| CloseAccountError::AlreadyClosed, StatusCode::UNAUTHORIZED, "authentication_failed"),
    ];
    for (error, status, code) in refused {
        let mut served = showing_a_token_of(mine());
        served.auth.accounts.expect_close().returning(move |_, _| Err(error()));
        let response = post(served, "auth/unregister/", &json!({ "refresh": "shown" })).await;
        assert_eq!(refusals_of(response, status).await, [refusal("", code)]);
    }
}

/// Somebody who has a password, which they know or not.
fn with_a_password(verified: Verified) -> Served {
    let mut served = Served::default();
    served.auth.queries.expect_password_hash().returning(|_| Ok(Some(PasswordHash::new("kept"))));
    served.auth.passwords.expect_verify().returning(move |_, _| Ok(verified.clone()));
    served.auth.passwords.expect_hash().returning(|_| Ok(PasswordHash::new("new")));
    served
}

#[tokio::test]
async fn who_knows_their_password_changes_it_and_stays_in_here_only() {
    let mut served = with_a_password(Verified::Right);
    served.auth.work.credentials.expect_save().times(1).returning(|_| Ok(()));
    let all_but_this = |_: &AccountId, but: &Option<SessionId>, _: &_| *but == Some(SessionId::new(SESSION));
    served.auth.work.sessions.expect_end_all().times(1).withf(all_but_this).returning(|_, _, _| Ok(vec![]));

    let body = json!({ "password": "correct horse", "new_password": "purple monkey dishwasher" });
    post(served, "auth/password/change/", &body).await.assert_status(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn who_does_not_know_their_password_keeps_it() {
    for body in [
        json!({ "password": "wrong", "new_password": "purple monkey dishwasher" }),
        json!({ "new_password": "purple monkey dishwasher" }),
    ] {
        let response = post(with_a_password(Verified::Wrong), "auth/password/change/", &body).await;
        assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, [refusal("password", "wrong_password")]);
    }
}

#[tokio::test]
async fn a_new_password_has_to_be_long_enough_not_too_long_and_not_everybodys() {
    for (new, code) in [
        ("1234567".to_owned(), "password_too_short"),
        ("x".repeat(129), "password_too_long"),
        ("Password1".to_owned(), "password_too_common"),
    ] {
        let body = json!({ "password": "correct horse", "new_password": new });
        let response = post(Served::default(), "auth/password/change/", &body).await;
        assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, [refusal("new_password", code)]);
    }
}
