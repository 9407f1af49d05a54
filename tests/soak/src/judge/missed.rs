//! What a read does not show, and whether it was allowed not to.

use super::{Acknowledged, CHECKER, Judge, Process, is_outside, promise::Promise};
use crate::{
    clock::{self, Delay},
    record::{Demand, Read, Seen, Source},
};

/// A write that an answer does not show.
pub(super) struct Finding {
    pub(super) broken: Option<Promise>,
    pub(super) staleness: u64,
    pub(super) newer: String,
}

impl Judge {
    /// What a read should or could have seen and did not.
    pub(super) fn missed(&self, process: Process, read: &Read, seen: &Seen) -> Option<Finding> {
        let history = self.rows.get(&seen.row)?;
        let newer = seen.version + 1..;
        let written = history
            .acknowledged
            .range(newer.clone())
            .filter(|(_, write)| write.at < read.begin);
        let certain = history
            .certain
            .range(newer)
            .filter(|(_, at)| **at < read.begin);

        let mut findings: Vec<Finding> = written
            .map(|(version, write)| {
                let staleness = read.begin - write.at;
                let broken = if read.source == Source::Truth {
                    Some(Promise::Database)
                } else if write.by == process {
                    Some(Promise::OwnWrites)
                } else if read.demand == Demand::Strict && !is_outside(write.by) {
                    Some(Promise::Strict)
                } else {
                    self.too_old(process, read, write)
                };
                Finding {
                    broken,
                    staleness,
                    newer: format!("process {} had left version {version}", write.by),
                }
            })
            .collect();
        // What nobody was told of may have been written past the pools.
        let is_pools = |version: &i64| match history.acknowledged.get(version) {
            Some(write) => !is_outside(write.by),
            None => self.outside.is_none(),
        };
        let certain =
            certain.filter(|(version, _)| read.source == Source::Truth || is_pools(version));
        if read.demand == Demand::Strict || read.source == Source::Truth {
            findings.extend(certain.map(|(version, &at)| Finding {
                broken: Some(match read.source {
                    Source::Truth => Promise::Database,
                    _ => Promise::Strict,
                }),
                staleness: read.begin - at,
                newer: format!("version {version} had been seen"),
            }));
        }
        // A broken promise first, and of those the oldest.
        findings
            .into_iter()
            .max_by_key(|finding| (finding.broken.is_some(), finding.staleness))
    }

    /// The promise by which a bounded read should have seen that write of somebody else.
    fn too_old(&self, process: Process, read: &Read, write: &Acknowledged) -> Option<Promise> {
        let staleness = read.begin - write.at;
        if staleness <= self.staleness {
            return None;
        }
        // A writer that is killed before it could deliver is a declared degraded mode. To those who follow all
        // changes it is one who writes past them.
        let lost = self.doomed.contains(&write.by)
            && self
                .delivered
                .get(&write.by)
                .is_none_or(|&until| until <= write.at);
        let (promise, allowed) = match lost || is_outside(write.by) {
            true => (Promise::Outside, self.outside?),
            false => (Promise::Bounded, self.staleness),
        };
        // Nobody delivers or hears while it does not run.
        let delays: Vec<Delay> = [CHECKER, write.by, process]
            .iter()
            .filter_map(|one| self.delays.get(one))
            .flatten()
            .copied()
            .collect();
        let excused = clock::covered(delays, write.at, read.begin);
        (staleness > allowed + excused).then_some(promise)
    }
}
