//! What a history is: tasks, and what each of them does in turn. Nothing in here runs anything.

use std::{fmt, time::Duration};

/// The tables whose rows come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Table {
    A,
    B,
    C,
    /// With more rows than a connection hands on before somebody reads them.
    Wide,
}

impl Table {
    pub(crate) const ALL: [Table; 4] = [Table::A, Table::B, Table::C, Table::Wide];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Table::A => "a",
            Table::B => "b",
            Table::C => "c",
            Table::Wide => "wide",
        }
    }

    /// Another small one.
    pub(crate) fn next(self) -> Table {
        match self {
            Table::A => Table::B,
            Table::B => Table::C,
            Table::C | Table::Wide => Table::A,
        }
    }
}

/// The ids that rows can have are 1 to this …
pub(crate) const IDS: i64 = 4;
/// … and in the wide table all of 1 to this are there.
pub(crate) const WIDE: i64 = 60;

#[derive(Clone)]
pub(crate) struct History {
    pub(crate) settings: Settings,
    pub(crate) tasks: Vec<Vec<Turn>>,
}

impl fmt::Debug for History {
    /// A line for each turn, whatever the format asks for: that is all one can read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{:?}", self.settings))?;
        for (nth, turns) in self.tasks.iter().enumerate() {
            for turn in turns {
                f.write_str(&format!("\n  task {nth}: {turn:?}"))?;
            }
        }
        Ok(())
    }
}

/// The settings of the pool under test.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) capacity: u64,
    pub(crate) statements: usize,
    pub(crate) max_rows: usize,
    pub(crate) max_in_flight: usize,
    pub(crate) max_refreshes: usize,
    pub(crate) jitter: f64,
    pub(crate) early_refresh: Option<f64>,
    pub(crate) soft_timeout: Option<Duration>,
}

/// One operation, after the task has given way so many times.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    pub(crate) yields: u8,
    pub(crate) deed: Deed,
}

#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Read(Read, Pace),
    /// Several futures of one task at once.
    Race(Vec<Branch>),
    Write(Write, Route, Pace),
    Transaction(Transaction),
    Invalidate(Invalidation, Pace),
    /// Reads, writes from outside, invalidates by hand and reads again.
    Tell(Read, Write, Invalidation),
    /// The clock goes on.
    Pass(Duration),
}

/// A write if there is one, and then reads one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    pub(crate) write: Option<(Write, Route, Pace)>,
    pub(crate) reads: Vec<(Read, Pace)>,
}

/// How far a future is polled.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// To its end.
    Through,
    /// So often, and then dropped.
    Cut(usize),
    /// So often, then not until others have taken `turns` turns, then to its end.
    Hold { polls: usize, turns: u64 },
}

/// How a write gets to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `execute(&pool)`.
    Pool,
    /// `execute(&mut *pool.acquire())`.
    Connection,
    /// Past the cache, as another program would.
    Outside,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Read {
    pub(crate) question: Question,
    /// Asks for a column besides that cannot be decoded while the table `fault` says so.
    pub(crate) guarded: bool,
    pub(crate) fetch: Fetch,
    pub(crate) form: Form,
    pub(crate) builder: Builder,
    pub(crate) hints: Hints,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Question {
    Point(Table, i64),
    /// As `Point`, the id in the SQL text.
    Literal(Table, i64),
    Range(Table, i64, i64),
    Whole(Table),
    Join(Table, Table),
    Sum(Table, i64, i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fetch {
    One,
    Optional,
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    Owned,
    Shared,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Builder {
    QueryAs,
    Map,
}

/// Spans are in seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Hints {
    pub(crate) ttl: Option<u64>,
    pub(crate) stale_while_revalidate: Option<u64>,
    pub(crate) stale_if_error: Option<u64>,
    pub(crate) tolerate_stale: Option<u64>,
    pub(crate) strict: bool,
    pub(crate) scope: Option<u8>,
    pub(crate) tagged: bool,
    pub(crate) mode: Mode,
    pub(crate) spelling: Spelling,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Mode {
    #[default]
    Normal,
    Refresh,
    Bypass,
    OnlyIfCached,
    /// Without `.cached(…)`.
    Direct,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Spelling {
    #[default]
    Calls,
    Comment,
    Policy,
}

#[derive(Clone, Debug)]
pub(crate) enum Write {
    Insert(Table, i64),
    Upsert(Table, i64),
    Replace(Table, i64),
    Update(Table, i64),
    /// With `RETURNING`.
    UpdateReturning(Table, i64),
    Sweep(Table, i64, i64),
    /// Every row of the wide table, with `RETURNING`: it has committed before its last rows are read.
    SweepWide,
    /// Every row of the other table, into this one.
    Copy(Table, Table),
    /// Rows that have a counterpart in the other table.
    Follow(Table, Table),
    Delete(Table, i64),
    /// All rows; in transactions only.
    Clear(Table),
    /// Against `NOT NULL`.
    Refused(Table, i64),
    /// Takes the whole transaction with it if the row exists.
    InsertOrRollback(Table, i64),
    /// What guarded reads meet from now on: 0 nothing, 1 an outage, 2 an error of their own.
    Fault(i64),
}

#[derive(Clone, Debug)]
pub(crate) struct Transaction {
    pub(crate) speech: Speech,
    pub(crate) body: Vec<Step>,
    pub(crate) end: End,
}

/// How a transaction is controlled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    Methods,
    /// `begin_with("BEGIN IMMEDIATE")`.
    Immediate,
    /// `BEGIN`, `COMMIT`, … as text.
    Text,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Cut after so many polls.
    Write(Write, Option<usize>),
    /// Reads a row inside the transaction.
    Look(Table, i64),
    /// A cached read on the side.
    Read(Read),
    Pass(Duration),
    Savepoint(Speech, Vec<Step>, End),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Commit(Option<usize>),
    Rollback(Option<usize>),
    Drop,
}

#[derive(Clone, Debug)]
pub(crate) enum Invalidation {
    Tables(Vec<Table>),
    Tag,
    All,
}
