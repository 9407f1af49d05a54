//! Statements that nobody wrote down: made from the tables of an area.

use proptest::{
    collection::vec,
    prelude::*,
    sample::{select, subsequence},
    strategy::BoxedStrategy,
};

use crate::{
    area::{Access, Column, Table},
    server::Server,
    values::{Pieces, array, join, list, sql},
};

/// Reads of one, two or three of these tables; `None` where there are none.
pub(crate) fn reads(server: Server, tables: &[Table]) -> Option<BoxedStrategy<Pieces>> {
    if tables.is_empty() {
        return None;
    }
    let table = select(tables.to_vec());
    let one = table.prop_flat_map(move |table| single(server, table));
    let pairs = pairs(tables);
    if pairs.is_empty() {
        return Some(one.boxed());
    }
    let two = select(pairs).prop_flat_map(move |pair| double(server, pair));
    Some(prop_oneof![3 => one, 2 => two].boxed())
}

/// Writes to those of the tables that may be written; `None` where there are none.
pub(crate) fn writes(server: Server, tables: &[Table]) -> Option<BoxedStrategy<Pieces>> {
    let writable: Vec<Table> = tables
        .iter()
        .filter(|table| table.access == Access::ReadAndWrite)
        .cloned()
        .collect();
    if writable.is_empty() {
        return None;
    }
    let write = select(writable).prop_flat_map(move |table| {
        prop_oneof![
            4 => update(server, table.clone()),
            2 => delete(server, table.clone()),
            3 => insert(server, table),
        ]
    });
    Some(write.boxed())
}

/// Two tables, and a column of each that holds the same.
#[derive(Clone, Debug)]
struct Pair {
    left: Table,
    right: Table,
    left_column: String,
    right_column: String,
}

fn pairs(tables: &[Table]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for left in tables {
        for right in tables {
            for left_column in &left.columns {
                for right_column in &right.columns {
                    if left_column.kind == right_column.kind {
                        pairs.push(Pair {
                            left: left.clone(),
                            right: right.clone(),
                            left_column: left_column.name.clone(),
                            right_column: right_column.name.clone(),
                        });
                    }
                }
            }
        }
    }
    pairs
}

fn single(server: Server, table: Table) -> BoxedStrategy<Pieces> {
    let columns = columns("a", &table);
    let aggregates = aggregates("a", &table);
    let from = format!(" FROM {} a WHERE ", table.name);
    let plain = (columns, condition(server, "a", &table))
        .prop_map({
            let from = from.clone();
            move |(columns, condition)| [sql(format!("SELECT {columns}{from}")), condition].concat()
        })
        .boxed();
    let counted =
        (aggregates, condition(server, "a", &table)).prop_map(move |(columns, condition)| {
            [sql(format!("SELECT {columns}{from}")), condition].concat()
        });
    let all: Vec<&str> = table
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    let all = all.join(", ");
    let inner = format!("(SELECT {all} FROM {} WHERE ", table.name);
    let name = table.name.clone();
    let (bare, outer) = (
        condition(server, &name, &table),
        condition(server, "a", &table),
    );
    let derived = (self::columns("a", &table), bare.clone(), outer.clone()).prop_map({
        let inner = inner.clone();
        move |(columns, bare, outer)| {
            [
                sql(format!("SELECT {columns} FROM {inner}")),
                bare,
                sql(") a WHERE "),
                outer,
            ]
            .concat()
        }
    });
    let cte = (self::columns("a", &table), bare, outer).prop_map(move |(columns, bare, outer)| {
        [
            sql(format!("WITH a AS {inner}")),
            bare,
            sql(format!(") SELECT {columns} FROM a WHERE ")),
            outer,
        ]
        .concat()
    });
    let united = (
        plain.clone(),
        condition(server, "a", &table),
        self::columns("a", &table),
    )
        .prop_map({
            let name = table.name.clone();
            move |(_, condition, columns)| {
                let half = [
                    sql(format!("SELECT {columns} FROM {name} a WHERE ")),
                    condition,
                ]
                .concat();
                [half.clone(), sql(" UNION ALL "), half].concat()
            }
        });
    prop_oneof![6 => plain, 3 => counted, 1 => derived, 1 => cte, 1 => united].boxed()
}

fn double(server: Server, pair: Pair) -> BoxedStrategy<Pieces> {
    let Pair {
        left,
        right,
        left_column,
        right_column,
    } = pair;
    let on = format!("a.{left_column} = b.{right_column}");
    let (of_left, of_right) = (
        condition(server, "a", &left),
        condition(server, "b", &right),
    );
    let joined = (
        columns("a", &left),
        columns("b", &right),
        select(vec!["JOIN", "LEFT JOIN"]),
        of_left.clone(),
        of_right.clone(),
    )
        .prop_map({
            let (left, right, on) = (left.name.clone(), right.name.clone(), on.clone());
            move |(columns, others, kind, of_left, of_right)| {
                [
                    sql(format!(
                        "SELECT {columns}, {others} FROM {left} a {kind} {right} b ON {on} WHERE "
                    )),
                    of_left,
                    sql(" AND "),
                    of_right,
                ]
                .concat()
            }
        });
    let (left_name, right_name) = (left.name.clone(), right.name.clone());
    let exists = (
        columns("a", &left),
        select(vec!["EXISTS", "NOT EXISTS"]),
        of_left.clone(),
        of_right.clone(),
    )
        .prop_map(move |(columns, exists, of_left, of_right)| {
            [
                sql(format!(
                    "SELECT {columns} FROM {left_name} a WHERE {exists} (SELECT 1 FROM {right_name} b WHERE {on} AND "
                )),
                of_right,
                sql(") AND "),
                of_left,
            ]
            .concat()
        });
    let within = (columns("a", &left), of_left, of_right).prop_map(move |(columns, of_left, of_right)| {
        [
            sql(format!(
                "SELECT {columns} FROM {} a WHERE a.{left_column} IN (SELECT b.{right_column} FROM {} b WHERE ",
                left.name, right.name
            )),
            of_right,
            sql(") AND "),
            of_left,
        ]
        .concat()
    });
    prop_oneof![3 => joined, 1 => exists, 1 => within].boxed()
}

fn update(server: Server, table: Table) -> BoxedStrategy<Pieces> {
    let assignments = subsequence(table.columns.clone(), 1..=table.columns.len().min(2))
        .prop_flat_map(move |columns| -> Vec<BoxedStrategy<Pieces>> {
            columns
                .into_iter()
                .map(|column| {
                    let name = column.name;
                    column
                        .kind
                        .values(server)
                        .prop_map(move |value| [sql(format!("{name} = ")), value].concat())
                        .boxed()
                })
                .collect()
        });
    let name = table.name.clone();
    (assignments, condition(server, &name, &table))
        .prop_map(move |(assignments, condition)| {
            [
                sql(format!("UPDATE {name} SET ")),
                join(assignments, ", "),
                sql(" WHERE "),
                condition,
            ]
            .concat()
        })
        .boxed()
}

fn delete(server: Server, table: Table) -> BoxedStrategy<Pieces> {
    let name = table.name.clone();
    condition(server, &name, &table)
        .prop_map(move |condition| [sql(format!("DELETE FROM {name} WHERE ")), condition].concat())
        .boxed()
}

fn insert(server: Server, table: Table) -> BoxedStrategy<Pieces> {
    let names: Vec<&str> = table
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    let head = format!("INSERT INTO {} ({}) VALUES (", table.name, names.join(", "));
    let row: Vec<BoxedStrategy<Pieces>> = table
        .columns
        .iter()
        .map(|column| column.kind.values(server))
        .collect();
    vec(row, 1..3)
        .prop_map(move |rows| {
            let rows = rows.into_iter().map(|row| join(row, ", ")).collect();
            [sql(&head), join(rows, "), ("), sql(")")].concat()
        })
        .boxed()
}

fn columns(alias: &'static str, table: &Table) -> BoxedStrategy<String> {
    subsequence(table.columns.clone(), 1..=table.columns.len())
        .prop_map(move |columns| {
            let names: Vec<String> = columns
                .iter()
                .map(|column| format!("{alias}.{}", column.name))
                .collect();
            names.join(", ")
        })
        .boxed()
}

fn aggregates(alias: &'static str, table: &Table) -> BoxedStrategy<String> {
    select(table.columns.clone())
        .prop_map(move |Column { name, kind }| {
            if kind.is_integer() {
                format!("count(*), min({alias}.{name}), sum({alias}.{name})")
            } else {
                format!("count(*), count(DISTINCT {alias}.{name})")
            }
        })
        .boxed()
}

/// One to three predicates.
fn condition(server: Server, alias: &str, table: &Table) -> BoxedStrategy<Pieces> {
    let alias = alias.to_owned();
    let predicate = select(table.columns.clone())
        .prop_flat_map(move |column| predicate(server, &alias, &column));
    let and = prop_oneof![9 => Just(" AND "), 1 => Just(" OR ")];
    (prop_oneof![6 => vec(predicate.clone(), 1), 3 => vec(predicate.clone(), 2), 1 => vec(predicate, 3)], and)
        .prop_map(|(predicates, and)| [sql("("), join(predicates, and), sql(")")].concat())
        .boxed()
}

fn predicate(server: Server, alias: &str, column: &Column) -> BoxedStrategy<Pieces> {
    let name = format!("{alias}.{}", column.name);
    let value = column.kind.values(server);
    let with = |before: String, after: &'static str| {
        value
            .clone()
            .prop_map(move |value| [sql(&before), value, sql(after)].concat())
            .boxed()
    };
    let two = |before: String, between: String| {
        (value.clone(), value.clone())
            .prop_map(move |(one, other)| [sql(&before), one, sql(&between), other].concat())
            .boxed()
    };
    let within = list(server, column.kind)
        .prop_map({
            let name = name.clone();
            move |values| [sql(format!("{name} IN (")), values, sql(")")].concat()
        })
        .boxed();
    let mut choices = vec![
        (14, with(format!("{name} = "), "")),
        (4, within),
        (1, Just(sql(format!("{name} IS NULL"))).boxed()),
        (1, with(format!("{name} <> "), "")),
        (1, with(format!("{name} >= "), "")),
        (1, with(format!("NOT {name} = "), "")),
        (1, two(format!("{name} BETWEEN "), " AND ".to_owned())),
        (
            1,
            two(format!("({name} = "), format!(" OR {name} = "))
                .prop_map(|pieces| [pieces, sql(")")].concat())
                .boxed(),
        ),
    ];
    if server == Server::Postgres && column.kind.is_integer() {
        let any = array()
            .prop_map(move |array| [sql(format!("{name} = ANY(")), array, sql(")")].concat())
            .boxed();
        choices.push((3, any));
    }
    proptest::strategy::Union::new_weighted(choices).boxed()
}
