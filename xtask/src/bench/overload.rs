//! What is left of a server when more is asked for than it can do.
//!
//! First as many clients as there are places ask as fast as they are answered: that is the most that it can do. Then three times
//! as many ask, each at the pace that one of the first ones had, whether they are answered or refused.
//!
//! The server and its database have one half of the processors, and the clients the other: elsewhere, too, those who are
//! too many have processors of their own.

use std::thread::{self, available_parallelism};
use std::time::{Duration, Instant};

use super::client::Client;
use super::database::Database;
use super::programs::Programs;
use super::questions::ITEMS;
use super::report::median;
use super::server::Server;
use super::{machine, versions};
use crate::process::{command, output};

/// How many times as many ask as there are places.
const SURPLUS: u32 = 3;

/// Items in the database, and in the lists that are asked for. To refuse costs the same whatever is asked for: so the less an
/// answer costs, the more of them the refusals take.
const STOCK: u32 = 50_000;
const LISTED: [u32; 2] = [10, 100];

/// The least of the most that is still to be answered; the most times as long that an answer may take; by when who is refused
/// is to hear it; and how long after all that it may take until it is as before, in milliseconds.
const GOODPUT: f64 = 0.85;
const SLOWER: f64 = 2.0;
const REFUSED_MS: f64 = 10.0;
const NORMAL_MS: f64 = 2_000.0;
/// What takes longer is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// How to ask for too much.
#[derive(clap::Args)]
pub(super) struct Options {
    /// Seconds that each of the two takes.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Turns of each.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=20))]
    rounds: u8,
    /// Requests that are answered at once (`MAX_REQUESTS`).
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=64))]
    places: u32,
}

/// Asks for as much as can be answered and for more, in turns, and prints what became of it.
pub(super) fn measure(programs: &Programs, database: &Database, options: &Options) -> Result<(), String> {
    programs.fill(database, STOCK)?;
    println!("\n{}\n{}\n", machine(), versions(database)?);
    let mut serving = programs.majestic(database, &["serve"]);
    serving.env("MAX_REQUESTS", options.places.to_string());
    let server = apart(database, || Server::start("majestic", serving))?;
    let credential = server.access()?;
    let time = Duration::from_secs(options.seconds);
    println!(
        "| items | answered/s | p99, ms | answered/s beyond | p99, ms | refused/s | p99, ms | normal after, ms | goodput | slower | keeps |"
    );
    println!(
        "|------:|-----------:|--------:|------------------:|--------:|----------:|--------:|-----------------:|--------:|-------:|-------|"
    );
    let mut goodputs = Vec::new();
    for items in LISTED {
        let list = List { server: &server, path: format!("{ITEMS}?page_size={items}"), credential: &credential };
        let mut goodput = Vec::new();
        for _ in 0..options.rounds {
            let within = list.crowd(options.places, time, None)?;
            if !within.refused.is_empty() {
                return Err("somebody was refused, and there was a place for everybody".into());
            }
            let pace = Duration::from_secs_f64(f64::from(options.places) / within.answered_per_second());
            let beyond = list.crowd(options.places * SURPLUS, time, Some(pace))?;
            let normal = list.normal_after(p99(&within.answered))?;
            println!("| {items:>5} {}", row(&within, &beyond, normal));
            goodput.push(beyond.answered_per_second() / within.answered_per_second());
        }
        goodputs.push(format!("{:.2} for lists of {items}", median(goodput)));
    }
    println!("\nthe median of goodput is {}", goodputs.join(" and "));
    Ok(())
}

/// Starts a server on its half of the processors, beside its database: it begins as many threads as it sees processors. The
/// other half is ours from then on. Of a single one all have all.
fn apart(database: &Database, start: impl FnOnce() -> Result<Server, String>) -> Result<Server, String> {
    let all = available_parallelism().map_or(1, usize::from);
    let half = all / 2;
    if half == 0 {
        return start();
    }
    let hold = |process: u32, first: usize, last: usize| {
        let processors = format!("{first}-{last}");
        output(command("taskset", &["--all-tasks", "--cpu-list", "--pid", &processors, &process.to_string()]))
    };
    let us = std::process::id();
    hold(database.pid, 0, half - 1)?;
    hold(us, 0, half - 1)?;
    let server = start();
    hold(us, half, all - 1)?;
    server
}

/// What is asked for.
struct List<'b> {
    server: &'b Server,
    path: String,
    credential: &'b str,
}

/// How long those took who were answered and those who were refused, in milliseconds, within some seconds.
struct Crowd {
    seconds: f64,
    answered: Vec<f64>,
    refused: Vec<f64>,
}

impl Crowd {
    fn answered_per_second(&self) -> f64 {
        count(&self.answered) / self.seconds
    }
}

impl List<'_> {
    /// Has so many clients ask for so long, each as fast as it is answered, or once in `pace`.
    fn crowd(&self, clients: u32, time: Duration, pace: Option<Duration>) -> Result<Crowd, String> {
        let mut crowd = Crowd { seconds: time.as_secs_f64(), answered: Vec::new(), refused: Vec::new() };
        let asked = thread::scope(|scope| {
            let clients: Vec<_> = (0..clients).map(|_| scope.spawn(|| self.one_of_them(time, pace))).collect();
            clients
                .into_iter()
                .map(|it| it.join().map_err(|_| "a client panicked".to_owned())?)
                .collect::<Result<Vec<_>, _>>()
        })?;
        for (answered, refused) in asked {
            crowd.answered.extend(answered);
            crowd.refused.extend(refused);
        }
        Ok(crowd)
    }

    fn one_of_them(&self, time: Duration, pace: Option<Duration>) -> Result<(Vec<f64>, Vec<f64>), String> {
        let mut client = Client::of(self.server)?;
        let (mut answered, mut refused) = (Vec::new(), Vec::new());
        let (began, mut next) = (Instant::now(), Instant::now());
        while began.elapsed() < time {
            if let Some(pace) = pace {
                thread::sleep(next.saturating_duration_since(Instant::now()));
                next += pace;
            }
            let answer = client.ask("GET", &self.path, "", self.credential)?;
            let took = answer.took.as_secs_f64() * 1e3;
            match answer.status {
                200 => answered.push(took),
                503 => refused.push(took),
                other => return Err(format!("somebody is answered with {other}: {}", answer.body)),
            }
        }
        Ok((answered, refused))
    }

    /// How many milliseconds it takes until somebody is answered as soon as was usual.
    fn normal_after(&self, usual: f64) -> Result<f64, String> {
        let (mut client, began) = (Client::of(self.server)?, Instant::now());
        loop {
            let answer = client.ask("GET", &self.path, "", self.credential)?;
            let so_far = began.elapsed();
            if so_far > PATIENCE || answer.status == 200 && answer.took.as_secs_f64() * 1e3 <= usual {
                return Ok(so_far.as_secs_f64() * 1e3);
            }
        }
    }
}

fn row(within: &Crowd, beyond: &Crowd, normal: f64) -> String {
    let goodput = beyond.answered_per_second() / within.answered_per_second();
    let [usual, answered, refused] = [&within.answered, &beyond.answered, &beyond.refused].map(|it| p99(it));
    let slower = answered / usual;
    let keeps = goodput >= GOODPUT && slower <= SLOWER && refused <= REFUSED_MS && normal <= NORMAL_MS;
    format!(
        "| {:>10.0} | {usual:>7.2} | {:>17.0} | {answered:>7.2} | {:>9.0} | {refused:>7.2} | {normal:>16.0} | {goodput:>7.2} | {slower:>6.2} | {:<5} |",
        within.answered_per_second(),
        beyond.answered_per_second(),
        count(&beyond.refused) / beyond.seconds,
        if keeps { "yes" } else { "no" },
    )
}

fn count(times: &[f64]) -> f64 {
    f64::from(u32::try_from(times.len()).unwrap_or(u32::MAX))
}

/// What 99 of a hundred take at most; of nothing, nothing.
fn p99(times: &[f64]) -> f64 {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    times.get(times.len() * 99 / 100).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Crowd, p99, row};

    #[test]
    fn ninety_nine_of_a_hundred_take_no_longer() {
        let times: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert!((p99(&times) - 199.0).abs() < f64::EPSILON);
        assert!(p99(&[]).abs() < f64::EPSILON);
    }

    #[test]
    fn whoever_serves_less_or_later_or_refuses_late_or_stays_so_does_not_keep_it() {
        let within = Crowd { seconds: 1.0, answered: vec![10.0; 100], refused: Vec::new() };
        let keeps = |answered: usize, took: f64, refused: f64, normal: f64| {
            let beyond = Crowd { seconds: 1.0, answered: vec![took; answered], refused: vec![refused; 100] };
            row(&within, &beyond, normal).ends_with("| yes   |")
        };

        assert!(keeps(90, 15.0, 2.0, 5.0));
        assert!(!keeps(80, 15.0, 2.0, 5.0));
        assert!(!keeps(90, 25.0, 2.0, 5.0));
        assert!(!keeps(90, 15.0, 12.0, 5.0));
        assert!(!keeps(90, 15.0, 2.0, 2_500.0));
    }
}
