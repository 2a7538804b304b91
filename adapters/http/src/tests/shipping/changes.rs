//! Changing and deleting items, batches and transports.

use kernel_domain::StoreError;
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};
use shipping_application::testing::{World, a_batch_summary};
use shipping_domain::testing::{a_batch, a_driver, a_transport, an_item};
use shipping_domain::{Batch, Item, ItemStatus, Transport};

use super::{fault, looking, refused, working};
use crate::tests::contexts::{post, send};
use crate::tests::json_of;

fn with_item(item: &Item) -> World {
    let mut world = World::default();
    world.has_no_histories();
    world.finds_items(vec![item.clone()]);
    world.work.items.expect_save().returning(|_| Ok(()));
    world.work.items.expect_remove().returning(|_| Ok(()));
    world
}

fn with_batch(batch: &Batch, items: Vec<Item>) -> World {
    let mut world = World::finding_batch(batch);
    world.work.items.expect_packed_in().returning(move |_| Ok(items.clone()));
    world.work.batches.expect_remove().returning(|_| Ok(()));
    world
}

fn with_transport(transport: &Transport, batches: Vec<Batch>) -> World {
    let mut world = World::finding_transport(transport);
    world.work.batches.expect_carried_by().returning(move |_| Ok(batches.clone()));
    world.work.transports.expect_save().returning(|_| Ok(()));
    world.work.transports.expect_remove().returning(|_| Ok(()));
    world
}

fn item_path(item: &Item) -> String {
    format!("shipping/shippingitems/{}/", item.tracking_number())
}

fn transport_path(transport: &Transport) -> String {
    format!("shipping/transports/{}/", transport.id())
}

const NOTHING: Value = Value::Null;

#[tokio::test]
async fn an_item_is_changed_in_part_or_as_a_whole() {
    let item = an_item().with_status(ItemStatus::Moving).build();
    let body = json!({ "sku": "HAT", "status": "DAMAGED", "tracking_number": "ignored" });
    for method in [Method::PUT, Method::PATCH] {
        let response = send(working(with_item(&item)), method, &item_path(&item), &body).await;
        response.assert_status_is_ok();
        let changed = json_of(response).await;
        assert_eq!((&changed["sku"], &changed["status"]), (&json!("HAT"), &json!("DAMAGED")));
    }
    let response = send(working(with_item(&item)), Method::PATCH, &item_path(&item), &json!({})).await;
    response.assert_status_is_ok();

    let response = send(looking(World::default()), Method::PUT, &item_path(&item), &json!({ "status": "X" })).await;
    assert_eq!(refused(response).await, [fault("sku", "required"), fault("status", "invalid_choice")]);
}

#[tokio::test]
async fn a_status_that_does_not_follow_is_told_with_its_field() {
    let item = an_item().build();

    let body = json!({ "status": "COMPLETED" });
    let response = send(working(with_item(&item)), Method::PATCH, &item_path(&item), &body).await;

    assert_eq!(refused(response).await, [fault("status", "ShippingItemInvalidTransition")]);
}

#[tokio::test]
async fn what_is_not_in_use_is_deleted() {
    let (item, batch, transport) = (an_item().build(), a_batch().build(), a_transport().build());
    let batch_path = format!("shipping/batches/{}/", batch.alias());
    for (world, path) in [
        (with_item(&item), item_path(&item)),
        (with_batch(&batch, vec![]), batch_path),
        (with_transport(&transport, vec![]), transport_path(&transport)),
    ] {
        send(working(world), Method::DELETE, &path, &NOTHING).await.assert_status(StatusCode::NO_CONTENT);
    }
}

#[tokio::test]
async fn what_is_in_use_stays() {
    let (batch, transport, departed) = (a_batch().build(), a_transport().build(), a_transport().departed().build());
    let item = an_item().in_batch(&batch).build();
    let loaded = a_batch().loaded_on(&transport).build();
    for (world, path) in [
        (with_item(&item), item_path(&item)),
        (with_batch(&batch, vec![item.clone()]), format!("shipping/batches/{}/", batch.alias())),
        (with_batch(&loaded, vec![]), format!("shipping/batches/{}/", loaded.alias())),
        (with_transport(&transport, vec![loaded.clone()]), transport_path(&transport)),
        (with_transport(&departed, vec![]), transport_path(&departed)),
    ] {
        let response = send(working(world), Method::DELETE, &path, &NOTHING).await;
        assert_eq!(refused(response).await, [fault("", "ShippingInUse")], "{path}");
    }
}

#[tokio::test]
async fn a_batch_is_renamed_until_it_departs() {
    let rename = async |batch: &Batch, saved: fn() -> Result<(), StoreError>, body: Value| {
        let mut world = with_batch(batch, vec![]);
        let summary = a_batch_summary(batch.alias());
        world.queries.expect_batches_by_id().returning(move |_| Ok(vec![summary.clone()]));
        world.work.batches.expect_save().returning(move |_| saved());
        send(working(world), Method::PATCH, &format!("shipping/batches/{}/", batch.alias()), &body).await
    };
    let batch = a_batch().build();
    let friday = json!({ "alias": "friday" });

    assert_eq!(json_of(rename(&batch, || Ok(()), friday.clone()).await).await["alias"], "friday");
    assert_eq!(json_of(rename(&batch, || Ok(()), json!({})).await).await["alias"], batch.alias().as_str());
    for blank in [json!({ "alias": null }), json!({ "alias": " " })] {
        let drawn = json_of(rename(&batch, || Ok(()), blank).await).await;
        assert!(drawn["alias"].as_str().is_some_and(|it| it.starts_with("20260102-")), "{drawn}");
    }
    let taken = rename(&batch, || Err(StoreError::Duplicate { key: "alias" }), friday.clone()).await;
    assert_eq!(refused(taken).await, [fault("alias", "unique")]);
    for (batch, code) in [
        (a_batch().departed().build(), "ShippingBatchDeparted"),
        (a_batch().completed().build(), "ShippingBatchCompleted"),
    ] {
        assert_eq!(refused(rename(&batch, || Ok(()), friday.clone()).await).await, [fault("", code)]);
    }
}

#[tokio::test]
async fn items_are_taken_out_of_a_batch_that_has_not_left() {
    let batch = a_batch().build();
    let item = an_item().in_batch(&batch).build();
    let mut world = World::finding_batch(&batch);
    world.finds_items(vec![item.clone()]);
    world.work.items.expect_save_taken_out().returning(|_| Ok(()));
    world.has_no_histories();

    let body = json!([{ "tracking_number": item.tracking_number().as_str() }]);
    let response = post(working(world), "shipping/batches/friday/remove/", &body).await;

    response.assert_status_is_ok();
    assert_eq!(json_of(response).await[0]["tracking_number"], item.tracking_number().as_str());

    let mut world = World::finding_batch(&batch);
    world.finds_items(vec![item.clone()]);
    let body = json!([{ "tracking_number": item.tracking_number().as_str() }, { "tracking_number": "TEA" }]);
    let response = post(working(world), "shipping/batches/friday/remove/", &body).await;
    assert_eq!(refused(response).await, [fault("[1].tracking_number", "ShippingBatchItemNotExist")]);

    for (batch, code) in [
        (a_batch().departed().build(), "ShippingBatchDeparted"),
        (a_batch().completed().build(), "ShippingBatchCompleted"),
    ] {
        let body = json!({ "tracking_number": item.tracking_number().as_str() });
        let response = post(working(World::finding_batch(&batch)), "shipping/batches/friday/remove/", &body).await;
        assert_eq!(refused(response).await, [fault("", code)]);
    }
}

#[tokio::test]
async fn a_plan_is_changed_in_part_or_as_a_whole_until_departure() {
    let (source, destination) = ("distribution_center_code_source", "distribution_center_code_destination");
    let transport = a_transport().driven_by(a_driver()).build();
    let path = transport_path(&transport);

    let planned = || working(with_transport(&transport, vec![]));

    let off = send(planned(), Method::PATCH, &path, &json!({ "driver_uuid": null })).await;
    assert_eq!(json_of(off).await["driver"], NOTHING);

    let back = json!({ source: "ABC002", destination: "ABC001" });
    let turned = json_of(send(planned(), Method::PUT, &path, &back).await).await;
    assert_eq!(turned["distribution_center_source"]["center_code"], "ABC002");
    assert!(turned["driver"].is_object(), "a driver who is left out stays: {turned}");

    let response = send(looking(World::default()), Method::PUT, &path, &json!({})).await;
    assert_eq!(refused(response).await, [fault(source, "required"), fault(destination, "required")]);
    let same = send(planned(), Method::PATCH, &path, &json!({ destination: "ABC001" })).await;
    assert_eq!(refused(same).await, [fault("", "ShippingTransportSameCenter")]);
    let unknown = send(planned(), Method::PATCH, &path, &json!({ source: "XYZ" })).await;
    assert_eq!(refused(unknown).await, [fault(source, "DistributionCenterNotExist")]);

    for (transport, code) in [
        (a_transport().departed().build(), "ShippingTransportAlreadyDeparted"),
        (a_transport().arrived().build(), "ShippingTransportAlreadyCompleted"),
    ] {
        let world = with_transport(&transport, vec![]);
        let response =
            send(working(world), Method::PATCH, &transport_path(&transport), &json!({ source: "XYZ" })).await;
        assert_eq!(refused(response).await, [fault("", code)]);
    }
}
