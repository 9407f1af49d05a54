//! `&CachedPool` and `&mut CachedConnection` as sqlx executors.

use futures_core::{future::BoxFuture, stream::BoxStream};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, future, stream};
use sqlx::{Describe, Error, Execute, Executor, SqlStr};

use super::{Backend, backend::Item, owned::OwnedQuery};
use crate::{driver::CachedConnection, pool::CachedPool};

impl<'c, DB: Backend> Executor<'c> for &CachedPool<DB> {
    type Database = DB;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Item<DB>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        match OwnedQuery::take(query) {
            Ok(query) => self.core().run(query),
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
            Ok(query) => self.core().first(query),
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

impl<'c, DB: Backend> Executor<'c> for &'c mut CachedConnection<DB> {
    type Database = DB;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Item<DB>>
    where
        'c: 'e,
        E: 'q + Execute<'q, DB>,
    {
        match OwnedQuery::take(query) {
            Ok(query) => stream::once(self.run(query)).try_flatten().boxed(),
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
            Ok(query) => self.first(query).boxed(),
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

fn failed<'e, DB: Backend>(error: Error) -> BoxStream<'e, Item<DB>> {
    stream::once(future::ready(Err(error))).boxed()
}
