//! The nouns of this room: what is known about one SQL text.

use std::{fmt, sync::Arc, time::Duration};

use super::{implied::Implied, pins::Pins};

/// The SQL dialect that a text is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    MySql,
    /// SQLite.
    Sqlite,
}

/// What kind of statement a text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Reads and nothing else.
    Read,
    /// Changes rows (also a `SELECT` with a data-modifying CTE, `COPY … FROM`, `CALL`, `DO`).
    Write,
    /// Changes the schema.
    Ddl,
    /// `BEGIN`, `COMMIT`, `SAVEPOINT` and their kin.
    Transaction,
    /// Changes the state of the session (`SET`, `USE`, `PRAGMA x = y`, …).
    Session,
    /// Anything else (`SHOW`, `LISTEN`, `EXPLAIN`, `VACUUM`, …).
    Other,
}

/// A relation as the text names it: unquoted identifiers in lower case, quoted ones as written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Relation {
    /// The schema (MySQL: database), where the text gives one.
    pub schema: Option<Box<str>>,
    /// The relation's own name.
    pub name: Box<str>,
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        f.write_str(&self.name)
    }
}

/// The ways in which a statement can change a relation's rows: a set.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ops(u8);

impl Ops {
    /// None.
    pub const NONE: Ops = Ops(0);
    /// New rows.
    pub const INSERT: Ops = Ops(1);
    /// Rows with other values.
    pub const UPDATE: Ops = Ops(2);
    /// Rows less.
    pub const DELETE: Ops = Ops(4);
    /// All rows gone at once.
    pub const TRUNCATE: Ops = Ops(8);
    /// All of them.
    pub const ALL: Ops = Ops(15);

    /// The ways of both.
    #[must_use]
    pub const fn and(self, other: Ops) -> Ops {
        Ops(self.0 | other.0)
    }

    /// Whether any way of `other` is among these.
    #[must_use]
    pub const fn meets(self, other: Ops) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether all ways of `other` are among these.
    #[must_use]
    pub const fn holds(self, other: Ops) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) const fn on(self, relation: Relation) -> Action {
        Action {
            relation,
            ops: self,
        }
    }
}

impl fmt::Debug for Ops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Ops::INSERT, "insert"),
            (Ops::UPDATE, "update"),
            (Ops::DELETE, "delete"),
            (Ops::TRUNCATE, "truncate"),
        ];
        let held = names.iter().filter(|(op, _)| self.holds(*op));
        f.debug_set().entries(held.map(|(_, name)| name)).finish()
    }
}

/// What is done to one target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Action {
    /// The target.
    pub relation: Relation,
    /// How its rows can change.
    pub ops: Ops,
}

/// What a statement can have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writes {
    /// These relations and no others; empty for a pure read.
    Relations(Vec<Relation>),
    /// Unknown: anything may have changed.
    Everything,
}

/// One effect of a text, in the order in which the server runs them. A text with several statements has several.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Rows (or, for DDL, definitions) of these may have changed.
    Write(Writes),
    /// As `Write`, by a statement which also commits the transaction it runs in (DDL, `LOCK TABLES`… on MySQL).
    CommittingWrite(Writes),
    /// `BEGIN`, `START TRANSACTION`.
    Begin,
    /// `COMMIT`, `END`; `chain` is `AND CHAIN`.
    Commit {
        /// Whether a new transaction begins at once.
        chain: bool,
    },
    /// `ROLLBACK`, `ABORT`; `chain` is `AND CHAIN`.
    Rollback {
        /// Whether a new transaction begins at once.
        chain: bool,
    },
    /// `SAVEPOINT name`. Names are in lower case unless quoted.
    Savepoint(Box<str>),
    /// `ROLLBACK TO name`.
    RollbackTo(Box<str>),
    /// `RELEASE name`.
    Release(Box<str>),
    /// Transaction control that cannot be followed (`XA …`, `SET autocommit = 0`, `CALL`, a text that cannot be read):
    /// whether a transaction is open afterwards is unknown.
    UnknownTransaction,
    /// The session's state changed in a way that can change the result of later reads on that connection
    /// (`SET`, `USE`, `PRAGMA x = y`, `set_config()`, a temporary table, `ATTACH`).
    Session,
    /// As `Session`, but only perhaps: code on the server ran that nobody has declared (a function, `CALL`, `DO`).
    PerhapsSession,
}

/// Why a result must not be cached.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Not a read.
    NotARead,
    /// The parser cannot read the text.
    Unparsed,
    /// More than one statement in the text.
    SeveralStatements,
    /// Calls a function whose result can differ from call to call (`random()`, `nextval()`).
    VolatileFunction(Box<str>),
    /// Depends on the time (`now()`, `CURRENT_TIMESTAMP`, `'today'`).
    TimeDependent(Box<str>),
    /// Depends on the session (`current_user`, `last_insert_id()`, `changes()`, `@x`).
    SessionDependent(Box<str>),
    /// Calls a function that is neither a known built-in nor declared.
    UnknownFunction(Box<str>),
    /// `FOR UPDATE`, `FOR SHARE` and their kin.
    LocksRows,
    /// A data-modifying CTE.
    ModifyingCte,
    /// `SELECT … INTO`.
    SelectInto,
    /// Reads a system catalog or `information_schema`.
    SystemCatalog(Box<str>),
    /// Reads a system column (`xmin`, `ctid`, `rowid` where it is not a key).
    SystemColumn(Box<str>),
    /// `TABLESAMPLE`.
    Sampled,
    /// Reads a temporary table.
    TemporaryTable(Box<str>),
    /// `EXPLAIN`.
    Explain,
    /// `SHOW`, `DESCRIBE`.
    Show,
    /// `DECLARE`, `FETCH`, `CLOSE`.
    Cursor,
    /// `LISTEN`, `NOTIFY`, `UNLISTEN`.
    Notification,
    /// A `SELECT` without a table that calls functions.
    NoTable,
    /// The text itself says `/* cachedpool: off */`.
    HintOff,
    /// Uses an operator that is not built in.
    CustomOperator(Box<str>),
    /// Reads a relation that the catalog does not have, or that the role may not see.
    UnknownRelation(Box<str>),
    /// Reads a table whose rows are elsewhere.
    ForeignTable(Box<str>),
    /// Reads a table that a crash of the server empties.
    UnloggedTable(Box<str>),
    /// Reads a table with row-level security, without a scope.
    RowSecurity(Box<str>),
    /// Holds an executable comment (`/*! … */`): what runs depends on the server's version.
    ExecutableComment,
}

/// Hints from a `/* cachedpool: … */` comment. What the text does not say is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// `ttl=30s`
    pub ttl: Option<Duration>,
    /// `swr=5m`
    pub stale_while_revalidate: Option<Duration>,
    /// `sie=1h`
    pub stale_if_error: Option<Duration>,
    /// `tags=a,b`
    pub tags: Vec<Box<str>>,
    /// `off`
    pub off: bool,
    /// The hints that could not be read, each as its name only (never its value).
    pub faults: Vec<Box<str>>,
}

/// All that is known about one SQL text.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What kind of statement it is.
    pub kind: Kind,
    /// The relations it reads, sorted, without CTE names.
    pub reads: Vec<Relation>,
    /// What it can change.
    pub writes: Writes,
    /// The relations that the text names as targets, sorted: also where `writes` is `Everything`, and also those of a
    /// statement that is explained and not run.
    pub named_writes: Vec<Relation>,
    /// What is done to the rows of each of `named_writes`. A target that is not in it can change in any way.
    pub actions: Vec<Action>,
    /// The functions it calls that are neither grammar nor declared, sorted: built-in ones too, since a function of the same
    /// name may stand beside them. Without a schema where the text gives none.
    pub calls: Vec<Relation>,
    /// What else it can call.
    pub implied: Implied,
    /// The rows it can be told to depend on or to change.
    pub pins: Pins,
    /// The temporary relations that the text creates, sorted.
    pub temporary: Vec<Relation>,
    /// `None`: its result may be cached. Else why not.
    pub refusal: Option<Reason>,
    /// Its effects, in order; empty for a pure read.
    pub steps: Vec<Step>,
    /// The normal form: one space between tokens, no comments, keywords and unquoted identifiers in one case.
    pub normal: Arc<str>,
    /// What its comments ask for.
    pub hints: Hints,
}
