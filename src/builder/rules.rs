//! What settings cannot be.

use super::Builder;
use crate::{Error, cache::Consistency, driver::Front};

impl<DB: Front> Builder<DB> {
    /// Refuses a setting that cannot be.
    pub(super) fn check(&self) -> Result<(), Error> {
        let rules = [
            (
                self.terms.ttl.is_zero(),
                "default_ttl",
                "must be above zero",
            ),
            (
                self.terms.empty_ttl.is_zero(),
                "empty_ttl",
                "must be above zero",
            ),
            (
                self.terms.max_stale.is_zero(),
                "max_stale",
                "must be above zero",
            ),
            (self.terms.max_rows == 0, "max_rows", "must be above zero"),
            (self.terms.max_bytes == 0, "max_bytes", "must be above zero"),
            (
                self.local_capacity == 0,
                "local_capacity",
                "must be above zero",
            ),
            (
                self.statement_capacity == 0,
                "statement_capacity",
                "must be above zero",
            ),
            (
                self.engine.max_refreshes == 0,
                "max_refreshes",
                "must be above zero",
            ),
            (
                self.engine.max_in_flight == 0,
                "max_in_flight",
                "must be above zero",
            ),
            (
                self.engine.patience.is_zero(),
                "patience",
                "must be above zero",
            ),
            (
                self.engine.quarantine.is_zero(),
                "quarantine",
                "must be above zero",
            ),
            (
                self.engine.soft_timeout.is_some_and(|t| t.is_zero()),
                "soft_timeout",
                "must be above zero",
            ),
            (
                !(0.0..1.0).contains(&self.engine.ttl_jitter),
                "ttl_jitter",
                "must be at least 0 and below 1",
            ),
            (
                self.engine
                    .early_refresh
                    .is_some_and(|part| !(part > 0.0 && part < 1.0)),
                "early_refresh",
                "must be above 0 and below 1",
            ),
            (
                self.schema_interval.is_zero(),
                "schema_interval",
                "must be above zero",
            ),
            (
                self.beside.is_some() && self.shared.is_set(),
                "beside",
                "shares the tier of the other pool, and takes none of its own",
            ),
            (
                self.beside.is_some() && self.shared.is_sealed(),
                "encrypt_with",
                "is the other pool's to set, beside which this one is",
            ),
            (
                self.terms.consistency == Consistency::Strict
                    && self
                        .beside
                        .as_ref()
                        .is_some_and(|(engine, _)| !engine.fences_writes()),
                "consistency",
                "cannot be strict beside a pool that is not and shares a tier",
            ),
            (
                self.beside.is_some() && self.follow.is_some(),
                "follow_changes",
                "is for the pool whose cache is shared: it follows for those beside it",
            ),
            (
                self.unnamed,
                "assume_pure / declare_function / declare_trigger / assume_cacheable / table_level",
                "needs names that are not empty",
            ),
        ];
        let mut rules = rules.into_iter().chain(self.shared.rules());
        match rules.find(|(broken, ..)| *broken) {
            Some((_, field, problem)) => Err(Error::invalid(field, problem)),
            None => Ok(()),
        }
    }
}
