//! Rows and arguments that every database knows.

use cachedpool::CachedConnection;
use serde::{Deserialize, Serialize};
use sqlx::{
    AssertSqlSafe, Error, FromRow,
    query::{Query, QueryAs},
};

use super::{TestDatabase, TestRow};

/// A row of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Number(pub(crate) i64);

impl<'r, R: TestRow> FromRow<'r, R> for Number {
    fn from_row(row: &'r R) -> Result<Self, Error> {
        Ok(Number(row.int(0)?))
    }
}

/// A row of the table that most tests use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) id: i64,
    pub(crate) name: Option<String>,
}

impl<'r, R: TestRow> FromRow<'r, R> for Person {
    fn from_row(row: &'r R) -> Result<Self, Error> {
        Ok(Person {
            id: row.int(0)?,
            name: row.text(1)?,
        })
    }
}

/// A bound argument.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Int(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    NoInt,
    NoText,
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Text(value.into())
    }
}

fn arguments<DB: TestDatabase>(values: impl IntoIterator<Item = Value>) -> DB::Arguments {
    let mut arguments = DB::Arguments::default();
    for value in values {
        DB::bind(&mut arguments, value);
    }
    arguments
}

/// `sqlx::query`, with `$1`, `$2`… on every database. Each stands once in the text, in order.
pub(crate) fn query<DB: TestDatabase>(
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Query<'static, DB, DB::Arguments> {
    sqlx::query_with(AssertSqlSafe(DB::sql(sql)), arguments::<DB>(values))
}

/// `sqlx::query_as`, likewise.
pub(crate) fn read<DB: TestDatabase, O: for<'r> FromRow<'r, DB::Row>>(
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> QueryAs<'static, DB, O, DB::Arguments> {
    sqlx::query_as_with(AssertSqlSafe(DB::sql(sql)), arguments::<DB>(values))
}

/// Runs a statement on a connection or in a transaction.
pub(crate) async fn run<DB: TestDatabase>(connection: &mut CachedConnection<DB>, sql: &str) {
    let result = query::<DB>(sql, []).execute(connection).await;
    result.unwrap_or_else(|error| panic!("{sql}: {error}"));
}
