//! One's own sessions.

use auth_application::SessionView;
use auth_domain::testing::session_of;
use auth_domain::{AccountId, SessionId};
use kernel_application::Page;
use kernel_application::testing::noon;
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::contexts::{SESSION, STAFF, Served, get, send};
use super::super::{json_of, refusal, refusals_of};

fn a_view(id: Uuid) -> SessionView {
    SessionView {
        id: SessionId::new(id),
        user_agent: Some("scanner/1.0".to_owned()),
        address: None,
        opened_at: noon(),
        last_used_at: noon(),
    }
}

#[tokio::test]
async fn somebody_sees_where_they_are_signed_in_and_which_one_this_is() {
    let mut served = Served::default();
    let other = Uuid::from_u128(2);
    let mine = |account: &AccountId, _: &_, page: &kernel_application::PageRequest| {
        *account == AccountId::new(STAFF) && page.size() == 2
    };
    served
        .auth
        .queries
        .expect_sessions()
        .withf(mine)
        .returning(move |_, _, _| Ok(Some(Page::numbered(vec![a_view(SESSION), a_view(other)], 1, 3, 2))));

    let response = get(served, "auth/sessions/?page_size=2").await;

    response.assert_status_is_ok();
    let page = json_of(response).await;
    let session = |id: Uuid, current: bool| {
        json!({
            "id": id, "user_agent": "scanner/1.0", "address": null, "created_at": "2026-01-02T12:00:00.000000Z",
            "last_used_at": "2026-01-02T12:00:00.000000Z", "current": current,
        })
    };
    assert_eq!(page["results"], json!([session(SESSION, true), session(other, false)]));
    assert_eq!((&page["count"], &page["previous"]), (&json!(3), &Value::Null));
    assert_eq!(page["next"], "http://localhost/api/v1/auth/sessions/?page=2&page_size=2");
}

#[tokio::test]
async fn a_page_of_sessions_past_the_end_is_not_there() {
    let mut served = Served::default();
    served.auth.queries.expect_sessions().returning(|_, _, _| Ok(None));

    let response = get(served, "auth/sessions/?page=9").await;

    assert_eq!(refusals_of(response, StatusCode::NOT_FOUND).await, [refusal("", "not_found")]);
}

#[tokio::test]
async fn somebody_ends_one_of_their_sessions() {
    let mut served = Served::default();
    let session = session_of(AccountId::new(STAFF));
    let path = format!("auth/sessions/{}/", session.id());
    served.auth.work.sessions.expect_find().returning(move |_, _| Ok(Some(session.clone())));
    served.auth.work.sessions.expect_save().times(1).returning(|_| Ok(()));

    send(served, Method::DELETE, &path, &json!({})).await.assert_status(StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_session_that_is_not_theirs_is_not_there() {
    let mut served = Served::default();
    let theirs = |account: &AccountId, _: &SessionId| *account == AccountId::new(STAFF);
    served.auth.work.sessions.expect_find().withf(theirs).returning(|_, _| Ok(None));
    let unknown = send(served, Method::DELETE, &format!("auth/sessions/{SESSION}/"), &json!({})).await;
    assert_eq!(refusals_of(unknown, StatusCode::NOT_FOUND).await, [refusal("", "not_found")]);

    let no_uuid = send(Served::default(), Method::DELETE, "auth/sessions/all/", &json!({})).await;
    assert_eq!(refusals_of(no_uuid, StatusCode::NOT_FOUND).await, [refusal("", "not_found")]);
}

#[tokio::test]
async fn somebody_ends_all_sessions_but_this_one() {
    let mut served = Served::default();
    let but_this = |_: &AccountId, but: &Option<SessionId>, _: &_| *but == Some(SessionId::new(SESSION));
    served.auth.work.sessions.expect_end_all().times(1).withf(but_this).returning(|_, _, _| Ok(vec![]));

    send(served, Method::DELETE, "auth/sessions/", &json!({})).await.assert_status(StatusCode::NO_CONTENT);
}
