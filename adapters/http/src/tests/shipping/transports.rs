//! Transports: planned, loaded, started, completed.

use kernel_application::{Direction, MAX_RETRIES, Page};
use kernel_domain::StoreError;
use poem::http::StatusCode;
use poem::test::TestResponse;
use serde_json::{Value, json};
use shipping_application::testing::{World, a_batch_summary, a_summary};
use shipping_application::{TransportFilter, TransportOrder};
use shipping_domain::testing::{a_batch, a_driver, a_transport, center};
use shipping_domain::{Batch, Cargo, Transport};
use uuid::Uuid;

use super::{NOON, fault, looking, refused, working};
use crate::tests::contexts::{get, post};
use crate::tests::{faults_of, json_of};

const ROUTE: [&str; 2] = ["distribution_center_code_source", "distribution_center_code_destination"];

async fn plan(world: World, body: &Value) -> TestResponse {
    post(working(world), "shipping/transports/", body).await
}

#[tokio::test]
async fn a_transport_is_planned_between_two_centers() {
    let mut world = World::default();
    world.work.transports.expect_add().returning(|_| Ok(()));
    let driver = a_driver();

    let response =
        plan(world, &json!({ ROUTE[0]: "ABC001", ROUTE[1]: "ABC002", "driver_uuid": driver.as_uuid() })).await;

    response.assert_status(StatusCode::CREATED);
    let mut transport = json_of(response).await;
    let end = |code: &str| {
        json!({
            "uuid": Uuid::from_u128(0xCE), "center_code": code, "name": format!("Center {code}"), "staff_members": [],
        })
    };
    assert_eq!(transport["distribution_center_source"].take(), end("ABC001"));
    assert_eq!(transport["distribution_center_destination"].take(), end("ABC002"));
    let at_the_wheel = json!({
        "uuid": driver.as_uuid(), "phonenumber": "+821012345678", "username": "821012345678", "type": "DRIVER",
        "fullname": null, "image": null, "dob": null,
    });
    assert_eq!(transport["driver"].take(), at_the_wheel);
    let expected = json!({
        "uuid": "00000000-0000-0000-0000-000000000001", "completed": false, "batch_count": 0,
        "distribution_center_source": null, "distribution_center_destination": null, "driver": null,
        "timestamp_created": NOON, "timestamp_departed": null, "timestamp_arrived": null,
    });
    assert_eq!(transport, expected);
}

#[tokio::test]
async fn a_plan_has_to_make_sense() {
    let driver = a_driver().as_uuid();
    for (body, told) in [
        (json!({}), vec![fault(ROUTE[0], "required"), fault(ROUTE[1], "required")]),
        (json!({ ROUTE[0]: "ABC001", ROUTE[1]: "ABC001" }), vec![fault("", "ShippingTransportSameCenter")]),
        (
            json!({ ROUTE[0]: "NONE", ROUTE[1]: "none" }),
            vec![fault(ROUTE[0], "DistributionCenterNotExist"), fault(ROUTE[1], "DistributionCenterNotExist")],
        ),
        (
            json!({ ROUTE[0]: "ABC001", ROUTE[1]: "ABC002", "driver_uuid": driver }),
            vec![fault("driver_uuid", "ShippingTransportDriverInvalid")],
        ),
    ] {
        let world = World { drivers_may_drive: false, ..World::default() };
        assert_eq!(refused(plan(world, &body).await).await, told, "{body}");
    }
}

#[tokio::test]
async fn transports_are_listed_by_all_their_filters() {
    let driver = a_driver();
    let filter = TransportFilter {
        completed: Some(false),
        driver: Some(driver),
        seen_by: None,
        source: Some(center("ABC001")),
        destination: Some(center("ABC002")),
    };
    let order = [(TransportOrder::Departed, Direction::Ascending), (TransportOrder::Arrived, Direction::Descending)];
    let mut world = World::default();
    world
        .queries
        .expect_transports()
        .withf(move |it, by, _| *it == filter && *by == order)
        .returning(|_, _, page| Ok(Some(Page::numbered(vec![a_summary(&a_transport().build())], 1, 1, page.size()))));

    let query = format!("completed=FALSE&driver_uuid={driver}&{}=ABC001&{}=ABC002", ROUTE[0], ROUTE[1]);
    let query = format!("{query}&ordering=timestamp_departed,-timestamp_arrived");
    let page = json_of(get(looking(world), &format!("shipping/transports/?{query}")).await).await;

    assert_eq!(page["results"][0]["distribution_center_source"]["center_code"], "ABC001");
}

#[tokio::test]
async fn a_transport_that_does_not_exist_is_not_found() {
    let nothing = || {
        let mut world = World::default();
        world.queries.expect_transport().returning(|_| Ok(None));
        world.work.transports.expect_find().returning(|_| Ok(None));
        working(world)
    };
    for id in [Uuid::nil().to_string(), "not-a-uuid".to_owned()] {
        for path in ["", "batches/"] {
            let path = format!("shipping/transports/{id}/{path}");
            get(nothing(), &path).await.assert_status(StatusCode::NOT_FOUND);
        }
        for path in ["add/", "start/", "complete/"] {
            let path = format!("shipping/transports/{id}/{path}");
            post(nothing(), &path, &json!({ "alias": "friday" })).await.assert_status(StatusCode::NOT_FOUND);
        }
    }
}

async fn act(world: World, transport: &Transport, action: &str, body: &Value) -> TestResponse {
    post(working(world), &format!("shipping/transports/{}/{action}/", transport.id()), body).await
}

#[tokio::test]
async fn batches_are_loaded_and_answered_with() {
    let transport = a_transport().build();
    let batch = a_batch().build();
    let mut world = World::finding_transport(&transport);
    world.finds_batches(vec![batch.clone()]);
    world.work.batches.expect_save().returning(|_| Ok(()));
    let mut summary = a_batch_summary(batch.alias());
    summary.id = batch.id();
    world.queries.expect_batches_by_id().returning(move |_| Ok(vec![summary.clone()]));

    let response = act(world, &transport, "add", &json!([{ "alias": batch.alias().as_str() }])).await;

    response.assert_status_is_ok();
    assert_eq!(json_of(response).await[0]["alias"], batch.alias().as_str());
}

#[tokio::test]
async fn every_batch_that_cannot_be_loaded_is_told_with_its_place() {
    let transport = a_transport().build();
    let (arrived, elsewhere) = (a_batch().completed().build(), a_batch().loaded().build());
    let named = |batch: &Batch| json!({ "alias": batch.alias().as_str() });
    let body = json!([named(&arrived), { "alias": "unknown" }, named(&elsewhere)]);
    let mut world = World::finding_transport(&transport);
    world.finds_batches(vec![arrived, elsewhere]);

    let response = act(world, &transport, "add", &body).await;

    assert_eq!(
        refused(response).await,
        [
            fault("[0].alias", "ShippingBatchAlreadyCompleted"),
            fault("[1].alias", "ShippingBatchNotExist"),
            fault("[2].alias", "ShippingBatchAlreadyAssigned"),
        ]
    );
}

fn at_the_gate(transport: &Transport, batches: Vec<Batch>) -> World {
    let mut world = World::finding_transport(transport);
    world.work.batches.expect_carried_by().returning(move |_| Ok(batches.clone()));
    world.work.transports.expect_is_on_the_road().returning(|_| Ok(false));
    world
}

#[tokio::test]
async fn a_transport_starts_with_a_driver_given_or_planned() {
    let driver = a_driver();
    for (transport, body) in [
        (a_transport().driven_by(driver).build(), json!({})),
        (a_transport().build(), json!({ "driver_uuid": driver.as_uuid() })),
    ] {
        let mut world = at_the_gate(&transport, vec![a_batch().loaded_on(&transport).build()]);
        world.work.transports.expect_save().withf(move |it| it.driver_id() == Some(driver)).returning(|_| Ok(()));
        world.work.batches.expect_save().returning(|_| Ok(()));

        let response = act(world, &transport, "start", &body).await;

        response.assert_status_is_ok();
        assert_eq!(json_of(response).await["uuid"], transport.id().to_string());
    }
}

#[tokio::test]
async fn why_a_transport_does_not_start_has_a_name() {
    let plain = a_transport().build();
    let driven = a_transport().driven_by(a_driver()).build();
    let loaded = |it: &Transport| vec![a_batch().loaded_on(it).build()];
    let departed = a_transport().departed().build();
    let arrived = a_transport().arrived().build();
    let nowhere = World { known_centers: vec!["ABC001"], ..at_the_gate(&driven, loaded(&driven)) };
    let banned = World { drivers_may_drive: false, ..at_the_gate(&driven, loaded(&driven)) };
    let mut busy = at_the_gate(&driven, loaded(&driven));
    busy.work.transports.checkpoint();
    let found = driven.clone();
    busy.work.transports.expect_find().returning(move |_| Ok(Some(found.clone())));
    busy.work.transports.expect_is_on_the_road().returning(|_| Ok(true));
    for (transport, world, field, code) in [
        (&arrived, at_the_gate(&arrived, vec![]), "", "ShippingTransportAlreadyCompleted"),
        (&departed, at_the_gate(&departed, vec![]), "", "ShippingTransportAlreadyDeparted"),
        (&driven, nowhere, "", "ShippingTransportDistributionNotConfigured"),
        (&driven, at_the_gate(&driven, vec![]), "", "ShippingTransportNoBatch"),
        (&plain, at_the_gate(&plain, loaded(&plain)), "", "ShippingTransportDriverNotConfigured"),
        (&driven, banned, "driver_uuid", "ShippingTransportDriverInvalid"),
        (&driven, busy, "", "ShippingTransportDriverBusy"),
    ] {
        let response = act(world, transport, "start", &json!({})).await;
        assert_eq!(refused(response).await, [fault(field, code)]);
    }
}

fn arriving(transport: &Transport, cargo: Cargo) -> World {
    let mut world = World::finding_transport(transport);
    world.work.transports.expect_cargo().returning(move |_| Ok(cargo.clone()));
    world
}

#[tokio::test]
async fn a_transport_is_completed_after_it_departed_and_only_once() {
    for (transport, code) in [
        (a_transport().build(), "ShippingTransportNotDeparted"),
        (a_transport().arrived().build(), "ShippingTransportAlreadyCompleted"),
    ] {
        let world = arriving(&transport, Cargo::default());
        let response = act(world, &transport, "complete", &json!({})).await;
        assert_eq!(refused(response).await, [fault("", code)]);
    }
    let transport = a_transport().departed().build();
    let batches = vec![a_batch().departed_with(&transport).build()];
    let mut world = arriving(&transport, Cargo { batches, ..Cargo::default() });
    world.work.transports.expect_save().returning(|_| Ok(()));
    world.work.batches.expect_save().returning(|_| Ok(()));
    world.work.items.expect_save().returning(|_| Ok(()));

    act(world, &transport, "complete", &json!({})).await.assert_status_is_ok();
}

#[tokio::test]
async fn a_race_that_was_lost_is_a_conflict() {
    let transport = a_transport().departed().build();
    let losing = || {
        let mut world = arriving(&transport, Cargo::default());
        world.work.transports.expect_save().returning(|_| Err(StoreError::Conflict("transport".to_owned())));
        world
    };
    // Lost again and again: it is tried again a few times.
    let world = World { before: (0..MAX_RETRIES).map(|_| losing().work).collect(), ..losing() };

    let response = act(world, &transport, "complete", &json!({})).await;

    response.assert_status(StatusCode::CONFLICT);
    assert_eq!(faults_of(response).await[0].1, "conflict");
}
