//! Transactions in tokio-postgres's words.

use std::fmt::Write as _;

use tokio_postgres::IsolationLevel;

use super::{Error, TokioPostgres};
use crate::{
    driver::{CachedConnection, CachedPoolConnection, Transaction},
    pool::CachedPool,
};

impl CachedPool<TokioPostgres> {
    /// Begins a transaction on a connection out of the pool.
    ///
    /// # Cancel safety
    /// If the future is dropped, what it began is rolled back.
    ///
    /// # Errors
    /// The database's, or the pool's.
    pub async fn transaction(&self) -> Result<Transaction<'static, TokioPostgres>, Error> {
        self.begin().await
    }

    /// Begins a transaction with settings of its own.
    pub fn build_transaction(&self) -> TransactionBuilder<'_> {
        TransactionBuilder {
            client: self,
            isolation_level: None,
            read_only: None,
            deferrable: None,
        }
    }

    /// Takes a connection out of the pool.
    ///
    /// # Cancel safety
    /// Dropping the future gives the place in the queue up.
    ///
    /// # Errors
    /// The pool's.
    pub async fn get(&self) -> Result<CachedPoolConnection<TokioPostgres>, Error> {
        self.acquire().await
    }
}

impl CachedConnection<TokioPostgres> {
    /// Begins a transaction, or a savepoint where one is open.
    ///
    /// # Cancel safety
    /// If the future is dropped, what it began is rolled back.
    ///
    /// # Errors
    /// The database's.
    pub async fn transaction(&mut self) -> Result<Transaction<'_, TokioPostgres>, Error> {
        self.begin().await
    }
}

/// The settings of a transaction that is about to begin; made by [`build_transaction`](CachedPool::build_transaction).
#[derive(Debug)]
#[must_use = "nothing begins until `start().await`"]
pub struct TransactionBuilder<'c> {
    client: &'c CachedPool<TokioPostgres>,
    isolation_level: Option<IsolationLevel>,
    read_only: Option<bool>,
    deferrable: Option<bool>,
}

impl TransactionBuilder<'_> {
    /// Sets the isolation level.
    pub fn isolation_level(mut self, level: IsolationLevel) -> Self {
        self.isolation_level = Some(level);
        self
    }

    /// Sets whether it may only read.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = Some(read_only);
        self
    }

    /// Sets whether it waits for a snapshot with which it cannot fail; only if it is serializable and reads only.
    pub fn deferrable(mut self, deferrable: bool) -> Self {
        self.deferrable = Some(deferrable);
        self
    }

    /// Begins the transaction.
    ///
    /// # Cancel safety
    /// If the future is dropped, what it began is rolled back.
    ///
    /// # Errors
    /// The database's, or the pool's.
    pub async fn start(self) -> Result<Transaction<'static, TokioPostgres>, Error> {
        let mut text = String::from("START TRANSACTION");
        let mut separator = "";
        let mut mode = |words: &str| {
            let _ = write!(text, "{separator} {words}");
            separator = ",";
        };
        match self.isolation_level {
            None => {}
            Some(IsolationLevel::ReadUncommitted) => mode("ISOLATION LEVEL READ UNCOMMITTED"),
            Some(IsolationLevel::ReadCommitted) => mode("ISOLATION LEVEL READ COMMITTED"),
            Some(IsolationLevel::RepeatableRead) => mode("ISOLATION LEVEL REPEATABLE READ"),
            // And whatever is stricter, if there ever is.
            Some(_) => mode("ISOLATION LEVEL SERIALIZABLE"),
        }
        match self.read_only {
            None => {}
            Some(true) => mode("READ ONLY"),
            Some(false) => mode("READ WRITE"),
        }
        match self.deferrable {
            None => {}
            Some(true) => mode("DEFERRABLE"),
            Some(false) => mode("NOT DEFERRABLE"),
        }
        Transaction::begin(
            CachedConnection::acquire(self.client.core()).await?.into(),
            Some(text),
        )
        .await
    }
}
