//! A server under measurement: a process on a port of its own, and a client for single questions.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::programs::{PASSWORD, SUPERUSER};
use super::questions::SIGN_IN;
use crate::process::becomes_true_within;

const START_DEADLINE: Duration = Duration::from_secs(30);
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);

pub(super) struct Server {
    pub(super) name: &'static str,
    port: u16,
    process: Child,
}

impl Server {
    /// Starts the program, which is told by `LISTEN_ADDR` where to listen, and waits until it does.
    pub(super) fn start(name: &'static str, mut program: Command) -> Result<Self, String> {
        let port = free_port()?;
        program.env("LISTEN_ADDR", format!("127.0.0.1:{port}")).stdout(Stdio::null());
        let process = program.spawn().map_err(|why| format!("{name} cannot be started: {why}"))?;
        let server = Self { name, port, process };
        if !becomes_true_within(START_DEADLINE, || server.connect().is_ok()) {
            return Err(format!("{name} does not listen"));
        }
        Ok(server)
    }

    pub(super) fn connect(&self) -> std::io::Result<TcpStream> {
        TcpStream::connect(("127.0.0.1", self.port))
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The most memory that it ever had, in MiB.
    pub(super) fn memory_peak(&self) -> Result<u64, String> {
        let file = format!("/proc/{}/status", self.pid());
        let status = std::fs::read_to_string(&file).map_err(|why| format!("{file} cannot be read: {why}"))?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
        kib.map(|kib: u64| kib / 1024).ok_or_else(|| format!("{file} does not say: {status}"))
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The body of the answer, which must be a success.
    pub(super) fn ask(&self, method: &str, path: &str, body: &str, credential: &str) -> Result<String, String> {
        let answer = self.exchange(method, path, body, credential).map_err(|why| format!("{}: {why}", self.name))?;
        match answer.split_once("\r\n\r\n") {
            Some((head, body)) if head.starts_with("HTTP/1.1 2") => Ok(body.to_owned()),
            _ => Err(format!("{} answers {method} {path} with {answer}", self.name)),
        }
    }

    /// What somebody who may do everything shows.
    pub(super) fn access(&self) -> Result<String, String> {
        let credentials = format!(r#"{{"phonenumber":"{SUPERUSER}","password":"{PASSWORD}"}}"#);
        let tokens = self.ask("POST", SIGN_IN, &credentials, "")?;
        let access = tokens.split_once(r#""access":""#).and_then(|(_, rest)| rest.split('"').next());
        access.map(|it| format!("Bearer {it}")).ok_or_else(|| format!("there is no access token in {tokens}"))
    }

    fn exchange(&self, method: &str, path: &str, body: &str, credential: &str) -> std::io::Result<String> {
        let mut connection = self.connect()?;
        connection.set_read_timeout(Some(ANSWER_DEADLINE))?;
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: bench.test\r\nAuthorization: {credential}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        connection.write_all(request.as_bytes())?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port that nobody listens on; somebody else may take it before it is used.
pub(super) fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    listener.map(|it| it.port()).map_err(|why| format!("there is no free port: {why}"))
}
