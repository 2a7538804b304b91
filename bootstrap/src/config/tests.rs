//! What can be set, and what must not be.

use secrets_adapter::Secrets;
use tokens_adapter::RootKeys;

use super::keys::DEVELOPMENT_KEY;
use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Config, InvalidConfig> {
    let find = |name: &str| variables.iter().find(|(it, _)| *it == name).map(|(_, value)| (*value).to_owned());
    Config::read(find)
}

#[test]
fn nothing_has_to_be_set_on_a_developers_machine() {
    let config = read(&[]).expect("the defaults are usable");

    assert_eq!(config.environment, Environment::Local);
    assert_eq!(config.listen.to_string(), "127.0.0.1:8000");
    assert_eq!(config.database_url.expose(), "sqlite://var/majestic.db");
    assert!(matches!(config.cache, CacheUrl::Memory));
}

#[test]
fn every_fault_is_named_at_once() {
    let refusal = read(&[
        ("ENV", "production"),
        ("CONTEXTS", "shipping"),
        ("USER_URL", "users"),
        ("LISTEN_ADDR", "8000"),
        ("PUBLIC_URL", "ftp://example.com"),
        ("DATABASE_URL", "postgres://localhost/db"),
        ("DATABASE_REPLICA_URL", "mysql://localhost/another-kind"),
        ("CACHE_URL", "memcached://localhost"),
        ("CACHE_TIMEOUT_MS", "0"),
        ("EVENTS_URL", "kafka://localhost"),
        ("SLACK_WEBHOOK_URL", "a channel"),
        ("STORAGE_URL", "ftp://localhost"),
        ("AWS_ACCESS_KEY_ID", "half of it"),
        ("TRUSTED_PROXIES", "the one on the left"),
        ("CORS_ALLOWED_ORIGINS", "*"),
        ("SECRET_KEY", "secret"),
        ("SECRET_RETIRED_KEYS", "secret"),
        ("AUTH_HIDE_ACCOUNTS", "maybe"),
        ("AUTH_TOKEN_DIGITS", "4"),
        ("AUTH_FIXED_TOKEN", "sesame"),
        ("BYPASS_PHONENUMBER_REGEX", "("),
        ("SMS_COUNTRIES", "KR,Atlantis"),
        ("TOKEN_FORMAT", "saml"),
        ("TOKEN_ROOT_KEY", "123123123123"),
        ("TOKEN_RETIRED_KEYS", "secret"),
        ("THROTTLE_RATES", "30/min"),
        ("METRICS_ADDR", "9464"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_TRACES_SAMPLER_ARG", "2"),
        ("MAX_REQUESTS", "0"),
        ("REQUEST_TIMEOUT_MS", "0"),
        ("DRAIN_SECONDS", "soon"),
    ]);

    let faults = refusal.expect_err("nothing is right").faults;
    for name in [
        "ENV",
        "USER_URL",
        "DISTRIBUTION_URL",
        "LISTEN_ADDR",
        "PUBLIC_URL",
        "DATABASE_URL",
        "DATABASE_REPLICA_URL",
        "CACHE_URL",
        "CACHE_TIMEOUT_MS",
        "EVENTS_URL",
        "SLACK_WEBHOOK_URL",
        "STORAGE_URL",
        "AWS_SECRET_ACCESS_KEY",
        "TRUSTED_PROXIES",
        "CORS_ALLOWED_ORIGINS",
        "SECRET_KEY",
        "SECRET_RETIRED_KEYS",
        "AUTH_HIDE_ACCOUNTS",
        "AUTH_TOKEN_DIGITS",
        "AUTH_FIXED_TOKEN",
        "BYPASS_PHONENUMBER_REGEX",
        "SMS_COUNTRIES",
        "TOKEN_FORMAT",
        "TOKEN_ROOT_KEY",
        "TOKEN_RETIRED_KEYS",
        "THROTTLE_RATES",
        "METRICS_ADDR",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_TRACES_SAMPLER_ARG",
        "MAX_REQUESTS",
        "REQUEST_TIMEOUT_MS",
        "DRAIN_SECONDS",
    ] {
        assert!(faults.iter().any(|fault| fault.starts_with(name)), "{name} in {faults:?}");
    }
}

#[test]
fn a_unit_of_work_has_three_seconds_or_more_where_requests_have() {
    for (request_timeout, longest) in [("100", 3_000), ("5000", 3_000), ("60000", 36_000)] {
        let config = read(&[("REQUEST_TIMEOUT_MS", request_timeout)]).expect("it can be set");

        assert_eq!(config.longest_unit_of_work().as_millis(), longest);
    }
}

#[test]
fn without_a_word_all_contexts_are_served_and_nobody_else_asks() {
    let contexts = read(&[]).expect("the defaults are usable").contexts;

    assert_eq!(contexts.names(), ["auth", "user", "distribution", "shipping"]);
    assert!(!contexts.are_apart);
}

#[test]
fn a_process_knows_where_those_are_that_it_asks_and_no_others() {
    let everywhere = [("USER_URL", "http://u"), ("DISTRIBUTION_URL", "http://d"), ("SHIPPING_URL", "http://s")];
    for (served, asked) in [
        ("auth,user", vec![]),
        ("user", vec![]),
        ("shipping, distribution", vec![Context::User]),
        ("shipping", vec![Context::User, Context::Distribution]),
        ("distribution", vec![Context::User, Context::Shipping]),
        ("auth,user,distribution", vec![Context::Shipping]),
        ("auth,user,shipping", vec![Context::Distribution]),
        ("auth,user,distribution,shipping", vec![]),
    ] {
        let contexts = read(&[&everywhere[..], &[("CONTEXTS", served)]].concat()).expect("it is usable").contexts;

        let known = [Context::Auth, Context::User, Context::Distribution, Context::Shipping];
        let known: Vec<_> = known.into_iter().filter(|it| contexts.peer(*it).is_some()).collect();
        assert_eq!(known, asked, "{served}");
        assert!(contexts.are_apart);
    }
}

#[test]
fn what_cannot_be_served_apart_is_refused() {
    for served in ["auth", "auth,shipping", "billing", "shipping,", ","] {
        let everywhere = [("USER_URL", "http://u"), ("DISTRIBUTION_URL", "http://d"), ("CONTEXTS", served)];
        let faults = read(&everywhere).expect_err(served).faults;
        assert!(faults.len() == 1 && faults[0].starts_with("CONTEXTS must be"), "{faults:?}");
    }
}

#[test]
fn a_collector_is_named_without_a_secret() {
    for raw in ["http://localhost:4318", "https://collector.example.com/otlp"] {
        assert!(read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", raw)]).is_ok(), "{raw}");
    }
    for raw in ["http://me:hunter2@localhost:4318", "http://hunter2@localhost", "https://localhost/?key=hunter2"] {
        let faults = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", raw)]).expect_err("a secret").faults;

        assert!(faults.iter().any(|it| it.contains("without a user, a password or a query")), "{faults:?}");
        assert!(!faults.iter().any(|it| it.contains("hunter2")), "{faults:?}");
    }
}

#[test]
fn a_database_has_a_server_and_a_name_or_a_file() {
    for raw in ["mysql://root@localhost:3306/majestic", "sqlite:///tmp/majestic.db", "sqlite://var/majestic.db"] {
        assert!(read(&[("DATABASE_URL", raw)]).is_ok(), "{raw}");
    }
    for raw in ["mysql://", "mysql://localhost", "mysql://localhost:port/majestic", "sqlite://", "majestic.db"] {
        assert!(read(&[("DATABASE_URL", raw)]).is_err(), "{raw}");
    }
}

#[test]
fn where_it_counts_nothing_is_made_up() {
    let faults = read(&[("ENV", "prod")]).expect_err("it is not configured").faults;

    assert!(faults.iter().any(|fault| fault.starts_with("DATABASE_URL")), "{faults:?}");
    assert!(faults.iter().any(|fault| fault.starts_with("TOKEN_ROOT_KEY")), "{faults:?}");
    assert!(faults.iter().any(|fault| fault.starts_with("SECRET_KEY")), "{faults:?}");
}

#[test]
fn where_it_counts_no_door_is_left_open() {
    let faults = read(&[
        ("ENV", "prod"),
        ("SECRET_KEY", &DEVELOPMENT_KEY.to_uppercase()),
        ("EVENTS_URL", "eventbridge://bus?endpoint=http://10.0.0.1"),
        ("SLACK_WEBHOOK_URL", "http://hooks.slack.com/services/T0/B0/x"),
        ("STORAGE_URL", "s3://pictures?endpoint=http://10.0.0.1"),
        ("AUTH_FIXED_TOKEN", "123456"),
        ("BYPASS_PHONENUMBER_REGEX", r"\+821012341\d{3}"),
    ]);

    let faults = faults.expect_err("it is not safe").faults;
    for name in
        ["SECRET_KEY", "EVENTS_URL", "SLACK_WEBHOOK_URL", "STORAGE_URL", "AUTH_FIXED_TOKEN", "BYPASS_PHONENUMBER_REGEX"]
    {
        assert!(faults.iter().any(|fault| fault.starts_with(name)), "{name} in {faults:?}");
    }
}

#[test]
fn a_number_is_exempt_as_a_whole_or_not_at_all() {
    let config = read(&[("BYPASS_PHONENUMBER_REGEX", r"\+821012341\d{3}")]).expect("it is usable");
    let covers = |raw| config.auth.bypass.covers(&auth_domain::PhoneNumber::parse(raw).expect("a number"));

    assert!(covers("+821012341000"));
    assert!(!covers("+8210123410001") && !covers("+821012342000"));
}

#[test]
fn staff_signs_up_freely_on_a_developers_machine_only() {
    assert!(read(&[]).expect("it is usable").auth.staff_sign_up_is_open);
    let stage = read(&[
        ("ENV", "stage"),
        ("DATABASE_URL", "mysql://localhost/db"),
        ("SECRET_KEY", &Secrets::generate()),
        ("TOKEN_ROOT_KEY", &RootKeys::generate()),
    ]);
    assert!(!stage.expect("it is usable").auth.staff_sign_up_is_open);
}

#[test]
fn a_log_shows_no_secret() {
    let config = read(&[
        ("DATABASE_URL", "mysql://root:hunter2@localhost/db"),
        ("CACHE_URL", "redis://root:hunter2@localhost"),
        ("EVENTS_URL", "eventbridge://bus?region=eu-west-1"),
        ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/hunter2"),
        ("AWS_ACCESS_KEY_ID", "me"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
        ("AUTH_FIXED_TOKEN", "246810"),
    ])
    .expect("it is usable");

    let shown = format!("{config:?}");
    assert!(!shown.contains("246810") && !shown.contains(config.secret_key.expose()), "{shown}");
    assert!(!shown.contains("hunter2") && !shown.contains(config.token_root_key.expose()), "{shown}");
}

#[test]
fn links_start_with_a_plain_address() {
    let config = read(&[("PUBLIC_URL", "https://example.com/")]).expect("it is usable");

    assert_eq!(config.public_url.as_deref(), Some("https://example.com"));
    assert!(read(&[("PUBLIC_URL", "https://example.com/api")]).is_err());
}

#[test]
fn origins_are_written_as_browsers_send_them() {
    let origins = |raw| read(&[("CORS_ALLOWED_ORIGINS", raw)]).map(|it| it.allowed_origins);

    let listed = origins("https://app.example.com, http://localhost:3000").expect("origins");
    assert_eq!(listed, ["https://app.example.com", "http://localhost:3000"]);
    assert_eq!(read(&[]).expect("the defaults").allowed_origins, Vec::<String>::new());
    for no_origin in ["*", "null", "app.example.com", "https://app.example.com/", "https://APP.example.com", "file:///"]
    {
        assert!(origins(no_origin).is_err(), "{no_origin}");
    }
}

#[test]
fn a_secret_may_come_from_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("it is written");
        path.display().to_string()
    };
    let (secret, root) = (Secrets::generate(), RootKeys::generate());

    let config = read(&[
        ("ENV", "prod"),
        ("DATABASE_URL_FILE", &file("database", "mysql://root:hunter2@localhost/db\n")),
        ("CACHE_URL_FILE", &file("cache", "redis://:hunter2@localhost\r\n")),
        ("SECRET_KEY_FILE", &file("secret", &format!("{secret}\n"))),
        ("SECRET_RETIRED_KEYS_FILE", &file("retired", &format!("{},{}\n", Secrets::generate(), Secrets::generate()))),
        ("TOKEN_ROOT_KEY_FILE", &file("root", &root)),
    ]);

    let config = config.expect("it is usable");
    assert_eq!(config.database_url.expose(), "mysql://root:hunter2@localhost/db");
    assert!(matches!(config.cache, CacheUrl::Redis(_)));
    assert_eq!((config.secret_key.expose(), config.token_root_key.expose()), (secret.as_str(), root.as_str()));
    assert_eq!(config.secret_retired_keys.len(), 2);
}

#[test]
fn a_secret_comes_from_one_place_that_can_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "\n").expect("it is written");
    let (empty, missing) = (empty.display().to_string(), folder.path().join("missing").display().to_string());
    let key = Secrets::generate();

    let secrets = [
        "DATABASE_URL",
        "DATABASE_REPLICA_URL",
        "CACHE_URL",
        "SECRET_KEY",
        "SECRET_RETIRED_KEYS",
        "TOKEN_ROOT_KEY",
        "TOKEN_RETIRED_KEYS",
        "AUTH_FIXED_TOKEN",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "SLACK_WEBHOOK_URL",
    ];
    for (name, file) in secrets.into_iter().flat_map(|it| [(it, &missing), (it, &empty)]) {
        let faults = read(&[("ENV", "prod"), (&format!("{name}_FILE"), file)]).expect_err("it cannot be read").faults;
        let about: Vec<_> = faults.iter().filter(|it| it.starts_with(name)).collect();
        assert!(about.len() == 1 && about[0].starts_with(&format!("{name}_FILE must be a file")), "{faults:?}");
    }
    let faults = read(&[("SECRET_KEY", &key), ("SECRET_KEY_FILE", &empty)]).expect_err("it is given twice").faults;
    assert_eq!(faults, ["SECRET_KEY_FILE must be left alone where SECRET_KEY is set"]);
}

#[test]
fn where_it_counts_no_key_can_be_guessed_not_even_an_old_one() {
    let typed = "correct horse battery staple, 12".bytes().map(|it| format!("{it:02x}")).collect::<Vec<_>>().concat();
    let repeated = "0123456789abcdef".repeat(4);
    for key in [DEVELOPMENT_KEY, &typed, &repeated, "secret"] {
        for name in ["SECRET_KEY", "SECRET_RETIRED_KEYS", "TOKEN_ROOT_KEY", "TOKEN_RETIRED_KEYS"] {
            let faults = read(&[("ENV", "prod"), (name, key)]).expect_err("it can be guessed").faults;
            assert!(faults.iter().any(|it| it.starts_with(name)), "{name}={key}: {faults:?}");
        }
    }
}
