//! What a judge has counted.

use std::collections::BTreeMap;

use crate::record::Source;

/// The outcome of a run.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// By what was done to the servers when an operation began.
    pub(crate) periods: BTreeMap<&'static str, Tally>,
    pub(crate) failed_reads: u64,
    pub(crate) failed_writes: u64,
    /// In nanoseconds: the longest that a process was kept from running, and all such times together.
    pub(crate) longest_delay: u64,
    pub(crate) delays: u64,
    /// Writes that were seen although nobody was told that they are done.
    pub(crate) untold: u64,
    /// In nanoseconds: how late the writes of others were when the pools said so, and the worst that any ever said.
    pub(crate) told_lags: Vec<u64>,
    pub(crate) worst_told_lag: u64,
    /// The first few violations, in words.
    pub(crate) told: Vec<String>,
}

/// Counts of one kind of time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// How often it was that time.
    pub(crate) count: u64,
    pub(crate) local: u64,
    pub(crate) shared: u64,
    /// Reads that the cache sent to the database.
    pub(crate) database: u64,
    /// Reads past the cache.
    pub(crate) truth: u64,
    pub(crate) writes: u64,
    /// Writes past the pools.
    pub(crate) outside: u64,
    pub(crate) violations: u64,
    /// In nanoseconds: the longest that a write had been acknowledged or seen when a read began that missed it.
    pub(crate) worst: u64,
    /// In nanoseconds: for a write past the pools and a process each, from its acknowledgement to the end of the first read
    /// of the cache that shows it.
    pub(crate) lags: Vec<u64>,
}

impl Verdict {
    /// The counts for that kind of time.
    pub(crate) fn period(&mut self, name: &'static str) -> &mut Tally {
        self.periods.entry(name).or_default()
    }

    /// Counts a time in which a process did not run.
    pub(crate) fn delayed(&mut self, span: u64) {
        self.longest_delay = self.longest_delay.max(span);
        self.delays += span;
    }

    /// Counts a read.
    pub(crate) fn count(&mut self, period: &'static str, source: Source) {
        let tally = self.period(period);
        *match source {
            Source::Local => &mut tally.local,
            Source::Shared => &mut tally.shared,
            Source::Database => &mut tally.database,
            Source::Truth => &mut tally.truth,
        } += 1;
    }

    /// The counts of all times together.
    pub(crate) fn total(&self) -> Tally {
        self.periods.values().fold(Tally::default(), Tally::and)
    }
}

impl Tally {
    /// Takes note of an answer that was this old.
    pub(crate) fn older(&mut self, staleness: u64) {
        self.worst = self.worst.max(staleness);
    }

    /// Reads and writes that were carried out.
    pub(crate) fn operations(&self) -> u64 {
        self.local + self.shared + self.database + self.truth + self.writes + self.outside
    }

    /// The part of the reads of the cache that it answered without the database.
    #[expect(clippy::cast_precision_loss, reason = "a rate is rounded anyway")]
    pub(crate) fn hit_rate(&self) -> f64 {
        match self.local + self.shared + self.database {
            0 => 0.0,
            reads => (self.local + self.shared) as f64 / reads as f64,
        }
    }

    fn and(self, other: &Tally) -> Tally {
        Tally {
            count: self.count + other.count,
            local: self.local + other.local,
            shared: self.shared + other.shared,
            database: self.database + other.database,
            truth: self.truth + other.truth,
            writes: self.writes + other.writes,
            outside: self.outside + other.outside,
            violations: self.violations + other.violations,
            worst: self.worst.max(other.worst),
            lags: [self.lags, other.lags.clone()].concat(),
        }
    }
}
