//! What differs from database to database, in one sealed trait.

use futures_core::{future::BoxFuture, stream::BoxStream};
use sqlx::{Either, Error, Pool, SqlStr};

use super::owned::OwnedQuery;
use crate::{
    cache::Params,
    driver::{
        front::{Session, Values},
        identity::Identity,
    },
    schema::{Catalog, LoadError, Record},
    sql::Dialect,
};

/// A database that [`CachedPool`](crate::CachedPool) can stand before: `Postgres`, `MySql` or `Sqlite`, each behind the
/// feature of its name. Sealed.
pub trait Backend:
    Driver + sqlx::Database<Connection: sqlx::migrate::Migrate, Arguments: Clone>
{
}

impl<DB> Backend for DB where
    DB: Driver + sqlx::Database<Connection: sqlx::migrate::Migrate, Arguments: Clone>
{
}

/// One item of `fetch_many`.
pub(crate) type Item<DB> =
    Result<Either<<DB as sqlx::Database>::QueryResult, <DB as sqlx::Database>::Row>, Error>;

/// The sealed half of [`Backend`].
pub trait Driver: sqlx::Database + Sized {
    /// The dialect of its SQL.
    const DIALECT: Dialect;

    /// Writes types and bytes of bound arguments into a key, injectively. The arguments are as before afterwards.
    fn parameters(arguments: &mut Self::Arguments, key: &mut Params);

    /// Arguments that must all give different keys: same bytes with different types, NULL against zero and empty, order.
    fn canaries() -> Vec<Self::Arguments>;

    /// The bound values, in order, each as far as its canonical form is known; `None` for NULL and for types without one. Empty
    /// if nothing is known. The arguments are as before afterwards.
    fn values(arguments: &mut Self::Arguments) -> Values;

    /// Arguments and the values that must come out of them.
    fn value_canaries() -> Vec<(Self::Arguments, Values)>;

    /// Reads what its connections have in common.
    fn session(connection: &mut Self::Connection) -> BoxFuture<'_, Result<Session, Error>>;

    /// What else its connections are told to set when they are made, where no connection shows it.
    fn given(_: &<Self::Connection as sqlx::Connection>::Options) -> String {
        String::new()
    }

    /// Asks which database it is, among those of all machines; of its own, if its answers may lag behind those of another
    /// server that says the same.
    fn identity(connection: &mut Self::Connection) -> BoxFuture<'_, Result<Identity, Error>>;

    /// Whether some table keeps its rows when a transaction is rolled back.
    fn rollback_leaves_rows(_: &mut Self::Connection) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(std::future::ready(Ok(false)))
    }

    /// Asks where its connections look for a bare name.
    fn path(
        connection: &mut Self::Connection,
    ) -> BoxFuture<'_, Result<Vec<Box<str>>, LoadError<Error>>>;

    /// Reads the catalog.
    fn catalog(
        connection: &mut Self::Connection,
    ) -> BoxFuture<'_, Result<Catalog, LoadError<Error>>>;

    /// A text that is another one if the catalog has changed in a way that matters.
    fn fingerprint(
        connection: &mut Self::Connection,
    ) -> BoxFuture<'_, Result<String, LoadError<Error>>>;

    /// A row of text alone.
    fn record(row: &Self::Row) -> Result<Record, Error>;

    /// Whether this database error means that the server cannot answer just now.
    fn is_outage(error: &dyn sqlx::error::DatabaseError) -> bool;

    /// Runs a query on a connection.
    fn fetch_many(
        connection: &mut Self::Connection,
        query: OwnedQuery<Self>,
    ) -> BoxStream<'_, Item<Self>>;

    /// Runs a query on a connection for its first row.
    fn fetch_optional(
        connection: &mut Self::Connection,
        query: OwnedQuery<Self>,
    ) -> BoxFuture<'_, Result<Option<Self::Row>, Error>>;

    /// Prepares a statement on a connection.
    fn prepare<'e>(
        connection: &'e mut Self::Connection,
        sql: SqlStr,
        parameters: &'e [Self::TypeInfo],
    ) -> BoxFuture<'e, Result<Self::Statement, Error>>;

    /// Describes a statement on a connection.
    fn describe(
        connection: &mut Self::Connection,
        sql: SqlStr,
    ) -> BoxFuture<'_, Result<sqlx::Describe<Self>, Error>>;

    /// Runs a query on any connection of a pool.
    fn pool_fetch_many(
        pool: &Pool<Self>,
        query: OwnedQuery<Self>,
    ) -> BoxStream<'static, Item<Self>>;

    /// Runs a query on any connection of a pool for its first row.
    fn pool_fetch_optional(
        pool: &Pool<Self>,
        query: OwnedQuery<Self>,
    ) -> BoxFuture<'static, Result<Option<Self::Row>, Error>>;
}

/// The methods of [`Driver`] that are the same words for each database, because sqlx implements `Executor` for each
/// connection type by itself and not for `DB::Connection` in general. `$loader` is the file of the room `schema`.
macro_rules! through_executor {
    ($Database:ty, $loader:ident) => {
        fn path(
            connection: &mut Self::Connection,
        ) -> futures_core::future::BoxFuture<
            '_,
            Result<Vec<Box<str>>, $crate::schema::LoadError<sqlx::Error>>,
        > {
            Box::pin(async move {
                let mut reader = $crate::driver::sqlx::catalog::Reader::<Self>(connection);
                $crate::schema::path(Self::DIALECT, &mut reader).await
            })
        }

        fn catalog(
            connection: &mut Self::Connection,
        ) -> futures_core::future::BoxFuture<
            '_,
            Result<$crate::schema::Catalog, $crate::schema::LoadError<sqlx::Error>>,
        > {
            Box::pin(async move {
                let mut reader = $crate::driver::sqlx::catalog::Reader::<Self>(connection);
                $crate::schema::$loader::load(&mut reader).await
            })
        }

        fn fingerprint(
            connection: &mut Self::Connection,
        ) -> futures_core::future::BoxFuture<
            '_,
            Result<String, $crate::schema::LoadError<sqlx::Error>>,
        > {
            Box::pin(async move {
                let mut reader = $crate::driver::sqlx::catalog::Reader::<Self>(connection);
                $crate::schema::$loader::fingerprint(&mut reader).await
            })
        }

        fn record(row: &Self::Row) -> Result<$crate::schema::Record, sqlx::Error> {
            (0..sqlx::Row::len(row))
                // Unchecked: a server that answers in text has text for every type, and SQLite makes it.
                .map(|column| sqlx::Row::try_get_unchecked(row, column))
                .collect()
        }

        fn fetch_many(
            connection: &mut Self::Connection,
            query: $crate::driver::sqlx::owned::OwnedQuery<Self>,
        ) -> futures_core::stream::BoxStream<'_, $crate::driver::sqlx::backend::Item<Self>> {
            sqlx::Executor::fetch_many(connection, query)
        }

        fn fetch_optional(
            connection: &mut Self::Connection,
            query: $crate::driver::sqlx::owned::OwnedQuery<Self>,
        ) -> futures_core::future::BoxFuture<'_, Result<Option<Self::Row>, sqlx::Error>> {
            sqlx::Executor::fetch_optional(connection, query)
        }

        fn prepare<'e>(
            connection: &'e mut Self::Connection,
            sql: sqlx::SqlStr,
            parameters: &'e [Self::TypeInfo],
        ) -> futures_core::future::BoxFuture<'e, Result<Self::Statement, sqlx::Error>> {
            sqlx::Executor::prepare_with(connection, sql, parameters)
        }

        fn describe(
            connection: &mut Self::Connection,
            sql: sqlx::SqlStr,
        ) -> futures_core::future::BoxFuture<'_, Result<sqlx::Describe<Self>, sqlx::Error>> {
            sqlx::Executor::describe(connection, sql)
        }

        fn pool_fetch_many(
            pool: &sqlx::Pool<Self>,
            query: $crate::driver::sqlx::owned::OwnedQuery<Self>,
        ) -> futures_core::stream::BoxStream<'static, $crate::driver::sqlx::backend::Item<Self>> {
            sqlx::Executor::fetch_many(pool, query)
        }

        fn pool_fetch_optional(
            pool: &sqlx::Pool<Self>,
            query: $crate::driver::sqlx::owned::OwnedQuery<Self>,
        ) -> futures_core::future::BoxFuture<'static, Result<Option<Self::Row>, sqlx::Error>> {
            sqlx::Executor::fetch_optional(pool, query)
        }
    };
}
pub(crate) use through_executor;
