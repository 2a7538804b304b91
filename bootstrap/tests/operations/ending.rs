//! A process that ends by itself says why, to whoever hears of errors.

use std::process::Stdio;

use tokio::net::TcpListener;
use tokio::time::timeout;

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
