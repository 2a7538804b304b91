//! How much our server answers when it is asked as fast as it can, beside the floor.

use std::thread::available_parallelism;

use super::database::Database;
use super::effort::Effort;
use super::load::{self, Answers};
use super::programs::Programs;
use super::questions::{Credential, PROFILE, QUESTIONS, Question, SIGN_IN};
use super::server::Server;
use super::{Options, machine, report, versions};
use crate::process::output;

/// Before it is measured, a server makes its connections and the database reads its pages.
const WARM_UP_SECONDS: u64 = 2;

/// When others use more of the processors, a round is measured again.
const DISTURBED: f64 = 0.1;

/// More than are packed in a second: whoever runs out of them is answered that there is no such item.
const LOOSE_PER_SECOND: u64 = 4000;

/// Puts every question to both servers, and prints how they did.
pub(super) fn measure(programs: &Programs, database: &Database, options: &Options) -> Result<(), String> {
    programs.fill(database, options.items)?;
    let key = output(programs.majestic(database, &["create-api-key", "--name", "bench"]))?;

    let pair = Pair {
        api_key: key.trim().to_owned(),
        majestic: Server::start("majestic", programs.majestic(database, &["serve"]))?,
        floor: Server::start("floor", programs.floor(database))?,
        database,
        options,
    };
    println!("\n{}\n{}\n\n{}", machine(), setting(database, options)?, report::HEAD);
    let (mut disturbed, mut memory) = (Vec::new(), Vec::new());
    for question in options.only.map_or(&QUESTIONS[..], std::slice::from_ref) {
        let rounds = pair.rounds(question)?;
        println!("{}", report::rows(question, &rounds));
        if question.path == SIGN_IN {
            memory.push(format!("under the load of sign-ins majestic had {} MiB", pair.majestic.memory_peak()?));
        } else if memory.is_empty() && question.path == PROFILE {
            memory.push(format!("before any load of sign-ins majestic had {} MiB", pair.majestic.memory_peak()?));
        }
        if rounds.iter().any(Round::is_disturbed) {
            disturbed.push(question.name);
        }
    }
    if !memory.is_empty() {
        println!("\nat most, {}", memory.join("; "));
    }
    if !disturbed.is_empty() {
        println!("\nothers used this machine too, during {}", disturbed.join(", "));
    }
    Ok(())
}

/// The servers, side by side.
struct Pair<'b> {
    api_key: String,
    majestic: Server,
    floor: Server,
    database: &'b Database,
    options: &'b Options,
}

/// A turn of each server.
pub(super) struct Round {
    pub(super) majestic: Slice,
    pub(super) floor: Slice,
}

/// A turn of one server.
pub(super) struct Slice {
    pub(super) answers: Answers,
    pub(super) effort: Effort,
    pub(super) statements: f64,
}

impl Round {
    /// How our server does when the floor is 1.
    pub(super) fn ratio(&self) -> f64 {
        self.majestic.per_second() / self.floor.per_second()
    }

    fn is_disturbed(&self) -> bool {
        self.majestic.share_of_others().max(self.floor.share_of_others()) > DISTURBED
    }
}

impl Slice {
    pub(super) fn per_second(&self) -> f64 {
        self.answers.count / self.answers.seconds
    }

    fn share_of_others(&self) -> f64 {
        self.effort.others / (self.answers.seconds * cores())
    }
}

impl Pair<'_> {
    /// Enough rounds that nobody disturbed; if there are not enough of them, all.
    fn rounds(&self, question: &Question) -> Result<Vec<Round>, String> {
        let credential = self.credential(question)?;
        self.compare(question, &credential)?;
        for (server, idle) in [(&self.majestic, &self.floor), (&self.floor, &self.majestic)] {
            self.slice(server, idle, question, &credential, WARM_UP_SECONDS)?;
        }
        let wanted = usize::from(self.options.rounds);
        let (mut quiet, mut disturbed) = (Vec::new(), Vec::new());
        while quiet.len() < wanted && disturbed.len() <= wanted {
            let round = self.round(question)?;
            if round.is_disturbed() { disturbed.push(round) } else { quiet.push(round) }
        }
        if quiet.len() < wanted {
            quiet.append(&mut disturbed);
        }
        Ok(quiet)
    }

    fn round(&self, question: &Question) -> Result<Round, String> {
        let (credential, seconds) = (self.credential(question)?, self.options.seconds);
        Ok(Round {
            majestic: self.slice(&self.majestic, &self.floor, question, &credential, seconds)?,
            floor: self.slice(&self.floor, &self.majestic, question, &credential, seconds)?,
        })
    }

    fn slice(
        &self,
        server: &Server,
        idle: &Server,
        question: &Question,
        credential: &str,
        seconds: u64,
    ) -> Result<Slice, String> {
        if question.takes_loose_items() {
            self.database.loosen(LOOSE_PER_SECOND * seconds)?;
        }
        let statements = self.database.statements()?;
        let effort = Effort::so_far(server, idle, self.database.pid)?;
        let answers = load::ask(server, question, credential, self.options, seconds)?;
        let effort = Effort::so_far(server, idle, self.database.pid)? - effort;
        Ok(Slice { answers, effort, statements: self.database.statements()? - statements })
    }

    /// What the question is asked with. A token is good for a quarter of an hour, which is longer than a round.
    fn credential(&self, question: &Question) -> Result<String, String> {
        match question.credential {
            Credential::ApiKey => Ok(format!("Api-Key {}", self.api_key)),
            Credential::AccessToken => self.majestic.access(),
        }
    }

    /// Servers that answer differently, or ask the database differently, cannot be compared.
    fn compare(&self, question: &Question, credential: &str) -> Result<(), String> {
        let Question { name, method, path, body, floor_path, .. } = question;
        if let Some(floor_path) = floor_path {
            let answer = self.majestic.ask(method, path, body, credential)?;
            return self.floor.ask("PUT", floor_path, &answer, credential).map(drop);
        }
        if question.takes_loose_items() {
            self.database.loosen(LOOSE_PER_SECOND)?;
        }
        let items = self.options.items;
        for (loose, item) in (0..).step_by(2).zip([0, 1, items / 2, items - 1]) {
            let ask = |server: &Server, loose| {
                let (path, body) = question.about(item, items, loose);
                self.database.listen(|| server.ask(method, &path, &body, credential))
            };
            let (ours, floor) = (ask(&self.majestic, loose)?, ask(&self.floor, loose + 1)?);
            let is_same = if *method == "POST" { shape(&ours.0) == shape(&floor.0) } else { ours.0 == floor.0 };
            if !is_same || ours.1 != floor.1 {
                return Err(format!("{name}: the servers differ\nmajestic: {ours:#?}\nfloor: {floor:#?}"));
            }
        }
        Ok(())
    }
}

/// An answer without what is different for each new item.
pub(super) fn shape(answer: &str) -> String {
    answer.chars().map(|it| if it.is_ascii_hexdigit() { '0' } else { it }).collect()
}

pub(super) fn cores() -> f64 {
    available_parallelism().map_or(1.0, |it| f64::from(u32::try_from(it.get()).unwrap_or(u32::MAX)))
}

fn setting(database: &Database, options: &Options) -> Result<String, String> {
    let Options { seconds, rounds, connections, items, .. } = options;
    let versions = versions(database)?;
    Ok(format!("{versions}, {items} items, {connections} connections, {rounds} rounds of {seconds} s each"))
}
