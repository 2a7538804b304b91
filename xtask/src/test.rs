//! `cargo xtask test`: every gate and every test, with the servers they need, and what was left out.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::amazon;
use crate::chaos;
use crate::check::gates;
use crate::docker::{Docker, Sweeper, run_id};
use crate::image::{self, Profile};
use crate::images::{SERVERS, Server};
use crate::is_ci;
use crate::process::command;
use crate::python::{self, Python};

/// Names the product's image for the tests.
const PRODUCT: &str = "TEST_IMAGE";

/// `cargo xtask test`
pub(crate) fn test(only: Option<&str>) -> Result<(), String> {
    let Servers { images, mut left_out } = servers();
    let python = Python::find().map_err(|why| left_out.push(format!("the tests with Python ({why})"))).ok();
    let docker = Docker::find().map_err(|why| left_out.push(format!("the tests of the product's image ({why})"))).ok();
    match only {
        None if is_ci() && !left_out.is_empty() => {
            return Err(format!("CI may not leave out {}", left_out.join(", ")));
        }
        None => gates()?,
        Some(only) => left_out.push(format!("the checks and every test without `{only}` in its name")),
    }

    let mut variables = images;
    if docker.is_some() {
        variables.push((PRODUCT, image::build(Profile::Dev)?));
    }
    let run = run_id();
    let sweeper = if variables.is_empty() { None } else { Some(Sweeper::start(&run)?) };
    if let Some(python) = &python {
        variables.push((python::PYTHON, python.path().display().to_string()));
    }
    if let Some((_, image)) = variables.iter().find(|(name, _)| *name == amazon::IMAGE) {
        variables.push((amazon::ENDPOINT, amazon::start(image, &run)?));
    }
    let tested = run_tests(only, &run, &variables);
    let endured = match &tested {
        Ok(totals) if only.is_none() && totals.succeeded => endured(&run, &variables, &mut left_out),
        _ => Ok(()),
    };
    let swept = sweeper.map_or(Ok(()), Sweeper::sweep);
    report(&tested?, &left_out).and(endured).and(swept)
}

/// What the tests may use besides the servers that run already.
#[derive(Default)]
struct Servers {
    /// Variables that name images, with their values.
    images: Vec<(&'static str, String)>,
    /// The tests that cannot run, and why.
    left_out: Vec<String>,
}

fn servers() -> Servers {
    let mut servers = Servers::default();
    let needed: Vec<&Server> = SERVERS.iter().filter(|it| !it.runs_already()).collect();
    if needed.is_empty() {
        return servers;
    }
    let docker = Docker::find();
    for server in needed {
        match docker.as_ref().map_err(Clone::clone).and_then(|docker| server.image(docker)) {
            Ok(image) => {
                println!("{} for the tests: {image}", server.name);
                servers.images.push((server.image_variable, image));
            }
            Err(why) => servers.left_out.push(format!("the tests on {} ({why})", server.name)),
        }
    }
    servers
}

/// Lets things fail, with servers of its own.
fn endured(run: &str, variables: &[(&'static str, String)], left_out: &mut Vec<String>) -> Result<(), String> {
    if chaos::NEEDED.iter().all(|needed| variables.iter().any(|(name, _)| name == needed)) {
        return chaos::in_ci(run, variables);
    }
    left_out.push("chaos (it needs images of servers that may be killed)".to_owned());
    if is_ci() { Err("CI may not leave out chaos".to_owned()) } else { Ok(()) }
}

/// What all test binaries counted together.
#[derive(Debug, Default, PartialEq)]
struct Totals {
    passed: u64,
    failed: u64,
    ignored: u64,
    /// Whether everything was built and ended well.
    succeeded: bool,
}

impl Totals {
    /// Adds a binary's `test result: ok. 5 passed; 0 failed; 1 ignored; …`; ignores any other line.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|it| it.split_once(". ")) else {
            return;
        };
        for count in counts.split("; ") {
            match count.split_once(' ').and_then(|(number, of)| Some((number.parse::<u64>().ok()?, of))) {
                Some((number, "passed")) => self.passed += number,
                Some((number, "failed")) => self.failed += number,
                Some((number, "ignored")) => self.ignored += number,
                _ => {}
            }
        }
    }
}

fn run_tests(only: Option<&str>, run: &str, variables: &[(&str, String)]) -> Result<Totals, String> {
    let mut cargo = command("cargo", &["test", "--workspace", "--no-fail-fast"]);
    cargo.args(only).env("TEST_RUN_ID", run).envs(variables.iter().map(|(name, value)| (*name, value)));
    let mut tests = cargo.stdout(Stdio::piped()).spawn().map_err(|why| format!("cargo cannot be run: {why}"))?;
    let mut totals = Totals::default();
    if let Some(output) = tests.stdout.take() {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            totals.add(&line);
            println!("{line}");
        }
    }
    totals.succeeded = tests.wait().map_err(|why| format!("cargo cannot be waited for: {why}"))?.success();
    Ok(totals)
}

/// The counts alone on a line, then, if anything was left out, what.
fn report(totals: &Totals, left_out: &[String]) -> Result<(), String> {
    let skipped = if totals.ignored > 0 { format!(", {} skipped", totals.ignored) } else { String::new() };
    println!("\n{} passed, {} failed{skipped}", totals.passed, totals.failed);
    if !left_out.is_empty() {
        println!("left out: {}", left_out.join(", "));
    }
    if !totals.succeeded || totals.failed > 0 {
        return Err("a test failed, or could not be built".into());
    }
    if totals.passed == 0 {
        return Err("no test ran".into());
    }
    if is_ci() && totals.ignored > 0 {
        return Err("CI may not leave out ignored tests".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Totals;

    #[test]
    fn the_counts_of_all_binaries_are_added_up() {
        let mut totals = Totals::default();
        for line in [
            "running 3 tests",
            "test a::test_result_is_kept ... ok",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 2 filtered out; finished in 0.00s",
            "test result: FAILED. 1 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1.50s",
        ] {
            totals.add(line);
        }
        assert_eq!(totals, Totals { passed: 4, failed: 2, ignored: 1, succeeded: false });
    }
}
