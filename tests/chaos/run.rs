//! One run: everything is started, things fail for a while, everything heals, and what happened is judged.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::backends::Backends;
use crate::clients::{Crowd, DRIVERS, PASSWORD, SUPERUSER};
use crate::nemesis::{Deeds, haunt_networks, haunt_processes};
use crate::rival::rival;
use crate::service::{Program, Service, unused_port};
use crate::verdict::{Facts, Verdict};
use crate::watch::{Calm, watch};
use crate::{Options, Stack};

/// What takes longer than that after the failures have ended hangs.
const CLIENTS_DEADLINE: Duration = Duration::from_mins(1);
const DRAIN_DEADLINE: Duration = Duration::from_mins(2);
/// What was broken on purpose may hang for ever.
const DRAIN_DEADLINE_OF_CONTROLS: Duration = Duration::from_secs(20);
const ARRIVALS_DEADLINE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(50);

/// How often anything may be asked.
const RATES: &str = r#"{"anon-default":"1000000/s","anon-suppressed":"1000000/s","auth-check":"1000000/s",
    "user-default":"1000000/s","user-burst":"1000000/s"}"#;

/// `cargo xtask chaos`
pub(crate) async fn once(options: &Options) -> Result<(), String> {
    let (verdict, folder) = play(options, options.sabotage.as_deref()).await?;
    println!("{verdict}");
    let wrong = verdict.wrong();
    if wrong.is_empty() {
        return fs::remove_dir_all(&folder).map_err(|why| format!("{} cannot be removed: {why}", folder.display()));
    }
    let told = folder.join("faults.log");
    fs::write(&told, wrong.join("\n\n")).map_err(|why| format!("{} cannot be written: {why}", told.display()))?;
    for fault in wrong.iter().take(5) {
        println!("\n{fault:.2000}");
    }
    Err(format!("seed {}: {} faults, all of them in {}", options.seed, wrong.len(), told.display()))
}

/// Plays a run, and gives what is to be said of it, and where its files are.
pub(crate) async fn play(options: &Options, sabotage: Option<&str>) -> Result<(Verdict, PathBuf), String> {
    let folder = fresh_folder(options, sabotage)?;
    let backends = Backends::start(options.database, &folder).await?;
    let mut services = start_services(&backends, &folder, sabotage).await?;
    let bases: Vec<_> = services.iter().map(|it| it.base.clone()).collect();
    let crowd = Crowd::gather(options.seed, &bases).await?;

    let ((stop_failures, failing), (stop_clients, working)) = (watch::channel(false), watch::channel(false));
    let (stop_arrivals, arriving) = watch::channel(false);
    let arrivals = backends.arrivals(&folder, arriving);
    let calm = Calm::default();
    let mut clients = crowd.at_work(options.clients, &folder, &working);
    let signed_in = tokio::spawn(crowd.clone().stay_signed_in(working.clone()));
    let play = async {
        sleep(options.time()).await;
        stop_failures.send_replace(true);
    };
    let (haunted, faults, mut seen, told, ()) = tokio::join!(
        haunt_processes(options.seed, &backends, &mut services, &calm, failing.clone()),
        haunt_networks(options.seed, &backends, &calm, failing.clone()),
        watch(backends.mysql_url(), &calm, failing.clone()),
        rival(backends.mysql_url(), options.seed, failing.clone()),
        play,
    );
    seen.leave_out(&told);
    let deeds = Deeds { faults: faults?, ..haunted? };
    backends.heal().await;

    stop_clients.send_replace(true);
    let done = timeout(CLIENTS_DEADLINE, async {
        while let Some(client) = clients.join_next().await {
            client.map_err(|why| format!("a client heard what the document rules out: {why}"))?;
        }
        Ok::<(), String>(())
    });
    done.await.map_err(|_| "clients hang".to_owned())??;
    signed_in.abort();

    let mut sql = backends.sql().await;
    let drain_deadline = if sabotage.is_some() { DRAIN_DEADLINE_OF_CONTROLS } else { DRAIN_DEADLINE };
    let drained = drained(&mut sql, drain_deadline).await;
    for service in &mut services {
        let ended = service.stop().await?;
        if !ended.success() {
            return Err(format!("a process that was told to stop ended with {ended}"));
        }
    }
    stop_arrivals.send_replace(true);
    let arrivals =
        timeout(ARRIVALS_DEADLINE, arrivals).await.map_err(|_| "the queue of the bus does not end".to_owned())?;
    let arrivals = arrivals.map_err(|why| format!("the queue of the bus cannot be read: {why}"))?;
    let facts = Facts { entries: crowd.history.entries(), arrivals, deeds, seen, unrest: calm.unrest(), drained };
    Ok((Verdict::of(facts, &mut sql, &folder, options).await?, folder))
}

fn fresh_folder(options: &Options, sabotage: Option<&str>) -> Result<PathBuf, String> {
    let this = std::env::current_exe().map_err(|why| format!("this program has no path: {why}"))?;
    let target = this.ancestors().nth(2).ok_or("this program is in no target folder")?;
    let stack = if options.database == Stack::Mysql { "mysql" } else { "sqlite" };
    let run = format!("{stack}-{}-{}", options.seed, sabotage.unwrap_or("as-it-is"));
    let folder = target.join("chaos").join(run);
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|why| format!("{} cannot be removed: {why}", folder.display()))?;
    }
    fs::create_dir_all(&folder).map_err(|why| format!("{} cannot be made: {why}", folder.display()))?;
    Ok(folder)
}

async fn start_services(backends: &Backends, folder: &Path, sabotage: Option<&str>) -> Result<Vec<Service>, String> {
    let this = std::env::current_exe().map_err(|why| format!("this program has no path: {why}"))?;
    let mut program =
        Program { path: this.with_file_name("majestic"), folder: folder.to_owned(), variables: Vec::new() };
    let key = program.run(&["generate-keypair"]).await?;
    program.variables = vec![
        ("ENV", "dev".to_owned()),
        ("RUST_LOG", "warn,events=info".to_owned()),
        // Two processes on one machine would want the same port.
        ("METRICS_ADDR", "none".to_owned()),
        ("DRAIN_SECONDS", "1".to_owned()),
        ("TOKEN_ROOT_KEY", key),
        ("SECRET_KEY", program.run(&["generate-keypair"]).await?),
        ("STORAGE_URL", format!("file:{}", folder.join("media").display())),
        ("THROTTLE_RATES", RATES.replace('\n', "")),
        ("BYPASS_PHONENUMBER_REGEX", DRIVERS.to_owned()),
        ("MAJESTIC_PASSWORD", PASSWORD.to_owned()),
    ];
    let mut services = Vec::new();
    for process in 0..backends.processes() {
        let mut program = program.clone();
        program.variables.extend(backends.variables(process));
        if process == 0 {
            program.run(&["migrate"]).await?;
            backends.lay_traps(sabotage).await?;
            program.run(&["create-superuser", "--phonenumber", SUPERUSER]).await?;
        }
        let port = unused_port()?;
        program.variables.push(("LISTEN_ADDR", format!("127.0.0.1:{port}")));
        program.variables.extend(sabotage.map(|it| ("SABOTAGE", it.to_owned())));
        services.push(Service::start(program, port).await?);
    }
    Ok(services)
}

/// Waits until every event is delivered; how long that took, if it did.
async fn drained(sql: &mut support::sql::Sql, deadline: Duration) -> Option<Duration> {
    let begun = Instant::now();
    let open = "SELECT CAST(COUNT(*) AS CHAR(20)) AS line FROM outbox WHERE state = 'OPEN'";
    loop {
        if sql.lines(open).await.is_ok_and(|it| it == ["0"]) {
            return Some(begun.elapsed());
        }
        if begun.elapsed() > deadline {
            return None;
        }
        sleep(PAUSE).await;
    }
}
