//! `&CachedPool` and `&mut CachedConnection` as sqlx executors.
//!
//! All methods come down to `fetch_many`, except where a read goes straight through.

use std::sync::Arc;

use futures_core::{future::BoxFuture, stream::BoxStream};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, future, stream};
use sqlx::{Describe, Either, Error, Execute, Executor, SqlStr};

use super::{
    Backend, CachedConnection,
    backend::Item,
    owned::OwnedQuery,
    scoped::{watched, watched_one},
};
use crate::{
    cache::{Question, Shape},
    driver::statement::Statement,
    pool::{CachedPool, Core},
};

impl<'c, DB: Backend> Executor<'c> for &CachedPool<DB> {
    type Database = DB;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Item<DB>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        match OwnedQuery::take(query) {
            Ok(mut query) => {
                let scope = self.core().note_read(&mut query);
                watched(scope, self.core().send(query))
            }
            Err(error) => failed::<DB>(error),
        }
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<DB::Row>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        match OwnedQuery::take(query) {
            Ok(mut query) => {
                let scope = self.core().note_read(&mut query);
                watched_one(scope, self.core().send_for_first(query))
            }
            Err(error) => future::ready(Err(error)).boxed(),
        }
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [DB::TypeInfo],
    ) -> BoxFuture<'e, Result<DB::Statement, Error>>
    where
        'c: 'e,
    {
        let pool = self.core().inner.clone();
        Box::pin(async move { DB::prepare(&mut *pool.acquire().await?, sql, parameters).await })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<DB>, Error>>
    where
        'c: 'e,
    {
        let pool = self.core().inner.clone();
        Box::pin(async move { DB::describe(&mut *pool.acquire().await?, sql).await })
    }
}

impl<DB: Backend> Core<DB> {
    /// Runs a query on any connection: a read passes through, anything else is followed to its end.
    fn send(self: &Arc<Self>, query: OwnedQuery<DB>) -> BoxStream<'static, Item<DB>> {
        let statement = self.statements.of(query.sql.as_str());
        if self.passes(&statement) {
            return DB::pool_fetch_many(&self.inner, query);
        }
        let core = self.clone();
        stream::once(async move {
            // Whoever gives up while waiting for a connection has sent nothing.
            let mut connection = CachedConnection::acquire(&core).await?;
            connection.run(statement, query).await
        })
        .try_flatten()
        .boxed()
    }

    /// As `send`, for the first row.
    fn send_for_first(
        self: &Arc<Self>,
        query: OwnedQuery<DB>,
    ) -> BoxFuture<'static, Result<Option<DB::Row>, Error>> {
        if self.passes(&self.statements.of(query.sql.as_str())) {
            DB::pool_fetch_optional(&self.inner, query)
        } else {
            first_row::<DB>(self.send(query)).boxed()
        }
    }

    /// Whether a statement changes nothing, so that it need not be followed.
    pub(super) fn passes(&self, statement: &Statement) -> bool {
        // Code may have been replaced by code that writes.
        let is_known =
            || !statement.plan.runs_routines() || self.engine.is_settled(&statement.snapshot.stamp);
        statement.plan.is_plain_read() && is_known()
    }

    /// Whether a load of this question may find a stale answer in the shared tier, and the query is needed again then.
    pub(crate) fn may_be_stale(&self, question: &Question) -> bool {
        let terms = &question.terms;
        question.whole.is_some()
            && (!terms.stale_while_revalidate.is_zero() || terms.tolerate_stale.is_some())
    }

    /// The rows of a query, all or the first.
    pub(crate) fn rows(
        self: &Arc<Self>,
        query: OwnedQuery<DB>,
        shape: Shape,
    ) -> BoxStream<'static, Result<DB::Row, Error>> {
        match shape {
            Shape::First => stream::once(self.send_for_first(query))
                .try_filter_map(|row| future::ready(Ok(row)))
                .boxed(),
            Shape::All | Shape::Rows => self
                .send(query)
                .try_filter_map(|item| future::ready(Ok(item.right())))
                .boxed(),
        }
    }
}

impl<'c, DB: Backend> Executor<'c> for &'c mut CachedConnection<DB> {
    type Database = DB;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Item<DB>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let mut query = match OwnedQuery::take(query) {
            Ok(query) => query,
            Err(error) => return failed::<DB>(error),
        };
        let statement = self.core().statements.of(query.sql.as_str());
        stream::once(async move {
            let scope = self.note_read(&statement, &mut query).await?;
            let items = if self.passes(&statement).await? {
                DB::fetch_many(self.ready().await?.connection(), query)
            } else {
                self.run(statement, query).await?
            };
            Ok::<_, Error>(watched(scope, items))
        })
        .try_flatten()
        .boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<DB::Row>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        let mut query = match OwnedQuery::take(query) {
            Ok(query) => query,
            Err(error) => return future::ready(Err(error)).boxed(),
        };
        let statement = self.core().statements.of(query.sql.as_str());
        Box::pin(async move {
            let scope = self.note_read(&statement, &mut query).await?;
            let row = if self.passes(&statement).await? {
                DB::fetch_optional(self.ready().await?.connection(), query).boxed()
            } else {
                first_row::<DB>(self.run(statement, query).await?).boxed()
            };
            watched_one(scope, row).await
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [DB::TypeInfo],
    ) -> BoxFuture<'e, Result<DB::Statement, Error>>
    where
        'c: 'e,
    {
        Box::pin(
            async move { DB::prepare(self.ready().await?.connection(), sql, parameters).await },
        )
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<DB>, Error>>
    where
        'c: 'e,
    {
        Box::pin(async move { DB::describe(self.ready().await?.connection(), sql).await })
    }
}

/// The first row of a statement that writes: all of the statement is awaited, so that what it wrote is invalidated when
/// the caller has the row.
async fn first_row<DB: Backend>(
    mut items: BoxStream<'_, Item<DB>>,
) -> Result<Option<DB::Row>, Error> {
    let mut first = None;
    while let Some(item) = items.try_next().await? {
        if let (Either::Right(row), None) = (item, &first) {
            first = Some(row);
        }
    }
    Ok(first)
}

fn failed<'e, DB: Backend>(error: Error) -> BoxStream<'e, Item<DB>> {
    stream::once(future::ready(Err(error))).boxed()
}
