//! The targets of statements that change rows.

use sqlparser::ast::{
    Assignment, AssignmentTarget, Delete, FromTable, Insert, Merge, ObjectName, OnConflictAction,
    OnInsert, SqliteOnConflict, Statement, TableFactor, TableObject, TableWithJoins, Update,
    UpdateTableFromKind,
};

use super::facts::{Dialect, Ops};

/// What taking the place of rows with the same key does: some databases delete and insert, some update.
pub(super) const REPLACE: Ops = Ops::INSERT.and(Ops::UPDATE).and(Ops::DELETE);

/// The names that a statement writes; `None` if one of them is not a plain name.
pub(super) type Targets<'a> = Option<Vec<&'a ObjectName>>;

/// What `statement` does, and to which targets.
pub(super) fn of(dialect: Dialect, statement: &Statement) -> (Ops, Targets<'_>) {
    match statement {
        Statement::Insert(change) => (insert_ops(change), insert(change)),
        Statement::Update(change) => (update_ops(change), update(dialect, change)),
        Statement::Delete(change) => (Ops::DELETE, delete(dialect, change)),
        Statement::Merge(change) => (REPLACE, merge(change)),
        // Not what its first word said.
        _ => (Ops::ALL, None),
    }
}

fn insert(insert: &Insert) -> Targets<'_> {
    match &insert.table {
        TableObject::TableName(name)
            if insert.multi_table_into_clauses.is_empty()
                && insert.multi_table_when_clauses.is_empty() =>
        {
            Some(vec![name])
        }
        _ => None,
    }
}

/// What an `INSERT` does to its target.
fn insert_ops(insert: &Insert) -> Ops {
    if insert.replace_into || insert.overwrite || insert.or == Some(SqliteOnConflict::Replace) {
        return REPLACE;
    }
    match &insert.on {
        None => Ops::INSERT,
        Some(OnInsert::OnConflict(conflict)) if conflict.action == OnConflictAction::DoNothing => {
            Ops::INSERT
        }
        Some(_) => Ops::INSERT.and(Ops::UPDATE),
    }
}

/// What an `UPDATE` does to its targets.
fn update_ops(update: &Update) -> Ops {
    if update.or == Some(SqliteOnConflict::Replace) {
        REPLACE
    } else {
        Ops::UPDATE
    }
}

fn merge(merge: &Merge) -> Targets<'_> {
    Some(vec![table(&merge.table)?.0])
}

/// PostgreSQL and SQLite write the one table behind `UPDATE`. MySQL writes those joined tables of which a column is
/// assigned; where that cannot be told, all of them.
fn update(dialect: Dialect, update: &Update) -> Targets<'_> {
    if dialect != Dialect::MySql {
        return Some(vec![table(&update.table.relation)?.0]);
    }
    let mut joined = Vec::new();
    flatten(&update.table, &mut joined)?;
    if let Some(UpdateTableFromKind::BeforeSet(tables) | UpdateTableFromKind::AfterSet(tables)) =
        &update.from
    {
        tables
            .iter()
            .try_for_each(|table| flatten(table, &mut joined))?;
    }
    let qualifiers: Option<Vec<String>> = update.assignments.iter().map(qualifier).collect();
    let assigned = qualifiers.and_then(|qualifiers| {
        qualifiers
            .iter()
            .map(|qualifier| find(qualifier, &joined))
            .collect::<Option<Vec<&ObjectName>>>()
    });
    Some(assigned.unwrap_or_else(|| all(&joined)))
}

/// PostgreSQL and SQLite write the table behind `FROM`. MySQL's forms with several tables name them, or their aliases,
/// before `FROM` or before `USING`.
fn delete(dialect: Dialect, delete: &Delete) -> Targets<'_> {
    let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
    let mut named: Vec<&ObjectName> = delete.tables.iter().collect();
    let mut joined = Vec::new();
    if named.is_empty() {
        for factor in from {
            named.push(table(&factor.relation)?.0);
        }
        let using = delete
            .using
            .as_deref()
            .filter(|_| dialect == Dialect::MySql)
            .unwrap_or_default();
        using
            .iter()
            .try_for_each(|table| flatten(table, &mut joined))?;
    } else {
        from.iter()
            .try_for_each(|table| flatten(table, &mut joined))?;
    }
    if joined.is_empty() {
        return Some(named);
    }
    let found: Option<Vec<&ObjectName>> = named
        .iter()
        .map(|name| find(&last(name), &joined))
        .collect();
    // A name that is none of the tables is no table (MariaDB's `DELETE HISTORY FROM t`).
    Some(found.unwrap_or_else(|| all(&joined)))
}

fn all<'a>(joined: &[&'a TableFactor]) -> Vec<&'a ObjectName> {
    joined
        .iter()
        .filter_map(|factor| Some(table(factor)?.0))
        .collect()
}

fn table(factor: &TableFactor) -> Option<(&ObjectName, Option<&str>)> {
    match factor {
        TableFactor::Table {
            name,
            alias,
            args: None,
            ..
        } => Some((name, alias.as_ref().map(|alias| alias.name.value.as_str()))),
        _ => None,
    }
}

/// All tables of a join. `None` for what cannot be looked into; a derived table cannot be a target and is left out.
fn flatten<'a>(tables: &'a TableWithJoins, out: &mut Vec<&'a TableFactor>) -> Option<()> {
    for factor in
        std::iter::once(&tables.relation).chain(tables.joins.iter().map(|join| &join.relation))
    {
        match factor {
            TableFactor::Table { args: None, .. } => out.push(factor),
            TableFactor::Derived { .. } | TableFactor::JsonTable { .. } => {}
            TableFactor::NestedJoin {
                table_with_joins, ..
            } => flatten(table_with_joins, out)?,
            _ => return None,
        }
    }
    Some(())
}

/// The table that is called `name` in a join. MySQL's aliases may differ in case.
fn find<'a>(name: &str, joined: &[&'a TableFactor]) -> Option<&'a ObjectName> {
    let mut matching = joined
        .iter()
        .filter_map(|factor| table(factor))
        .filter(|(table, alias)| match alias {
            Some(alias) => alias.eq_ignore_ascii_case(name),
            None => last(table).eq_ignore_ascii_case(name),
        });
    let (found, _) = matching.next()?;
    // Two tables of one name in two schemas: it cannot be told which is meant.
    matching.next().is_none().then_some(found)
}

fn last(name: &ObjectName) -> String {
    name.0
        .last()
        .and_then(|part| part.as_ident())
        .map(|ident| ident.value.clone())
        .unwrap_or_default()
}

fn qualifier(assignment: &Assignment) -> Option<String> {
    match &assignment.target {
        AssignmentTarget::ColumnName(column) if column.0.len() >= 2 => column.0[column.0.len() - 2]
            .as_ident()
            .map(|ident| ident.value.clone()),
        _ => None,
    }
}
