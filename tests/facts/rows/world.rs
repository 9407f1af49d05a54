//! Three tables of three columns of small integers, in SQLite.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Column as _, Connection as _, Row as _, SqliteConnection};
use tokio::runtime::{Builder, Runtime};

use super::grammar::Text;

pub(crate) const TABLES: [&str; 3] = ["a", "b", "c"];
pub(crate) const COLUMNS: [&str; 3] = ["x", "y", "z"];

/// A row of any of the tables.
pub(crate) type Row = [Option<i64>; 3];

/// Every row that there can be.
pub(crate) fn rows() -> Vec<Row> {
    let cells = [None, Some(0), Some(1)];
    let mut rows = Vec::new();
    for x in cells {
        for y in cells {
            rows.extend(cells.map(|z| [x, y, z]));
        }
    }
    rows
}

pub(crate) struct World {
    runtime: Runtime,
    connection: SqliteConnection,
}

impl World {
    pub(crate) fn new() -> Self {
        let runtime = Builder::new_current_thread().build().unwrap();
        let connection = runtime
            .block_on(SqliteConnection::connect("sqlite::memory:"))
            .unwrap();
        let mut world = Self {
            runtime,
            connection,
        };
        for table in TABLES {
            world.run(format!(
                "CREATE TABLE {table} (x INTEGER, y INTEGER, z INTEGER)"
            ));
        }
        world
    }

    fn run(&mut self, sql: String) {
        let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection);
        self.runtime.block_on(done).unwrap();
    }

    /// Makes `rows` the rows of a table.
    pub(crate) fn fill(&mut self, table: &str, rows: &[Row]) {
        let mut sql = format!("DELETE FROM {table}");
        for row in rows {
            let cells = row.map(|cell| cell.map_or("NULL".to_owned(), |cell| cell.to_string()));
            sql += &format!("; INSERT INTO {table} VALUES ({})", cells.join(", "));
        }
        self.run(sql);
    }

    /// The rows of a table.
    pub(crate) fn rows(&mut self, table: &str) -> Vec<Row> {
        self.numbered(table).into_values().collect()
    }

    /// The rows of a table by their numbers.
    pub(crate) fn numbered(&mut self, table: &str) -> BTreeMap<i64, Row> {
        let sql = AssertSqlSafe(format!("SELECT rowid, x, y, z FROM {table}"));
        let rows = sqlx::query(sql).fetch_all(&mut self.connection);
        let rows = self.runtime.block_on(rows).unwrap();
        rows.iter()
            .map(|row| (row.get(0), [row.get(1), row.get(2), row.get(3)]))
            .collect()
    }

    /// Runs a text; its rows, in order of their values.
    pub(crate) fn ask(&mut self, text: &Text) -> Result<Vec<Vec<Option<i64>>>, sqlx::Error> {
        let mut query = sqlx::query(AssertSqlSafe(text.sql.clone()));
        for value in &text.values {
            query = query.bind(*value);
        }
        let rows = self
            .runtime
            .block_on(query.fetch_all(&mut self.connection))?;
        let mut rows: Vec<Vec<Option<i64>>> = rows
            .iter()
            .map(|row| {
                let cells = row.columns().iter().map(|column| row.get(column.ordinal()));
                cells.collect()
            })
            .collect();
        rows.sort_unstable();
        Ok(rows)
    }
}
