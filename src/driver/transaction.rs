//! Transactions in the drivers' shape.

use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use super::{CachedConnection, checkout::Control, front::Front};
use crate::cache::Token;

/// A transaction in progress, or a savepoint in one.
///
/// What it wrote is invalidated when its `COMMIT` has returned, or when nobody can tell whether it did; a rollback drops
/// it. With sqlx, `&mut *tx` is an `Executor`. Reads inside it see its own writes and are never cached.
///
/// Dropped without `commit`, it is rolled back.
pub struct Transaction<'c, DB: Front> {
    connection: Held<'c, DB>,
    /// How many transactions stay open when this one has ended.
    outer: usize,
}

/// The connection of a transaction.
pub(crate) enum Held<'c, DB: Front> {
    Owned(CachedConnection<DB>),
    Borrowed(&'c mut CachedConnection<DB>),
}

impl<DB: Front> From<CachedConnection<DB>> for Held<'_, DB> {
    fn from(connection: CachedConnection<DB>) -> Self {
        Held::Owned(connection)
    }
}

impl<'c, DB: Front> From<&'c mut CachedConnection<DB>> for Held<'c, DB> {
    fn from(connection: &'c mut CachedConnection<DB>) -> Self {
        Held::Borrowed(connection)
    }
}

impl<'c, DB: Front> Transaction<'c, DB> {
    pub(crate) async fn begin(
        connection: Held<'c, DB>,
        opening: Option<DB::Opening>,
    ) -> Result<Self, DB::Error> {
        // Made before the server is asked, so that a drop on the way rolls back whatever comes of it.
        let mut transaction = Transaction {
            connection,
            outer: usize::MAX,
        };
        transaction.outer = transaction.ready().await?.depth();
        transaction.control(Control::Begin(opening)).await?;
        Ok(transaction)
    }

    /// Commits, or releases the savepoint.
    ///
    /// # Staleness
    /// Once this has returned, no cached read that starts later in this process sees older data. Other processes have
    /// been told, or, if the shared tier did not answer in time, will be.
    ///
    /// # Cancel safety
    /// The commit goes on if the future is dropped, and so does its invalidation.
    ///
    /// # Errors
    /// As the driver's own. Where the outcome is unknown, what was written is invalidated and then kept out
    /// of the cache for a while, in case the server commits it yet. On a strict pool also when the shared tier could not be
    /// told that a commit comes ([`is_fence_unavailable`](crate::is_fence_unavailable)): it was not sent then, and the
    /// transaction is rolled back.
    pub async fn commit(self) -> Result<(), DB::Error> {
        self.commit_with_token().await.map(drop)
    }

    /// Commits, or releases the savepoint, and tells how far the clock had come then: a read
    /// [`.after(&token)`](crate::CachedRead::after), in any process, is at least as new as this commit.
    ///
    /// The token of a savepoint asks nothing of a read: what it wrote is not committed yet.
    ///
    /// # Cancel safety
    /// As [`commit`](Self::commit).
    ///
    /// # Errors
    /// As [`commit`](Self::commit).
    pub async fn commit_with_token(mut self) -> Result<Token, DB::Error> {
        self.control(Control::Commit).await
    }

    /// Rolls back, to the savepoint if it is one.
    ///
    /// # Cancel safety
    /// The rollback goes on if the future is dropped.
    ///
    /// # Errors
    /// As the driver's own.
    pub async fn rollback(mut self) -> Result<(), DB::Error> {
        self.control(Control::Rollback).await.map(drop)
    }
}

impl<DB: Front> Deref for Transaction<'_, DB> {
    type Target = CachedConnection<DB>;

    fn deref(&self) -> &Self::Target {
        match &self.connection {
            Held::Owned(connection) => connection,
            Held::Borrowed(connection) => connection,
        }
    }
}

impl<DB: Front> DerefMut for Transaction<'_, DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match &mut self.connection {
            Held::Owned(connection) => connection,
            Held::Borrowed(connection) => connection,
        }
    }
}

impl<DB: Front> Drop for Transaction<'_, DB> {
    fn drop(&mut self) {
        // After a commit or a rollback nothing is open further in, and this does nothing.
        let outer = self.outer;
        self.roll_back_to(outer);
    }
}

impl<DB: Front> fmt::Debug for Transaction<'_, DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").finish_non_exhaustive()
    }
}
