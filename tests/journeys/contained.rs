//! The product's own image, run as operators are told to: with nothing that it does not need.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

const SECRET_KEY: &str = "7be1f2d3c4b5a69788796a5b4c3d2e1f90817263544536271809fae1d2c3b4a5";
const ROOT_KEY: &str = "1c9f2e3d4c5b6a7988796a5b4c3d2e1ff0e1d2c3b4a5968778695a4b3c2d1e0f";
const PASSWORD: &str = "correct horse battery";

/// What docs/operations.md tells operators to say.
const CONFINED: [&str; 12] = [
    "--user",
    "65532",
    "--read-only",
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges",
    "--pids-limit",
    "256",
    "--memory",
    "256m",
    "--tmpfs=/tmp",
];

async fn docker(arguments: &[&str]) -> Output {
    let mut docker = Command::new("docker");
    docker.args(arguments).kill_on_drop(true);
    timeout(PATIENCE, docker.output()).await.expect("docker answers in time").expect("docker is there")
}

/// What it prints, if it ends well.
async fn told(arguments: &[&str]) -> String {
    let ended = docker(arguments).await;
    let printed = String::from_utf8_lossy(&ended.stdout).trim().to_owned();
    assert!(ended.status.success(), "docker {arguments:?}: {printed}\n{}", String::from_utf8_lossy(&ended.stderr));
    printed
}

/// A container that is gone with the test, as is what it wrote.
struct Contained(String);

impl Contained {
    /// Runs this command in the image, confined, with a place for what it writes.
    async fn start(image: &str, command: &str) -> Self {
        let label = support::containers::run_label();
        let settings = [
            "ENV=dev".to_owned(),
            "DATABASE_URL=sqlite:///data/majestic.db".to_owned(),
            format!("SECRET_KEY={SECRET_KEY}"),
            format!("TOKEN_ROOT_KEY={ROOT_KEY}"),
            "DRAIN_SECONDS=0".to_owned(),
        ];
        let mut arguments = vec!["run", "--detach", "--label", &label, "--publish", "127.0.0.1::8000"];
        arguments.extend(CONFINED);
        arguments.extend(["--volume", "/data"]);
        arguments.extend(settings.iter().flat_map(|it| ["--env", it.as_str()]));
        arguments.extend([image, command]);
        Self(told(&arguments).await)
    }

    /// Runs a command beside it.
    async fn majestic(&self, arguments: &[&str]) -> Output {
        let password = format!("MAJESTIC_PASSWORD={PASSWORD}");
        let beside = ["exec", "--env", &password, &self.0, "/usr/local/bin/majestic"];
        docker(&[&beside[..], arguments].concat()).await
    }

    async fn logs(&self) -> String {
        let logs = docker(&["logs", &self.0]).await;
        String::from_utf8_lossy(&[logs.stdout, logs.stderr].concat()).into_owned()
    }

    async fn base(&self) -> String {
        let address = told(&["port", &self.0, "8000"]).await;
        format!("http://{}", address.lines().next().expect("an address"))
    }
}

impl Drop for Contained {
    fn drop(&mut self) {
        let gone = std::process::Command::new("docker").args(["rm", "--force", "--volumes", &self.0]).output();
        assert!(gone.is_ok_and(|it| it.status.success()) || std::thread::panicking(), "{} is left", self.0);
    }
}

async fn until(container: &Contained, is_so: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < deadline, "not in time:\n{}", container.logs().await);
        sleep(LOOK_AGAIN).await;
    }
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().timeout(PATIENCE).build().expect("a client")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_image_serves_where_nearly_nothing_is_allowed() {
    let Some(image) = support::image() else { return };
    let container = Contained::start(&image, "serve").await;
    let (http, base) = (client(), container.base().await);
    let status = async |path: &str| http.get(format!("{base}{path}")).send().await.ok().map(|it| it.status());

    until(&container, async || status("/api/healthcheck/").await == Some(StatusCode::OK)).await;
    assert_eq!(status("/api/readiness/").await, Some(StatusCode::SERVICE_UNAVAILABLE), "there are no tables yet");
    assert_eq!(container.majestic(&["check"]).await.status.code(), Some(3), "and a check says so");
    let migrated = container.majestic(&["migrate"]).await;
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    let checked = container.majestic(&["check"]).await;
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    until(&container, async || status("/api/readiness/").await == Some(StatusCode::OK)).await;

    let create = ["create-superuser", "--phonenumber", "+821012345678", "--username", "root"];
    let created = container.majestic(&create).await;
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
    let credentials = json!({ "username": "root", "password": PASSWORD });
    let signed_in = http.post(format!("{base}/api/v1/auth/signin/")).json(&credentials).send().await;
    let signed_in = signed_in.expect("an answer");
    assert_eq!(signed_in.status(), StatusCode::OK);
    let tokens: Value = signed_in.json().await.expect("JSON");
    let profile = http.get(format!("{base}/api/v1/user/users/self/profile/"));
    let profile = profile.bearer_auth(tokens["access"].as_str().expect("a token")).send().await;
    assert_eq!(profile.expect("an answer").status(), StatusCode::OK);

    told(&["kill", "--signal", "TERM", &container.0]).await;
    assert_eq!(told(&["wait", &container.0]).await, "0", "{}", container.logs().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_image_has_nothing_that_an_intruder_could_start() {
    let Some(image) = support::image() else { return };
    let container = Contained::start(&image, "generate-keypair").await;
    let folder = tempfile::tempdir().expect("a folder");
    let archive = folder.path().join("image.tar").display().to_string();
    told(&["export", "--output", &archive, &container.0]).await;

    let listed = Command::new("tar").args(["--list", "--verbose", "--numeric-owner", "--file", &archive]).output();
    let listed = timeout(PATIENCE, listed).await.expect("in time").expect("tar is there").stdout;
    let listed = String::from_utf8_lossy(&listed);
    let files: Vec<ListedFile<'_>> = listed.lines().filter_map(ListedFile::read).collect();

    let privileged: Vec<_> = files.iter().filter(|it| it.mode.contains(['s', 'S'])).collect();
    assert!(privileged.is_empty(), "{privileged:?}");
    let starts = files.iter().filter(|it| it.mode.starts_with('-') && it.mode.contains('x') && it.size != "0");
    let programs: Vec<_> = starts.filter(|it| !is_library(it.name)).map(|it| it.name).collect();
    assert_eq!(programs, ["usr/local/bin/majestic"]);
    let own: Vec<_> = files.iter().filter(|it| it.owner != "0/0").map(|it| it.name).collect();
    assert_eq!(own, ["data/"], "nothing else may be written, even where the file system may");
    let user = told(&["image", "inspect", "--format", "{{.Config.User}} {{json .Config.Env}}", &image]).await;
    assert!(user.starts_with("65532:65532 "), "{user}");
    assert!(!user.contains("KEY"), "no secret is in the image: {user}");
}

/// A line of `tar --list --verbose --numeric-owner`.
#[derive(Debug)]
struct ListedFile<'l> {
    mode: &'l str,
    owner: &'l str,
    size: &'l str,
    name: &'l str,
}

impl<'l> ListedFile<'l> {
    fn read(line: &'l str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (mode, owner, size) = (words.next()?, words.next()?, words.next()?);
        Some(Self { mode, owner, size, name: words.nth(2)? })
    }
}

fn is_library(name: &str) -> bool {
    let file = Path::new(name).file_name().map(|it| it.to_string_lossy());
    file.is_some_and(|it| it.ends_with(".so") || it.contains(".so."))
}
