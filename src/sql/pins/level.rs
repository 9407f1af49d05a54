//! One level of a query: the tables behind one `FROM`, what its conditions say of them, and which rows that leaves.
//!
//! Why a pin holds. Each condition has a *reach*: tables of which it is true wherever they are there, that is, in every row of
//! the join in which they are not filled with NULLs by an outer join.
//!
//! - `WHERE`: all tables, since a row for which it is not true is dropped.
//! - `ON` of an inner join: the tables that are joined. They come with rows for which it is true, or not at all.
//! - `ON` of an outer join: those on the side that is filled with NULLs where it is not true. Tables on the other side are there
//!   whatever it says, and so are all tables of a `FULL` join.
//!
//! A pin of `b` stands on a chain of equalities, `b.x = c.y`, `c.y = $1`, each with the table in its reach that the chain has come
//! to. As `b` is there and the first is true, so is `c`, and the second is true. So a row of `b` with another value in `x` is in no
//! row of the result. Nor does it keep one out, which it could only do where an outer join fills its place with NULLs if it is
//! not there. Let `p` be the row that is kept there. It has met `b`, so the chain was true up to some link from
//! further out. If that link has come to a column of `b`'s side, it is not true of NULLs: the filled row is dropped as well. If
//! it has come to a column of `p`'s side, then the rest of the chain is one of `p`'s, which has the wrong value too, and
//! by the same argument it does not matter what becomes of `p`.

mod carry;
mod condition;

use sqlparser::ast::{
    Expr, Ident, JoinConstraint, JoinOperator, ObjectName, TableFactor, TableWithJoins,
};

use super::{Occurrence, Operands};
use crate::sql::{
    facts::{Dialect, Relation},
    scope::fold,
};
use condition::{Condition, Says};

/// The tables of a level and the conditions on them.
pub(super) struct Level<'a> {
    operands: &'a Operands,
    factors: Vec<Factor>,
    conditions: Vec<Condition>,
}

/// One item of a `FROM`.
struct Factor {
    source: Source,
    /// What its columns are qualified with; `None` if they cannot be named from where the conditions are.
    name: Option<Box<str>>,
    /// What the name in turn can be qualified with.
    schema: Option<Box<str>>,
}

enum Source {
    Table(Relation),
    /// A table whose columns have other names here.
    Renamed(Relation),
    /// A CTE, a derived table, a function.
    Other,
}

impl<'a> Level<'a> {
    pub(super) fn new(operands: &'a Operands) -> Self {
        Self {
            operands,
            factors: Vec::new(),
            conditions: Vec::new(),
        }
    }

    /// Adds an item of the `FROM`. `table` tells the table behind a name, if there is one.
    pub(super) fn item(
        &mut self,
        tables: &TableWithJoins,
        table: &impl Fn(&ObjectName) -> Option<Relation>,
    ) {
        // In SQLite a comma joins what is before it with the next table alone, as `JOIN` does; elsewhere it comes last.
        let start = match self.operands.dialect() {
            Dialect::Sqlite => 0,
            Dialect::Postgres | Dialect::MySql => self.factors.len(),
        };
        self.joined(start, tables, table);
    }

    /// Adds the `WHERE`, after all of the `FROM`.
    pub(super) fn filter(&mut self, selection: Option<&Expr>) {
        if let Some(selection) = selection {
            let all = 0..self.factors.len();
            self.condition(selection, &all, &all);
        }
    }

    /// Every table of the level and its pins, in order.
    pub(super) fn occurrences(self) -> impl Iterator<Item = Occurrence> {
        let relations: Vec<Option<Relation>> = self
            .factors
            .iter()
            .map(|factor| factor.relation().cloned())
            .collect();
        relations
            .into_iter()
            .enumerate()
            .filter_map(move |(at, relation)| {
                Some(Occurrence {
                    relation: relation?,
                    pins: self.pins(at),
                })
            })
    }

    /// How many tables were named, also CTEs and functions.
    pub(super) fn tables(tables: &TableWithJoins) -> usize {
        let of = |factor: &TableFactor| match factor {
            TableFactor::Table { .. } => 1,
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => Self::tables(table_with_joins),
            _ => 0,
        };
        of(&tables.relation)
            + tables
                .joins
                .iter()
                .map(|join| of(&join.relation))
                .sum::<usize>()
    }

    /// Adds tables joined to one another and to those from `start` on.
    fn joined(
        &mut self,
        start: usize,
        tables: &TableWithJoins,
        table: &impl Fn(&ObjectName) -> Option<Relation>,
    ) {
        self.factor(&tables.relation, table);
        for join in &tables.joins {
            let middle = self.factors.len();
            self.factor(&join.relation, table);
            let end = self.factors.len();
            let (reach, constraint) = match &join.join_operator {
                JoinOperator::Join(constraint)
                | JoinOperator::Inner(constraint)
                | JoinOperator::CrossJoin(constraint)
                | JoinOperator::StraightJoin(constraint) => (start..end, constraint),
                JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => {
                    (middle..end, constraint)
                }
                JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => {
                    (start..middle, constraint)
                }
                // `FULL`, and other databases' grammar.
                _ => continue,
            };
            match constraint {
                JoinConstraint::On(on) => self.condition(on, &(start..end), &reach),
                // The column is on both sides; which table's it is can be told if there is one.
                JoinConstraint::Using(columns) if middle == start + 1 && end == middle + 1 => {
                    for name in columns.iter().filter_map(only) {
                        let column = |factor| self.own(factor, name);
                        if let (Some(left), Some(right)) = (column(start), column(middle)) {
                            let says = Says::Same(left, right);
                            self.push(says, &reach);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn factor(&mut self, factor: &TableFactor, table: &impl Fn(&ObjectName) -> Option<Relation>) {
        let dialect = self.operands.dialect();
        match factor {
            TableFactor::NestedJoin {
                table_with_joins,
                alias,
            } => {
                let (first, conditions) = (self.factors.len(), self.conditions.len());
                self.joined(first, table_with_joins, table);
                if alias.is_some() {
                    // The alias hides the names in it.
                    self.conditions.truncate(conditions);
                    for hidden in &mut self.factors[first..] {
                        hidden.name = None;
                    }
                }
            }
            TableFactor::Table {
                name, args, alias, ..
            } => {
                let relation = table(name).filter(|_| args.is_none());
                let schema = relation
                    .as_ref()
                    .filter(|_| alias.is_none())
                    .and_then(|relation| relation.schema.as_deref())
                    .map(|schema| alike(dialect, schema));
                let last = name.0.last().and_then(|part| part.as_ident());
                let exposed = alias.as_ref().map(|alias| &alias.name).or(last);
                let renamed = alias
                    .as_ref()
                    .is_some_and(|alias| !alias.columns.is_empty());
                self.factors.push(Factor {
                    source: match relation {
                        Some(relation) if renamed => Source::Renamed(relation),
                        Some(relation) => Source::Table(relation),
                        None => Source::Other,
                    },
                    name: exposed.map(|ident| called(dialect, ident)),
                    schema,
                });
            }
            TableFactor::Derived { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::UNNEST { alias, .. }
            | TableFactor::JsonTable { alias, .. }
            | TableFactor::TableFunction { alias, .. } => self.factors.push(Factor {
                source: Source::Other,
                name: alias.as_ref().map(|alias| called(dialect, &alias.name)),
                schema: None,
            }),
            // Other databases' grammar.
            _ => self.factors.push(Factor {
                source: Source::Other,
                name: None,
                schema: None,
            }),
        }
    }
}

impl Factor {
    fn relation(&self) -> Option<&Relation> {
        match &self.source {
            Source::Table(relation) | Source::Renamed(relation) => Some(relation),
            Source::Other => None,
        }
    }
}

/// The only part of a name that has no other.
pub(super) fn only(name: &ObjectName) -> Option<&Ident> {
    match &name.0[..] {
        [part] => part.as_ident(),
        _ => None,
    }
}

/// A name as others are compared with it: MySQL's columns and all of SQLite's names ignore case, also in quotes. Where
/// MySQL's tables do not, two names that are taken for one here make both unclear.
pub(super) fn called(dialect: Dialect, ident: &Ident) -> Box<str> {
    alike(dialect, &fold(dialect, ident))
}

fn alike(dialect: Dialect, name: &str) -> Box<str> {
    match dialect {
        Dialect::Postgres => name.into(),
        Dialect::MySql => name.to_lowercase().into(),
        Dialect::Sqlite => name.to_ascii_lowercase().into(),
    }
}
