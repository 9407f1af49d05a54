//! What a transaction knows of itself while it goes on.

use std::collections::HashMap;

use crate::{history::Table, world::Counts};

/// What a transaction knows of itself.
#[derive(Default)]
pub(crate) struct Progress {
    /// The versions that it wrote, for itself and each open savepoint, and whether they are certainly written.
    pub(crate) frames: Vec<Vec<(i64, bool)>>,
    /// Rows that it wrote last, with their versions.
    pub(crate) own: HashMap<(Table, i64), i64>,
    /// `INSERT OR ROLLBACK` has ended it, or may have: its further statements may commit one by one.
    pub(crate) broken: bool,
    /// Since then a savepoint may have begun another.
    pub(crate) reopened: bool,
}

impl Progress {
    pub(crate) fn counts(&self) -> Counts {
        if self.reopened {
            Counts::Unclear
        } else {
            Counts::InTransaction
        }
    }

    pub(crate) fn top(&mut self) -> &mut Vec<(i64, bool)> {
        self.frames
            .last_mut()
            .expect("the transaction's own frame stays to its end")
    }

    pub(crate) fn versions(frame: &[(i64, bool)]) -> Vec<i64> {
        frame.iter().map(|&(version, _)| version).collect()
    }

    pub(crate) fn close_frame(&mut self) -> Vec<(i64, bool)> {
        self.frames.pop().expect("every frame is closed once")
    }
}
