//! What a condition says of the columns of a level.

use std::ops::Range;

use sqlparser::ast::{Array, BinaryOperator, Expr, Ident};

use super::{Level, Source, called};
use crate::sql::pins::{MAX_VALUES, Operand};

/// More conditions of a level are not looked at.
const MAX_CONDITIONS: usize = 256;

/// A condition and where it is true.
pub(super) struct Condition {
    pub(super) says: Says,
    /// It is true wherever one of these factors is not filled with NULLs.
    pub(super) reach: Range<usize>,
}

pub(super) enum Says {
    /// The column has one of these values.
    Among(Column, Vec<Operand>),
    /// Both have the same value.
    Same(Column, Column),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) factor: usize,
    pub(super) name: Box<str>,
}

impl Level<'_> {
    /// Adds what `expr` says, in which the columns of the factors in `scope` can be named.
    pub(super) fn condition(&mut self, expr: &Expr, scope: &Range<usize>, reach: &Range<usize>) {
        let mut rest = vec![expr];
        while let Some(expr) = rest.pop() {
            match expr {
                Expr::Nested(inner) => rest.push(inner),
                Expr::BinaryOp {
                    left,
                    op: BinaryOperator::And,
                    right,
                } => rest.extend([&**right, &**left]),
                _ => {
                    if let Some(says) = self.says(expr, scope) {
                        self.push(says, reach);
                    }
                }
            }
        }
    }

    pub(super) fn push(&mut self, says: Says, reach: &Range<usize>) {
        if self.conditions.len() < MAX_CONDITIONS {
            self.conditions.push(Condition {
                says,
                reach: reach.clone(),
            });
        }
    }

    fn says(&self, expr: &Expr, scope: &Range<usize>) -> Option<Says> {
        let (subject, values) = match expr {
            Expr::Nested(inner) => return self.says(inner, scope),
            Expr::BinaryOp {
                left,
                op: BinaryOperator::Eq,
                right,
            } => match (self.column(left, scope), self.column(right, scope)) {
                (Some(left), Some(right)) => return Some(Says::Same(left, right)),
                (Some(column), None) => (column, vec![self.operands.operand(right)?]),
                (None, Some(column)) => (column, vec![self.operands.operand(left)?]),
                (None, None) => return None,
            },
            Expr::BinaryOp {
                left,
                op: BinaryOperator::Or,
                right,
            } => match (self.says(left, scope)?, self.says(right, scope)?) {
                (Says::Among(left, mut values), Says::Among(right, others)) if left == right => {
                    values.extend(others);
                    (left, values)
                }
                _ => return None,
            },
            Expr::InList {
                expr,
                list,
                negated: false,
            } => (self.column(expr, scope)?, self.values(list)?),
            Expr::AnyOp {
                left,
                compare_op: BinaryOperator::Eq,
                right,
                ..
            } => match &**right {
                Expr::Array(Array { elem, named: true }) => {
                    (self.column(left, scope)?, self.values(elem)?)
                }
                _ => return None,
            },
            _ => return None,
        };
        (1..=MAX_VALUES)
            .contains(&values.len())
            .then_some(Says::Among(subject, values))
    }

    fn values(&self, list: &[Expr]) -> Option<Vec<Operand>> {
        let few = list.len() <= MAX_VALUES;
        let mut values = list.iter().map(|value| self.operands.operand(value));
        few.then(|| values.by_ref().collect())?
    }

    /// The column that `expr` is, if it is certain whose it is. A name without a qualifier is taken for the only table's; who
    /// knows the table's columns has to see whether it has one of that name.
    fn column(&self, expr: &Expr, scope: &Range<usize>) -> Option<Column> {
        let dialect = self.operands.dialect();
        match expr {
            Expr::Nested(inner) => self.column(inner, scope),
            Expr::Identifier(ident) if self.factors.len() == 1 => self.own(0, ident),
            Expr::CompoundIdentifier(parts) => {
                let (schema, qualifier, column) = match &parts[..] {
                    [qualifier, column] => (None, qualifier, column),
                    [schema, qualifier, column] => {
                        (Some(called(dialect, schema)), qualifier, column)
                    }
                    _ => return None,
                };
                let qualifier = Some(called(dialect, qualifier));
                let mut named = (0..self.factors.len()).filter(|at| {
                    let factor = &self.factors[*at];
                    factor.name == qualifier && (schema.is_none() || factor.schema == schema)
                });
                let factor = named.next()?;
                // A name that is not among the tables around it may be one of a query further out.
                (named.next().is_none() && scope.contains(&factor))
                    .then(|| self.own(factor, column))?
            }
            _ => None,
        }
    }

    /// The column of that name of a table whose columns go by their own names.
    pub(super) fn own(&self, factor: usize, name: &Ident) -> Option<Column> {
        let table = &self.factors[factor];
        let plain = matches!(table.source, Source::Table(_)) && table.name.is_some();
        plain.then(|| Column {
            factor,
            name: called(self.operands.dialect(), name),
        })
    }
}
