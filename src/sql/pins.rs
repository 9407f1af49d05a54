//! Which rows a statement can be told to depend on or to change: those that it *pins* by equality.
//!
//! Promises to be sound: an occurrence is pinned only if rows with other values in that column cannot change the result.
//! Types, collations and which column a bare name means are in the catalog, so every pin holds on conditions that the
//! caller has to check; each is said where it applies.

mod level;
mod operand;
mod reads;
mod write;

use sqlparser::ast::{Query, SetExpr, Statement};

use super::facts::Relation;
pub(super) use operand::{Operands, Placeholder};

/// A column that is compared with more values pins nothing.
const MAX_VALUES: usize = 64;
/// An `INSERT` of more rows is not looked into.
const MAX_ROWS: usize = 64;

/// The pins of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    /// Every occurrence of every relation that a single, parsed read names. Empty where nothing is known; a relation that
    /// the read names and that is not in it is not pinned.
    pub reads: Vec<Occurrence>,
    /// The rows that a single statement with one target changes.
    pub write: Option<PinnedWrite>,
}

/// One place where a relation is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// The relation.
    pub relation: Relation,
    /// Each pin holds by itself: rows that fail one of them do not matter. Empty: all rows matter.
    pub pins: Vec<Pin>,
}

/// A column of which only rows with one of some values matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The column, on MySQL and SQLite in lower case. It holds only if the relation has a column of that name.
    pub column: Box<str>,
    /// The values.
    pub values: Vec<Operand>,
    /// Columns through which the equality was carried (`a.x = b.y AND b.y = $1`). It holds only if all of them, and the
    /// column itself, are compared alike: one kind of value, compared by its canonical form.
    pub through: Vec<(Relation, Box<str>)>,
}

/// A value in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// The bound argument of this index, from 0.
    Parameter(usize),
    /// An integer literal.
    Integer(i64),
    /// A text literal without escapes.
    Text(Box<str>),
    /// `TRUE` or `FALSE`.
    Bool(bool),
}

/// The rows that a statement changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinnedWrite {
    /// `UPDATE` or `DELETE` of rows that are pinned as those of a read are.
    Existing {
        /// The target.
        target: Occurrence,
        /// The columns that are assigned, on MySQL and SQLite in lower case; none for `DELETE`.
        assigned: Vec<Box<str>>,
    },
    /// `INSERT … VALUES` without `ON CONFLICT` and its kin.
    New {
        /// The target.
        relation: Relation,
        /// The columns that the text names, on MySQL and SQLite in lower case; `None` if it names none, and values are given in
        /// the table's order, of hidden and generated columns as the database has it.
        columns: Option<Vec<Box<str>>>,
        /// The rows, each with a value a column; `None` for what is not an operand (an expression, `DEFAULT`, `NULL`). A row can
        /// be shorter than the columns: the rest has defaults.
        rows: Vec<Vec<Option<Operand>>>,
    },
}

/// The pins of a statement that has been parsed.
pub(super) fn pins(operands: &Operands, statement: &Statement) -> Pins {
    match statement {
        Statement::Query(query) if !changes_rows(query) => Pins {
            reads: reads::reads(operands, query).unwrap_or_default(),
            write: None,
        },
        _ => Pins {
            reads: Vec::new(),
            write: write::write(operands, statement),
        },
    }
}

/// Whether a `WITH` stands before a change of rows.
fn changes_rows(query: &Query) -> bool {
    matches!(
        &*query.body,
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_)
    )
}
