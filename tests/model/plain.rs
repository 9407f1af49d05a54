//! The plain map: what the database holds after each commit, and what it answers to a question.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::history::{Fetch, Question, Read, Table};

/// A row as reads see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) id: i64,
    pub(crate) version: i64,
    /// Of the joined row.
    pub(crate) other: Option<i64>,
}

impl Line {
    /// The answer to a question for one number.
    pub(crate) fn number(version: i64) -> Line {
        Line {
            id: 0,
            version,
            other: None,
        }
    }
}

/// Why a read gives no rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    NoRow,
    /// The database cannot answer just now.
    Outage,
    /// The read itself is at fault.
    Broken,
    Unexpected(String),
}

/// What the database holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) rows: BTreeMap<(Table, i64), i64>,
    pub(crate) fault: i64,
}

/// One change of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Put(Table, i64, i64),
    /// With the version that the row had.
    Gone(Table, i64, i64),
    Fault(i64, i64),
}

impl Change {
    pub(crate) fn place(&self) -> Place {
        match self {
            Change::Put(table, ..) | Change::Gone(table, ..) => Place::Table(*table),
            Change::Fault(..) => Place::Fault,
        }
    }
}

/// What a read depends on and a change happens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Table(Table),
    Fault,
}

impl State {
    pub(crate) fn apply(&mut self, change: &Change) {
        match *change {
            Change::Put(table, id, version) => {
                self.rows.insert((table, id), version);
            }
            Change::Gone(table, id, _) => {
                self.rows.remove(&(table, id));
            }
            Change::Fault(level, _) => self.fault = level,
        }
    }

    /// What a read of this state gives.
    pub(crate) fn answer(&self, read: &Read) -> Result<Vec<Line>, Failure> {
        let mut lines = self.lines(&read.question);
        if read.guarded && !lines.is_empty() {
            match self.fault {
                0 => {}
                1 => return Err(Failure::Outage),
                _ => return Err(Failure::Broken),
            }
        }
        match read.fetch {
            Fetch::All => {}
            Fetch::One if lines.is_empty() => return Err(Failure::NoRow),
            Fetch::One | Fetch::Optional => lines.truncate(1),
        }
        Ok(lines)
    }

    fn lines(&self, question: &Question) -> Vec<Line> {
        let range = |table: Table, low: i64, high: i64| {
            self.rows
                .range((table, low)..=(table, high))
                .map(|(&(_, id), &version)| Line {
                    id,
                    version,
                    other: None,
                })
        };
        match *question {
            Question::Point(table, id) | Question::Literal(table, id) => {
                range(table, id, id).collect()
            }
            Question::Range(table, low, high) => range(table, low, high).collect(),
            Question::Whole(table) => range(table, i64::MIN, i64::MAX).collect(),
            Question::Join(left, right) => range(left, i64::MIN, i64::MAX)
                .map(|line| Line {
                    other: self.rows.get(&(right, line.id)).copied(),
                    ..line
                })
                .collect(),
            Question::Sum(table, low, high) => {
                vec![Line::number(
                    range(table, low, high).map(|line| line.version).sum(),
                )]
            }
        }
    }
}

impl Read {
    /// Whether its answer can change with this. A write that is told tells the readers of its own rows alone, so a read that
    /// asks for a row by its id may go on with what an older, untold write has changed there.
    pub(crate) fn may_show(&self, change: &Change) -> bool {
        let asked = match self.question {
            Question::Point(_, id) | Question::Literal(_, id) => Some(id),
            _ => None,
        };
        let changed = match *change {
            Change::Put(_, id, _) | Change::Gone(_, id, _) => Some(id),
            Change::Fault(..) => None,
        };
        let same_row = asked
            .zip(changed)
            .is_none_or(|(asked, changed)| asked == changed);
        self.depends_on(change.place()) && same_row
    }

    /// Whether its answer can change with what is at `place`.
    pub(crate) fn depends_on(&self, place: Place) -> bool {
        match place {
            Place::Fault => self.guarded,
            Place::Table(table) => match self.question {
                Question::Point(own, _)
                | Question::Literal(own, _)
                | Question::Range(own, ..)
                | Question::Whole(own)
                | Question::Sum(own, ..) => own == table,
                Question::Join(left, right) => left == table || right == table,
            },
        }
    }
}
