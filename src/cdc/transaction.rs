//! Collects what each transaction moves, until it is committed.
//!
//! Promises that it is bounded: past [`MOST_TAGS`] of a table the table stands for its rows, past [`MOST_TABLES`] everything
//! for the tables. What a sub-transaction did counts even if it is rolled back: that only costs misses.

use std::collections::{BTreeSet, HashMap, hash_map::Entry};

use super::{
    changes::{Before, Moves, Rows},
    pgoutput::{Datum, Malformed, Message, Old, Place, Relation},
};
use crate::cache::{Stamp, Tag, Tags};

/// The most tags of one table that are told apart in a transaction.
pub(super) const MOST_TAGS: usize = 256;

/// The most tables that are told apart in a transaction.
pub(super) const MOST_TABLES: usize = 256;

/// The most transactions that come in parts at once. The server sends only large ones so.
const MOST_STREAMS: usize = 1024;

/// A transaction that was committed.
#[derive(Debug)]
pub(super) struct Committed {
    pub(super) xid: u32,
    /// When, in the server's microseconds.
    pub(super) at: i64,
    /// The position behind it.
    pub(super) end: u64,
    pub(super) touched: Touched,
}

/// What a transaction has changed.
#[derive(Debug)]
pub(super) struct Touched {
    tables: HashMap<u32, Table>,
    everything: bool,
    /// The definitions when its first change came.
    definitions: Option<Stamp>,
}

#[derive(Debug)]
enum Table {
    Rows(BTreeSet<Tag>),
    Whole(Vec<Tag>),
}

impl Touched {
    fn nothing() -> Self {
        Self {
            tables: HashMap::new(),
            everything: false,
            definitions: None,
        }
    }

    fn widen(&mut self) {
        self.everything = true;
        self.tables.clear();
    }

    fn change(&mut self, relation: &Relation, rows: Option<Rows<'_, '_>>, changes: &dyn Moves) {
        if self.everything {
            return;
        }
        if self.definitions.is_none() {
            // Before the first change is told by them.
            self.definitions = Some(changes.definitions());
        }
        let count = self.tables.len();
        let known = match self.tables.entry(relation.id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if count >= MOST_TABLES => return self.widen(),
            Entry::Vacant(free) => free.insert(Table::Rows(BTreeSet::new())),
        };
        let Table::Rows(tags) = known else { return };
        let few = rows.filter(|_| tags.len() < MOST_TAGS);
        let moved = match few {
            Some(rows) => changes.of_row(relation, rows),
            None => changes.of_table(relation),
        };
        match (moved, few) {
            (Some(moved), Some(_)) => tags.extend(moved),
            (Some(moved), None) => *known = Table::Whole(moved),
            (None, _) => self.widen(),
        }
    }

    /// The tags as the clock wants them. `holds` says whether the definitions are still those by which they were told.
    pub(super) fn tags(self, holds: impl FnOnce(&Stamp) -> bool) -> Tags {
        if self.everything || self.definitions.is_some_and(|noted| !holds(&noted)) {
            return Tags::everything();
        }
        let tables = self.tables.into_values();
        let tags = tables.flat_map(|table| match table {
            Table::Rows(tags) => tags.into_iter().collect(),
            Table::Whole(tags) => tags,
        });
        tags.collect()
    }
}

/// What is between two commits.
#[derive(Default)]
pub(super) struct Collector {
    /// What the numbers of tables stand for: as many as the database has tables.
    relations: HashMap<u32, Relation>,
    /// The transaction that is being told.
    open: Option<(u32, Touched)>,
    /// Those that come in parts and are not complete.
    streams: HashMap<u32, Touched>,
    /// The one whose part is being told.
    part: Option<u32>,
}

impl Collector {
    /// Where the next message stands.
    pub(super) fn place(&self) -> Place {
        match self.part {
            Some(_) => Place::InPart,
            None => Place::Outside,
        }
    }

    /// Takes the next message.
    ///
    /// # Errors
    /// One that cannot come here.
    pub(super) fn take(
        &mut self,
        message: Message<'_>,
        changes: &dyn Moves,
    ) -> Result<Option<Committed>, Malformed> {
        match message {
            Message::Begin { xid, .. } if self.open.is_none() && self.part.is_none() => {
                self.open = Some((xid, Touched::nothing()));
            }
            Message::Begin { .. } => return Err(Malformed("a transaction inside another")),
            Message::Commit {
                end_lsn, committed, ..
            } => {
                let open = self.open.take();
                let (xid, touched) = open.ok_or(Malformed("a commit of nothing"))?;
                return Ok(Some(Committed {
                    xid,
                    at: committed,
                    end: end_lsn,
                    touched,
                }));
            }
            Message::Origin | Message::Type | Message::Message => {}
            Message::Relation(relation) => self.define(relation, changes),
            Message::Insert { relation, new } => {
                self.row(relation, None, Some(&new), changes)?;
            }
            Message::Update { relation, old, new } => {
                let old = old.as_ref().map_or(Before::SameIdentity, before);
                self.row(relation, Some(old), Some(&new), changes)?;
            }
            Message::Delete { relation, old } => {
                self.row(relation, Some(before(&old)), None, changes)?;
            }
            Message::Truncate { relations } => {
                for relation in relations {
                    let (relation, touched) = self.changed(relation)?;
                    touched.change(relation, None, changes);
                }
            }
            Message::StreamStart { xid } if self.open.is_none() && self.part.is_none() => {
                if self.streams.len() >= MOST_STREAMS {
                    return Err(Malformed("too many transactions in parts"));
                }
                self.streams.entry(xid).or_insert_with(Touched::nothing);
                self.part = Some(xid);
            }
            Message::StreamStart { .. } => return Err(Malformed("a part inside another")),
            Message::StreamStop => {
                self.part.take().ok_or(Malformed("the end of no part"))?;
            }
            Message::StreamCommit {
                xid,
                end_lsn,
                committed,
            } => {
                let touched = self.streams.remove(&xid);
                return Ok(Some(Committed {
                    xid,
                    at: committed,
                    end: end_lsn,
                    touched: touched.ok_or(Malformed("a commit of nothing"))?,
                }));
            }
            Message::StreamAbort { xid, subxid } => {
                if xid == subxid {
                    self.streams.remove(&xid);
                }
            }
        }
        Ok(None)
    }

    /// A table is described before its first change, and again after whatever may have changed it.
    fn define(&mut self, relation: Relation, changes: &dyn Moves) {
        let known = self.relations.get(&relation.id);
        if known.is_some_and(|known| *known != relation) {
            changes.definitions_moved();
            if let Some(touched) = self.current() {
                touched.widen();
            }
        }
        self.relations.insert(relation.id, relation);
    }

    fn row(
        &mut self,
        relation: u32,
        old: Option<Before<'_, '_>>,
        new: Option<&[Datum<'_>]>,
        changes: &dyn Moves,
    ) -> Result<(), Malformed> {
        let (relation, touched) = self.changed(relation)?;
        let before = old.and_then(|old| match old {
            Before::Whole(row) | Before::Identity(row) => Some(row),
            Before::SameIdentity => None,
        });
        let is_odd = |row: &[Datum<'_>]| row.len() != relation.columns.len();
        if before.is_some_and(is_odd) || new.is_some_and(is_odd) {
            return Err(Malformed("a row of another table"));
        }
        touched.change(relation, Some(Rows { relation, old, new }), changes);
        Ok(())
    }

    /// A table, and the transaction that changes it.
    fn changed(&mut self, relation: u32) -> Result<(&Relation, &mut Touched), Malformed> {
        let relation = self.relations.get(&relation);
        let relation = relation.ok_or(Malformed("a change of an unknown table"))?;
        let touched = match (&mut self.open, self.part) {
            (Some((_, touched)), _) => Some(touched),
            (None, Some(xid)) => self.streams.get_mut(&xid),
            (None, None) => None,
        };
        let touched = touched.ok_or(Malformed("a change outside of a transaction"))?;
        Ok((relation, touched))
    }

    fn current(&mut self) -> Option<&mut Touched> {
        match (&mut self.open, self.part) {
            (Some((_, touched)), _) => Some(touched),
            (None, Some(xid)) => self.streams.get_mut(&xid),
            (None, None) => None,
        }
    }
}

fn before<'r, 'a>(old: &'r Old<'a>) -> Before<'r, 'a> {
    match old {
        Old::Identity(row) => Before::Identity(row),
        Old::Whole(row) => Before::Whole(row),
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;
