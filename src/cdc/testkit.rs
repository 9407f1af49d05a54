//! What the tests of this room share: a pool that says what it is told to.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use futures_core::future::BoxFuture;

use super::{
    changes::{Changes, Moment, Moves, Publication, Rows, Running},
    pgoutput::{Column, Datum, Message, Relation},
    trouble::Trouble,
};
use crate::cache::{Stamp, Tag};

/// Tags rows by the text of their first column, tables by name; does not know the table `unknown`.
pub(super) struct Plain {
    pub(super) running: Mutex<String>,
    /// What a snapshot says once a transaction has ended that began after this.
    pub(super) listed: Mutex<Option<String>>,
    pub(super) definitions: Stamp,
    pub(super) looks: AtomicU64,
    pub(super) written: AtomicU64,
    pub(super) flushed: AtomicU64,
    pub(super) retained: Mutex<Option<u64>>,
    pub(super) publication: Mutex<String>,
}

impl Plain {
    pub(super) fn new(definitions: Stamp) -> Self {
        Self {
            running: Mutex::new("1:1000:".into()),
            listed: Mutex::default(),
            definitions,
            looks: AtomicU64::default(),
            written: AtomicU64::default(),
            flushed: AtomicU64::default(),
            retained: Mutex::new(Some(0)),
            publication: Mutex::default(),
        }
    }

    /// The server keeps so much of its log, or knows no such slot.
    pub(super) fn retain(&self, bytes: Option<u64>) {
        *lock(&self.retained) = bytes;
    }

    /// The log is written up to `position`, and flushed.
    pub(super) fn write(&self, position: u64) {
        self.written.store(position, Ordering::Relaxed);
        self.flushed.store(position, Ordering::Relaxed);
    }

    /// The publication is another one from now on.
    pub(super) fn publish(&self, publication: &str) {
        *lock(&self.publication) = publication.into();
    }

    /// The snapshot is this one as soon as another transaction has ended.
    pub(super) fn list(&self, running: &str) {
        *lock(&self.listed) = Some(running.into());
    }

    pub(super) fn run(&self, running: &str) {
        *lock(&self.running) = running.into();
    }
}

impl Moves for Plain {
    fn of_row(&self, relation: &Relation, rows: Rows<'_, '_>) -> Option<Vec<Tag>> {
        if &*relation.name == "unknown" {
            return None;
        }
        let values = rows.versions(0).flatten().filter_map(|value| match value {
            Datum::Text(text) => Some(Tag::row(&*relation.name, "id", text)),
            _ => None,
        });
        Some(values.chain([Tag::table(&*relation.name)]).collect())
    }

    fn of_table(&self, relation: &Relation) -> Option<Vec<Tag>> {
        Some(vec![
            Tag::table(&*relation.name),
            Tag::unpinned(&*relation.name),
        ])
    }

    fn definitions(&self) -> Stamp {
        self.definitions.clone()
    }

    fn definitions_moved(&self) {
        self.looks.fetch_add(1, Ordering::Relaxed);
    }
}

impl Changes for Plain {
    fn moment(&self) -> BoxFuture<'_, Result<Moment, Trouble>> {
        let moment = Running::parse(&lock(&self.running)).map(|running| Moment {
            running,
            written: self.written.load(Ordering::Relaxed),
            flushed: self.flushed.load(Ordering::Relaxed),
            publication: Publication(lock(&self.publication).clone()),
        });
        Box::pin(async { moment.ok_or_else(|| Trouble::passing("nobody says")) })
    }

    fn retained<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<u64>, Trouble>> {
        let retained = *lock(&self.retained);
        Box::pin(async move { Ok(retained) })
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), Trouble>> {
        let written = self.written.load(Ordering::Relaxed);
        self.flushed.store(written, Ordering::Relaxed);
        if let Some(listed) = lock(&self.listed).take() {
            self.run(&listed);
        }
        Box::pin(async { Ok(()) })
    }

    fn check(&self) -> BoxFuture<'_, Result<(), Trouble>> {
        Box::pin(async { Ok(()) })
    }

    fn is_closed(&self) -> bool {
        false
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn relation(id: u32, name: &str) -> Relation {
    Relation {
        id,
        schema: "public".into(),
        name: name.into(),
        columns: vec![Column {
            name: "id".into(),
            identity: true,
            kind: 25,
            modifier: -1,
        }],
    }
}

pub(super) fn begin(xid: u32) -> Message<'static> {
    Message::Begin {
        final_lsn: 0,
        committed: 0,
        xid,
    }
}

pub(super) fn commit(end_lsn: u64) -> Message<'static> {
    Message::Commit {
        lsn: 0,
        end_lsn,
        committed: 0,
    }
}

pub(super) fn insert(relation: u32, id: &str) -> Message<'_> {
    Message::Insert {
        relation,
        new: vec![Datum::Text(id.as_bytes())],
    }
}
