//! The way from a worker to the judge: lines on standard output.

use std::io::{self, BufWriter, Stdout, Write as _};
use std::sync::{Mutex, PoisonError};

use crate::{
    clock::{self, Moment},
    record::Record,
};

/// Tells records in the order in which they ended.
pub(super) struct Tell {
    output: Mutex<BufWriter<Stdout>>,
}

impl Tell {
    pub(super) fn new() -> Self {
        Self {
            output: Mutex::new(BufWriter::new(io::stdout())),
        }
    }

    /// Tells what has just ended.
    pub(super) fn now(&self, record: impl FnOnce(Moment) -> Record) {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock: a mark with a later moment must stand behind this line.
        let record = record(clock::now());
        // Nobody listens any more: this process is about to be told so.
        let _ = writeln!(output, "{record}");
        if matches!(record, Record::Write(_)) {
            let _ = output.flush();
        }
    }

    /// Tells that everything that ended before has been told.
    pub(super) fn mark(&self) {
        self.now(Record::Mark);
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = output.flush();
    }
}
