//! The scenario: parcels travel from one center to another.

#![expect(clippy::print_stdout, reason = "a demonstration is there to be seen")]

use kernel_domain::BoxError;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::sample::Sample;
use super::visitor::{Step, Visitor};

const SHIPPING: &str = "/api/v1/shipping";

pub(super) async fn play(mut visitor: Visitor, sample: &Sample) -> Result<(), BoxError> {
    sign_in(&mut visitor, sample).await?;
    look_around(&mut visitor).await?;
    let alias = pack(&mut visitor, sample).await?;
    let transport = load(&mut visitor, sample, &alias).await?;
    travel(&mut visitor, sample, &alias, &transport).await?;
    println!("\nAll {} parcels are in {}.", sample.tracking_numbers.len(), sample.destination);
    Ok(())
}

async fn sign_in(visitor: &mut Visitor, sample: &Sample) -> Result<(), BoxError> {
    let tokens = visitor
        .take(Step {
            title: "Sign in",
            method: Method::POST,
            path: "/api/v1/auth/signin/".to_owned(),
            body: Some(json!({ "username": sample.username, "password": sample.password })),
            expected: StatusCode::OK,
        })
        .await?;
    visitor.signed_in_with(text(&tokens, "/access")?);
    Ok(())
}

async fn look_around(visitor: &mut Visitor) -> Result<(), BoxError> {
    visitor.take(get("Who am I?", "/api/v1/user/users/self/profile/".to_owned())).await?;
    visitor.take(get("Which centers are there?", "/api/v1/distribution/centers/?page_size=2".to_owned())).await?;
    visitor.take(get("What was registered last?", format!("{SHIPPING}/shippingitems/?page_size=1"))).await?;
    Ok(())
}

async fn pack(visitor: &mut Visitor, sample: &Sample) -> Result<String, BoxError> {
    let batch =
        visitor.take(post("Open a batch", format!("{SHIPPING}/batches/"), json!({}), StatusCode::CREATED)).await?;
    let alias = text(&batch, "/alias")?.to_owned();
    let items: Value = sample.tracking_numbers.iter().map(|it| json!({ "tracking_number": it })).collect();
    let packed = visitor
        .take(post("Pack every item", format!("{SHIPPING}/batches/{alias}/add/"), items, StatusCode::OK))
        .await?;
    visitor.expect("packed items move", at(&packed, "/0/status")?, &json!("MOVING"))?;
    Ok(alias)
}

async fn load(visitor: &mut Visitor, sample: &Sample, alias: &str) -> Result<String, BoxError> {
    let plan = json!({
        "distribution_center_code_source": sample.source,
        "distribution_center_code_destination": sample.destination,
        "driver_uuid": sample.driver.to_string(),
    });
    let planned =
        visitor.take(post("Plan a transport", format!("{SHIPPING}/transports/"), plan, StatusCode::CREATED)).await?;
    let transport = text(&planned, "/uuid")?.to_owned();
    visitor
        .take(post(
            "It may not leave empty",
            format!("{SHIPPING}/transports/{transport}/start/"),
            json!({}),
            StatusCode::BAD_REQUEST,
        ))
        .await
        .and_then(|problem| {
            visitor.expect("the rule is named", at(&problem, "/code")?, &json!("ShippingTransportNoBatch"))
        })?;
    visitor
        .take(post(
            "Load the batch",
            format!("{SHIPPING}/transports/{transport}/add/"),
            json!({ "alias": alias }),
            StatusCode::OK,
        ))
        .await?;
    Ok(transport)
}

async fn travel(visitor: &mut Visitor, sample: &Sample, alias: &str, transport: &str) -> Result<(), BoxError> {
    let path = |action: &str| format!("{SHIPPING}/transports/{transport}/{action}/");
    let started = visitor.take(post("Start", path("start"), json!({}), StatusCode::OK)).await?;
    visitor.expect("it is on the road", at(&started, "/completed")?, &json!(false))?;
    let completed = visitor.take(post("Complete", path("complete"), json!({}), StatusCode::OK)).await?;
    visitor.expect("it has arrived", at(&completed, "/completed")?, &json!(true))?;

    let path = format!("{SHIPPING}/batches/{alias}/shippingitems/?page_size=100");
    let items = visitor.take(get("Where are the items?", path)).await?;
    let items = at(&items, "/results")?.as_array().map(Vec::as_slice).unwrap_or_default();
    visitor.expect("all of them travelled", &json!(items.len()), &json!(sample.tracking_numbers.len()))?;
    for item in items {
        let center = at(item, "/current_distribution_center_code")?;
        visitor.expect(&format!("{} is there", at(item, "/tracking_number")?), center, &json!(sample.destination))?;
    }
    Ok(())
}

fn get(title: &str, path: String) -> Step<'_> {
    Step { title, method: Method::GET, path, body: None, expected: StatusCode::OK }
}

fn post(title: &str, path: String, body: Value, expected: StatusCode) -> Step<'_> {
    Step { title, method: Method::POST, path, body: Some(body), expected }
}

fn at<'v>(value: &'v Value, pointer: &str) -> Result<&'v Value, BoxError> {
    value.pointer(pointer).ok_or_else(|| format!("the answer has no {pointer}").into())
}

fn text<'v>(value: &'v Value, pointer: &str) -> Result<&'v str, BoxError> {
    at(value, pointer)?.as_str().ok_or_else(|| format!("{pointer} is no text").into())
}
