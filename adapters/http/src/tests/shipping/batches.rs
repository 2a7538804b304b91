//! Batches and what goes into them.

use kernel_domain::StoreError;
use poem::http::StatusCode;
use poem::test::TestResponse;
use serde_json::{Value, json};
use shipping_application::testing::World;
use shipping_domain::ItemStatus;
use shipping_domain::testing::{a_batch, a_transport, an_item};
use uuid::Uuid;

use super::{NOON, NUMBER, fault, looking, refused, working};
use crate::tests::contexts::post;
use crate::tests::json_of;

#[tokio::test]
async fn a_batch_is_opened_under_the_alias_given_or_one_that_is_drawn() {
    let opening = || {
        let mut world = World::default();
        world.work.batches.expect_add().returning(|_| Ok(()));
        working(world)
    };
    let given = post(opening(), "shipping/batches/", &json!({ "alias": "friday_1" })).await;
    given.assert_status(StatusCode::CREATED);
    let expected = json!({
        "uuid": "00000000-0000-0000-0000-000000000001", "alias": "friday_1", "completed": false,
        "shipping_transport": null, "timestamp_created": NOON, "timestamp_completed": null,
    });
    assert_eq!(json_of(given).await, expected);

    for body in [json!({}), json!({ "alias": null }), json!({ "alias": " " })] {
        let drawn = json_of(post(opening(), "shipping/batches/", &body).await).await;
        assert!(drawn["alias"].as_str().is_some_and(|it| it.starts_with("20260102-") && it.len() == 19), "{drawn}");
    }
}

#[tokio::test]
async fn an_alias_has_to_fit_into_a_url_and_to_be_unique() {
    for (text, code) in [("a/b".to_owned(), "invalid"), ("x".repeat(21), "max_length")] {
        let response = post(looking(World::default()), "shipping/batches/", &json!({ "alias": text })).await;
        assert_eq!(refused(response).await, [fault("alias", code)]);
    }
    let mut world = World::default();
    world.work.batches.expect_add().returning(|_| Err(StoreError::Duplicate { key: "alias" }));

    let response = post(working(world), "shipping/batches/", &json!({ "alias": "taken" })).await;

    assert_eq!(refused(response).await, [fault("alias", "unique")]);
}

async fn pack(world: World, body: &Value) -> TestResponse {
    post(working(world), "shipping/batches/friday/add/", body).await
}

#[tokio::test]
async fn items_are_added_to_a_batch_one_or_many_and_answered_with() {
    for body in [json!({ "tracking_number": NUMBER }), json!([{ "tracking_number": NUMBER }])] {
        let mut world = World::finding_batch(&a_batch().build());
        let item = an_item().build();
        let number = item.tracking_number().clone();
        world.finds_items(vec![item]);
        world.work.items.expect_save().returning(|_| Ok(()));
        world.has_no_histories();
        let body = serde_json::from_str(&body.to_string().replace(NUMBER, number.as_str())).expect("JSON");

        let response = pack(world, &body).await;

        response.assert_status_is_ok();
        assert_eq!(json_of(response).await[0]["tracking_number"], number.as_str());
    }
}

#[tokio::test]
async fn every_item_that_cannot_be_added_is_told_with_its_place() {
    let (lost, packed) =
        (an_item().with_status(ItemStatus::Lost).build(), an_item().in_batch(&a_batch().build()).build());
    let mut world = World::finding_batch(&a_batch().build());
    let (first, third) = (lost.tracking_number().to_string(), packed.tracking_number().to_string());
    world.finds_items(vec![lost, packed]);
    let body = json!([
        { "tracking_number": first },
        { "tracking_number": "20300101-0000000000" },
        { "tracking_number": third },
    ]);

    let response = pack(world, &body).await;

    assert_eq!(
        refused(response).await,
        [
            fault("[0].tracking_number", "ShippingBatchItemAddInvalidStatus"),
            fault("[1].tracking_number", "ShippingBatchItemNotExist"),
            fault("[2].tracking_number", "ShippingBatchItemNotAvailable"),
        ]
    );
}

#[tokio::test]
async fn what_cannot_be_a_tracking_number_or_an_alias_is_that_of_nothing() {
    let mut world = World::finding_batch(&a_batch().build());
    world.finds_items(vec![]);
    let response = pack(world, &json!({ "tracking_number": "TEA" })).await;
    assert_eq!(refused(response).await, [fault("tracking_number", "ShippingBatchItemNotExist")]);

    let mut world = World::finding_transport(&a_transport().build());
    world.finds_batches(vec![]);
    let path = format!("shipping/transports/{}/add/", Uuid::nil());
    let response = post(working(world), &path, &json!([{ "alias": "a/b" }, { "alias": "friday" }])).await;
    let unknown = ["[0].alias", "[1].alias"].map(|field| fault(field, "ShippingBatchNotExist"));
    assert_eq!(refused(response).await, unknown);
}

#[tokio::test]
async fn a_batch_that_is_closed_takes_nothing() {
    for (batch, code) in [
        (a_batch().departed().build(), "ShippingBatchDeparted"),
        (a_batch().completed().build(), "ShippingBatchCompleted"),
    ] {
        let response = pack(World::finding_batch(&batch), &json!({ "tracking_number": NUMBER })).await;
        assert_eq!(refused(response).await, [fault("", code)]);
    }
}
