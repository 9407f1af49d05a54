//! What a pool can do in sqlx's own words.

use sqlx::{
    Error, Execute, SqlSafeStr,
    migrate::{MigrateError, Migrator},
};

use super::Backend;
use crate::{
    cache::{Scope, Tags, Token},
    driver::{
        CachedConnection, Transaction,
        front::{Front, Outcome},
    },
    pool::CachedPool,
};

impl<DB: Backend> CachedPool<DB> {
    /// Begins a transaction with a statement of your own, such as `BEGIN IMMEDIATE`.
    ///
    /// # Cancel safety
    /// If the future is dropped, what it began is rolled back.
    ///
    /// # Errors
    /// As sqlx's `Pool::begin_with`.
    pub async fn begin_with(
        &self,
        statement: impl SqlSafeStr,
    ) -> Result<Transaction<'static, DB>, Error> {
        let connection = CachedConnection::acquire(self.core()).await?;
        Transaction::begin(connection.into(), Some(statement.into_sql_str())).await
    }

    /// Runs a statement on any connection, as `execute` does, and tells how far the clock had come when it was done: a read
    /// [`.after(&token)`](crate::CachedRead::after), in any process, is at least as new.
    ///
    /// # Cancel safety
    /// Once it is sent, the statement runs to its end even if the future is dropped, and so does its invalidation.
    ///
    /// # Errors
    /// As [`CachedConnection::execute_with_token`].
    pub async fn execute_with_token<'q>(
        &self,
        query: impl Execute<'q, DB>,
    ) -> Result<(DB::QueryResult, Token), Error> {
        let mut connection = CachedConnection::acquire(self.core()).await?;
        connection.execute_with_token(query).await
    }

    /// Runs the migrations that have not run yet, and invalidates everything, in all processes.
    ///
    /// # Cancel safety
    /// As sqlx's `Migrator::run`: dropped, it stops at the next await. What it did counts as unknown then, and nothing
    /// is cached for a while.
    ///
    /// # Errors
    /// As sqlx's `Migrator::run`; on a strict pool also when the shared tier could not be told first, in which case nothing
    /// has run.
    pub async fn migrate(&self, migrator: &Migrator) -> Result<(), MigrateError> {
        Scope::writes();
        let mut connection = self.core().inner.acquire().await?;
        if !self.core().session.lives_in_connection {
            // Migrations may change the session: what `pg_dump` writes empties the search path.
            connection.close_on_drop();
        }
        let writing = self
            .core()
            .engine
            .announce(Tags::everything_and_definitions())
            .await
            .map_err(|refused| MigrateError::Execute(crate::error::fence(Box::new(refused))))?;
        let result = migrator.run_direct(None, &mut *connection, false).await;
        self.core().survey(&mut connection).await;
        let receipt = match &result {
            Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _))
                if <DB as Front>::outcome(error) == Outcome::Unknown =>
            {
                writing.unknown()
            }
            // Each migration commits by itself, so those before a failed one have happened.
            _ => writing.committed(),
        };
        receipt.delivered().await;
        // Its session may be another one now, in which names mean something else.
        drop(connection);
        if self.core().look_somewhere().await.is_err() {
            self.core().look_soon();
        }
        result
    }
}
