//! Random queries and changes, with what makes pins go wrong: outer joins, one table twice, aliases that are other tables'
//! names, CTEs that hide tables, conditions of queries further out, `OR`, `NOT`.

use super::{
    tape::Tape,
    world::{COLUMNS, TABLES},
};

/// A text and its arguments.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) sql: String,
    pub(crate) values: Vec<i64>,
}

/// A query.
pub(crate) fn query(tape: &mut Tape) -> Text {
    let mut writer = Writer::new(tape);
    let with = if writer.tape.once_in(4) {
        let name = writer.tape.one(&TABLES);
        // Its body would be the CTE itself.
        writer.tables.retain(|table| *table != name);
        let body = writer.select(Shape::Columns, &[], 1);
        writer.tables = TABLES.to_vec();
        format!("WITH {name} AS ({body}) ")
    } else {
        String::new()
    };
    let shape = writer.tape.one(&[Shape::All, Shape::Columns, Shape::Count]);
    let mut sql = with + &writer.select(shape, &[], 2);
    if matches!(shape, Shape::Columns) && writer.tape.once_in(6) {
        let operator = writer.tape.one(&["UNION ALL", "UNION", "EXCEPT"]);
        sql += &format!(" {operator} {}", writer.select(Shape::Columns, &[], 1));
    }
    writer.text(sql)
}

/// An `UPDATE`, a `DELETE` or an `INSERT`.
pub(crate) fn change(tape: &mut Tape) -> Text {
    let mut writer = Writer::new(tape);
    let table = writer.tape.one(&TABLES);
    let sql = match writer.tape.below(4) {
        0 => {
            let condition = writer.conditions(&[table.to_owned()], &[], 1);
            format!("DELETE FROM {table}{condition}")
        }
        1 | 2 => {
            let mut sets = Vec::new();
            for _ in 0..=writer.tape.below(2) {
                let column = writer.tape.one(&COLUMNS);
                let value = match writer.tape.below(3) {
                    0 => writer.value(),
                    1 => format!("{table}.{} + 1", writer.tape.one(&COLUMNS)),
                    _ => "NULL".to_owned(),
                };
                sets.push(format!("{column} = {value}"));
            }
            let mut names = vec![table.to_owned()];
            let from = if writer.tape.once_in(3) {
                format!(" FROM {}", writer.item(&mut names, &[], 0))
            } else {
                String::new()
            };
            let condition = writer.conditions(&names, &[], 1);
            format!("UPDATE {table} SET {}{from}{condition}", sets.join(", "))
        }
        _ => {
            let columns = writer.tape.one(&["", " (x, y, z)", " (z, x, y)", " (y)"]);
            let width = if columns == " (y)" { 1 } else { 3 };
            let mut rows = Vec::new();
            for _ in 0..=writer.tape.below(2) {
                let mut cells = Vec::new();
                for _ in 0..width {
                    cells.push(match writer.tape.below(4) {
                        0 => "NULL".to_owned(),
                        1 => "1 + 1".to_owned(),
                        _ => writer.value(),
                    });
                }
                rows.push(format!("({})", cells.join(", ")));
            }
            format!("INSERT INTO {table}{columns} VALUES {}", rows.join(", "))
        }
    };
    writer.text(sql)
}

/// What a query gives.
#[derive(Clone, Copy)]
enum Shape {
    All,
    /// All columns, by their names.
    Columns,
    /// One column.
    One,
    Count,
}

struct Writer<'t> {
    tape: &'t mut Tape,
    values: Vec<i64>,
    aliases: usize,
    /// The tables that can be read.
    tables: Vec<&'static str>,
}

impl<'t> Writer<'t> {
    fn new(tape: &'t mut Tape) -> Self {
        Self {
            tape,
            values: Vec::new(),
            aliases: 0,
            tables: TABLES.to_vec(),
        }
    }

    fn text(self, sql: String) -> Text {
        Text {
            sql,
            values: self.values,
        }
    }

    /// A query in which the columns of `outer` can be named, with others in it up to `depth`.
    fn select(&mut self, shape: Shape, outer: &[String], depth: usize) -> String {
        // What is given comes first in the text, and so do its parameters: it has none.
        let mut names = Vec::new();
        let mut from = self.item(&mut names, outer, depth);
        if self.tape.once_in(4) {
            from += ", ";
            from += &self.item(&mut names, outer, depth);
        }
        let condition = self.conditions(&names, outer, depth);
        let first = &names[0];
        let given = match shape {
            Shape::All => "*".to_owned(),
            Shape::Columns => format!("{first}.x AS x, {first}.y AS y, {first}.z AS z"),
            Shape::One => format!("{first}.{}", self.tape.one(&COLUMNS)),
            Shape::Count => "count(*)".to_owned(),
        };
        format!("SELECT {given} FROM {from}{condition}")
    }

    /// An item of a `FROM`, whose names are added to `names`.
    fn item(&mut self, names: &mut Vec<String>, outer: &[String], depth: usize) -> String {
        let start = names.len();
        let mut sql = self.factor(names, outer, depth);
        for _ in 0..self.tape.below(3) {
            let join = self.tape.one(&[
                "JOIN",
                "LEFT JOIN",
                "RIGHT JOIN",
                "FULL JOIN",
                "CROSS JOIN",
                "LEFT JOIN",
                "JOIN",
            ]);
            let factor = self.factor(names, outer, depth);
            sql += &format!(" {join} {factor}");
            match self.tape.below(8) {
                0 => {}
                1 if names.len() - start == 2 || self.tape.once_in(4) => {
                    sql += &format!(" USING ({})", self.tape.one(&COLUMNS))
                }
                _ => {
                    let scope = names[start..].to_vec();
                    let on = self.all_of(&scope, outer, 0);
                    sql += &format!(" ON {on}");
                }
            }
        }
        sql
    }

    fn factor(&mut self, names: &mut Vec<String>, outer: &[String], depth: usize) -> String {
        let alias = |writer: &mut Self, names: &mut Vec<String>| {
            let taken = writer.tape.one(&TABLES).to_owned();
            let name = if writer.tape.once_in(3) && !names.contains(&taken) {
                taken
            } else {
                writer.aliases += 1;
                format!("t{}", writer.aliases)
            };
            names.push(name.clone());
            name
        };
        match self.tape.below(10) {
            8 if depth > 0 => {
                let body = self.select(Shape::Columns, &[], depth - 1);
                format!("({body}) AS {}", alias(self, names))
            }
            9 if depth > 0 => {
                let inner = self.item(names, outer, 0);
                format!("({inner})")
            }
            _ => {
                let table = self.tape.one(&self.tables);
                if self.tape.once_in(2) && !names.iter().any(|name| name == table) {
                    names.push(table.to_owned());
                    table.to_owned()
                } else {
                    format!("{table} AS {}", alias(self, names))
                }
            }
        }
    }

    fn conditions(&mut self, names: &[String], outer: &[String], depth: usize) -> String {
        if self.tape.once_in(8) {
            String::new()
        } else {
            format!(" WHERE {}", self.all_of(names, outer, depth))
        }
    }

    fn all_of(&mut self, names: &[String], outer: &[String], depth: usize) -> String {
        let mut all = Vec::new();
        for _ in 0..=self.tape.below(3) {
            all.push(self.condition(names, outer, depth));
        }
        all.join(" AND ")
    }

    fn condition(&mut self, names: &[String], outer: &[String], depth: usize) -> String {
        let column = self.column(names);
        match self.tape.below(18) {
            0..=4 => format!("{column} = {}", self.value()),
            5 => format!("{} = {column}", self.value()),
            6..=8 => {
                let other = self.column(names);
                format!("{column} = {other}")
            }
            9 => format!("{column} IN ({}, {})", self.value(), self.value()),
            10 => {
                let other = if self.tape.once_in(3) {
                    self.column(names)
                } else {
                    column.clone()
                };
                format!(
                    "({column} = {} OR {other} = {})",
                    self.value(),
                    self.value()
                )
            }
            11 if self.tape.once_in(2) => {
                format!("{column} NOT IN ({}, {})", self.value(), self.value())
            }
            11 => format!("{column} <> {}", self.value()),
            12 => format!("{column} IS NULL"),
            13 => format!("NOT ({column} = {})", self.value()),
            14 if !outer.is_empty() => format!("{column} = {}", self.column(outer)),
            15 if !outer.is_empty() => format!("{} = {}", self.column(outer), self.value()),
            16 if depth > 0 => {
                let scope = [names, outer].concat();
                let body = self.select(Shape::Columns, &scope, depth - 1);
                format!("EXISTS ({body})")
            }
            17 if depth > 0 => {
                let scope = [names, outer].concat();
                let body = self.select(Shape::One, &scope, depth - 1);
                format!("{column} IN ({body})")
            }
            _ => format!("({column} = {} AND {column} IS NOT NULL)", self.value()),
        }
    }

    fn column(&mut self, names: &[String]) -> String {
        // One more often than the others, so that conditions meet on it.
        let column = self.tape.one(&["x", "x", "x", "y", "z"]);
        // Of several tables' columns without a qualifier only those behind USING are clear.
        let bare = if names.len() == 1 { 2 } else { 200 };
        if self.tape.once_in(bare) {
            column.to_owned()
        } else {
            format!("{}.{column}", self.tape.one(names))
        }
    }

    fn value(&mut self) -> String {
        let value = self.tape.below(2);
        if self.tape.once_in(2) {
            value.to_string()
        } else {
            self.values.push(i64::try_from(value).unwrap());
            "?".to_owned()
        }
    }
}
