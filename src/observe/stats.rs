//! A snapshot of every counter.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

/// Every counter of a pool at one moment. Counts are since the pool was built; the last ten are of now.
///
/// `Display` gives an aligned table. The numbers are read one after the other, so sums may be off by what
/// happened meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Fresh answers from this process's memory.
    pub hits_local: u64,
    /// Fresh answers that the tier which processes share gave or, to strict reads, confirmed.
    pub hits_shared: u64,
    /// Answers given although a load was due.
    pub stale_hits: u64,
    /// Lookups for which this process's memory had no answer.
    pub misses: u64,
    /// Reads that did not ask the cache, by reason.
    pub bypasses: BTreeMap<&'static str, u64>,
    /// Queries that were run to answer or refresh cached reads.
    pub loads: u64,
    /// Those of them that failed.
    pub load_failures: u64,
    /// Misses that were answered by another reader's load.
    pub coalesced: u64,
    /// Misses that loaded alone because too many loads were under way.
    pub uncoalesced: u64,
    /// Background refreshes that ran.
    pub refreshes_started: u64,
    /// Those of them that failed or panicked.
    pub refreshes_failed: u64,
    /// Background refreshes that did not run: too many ran, or the result could not have been stored.
    pub refreshes_skipped: u64,
    /// Writes and calls that made results invalid.
    pub invalidations: u64,
    /// Results that were returned and not stored, by reason.
    pub stores_skipped: BTreeMap<&'static str, u64>,
    /// Events that slow subscribers lost.
    pub events_lost: u64,
    /// Entries in this process's memory, the invalid among them that nobody has asked for since.
    pub entries: u64,
    /// What they take, in bytes of their encoding and book-keeping.
    pub bytes: u64,
    /// Keys that are being loaded.
    pub in_flight: u64,
    /// Slots that are closed after a write of unknown outcome.
    pub quarantined: u64,
    /// Steps of other processes that moved something here.
    pub steps_heard: u64,
    /// Reads that gave up on the shared tier: an error, or the budget was spent.
    pub shared_failures: u64,
    /// Attempts to tell the other processes of writes that failed, and were tried again.
    pub deliveries_failed: u64,
    /// Results that were stored in the shared tier.
    pub shared_stores: u64,
    /// Results that were not: too many waited, or the tier did not take them.
    pub shared_stores_dropped: u64,
    /// Entries of the shared tier that could not be used, by reason. Each was a miss.
    pub shared_refusals: BTreeMap<&'static str, u64>,
    /// Results that were not stored in the shared tier because other processes would not have read them as they are, by
    /// reason. After some of the reasons no other result of the type is tried, nor counted.
    pub shared_stores_withheld: BTreeMap<&'static str, u64>,
    /// Relations of the database's catalog that are known.
    pub relations: u64,
    /// Nothing is known but what statements' texts show (`SchemaMode::TextOnly`): what triggers, foreign keys, views and the
    /// like do is not seen.
    pub text_only: bool,
    /// Slots whose steps the other processes have not been told of yet.
    pub pending_invalidations: u64,
    /// Whether this process hears of the writes of others, so that its memory may answer. Always false without a shared
    /// tier.
    pub shared_live: bool,
    /// Transactions of those who bypass the pool, or of other pools, that were followed and moved something.
    pub changes_followed: u64,
    /// How long after its commit the last of them was accounted for here, in microseconds.
    pub change_lag_micros: u64,
    /// The longest that it took since the pool was built.
    pub worst_change_lag_micros: u64,
    /// Bytes of its log that the server kept for the stream of the changes at the last look, up to ten seconds ago.
    pub retained_wal_bytes: u64,
    /// Whether this process hears of the writes of those who bypass the pool, so that its memory may answer. Always false where
    /// nobody follows them.
    pub changes_live: bool,
    /// Whether this process follows them for all processes that share its clock. The others hear of them by that clock, and count
    /// neither the transactions nor their lag.
    pub changes_leader: bool,
}

impl Stats {
    /// The part of all lookups that memory or the shared tier answered, from 0 to 1; 0 if there was none.
    #[expect(clippy::cast_precision_loss, reason = "a ratio needs no 64 bits")]
    pub fn hit_ratio(&self) -> f64 {
        let hits = self.hits_local + self.hits_shared + self.stale_hits;
        // A hit in the shared tier was a miss in memory.
        match self.hits_local + self.stale_hits + self.misses.max(self.hits_shared) {
            0 => 0.0,
            lookups => hits as f64 / lookups as f64,
        }
    }

    /// The plain numbers with their names, in the order of the table.
    pub(super) fn numbers(&self) -> [(&'static str, u64); 28] {
        [
            ("hits_local", self.hits_local),
            ("hits_shared", self.hits_shared),
            ("stale_hits", self.stale_hits),
            ("misses", self.misses),
            ("loads", self.loads),
            ("load_failures", self.load_failures),
            ("coalesced", self.coalesced),
            ("uncoalesced", self.uncoalesced),
            ("refreshes_started", self.refreshes_started),
            ("refreshes_failed", self.refreshes_failed),
            ("refreshes_skipped", self.refreshes_skipped),
            ("invalidations", self.invalidations),
            ("events_lost", self.events_lost),
            ("entries", self.entries),
            ("bytes", self.bytes),
            ("in_flight", self.in_flight),
            ("quarantined", self.quarantined),
            ("relations", self.relations),
            ("steps_heard", self.steps_heard),
            ("shared_failures", self.shared_failures),
            ("deliveries_failed", self.deliveries_failed),
            ("shared_stores", self.shared_stores),
            ("shared_stores_dropped", self.shared_stores_dropped),
            ("pending_invalidations", self.pending_invalidations),
            ("changes_followed", self.changes_followed),
            ("change_lag_micros", self.change_lag_micros),
            ("worst_change_lag_micros", self.worst_change_lag_micros),
            ("retained_wal_bytes", self.retained_wal_bytes),
        ]
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, number) in self.numbers() {
            writeln!(f, "{:<28}{number:>14}", name.replace('_', " "))?;
        }
        if self.text_only {
            writeln!(f, "{:<28}{:>14}", "schema", "text only")?;
        }
        for (title, counts) in [
            ("bypass", &self.bypasses),
            ("not stored", &self.stores_skipped),
            ("refused", &self.shared_refusals),
            ("not shared", &self.shared_stores_withheld),
        ] {
            for (label, count) in counts {
                writeln!(f, "{:<28}{count:>14}", format!("{title}: {label}"))?;
            }
        }
        write!(f, "{:<28}{:>13.1}%", "hit ratio", self.hit_ratio() * 100.0)
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_aligned_and_names_each_reason() {
        let stats = Stats {
            hits_local: 3,
            misses: 1,
            bypasses: BTreeMap::from([("volatile function", 12)]),
            text_only: true,
            ..Stats::default()
        };
        let table = stats.to_string();
        assert!(table.contains("bypass: volatile function"), "{table}");
        assert!(table.ends_with("75.0%"), "{table}");
        assert!(
            table.lines().all(|line| line.chars().count() == 42),
            "{table}"
        );
    }

    #[test]
    fn a_snapshot_serialises_with_its_labels() {
        let stats = Stats {
            stores_skipped: BTreeMap::from([("raced", 2)]),
            ..Stats::default()
        };
        let json = serde_json::to_value(&stats).unwrap();
        assert_eq!(json["stores_skipped"]["raced"], 2);
        assert_eq!(json["hits_local"], 0);
    }
}
