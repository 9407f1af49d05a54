//! What a connection can do in sqlx's own words.

use sqlx::{Connection as _, Either, Error, Execute, SqlSafeStr};

use super::{Backend, owned::OwnedQuery};
use crate::{
    cache::Token,
    driver::{CachedConnection, Transaction},
};

impl<DB: Backend> CachedConnection<DB> {
    /// Begins a transaction with a statement of your own, such as `BEGIN ISOLATION LEVEL SERIALIZABLE`.
    ///
    /// # Cancel safety
    /// If the future is dropped, what it began is rolled back.
    ///
    /// # Errors
    /// As sqlx's `Connection::begin_with`: also when a transaction is open already.
    pub async fn begin_with(
        &mut self,
        statement: impl SqlSafeStr,
    ) -> Result<Transaction<'_, DB>, Error> {
        Transaction::begin(self.into(), Some(statement.into_sql_str())).await
    }

    /// Runs a statement, with all its results in one as sqlx's `execute` gives them, and tells how far the clock had come
    /// when it was done: a read [`.after(&token)`](crate::CachedRead::after), in any process, is at least as new.
    ///
    /// Inside a transaction the token asks nothing of a read: take the one of
    /// [`commit_with_token`](Transaction::commit_with_token).
    ///
    /// # Cancel safety
    /// Once it is sent, the statement runs to its end even if the future is dropped, and so does its invalidation.
    ///
    /// # Errors
    /// As sqlx's `execute`; on a strict pool also when the shared tier could not be told of the write first
    /// ([`is_fence_unavailable`](crate::is_fence_unavailable)).
    pub async fn execute_with_token<'q>(
        &mut self,
        query: impl Execute<'q, DB>,
    ) -> Result<(DB::QueryResult, Token), Error> {
        let mut results = DB::QueryResult::default();
        let take = |item: Either<_, DB::Row>| results.extend(item.left());
        let token = self.see_through(OwnedQuery::take(query)?, take).await?;
        Ok((results, token))
    }

    /// Asks the server for a sign of life.
    ///
    /// # Cancel safety
    /// As sqlx's `Connection::ping`.
    ///
    /// # Errors
    /// As sqlx's `Connection::ping`.
    pub async fn ping(&mut self) -> Result<(), Error> {
        self.ready().await?.connection().ping().await
    }
}
