//! Judges what the processes saw by what had been promised.
//!
//! Every row carries a version that grows with each write to it, so whether an answer is too old is a comparison of
//! numbers: it *missed* a write if its version is smaller than the one that the write left. Whether it was allowed to
//! depends on when the write had been acknowledged, measured at the moment at which the read began:
//!
//! - in the same process: never (P1);
//! - elsewhere: within `staleness` (P3), and the time that processes were kept from running; unless the writer was killed
//!   before it could deliver;
//! - where others write past the pools: what they wrote, or what such a writer could not deliver, within the longer time that is promised for
//!   that (P6);
//! - for a strict read: never what a pool wrote (P4). Nor may it miss what anybody had been answered before, which is how the writes of a
//!   killed process count although nobody was told of them: what was seen had been committed;
//! - for a read after a token: what the token's write left must be there (P5).
//!
//! A write whose outcome nobody was told promises nothing. Missing here means that the write was acknowledged *before*
//! the read began: what happened meanwhile may be seen or not.
//!
//! Must not know: where records come from. They are told in any order; a read is judged when everything that ended before it
//! is known, which [`Judge::settle`] says.

mod lag;
mod missed;
mod promise;
mod tally;

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::{
    clock::{Delay, MICROSECOND, MILLISECOND, Moment},
    record::{Effort, Read, Record, Row, Seen, Source, Write},
    world::{FIRST_VERSION, outside::BEACON},
};

use lag::Lookout;
pub(crate) use lag::Spread;
use promise::Promise;
pub(crate) use tally::{Tally, Verdict};

/// So many violations are told in words; all are counted.
const TOLD: usize = 20;

/// One process, and no other after it.
pub(crate) type Process = u32;
/// The checker itself.
pub(crate) const CHECKER: Process = 0;
/// The first of those that write past the pools.
pub(crate) const OUTSIDERS: Process = 1 << 30;

/// Whether no pool knows of its writes.
pub(crate) fn is_outside(process: Process) -> bool {
    process >= OUTSIDERS
}

/// Everything that is known so far.
pub(crate) struct Judge {
    /// In nanoseconds: how long another process's write may be missed.
    staleness: u64,
    /// The same of those who write past the pools, if the pools follow them.
    outside: Option<u64>,
    lookout: Lookout,
    rows: HashMap<Row, History>,
    /// When processes were kept from running.
    delays: HashMap<Process, Vec<Delay>>,
    /// Up to when all that a process had written is known to the others.
    delivered: HashMap<Process, Moment>,
    /// They were killed, and what they had not delivered by then was lost with them.
    doomed: HashSet<Process>,
    waiting: Vec<Case>,
    /// What was done to the servers, from when on.
    periods: Vec<(Moment, &'static str)>,
    verdict: Verdict,
}

/// What is known of one row, by version.
#[derive(Default)]
struct History {
    acknowledged: BTreeMap<i64, Acknowledged>,
    /// When anybody was first answered with a version.
    certain: BTreeMap<i64, Moment>,
}

impl History {
    /// How many writes were seen although nobody was told of them.
    fn untold(&self) -> u64 {
        let written = |version: &&i64| **version > FIRST_VERSION;
        let seen = self.certain.keys().filter(written);
        let untold = seen.filter(|version| !self.acknowledged.contains_key(version));
        untold.count() as u64
    }
}

#[derive(Clone, Copy)]
struct Acknowledged {
    at: Moment,
    by: Process,
}

/// What is to be judged once everything before it is known.
struct Case {
    process: Process,
    what: What,
}

enum What {
    Read(Read),
    Write(Write),
}

impl Judge {
    /// Other processes' writes may be missed for `staleness` nanoseconds.
    pub(crate) fn new(staleness: u64) -> Self {
        Self {
            staleness,
            outside: None,
            lookout: Lookout::default(),
            rows: HashMap::new(),
            delays: HashMap::new(),
            delivered: HashMap::new(),
            doomed: HashSet::new(),
            waiting: Vec::new(),
            periods: Vec::new(),
            verdict: Verdict::default(),
        }
    }

    /// What is written past the pools may be missed for `staleness` nanoseconds.
    pub(crate) fn following(mut self, staleness: u64) -> Self {
        self.outside = Some(staleness);
        self
    }

    /// From `since` on, this is what is done to the servers. Told in order, and before the moment is settled.
    pub(crate) fn period(&mut self, since: Moment, name: &'static str) {
        self.periods.push((since, name));
        self.verdict.period(name).count += 1;
    }

    /// Takes a record of `process`.
    pub(crate) fn hear(&mut self, process: Process, record: Record) {
        let what = match record {
            Record::Read(read) => {
                self.is_certain(&read);
                What::Read(read)
            }
            Record::Write(write) => {
                self.is_acknowledged(process, &write);
                What::Write(write)
            }
            Record::Failed(Effort::Read) => {
                self.verdict.failed_reads += 1;
                return;
            }
            Record::Failed(Effort::Write) => {
                self.verdict.failed_writes += 1;
                return;
            }
            Record::Wrong(what) => {
                self.violation(self.latest(), format!("process {process}: {what}"));
                return;
            }
            Record::Delayed(delay) => {
                self.verdict.delayed(delay.to - delay.from);
                self.delays.entry(process).or_default().push(delay);
                return;
            }
            Record::Lag { last, worst } => {
                self.verdict.told_lags.push(last * MICROSECOND);
                self.verdict.worst_told_lag = self.verdict.worst_told_lag.max(worst * MICROSECOND);
                return;
            }
            Record::Delivered(until) => {
                self.delivered.insert(process, until);
                return;
            }
            Record::Office(_) | Record::Mark(_) => return,
        };
        self.waiting.push(Case { process, what });
    }

    /// That process is about to be killed. To be told before anything that began later is settled.
    pub(crate) fn doom(&mut self, process: Process) {
        self.doomed.insert(process);
    }

    /// Whether nobody has been told yet of the write that left this.
    pub(crate) fn is_untold(&self, seen: &Seen) -> bool {
        let history = self.rows.get(&seen.row);
        seen.version > FIRST_VERSION
            && history.is_none_or(|history| !history.acknowledged.contains_key(&seen.version))
    }

    /// Everything that ended before `until` has been told: judges it.
    pub(crate) fn settle(&mut self, until: Moment) {
        let (ready, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|case| case.end() < until);
        self.waiting = waiting;
        for case in ready {
            match case.what {
                What::Read(read) => self.judge_read(case.process, &read),
                What::Write(write) => self.judge_write(case.process, &write),
            }
        }
    }

    /// The verdict on everything that was told.
    pub(crate) fn verdict(mut self) -> Verdict {
        self.settle(Moment::MAX);
        self.verdict.untold = self.rows.values().map(History::untold).sum();
        self.verdict
    }

    /// The verdict so far.
    pub(crate) fn so_far(&self) -> &Verdict {
        &self.verdict
    }

    fn is_certain(&mut self, read: &Read) {
        for seen in &read.seen {
            let certain = &mut self.rows.entry(seen.row).or_default().certain;
            let first = certain.entry(seen.version).or_insert(read.end);
            *first = read.end.min(*first);
        }
    }

    fn is_acknowledged(&mut self, process: Process, write: &Write) {
        for left in &write.left {
            let by = Acknowledged {
                at: write.end,
                by: process,
            };
            let history = self.rows.entry(left.row).or_default();
            if let Some(other) = history.acknowledged.insert(left.version, by) {
                let text = format!(
                    "processes {} and {process} were both told that they wrote {left}",
                    other.by
                );
                self.violation(write.begin, text);
            }
        }
    }

    fn judge_read(&mut self, process: Process, read: &Read) {
        let period = period(&self.periods, read.begin);
        self.verdict.count(period, read.source);
        for seen in &read.seen {
            if seen.row.table == BEACON && read.source != Source::Truth {
                let lags = self.lookout.saw(process, read, seen, &self.rows);
                self.verdict.period(period).lags.extend(lags);
            }
            if let Some(finding) = self.missed(process, read, seen) {
                let staleness = finding.staleness;
                if read.source != Source::Truth {
                    self.verdict.period(period).older(staleness);
                }
                if let Some(promise) = finding.broken {
                    let text = format!(
                        "{promise}: process {process} read {seen} from {:?} ({:?}), {}, which was known {:.1} ms before the read began",
                        read.source,
                        read.demand,
                        finding.newer,
                        millis(staleness)
                    );
                    self.violation(read.begin, text);
                }
            }
            let Some(after) = read.after else { continue };
            if after.row == seen.row && seen.version < after.version {
                let text = format!(
                    "{}: process {process} read {seen} from {:?} after a token for {after}",
                    Promise::Session,
                    read.source
                );
                self.violation(read.begin, text);
            }
        }
    }

    /// Versions grow in the order in which the database committed.
    fn judge_write(&mut self, process: Process, write: &Write) {
        let period = period(&self.periods, write.begin);
        let tally = self.verdict.period(period);
        match is_outside(process) {
            true => tally.outside += 1,
            false => tally.writes += 1,
        }
        for left in &write.left {
            let later = self.rows.get(&left.row).and_then(|history| {
                history
                    .acknowledged
                    .range(left.version + 1..)
                    .find(|(_, other)| other.at < write.begin)
            });
            if let Some((version, other)) = later {
                let text = format!(
                    "{}: process {process} wrote {left} after process {} had been told that it wrote version {version}",
                    Promise::Database,
                    other.by
                );
                self.violation(write.begin, text);
            }
        }
    }

    fn violation(&mut self, at: Moment, text: String) {
        let period = period(&self.periods, at);
        self.verdict.period(period).violations += 1;
        if self.verdict.told.len() < TOLD {
            self.verdict.told.push(format!("[{period}] {text}"));
        }
    }

    fn latest(&self) -> Moment {
        self.periods.last().map_or(0, |&(since, _)| since)
    }
}

impl Case {
    fn end(&self) -> Moment {
        match &self.what {
            What::Read(read) => read.end,
            What::Write(write) => write.end,
        }
    }
}

fn period(periods: &[(Moment, &'static str)], at: Moment) -> &'static str {
    periods
        .iter()
        .rev()
        .find(|(since, _)| *since <= at)
        .map_or("none", |&(_, name)| name)
}

/// For people.
#[expect(clippy::cast_precision_loss, reason = "a moment more or less")]
pub(crate) fn millis(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / MILLISECOND as f64
}

#[cfg(test)]
mod tests;
