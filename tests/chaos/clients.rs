//! Clients: each asks for one thing after the other, notes every answer, and repeats on either process what nobody answered.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use support::app::{Answer, Visitor};
use support::storm::{Choice, Command, Entry, History, World};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// A request that takes longer was answered by nobody, as far as its client knows.
const PATIENCE: Duration = Duration::from_secs(2);
/// Who signs in waits as long as passwords take.
const SIGN_IN_PATIENCE: Duration = Duration::from_secs(20);
/// Attempts at one command.
const ATTEMPTS: usize = 5;
/// Before the next attempt, and before the next command when a server was not there.
const PAUSE: Duration = Duration::from_millis(100);
/// Well before an access token expires.
const TOKENS_LAST: Duration = Duration::from_mins(5);

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const SUPERUSER: &str = "+821012345678";
/// Numbers of drivers, who need no token to sign up.
pub(crate) const DRIVERS: &str = r"\+8210200000\d\d";

/// Everything that clients share.
pub(crate) struct Crowd {
    seed: u64,
    world: World,
    pub(crate) history: History,
    /// The same person before each process.
    visitors: Mutex<Vec<Visitor>>,
    requests: AtomicU64,
    begun: Instant,
}

impl Crowd {
    /// Signs up drivers, and signs in whoever may do everything.
    pub(crate) async fn gather(seed: u64, bases: &[String]) -> Result<Arc<Self>, String> {
        let mut drivers = Vec::new();
        let anybody = Visitor::before(&bases[0], SIGN_IN_PATIENCE);
        for driver in 0..3 {
            let form =
                json!({ "phonenumber": format!("+82102000000{driver}"), "user_type": "DRIVER", "password": PASSWORD });
            let signed_up = anybody.post("/api/v1/auth/signup/", form).await;
            let id = signed_up.body["uuid"].as_str().map(ToOwned::to_owned);
            drivers.push(id.ok_or_else(|| format!("a driver cannot sign up: {}", signed_up.text))?);
        }
        let crowd = Self {
            seed,
            world: World::driven_by(drivers),
            history: History::default(),
            visitors: Mutex::new(bases.iter().map(|base| Visitor::before(base, PATIENCE)).collect()),
            requests: AtomicU64::new(1),
            begun: Instant::now(),
        };
        if !crowd.sign_in().await {
            return Err("nobody can sign in".to_owned());
        }
        Ok(Arc::new(crowd))
    }

    /// Asks for a fresh token, wherever somebody answers; false if nobody does.
    async fn sign_in(&self) -> bool {
        let visitors = self.visitors.lock().expect("nobody panicked with it").clone();
        let credentials = json!({ "phonenumber": SUPERUSER, "password": PASSWORD });
        for visitor in &visitors {
            let request = visitor.request(Method::POST, "/api/v1/auth/signin/").json(&credentials);
            let request = request.timeout(SIGN_IN_PATIENCE);
            let Ok(answer) = Answer::if_any(request).await else { continue };
            if answer.status.is_success() {
                let mut visitors = self.visitors.lock().expect("nobody panicked with it");
                visitors.iter_mut().for_each(|it| it.holds(&answer.body));
                return true;
            }
        }
        false
    }

    /// Keeps the token fresh until `stop` says so.
    pub(crate) async fn stay_signed_in(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut due = Instant::now() + TOKENS_LAST;
        loop {
            tokio::select! {
                _ = stop.wait_for(|it| *it) => return,
                () = tokio::time::sleep_until(due) => {}
            }
            let is_fresh = self.sign_in().await;
            due = Instant::now() + if is_fresh { TOKENS_LAST } else { PAUSE };
        }
    }

    /// Clients at work until `stop` says so. Each writes what it asked and heard to a file of its own.
    pub(crate) fn at_work(self: &Arc<Self>, clients: u16, folder: &Path, stop: &watch::Receiver<bool>) -> JoinSet<()> {
        let mut working = JoinSet::new();
        for client in 0..clients {
            let log = File::create(folder.join(format!("client-{client:03}.log"))).expect("a client can write");
            let (crowd, stop) = (self.clone(), stop.clone());
            working.spawn(async move { crowd.client(client, log, stop).await });
        }
        working
    }

    async fn client(&self, client: u16, log: File, stop: watch::Receiver<bool>) {
        let mut choice = Choice::seeded(self.seed.wrapping_mul(1_000).wrapping_add(u64::from(client)));
        let mut number = 0;
        while !*stop.borrow() {
            number += 1;
            let command = self.world.next(&mut choice);
            // Some have no key: what nobody answers them, nobody asks again.
            let key = (command.is_post() && !choice.one_in(4)).then(|| format!("{client}-{number}"));
            let mut at = choice.below(2);
            if key.is_some() && choice.one_in(8) {
                // Both processes are asked at once.
                tokio::join!(
                    self.ask(&command, key.as_deref(), at, &log),
                    self.ask(&command, key.as_deref(), at + 1, &log)
                );
                continue;
            }
            for attempt in 1..=ATTEMPTS {
                let entry = self.ask(&command, key.as_deref(), at, &log).await;
                let is_done = !entry.is_unknown() && !matches!(entry.status, Some(409 | 429));
                if is_done || key.is_none() || *stop.borrow() || (attempt > 1 && choice.one_in(2)) {
                    if entry.status.is_none() {
                        sleep(PAUSE).await;
                    } else if key.is_some() && choice.one_in(16) {
                        // Some forget what they heard.
                        self.ask(&command, key.as_deref(), at + 1, &log).await;
                    }
                    break;
                }
                sleep(PAUSE).await;
                at += choice.below(2);
            }
        }
    }

    async fn ask(&self, command: &Command, key: Option<&str>, at: usize, mut log: &File) -> Entry {
        let visitor = {
            let visitors = self.visitors.lock().expect("nobody panicked with it");
            visitors[at % visitors.len()].clone()
        };
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let id = Uuid::from_u128((u128::from(self.seed) << 64) | u128::from(number)).to_string();
        let mut request = command.request(&visitor).header("Correlation-ID", &id);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let sent = Instant::now();
        let entry = match Answer::if_any(request).await {
            Ok(answer) => Entry::of(command.clone(), key, sent, answer),
            Err(_) => Entry::unanswered(command.clone(), key, sent, &id),
        };
        let since = |moment: Instant| moment.duration_since(self.begun).as_millis();
        let (sent, answered, told) = (since(entry.sent), since(entry.answered), &entry);
        writeln!(log, "{sent} {answered} {id} {key:?} {command:?} -> {:?} {} {}", told.status, told.code, told.body)
            .expect("a client can write");
        self.world.learn(&entry);
        self.history.add(entry.clone());
        entry
    }
}
