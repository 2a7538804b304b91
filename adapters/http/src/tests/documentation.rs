//! The document and its pages.

use serde_json::{Value, json};

use super::contexts::{Served, serving};
use super::{Parcels, around, foundations};
use crate::docs::Docs;
use crate::{HttpSettings, document};

/// What takes no credential.
const PUBLIC: [&str; 10] = [
    "/api/v1/auth/phonenumber/check/",
    "/api/v1/auth/public-keys/",
    "/api/v1/auth/signin/",
    "/api/v1/auth/signin/token_confirm/",
    "/api/v1/auth/signin/token_request/",
    "/api/v1/auth/signup/",
    "/api/v1/auth/signup/token_confirm/",
    "/api/v1/auth/signup/token_request/",
    "/api/v1/auth/token/refresh/",
    "/api/v1/auth/token/verify/",
];

fn document() -> Value {
    document::document(&document::service::<Parcels>())
}

#[test]
fn every_path_is_written_as_the_original_wrote_it() {
    let document = document();
    let paths: Vec<_> = document["paths"].as_object().expect("paths").keys().collect();

    assert!(paths.iter().all(|path| path.starts_with("/api/v1/") && path.ends_with('/')), "{paths:?}");
}

#[test]
fn a_query_is_documented_parameter_by_parameter() {
    let document = document();
    let parameters = document["paths"]["/api/v1/parcels/"]["get"]["parameters"].as_array().expect("parameters");
    let schema_of = |name: &str| &parameters.iter().find(|it| it["name"] == name).expect(name)["schema"];

    let names: Vec<_> = parameters.iter().map(|it| it["name"].as_str().unwrap_or_default()).collect();
    assert_eq!(names, ["cursor", "fragile", "ordering", "owner", "page", "page_size", "size"]);
    assert!(
        parameters.iter().all(|it| it["in"] == "query" && it["required"] == false && it["description"].is_string())
    );
    assert_eq!(*schema_of("size"), json!({ "type": "string", "enum": ["SMALL", "LARGE"] }));
    assert_eq!(*schema_of("owner"), json!({ "type": "string", "format": "uuid" }));
    assert_eq!(schema_of("ordering")["pattern"], "^-?(created|label)(,-?(created|label))*$");
}

#[test]
fn a_body_is_documented_by_the_reading_of_it_for_json_and_forms() {
    let document = document();
    let body = &document["paths"]["/api/v1/parcels/"]["post"]["requestBody"];
    assert_eq!(body["required"], true);
    for media_type in ["application/json", "application/x-www-form-urlencoded"] {
        assert_eq!(body["content"][media_type]["schema"]["$ref"], "#/components/schemas/NewParcel");
    }

    let schema = &document["components"]["schemas"]["NewParcel"];
    assert_eq!(schema["required"], json!(["label"]));
    assert_eq!(
        schema["properties"]["label"],
        json!({ "type": "string", "maxLength": 5, "pattern": "\\S", "description": "What it is called." })
    );
    assert_eq!(schema["properties"]["owner"]["nullable"], true);
    assert_eq!(schema["example"], json!({ "label": "tea", "fragile": true }));
}

#[test]
fn a_bulk_body_is_documented_as_one_or_many() {
    let document = document();
    let schema = &document["paths"]["/api/v1/parcels/add/"]["post"]["requestBody"]["content"]["application/json"];

    assert_eq!(schema["schema"]["oneOf"][1]["maxItems"], 1000);
}

#[test]
fn every_post_takes_a_key_and_nothing_else_does() {
    let document = document();
    let has_key = |path: &str, method: &str| {
        let parameters = document["paths"][path][method]["parameters"].as_array();
        parameters.into_iter().flatten().any(|it| it["name"] == "Idempotency-Key" && it["in"] == "header")
    };

    assert!(has_key("/api/v1/parcels/", "post") && has_key("/api/v1/parcels/add/", "post"));
    assert!(!has_key("/api/v1/parcels/", "get"));
}

#[test]
fn an_operation_lists_the_errors_it_can_answer_and_no_others() {
    let document = document();
    let statuses = |path: &str, method: &str| {
        let responses = document["paths"][path][method]["responses"].as_object().expect("responses");
        responses.keys().cloned().collect::<Vec<_>>().join(" ")
    };

    assert_eq!(statuses("/api/v1/parcels/", "get"), "200 400 404 429 500 503");
    assert_eq!(statuses("/api/v1/parcels/", "post"), "200 400 408 409 413 415 422 429 500 503");
    let answer = &document["paths"]["/api/v1/parcels/"]["post"]["responses"];
    let problem = &answer["400"]["content"]["application/problem+json"]["schema"]["$ref"];
    assert_eq!(problem, "#/components/schemas/Problem");
    assert!(answer["200"]["content"]["application/json"].is_object());
}

#[test]
fn the_public_contract_changes_only_on_purpose() {
    let mut document: Value = serde_json::from_str(&crate::openapi_document()).expect("JSON");
    document["info"]["version"] = "[version]".into();

    insta::assert_json_snapshot!("openapi", document);
}

#[test]
fn every_operation_says_what_it_does_who_may_do_it_and_gives_an_example() {
    let document: Value = serde_json::from_str(&crate::openapi_document()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let operations: Vec<_> = paths
        .iter()
        .flat_map(|(path, methods)| {
            methods.as_object().into_iter().flatten().map(move |(method, it)| (path, method, it))
        })
        .collect();

    assert!(operations.len() > 15, "operations were found");
    for (path, method, operation) in operations {
        let public = PUBLIC.contains(&path.as_str());
        assert!(operation["summary"].is_string() && operation["operationId"].is_string(), "{method} {path}");
        assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{method} {path}");
        let schemes = json!([{ "BearerAuth": [] }, { "ApiKeyAuth": [] }]);
        assert_eq!(operation["security"], if public { Value::Null } else { schemes }, "{method} {path}");
        let answers = operation["responses"].as_object().expect("responses");
        let refusals = refusals_of(path, method, operation, public);
        let missing: Vec<_> = refusals.into_iter().filter(|it| !answers.contains_key(*it)).collect();
        assert!(missing.is_empty(), "{method} {path} does not say that it answers {missing:?}");
        for (status, body) in answers.iter().chain([(&"asked".to_owned(), &operation["requestBody"])]) {
            let Some(content) = body.get("content") else { continue };
            for (media_type, content) in content.as_object().expect("media types") {
                assert!(has_example(&document, content), "{method} {path}, {status}, {media_type} has no example");
            }
        }
    }
}

#[test]
fn an_operation_lists_the_errors_that_come_of_its_body_too() {
    let document: Value = serde_json::from_str(&crate::openapi_document()).expect("JSON");
    let answers = |path: &str, status: &str| document["paths"][path]["post"]["responses"][status].is_object();

    assert!(answers("/api/v1/auth/phonenumber/check/", "404"));
    for path in ["signin/token_confirm/", "token/refresh/", "token/verify/"] {
        assert!(answers(&format!("/api/v1/auth/{path}"), "401"), "{path}");
    }
    assert!(!answers("/api/v1/auth/signin/", "401") && !answers("/api/v1/auth/signup/", "404"));
}

#[test]
fn a_picture_is_documented_as_a_file_of_a_multipart_body() {
    let document: Value = serde_json::from_str(&crate::openapi_document()).expect("JSON");
    let body = &document["paths"]["/api/v1/user/users/self/profile/"]["patch"]["requestBody"];

    for media_type in ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"] {
        assert_eq!(body["content"][media_type]["schema"]["$ref"], "#/components/schemas/ChangeProfile");
    }
    let image = &document["components"]["schemas"]["ChangeProfile"]["properties"]["image"];
    assert_eq!((&image["format"], &image["nullable"]), (&json!("binary"), &json!(true)));
}

/// What any operation of this kind may be refused with.
fn refusals_of(path: &str, method: &str, operation: &Value, public: bool) -> Vec<&'static str> {
    let mut refusals = vec!["400", "429", "500", "503"];
    if !public {
        refusals.extend(["401", "403"]);
    }
    if path.contains('{') {
        refusals.push("404");
    }
    if method != "get" {
        refusals.push("409");
    }
    if method == "post" {
        // Of whoever sends a key, the body is read before the operation sees it.
        refusals.extend(["408", "413", "422"]);
    }
    if operation["requestBody"].is_object() {
        refusals.extend(["408", "413", "415"]);
    }
    refusals
}

#[test]
fn what_may_be_null_is_always_told() {
    let document: Value = serde_json::from_str(&crate::openapi_document()).expect("JSON");
    let required = |schema: &str| document["components"]["schemas"][schema]["required"].to_string();

    assert!(required("Transport").contains("\"driver\"") && required("Page_Item").contains("\"next\""));
    assert!(!required("Page_Item").contains("\"count\""), "beyond a cursor nothing is counted");
    assert!(!required("Profile").contains("\"dob\""), "staff has none");
    assert_eq!(required("BatchChanges"), "null", "what is left out stays as it is");
}

/// Whether what is sent in one media type is shown: by itself, by its schema, or by that of what it has many of.
fn has_example(document: &Value, content: &Value) -> bool {
    let found = |reference: &Value| document.pointer(reference.as_str().expect("a reference").trim_start_matches('#'));
    if let Some(problem) = content["examples"]["problem"].get("$ref") {
        return found(problem).is_some_and(|it| it["value"].is_object());
    }
    let schema = &content["schema"];
    let one = [&schema["oneOf"][0], &schema["items"], schema].into_iter().find_map(|it| it.get("$ref"));
    one.and_then(found).is_some_and(|it| it["example"].is_object())
}

#[tokio::test]
async fn the_documentation_is_public_only_where_it_is_meant_to_be() {
    for (public, token, status) in [(true, "", 200), (false, "", 401), (false, "nobody", 403), (false, "staff", 200)] {
        let settings = HttpSettings { public_docs: public, ..HttpSettings::default() };
        let client = serving(Served::default(), settings);
        for page in ["openapi.json", "swagger", "redoc/"] {
            let request = client.get(format!("/api/docs/{page}"));
            let request =
                if token.is_empty() { request } else { request.header("authorization", format!("Bearer {token}")) };
            assert_eq!(request.send().await.0.status().as_u16(), status, "{page} for {token:?}");
        }
        client.get("/").send().await.assert_status_is_ok();
    }
}

#[tokio::test]
async fn the_pages_load_nothing_from_anywhere_else() {
    let docs = Docs::of(&document::service::<Parcels>()).resources(true);
    let client = around(docs, foundations(), HttpSettings::default());

    client.get("/api/docs/openapi.json").send().await.assert_content_type("application/json");
    for path in ["/", "/api/docs/swagger", "/api/docs/redoc"] {
        let response = client.get(path).send().await;
        response.assert_content_type("text/html; charset=utf-8");
        let policy = response.0.header("content-security-policy").expect("a policy").to_owned();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("http"), "{policy}");
        let page = response.0.into_body().into_string().await.expect("a page");
        for load in ["<link ", "src=\"http", "src='http", "@import", "url(http", "url(\"http"] {
            let outside_of_scripts: String =
                page.split("<script").map(|it| it.rsplit("</script>").next().unwrap_or(it)).collect();
            assert!(!outside_of_scripts.contains(load), "{path} has {load}");
        }
        assert!(path == "/" || page.contains("/api/v1/parcels/"), "{path} shows our document");
        assert!(path == "/" || policy.matches("'sha256-").count() == 2, "{policy}");
    }
}
