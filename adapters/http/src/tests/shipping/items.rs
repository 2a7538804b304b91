//! Items.

use kernel_application::{Direction, Page};
use kernel_domain::StoreError;
use poem::http::StatusCode;
use serde_json::json;
use shipping_application::testing::{World, an_item_view};
use shipping_application::{ItemFilter, ItemOrder, PastBatch};
use shipping_domain::testing::{a_transport, center};
use shipping_domain::{Alias, ItemStatus, Sku, TrackingNumber};

use super::{NOON, NUMBER, fault, looking, refused, working};
use crate::tests::contexts::{get, post};
use crate::tests::json_of;

fn number() -> TrackingNumber {
    TrackingNumber::parse(NUMBER).expect("a number")
}

fn alias(text: &str) -> Alias {
    Alias::parse(text).expect("an alias")
}

#[tokio::test]
async fn an_item_is_registered_and_nothing_but_its_sku_is_taken_from_the_client() {
    let mut world = World::default();
    world.work.items.expect_add().returning(|_| Ok(()));
    let body = json!({ "sku": " TEA ", "status": "COMPLETED", "uuid": "x", "timestamp_completed": NOON });

    let response = post(working(world), "shipping/shippingitems/", &body).await;

    response.assert_status(StatusCode::CREATED);
    let mut item = json_of(response).await;
    let number = item["tracking_number"].take();
    assert!(number.as_str().is_some_and(|it| it.starts_with("20260102-") && it.len() == 19), "{number}");
    let expected = json!({
        "uuid": "00000000-0000-0000-0000-000000000001", "tracking_number": null, "sku": "TEA", "status": "CREATED",
        "shipping_batches_history": [], "current_distribution_center_code": null, "timestamp_created": NOON,
        "timestamp_completed": null,
    });
    assert_eq!(item, expected);
}

#[tokio::test]
async fn a_sku_may_be_empty_or_missing_but_neither_null_nor_long() {
    for body in [json!({ "sku": "" }), json!({})] {
        let mut world = World::default();
        world.work.items.expect_add().withf(|it| *it.sku() == Sku::default()).returning(|_| Ok(()));
        let response = post(working(world), "shipping/shippingitems/", &body).await;
        response.assert_status(StatusCode::CREATED);
        assert_eq!(json_of(response).await["sku"], "");
    }

    for (body, code) in [(json!({ "sku": null }), "null"), (json!({ "sku": "x".repeat(21) }), "max_length")] {
        let response = post(looking(World::default()), "shipping/shippingitems/", &body).await;
        assert_eq!(refused(response).await, [fault("sku", code)]);
    }
}

#[tokio::test]
async fn numbers_that_are_always_taken_are_our_problem() {
    let mut world = World::default();
    world.work.items.expect_add().returning(|_| Err(StoreError::Duplicate { key: "tracking_number" }));

    let response = post(working(world), "shipping/shippingitems/", &json!({ "sku": "" })).await;

    response.assert_status(StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn items_are_listed_by_status_in_the_order_asked_for() {
    let mut world = World::default();
    let filter = ItemFilter { status: Some(ItemStatus::Moving), batch: None };
    let order = [(ItemOrder::Completed, Direction::Descending), (ItemOrder::Created, Direction::Ascending)];
    world.queries.expect_items().withf(move |it, by, _| *it == filter && *by == order).returning(|_, _, page| {
        let mut item = an_item_view(&number());
        let transport = (a_transport().build().id(), center("ABC001"), center("ABC002"));
        item.history = vec![
            PastBatch { alias: alias("late"), completed: false, transport: None },
            PastBatch { alias: alias("early"), completed: true, transport: Some(transport) },
        ];
        Ok(Some(Page::numbered(vec![item], 1, 1, page.size())))
    });

    let query = "status=MOVING&ordering=-timestamp_completed,timestamp_created";
    let page = json_of(get(looking(world), &format!("shipping/shippingitems/?{query}")).await).await;

    let history = page["results"][0]["shipping_batches_history"].as_array().expect("a history").clone();
    let nowhere = json!({
        "alias": "late", "completed": false, "shipping_transport__uuid": null,
        "shipping_transport__distribution_center_code_source": null,
        "shipping_transport__distribution_center_code_destination": null,
    });
    assert_eq!(history[0], nowhere);
    assert_eq!(history[1]["shipping_transport__distribution_center_code_source"], "ABC001");
    assert_eq!(history[1]["shipping_transport__distribution_center_code_destination"], "ABC002");
}

#[tokio::test]
async fn an_item_or_a_batch_that_does_not_exist_is_not_found() {
    let nothing = || {
        let mut world = World::default();
        world.queries.expect_item().returning(|_| Ok(None));
        world.queries.expect_batch().returning(|_| Ok(None));
        looking(world)
    };
    for path in [
        "shippingitems/20260102-0000000001/",
        "shippingitems/nonsense/",
        "batches/unknown/",
        "batches/%20unknown/",
        "batches/a.b/shippingitems/",
        "batches/unknown/shippingitems/",
    ] {
        get(nothing(), &format!("shipping/{path}")).await.assert_status(StatusCode::NOT_FOUND);
    }
}
