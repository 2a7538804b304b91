//! What stands for Amazon's S3, EventBridge and SQS in tests: moto, in a container that all of them share.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::docker::Sweeper;
use crate::process::{becomes_true_within, command, output};

/// Names its image for the tests that freeze one of their own.
pub(crate) const IMAGE: &str = "TEST_MOTO_IMAGE";

/// Names the shared one, as `http://host:port`.
pub(crate) const ENDPOINT: &str = "TEST_S3_ENDPOINT";

/// Where it listens in its container.
const PORT: &str = "5000";

const START_DEADLINE: Duration = Duration::from_mins(1);
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);

/// Starts it for one run, whose sweeper ends it; says where it is.
pub(crate) fn start(image: &str, run: &str) -> Result<String, String> {
    let mut start = command("docker", &["run", "--detach", "--publish", &format!("127.0.0.1::{PORT}")]);
    start.args(["--label", &Sweeper::label(run), image]);
    let container = output(start)?;
    let published = output(command("docker", &["port", container.trim(), PORT]))?;
    let address = published.lines().next().unwrap_or_default().trim();
    if becomes_true_within(START_DEADLINE, || answers(address)) {
        return Ok(format!("http://{address}"));
    }
    Err(format!("what stands for Amazon at {address} does not answer"))
}

/// Whether it is heard itself: Docker takes connections before anybody listens behind it.
fn answers(address: &str) -> bool {
    let asked = TcpStream::connect(address).and_then(|mut connection| {
        connection.set_read_timeout(Some(ANSWER_DEADLINE))?;
        connection.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
        connection.read(&mut [0; 16])
    });
    asked.is_ok_and(|it| it > 0)
}
