//! What the document refuses in a field, the operation refuses, too, and names the field.

use jsonschema::Validator;
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};
use support::app::{Answer, Stack, TestApp};

use crate::bad_input::{operations, with_ids};

/// Nearly what some field takes, beside the usual nonsense.
fn odd(schema: &Value) -> Vec<Value> {
    let texts = [
        "",
        " ",
        "\u{85}",
        "\u{a0}",
        "\u{1c}",
        "\u{feff}",
        "\u{200b}",
        "0",
        "00",
        "01",
        "1",
        " 1",
        "1 ",
        "1\n",
        "-1",
        "1.5",
        "+1",
        "last ",
        "LAST",
        "true",
        "True",
        "false",
        ",",
        "-",
        "a",
        "a\u{85}",
        "a\u{1c}",
        "a\u{feff}",
        "\u{3000}a",
        "a\tb",
        "a\u{7f}b",
        "created,",
        " -created",
        "null",
        "[]",
        "STAFF ",
        "driver",
        " 2026-01-02",
        "2026-01-02 ",
        "2026-1-2",
        " 2026-01-02T12:00:00Z",
        "2026-01-02T12:00:00Z\n",
        " 0190a3f0-7b1c-7d2e-8f00-000000000001",
        "{0190a3f0-7b1c-7d2e-8f00-000000000001}",
    ];
    let mut values: Vec<Value> = texts.into_iter().map(Value::from).collect();
    values.extend([json!(null), json!(true), json!(0), json!(1), json!(-1), json!(1.5), json!([]), json!({})]);
    values.extend([
        json!([null]),
        json!([0]),
        json!([""]),
        json!([" "]),
        json!({ "uuid": null }),
        json!({ "uuid": [1] }),
        json!(["0190a3f0-7b1c-7d2e-8f00-000000000001 "]),
    ]);
    if let Some(longest) = schema["maxLength"].as_u64().map(|it| usize::try_from(it).expect("a length")) {
        let blanks = " ".repeat(longest);
        values.extend([format!("0{blanks}"), format!("{blanks}0"), format!("{blanks} ")].map(Value::from));
        values.push("0".repeat(longest + 1).into());
    }
    if let Some(most) = schema["maxItems"].as_u64() {
        values.push((0..=most).map(|_| "a").collect());
    }
    values
}

/// The schema that `described` stands for, in the dialect of the validator.
fn validator(described: &Value) -> Validator {
    let mut schema = described.clone();
    if schema["nullable"] == true {
        schema = json!({ "anyOf": [schema, { "type": "null" }] });
    }
    let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012);
    options.should_validate_formats(true).build(&schema).expect("a schema")
}

/// The object that an operation takes, or one of.
fn object(document: &Value, schema: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str().and_then(|it| it.rsplit('/').next()) {
        return object(document, &document["components"]["schemas"][name]);
    }
    match schema["oneOf"].as_array() {
        Some(several) => object(document, &several[0]),
        None => schema.clone(),
    }
}

/// Whether the answer is a refusal that names this field.
fn names(answer: &Answer, field: &str) -> bool {
    let faults = answer.body["errors"].as_array().into_iter().flatten();
    let mut places = faults.filter_map(|it| it["field"].as_str());
    answer.status == StatusCode::BAD_REQUEST && places.any(|it| it.split(['.', '[']).next() == Some(field))
}

/// Only on the embedded stack: what is refused never gets to where the stacks differ.
#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_the_document_is_refused_field_by_field() {
    let app = TestApp::start(Stack::Embedded).await.expect("the embedded stack is always there");
    let root = app.superuser().await;
    let document = app.anybody().get("/api/docs/openapi.json").await.expecting(StatusCode::OK);
    let (mut asked, mut taken) = (0, Vec::new());
    for (method, path) in operations(&app, &["post", "patch", "put"]).await {
        let operation = &document["paths"][&path][method.as_str().to_lowercase()];
        let body = object(&document, &operation["requestBody"]["content"]["application/json"]["schema"]);
        for (field, schema) in body["properties"].as_object().into_iter().flatten() {
            let document = validator(schema);
            for value in odd(schema).into_iter().filter(|it| !document.is_valid(it)) {
                let request = root.request(method.clone(), &with_ids(&path)).json(&json!({ field: value }));
                let answer = Answer::to(request).await;
                asked += 1;
                if !names(&answer, field) {
                    taken.push(format!("{method} {path} {field} {value}: {} {}", answer.status, answer.text));
                }
            }
        }
    }
    for (method, path) in operations(&app, &["get"]).await {
        let parameters = document["paths"][&path]["get"]["parameters"].as_array().into_iter().flatten();
        for parameter in parameters.filter(|it| it["in"] == "query") {
            let (name, schema) = (parameter["name"].as_str().expect("a name"), &parameter["schema"]);
            let document = validator(schema);
            for value in odd(schema).iter().filter_map(Value::as_str).filter(|it| breaks(&document, schema, it)) {
                let url = Url::parse_with_params("http://any", [(name, value)]).expect("a URL");
                let answer = root.get(&format!("{}?{}", with_ids(&path), url.query().expect("a query"))).await;
                asked += 1;
                if !names(&answer, name) {
                    taken.push(format!("{method} {path} ?{name}={value:?}: {} {}", answer.status, answer.text));
                }
            }
        }
    }
    assert!(taken.is_empty(), "{} of {asked}:\n{}", taken.len(), taken.join("\n"));
    assert!(asked > 1_000, "{asked}");
}

/// Whether a parameter may not be this. All are texts: a number is one by its digits, a boolean by its name or its number
/// in any case, and what is blank was left out.
fn breaks(document: &Validator, schema: &Value, text: &str) -> bool {
    let value = match schema["type"].as_str() {
        Some("integer") => text.parse::<i64>().map_or(Value::Null, Value::from),
        Some("boolean") => match text.to_lowercase().trim() {
            "true" | "1" => json!(true),
            "false" | "0" => json!(false),
            _ => Value::Null,
        },
        _ => text.into(),
    };
    !text.chars().all(char::is_whitespace) && !document.is_valid(&value)
}
