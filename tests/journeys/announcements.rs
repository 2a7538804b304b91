//! A channel hears who comes and goes: by id, and once, however many instances there are and however it fails.

use reqwest::StatusCode;
use serde_json::json;
use support::app::{Stack, TestApp};
use support::channel::Channel;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_hears_of_users_once_embedded() {
    a_channel_hears_of_users_once(Stack::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_hears_of_users_once_networked() {
    a_channel_hears_of_users_once(Stack::Networked).await;
}

async fn a_channel_hears_of_users_once(stack: Stack) {
    let channel = Channel::failing(2).await;
    let Some(app) = TestApp::start_with(stack, &[("SLACK_WEBHOOK_URL", &channel.url)]).await else { return };
    let another = app.beside().await;
    let (manager, driver) = (app.manager().await, another.driver().await);

    let banned = format!("/api/v1/user/users/{}/ban/", driver.user_id);
    manager.post(&banned, json!({})).await.expecting(StatusCode::NO_CONTENT);

    let id = |it: &str| Uuid::parse_str(it).expect("an id").simple().to_string();
    channel.until(&format!("User {} was banned.", id(&driver.user_id))).await;
    channel.until(&format!("User {} signed up.", id(&manager.user_id))).await;
    another.stop().await;
    app.stop().await;
    let messages = channel.messages();
    assert_eq!(messages.len(), 3, "{messages:#?}");
    let signed_up = messages.iter().position(|it| *it == format!("User {} signed up.", id(&driver.user_id)));
    let was_banned = messages.iter().position(|it| *it == format!("User {} was banned.", id(&driver.user_id)));
    assert!(signed_up.is_some() && signed_up < was_banned, "{messages:#?}");
    assert!(!messages.concat().contains(driver.phone_number.trim_start_matches('+')), "{messages:#?}");
}
