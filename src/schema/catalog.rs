//! What a loader finds: plain rows, not yet put together.

use super::ColumnKind;
use crate::sql::{Language, Ops, Reason, Relation};

/// The catalog of one database at one time. Names are as the catalog has them, always with their schema.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// The schemas in which a bare name is looked for, in order.
    pub(crate) path: Vec<Box<str>>,
    /// Everything that rows can be read from, but for system catalogs and temporary tables.
    pub(crate) relations: Vec<Entry>,
    pub(crate) foreign_keys: Vec<ForeignKey>,
    /// Child and parent, by partitioning or inheritance.
    pub(crate) parents: Vec<(Relation, Relation)>,
    pub(crate) hooks: Vec<Hook>,
    /// Functions and procedures, each overload by itself, but for built-in ones.
    pub(crate) routines: Vec<Routine>,
    /// Functions that statements run without naming them.
    pub(crate) implied: Vec<ImpliedCall>,
    /// What runs at DDL (event triggers), by name.
    pub(crate) at_ddl: Vec<Box<str>>,
}

/// A relation.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: Relation,
    pub(crate) kind: RelationKind,
    /// In the order in which an INSERT without a list of columns gives them; those that it leaves out come last.
    pub(crate) columns: Vec<Column>,
    /// The columns of the primary key, of each unique constraint, of each foreign key, and the first column of each other
    /// index; each list in the index's order, without expressions and without partial indexes' conditions.
    pub(crate) keys: Vec<Vec<Box<str>>>,
    /// Rows are shown by policies: who asks matters.
    pub(crate) row_security: bool,
    /// A crash of the server empties it.
    pub(crate) unlogged: bool,
    /// Rows can be replaced by INSERT and UPDATE without the text saying so (SQLite's `ON CONFLICT REPLACE` on a constraint).
    pub(crate) replaces: bool,
    /// What stands behind it: a view's query, a policy's conditions.
    pub(crate) definition: Vec<Definition>,
}

/// What kind of relation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RelationKind {
    /// A table, also a partitioned one or a partition.
    Table,
    /// A view.
    View,
    /// A view that keeps its rows until it is refreshed: it stands for itself.
    MaterializedView,
    /// A table whose rows are elsewhere: foreign, federated and virtual tables.
    Foreign,
    /// A sequence.
    Sequence,
}

/// A column.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: Box<str>,
    pub(crate) kind: ColumnKind,
    /// Its value can be another than the one that was given, or change without being assigned: generated columns,
    /// `ON UPDATE CURRENT_TIMESTAMP`.
    pub(crate) computed: bool,
    /// NULL (on MySQL also 0) stands for a value that the database chooses: AUTO_INCREMENT, SQLite's INTEGER PRIMARY KEY.
    pub(crate) numbered: bool,
}

/// What a relation's rows are computed from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Definition {
    /// Its query, in [`Language::Sql`]; `None` if it may not be seen.
    pub(crate) text: Option<String>,
    /// The relations it depends on, where the catalog knows them better than the text shows.
    pub(crate) reads: Option<Vec<Relation>>,
    /// User-defined functions it depends on, where the catalog knows them.
    pub(crate) calls: Vec<Relation>,
    /// Why it keeps a result out of the cache, where the catalog shows that (an operator of the user's own).
    pub(crate) refusal: Option<Reason>,
}

/// A foreign key. What the database does to the child's rows when the parent's change; `Ops::NONE` for RESTRICT and NO ACTION.
#[derive(Clone, Debug)]
pub(crate) struct ForeignKey {
    pub(crate) name: Box<str>,
    pub(crate) child: Relation,
    pub(crate) parent: Relation,
    /// The parent's columns that it refers to; none if they are not known.
    pub(crate) referenced: Vec<Box<str>>,
    pub(crate) on_delete: Ops,
    pub(crate) on_update: Ops,
}

/// Code that runs when the rows of a relation change.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    pub(crate) name: Box<str>,
    pub(crate) kind: HookKind,
    pub(crate) relation: Relation,
    /// At which changes it runs.
    pub(crate) ops: Ops,
    pub(crate) timing: Timing,
    pub(crate) program: Program,
}

/// What kind of hook it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HookKind {
    Trigger,
    Rule,
    /// Functions that defaults, generated columns and constraints call.
    Column,
}

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timing {
    /// Before the rows are changed, or in place of that: it can have them changed in another way.
    Before,
    /// When the rows are as the statement said.
    After,
}

/// What a hook runs.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    /// Code.
    Text(Language, String),
    /// Functions of the catalog.
    Call(Vec<Relation>),
    /// Code that cannot be seen or read; says why.
    Unknown(Box<str>),
}

/// A function or procedure.
#[derive(Clone, Debug)]
pub(crate) struct Routine {
    pub(crate) name: Relation,
    pub(crate) volatility: Volatility,
    /// Its body, or why it cannot be read.
    pub(crate) body: Result<(Language, String), Box<str>>,
    /// A row can be given to it as its only argument, so that it can be called like a column of that row.
    pub(crate) of_rows: bool,
    /// It comes with an extension, whatever that does.
    pub(crate) packaged: bool,
    /// It comes with an extension that is known to read and write no table.
    pub(crate) harmless: bool,
}

/// A function that runs without being named: behind an operator, a cast, or what belongs to a type.
#[derive(Clone, Debug)]
pub(crate) struct ImpliedCall {
    /// The operator without which it does not run; `None` if any statement can run it.
    pub(crate) operator: Option<Box<str>>,
    /// The type without whose name it does not run in a statement; code can run it all the same.
    pub(crate) type_name: Option<Box<str>>,
    pub(crate) function: Relation,
}

/// What a function promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Volatility {
    /// Equal results for equal arguments, always.
    Immutable,
    /// Equal results for equal arguments within a statement; may read tables.
    Stable,
    /// Anything.
    Volatile,
}
