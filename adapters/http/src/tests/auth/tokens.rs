//! Access and refresh tokens.

use auth_application::Account;
use auth_application::testing::{World, an_account};
use auth_domain::testing::session_of;
use auth_domain::{FoundSession, Session};
use poem::http::StatusCode;
use serde_json::json;

use super::super::contexts::{Served, post};
use super::super::{json_of, refusal, refusals_of};

const REFRESH: &str = "auth/token/refresh/";

/// A world in which every refresh token is that of a session of this account.
fn holding(account: Account, found: impl Fn(Session) -> FoundSession) -> Served {
    let id = account.id;
    let mut auth = World::with_account(Some(account));
    auth.queries.expect_account_of().returning(move |_| Ok(Some(id)));
    for work in [&mut auth.work, &mut auth.second_work] {
        let found = found(session_of(id));
        work.sessions.expect_by_refresh_token().returning(move |_| Ok(Some(found.clone())));
    }
    Served { auth: Box::new(auth), ..Served::default() }
}

#[tokio::test]
async fn a_refresh_token_is_exchanged_for_the_next_pair() {
    let mut served = holding(an_account(), FoundSession::Current);
    served.auth.work.sessions.expect_save().times(1).returning(|_| Ok(()));

    let response = post(served, REFRESH, &json!({ "refresh": "shown" })).await;

    response.assert_status_is_ok();
    assert_eq!(json_of(response).await, json!({ "access": "signed", "refresh": "fresh" }));
}

#[tokio::test]
async fn a_refresh_token_that_is_not_good_is_refused_in_one_way() {
    let mut unknown = Served::default();
    unknown.auth.queries.expect_account_of().returning(|_| Ok(None));
    unknown.auth.work.sessions.expect_by_refresh_token().returning(|_| Ok(None));
    let mut reused = Served::default();
    reused.auth.queries.expect_account_of().returning(|_| Ok(None));
    let spent = FoundSession::Spent(session_of(an_account().id));
    reused.auth.work.sessions.expect_by_refresh_token().returning(move |_| Ok(Some(spent.clone())));
    let ended = |it: &Session| it.snapshot().ended_at.is_some();
    reused.auth.work.sessions.expect_save().times(1).withf(ended).returning(|_| Ok(()));
    let over = holding(an_account(), |mut session| {
        session.end(auth_domain::testing::noon());
        FoundSession::Current(session)
    });
    let inactive = holding(Account { active: false, ..an_account() }, FoundSession::Current);

    for served in [unknown, reused, over, inactive] {
        let response = post(served, REFRESH, &json!({ "refresh": "shown" })).await;
        response.assert_header("www-authenticate", "Bearer realm=\"api\", Api-Key realm=\"api\"");
        assert_eq!(refusals_of(response, StatusCode::UNAUTHORIZED).await, [refusal("", "token_not_valid")]);
    }
}

#[tokio::test]
async fn an_access_token_is_good_or_not_or_that_is_not_known_in_time() {
    let good = post(Served::default(), "auth/token/verify/", &json!({ "token": "nobody" })).await;
    good.assert_status_is_ok();
    assert_eq!(json_of(good).await, json!({}));

    let forged = post(Served::default(), "auth/token/verify/", &json!({ "token": "forged" })).await;
    assert_eq!(refusals_of(forged, StatusCode::UNAUTHORIZED).await, [refusal("", "token_not_valid")]);

    let slow = post(Served::default(), "auth/token/verify/", &json!({ "token": "slow" })).await;
    slow.assert_status(StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_token_has_to_be_shown() {
    for (path, field) in [(REFRESH, "refresh"), ("auth/token/verify/", "token")] {
        for (body, code) in [(json!({}), "required"), (json!({ field: null }), "null"), (json!({ field: "" }), "blank")]
        {
            let response = post(Served::default(), path, &body).await;
            assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, [refusal(field, code)], "{path} {body}");
        }
    }
}

#[tokio::test]
async fn the_heartbeat_tells_how_many_sessions_were_deleted() {
    let mut served = Served::default();
    served.auth.work.sessions.expect_purge().times(1).returning(|_, _, _| Ok(3));

    let response = post(served, "auth/token/heartbeat/", &json!({})).await;

    response.assert_status_is_ok();
    assert_eq!(json_of(response).await, json!({ "delete_count": 3 }));
}
