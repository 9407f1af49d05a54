//! What happened, and when: the evidence that is judged afterwards.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use cachedpool::cache::{Cached, Freshness, Source, Tick, Time};

use crate::{
    history::{Invalidation, Read, Table},
    plain::{Failure, Line},
};

/// A point in the order of all that tasks see, and the time on the pool's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) order: u64,
    pub(crate) time: Tick,
}

/// A statement or a transaction that may have changed something.
#[derive(Clone, Debug)]
pub(crate) struct Effort {
    pub(crate) invoked: Moment,
    /// When its success was told to the task.
    pub(crate) acknowledged: Option<Moment>,
    pub(crate) origin: Origin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Through the pool under test.
    Pool,
    /// Past it.
    Outside,
}

/// Whether a statement's version must be in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Committed,
    Undone,
    Either,
}

#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) read: Read,
    pub(crate) invoked: Moment,
    pub(crate) returned: Moment,
    pub(crate) result: Result<Vec<Line>, Failure>,
    pub(crate) about: Option<About>,
}

/// What the answer says of itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    pub(crate) age: Duration,
    pub(crate) freshness: Freshness,
    pub(crate) source: Source,
}

impl About {
    pub(crate) fn of<T>(cached: &Cached<T>) -> About {
        About {
            age: cached.age(),
            freshness: cached.freshness(),
            source: cached.source(),
        }
    }
}

/// An invalidation by hand that has returned.
#[derive(Clone, Debug)]
pub(crate) struct Barrier {
    pub(crate) what: Invalidation,
    pub(crate) invoked: Moment,
    pub(crate) returned: Moment,
}

#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// By the version that they write.
    pub(crate) statements: HashMap<i64, (Effort, Expected)>,
    /// By their signature.
    pub(crate) transactions: HashMap<i64, Effort>,
    /// By the version that they removed.
    pub(crate) deletions: HashMap<(Table, i64, i64), Effort>,
    pub(crate) looks: Vec<Look>,
    pub(crate) barriers: Vec<Barrier>,
    /// What was wrong on the face of it.
    pub(crate) violations: Vec<String>,
    pub(crate) cut: u64,
}

/// Written by all tasks.
#[derive(Debug)]
pub(crate) struct Record {
    time: Time,
    order: AtomicU64,
    names: AtomicI64,
    evidence: Mutex<Evidence>,
}

impl Record {
    pub(crate) fn new(time: Time) -> Self {
        Record {
            time,
            order: AtomicU64::new(1),
            names: AtomicI64::new(1),
            evidence: Mutex::default(),
        }
    }

    /// Now. Whatever a task has seen before it asks is before every moment that is asked for later.
    pub(crate) fn now(&self) -> Moment {
        Moment {
            order: self.order.fetch_add(1, Ordering::SeqCst),
            time: self.time.now(),
        }
    }

    /// A number that was never used before: a version, or a transaction's signature.
    pub(crate) fn name(&self) -> i64 {
        self.names.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn evidence(&self) -> MutexGuard<'_, Evidence> {
        self.evidence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn violation(&self, what: String) {
        self.evidence().violations.push(what);
    }

    pub(crate) fn cut(&self) {
        self.evidence().cut += 1;
    }

    /// Now that a transaction has ended, whether these versions must be in the journal.
    pub(crate) fn expect(&self, versions: &[i64], expected: Expected) {
        let mut evidence = self.evidence();
        for version in versions {
            if let Some((_, present)) = evidence.statements.get_mut(version) {
                *present = expected;
            }
        }
    }
}
