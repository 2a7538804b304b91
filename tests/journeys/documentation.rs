//! What the API says of itself.

use reqwest::StatusCode;
use support::app::TestApp;

on_both_stacks![the_documentation_is_complete_and_fetches_nothing_from_elsewhere];

async fn the_documentation_is_complete_and_fetches_nothing_from_elsewhere(app: TestApp) {
    let document = app.anybody().get("/api/docs/openapi.json").await.expecting(StatusCode::OK);
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let of = format!("{method} {path}");
            assert!(operation["summary"].is_string(), "{of} has no summary");
            assert!(operation["tags"].as_array().is_some_and(|it| !it.is_empty()), "{of} has no tag");
            assert!(operation["responses"].as_object().is_some_and(|it| it.len() > 1), "{of} has no error answers");
        }
    }

    for page in ["/api/docs/swagger", "/api/docs/redoc", "/"] {
        let page = app.anybody().get(page).await;
        assert_eq!(page.status, StatusCode::OK);
        for tag in ["<script src=\"http", "<link href=\"http", "fonts.googleapis.com", "unpkg.com", "jsdelivr"] {
            assert!(!page.text.contains(tag), "{tag}");
        }
    }
}
