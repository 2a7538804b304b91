//! Whether the time that an answer takes tells who has an account, where accounts are hidden.
//!
//! Numbers with an account and numbers without are asked about in turns. Then two things are judged: how far the medians are
//! apart, and how often somebody would be right who takes the slower of two answers for that of a known number.

use super::client::Client;
use super::database::Database;
use super::programs::Programs;
use super::questions::SIGN_IN;
use super::report::median;
use super::server::Server;
use super::throughput::shape;
use super::{machine, versions};

/// The most that medians may be apart: both in parts of the time for unknown numbers, and in milliseconds.
const APART: f64 = 0.05;
const APART_MS: f64 = 1.0;

/// How often somebody who guesses by the time may be right: about as often as one who tosses a coin.
const CHANCE: std::ops::RangeInclusive<f64> = 0.45..=0.55;

/// Pairs before those that are measured.
const WARM_UP: u32 = 20;

/// There is one person for so many items.
const ITEMS_PER_PERSON: u32 = 25;

/// How to look for differences.
#[derive(clap::Args)]
pub(super) struct Options {
    /// Known and unknown numbers to ask about; a tenth of them where passwords are hashed.
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(50..=10_000))]
    pairs: u32,
}

/// What is asked about a number. In bodies, `{number}` stands for it.
struct Probe {
    path: &'static str,
    body: &'static str,
    /// Asked before, by a request that nobody times.
    before: Option<&'static str>,
    /// Whether it takes a hash of a password.
    is_slow: bool,
}

const NUMBER: &str = r#"{"phonenumber":"{number}"}"#;
const TOKEN_REQUEST: &str = "/api/v1/auth/signin/token_request/";

const PROBES: [Probe; 5] = [
    Probe { path: "/api/v1/auth/phonenumber/check/", body: NUMBER, before: None, is_slow: false },
    Probe { path: TOKEN_REQUEST, body: NUMBER, before: None, is_slow: false },
    Probe {
        path: "/api/v1/auth/signin/token_confirm/",
        // Six digits are right once in a million times.
        body: r#"{"phonenumber":"{number}","token":"000000"}"#,
        before: Some(TOKEN_REQUEST),
        is_slow: false,
    },
    Probe {
        path: SIGN_IN,
        body: r#"{"phonenumber":"{number}","password":"a wrong horse"}"#,
        before: None,
        is_slow: true,
    },
    Probe { path: "/api/v1/auth/signup/token_request/", body: NUMBER, before: None, is_slow: false },
];

/// Asks about known and unknown numbers, and prints what their times tell.
pub(super) fn measure(programs: &Programs, database: &Database, options: &Options) -> Result<(), String> {
    let probes = u32::try_from(PROBES.len()).unwrap_or(u32::MAX);
    // Who is known has rows, and a database that has to fetch them from the disk would tell so.
    database.widen()?;
    programs.fill(database, options.pairs * probes * ITEMS_PER_PERSON)?;
    let mut hiding = programs.majestic(database, &["serve"]);
    hiding.env("AUTH_HIDE_ACCOUNTS", "true");
    let server = Server::start("majestic", hiding)?;
    let mut client = Client::of(&server)?;
    println!("\n{}\n{}\n", machine(), versions(database)?);
    println!("| answer               | pairs | known, ms | unknown, ms | apart, ms | apart, % |  AUC | hides |");
    println!("|----------------------|------:|----------:|------------:|----------:|---------:|-----:|-------|");
    for (at, probe) in (0..).zip(&PROBES) {
        let pairs = if probe.is_slow { options.pairs / 10 } else { options.pairs };
        let mut times = Times { known: Vec::new(), unknown: Vec::new() };
        for pair in 0..pairs {
            // Each number is asked about by one probe only, or its earlier tokens would tell; people have those from 2000 0000.
            let (known, unknown) = (20_000_000 + at * options.pairs + pair, 30_000_000 + at * 1_000_000 + pair);
            let (known, unknown) = (number(known), number(unknown));
            let [known, unknown] = probe.both(&mut client, &known, &unknown, pair % 2 == 0)?;
            if pair >= WARM_UP.min(pairs / 2) {
                times.known.push(known);
                times.unknown.push(unknown);
            }
        }
        println!("{}", times.row(probe.path));
    }
    Ok(())
}

fn number(subscriber: u32) -> String {
    format!("+8210{subscriber}")
}

impl Probe {
    /// How long both answers take, in milliseconds, which have to look alike.
    fn both(&self, client: &mut Client, known: &str, unknown: &str, known_first: bool) -> Result<[f64; 2], String> {
        for number in [known, unknown] {
            if let Some(path) = self.before {
                client.succeed("POST", path, &NUMBER.replace("{number}", number), "")?;
            }
        }
        let mut ask = |number: &str| client.ask("POST", self.path, &self.body.replace("{number}", number), "");
        let (known, unknown) = if known_first {
            (ask(known)?, ask(unknown)?)
        } else {
            let unknown = ask(unknown)?;
            (ask(known)?, unknown)
        };
        if known.status != unknown.status || shape(&known.body) != shape(&unknown.body) || known.status == 429 {
            return Err(format!(
                "{} answers {}: {} and {}: {}",
                self.path, known.status, known.body, unknown.status, unknown.body
            ));
        }
        Ok([known, unknown].map(|it| it.took.as_secs_f64() * 1e3))
    }
}

/// How long answers took, in milliseconds.
struct Times {
    known: Vec<f64>,
    unknown: Vec<f64>,
}

impl Times {
    fn row(self, path: &str) -> String {
        let (pairs, auc) = (self.known.len(), self.area_under_curve());
        let (known, unknown) = (median(self.known), median(self.unknown));
        let (apart, part) = (known - unknown, (known - unknown) / unknown);
        let hides = part.abs() < APART && apart.abs() < APART_MS && CHANCE.contains(&auc);
        let answer = path.trim_start_matches("/api/v1/auth/").trim_end_matches('/');
        let hides = if hides { "yes" } else { "no" };
        format!(
            "| {answer:<20} | {pairs:>5} | {known:>9.3} | {unknown:>11.3} | {apart:>9.3} | {:>8.1} | {auc:>4.2} | {hides:<5} |",
            part * 100.0
        )
    }

    /// How often the answer for a known number takes longer than that for an unknown one, of all the pairs that could be
    /// made of them; if they take the same, half of it counts. That is the statistic of Mann and Whitney, divided by how great
    /// it can be.
    fn area_under_curve(&self) -> f64 {
        let mut unknown = self.unknown.clone();
        unknown.sort_by(f64::total_cmp);
        let count = |it: usize| f64::from(u32::try_from(it).unwrap_or(u32::MAX));
        let longer = self.known.iter().map(|known| {
            let (below, up_to) = (unknown.partition_point(|it| it < known), unknown.partition_point(|it| it <= known));
            f64::midpoint(count(below), count(up_to))
        });
        longer.sum::<f64>() / (count(self.known.len()) * count(unknown.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::Times;

    fn area(known: &[f64], unknown: &[f64]) -> f64 {
        Times { known: known.to_vec(), unknown: unknown.to_vec() }.area_under_curve()
    }

    #[test]
    fn the_area_tells_slower_from_faster_and_from_the_same() {
        for (known, unknown, expected) in [
            ([3.0, 4.0], [1.0, 2.0], 1.0),
            ([1.0, 2.0], [3.0, 4.0], 0.0),
            ([1.0, 1.0], [1.0, 1.0], 0.5),
            ([1.0, 4.0], [2.0, 3.0], 0.5),
            ([2.0, 4.0], [1.0, 3.0], 0.75),
        ] {
            assert!((area(&known, &unknown) - expected).abs() < f64::EPSILON, "{known:?} {unknown:?}");
        }
    }

    #[test]
    fn medians_that_are_apart_do_not_hide() {
        let row = |known: f64| Times { known: vec![known; 9], unknown: vec![10.0; 9] }.row("/api/v1/auth/signin/");

        assert!(row(10.0).ends_with("| yes   |"));
        assert!(row(12.0).ends_with("| no    |"));
    }
}
