//! What is told of something, and what nobody may set, is not taken from whoever writes it into a request.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};
use support::app::{Answer, TestApp, Visitor};
use support::rows::everything_in;

use crate::bad_input::operations;
use crate::proper_requests::Proper;
use crate::stage::Stage;

on_both_stacks![no_operation_takes_a_field_that_it_does_not_ask_for];

/// Written into every request, beside whatever its own answer tells.
const ALWAYS: [&str; 26] = [
    "id",
    "uuid",
    "user",
    "user_uuid",
    "account_id",
    "user_type",
    "type",
    "username",
    "phonenumber",
    "phonenumber_meta",
    "is_staff",
    "is_superuser",
    "is_active",
    "banned",
    "groups",
    "permission_group",
    "date_joined",
    "verified",
    "completed",
    "status",
    "version",
    "timestamp_created",
    "timestamp_completed",
    "timestamp_departed",
    "timestamp_arrived",
    "current_distribution_center_code",
];

/// What is written where a text goes, and is found again wherever it is kept.
const TEXT: &str = "planted";
const DAY: &str = "1999-12-31";

/// The names of all that this schema describes, at any depth.
fn names(document: &Value, schema: &Value, found: &mut BTreeSet<String>) {
    if let Some(name) = schema["$ref"].as_str().and_then(|it| it.rsplit('/').next()) {
        return names(document, &document["components"]["schemas"][name], found);
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        if found.insert(name.clone()) {
            names(document, inner, found);
        }
    }
    for several in ["allOf", "anyOf", "oneOf"] {
        schema[several].as_array().into_iter().flatten().for_each(|it| names(document, it, found));
    }
    if schema["items"].is_object() {
        names(document, &schema["items"], found);
    }
}

/// The names in the schemas of all these media types.
fn of_content(document: &Value, content: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for media_type in content.as_object().into_iter().flatten().map(|(_, it)| it) {
        names(document, &media_type["schema"], &mut found);
    }
    found
}

/// What is told by an operation or always of interest, and is not asked for.
fn unasked(document: &Value, method: &Method, path: &str) -> BTreeSet<String> {
    let operation = &document["paths"][path][method.as_str().to_lowercase()];
    assert!(operation.is_object(), "{method} {path} is not described");
    let asked = of_content(document, &operation["requestBody"]["content"]);
    let mut told: BTreeSet<_> = ALWAYS.iter().map(|it| (*it).to_owned()).collect();
    for (status, answer) in operation["responses"].as_object().expect("answers") {
        if status.starts_with('2') {
            told.extend(of_content(document, &answer["content"]));
        }
    }
    told.difference(&asked).cloned().collect()
}

/// Everything that goes by this name, at any depth.
fn values<'a>(of: &'a Value, name: &str, found: &mut Vec<&'a Value>) {
    match of {
        Value::Object(members) => {
            found.extend(members.get(name));
            members.values().for_each(|it| values(it, name, found));
        }
        Value::Array(items) => items.iter().for_each(|it| values(it, name, found)),
        _ => {}
    }
}

/// Whether something goes by this name and has this value.
fn tells(answer: &Value, name: &str, value: &Value) -> bool {
    let mut found = Vec::new();
    values(answer, name, &mut found);
    found.contains(&value)
}

/// A value that would do for a field of this name, and is not what it has without being asked for.
fn plausible(name: &str, usual: &Value) -> Value {
    let candidates = match name {
        "is_staff" | "is_superuser" | "is_active" | "banned" | "completed" | "verified" => {
            vec![json!(true), json!(false)]
        }
        "user_type" | "type" => vec![json!("STAFF"), json!("DRIVER")],
        "status" => vec![json!("LOST"), json!("MOVING")],
        "current_distribution_center_code" => vec![json!("ABC002"), json!("ABC001")],
        "phonenumber" => vec![json!("+821033334444")],
        "tracking_number" => vec![json!("19991231-0123456789")],
        "groups" | "permission_group" => vec![json!([TEXT])],
        "batch_count" | "version" | "delete_count" => vec![json!(4242)],
        "dob" => vec![json!(DAY)],
        "date_joined" | "created_at" | "expires_at" | "last_used_at" => vec![json!(format!("{DAY}T23:59:59Z"))],
        _ if name.starts_with("timestamp_") => vec![json!(format!("{DAY}T23:59:59.000000Z"))],
        _ if name.ends_with("id") || name.ends_with("uuid") => vec![json!("0190a3f0-7b1c-7d2e-8f00-00000000feed")],
        _ => vec![json!(TEXT)],
    };
    candidates.into_iter().find(|it| !tells(usual, name, it)).unwrap_or(Value::Null)
}

/// What somebody may do.
async fn rights(root: &Visitor, user: &str) -> Value {
    let row = root.get(&format!("/api/v1/user/users/{user}/")).await.expecting(StatusCode::OK);
    let of_interest = ["type", "is_staff", "is_superuser", "is_active", "banned", "groups"];
    of_interest.iter().map(|it| ((*it).to_owned(), row[*it].clone())).collect::<Map<_, _>>().into()
}

/// Sends it, and says what became of whom it is about.
async fn outcome(root: &Visitor, method: &Method, request: &Proper) -> (Answer, Option<Value>) {
    let sent = request.who.request(method.clone(), &request.path).json(&request.body);
    let answer = Answer::to(sent).await;
    let signed_up = || answer.body["user_profile"]["uuid"].as_str().map(str::to_owned);
    let rights = match request.about.clone().or_else(signed_up) {
        Some(user) => Some(rights(root, &user).await),
        None => None,
    };
    (answer, rights)
}

async fn no_operation_takes_a_field_that_it_does_not_ask_for(app: TestApp) {
    let document = app.anybody().get("/api/docs/openapi.json").await.expecting(StatusCode::OK);
    let (stage, root) = (Stage::set(&app).await, app.superuser().await);
    let mut planted_in_all = BTreeMap::new();

    for (method, path) in operations(&app, &["post", "put", "patch"]).await {
        let usual = Proper::to(&app, &stage, &method, &path).await;
        let (usual, usual_rights) = outcome(&root, &method, &usual).await;
        assert!(usual.status.is_success(), "{method} {path}: {} {:#}", usual.status, usual.body);

        let mut request = Proper::to(&app, &stage, &method, &path).await;
        let planted: BTreeMap<String, Value> = unasked(&document, &method, &path)
            .into_iter()
            .map(|name| (name.clone(), plausible(&name, &usual.body)))
            .filter(|(_, value)| !value.is_null())
            .collect();
        for (name, value) in &planted {
            request.body[name] = value.clone();
        }
        let (answer, rights) = outcome(&root, &method, &request).await;

        assert_eq!(answer.status, usual.status, "{method} {path} with more: {:#}", answer.body);
        for (name, value) in &planted {
            assert!(!tells(&answer.body, name, value), "{method} {path} takes {name}: {:#}", answer.body);
        }
        assert_eq!(rights, usual_rights, "{method} {path} gives rights");
        planted_in_all.insert(format!("{method} {path}"), planted.len());
    }

    assert!(planted_in_all.values().all(|it| *it >= 20), "too little was planted: {planted_in_all:?}");
    for (place, rows) in everything_in(&app).await {
        for mark in [TEXT, DAY] {
            assert!(rows.iter().all(|it| !it.contains(mark)), "{mark} is in {place}");
        }
    }
}
