//! How far this process's memory has followed the shared clock.

use std::collections::HashMap;

use super::{Token, Word};
use crate::cache::sync::{Mutex, lock};

/// The last word of each slot that was heard of. A slot's step is noted here after the local clock has moved, so what is
/// in here has thrown out of memory all that was older. At most one word a slot.
#[derive(Debug, Default)]
pub(in crate::cache) struct Known(Mutex<HashMap<u16, Word>>);

impl Known {
    pub(super) fn note(&self, words: &[(u16, Word)]) {
        let mut known = lock(&self.0);
        for &(slot, word) in words {
            let present = known.entry(slot).or_insert(word);
            // Answers and pushes of one connection come in order; those of two need not.
            if present.epoch != word.epoch || present.version < word.version {
                *present = word;
            }
        }
    }

    /// Hearing was interrupted, or everything moved.
    pub(super) fn forget(&self) {
        lock(&self.0).clear();
    }

    /// Whether memory holds nothing older than `token`.
    pub(in crate::cache) fn covers(&self, token: &Token) -> bool {
        let known = lock(&self.0);
        token.words.as_ref().is_some_and(|words| {
            words.iter().all(|(slot, word)| {
                known
                    .get(slot)
                    .is_some_and(|own| own.epoch == word.epoch && own.version >= word.version)
            })
        })
    }
}
