//! What the tests need to know of a database beside its driver.

use cachedpool::Backend;
use cachedpool_test_support::{SqliteFile, mariadb, postgres};
use sqlx::{
    Arguments as _, Error, IntoArguments, MySql, Pool, Postgres, Row, Sqlite,
    database::HasStatementCache,
    query::{Query, QueryAs},
};

use super::{Person, Value};

/// A database under test.
pub(crate) trait TestDatabase:
    HasStatementCache
    + Backend<Row: TestRow, Arguments: IntoArguments<Self>, QueryResult: std::fmt::Debug>
{
    /// Which it is, for statements that are not the same everywhere.
    const SERVER: Server;

    /// A fresh database: its address, and what must live as long as it.
    async fn place() -> (String, Option<SqliteFile>);

    /// Binds a value.
    fn bind(arguments: &mut Self::Arguments, value: Value);

    /// How many rows a statement has changed.
    fn affected(result: &Self::QueryResult) -> u64;

    /// Runs a statement on a pool of sqlx's own.
    async fn execute(
        pool: &Pool<Self>,
        query: Query<'static, Self, Self::Arguments>,
    ) -> Result<Self::QueryResult, Error>;

    /// Reads from a pool of sqlx's own.
    async fn fetch_people(
        pool: &Pool<Self>,
        query: QueryAs<'static, Self, Person, Self::Arguments>,
    ) -> Result<Vec<Person>, Error>;

    /// Runs a text on a connection of sqlx's own.
    async fn execute_raw(connection: &mut Self::Connection, sql: &'static str);

    /// The type of a bound `i64`.
    fn int_type() -> Self::TypeInfo;

    /// One bound number.
    fn one_int(value: i64) -> Self::Arguments {
        let mut arguments = Self::Arguments::default();
        Self::bind(&mut arguments, Value::Int(value));
        arguments
    }

    /// The text with the database's own placeholders.
    fn sql(text: &str) -> String {
        text.to_owned()
    }
}

/// Which database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    Sqlite,
    Postgres,
    MariaDb,
}

/// A row whose columns are read by position.
pub(crate) trait TestRow: Row {
    fn int(&self, column: usize) -> Result<i64, Error>;
    fn text(&self, column: usize) -> Result<Option<String>, Error>;
}

/// The methods that are the same words for each driver.
macro_rules! driver {
    ($Database:ty) => {
        fn bind(arguments: &mut Self::Arguments, value: Value) {
            match value {
                Value::Int(value) => arguments.add(value),
                Value::Float(value) => arguments.add(value),
                Value::Text(value) => arguments.add(value),
                Value::Bytes(value) => arguments.add(value),
                Value::NoInt => arguments.add(None::<i64>),
                Value::NoText => arguments.add(None::<String>),
            }
            .unwrap();
        }

        fn affected(result: &Self::QueryResult) -> u64 {
            result.rows_affected()
        }

        async fn execute(
            pool: &Pool<Self>,
            query: Query<'static, Self, Self::Arguments>,
        ) -> Result<Self::QueryResult, Error> {
            query.execute(pool).await
        }

        async fn fetch_people(
            pool: &Pool<Self>,
            query: QueryAs<'static, Self, Person, Self::Arguments>,
        ) -> Result<Vec<Person>, Error> {
            query.fetch_all(pool).await
        }

        async fn execute_raw(connection: &mut Self::Connection, sql: &'static str) {
            sqlx::raw_sql(sql).execute(connection).await.unwrap();
        }

        fn int_type() -> Self::TypeInfo {
            <i64 as sqlx::Type<$Database>>::type_info()
        }
    };
}

macro_rules! row {
    ($Row:ty) => {
        impl TestRow for $Row {
            fn int(&self, column: usize) -> Result<i64, Error> {
                self.try_get(column)
            }

            fn text(&self, column: usize) -> Result<Option<String>, Error> {
                self.try_get(column)
            }
        }
    };
}

row!(sqlx::sqlite::SqliteRow);
row!(sqlx::postgres::PgRow);
row!(sqlx::mysql::MySqlRow);

impl TestDatabase for Sqlite {
    const SERVER: Server = Server::Sqlite;

    async fn place() -> (String, Option<SqliteFile>) {
        let file = SqliteFile::new();
        (file.url(), Some(file))
    }

    driver!(Sqlite);
}

impl TestDatabase for Postgres {
    const SERVER: Server = Server::Postgres;

    async fn place() -> (String, Option<SqliteFile>) {
        (postgres().await.fresh_database().await, None)
    }

    driver!(Postgres);
}

impl TestDatabase for MySql {
    const SERVER: Server = Server::MariaDb;

    async fn place() -> (String, Option<SqliteFile>) {
        (mariadb().await.fresh_database().await, None)
    }

    driver!(MySql);

    fn sql(text: &str) -> String {
        let mut parts = text.split('$');
        let mut sql = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            sql.push('?');
            sql.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
        }
        sql
    }
}
