//! A process that ends by itself, or does not begin, says why; to whoever hears of errors, too.

use std::process::Stdio;

use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::bus::Bus;
use crate::channel::Channel;
use crate::program::{PATIENCE, Setting};

#[tokio::test]
async fn a_channel_hears_why_a_process_could_not_go_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let channel = Channel::open().await;
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    for variable in ["LISTEN_ADDR", "METRICS_ADDR"] {
        let variables = vec![
            ("ENV", "test".to_owned()),
            ("LISTEN_ADDR", "127.0.0.1:0".to_owned()),
            ("SLACK_WEBHOOK_URL", channel.url.clone()),
        ];
        let setting = Setting { folder: folder.path(), variables };
        let mut serve = setting.command(&["serve"]);
        serve.env(variable, &address).stdout(Stdio::null()).stderr(Stdio::null());

        let before = channel.messages().len();
        let ended = timeout(PATIENCE, serve.status()).await.expect("it ends in time").expect("it runs");

        assert_eq!(ended.code(), Some(1));
        let said = channel.messages().split_off(before);
        assert!(said.starts_with("[test] the process ends: it cannot go on error="), "{variable}: {said}");
    }
}

#[tokio::test]
async fn what_goes_wrong_on_a_developers_machine_is_for_nobody_elses_channel() {
    let folder = tempfile::tempdir().expect("a folder");
    let channel = Channel::open().await;
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let variables = vec![
        ("ENV", "local".to_owned()),
        ("LISTEN_ADDR", taken.local_addr().expect("an address").to_string()),
        ("SLACK_WEBHOOK_URL", channel.url.clone()),
    ];
    let setting = Setting { folder: folder.path(), variables };

    let mut serve = setting.command(&["serve"]);
    let ended = timeout(PATIENCE, serve.stdout(Stdio::null()).stderr(Stdio::null()).status());

    assert_eq!(ended.await.expect("it ends in time").expect("it runs").code(), Some(1));
    assert_eq!(channel.messages(), "");
}

/// Amazon answers that such events were taken, and nobody sees them again.
#[tokio::test]
async fn whose_bus_was_never_made_does_not_begin() {
    let folder = tempfile::tempdir().expect("a folder");
    let variables = vec![
        ("ENV", "test".to_owned()),
        ("LISTEN_ADDR", "127.0.0.1:0".to_owned()),
        ("METRICS_ADDR", "127.0.0.1:0".to_owned()),
        ("EVENTS_URL", Bus::that_was_never_made().await),
        ("AWS_ACCESS_KEY_ID", "id".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
    ];
    let setting = Setting { folder: folder.path(), variables };
    for (command, code) in [("serve", 1), ("relay", 1), ("check", 3)] {
        let output = setting.command(&[command]).output();

        let output = timeout(PATIENCE, output).await.expect("it ends in time").expect("it runs");

        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(output.status.code(), Some(code), "{command}: {said}");
        assert!(said.contains("there is no such bus"), "{command}: {said}");
    }
}
