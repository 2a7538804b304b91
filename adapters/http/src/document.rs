//! The `OpenAPI` document: what poem-openapi says, put right where it knows less than we do.

use std::collections::HashMap;
use std::marker::PhantomData;

use poem::endpoint::BoxEndpoint;
use poem::http::Method;
use poem_openapi::registry::{MetaApi, Registry};
use poem_openapi::{OpenApi, OpenApiService};
use serde_json::{Value, json};

use crate::fields::NOT_BLANK;
use crate::problem;

/// Where the operations are.
pub(crate) const BASE: &str = "/api/v1";

/// An API that is only described: the document needs no contexts.
pub(crate) struct Described<T>(PhantomData<T>);

impl<T: OpenApi> OpenApi for Described<T> {
    fn meta() -> Vec<MetaApi> {
        T::meta()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn add_routes(self, _: &mut HashMap<String, HashMap<Method, BoxEndpoint<'static>>>) {}
}

/// `T`, ready to be described.
pub(crate) fn service<T: OpenApi>() -> OpenApiService<Described<T>, ()> {
    let about = "Staff register parcels, pack them into batches and load those onto transports \
                 between two distribution centers. A trailing slash is optional everywhere.";
    OpenApiService::new(Described(PhantomData), "Majestic monolith", env!("CARGO_PKG_VERSION")).description(about)
}

/// Errors that come of what is in a body, by operation: elsewhere they come of a credential or a path.
const OF_THE_BODY: [(&str, &str); 4] =
    [("check_phone_number", "404"), ("confirm_sign_in", "401"), ("renew_session", "401"), ("verify_token", "401")];

/// The document of `service`, as it is served.
pub(crate) fn document<T: OpenApi>(service: &OpenApiService<Described<T>, ()>) -> Value {
    // The framework writes valid JSON; should it ever not, an empty document says so plainly.
    let mut document: Value = serde_json::from_str(&service.spec()).unwrap_or_default();
    put_schemas_right(&mut document);
    document["servers"] = json!([{ "url": "/" }]);
    document["components"]["examples"] = problem::examples();
    let paths = document["paths"].as_object_mut().map(std::mem::take).unwrap_or_default();
    let paths = paths.into_iter().map(|(path, mut methods)| {
        for (method, operation) in methods.as_object_mut().into_iter().flatten() {
            put_right(method, operation);
        }
        (format!("{BASE}{path}/"), methods)
    });
    document["paths"] = paths.collect();
    document
}

/// Whether what is at this path is an operation of one of these contexts.
pub(crate) fn is_of(contexts: &[&str], path: &str) -> bool {
    let context = path.strip_prefix(BASE).and_then(|it| it.split('/').nth(1));
    context.is_some_and(|it| contexts.contains(&it))
}

/// What a document says of these contexts, where others are served elsewhere.
pub(crate) fn of(mut document: Value, contexts: &[&str]) -> Value {
    if let Some(paths) = document["paths"].as_object_mut() {
        paths.retain(|path, _| is_of(contexts, path));
    }
    if let Some(chapters) = document["tags"].as_array_mut() {
        chapters.retain(|it| it["name"].as_str().is_some_and(|name| contexts.contains(&name)));
    }
    document
}

/// Members of answers that are null for some and missing for others. Any other that may be null is always there.
const SOMETIMES: [(&str, &str); 1] = [("Profile", "dob")];

/// Puts every schema right, wherever in the document it is.
fn put_schemas_right(document: &mut Value) {
    let schemas = document["components"]["schemas"].as_object_mut();
    for (name, schema) in schemas.into_iter().flatten() {
        // What is read says by itself what it requires; only what is written has a title.
        if schema.get("title").is_some() {
            nullable_is_there(name, schema);
        }
    }
    precisely(document);
}

/// A null is written out: nobody has to tell it from a member that is missing.
fn nullable_is_there(name: &str, schema: &mut Value) {
    let members = schema["properties"].as_object().into_iter().flatten();
    let nullable =
        members.filter(|(member, it)| it["nullable"] == true && !SOMETIMES.contains(&(name, member.as_str())));
    let nullable: Vec<Value> = nullable.map(|(member, _)| member.as_str().into()).collect();
    if nullable.is_empty() {
        return;
    }
    match schema["required"].as_array_mut() {
        Some(required) => required.extend(nullable),
        None => schema["required"] = nullable.into(),
    }
}

/// Says formats by the names that everybody knows, and what is said of a reference beside it, not behind it once more.
fn precisely(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(parts) = members.get_mut("allOf").and_then(Value::as_array_mut) {
                parts.retain(|part| part.get("$ref").is_some());
            }
            match members.get("format").and_then(Value::as_str) {
                Some("naive-date") => {
                    members.insert("format".to_owned(), "date".into());
                }
                Some(format) if format.starts_with("uint") => {
                    members.insert("minimum".to_owned(), 0.into());
                }
                _ => {}
            }
            members.values_mut().for_each(precisely);
        }
        Value::Array(entries) => entries.iter_mut().for_each(precisely),
        _ => {}
    }
}

/// Puts one operation right.
fn put_right(method: &str, operation: &mut Value) {
    let has_body = operation.get("requestBody").is_some();
    let is_guarded = operation.get("security").is_some();
    let mut looks_up = false;
    if let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) {
        *parameters = parameters.drain(..).flat_map(taken_apart).collect();
        looks_up = parameters.iter().any(|it| it["in"] == "path" || it["name"] == "page");
    }
    if method == "post" {
        match operation.get_mut("parameters").and_then(Value::as_array_mut) {
            Some(parameters) => parameters.push(idempotency_key()),
            None => operation["parameters"] = json!([idempotency_key()]),
        }
    }
    let of_the_body: Vec<&str> =
        OF_THE_BODY.iter().filter(|(id, _)| operation["operationId"] == *id).map(|(_, status)| *status).collect();
    let Some(answers) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    answers.retain(|status, _| match status.as_str() {
        status if of_the_body.contains(&status) => true,
        "401" | "403" => is_guarded,
        "404" => looks_up,
        // With a key, whatever is sent is read.
        "408" | "413" => has_body || method == "post",
        "415" => has_body,
        "409" => method != "get",
        "422" => method == "post",
        _ => true,
    });
    for (status, answer) in answers {
        if answer["description"] == "" {
            answer["description"] = if status == "201" { "It was made." } else { "It worked." }.into();
        }
        if let Some(problem) = answer.get_mut("content").and_then(|it| it.get_mut(problem::MEDIA_TYPE)) {
            problem["examples"] = json!({ "problem": { "$ref": format!("#/components/examples/{status}") } });
        }
        without_charset(answer);
    }
}

/// The header that every POST takes: it is read before the operation sees the request.
fn idempotency_key() -> Value {
    let about = "A name for this request. Made again within a day under the same name it does nothing, and gets \
                 the first answer once more, with `Idempotent-Replayed: true`.";
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": false,
        "description": about,
        "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
    })
}

/// A query that is read as a whole is one parameter for each of its members.
fn taken_apart(mut parameter: Value) -> Vec<Value> {
    let schema = &mut parameter["schema"];
    if parameter_is_single(schema) {
        return vec![parameter];
    }
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let members = schema["properties"].as_object_mut().map(std::mem::take).unwrap_or_default();
    let member = |(name, mut schema): (String, Value)| {
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let is_required = required.iter().any(|it| *it == name);
        // Of a query, what is empty is not there.
        if !is_required && schema["pattern"] == NOT_BLANK {
            schema.as_object_mut().map(|schema| schema.remove("pattern"));
        }
        json!({
            "name": name,
            "in": "query",
            "required": is_required,
            "allowEmptyValue": !is_required,
            "description": description,
            "schema": schema,
        })
    };
    members.into_iter().map(member).collect()
}

fn parameter_is_single(schema: &Value) -> bool {
    schema["type"] != "object"
}

/// JSON is UTF-8; generators of clients stumble over a media type that says so.
fn without_charset(response: &mut Value) {
    let Some(content) = response.get_mut("content").and_then(Value::as_object_mut) else { return };
    if let Some(json) = content.remove("application/json; charset=utf-8") {
        content.insert("application/json".to_owned(), json);
    }
}
