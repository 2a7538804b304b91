//! Asking whether a number has an account.

use auth_application::NumberStanding;
use auth_application::testing::an_account;
use poem::http::StatusCode;
use serde_json::json;

use super::super::contexts::{Served, post, serving};
use super::super::{faults_of, json_of, refusal, refusals_of};
use super::{NUMBER, nowhere, standing};
use crate::HttpSettings;

const CHECK: &str = "auth/phonenumber/check/";

#[tokio::test]
async fn a_number_that_has_an_account_is_told_as_it_is_kept() {
    for sent in [NUMBER, "+82 10-1234-5678", " tel:+821012345678 "] {
        let response =
            post(standing(NumberStanding::Taken(an_account())), CHECK, &json!({ "phonenumber": sent })).await;

        response.assert_status_is_ok();
        assert_eq!(json_of(response).await, json!({ "phonenumber": NUMBER }));
    }
}

#[tokio::test]
async fn a_number_without_an_account_is_told_in_the_problem() {
    let response = post(standing(NumberStanding::Free), CHECK, &json!({ "phonenumber": "+82 10 1234 5678" })).await;

    response.assert_status(StatusCode::NOT_FOUND);
    response.assert_content_type("application/problem+json");
    let problem = json_of(response).await;
    assert_eq!((&problem["code"], &problem["phonenumber"]), (&json!("not_found"), &json!(NUMBER)));
    assert_eq!(problem["errors"][0]["code"], "not_found");
}

#[tokio::test]
async fn a_banned_number_is_refused() {
    let response = post(standing(NumberStanding::Banned), CHECK, &json!({ "phonenumber": NUMBER })).await;

    assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, [refusal("phonenumber", "user_banned")]);
}

#[tokio::test]
async fn what_is_no_number_is_refused_in_one_way_whoever_finds_out() {
    let malformed = post(Served::default(), CHECK, &json!({ "phonenumber": "01012345678" })).await;
    malformed.assert_status(StatusCode::BAD_REQUEST);
    let unassignable = Served { adjusted: Some(nowhere), ..Served::default() };
    let unassignable = post(unassignable, CHECK, &json!({ "phonenumber": NUMBER })).await;
    unassignable.assert_status(StatusCode::BAD_REQUEST);

    let faults = faults_of(malformed).await;

    assert_eq!(faults, faults_of(unassignable).await);
    let expected = ("phonenumber", "invalid", "Enter a valid phone number.");
    assert_eq!(faults, [(expected.0.to_owned(), expected.1.to_owned(), expected.2.to_owned())]);
}

#[tokio::test]
async fn of_a_name_that_occurs_twice_the_last_value_counts() {
    let client = serving(standing(NumberStanding::Taken(an_account())), HttpSettings::default());
    let request = client.post(format!("/api/v1/{CHECK}")).content_type("application/json");

    let response = request.body(format!("{{\"phonenumber\": 1, \"phonenumber\": \"{NUMBER}\"}}")).send().await;

    response.assert_status_is_ok();
}

#[tokio::test]
async fn each_way_to_give_no_number_has_its_code() {
    for (body, code) in [
        (json!({}), "required"),
        (json!({ "phonenumber": null }), "null"),
        (json!({ "phonenumber": " " }), "blank"),
        (json!({ "phonenumber": 821_012_345_678_u64 }), "invalid"),
        (json!({ "phonenumber": { "country": 82 } }), "invalid"),
        (json!({ "phonenumber": [NUMBER] }), "invalid"),
        (json!({ "phonenumber": "+821012345678".repeat(1000) }), "invalid"),
        (json!({ "phonenumber": "+８２１０１２３４５６７８" }), "invalid"),
    ] {
        let response = post(Served::default(), CHECK, &body).await;
        assert_eq!(refusals_of(response, StatusCode::BAD_REQUEST).await, [refusal("phonenumber", code)], "{body}");
    }
}
