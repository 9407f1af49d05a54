//! The rows that a change of rows with one target changes.

use sqlparser::ast::{
    AssignmentTarget, Delete, FromTable, Ident, Insert, ObjectName, SetExpr, Statement,
    TableFactor, TableObject, TableWithJoins, Update, UpdateTableFromKind,
};

use super::{
    MAX_ROWS, Occurrence, Operands, PinnedWrite,
    level::{Level, called, only},
};
use crate::sql::{facts::Dialect, scope::relation};

/// What `statement` changes; `None` where it is not a plain change of one table.
pub(super) fn write(operands: &Operands, statement: &Statement) -> Option<PinnedWrite> {
    match statement {
        Statement::Insert(insert) => new(operands, insert),
        Statement::Update(update) => updated(operands, update),
        Statement::Delete(delete) => deleted(operands, delete),
        _ => None,
    }
}

fn updated(operands: &Operands, update: &Update) -> Option<PinnedWrite> {
    // `OR REPLACE` deletes other rows.
    if update.or.is_some() {
        return None;
    }
    let from = match &update.from {
        None => &[][..],
        Some(UpdateTableFromKind::BeforeSet(from) | UpdateTableFromKind::AfterSet(from)) => from,
    };
    let mut assigned = Vec::new();
    for assignment in &update.assignments {
        match &assignment.target {
            AssignmentTarget::ColumnName(name) => assigned.push(column(operands, name)?),
            AssignmentTarget::Tuple(names) => {
                for name in names {
                    assigned.push(column(operands, name)?);
                }
            }
        }
    }
    let target = target(operands, &update.table, from, update.selection.as_ref())?;
    Some(PinnedWrite::Existing { target, assigned })
}

fn deleted(operands: &Operands, delete: &Delete) -> Option<PinnedWrite> {
    let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
    let [table] = &from[..] else { return None };
    // MySQL's forms with several tables.
    if !delete.tables.is_empty() {
        return None;
    }
    let using = delete.using.as_deref().unwrap_or_default();
    Some(PinnedWrite::Existing {
        target: target(operands, table, using, delete.selection.as_ref())?,
        assigned: Vec::new(),
    })
}

/// The one target, with the pins that its joins with `others` and the condition give it.
fn target(
    operands: &Operands,
    table: &TableWithJoins,
    others: &[TableWithJoins],
    selection: Option<&sqlparser::ast::Expr>,
) -> Option<Occurrence> {
    let plain =
        table.joins.is_empty() && matches!(table.relation, TableFactor::Table { args: None, .. });
    let clear = match operands.dialect() {
        Dialect::Postgres => true,
        // A second table can be a second target.
        Dialect::MySql => others.is_empty(),
        // How the target is joined with those that are joined to one another is not documented.
        Dialect::Sqlite => others.iter().all(|tables| tables.joins.is_empty()),
    };
    if !plain || !clear {
        return None;
    }
    let mut level = Level::new(operands);
    for tables in std::iter::once(table).chain(others) {
        level.item(tables, &|name| relation(operands.dialect(), name));
    }
    level.filter(selection);
    level.occurrences().next()
}

fn new(operands: &Operands, insert: &Insert) -> Option<PinnedWrite> {
    let TableObject::TableName(table) = &insert.table else {
        return None;
    };
    // With any of these, rows can be replaced, left out or stored with other values than the given ones.
    let twisted = insert.or.is_some()
        || insert.ignore
        || insert.replace_into
        || insert.overwrite
        || insert.on.is_some()
        || insert.partitioned.is_some()
        || !insert.assignments.is_empty()
        || !insert.after_columns.is_empty()
        || insert.multi_table_insert_type.is_some();
    let source = insert.source.as_deref().filter(|_| !twisted)?;
    let SetExpr::Values(values) = &*source.body else {
        return None;
    };
    let plain = source.with.is_none()
        && source.order_by.is_none()
        && source.limit_clause.is_none()
        && source.fetch.is_none()
        && !values.explicit_row
        && values.rows.len() <= MAX_ROWS;
    let columns: Option<Vec<Box<str>>> = insert
        .columns
        .iter()
        .map(|name| only(name).map(|ident| called(operands.dialect(), ident)))
        .collect();
    let columns = columns.filter(|_| plain)?;
    let rows: Vec<Vec<_>> = values
        .rows
        .iter()
        .map(|row| {
            row.content
                .iter()
                .map(|value| operands.operand(value))
                .collect()
        })
        .collect();
    // MySQL: a row without values has the default of each column.
    if rows.iter().any(|row: &Vec<_>| row.is_empty()) {
        return None;
    }
    Some(PinnedWrite::New {
        relation: relation(operands.dialect(), table)?,
        columns: (!columns.is_empty()).then_some(columns),
        rows,
    })
}

/// The column that is assigned. In PostgreSQL a dotted name is a field of a column, in MySQL a column of a table.
fn column(operands: &Operands, name: &ObjectName) -> Option<Box<str>> {
    let last = || name.0.last().and_then(|part| part.as_ident());
    let ident: Option<&Ident> = match operands.dialect() {
        Dialect::MySql => last(),
        Dialect::Postgres | Dialect::Sqlite => only(name),
    };
    ident.map(|ident| called(operands.dialect(), ident))
}
