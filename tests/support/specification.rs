//! The `OpenAPI` document as a judge: whatever is answered has to be what it says.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use jsonschema::Validator;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

/// What is served beside the operations, by how its path begins, and why the document is silent about it.
const BESIDE: [(&str, &str); 6] = [
    ("/api/docs/", "the document itself, and the pages that show it"),
    ("/api/healthcheck/", "for whoever starts and stops instances; no client asks for it"),
    ("/healthcheck/", "the same"),
    ("/api/readiness/", "for whoever sends requests to instances; no client asks for it"),
    ("/media/", "files, whose URLs clients are given"),
    ("/dev/inbox/", "a page for a developer's machine"),
];

/// The page that leads to the documentation.
const HOME: &str = "/";

/// Where every refusal is described.
const PROBLEM: &str = "#/components/schemas/Problem";
const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

/// What the document says, ready to be held against answers.
pub struct Specification {
    operations: Vec<Operation>,
    problem: Arc<Validator>,
}

/// One operation.
struct Operation {
    method: Method,
    /// The parts of its path; none for a parameter.
    path: Vec<Option<String>>,
    answers: HashMap<u16, Declared>,
}

/// What one status of an operation means.
struct Declared {
    /// The bodies it may have, by media type. None at all means that there is none.
    bodies: BTreeMap<String, Arc<Validator>>,
    /// The headers it always has.
    headers: Vec<String>,
}

/// What came back for a request.
pub struct Told<'a> {
    /// What was asked.
    pub method: &'a Method,
    /// Of what, without the query.
    pub path: &'a str,
    /// How it ended.
    pub status: StatusCode,
    /// The headers of the answer.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: &'a str,
}

impl Specification {
    /// The document that the product serves.
    pub fn served() -> &'static Self {
        static SERVED: LazyLock<Specification> = LazyLock::new(|| {
            let document = serde_json::from_str(&http_adapter::openapi_document()).expect("a document in JSON");
            Specification::of(&document)
        });
        &SERVED
    }

    /// What `document` says.
    pub fn of(document: &Value) -> Self {
        let mut schemas = Schemas::of(document);
        let mut operations = Vec::new();
        for (path, methods) in members(&document["paths"]) {
            for (method, operation) in members(methods) {
                let method = Method::try_from(method.to_uppercase().as_str()).expect("a method");
                let answers = members(&operation["responses"]);
                let answers = answers.map(|(status, it)| (status.parse().expect("a status"), schemas.declared(it)));
                operations.push(Operation { method, path: template(path), answers: answers.collect() });
            }
        }
        assert!(!operations.is_empty(), "the document describes nothing");
        Self { operations, problem: schemas.validator(&json!({ "$ref": PROBLEM })) }
    }

    /// Whether the answer is one that the document promises; otherwise, what is wrong with it.
    pub fn judge(&self, told: &Told<'_>) -> Result<(), String> {
        let path = format!("{}/", told.path.trim_end_matches('/'));
        if path == HOME || BESIDE.iter().any(|(beginning, _)| path.starts_with(beginning)) {
            return Ok(());
        }
        let parts: Vec<&str> = parts(&path).collect();
        let here: Vec<&Operation> = self.operations.iter().filter(|it| it.is_at(&parts)).collect();
        // Of two templates that fit, the one with fewer parameters is meant.
        let fewest = here.iter().map(|it| it.parameters()).min();
        let here: Vec<&Operation> = here.into_iter().filter(|it| Some(it.parameters()) == fewest).collect();
        let asked = if *told.method == Method::HEAD { Method::GET } else { told.method.clone() };
        match here.iter().find(|it| it.method == asked) {
            Some(operation) => operation.judge(told),
            None if here.is_empty() => self.refused(told, StatusCode::NOT_FOUND),
            // What a browser asks before it asks; the methods are all that is told.
            None if asked == Method::OPTIONS => Ok(()),
            None => self.refused(told, StatusCode::METHOD_NOT_ALLOWED),
        }
    }

    /// There is no such operation: the answer says so, and nothing else.
    fn refused(&self, told: &Told<'_>, status: StatusCode) -> Result<(), String> {
        if told.status != status {
            return Err(format!("no operation is there: {status} was due, not {}", told.status));
        }
        let only = BTreeMap::from([(PROBLEM_MEDIA_TYPE.to_owned(), Arc::clone(&self.problem))]);
        Declared { bodies: only, headers: Vec::new() }.judge(told)
    }
}

impl Operation {
    fn is_at(&self, parts: &[&str]) -> bool {
        let fits = |(template, part): (&Option<String>, &&str)| template.as_ref().is_none_or(|it| it == part);
        self.path.len() == parts.len() && self.path.iter().zip(parts).all(fits)
    }

    fn parameters(&self) -> usize {
        self.path.iter().filter(|it| it.is_none()).count()
    }

    fn judge(&self, told: &Told<'_>) -> Result<(), String> {
        let declared = self.answers.get(&told.status.as_u16());
        declared.ok_or_else(|| format!("the status {} is not declared", told.status))?.judge(told)
    }
}

impl Declared {
    fn judge(&self, told: &Told<'_>) -> Result<(), String> {
        if let Some(missing) = self.headers.iter().find(|it| !told.headers.contains_key(it.as_str())) {
            return Err(format!("the header {missing} is missing"));
        }
        let media_type = told.headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        if self.bodies.is_empty() {
            return if told.body.is_empty() { Ok(()) } else { Err("no body is declared, and there is one".to_owned()) };
        }
        let Some(schema) = self.bodies.get(media_type) else {
            return Err(format!("the content type `{media_type}` is not declared"));
        };
        if *told.method == Method::HEAD {
            return Ok(());
        }
        let body = serde_json::from_str(told.body).map_err(|error| format!("the body is no JSON: {error}"))?;
        let lies: Vec<_> = schema.iter_errors(&body).map(|it| format!("{it} at `{}`", it.instance_path())).collect();
        if lies.is_empty() { Ok(()) } else { Err(lies.join("; ")) }
    }
}

/// The schemas of a document, in the dialect that the validator knows. Each is compiled once.
struct Schemas {
    components: Value,
    compiled: HashMap<String, Arc<Validator>>,
}

impl Schemas {
    fn of(document: &Value) -> Self {
        let schemas = members(&document["components"]["schemas"]);
        let schemas: Map<_, _> = schemas.map(|(name, it)| (name.clone(), translated(it))).collect();
        Self { components: json!({ "schemas": schemas }), compiled: HashMap::new() }
    }

    fn declared(&mut self, answer: &Value) -> Declared {
        let bodies = members(&answer["content"]);
        let bodies = bodies.map(|(media_type, it)| (media_type.clone(), self.validator(&it["schema"]))).collect();
        let headers = members(&answer["headers"]).filter(|(_, it)| it["required"] == true);
        Declared { bodies, headers: headers.map(|(name, _)| name.clone()).collect() }
    }

    fn validator(&mut self, schema: &Value) -> Arc<Validator> {
        let components = &self.components;
        let compiled = self.compiled.entry(schema.to_string()).or_insert_with(|| {
            let mut whole = translated(schema);
            whole["components"] = components.clone();
            let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012);
            Arc::new(options.should_validate_formats(true).build(&whole).expect("a schema"))
        });
        Arc::clone(compiled)
    }
}

/// A schema of `OpenAPI` 3.0 as one of JSON Schema: `nullable` becomes a type. An object has no other members
/// than those that are described: what is told and not said is a lie, too.
fn translated(schema: &Value) -> Value {
    let Value::Object(keywords) = schema else { return schema.clone() };
    let mut plain: Map<_, _> =
        keywords.iter().map(|(keyword, value)| (keyword.clone(), inside(keyword, value))).collect();
    let is_nullable = plain.remove("nullable").is_some_and(|it| it == true);
    if plain.get("type").is_some_and(|it| it == "object") {
        plain.entry("additionalProperties").or_insert(false.into());
    }
    if is_nullable { json!({ "anyOf": [plain, { "type": "null" }] }) } else { plain.into() }
}

/// What a keyword says, if that is made of schemas itself.
fn inside(keyword: &str, value: &Value) -> Value {
    match (keyword, value) {
        ("properties", Value::Object(schemas)) => {
            schemas.iter().map(|(name, it)| (name.clone(), translated(it))).collect::<Map<_, _>>().into()
        }
        ("allOf" | "anyOf" | "oneOf", Value::Array(schemas)) => schemas.iter().map(translated).collect(),
        ("items" | "not" | "additionalProperties", schema) => translated(schema),
        (_, other) => other.clone(),
    }
}

fn template(path: &str) -> Vec<Option<String>> {
    parts(path).map(|it| (!it.starts_with('{')).then(|| it.to_owned())).collect()
}

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|it| !it.is_empty())
}

fn members(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    const BATCH: &str = "/api/v1/shipping/batches/friday/";

    fn a_batch() -> Value {
        json!({
            "uuid": "0190a3f0-7b1c-7d2e-8f00-000000000004",
            "alias": "friday",
            "completed": false,
            "shipping_transport": null,
            "timestamp_created": "2026-01-02T12:00:00.000000Z",
            "timestamp_completed": null,
        })
    }

    fn a_problem(status: u16) -> Value {
        json!({
            "type": "about:blank",
            "title": "Not found",
            "status": status,
            "detail": "Not found.",
            "code": "not_found",
            "errors": [{ "code": "not_found", "message": "Not found." }],
            "correlation_id": "0190a3f0-7b1c-7d2e-8f00-000000000009",
        })
    }

    fn judged(method: &Method, path: &str, status: u16, media_type: &'static str, body: &Value) -> Result<(), String> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))]);
        let (status, body) = (StatusCode::from_u16(status).expect("a status"), body.to_string());
        Specification::served().judge(&Told { method, path, status, headers: &headers, body: &body })
    }

    fn told_of_a_batch(body: &Value) -> Result<(), String> {
        judged(&Method::GET, BATCH, 200, "application/json; charset=utf-8", body)
    }

    #[track_caller]
    fn lies(judged: Result<(), String>, about: &str) {
        let lie = judged.expect_err("it is a lie");
        assert!(lie.contains(about), "{lie}");
    }

    #[test]
    fn the_truth_passes_with_a_slash_at_the_end_and_without() {
        assert_eq!(told_of_a_batch(&a_batch()), Ok(()));
        let without = BATCH.trim_end_matches('/');
        assert_eq!(judged(&Method::GET, without, 404, PROBLEM_MEDIA_TYPE, &a_problem(404)), Ok(()));
    }

    #[test]
    fn a_status_that_is_not_declared_is_a_lie() {
        lies(judged(&Method::GET, BATCH, 201, "application/json", &a_batch()), "201");
        lies(judged(&Method::GET, BATCH, 422, PROBLEM_MEDIA_TYPE, &a_problem(422)), "422");
    }

    #[test]
    fn another_content_type_is_a_lie() {
        lies(judged(&Method::GET, BATCH, 200, "text/plain", &a_batch()), "text/plain");
        lies(judged(&Method::GET, BATCH, 404, "application/json", &a_problem(404)), "application/json");
    }

    #[test]
    fn a_member_that_is_missing_or_too_much_is_a_lie() {
        for name in ["alias", "timestamp_completed"] {
            let mut batch = a_batch();
            batch.as_object_mut().expect("an object").remove(name);
            lies(told_of_a_batch(&batch), name);
        }
        let mut batch = a_batch();
        batch["secret"] = json!("told to everybody");
        lies(told_of_a_batch(&batch), "secret");
    }

    #[test]
    fn a_value_of_another_type_or_format_is_a_lie() {
        for (name, value) in [
            ("completed", json!("no")),
            ("completed", Value::Null),
            ("uuid", json!("4")),
            ("timestamp_created", json!("yesterday")),
            ("shipping_transport", json!({ "uuid": "0190a3f0-7b1c-7d2e-8f00-000000000004" })),
        ] {
            let mut batch = a_batch();
            batch[name] = value;
            lies(told_of_a_batch(&batch), name);
        }
    }

    #[test]
    fn a_header_that_is_promised_and_missing_is_a_lie() {
        lies(judged(&Method::GET, BATCH, 401, PROBLEM_MEDIA_TYPE, &a_problem(401)), "WWW-Authenticate");
    }

    #[test]
    fn a_body_where_none_is_declared_is_a_lie() {
        lies(judged(&Method::DELETE, BATCH, 204, "application/json", &a_batch()), "no body");
    }

    #[test]
    fn where_no_operation_is_only_a_refusal_is_true() {
        let (nowhere, batches) = ("/api/v1/shipping/nothing/", "/api/v1/shipping/batches/");

        assert_eq!(judged(&Method::GET, nowhere, 404, PROBLEM_MEDIA_TYPE, &a_problem(404)), Ok(()));
        assert_eq!(judged(&Method::DELETE, batches, 405, PROBLEM_MEDIA_TYPE, &a_problem(405)), Ok(()));
        lies(judged(&Method::GET, nowhere, 200, "application/json", &json!({})), "404");
        lies(judged(&Method::DELETE, batches, 404, PROBLEM_MEDIA_TYPE, &a_problem(404)), "405");
        lies(judged(&Method::GET, nowhere, 404, "text/html", &json!({})), "text/html");
    }

    #[test]
    fn a_path_that_is_written_out_comes_before_a_parameter() {
        let profile = "/api/v1/user/users/self/profile/";

        lies(judged(&Method::GET, profile, 404, PROBLEM_MEDIA_TYPE, &a_problem(404)), "not declared");
    }

    /// What the document shows as an example has to be one.
    #[test]
    fn every_example_is_what_its_schema_says() {
        let document: Value = serde_json::from_str(&http_adapter::openapi_document()).expect("JSON");
        let mut schemas = Schemas::of(&document);
        let mut seen = 0;
        for (name, schema) in members(&document["components"]["schemas"]) {
            let Some(example) = schema.get("example") else { continue };
            let validator = schemas.validator(&json!({ "$ref": format!("#/components/schemas/{name}") }));
            let lies: Vec<_> = validator.iter_errors(example).map(|it| it.to_string()).collect();
            assert!(lies.is_empty(), "{name}: {lies:?}");
            seen += 1;
        }
        let problem = schemas.validator(&json!({ "$ref": PROBLEM }));
        for (status, example) in members(&document["components"]["examples"]) {
            let lies: Vec<_> = problem.iter_errors(&example["value"]).map(|it| it.to_string()).collect();
            assert!(lies.is_empty(), "{status}: {lies:?}");
            assert_eq!(example["value"]["status"].to_string(), *status);
            seen += 1;
        }
        assert!(seen > 60, "{seen} examples");
    }
}
