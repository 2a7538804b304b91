//! What is to be said of a run: what is wrong, what happened, and whether enough did for the run to mean anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use support::invariants::broken;
use support::sql::Sql;
use support::storm::{Deliveries, Entry, Left, disorder, faults, old_names};
use tokio::time::Instant;

use crate::bounds::{late_or_again, too_little};
use crate::nemesis::Deeds;
use crate::watch::{DEADLOCK, LOCK_WAIT, LOCKED_ROW, Seen, VERSION_CONFLICT};
use crate::{Options, Stack};

/// A relay is done with an event so fast that it takes many deaths to meet one in between, little is read without a lock, and
/// few things happen to servers: a shorter run may meet none of it.
const LONG: u64 = 300;

/// How long a name is shown that a center has no more: a second, and as long as somebody waits for a MySQL that is slowed.
const NAMES_LAST: Duration = Duration::from_secs(5);

/// The errors of MySQL by which somebody hears of a lock that somebody else has and does not give in time.
const LOCKED: [u64; 2] = [LOCK_WAIT, LOCKED_ROW];

/// What is known when a run is over.
pub(crate) struct Facts {
    pub(crate) entries: Vec<Entry>,
    /// The ids of the events that arrived, in the order in which they did.
    pub(crate) arrivals: Vec<String>,
    pub(crate) deeds: Deeds,
    pub(crate) seen: Seen,
    /// When views could not be evicted.
    pub(crate) unrest: Vec<(Instant, Instant)>,
    /// How long it took until every event was delivered, if they were.
    pub(crate) drained: Option<Duration>,
}

/// What is to be said of it.
pub(crate) struct Verdict {
    /// What is wrong, with the name of the check that found it.
    pub(crate) faults: Vec<(&'static str, String)>,
    /// What has to happen in each run, and how often it did.
    sometimes: Vec<(&'static str, usize)>,
    facts: Facts,
    deliveries: Deliveries,
    seconds: u64,
}

impl Verdict {
    /// Judges.
    pub(crate) async fn of(facts: Facts, sql: &mut Sql, folder: &Path, options: &Options) -> Result<Self, String> {
        let log = folder.join("service.log");
        let log = fs::read_to_string(&log).map_err(|why| format!("{} cannot be read: {why}", log.display()))?;
        let left = Left::of(sql).await;
        let deliveries = Deliveries::of(&facts.arrivals, &left);
        let invariants = broken(sql).await;

        let mut found: Vec<(&'static str, String)> = Vec::new();
        found.extend(invariants.into_iter().map(|(id, offenders)| ("invariants", format!("{id}: {offenders:?}"))));
        found.extend(deliveries.faults.iter().map(|it| ("deliveries", it.clone())));
        let Deeds { kills, freezes, stops, faults: of_networks, .. } = facts.deeds;
        let late = late_or_again(facts.drained, deliveries.duplicates, kills + freezes + stops + of_networks);
        found.extend(late.into_iter().map(|it| ("deliveries", it)));
        found.extend(old_names(&facts.entries, NAMES_LAST, &facts.unrest).into_iter().map(|it| ("views", it)));
        found.extend(faults(&facts.entries, &left).into_iter().map(|it| ("history", it)));
        found.extend(disorder(&facts.entries, &left).into_iter().map(|it| ("order", it)));
        found.extend(facts.seen.faults.iter().map(|it| ("locks", it.clone())));
        if options.database == Stack::Mysql {
            let late = sql.lines("SELECT HEX(event_id) AS line FROM chaos_late_settlements").await;
            let late = late.map_err(|why| format!("the trap cannot be read: {why}"))?;
            found.extend(late.into_iter().map(|it| ("fence", format!("{it} was settled by a relay that had lost it"))));
        }
        let sometimes = sometimes(&facts, &deliveries, &log, sql, options).await?;
        Ok(Self { faults: found, sometimes, facts, deliveries, seconds: options.seconds })
    }

    /// What is wrong, and what should have happened and did not.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let too_little = too_little(self.seconds, self.facts.deeds.kills, self.commands());
        let faults = self.faults.iter().map(|(check, fault)| format!("{check}: {fault}"));
        let never = self.sometimes.iter().filter(|(_, times)| *times == 0);
        faults
            .chain(never.map(|(what, _)| format!("void: this run shows nothing, for there was never a {what}")))
            .chain(too_little)
            .collect()
    }

    /// How many different things were asked for.
    fn commands(&self) -> usize {
        let entries = &self.facts.entries;
        let keys: BTreeSet<_> = entries.iter().filter_map(|it| it.key.as_deref()).collect();
        keys.len() + entries.iter().filter(|it| it.key.is_none()).count()
    }
}

/// What has to happen for a run to mean anything.
async fn sometimes(
    facts: &Facts,
    deliveries: &Deliveries,
    log: &str,
    sql: &mut Sql,
    options: &Options,
) -> Result<Vec<(&'static str, usize)>, String> {
    let entries = |which: fn(&Entry) -> bool| facts.entries.iter().filter(|it| which(it)).count();
    // Nobody refuses an event here: where one was claimed twice and not given back, a relay had lost it to another one.
    let taken_over = "SELECT CAST(COUNT(*) AS CHAR(20)) AS line FROM outbox WHERE subscriber = 'bus' AND attempts > 1";
    let taken_over = sql.lines(taken_over).await.map_err(|why| format!("the outbox cannot be read: {why}"))?;
    let mut sometimes =
        vec![("unknown outcome", entries(Entry::is_unknown)), ("replayed answer", entries(|it| it.is_replayed))];
    let raised = |errors: &[u64]| {
        let times: u64 = errors.iter().filter_map(|it| facts.seen.errors.get(it)).sum();
        usize::try_from(times).unwrap_or(usize::MAX)
    };
    if options.seconds >= LONG {
        sometimes.extend([("freeze", facts.deeds.freezes), ("end that was asked for", facts.deeds.stops)]);
    }
    // Nothing slows a file down, and one process is soon done with an event: what is between is over too fast to be met.
    if options.database == Stack::Mysql && options.seconds >= LONG {
        sometimes.extend([
            ("lease taken over", taken_over.first().and_then(|it| it.parse().ok()).unwrap_or_default()),
            ("duplicate delivery", deliveries.duplicates),
            ("version conflict", raised(&[VERSION_CONFLICT])),
            ("death of MySQL", facts.deeds.recoveries.len()),
            ("death of Redis", facts.deeds.kills_of_redis),
        ]);
    }
    if options.database == Stack::Mysql {
        let logged = |what: &str| log.lines().filter(|it| it.contains(what)).count();
        sometimes.extend([
            ("deadlock", raised(&[DEADLOCK])),
            ("lock that somebody else had", raised(&LOCKED)),
            ("connection that was not to be had", logged("no connection")),
            ("key in use", entries(|it| it.code == "idempotency_key_in_use")),
            ("refusal for want of a backend", entries(|it| it.status == Some(503))),
            ("breaker that opened", logged("each instance goes on by itself")),
            ("bus that nobody reached", logged("nobody takes them right now")),
        ]);
    }
    Ok(sometimes)
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Facts { entries, deeds, seen, drained, .. } = &self.facts;
        let of_status = |first: u16| entries.iter().filter(|it| it.status.is_some_and(|it| it / 100 == first)).count();
        writeln!(f, "{} s: {} commands in {} attempts", self.seconds, self.commands(), entries.len())?;
        let unanswered = entries.iter().filter(|it| it.status.is_none()).count();
        writeln!(
            f,
            "  {} done, {} refused, {} failed, {unanswered} unanswered",
            of_status(2),
            of_status(4),
            of_status(5)
        )?;
        writeln!(
            f,
            "  {} kills, {} freezes, {} stops, {} network faults",
            deeds.kills, deeds.freezes, deeds.stops, deeds.faults
        )?;
        writeln!(f, "  a process answers again after {}", spread(&deeds.restarts))?;
        writeln!(f, "  the service serves again after MySQL does, after {}", spread(&deeds.recoveries))?;
        let Deliveries { arrived, duplicates, .. } = self.deliveries;
        let drained = drained.map_or("never".to_owned(), |it| format!("{it:.1?}"));
        writeln!(
            f,
            "  {arrived} events arrived, {duplicates} of them again; all of them {drained} after the last failure"
        )?;
        let Seen { oldest, looks, judged, .. } = seen;
        writeln!(f, "  the oldest transaction was open for {oldest:.1?}: {looks} looks, {judged} of them judged")?;
        for (what, times) in &self.sometimes {
            writeln!(f, "  {what}: {times}")?;
        }
        let mut found: BTreeMap<&str, usize> = BTreeMap::new();
        for (check, _) in &self.faults {
            *found.entry(check).or_default() += 1;
        }
        write!(f, "  faults: {found:?}")
    }
}

/// The middle and the longest of some times.
fn spread(times: &[Duration]) -> String {
    let mut times = times.to_vec();
    times.sort_unstable();
    match (times.get(times.len() / 2), times.last()) {
        (Some(middle), Some(longest)) => format!("{middle:.1?} (median of {}), {longest:.1?} at most", times.len()),
        _ => "nobody knows: it never happened".to_owned(),
    }
}
