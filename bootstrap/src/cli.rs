//! The command line.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line prints")]

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::process::ExitCode;

use auth_application::{CreateApiKey, CreateSuperuser};
use auth_domain::{AllowedNumber, ApiKeyName, Description, NewPassword, Password, PhoneNumber, Scope};
use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};
use kernel_domain::BoxError;
use tokens_adapter::RootKeys;
use tokio::net::TcpListener;

use crate::check::check;
use crate::config::{Config, InvalidConfig, read_secret};
use crate::dead_letters::DeadLetters;
use crate::telemetry::{self, Telemetry};
use crate::{App, build, demo, relay, serve};

/// A modular monolith for logistics: items, batches, transports, and the centers between them.
#[derive(Parser)]
#[command(name = "majestic", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API (what happens without a command)
    Serve {
        #[command(flatten)]
        part: Part,
    },
    /// Deliver events, and do nothing else
    Relay,
    /// Look after events that could not be delivered
    DeadLetters {
        #[command(subcommand)]
        command: DeadLetters,
    },
    /// Bring the database's schema up to date
    Migrate,
    /// Load sample data and play the whole scenario over HTTP
    Demo,
    /// Create a user of type staff with the staff and superuser flags; prints the uuid
    ///
    /// The password comes from `MAJESTIC_PASSWORD`, or from a prompt.
    CreateSuperuser {
        /// In international form, like +821012345678
        #[arg(long)]
        phonenumber: String,
        /// The name to sign in with; the number's digits by default
        #[arg(long)]
        username: Option<String>,
    },
    /// Create an API key; prints the key, alone: it is shown this once
    CreateApiKey {
        /// What it is called
        #[arg(long)]
        name: String,
        /// What its holder may do: shipping:read, shipping:write, distribution:read, by comma
        #[arg(long, value_delimiter = ',')]
        scopes: Vec<String>,
        /// Until when, like 2027-01-31T00:00:00Z; for good by default
        #[arg(long)]
        expires_at: Option<DateTime<Utc>>,
    },
    /// Let the owner of a number sign up as staff
    AllowPhonenumber {
        /// In international form, like +821012345678
        #[arg(long)]
        phonenumber: String,
        /// Whose it is
        #[arg(long, default_value = "")]
        description: String,
        /// Let them no longer
        #[arg(long)]
        remove: bool,
    },
    /// Believe a phone number again that was stopped after too many wrong tokens
    PardonPhonenumber {
        /// In international form, like +821012345678
        #[arg(long)]
        phonenumber: String,
    },
    /// Look whether this configuration and its backends would do
    ///
    /// Changes nothing but for making the folders and the file of the embedded backends. Slack and the collector of traces are not asked.
    ///
    /// Exits with 0 if all is well, 1 if the configuration is not usable, 3 if a backend cannot be reached or lacks migrations.
    Check {
        /// Tell it as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        part: Part,
    },
    /// Print a fresh key for `TOKEN_ROOT_KEY` or `SECRET_KEY`
    GenerateKeypair,
    /// Print the `OpenAPI` document
    Openapi,
}

/// What a process serves.
#[derive(Args, Default)]
struct Part {
    /// Only these of auth, user, distribution and shipping, by comma; overrides `CONTEXTS`
    #[arg(long)]
    contexts: Option<String>,
}

impl Part {
    fn configured(self) -> Result<Config, InvalidConfig> {
        Config::read(|name| self.contexts.clone().filter(|_| name == "CONTEXTS").or_else(|| variable(name)))
    }
}

/// Runs what the command line asks for.
pub async fn run() -> ExitCode {
    let command = Cli::parse().command.unwrap_or(Command::Serve { part: Part::default() });
    match execute(command).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  because {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

/// Tells what `check` found.
async fn look(config: Result<Config, InvalidConfig>, json: bool) -> ExitCode {
    let found = check(config).await;
    if json {
        println!("{:#}", found.json());
    } else {
        found.lines().iter().for_each(|line| println!("{line}"));
    }
    found.exit_code()
}

async fn execute(command: Command) -> Result<ExitCode, BoxError> {
    match command {
        Command::Check { json, part } => return Ok(look(part.configured(), json).await),
        Command::Serve { part } => serve_until_told_to_stop(part).await?,
        Command::Relay => relay_until_told_to_stop().await?,
        Command::DeadLetters { command } => command.run(&*beside().await?.database.settled_events()).await?,
        Command::Migrate => {
            let app = build(&configured()?).await?;
            app.database.migrate().await?;
        }
        Command::Demo => demo::play(configured()?).await?,
        Command::CreateSuperuser { phonenumber, username } => create_superuser(phonenumber, username).await?,
        Command::CreateApiKey { name, scopes, expires_at } => create_api_key(&name, &scopes, expires_at).await?,
        Command::AllowPhonenumber { phonenumber, description, remove } => {
            allow_phone_number(&phonenumber, &description, remove).await?;
        }
        Command::PardonPhonenumber { phonenumber } => {
            let phone_number = PhoneNumber::parse(&phonenumber)?;
            let was_stopped = beside().await?.auth.pardon_number(&phone_number).await?;
            println!("{}", if was_stopped { "it is believed again" } else { "it was not stopped" });
        }
        Command::GenerateKeypair => println!("{}", RootKeys::generate()),
        Command::Openapi => println!("{}", http_adapter::openapi_document()),
    }
    Ok(ExitCode::SUCCESS)
}

fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    std::env::var(name).ok()
}

fn configured() -> Result<Config, InvalidConfig> {
    Config::read(variable)
}

async fn serve_until_told_to_stop(part: Part) -> Result<(), BoxError> {
    let stop = told_to_stop();
    let config = part.configured()?;
    let telemetry = telemetry::start(&config)?;
    let served = async {
        let app = build(&config).await?;
        let listener = TcpListener::bind(config.listen).await?;
        if config.environment.is_private() {
            greet(&format!("http://{}", listener.local_addr()?));
        }
        Ok(serve(&config, app, listener, stop).await?)
    };
    telling(telemetry, Box::pin(served)).await
}

async fn relay_until_told_to_stop() -> Result<(), BoxError> {
    let stop = told_to_stop();
    let config = configured()?;
    let telemetry = telemetry::start(&config)?;
    let relayed = async {
        let app = build(&config).await?;
        Ok(relay(&config, app, stop).await?)
    };
    telling(telemetry, Box::pin(relayed)).await
}

/// A process that ends by itself says so wherever it said everything else, too.
async fn telling(telemetry: Telemetry, process: impl Future<Output = Result<(), BoxError>>) -> Result<(), BoxError> {
    let ended = process.await;
    if let Err(error) = &ended {
        tracing::error!(error = &**error as &dyn std::error::Error, "the process ends: it cannot go on");
    }
    telemetry.end().await;
    ended
}

fn greet(base: &str) {
    println!("majestic-monolith serves on {base}\n");
    for (what, how) in [
        ("documentation", format!("{base}/api/docs/swagger or {base}/api/docs/redoc")),
        ("somebody to sign in", "cargo run -- create-superuser --phonenumber +821012345678".to_owned()),
        ("sign in", format!("POST {base}/api/v1/auth/signin/")),
        ("what is sent to phones", format!("{base}/dev/inbox")),
        ("a tour of it all", "cargo run -- demo".to_owned()),
    ] {
        println!("  {what:<24}{how}");
    }
    println!();
}

/// Listens from now on, and completes on SIGTERM, as orchestrators send it, and on SIGINT, as Ctrl-C sends it: whoever is
/// told to stop while it starts stops as well as any other.
fn told_to_stop() -> impl Future<Output = ()> + Send {
    use tokio::signal::unix::{SignalKind, signal};
    let heard = signal(SignalKind::terminate())
        .and_then(|terminate| signal(SignalKind::interrupt()).map(|interrupt| (terminate, interrupt)));
    async move {
        match heard {
            Ok((mut terminate, mut interrupt)) => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "signals cannot be heard");
                std::future::pending::<()>().await;
            }
        }
        tracing::info!("told to stop: finishing what has begun");
    }
}

/// The application, for a command that works beside a running server.
async fn beside() -> Result<App, BoxError> {
    let config = configured()?;
    let app = build(&config).await?;
    if config.environment.is_private() {
        app.database.migrate().await?;
    }
    Ok(app)
}

async fn create_superuser(phone_number: String, username: Option<String>) -> Result<(), BoxError> {
    let phone_number = PhoneNumber::parse(&phone_number)?;
    let password = NewPassword::choose(Password::typed(asked_password()?))?;
    let app = beside().await?;
    let id = app.auth.create_superuser(CreateSuperuser { phone_number, username, password }).await?;
    println!("{id}");
    Ok(())
}

async fn create_api_key(name: &str, scopes: &[String], expires_at: Option<DateTime<Utc>>) -> Result<(), BoxError> {
    let name = ApiKeyName::parse(name)?;
    let named = |it: &String| Scope::named(it.trim()).ok_or_else(|| format!("there is no scope {it}"));
    let scopes: BTreeSet<_> = scopes.iter().map(named).collect::<Result<_, _>>()?;
    let scopes = if scopes.is_empty() { Scope::usual() } else { scopes };
    let app = beside().await?;
    let created = app.auth.make_api_key(CreateApiKey { name, scopes, expires_at }, None).await?;
    println!("{}", created.key.expose());
    Ok(())
}

async fn allow_phone_number(phone_number: &str, description: &str, remove: bool) -> Result<(), BoxError> {
    let phone_number = PhoneNumber::parse(phone_number)?;
    let description = Description::parse(description)?;
    let app = beside().await?;
    if remove {
        let was_allowed = app.auth.disallow_number(&phone_number).await?;
        println!("{}", if was_allowed { "they may no longer" } else { "they could not before" });
    } else {
        app.auth.allow_number(AllowedNumber { phone_number, description }).await?;
        println!("they may");
    }
    Ok(())
}

fn asked_password() -> Result<String, BoxError> {
    if let Some(password) = read_secret(variable, "MAJESTIC_PASSWORD")? {
        return Ok(password);
    }
    if !std::io::stdin().is_terminal() {
        return Err("there is no terminal to ask for a password: set MAJESTIC_PASSWORD".into());
    }
    let password = rpassword::prompt_password("Password: ")?;
    if rpassword::prompt_password("Once more: ")? != password {
        return Err("the two passwords differ".into());
    }
    Ok(password)
}
