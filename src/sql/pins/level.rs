//! One level of a query: the tables behind one `FROM`, what its conditions say of them, and which rows that leaves.
//!
//! Why a pin holds. Let `b` be a row of a table whose column is not among the pinned values. The pin stands on a chain of
//! conditions, `b.x = c.y`, `c.y = $1`, all of which cannot hold for any row that is put together with `b`. Each condition counts
//! for those tables alone for which it is certain that such a row does not matter:
//!
//! - `WHERE`: for all tables. Put together with `b`, a row is dropped. If `b` were not there, an outer join could fill its place
//!   with NULLs; but a chain for `b` begins with an equality on `b`, which is not true of NULL, so that row is dropped too.
//! - `ON` of an inner join: as if it stood in the `WHERE` of that join. It counts further up for as long as the join is
//!   on a side of which an outer join above keeps all rows, since there it can be checked after that join as well.
//! - `ON` of an outer join: for the tables on the side that is filled with NULLs. With `b`, the other side's rows find no match
//!   or are dropped by a condition from above; in both cases the same holds without `b`: a condition from above either names
//!   `b`'s side and is not true of NULLs, or does not name it and drops the row in any case. Tables on the kept side show up
//!   whatever `ON` says, so it says nothing of them; that of a `FULL` join says nothing at all.

mod carry;
mod condition;

use sqlparser::ast::{
    Expr, Ident, Join, JoinConstraint, JoinOperator, ObjectName, TableFactor, TableWithJoins,
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
        self.joined(tables, table);
    }

    /// Adds the `WHERE`, after all of the `FROM`.
    pub(super) fn filter(&mut self, selection: Option<&Expr>) {
        let all = 0..self.factors.len();
        for condition in &mut self.conditions {
            if condition.lifted {
                condition.reach = all.clone();
            }
        }
        if let Some(selection) = selection {
            self.condition(selection, &all, &all, true);
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
    pub(super) fn named(tables: &TableWithJoins) -> usize {
        let of = |factor: &TableFactor| match factor {
            TableFactor::Table { .. } => 1,
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => Self::named(table_with_joins),
            _ => 0,
        };
        of(&tables.relation)
            + tables
                .joins
                .iter()
                .map(|join| of(&join.relation))
                .sum::<usize>()
    }

    fn joined(
        &mut self,
        tables: &TableWithJoins,
        table: &impl Fn(&ObjectName) -> Option<Relation>,
    ) {
        let (start, first) = (self.factors.len(), self.conditions.len());
        self.factor(&tables.relation, table);
        for join in &tables.joins {
            let (middle, second) = (self.factors.len(), self.conditions.len());
            self.factor(&join.relation, table);
            let end = self.factors.len();
            let side = Side::filtered(join);
            // Where the join as a whole is as good as a filter, what it was made of counts for all of it.
            for (at, condition) in self.conditions.iter_mut().enumerate().skip(first) {
                let kept = match side {
                    Side::Both => true,
                    Side::Right => at < second,
                    Side::Left => at >= second,
                    Side::Neither => false,
                };
                condition.lifted &= kept;
                if condition.lifted {
                    condition.reach = start..end;
                }
            }
            let reach = match side {
                Side::Both => start..end,
                Side::Right => middle..end,
                Side::Left => start..middle,
                Side::Neither => continue,
            };
            match constraint(join) {
                Some(JoinConstraint::On(on)) => {
                    self.condition(on, &(start..end), &reach, side == Side::Both);
                }
                // The column is on both sides; which table's it is can be told if there is one.
                Some(JoinConstraint::Using(columns))
                    if middle == start + 1 && end == middle + 1 =>
                {
                    for name in columns.iter().filter_map(only) {
                        let column = |factor| self.own(factor, name);
                        if let (Some(left), Some(right)) = (column(start), column(middle)) {
                            let says = Says::Same(left, right);
                            self.push(says, &reach, side == Side::Both);
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
                self.joined(table_with_joins, table);
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

/// The tables for which the `ON` of a join is a filter.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Left,
    Right,
    Both,
    Neither,
}

impl Side {
    fn filtered(join: &Join) -> Side {
        match &join.join_operator {
            JoinOperator::Join(_)
            | JoinOperator::Inner(_)
            | JoinOperator::CrossJoin(_)
            | JoinOperator::StraightJoin(_) => Side::Both,
            JoinOperator::Left(_) | JoinOperator::LeftOuter(_) => Side::Right,
            JoinOperator::Right(_) | JoinOperator::RightOuter(_) => Side::Left,
            _ => Side::Neither,
        }
    }
}

fn constraint(join: &Join) -> Option<&JoinConstraint> {
    match &join.join_operator {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::CrossJoin(constraint)
        | JoinOperator::StraightJoin(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint) => Some(constraint),
        _ => None,
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
