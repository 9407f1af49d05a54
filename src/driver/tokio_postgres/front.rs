//! tokio-postgres, behind a deadpool, as a front-end.

use std::{future::ready, time::Duration};

use deadpool_postgres::{ClientWrapper, Object, Pool, PoolError, Timeouts};
use futures_core::{future::BoxFuture, stream::BoxStream};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use tokio_postgres::{Row, SimpleQueryMessage};

use super::{
    Error, TokioPostgres,
    given::options,
    query::{Item, OwnedQuery},
};
use crate::{
    cache::Params,
    driver::{
        front::{Fault, Front, Loading, Outcome, Session, Unfit, Values, Wrap},
        identity::Identity,
        postgres,
    },
    schema::{self, Catalog, CatalogReader, Record},
    sql::Dialect,
};

impl Wrap for Pool {
    type Front = TokioPostgres;
}

impl Front for TokioPostgres {
    const NAME: &'static str = "PostgreSQL";
    const DIALECT: Dialect = Dialect::Postgres;

    type Pool = Pool;
    type Pooled = Object;
    type Connection = ClientWrapper;
    type Query = OwnedQuery;
    type Opening = String;
    type Row = Row;
    type Item = Item;
    type Error = Error;

    fn text(query: &OwnedQuery) -> &str {
        query.text()
    }

    fn opening(opening: &String) -> &str {
        opening
    }

    #[inline]
    fn parameters(query: &mut OwnedQuery, key: &mut Params) {
        query.parameters(key);
    }

    fn values(query: &mut OwnedQuery) -> Values {
        query.values()
    }

    fn prove() -> Result<(), crate::error::Error> {
        // Arguments are encoded by this crate, with the driver's public traits alone.
        Ok(())
    }

    fn acquire(pool: &Pool) -> BoxFuture<'_, Result<Object, Error>> {
        Box::pin(async { Ok(pool.get().await?) })
    }

    fn try_acquire(pool: &Pool) -> Option<Object> {
        if pool.status().available == 0 {
            // It would begin to connect, and be dropped at that.
            return None;
        }
        let at_once = Timeouts {
            wait: Some(Duration::ZERO),
            ..pool.timeouts()
        };
        // One of which deadpool first asks the server whether it is well is not idle.
        pool.timeout_get(&at_once).now_or_never()?.ok()
    }

    fn discard(connection: Object) {
        drop(Object::take(connection));
    }

    fn close(pool: &Pool) -> BoxFuture<'_, ()> {
        /// How often it is looked for connections that are still out: the pool does not tell.
        const INTERVAL: Duration = Duration::from_millis(5);
        Box::pin(async {
            pool.close();
            while pool.status().size > 0 {
                tokio::time::sleep(INTERVAL).await;
            }
        })
    }

    fn is_closed(pool: &Pool) -> bool {
        pool.is_closed()
    }

    fn size(pool: &Pool) -> (u32, usize) {
        let status = pool.status();
        let size = u32::try_from(status.size).unwrap_or(u32::MAX);
        (size, status.available)
    }

    fn given(pool: &Pool) -> String {
        options(&format!("{:?}", pool.manager())).to_owned()
    }

    fn session(connection: &mut ClientWrapper) -> BoxFuture<'_, Result<Session, Unfit<Error>>> {
        Box::pin(async {
            let told = Reader(connection).one(&postgres::session_sql()).await?;
            Ok(postgres::session(told))
        })
    }

    fn identity(connection: &mut ClientWrapper) -> BoxFuture<'_, Result<Identity, Error>> {
        Box::pin(async {
            match Reader(connection).one(postgres::IDENTITY).await {
                Ok(told) => Ok(postgres::identity(told)),
                Err(error) if error.as_db_error().is_some() => Ok(Identity::of_its_own()),
                Err(error) => Err(error),
            }
        })
    }

    fn rollback_leaves_rows(_: &mut ClientWrapper) -> BoxFuture<'_, Result<bool, Error>> {
        ready(Ok(false)).boxed()
    }

    fn path(connection: &mut ClientWrapper) -> Loading<'_, Vec<Box<str>>, Error> {
        Box::pin(async { schema::path(Self::DIALECT, &mut Reader(connection)).await })
    }

    fn catalog(connection: &mut ClientWrapper) -> Loading<'_, Catalog, Error> {
        Box::pin(async { schema::postgres::load(&mut Reader(connection)).await })
    }

    fn fingerprint(connection: &mut ClientWrapper) -> Loading<'_, String, Error> {
        Box::pin(async { schema::postgres::fingerprint(&mut Reader(connection)).await })
    }

    fn run(
        connection: &mut ClientWrapper,
        query: OwnedQuery,
    ) -> BoxStream<'_, Result<Item, Error>> {
        stream::once(query.send(connection)).try_flatten().boxed()
    }

    fn first(
        connection: &mut ClientWrapper,
        query: OwnedQuery,
    ) -> BoxFuture<'_, Result<Option<Row>, Error>> {
        first(Self::run(connection, query)).boxed()
    }

    fn run_anywhere(pool: &Pool, query: OwnedQuery) -> BoxStream<'static, Result<Item, Error>> {
        let pool = pool.clone();
        stream::once(async move {
            let connection = pool.get().await?;
            let items = query.send(&connection).await?;
            // The connection goes back when the answer has been read, or is not wanted any more.
            let both = (items, connection);
            Ok::<_, Error>(stream::unfold(both, |(mut items, connection)| async move {
                Some((items.next().await?, (items, connection)))
            }))
        })
        .try_flatten()
        .boxed()
    }

    fn first_anywhere(
        pool: &Pool,
        query: OwnedQuery,
    ) -> BoxFuture<'static, Result<Option<Row>, Error>> {
        first(Self::run_anywhere(pool, query)).boxed()
    }

    fn row(item: Item) -> Option<Row> {
        match item {
            Item::Row(row) => Some(row),
            Item::Done(_) => None,
        }
    }

    fn savepoint(depth: usize) -> Box<str> {
        format!("_cachedpool_savepoint_{depth}").into()
    }

    fn begin(
        connection: &mut ClientWrapper,
        depth: usize,
        opening: Option<String>,
    ) -> BoxFuture<'_, Result<(), Error>> {
        let text = match (depth, opening) {
            (0, None) => "BEGIN".into(),
            (0, Some(opening)) => opening,
            // Only the outermost one has a level of isolation.
            (depth, _) => format!("SAVEPOINT {}", Self::savepoint(depth)),
        };
        control(connection, text)
    }

    fn commit(connection: &mut ClientWrapper, depth: usize) -> BoxFuture<'_, Result<(), Error>> {
        let text = match depth {
            0 => return ready(Ok(())).boxed(),
            1 => "COMMIT".into(),
            depth => format!("RELEASE {}", Self::savepoint(depth - 1)),
        };
        control(connection, text)
    }

    fn rollback(connection: &mut ClientWrapper, depth: usize) -> BoxFuture<'_, Result<(), Error>> {
        control(connection, rollback(depth))
    }

    fn queue_rollback(connection: &mut ClientWrapper, depth: usize) {
        // The driver queues a statement when its future is polled first, and sees it through without being asked again.
        let _ = connection.batch_execute(&rollback(depth)).now_or_never();
    }

    fn answers(connection: &mut ClientWrapper) -> BoxFuture<'_, bool> {
        Box::pin(async { connection.simple_query("").await.is_ok() })
    }

    fn is_idle(connection: &mut ClientWrapper) -> BoxFuture<'_, bool> {
        Box::pin(async {
            // The driver does not tell whether a transaction is open. Its time stands still inside of one, and one that has
            // failed answers nothing.
            let mut reader = Reader(connection);
            let time = "SELECT pg_catalog.now()";
            match (reader.one(time).await, reader.one(time).await) {
                (Ok(first), Ok(second)) => first != second,
                _ => false,
            }
        })
    }

    fn end_all(_: Object) -> BoxFuture<'static, ()> {
        // No session of PostgreSQL lives in its connection alone.
        ready(()).boxed()
    }

    fn outcome(error: &Error) -> Outcome {
        match error {
            Error::Postgres(error) if error.as_db_error().is_some() => Outcome::Refused,
            Error::Postgres(_) | Error::Lost => Outcome::Unknown,
            _ => Outcome::NotSent,
        }
    }

    fn is_outage(error: &Error) -> bool {
        match error {
            Error::Lost | Error::Pool(PoolError::Timeout(_)) => true,
            _ => match error.as_db_error() {
                Some(refused) => postgres::is_outage(refused.code().code()),
                None => error.is_of_the_connection(),
            },
        }
    }

    fn fault(fault: Fault) -> Error {
        match fault {
            Fault::NotCached => Error::NotCached,
            Fault::Fence(source) => Error::Fence(source),
            Fault::Lost => Error::Lost,
        }
    }
}

fn rollback(depth: usize) -> String {
    match depth {
        0 | 1 => "ROLLBACK".into(),
        depth => format!("ROLLBACK TO {}", TokioPostgres::savepoint(depth - 1)),
    }
}

fn control(connection: &ClientWrapper, text: String) -> BoxFuture<'_, Result<(), Error>> {
    Box::pin(async move { Ok(connection.batch_execute(&text).await?) })
}

/// The first row. The rest of the answer is read and thrown away by the driver.
async fn first(mut items: BoxStream<'_, Result<Item, Error>>) -> Result<Option<Row>, Error> {
    let item = items.try_next().await?;
    Ok(item.and_then(TokioPostgres::row))
}

/// A connection on which a loader asks. In the simple protocol, so that every answer is text and nothing is prepared.
struct Reader<'c>(&'c ClientWrapper);

impl Reader<'_> {
    async fn one(&mut self, sql: &str) -> Result<Record, Error> {
        Ok(self.rows(sql).await?.pop().unwrap_or_default())
    }
}

impl CatalogReader for Reader<'_> {
    type Error = Error;

    async fn rows(&mut self, sql: &str) -> Result<Vec<Record>, Error> {
        let told = self.0.simple_query(sql).await?;
        let rows = told.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                let column = |at| row.get(at).map(str::to_owned);
                Some((0..row.len()).map(column).collect())
            }
            _ => None,
        });
        Ok(rows.collect())
    }
}
