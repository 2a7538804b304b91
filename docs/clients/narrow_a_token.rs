//! Narrows an access token without asking anybody: what comes out can do less, and never more.
//!
//! ```sh
//! cargo run -q -p tokens-adapter --example narrow_a_token -- read-only                       < token
//! cargo run -q -p tokens-adapter --example narrow_a_token -- path /api/v1/shipping/batches/  < token
//! cargo run -q -p tokens-adapter --example narrow_a_token -- until 2026-01-02T12:00:00Z      < token
//! ```

use std::error::Error;
use std::io::{Read, Write, stdin, stdout};
use std::time::SystemTime;

use biscuit_auth::UnverifiedBiscuit;
use biscuit_auth::macros::block;
use chrono::DateTime;

/// The token, good for less.
pub fn narrowed(token: &str, to: &str, value: Option<&str>) -> Result<String, Box<dyn Error>> {
    let check = match (to, value) {
        ("read-only", None) => block!(r#"check if method("GET") or method("HEAD");"#),
        ("path", Some(path)) => block!("check if path($path), $path.starts_with({path});"),
        ("until", Some(time)) => {
            let until = SystemTime::from(DateTime::parse_from_rfc3339(time)?);
            block!("check if time($now), $now < {until};")
        }
        _ => return Err("say read-only, path and a path, or until and a time".into()),
    };
    Ok(UnverifiedBiscuit::from_base64(token.trim())?.append(check)?.to_base64()?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let said: Vec<String> = std::env::args().skip(1).collect();
    let mut token = String::new();
    stdin().read_to_string(&mut token)?;
    let narrowed = narrowed(&token, said.first().map_or("", String::as_str), said.get(1).map(String::as_str))?;
    Ok(writeln!(stdout(), "{narrowed}")?)
}
