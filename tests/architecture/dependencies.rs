//! Dependencies point inward, contexts do not depend on each other, a technology has one owner.

use std::collections::BTreeSet;

use crate::workspace::{KERNEL, Member, context, layer, members};

/// What a layer may be built from.
struct Rule {
    layer: &'static str,
    /// The layers further in that it may use, itself included.
    inner: &'static [&'static str],
    /// Whether it is held to crates that do nothing but compute.
    is_pure: bool,
}

const RULES: &[Rule] = &[
    Rule { layer: "domain", inner: &["domain"], is_pure: true },
    Rule { layer: "application", inner: &["domain", "application"], is_pure: true },
    Rule { layer: "adapters", inner: &["domain", "application"], is_pure: false },
    Rule { layer: "bootstrap", inner: &["domain", "application", "adapters"], is_pure: false },
    Rule { layer: "tests", inner: &["domain", "application", "adapters", "bootstrap"], is_pure: false },
    Rule { layer: "xtask", inner: &[], is_pure: false },
];

/// Crates without input, output or a runtime. mockall is optional, for tests.
const PURE: &[&str] = &["async-trait", "chrono", "mockall", "subtle", "thiserror", "uuid"];

/// What tests of a domain may use besides.
const PURE_FOR_TESTS: &[&str] = &["proptest"];

/// Adapters that serve every context; any other knows one context at most.
const SHARED_ADAPTERS: &[&str] =
    &["adapters/cache", "adapters/contexts", "adapters/http", "adapters/persistence", "adapters/remote"];

/// Crates that tie an adapter to no technology.
const NEUTRAL: &[&str] = &[
    "async-trait",
    "base64",
    "bytes",
    "chrono",
    "futures-util",
    "getrandom",
    "quick_cache",
    "serde",
    "serde_json",
    "sha2",
    "subtle",
    "thiserror",
    "tokio",
    "tracing",
    "url",
    "uuid",
];

/// An adapter speaks to one technology; whoever else wants it goes through a port.
const OWNERS: &[(&str, &[&str])] = &[
    ("adapters/cache", &["bb8-redis", "redis", "rustls"]),
    ("adapters/eventbridge", &["aws-config", "aws-sdk-eventbridge", "aws-smithy-http-client"]),
    (
        "adapters/http",
        &[
            "fluent-bundle",
            "http-body-util",
            "hyper",
            "hyper-util",
            "ipnet",
            "multer",
            "poem",
            "poem-openapi",
            "serde_urlencoded",
            "unic-langid",
        ],
    ),
    ("adapters/images", &["image"]),
    ("adapters/passwords", &["argon2", "pbkdf2"]),
    ("adapters/persistence", &["bb8", "diesel", "diesel-async", "diesel_migrations", "libsqlite3-sys", "mysql_async"]),
    ("adapters/phonenumbers", &["phonenumber"]),
    ("adapters/remote", &["reqwest", "rustls"]),
    ("adapters/secrets", &["chacha20poly1305", "hmac"]),
    ("adapters/slack", &["reqwest", "rustls"]),
    ("adapters/storage", &["object_store", "reqwest", "rustls"]),
    (
        "adapters/telemetry",
        &[
            "metrics",
            "metrics-exporter-prometheus",
            "opentelemetry",
            "opentelemetry-otlp",
            "opentelemetry_sdk",
            "tracing-opentelemetry",
            "tracing-subscriber",
        ],
    ),
    ("adapters/tokens", &["biscuit-auth", "crc32fast", "jsonwebtoken"]),
];

fn violations(member: &Member) -> Vec<String> {
    let folder = &member.folder;
    let Some(rule) = RULES.iter().find(|rule| rule.layer == member.layer()) else {
        return vec![format!("{folder} is in no layer")];
    };
    let mut found = outward(member, rule);
    found.extend(across(member));
    if rule.is_pure {
        let impure = member.external.iter().filter(|it| !PURE.contains(&it.as_str()));
        found.extend(impure.map(|it| format!("{folder} must not depend on {it}: it is no pure crate")));
    }
    if rule.layer == "domain" {
        let allowed = |it: &str| PURE.contains(&it) || PURE_FOR_TESTS.contains(&it);
        let impure = member.for_tests.iter().filter(|it| !allowed(it));
        found.extend(impure.map(|it| format!("{folder} must not depend on {it}, not even in tests")));
    }
    if rule.layer == "adapters" {
        let foreign = member.external.iter().filter(|it| !may_speak(folder, it));
        found.extend(foreign.map(|it| format!("{folder} must not depend on {it}: it is not among the OWNERS of {it}")));
    }
    found
}

fn outward(member: &Member, rule: &Rule) -> Vec<String> {
    let outside = member.inner.iter().filter(|used| !rule.inner.contains(&layer(used)));
    outside.map(|used| format!("{} must not depend on {used}: that layer is outside of it", member.folder)).collect()
}

/// Contexts meet in events and in `adapters/contexts`, nowhere else.
fn across(member: &Member) -> Vec<String> {
    let folder = &member.folder;
    let used: BTreeSet<&str> =
        member.inner.iter().filter(|it| ["domain", "application"].contains(&layer(it))).map(|it| context(it)).collect();
    let of_contexts = used.into_iter().filter(|it| *it != KERNEL);
    match member.layer() {
        "domain" | "application" => of_contexts
            .filter(|it| *it != context(folder))
            .map(|it| format!("{folder} must not depend on the {it} context: contexts meet in events and ports"))
            .collect(),
        "adapters" if !SHARED_ADAPTERS.contains(&folder.as_str()) => of_contexts
            .skip(1)
            .map(|it| {
                format!("{folder} must not know the {it} context too: only {} know several", SHARED_ADAPTERS.join(", "))
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn may_speak(folder: &str, technology: &str) -> bool {
    NEUTRAL.contains(&technology) || OWNERS.iter().any(|(owner, owned)| *owner == folder && owned.contains(&technology))
}

#[test]
fn dependencies_point_inward() {
    let members = members();
    for rule in RULES {
        assert!(members.iter().any(|it| it.layer() == rule.layer), "no {} crate: its rule guards nothing", rule.layer);
    }
    for folder in SHARED_ADAPTERS.iter().chain(OWNERS.iter().map(|(owner, _)| owner)) {
        assert!(members.iter().any(|it| it.folder == *folder), "there is no {folder}: its rule guards nothing");
    }
    assert_eq!(members.iter().flat_map(violations).collect::<Vec<_>>(), [] as [String; 0]);
}

#[test]
fn each_offender_breaks_one_rule() {
    let member = |folder: &str, inner: &[&str], external: &[&str]| Member {
        folder: folder.into(),
        inner: inner.iter().map(ToString::to_string).collect(),
        external: external.iter().map(ToString::to_string).collect(),
        ..Member::default()
    };
    let with_tests_on =
        |technology: &str| Member { for_tests: [technology.to_owned()].into(), ..member("domain/shipping", &[], &[]) };
    for offender in [
        member("domain/shipping", &["application/shipping"], &[]),
        member("domain/shipping", &["domain/user"], &[]),
        member("domain/kernel", &["domain/user"], &[]),
        member("domain/shipping", &[], &["diesel"]),
        member("domain/shipping", &[], &["serde"]),
        with_tests_on("tokio"),
        member("application/shipping", &["adapters/persistence"], &[]),
        member("application/shipping", &["application/user"], &[]),
        member("application/shipping", &["domain/user"], &[]),
        member("application/shipping", &[], &["poem"]),
        member("application/shipping", &[], &["tokio"]),
        member("adapters/http", &["adapters/persistence"], &[]),
        member("adapters/http", &["bootstrap"], &[]),
        member("adapters/http", &[], &["diesel"]),
        member("adapters/events", &[], &["poem"]),
        member("adapters/events", &[], &["a-crate-nobody-has-heard-of"]),
        member("adapters/tokens", &["application/auth", "application/user"], &[]),
        member("bootstrap", &["tests"], &[]),
        member("xtask", &["bootstrap"], &[]),
        member("scripts", &[], &[]),
    ] {
        assert_eq!(violations(&offender).len(), 1, "{offender:?}: {:?}", violations(&offender));
    }
}

#[test]
fn what_the_layers_are_for_is_allowed() {
    let shipping = Member {
        folder: "adapters/contexts".into(),
        inner: ["application/shipping", "domain/shipping", "application/user", "domain/kernel"]
            .map(String::from)
            .into(),
        external: ["async-trait"].map(String::from).into(),
        ..Member::default()
    };
    assert_eq!(violations(&shipping), [] as [String; 0]);
}
