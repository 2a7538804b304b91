//! `cargo xtask bench`: how much of what this machine could do is left when our server does it.
//!
//! The release binary is compared with `floor`, which sends the same statements and answers the same bytes, and
//! does nothing else. Both use one MySQL and take turns, so that whatever else the machine does meets both.
//! docs/performance.md says how to read the outcome.

mod database;
mod effort;
mod load;
mod report;
mod server;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::available_parallelism;

use crate::docker::{Docker, Sweeper, run_id};
use crate::images::SERVERS;
use crate::process::{command, output, run};
use database::Database;
use effort::Effort;
use load::{Answers, Credential, Question};
use server::Server;

/// How to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Seconds until it is the other server's turn.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=20))]
    seconds: u64,
    /// Turns of each server.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=20))]
    rounds: u8,
    /// Questions at the same time.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(2..=512))]
    connections: u16,
    /// Items in the database.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(150..=1_000_000))]
    items: u32,
}

const ITEM: &str = "/api/v1/shipping/shippingitems/{number}/";
const PROFILE: &str = "/api/v1/user/users/self/profile/";
const SIGN_IN: &str = "/api/v1/auth/signin/";

const QUESTIONS: [Question; 7] = [
    Question { path: ITEM, ..Question::named("item detail") },
    Question { path: ITEM, credential: Credential::ApiKey, ..Question::named("detail, key") },
    Question { path: "/api/v1/shipping/shippingitems/?page_size=10", ..Question::named("10 items") },
    Question { path: "/api/v1/shipping/shippingitems/?page_size=100", ..Question::named("100 items") },
    // The floor answers these bytes without asking anybody.
    Question { path: PROFILE, floor_path: Some("/static"), ..Question::named("profile") },
    // The floor hashes a password, and answers that it has.
    Question {
        method: "POST",
        path: SIGN_IN,
        body: r#"{"phonenumber":"+821012345678","password":"correct horse battery staple"}"#,
        floor_path: Some("/argon2id"),
        ..Question::named("sign in")
    },
    // Last, for it makes the lists longer.
    Question {
        method: "POST",
        path: "/api/v1/shipping/shippingitems/",
        body: r#"{"sku":"TEA-250G"}"#,
        ..Question::named("item create")
    },
];

/// Before it is measured, a server makes its connections and the database reads its pages.
const WARM_UP_SECONDS: u64 = 2;

/// When others use more of the processors, a round is measured again.
const DISTURBED: f64 = 0.1;

const PASSWORD: &str = "correct horse battery staple";

/// `cargo xtask bench`
pub(crate) fn bench(options: &Options) -> Result<(), String> {
    let docker = Docker::find()?;
    load::install()?;
    let image = SERVERS[0].image(&docker)?;
    let programs = Programs::build()?;
    let run = run_id();
    let sweeper = Sweeper::start(&run)?;
    let measured = Database::start(&image, &run).and_then(|database| measure(&programs, &database, options));
    let swept = sweeper.sweep();
    measured.and(swept)
}

/// The two programs to compare.
struct Programs {
    majestic: PathBuf,
    floor: PathBuf,
}

impl Programs {
    fn build() -> Result<Self, String> {
        run(command("cargo", &["build", "--release", "--package", "bootstrap", "--package", "floor"]))?;
        // This program stands in a folder beside theirs.
        let this = std::env::current_exe().map_err(|why| format!("this program has no path: {why}"))?;
        let target = this.ancestors().nth(2).ok_or("this program is in no target folder")?;
        let built = |name| target.join("release").join(name);
        Ok(Self { majestic: built("majestic"), floor: built("floor") })
    }

    /// As it runs in production, with the key that it makes for itself.
    fn majestic(&self, database: &Database, root_key: &str, arguments: &[&str]) -> Command {
        let mut program = ends_with_us(&self.majestic);
        program.args(arguments).env("ENV", "prod").env("DATABASE_URL", database.url());
        // Any random digits will do for both keys.
        program.env("TOKEN_ROOT_KEY", root_key).env("SECRET_KEY", root_key);
        program.env("MAJESTIC_PASSWORD", PASSWORD).env("THROTTLE_RATES", often());
        program.env("STORAGE_URL", format!("file:{}", std::env::temp_dir().join("majestic-bench").display()));
        program
    }

    fn floor(&self, database: &Database) -> Command {
        let mut program = ends_with_us(&self.floor);
        program.env("DATABASE_URL", database.url());
        program
    }
}

/// A load is what throttles are there to hold back.
fn often() -> String {
    let rates = ["auth-check", "user-default", "user-burst", "api-key"].map(|it| format!(r#""{it}":"1000000000/s""#));
    format!("{{{}}}", rates.join(","))
}

/// The program in a process that ends when this one does, however that happens.
fn ends_with_us(program: &Path) -> Command {
    let mut command = command("setpriv", &["--pdeathsig", "KILL"]);
    command.arg(program);
    command
}

fn measure(programs: &Programs, database: &Database, options: &Options) -> Result<(), String> {
    let key = output(command(&programs.majestic.to_string_lossy(), &["generate-keypair"]))?;
    let majestic = |arguments: &[&str]| programs.majestic(database, key.trim(), arguments);
    output(majestic(&["migrate"]))?;
    output(majestic(&["create-superuser", "--phonenumber", "+821012345678"]))?;
    println!("inserting {} items", options.items);
    database.seed(options.items)?;

    let key = output(majestic(&["create-api-key", "--name", "bench"]))?;

    let pair = Pair {
        api_key: key.trim().to_owned(),
        majestic: Server::start("majestic", majestic(&["serve"]))?,
        floor: Server::start("floor", programs.floor(database))?,
        database,
        options,
    };
    println!("\n{}\n{}\n\n{}", machine(), setting(database, options)?, report::HEAD);
    let (mut disturbed, mut memory) = (Vec::new(), Vec::new());
    for question in &QUESTIONS {
        let rounds = pair.rounds(question)?;
        println!("{}", report::rows(question.name, &rounds));
        if question.path == SIGN_IN {
            memory.push(format!("under the load of sign-ins majestic had {} MiB", pair.majestic.memory_peak()?));
        } else if memory.is_empty() && question.path == PROFILE {
            memory.push(format!("before any load of sign-ins majestic had {} MiB", pair.majestic.memory_peak()?));
        }
        if rounds.iter().any(Round::is_disturbed) {
            disturbed.push(question.name);
        }
    }
    println!("\nat most, {}", memory.join("; "));
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
struct Round {
    majestic: Slice,
    floor: Slice,
}

/// A turn of one server.
struct Slice {
    answers: Answers,
    effort: Effort,
    statements: f64,
}

impl Round {
    /// How our server does when the floor is 1.
    fn ratio(&self) -> f64 {
        self.majestic.per_second() / self.floor.per_second()
    }

    fn is_disturbed(&self) -> bool {
        self.majestic.share_of_others().max(self.floor.share_of_others()) > DISTURBED
    }
}

impl Slice {
    fn per_second(&self) -> f64 {
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
        for server in [&self.majestic, &self.floor] {
            load::ask(server, question, &credential, self.options, WARM_UP_SECONDS)?;
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
        let credential = self.credential(question)?;
        Ok(Round {
            majestic: self.slice(&self.majestic, &self.floor, question, &credential)?,
            floor: self.slice(&self.floor, &self.majestic, question, &credential)?,
        })
    }

    fn slice(&self, server: &Server, idle: &Server, question: &Question, credential: &str) -> Result<Slice, String> {
        let statements = self.database.statements()?;
        let effort = Effort::so_far(server, idle, self.database.pid)?;
        let answers = load::ask(server, question, credential, self.options, self.options.seconds)?;
        let effort = Effort::so_far(server, idle, self.database.pid)? - effort;
        Ok(Slice { answers, effort, statements: self.database.statements()? - statements })
    }

    /// What the question is asked with. A token is good for a quarter of an hour, which is longer than a round.
    fn credential(&self, question: &Question) -> Result<String, String> {
        if question.credential == Credential::ApiKey {
            return Ok(format!("Api-Key {}", self.api_key));
        }
        let credentials = format!(r#"{{"phonenumber":"+821012345678","password":"{PASSWORD}"}}"#);
        let tokens = self.majestic.ask("POST", SIGN_IN, &credentials, "")?;
        let access = tokens.split_once(r#""access":""#).and_then(|(_, rest)| rest.split('"').next());
        access.map(|it| format!("Bearer {it}")).ok_or_else(|| format!("there is no access token in {tokens}"))
    }

    /// Servers that answer differently, or ask the database differently, cannot be compared.
    fn compare(&self, question: &Question, credential: &str) -> Result<(), String> {
        let Question { name, method, path, body, floor_path, .. } = question;
        if let Some(floor_path) = floor_path {
            let answer = self.majestic.ask(method, path, body, credential)?;
            return self.floor.ask("PUT", floor_path, &answer, credential).map(drop);
        }
        for item in [0, 1, self.options.items / 2, self.options.items - 1] {
            let path = path.replace("{number}", &format!("20260101-{item:010}"));
            let ask = |server: &Server| self.database.listen(|| server.ask(method, &path, body, credential));
            let (ours, floor) = (ask(&self.majestic)?, ask(&self.floor)?);
            let is_same = if *method == "POST" { shape(&ours.0) == shape(&floor.0) } else { ours.0 == floor.0 };
            if !is_same || ours.1 != floor.1 {
                return Err(format!("{name}: the servers differ\nmajestic: {ours:#?}\nfloor: {floor:#?}"));
            }
        }
        Ok(())
    }
}

/// An answer without what is different for each new item.
fn shape(answer: &str) -> String {
    answer.chars().map(|it| if it.is_ascii_hexdigit() { '0' } else { it }).collect()
}

fn cores() -> f64 {
    available_parallelism().map_or(1.0, |it| f64::from(u32::try_from(it.get()).unwrap_or(u32::MAX)))
}

fn machine() -> String {
    let read = |file| std::fs::read_to_string(file).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let processor = processors.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{} cores of {}, Linux {}", cores(), processor.unwrap_or("unknown kind"), kernel.trim())
}

fn setting(database: &Database, options: &Options) -> Result<String, String> {
    let Options { seconds, rounds, connections, items } = options;
    let compiler = output(command("rustc", &["--version"]))?;
    let mysql = database.version()?;
    Ok(format!(
        "{}, MySQL {mysql}, {items} items, {connections} connections, {rounds} rounds of {seconds} s each",
        compiler.trim()
    ))
}
