//! Each of sqlx's databases as a front-end.

use futures_core::{future::BoxFuture, stream::BoxStream};
use futures_util::FutureExt as _;
use sqlx::{
    AssertSqlSafe, Connection as _, Either, Error, Pool, SqlSafeStr as _, SqlStr,
    pool::PoolConnection,
};
use sqlx_core::transaction::TransactionManager as _;

use super::{Backend, owned::OwnedQuery, prove::prove};
use crate::{
    cache::Params,
    driver::{
        front::{Fault, Front, Loading, Outcome, Session, Unfit, Values, Wrap},
        identity::Identity,
    },
    error,
    schema::Catalog,
    sql::Dialect,
};

impl<DB: Backend> Front for DB {
    const NAME: &'static str = DB::NAME;
    const DIALECT: Dialect = DB::DIALECT;

    type Pool = Pool<DB>;
    type Pooled = PoolConnection<DB>;
    type Connection = DB::Connection;
    type Query = OwnedQuery<DB>;
    type Opening = SqlStr;
    type Row = DB::Row;
    type Item = Either<DB::QueryResult, DB::Row>;
    type Error = Error;

    fn text(query: &OwnedQuery<DB>) -> &str {
        query.sql.as_str()
    }

    fn opening(opening: &SqlStr) -> &str {
        opening.as_str()
    }

    #[inline]
    fn parameters(query: &mut OwnedQuery<DB>, key: &mut Params) {
        if let Some(arguments) = &mut query.arguments {
            // The length in front keeps arguments and what follows them apart; it is known only afterwards.
            let start = key.len();
            key.extend_from_slice(&[0; 8]);
            DB::parameters(arguments, key);
            let length = (key.len() - start) as u64 - 8;
            key[start..start + 8].copy_from_slice(&length.to_le_bytes());
        }
    }

    fn values(query: &mut OwnedQuery<DB>) -> Values {
        query.arguments.as_mut().map(DB::values).unwrap_or_default()
    }

    fn prove() -> Result<(), crate::error::Error> {
        prove::<DB>()
    }

    fn acquire(pool: &Pool<DB>) -> BoxFuture<'_, Result<PoolConnection<DB>, Error>> {
        pool.acquire().boxed()
    }

    fn try_acquire(pool: &Pool<DB>) -> Option<PoolConnection<DB>> {
        pool.try_acquire()
    }

    fn discard(mut connection: PoolConnection<DB>) {
        connection.close_on_drop();
    }

    fn close(pool: &Pool<DB>) -> BoxFuture<'_, ()> {
        pool.close().boxed()
    }

    fn is_closed(pool: &Pool<DB>) -> bool {
        pool.is_closed()
    }

    fn size(pool: &Pool<DB>) -> (u32, usize) {
        (pool.size(), pool.num_idle())
    }

    fn given(pool: &Pool<DB>) -> String {
        DB::given(&pool.connect_options())
    }

    fn session(connection: &mut DB::Connection) -> BoxFuture<'_, Result<Session, Unfit<Error>>> {
        let session = DB::session(connection);
        Box::pin(async move {
            session.await.map_err(|error| match error {
                Error::Configuration(problem) => Unfit::Settings(problem.to_string()),
                error => Unfit::Unknown(error),
            })
        })
    }

    fn identity(connection: &mut DB::Connection) -> BoxFuture<'_, Result<Identity, Error>> {
        DB::identity(connection)
    }

    fn rollback_leaves_rows(connection: &mut DB::Connection) -> BoxFuture<'_, Result<bool, Error>> {
        DB::rollback_leaves_rows(connection)
    }

    fn path(connection: &mut DB::Connection) -> Loading<'_, Vec<Box<str>>, Error> {
        DB::path(connection)
    }

    fn catalog(connection: &mut DB::Connection) -> Loading<'_, Catalog, Error> {
        DB::catalog(connection)
    }

    fn fingerprint(connection: &mut DB::Connection) -> Loading<'_, String, Error> {
        DB::fingerprint(connection)
    }

    fn run(
        connection: &mut DB::Connection,
        query: OwnedQuery<DB>,
    ) -> BoxStream<'_, Result<Self::Item, Error>> {
        DB::fetch_many(connection, query)
    }

    fn first(
        connection: &mut DB::Connection,
        query: OwnedQuery<DB>,
    ) -> BoxFuture<'_, Result<Option<DB::Row>, Error>> {
        DB::fetch_optional(connection, query)
    }

    fn run_anywhere(
        pool: &Pool<DB>,
        query: OwnedQuery<DB>,
    ) -> BoxStream<'static, Result<Self::Item, Error>> {
        DB::pool_fetch_many(pool, query)
    }

    fn first_anywhere(
        pool: &Pool<DB>,
        query: OwnedQuery<DB>,
    ) -> BoxFuture<'static, Result<Option<DB::Row>, Error>> {
        DB::pool_fetch_optional(pool, query)
    }

    fn row(item: Self::Item) -> Option<DB::Row> {
        item.right()
    }

    fn savepoint(depth: usize) -> Box<str> {
        format!("_sqlx_savepoint_{depth}").into()
    }

    fn begin(
        connection: &mut DB::Connection,
        _: usize,
        opening: Option<SqlStr>,
    ) -> BoxFuture<'_, Result<(), Error>> {
        DB::TransactionManager::begin(connection, opening).boxed()
    }

    fn commit(connection: &mut DB::Connection, _: usize) -> BoxFuture<'_, Result<(), Error>> {
        DB::TransactionManager::commit(connection).boxed()
    }

    fn rollback(connection: &mut DB::Connection, _: usize) -> BoxFuture<'_, Result<(), Error>> {
        DB::TransactionManager::rollback(connection).boxed()
    }

    fn queue_rollback(connection: &mut DB::Connection, _: usize) {
        DB::TransactionManager::start_rollback(connection);
    }

    fn answers(connection: &mut DB::Connection) -> BoxFuture<'_, bool> {
        Box::pin(async { connection.ping().await.is_ok() })
    }

    fn is_idle(connection: &mut DB::Connection) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            // Behind the rollbacks that are queued.
            let alive = Self::answers(connection).await;
            // The database may have ended the transaction by itself, and the rollback was of something else. Whatever is open
            // now would hide later commits from all who read on this connection.
            alive && DB::TransactionManager::get_transaction_depth(connection) == 0
        })
    }

    fn end_all(mut connection: PoolConnection<DB>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            // None of these errors is anybody's: they say that no transaction was open, or that the connection is lost, which
            // the pool finds out by itself.
            let _ = connection.ping().await;
            let rollback = OwnedQuery::text(SqlStr::from_static("ROLLBACK"));
            let _ = DB::fetch_optional(&mut connection, rollback).await;
            // SQLite may have ended a transaction that sqlx still counts, and sqlx counts down only by a rollback that succeeds.
            // So it is given one to roll back.
            let counted = DB::TransactionManager::get_transaction_depth(&connection);
            for level in 0..counted {
                let opening = match level {
                    0 => SqlStr::from_static("BEGIN"),
                    _ => {
                        let savepoint = <DB as Front>::savepoint(level);
                        AssertSqlSafe(format!("SAVEPOINT {savepoint}")).into_sql_str()
                    }
                };
                let _ = DB::fetch_optional(&mut connection, OwnedQuery::text(opening)).await;
            }
            for _ in 0..counted {
                let _ = DB::TransactionManager::rollback(&mut connection).await;
            }
        })
    }

    fn outcome(error: &Error) -> Outcome {
        match error {
            Error::Encode(_)
            | Error::Configuration(_)
            | Error::InvalidArgument(_)
            | Error::TypeNotFound { .. }
            | Error::PoolTimedOut
            | Error::PoolClosed
            | Error::InvalidSavePointStatement => Outcome::NotSent,
            Error::Database(_) | Error::BeginFailed => Outcome::Refused,
            _ => Outcome::Unknown,
        }
    }

    fn is_outage(error: &Error) -> bool {
        match error {
            Error::Io(_)
            | Error::Tls(_)
            | Error::Protocol(_)
            | Error::PoolTimedOut
            | Error::WorkerCrashed => true,
            Error::Database(error) => DB::is_outage(error.as_ref()),
            _ => false,
        }
    }

    fn fault(fault: Fault) -> Error {
        match fault {
            Fault::Lost => Error::WorkerCrashed,
            Fault::NotCached => error::not_cached(),
            Fault::Fence(source) => error::fence(source),
        }
    }
}

impl<DB: Backend> Wrap for Pool<DB> {
    type Front = DB;
}
