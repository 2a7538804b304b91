//! People see and change what they tell of themselves, a picture included.

use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::app::{Answer, Stack, TestApp, Visitor};
use support::pictures;
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant};

on_both_stacks![
    a_profile_is_changed_as_json_as_a_form_and_in_parts,
    what_is_not_ones_to_change_stays,
    every_fault_of_a_change_is_told_and_nothing_changes,
    a_picture_is_cut_to_size_and_served,
    the_files_of_a_picture_go_with_it,
    what_is_no_picture_or_too_large_a_one_is_refused_at_once,
    a_change_is_seen_at_once_here_and_within_a_second_elsewhere,
    twenty_uploads_at_once_neither_fail_nor_hold_up_the_others,
    pictures_in_a_bucket_are_behind_signed_links,
];

pub(crate) const PROFILE: &str = "/api/v1/user/users/self/profile/";

pub(crate) async fn upload(visitor: &Visitor, name: &str, bytes: Vec<u8>) -> Answer {
    let picture = Part::bytes(bytes).file_name(name.to_owned()).mime_str("image/png").expect("a media type");
    let request = visitor.request(Method::PATCH, PROFILE);
    Answer::to(request.multipart(Form::new().part("image", picture))).await
}

async fn a_profile_is_changed_as_json_as_a_form_and_in_parts(app: TestApp) {
    let driver = app.driver().await;

    let changed = driver.patch(PROFILE, json!({ "fullname": "Kim Minsu", "dob": "1990-02-28" })).await;
    let changed = changed.expecting(StatusCode::OK);
    assert_eq!((&changed["fullname"], &changed["dob"]), (&json!("Kim Minsu"), &json!("1990-02-28")));
    assert_eq!(driver.get(PROFILE).await.expecting(StatusCode::OK), changed);

    let form = driver.request(Method::PATCH, PROFILE).form(&[("fullname", "박민호")]);
    let changed = Answer::to(form).await.expecting(StatusCode::OK);
    assert_eq!((&changed["fullname"], &changed["dob"]), (&json!("박민호"), &json!("1990-02-28")));

    let parts = Form::new().text("fullname", "Park Minho").text("dob", "1991-03-01");
    let request = driver.request(Method::PATCH, PROFILE).multipart(parts);
    let changed = Answer::to(request).await.expecting(StatusCode::OK);
    assert_eq!((&changed["fullname"], &changed["dob"]), (&json!("Park Minho"), &json!("1991-03-01")));

    let cleared = driver.patch(PROFILE, json!({ "fullname": null, "dob": null })).await.expecting(StatusCode::OK);
    assert_eq!((&cleared["fullname"], &cleared["dob"]), (&Value::Null, &Value::Null));
}

async fn what_is_not_ones_to_change_stays(app: TestApp) {
    let clerk = app.clerk().await;
    let before = clerk.get(PROFILE).await.expecting(StatusCode::OK);

    let everything = json!({
        "uuid": "00000000-0000-0000-0000-000000000001", "phonenumber": "+821099999999", "username": "root",
        "type": "DRIVER", "user": 1, "permission_group": ["root"], "is_staff": true, "is_superuser": true,
        "is_active": false, "banned": true, "date_joined": "2020-01-01T00:00:00Z", "groups": ["root"], "email": "a@b.c",
        "password": "another password", "unknown": [1, 2, 3],
    });
    let after = clerk.patch(PROFILE, everything).await.expecting(StatusCode::OK);

    assert_eq!(after, before);
    clerk.get("/api/v1/user/users/").await.refused(StatusCode::FORBIDDEN, "permission_denied");
}

async fn every_fault_of_a_change_is_told_and_nothing_changes(app: TestApp) {
    let driver = app.driver().await;
    let before = driver.get(PROFILE).await.expecting(StatusCode::OK);

    for (body, faults) in [
        (json!({ "fullname": "x".repeat(33), "dob": "28.2.1990" }), vec!["fullname", "dob"]),
        (json!({ "fullname": 42 }), vec!["fullname"]),
        (json!({ "dob": "1990-02-30" }), vec!["dob"]),
        (json!({ "image": "aGVsbG8=" }), vec!["image"]),
        (json!([]), vec![]),
        (json!("friday"), vec![]),
    ] {
        let problem = driver.patch(PROFILE, body.clone()).await.expecting(StatusCode::BAD_REQUEST);
        let told = problem["errors"].as_array().expect("faults");
        for field in faults {
            assert!(told.iter().any(|it| it["field"] == field), "{body}: {problem:#}");
        }
    }
    assert_eq!(driver.get(PROFILE).await.expecting(StatusCode::OK), before);
}

/// Fetches a picture where a profile says it is.
async fn fetched(app: &TestApp, url: &str) -> (StatusCode, Vec<u8>, String) {
    let url = if url.starts_with('/') { format!("{}{url}", app.base) } else { url.to_owned() };
    let answer = reqwest::get(url).await.expect("an answer");
    let header = |name: &str| answer.headers().get(name).and_then(|it| it.to_str().ok()).unwrap_or("").to_owned();
    let (status, media_type) = (answer.status(), header("content-type"));
    if status == StatusCode::OK {
        assert_eq!(header("x-content-type-options"), "nosniff");
    }
    (status, answer.bytes().await.expect("a body").to_vec(), media_type)
}

async fn a_picture_is_cut_to_size_and_served(app: TestApp) {
    let clerk = app.clerk().await;

    let changed = upload(&clerk, "../../me.exe", pictures::png(640, 480, true)).await.expecting(StatusCode::OK);

    let url = changed["image"].as_str().expect("a URL");
    assert!(url.contains("/images/user/staff/") && url.contains(".medium.png") && !url.contains("me.exe"), "{url}");
    let (status, medium, media_type) = fetched(&app, url).await;
    assert_eq!((status, media_type.as_str()), (StatusCode::OK, "image/png"));
    assert_eq!(pictures::size_of_png(&medium), Some((300, 300)));
    let (status, small, _) = fetched(&app, &url.replace(".medium.", ".small.")).await;
    assert_eq!((status, pictures::size_of_png(&small)), (StatusCode::OK, Some((100, 100))));

    let small = upload(&clerk, "small.png", pictures::png(50, 40, true)).await.expecting(StatusCode::OK);
    let (_, medium, _) = fetched(&app, small["image"].as_str().expect("a URL")).await;
    assert_eq!(pictures::size_of_png(&medium), Some((50, 40)), "it is never enlarged");

    let opaque = upload(&clerk, "photo.png", pictures::png(400, 400, false)).await.expecting(StatusCode::OK);
    let (_, medium, media_type) = fetched(&app, opaque["image"].as_str().expect("a URL")).await;
    assert!(media_type == "image/jpeg" && medium.starts_with(&[0xFF, 0xD8]), "{media_type}");

    for path in ["/media/../test.db", "/media/images/user/staff/..%2f..%2ftest.db", "/media/test.db", "/media/"] {
        let (status, ..) = fetched(&app, path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
}

async fn the_files_of_a_picture_go_with_it(app: TestApp) {
    let clerk = app.clerk().await;
    let picture = || pictures::png(320, 320, true);
    let first = upload(&clerk, "a.png", picture()).await.expecting(StatusCode::OK);
    let first = first["image"].as_str().expect("a URL").to_owned();

    let second = upload(&clerk, "b.png", picture()).await.expecting(StatusCode::OK);

    let second = second["image"].as_str().expect("a URL").to_owned();
    assert_ne!(first, second);
    is_gone(&app, &first).await;
    assert_eq!(fetched(&app, &second).await.0, StatusCode::OK);

    let removed = clerk.patch(PROFILE, json!({ "image": null })).await.expecting(StatusCode::OK);
    assert_eq!(removed["image"], Value::Null);
    is_gone(&app, &second).await;
}

async fn is_gone(app: &TestApp, url: &str) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while fetched(app, url).await.0 != StatusCode::NOT_FOUND {
        assert!(Instant::now() < deadline, "{url} is still there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn what_is_no_picture_or_too_large_a_one_is_refused_at_once(app: TestApp) {
    let clerk = app.clerk().await;
    for (what, bytes) in [
        ("fifty thousand pixels each way", pictures::png_that_claims(50_000, 50_000)),
        ("no pixel at all", pictures::png_that_claims(0, 0)),
        ("half of it", pictures::png(100, 100, true)[..2_000].to_vec()),
        ("a vector image", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".to_vec()),
        ("a page", b"<html><script>alert(1)</script></html>".to_vec()),
        ("nothing", Vec::new()),
    ] {
        let answer = upload(&clerk, "me.png", bytes).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}: {:#}", answer.body);
        assert_eq!(answer.body["errors"][0]["field"], "image", "{what}: {:#}", answer.body);
    }
    let mut huge = pictures::png(100, 100, true);
    huge.resize(11 * 1024 * 1024, 0);
    let answer = upload(&clerk, "me.png", huge).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{:#}", answer.body);
    assert_eq!(clerk.get(PROFILE).await.expecting(StatusCode::OK)["image"], Value::Null);
}

async fn a_change_is_seen_at_once_here_and_within_a_second_elsewhere(app: TestApp) {
    let clerk = app.clerk().await;
    // In memory there is no elsewhere: that is for one instance alone.
    let other = if app.stack == Stack::Networked { Some(app.beside().await) } else { None };
    let there = clerk.at(other.as_ref().unwrap_or(&app));
    for name in ["One", "Two", "Three"] {
        there.get(PROFILE).await.expecting(StatusCode::OK);

        clerk.patch(PROFILE, json!({ "fullname": name })).await.expecting(StatusCode::OK);

        let deadline = Instant::now() + Duration::from_millis(1_500);
        assert_eq!(clerk.get(PROFILE).await.expecting(StatusCode::OK)["fullname"], name);
        while there.get(PROFILE).await.expecting(StatusCode::OK)["fullname"] != name {
            assert!(Instant::now() < deadline, "the other instance still shows the old name");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn twenty_uploads_at_once_neither_fail_nor_hold_up_the_others(app: TestApp) {
    let (clerk, driver) = (app.clerk().await, app.driver().await);
    let mut uploads = JoinSet::new();
    for _ in 0..20 {
        let clerk = clerk.clone();
        uploads.spawn(async move { upload(&clerk, "me.png", pictures::png(800, 800, true)).await });
    }

    driver.get(PROFILE).await.expecting(StatusCode::OK);

    for answer in uploads.join_all().await {
        let status = answer.status.as_u16();
        assert!(matches!(status, 200 | 409 | 503), "{status}: {:#}", answer.body);
    }
    let left = clerk.get(PROFILE).await.expecting(StatusCode::OK);
    assert_eq!(fetched(&app, left["image"].as_str().expect("a URL")).await.0, StatusCode::OK);
}

/// `TEST_S3_ENDPOINT` names a server that speaks like Amazon S3; `cargo xtask test` starts one.
async fn pictures_in_a_bucket_are_behind_signed_links(app: TestApp) {
    let Some(endpoint) = support::s3_endpoint() else { return };
    let bucket = format!("pictures-{}", app.variable("CACHE_PREFIX"));
    let made = reqwest::Client::new().put(format!("{endpoint}/{bucket}")).send().await.expect("an answer");
    assert!(made.status().is_success(), "{}", made.status());
    let url = format!("s3://{bucket}?region=us-east-1&endpoint={endpoint}");
    let keys = [("STORAGE_URL", url.as_str()), ("AWS_ACCESS_KEY_ID", "tests"), ("AWS_SECRET_ACCESS_KEY", "tests")];
    // The instance that keeps pictures in a folder must not be the one that removes this one.
    let _quiet = app.quiet().await;
    let app = app.beside_with(&keys).await;
    let clerk = app.clerk().await;

    let changed = upload(&clerk, "me.png", pictures::png(400, 400, true)).await.expecting(StatusCode::OK);

    let signed = changed["image"].as_str().expect("a URL").to_owned();
    assert!(signed.starts_with(&endpoint) && signed.contains("X-Amz-Signature="), "{signed}");
    let picture = reqwest::get(&signed).await.expect("an answer");
    assert_eq!(picture.status(), StatusCode::OK);
    assert_eq!(pictures::size_of_png(&picture.bytes().await.expect("a body")), Some((300, 300)));
    clerk.patch(PROFILE, json!({ "image": null })).await.expecting(StatusCode::OK);
    let deadline = Instant::now() + Duration::from_secs(5);
    while reqwest::get(&signed).await.expect("an answer").status() == StatusCode::OK {
        assert!(Instant::now() < deadline, "the file is still there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
