//! What the driver's own transaction control does, as the ledger books it.

use crate::driver::{front::Front, ledger::Effect};

/// Beginning a transaction inside `depth` others.
pub(super) fn begin<DB: Front>(depth: usize) -> Vec<Effect> {
    match depth {
        0 => vec![Effect::Begin],
        _ => vec![Effect::Savepoint(DB::savepoint(depth))],
    }
}

/// Committing the innermost of `depth` transactions.
pub(super) fn commit<DB: Front>(depth: usize) -> Vec<Effect> {
    match depth {
        0 => vec![],
        1 => vec![Effect::Commit { chain: false }],
        _ => vec![Effect::Release(DB::savepoint(depth - 1))],
    }
}

/// Rolling the innermost of `depth` transactions back.
pub(super) fn rollback<DB: Front>(depth: usize) -> Vec<Effect> {
    match depth {
        0 => vec![],
        1 => vec![Effect::Rollback { chain: false }],
        _ => vec![Effect::RollbackTo(DB::savepoint(depth - 1))],
    }
}

/// Whether effects only take back what was written.
pub(super) fn undoes(effects: &[Effect]) -> bool {
    !effects.is_empty()
        && effects
            .iter()
            .all(|effect| matches!(effect, Effect::Rollback { .. } | Effect::RollbackTo(_)))
}
