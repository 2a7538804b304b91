//! How long one client waits for an answer while the database grows: times should stay where they are.

use std::time::Duration;

use super::client::{Client, text};
use super::database::Database;
use super::programs::Programs;
use super::questions::{ITEMS, seeded_id};
use super::report::median;
use super::server::Server;
use super::{machine, versions};

/// The least items, and then ten times as many each time.
const SMALLEST: u32 = 1000;

/// How much longer than in the smallest database answers may take.
const FLAT: f64 = 1.5;

/// Questions of each kind before those that are measured.
const WARM_UP: u32 = 20;

const BATCHES: &str = "/api/v1/shipping/batches/";
const TRANSPORTS: &str = "/api/v1/shipping/transports/";

/// Items that a transport brings.
const ON_BOARD: u32 = 10;

/// How to measure growth.
#[derive(clap::Args)]
pub(super) struct Options {
    /// Items in the largest database.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1000..=10_000_000))]
    largest: u32,
    /// Questions of each kind; transports are completed a tenth as often.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(10..=5000))]
    asks: u32,
}

/// What is measured, in the order of the table.
const OPERATIONS: [&str; 7] = [
    "item detail",
    "first page, counted",
    "first page, by cursor",
    "deep page, by cursor",
    "item create",
    "batch add, 10 items",
    "transport complete",
];

/// Measures databases of every size, and prints the median times.
pub(super) fn measure(programs: &Programs, database: &Database, options: &Options) -> Result<(), String> {
    let sizes: Vec<u32> = std::iter::successors(Some(SMALLEST), |it| it.checked_mul(10))
        .take_while(|it| *it <= options.largest)
        .collect();
    database.widen()?;
    let mut times = Vec::new();
    for items in &sizes {
        database.renew()?;
        programs.fill(database, *items)?;
        let server = Server::start("majestic", programs.majestic(database, &["serve"]))?;
        times.push(Round { client: Client::of(&server)?, credential: server.access()?, items: *items }.times(options)?);
    }
    println!("\n{}\n{}, {} questions of each kind\n", machine(), versions(database)?, options.asks);
    print!("{}", table(&sizes, &times));
    Ok(())
}

/// One database under measurement.
struct Round {
    client: Client,
    /// Good for a quarter of an hour, which is longer than a round.
    credential: String,
    items: u32,
}

impl Round {
    /// The median time of each operation, in milliseconds.
    fn times(mut self, options: &Options) -> Result<Vec<f64>, String> {
        let asks = options.asks;
        // A stride that meets items all over the table.
        let any = |at: u32| u32::try_from(u64::from(at) * 7919 % u64::from(self.items)).unwrap_or_default();
        let details: Vec<_> = (0..asks + WARM_UP).map(|at| format!("{ITEMS}20260101-{:010}/", any(at))).collect();
        let counted = format!("{ITEMS}?page_size=10");
        let first = format!("{ITEMS}?cursor=&page_size=10");
        let deep = self.page_in_the_middle()?;
        let same = |path: &str| vec![path.to_owned(); details.len()];

        let mut times = Vec::with_capacity(OPERATIONS.len());
        for paths in [details.clone(), same(&counted), same(&first), same(&deep)] {
            times.push(self.median_of(&paths, |round, path| round.ask("GET", path, "").map(|it| it.0))?);
        }
        let creation = same(ITEMS);
        times
            .push(self.median_of(&creation, |round, path| round.ask("POST", path, r#"{"sku":"TEA"}"#).map(|it| it.0))?);
        times.extend(self.trips(asks.div_ceil(10))?);
        Ok(times)
    }

    fn median_of(
        &mut self,
        paths: &[String],
        mut ask: impl FnMut(&mut Self, &str) -> Result<Duration, String>,
    ) -> Result<f64, String> {
        let mut times = Vec::with_capacity(paths.len());
        for path in paths {
            times.push(milliseconds(ask(self, path)?));
        }
        times.drain(..usize::try_from(WARM_UP).unwrap_or_default());
        Ok(median(times))
    }

    /// The page of ten that begins in the middle of the list, found by turning pages.
    fn page_in_the_middle(&mut self) -> Result<String, String> {
        const TURNED: u32 = 100;
        let mut path = format!("{ITEMS}?cursor=&page_size={TURNED}");
        for _ in 0..self.items / 2 / TURNED {
            let (_, page) = self.ask("GET", &path, "")?;
            let next = text(&page, "next").and_then(|it| it.split_once("/api/"));
            path = next.map(|(_, rest)| format!("/api/{rest}")).ok_or("the list ends before its middle")?;
        }
        Ok(path.replace(&format!("page_size={TURNED}"), "page_size=10"))
    }

    /// The median times of packing a batch, and of completing the transport that brings it.
    fn trips(&mut self, trips: u32) -> Result<[f64; 2], String> {
        let (mut packed, mut completed) = (Vec::new(), Vec::new());
        for _ in 0..trips {
            let mut labels = Vec::new();
            for _ in 0..ON_BOARD {
                let item = self.made(ITEMS, r#"{"sku":"TEA"}"#, "tracking_number")?;
                labels.push(format!(r#"{{"tracking_number":"{item}"}}"#));
            }
            let batch = self.made(BATCHES, "{}", "alias")?;
            let labels = format!("[{}]", labels.join(","));
            packed.push(milliseconds(self.ask("POST", &format!("{BATCHES}{batch}/add/"), &labels)?.0));

            let (way, driver) = (r#""distribution_center_code_source":"C000000""#, seeded_id(0));
            let way = format!(r#"{way},"distribution_center_code_destination":"C000001""#);
            let plan = format!(r#"{{{way},"driver_uuid":"{driver}"}}"#);
            let path = format!("{TRANSPORTS}{}", self.made(TRANSPORTS, &plan, "uuid")?);
            self.ask("POST", &format!("{path}/add/"), &format!(r#"{{"alias":"{batch}"}}"#))?;
            self.ask("POST", &format!("{path}/start/"), "{}")?;
            completed.push(milliseconds(self.ask("POST", &format!("{path}/complete/"), "")?.0));
        }
        Ok([median(packed), median(completed)])
    }

    fn made(&mut self, path: &str, body: &str, named: &str) -> Result<String, String> {
        let (_, made) = self.ask("POST", path, body)?;
        text(&made, named).map(str::to_owned).ok_or_else(|| format!("there is no {named} in {made}"))
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<(Duration, String), String> {
        let answer = self.client.succeed(method, path, body, &self.credential)?;
        Ok((answer.took, answer.body))
    }
}

fn milliseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

/// A row for each operation: its median time at each size, how much longer that is than at the smallest size, and what
/// to make of it.
fn table(sizes: &[u32], times: &[Vec<f64>]) -> String {
    let cells = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let head = sizes.iter().map(|it| format!("{:>15}", format!("{it}, ms")));
    let mut table = cells(std::iter::once(format!("{:<21}", "operation")).chain(head).chain(["flat".into()]).collect());
    let rule = sizes.iter().map(|_| "-".repeat(14) + ":");
    table += &cells(std::iter::once("-".repeat(21)).chain(rule).chain(["----".into()]).collect());
    for (at, operation) in OPERATIONS.iter().enumerate() {
        let row: Vec<f64> = times.iter().filter_map(|it| it.get(at).copied()).collect();
        let Some(first) = row.first() else { continue };
        let is_flat = row.iter().all(|it| it / first <= FLAT);
        let row = row.iter().map(|it| format!("{:>15}", format!("{it:.2} ({:.2}×)", it / first)));
        let verdict = if is_flat { "yes" } else { "no" };
        table +=
            &cells(std::iter::once(format!("{operation:<21}")).chain(row).chain([format!("{verdict:<4}")]).collect());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::{OPERATIONS, table};

    #[test]
    fn what_takes_longer_in_a_larger_database_is_not_flat() {
        let mut grown = vec![1.4; OPERATIONS.len()];
        grown[1] = 1.6;
        let table = table(&[1000, 10_000], &[vec![1.0; OPERATIONS.len()], grown]);

        let verdicts: Vec<_> = table.lines().skip(2).map(|row| row.contains("| no ")).collect();
        assert_eq!(verdicts, [false, true, false, false, false, false, false]);
    }
}
