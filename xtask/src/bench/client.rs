//! One client that asks one question at a time, over one connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::server::Server;

const ANSWER_DEADLINE: Duration = Duration::from_secs(30);

/// Whoever waits for more bytes of an answer than this measures something else.
const LONGEST_BODY: usize = 1024 * 1024;

pub(super) struct Client {
    connection: BufReader<TcpStream>,
}

/// An answer, and how long it took.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
    pub(super) took: Duration,
}

impl Client {
    pub(super) fn of(server: &Server) -> Result<Self, String> {
        let connection = server.connect().map_err(|why| format!("{} cannot be reached: {why}", server.name))?;
        let prepared = connection.set_nodelay(true).and_then(|()| connection.set_read_timeout(Some(ANSWER_DEADLINE)));
        prepared.map_err(|why| format!("a connection cannot be set up: {why}"))?;
        Ok(Self { connection: BufReader::new(connection) })
    }

    pub(super) fn ask(&mut self, method: &str, path: &str, body: &str, credential: &str) -> Result<Answer, String> {
        let shown = if credential.is_empty() { String::new() } else { format!("Authorization: {credential}\r\n") };
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: bench.test\r\n{shown}Content-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        self.exchange(&request).map_err(|why| format!("{method} {path} is not answered: {why}"))
    }

    /// Like [`ask`](Self::ask), where only a success will do.
    pub(super) fn succeed(&mut self, method: &str, path: &str, body: &str, credential: &str) -> Result<Answer, String> {
        let answer = self.ask(method, path, body, credential)?;
        if (200..300).contains(&answer.status) {
            return Ok(answer);
        }
        Err(format!("{method} {path} is answered with {}: {}", answer.status, answer.body))
    }

    fn exchange(&mut self, request: &str) -> Result<Answer, String> {
        let started = Instant::now();
        self.connection.get_mut().write_all(request.as_bytes()).map_err(|why| why.to_string())?;
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|it| it.parse().ok()).ok_or(status)?;
        let mut length = 0;
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().map_err(|_| line.clone())?;
            }
        }
        if length > LONGEST_BODY {
            return Err(format!("{length} bytes are too many"));
        }
        let mut body = vec![0; length];
        self.connection.read_exact(&mut body).map_err(|why| why.to_string())?;
        Ok(Answer { status, took: started.elapsed(), body: String::from_utf8_lossy(&body).into_owned() })
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        self.connection.read_line(&mut line).map_err(|why| why.to_string())?;
        if line.is_empty() {
            return Err("the connection was closed".into());
        }
        Ok(line.trim_end().to_owned())
    }
}

/// The text of a member of a JSON object, the first one of this name; texts with escapes are cut.
pub(super) fn text<'a>(json: &'a str, member: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(&format!(r#""{member}":""#))?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn a_text_is_found_by_its_name() {
        let json = r#"{"next":null,"alias":"friday","uuid":"1"}"#;
        assert_eq!(text(json, "alias"), Some("friday"));
        assert_eq!(text(json, "next"), None);
    }
}
