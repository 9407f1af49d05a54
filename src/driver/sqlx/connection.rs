//! Connections in sqlx's shape, which know what they have written.

use std::{
    fmt, mem,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use futures_core::{future::BoxFuture, stream::BoxStream};
use futures_util::stream;
use sqlx::{Connection as _, Error, Execute, SqlSafeStr};
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument as _;

use super::{
    Backend, Transaction,
    backend::Item,
    checkout::{Checkout, Control, Message},
    owned::OwnedQuery,
};
use crate::{
    cache::{Era, Scope, Token},
    driver::{ledger::Effect, statement::Statement},
    observe::span,
    pool::Core,
};

/// How many rows of a `RETURNING` clause may wait for a caller who reads them slowly.
const ROWS_AHEAD: usize = 32;

/// Where the connection is just now.
enum Slot<DB: Backend> {
    Here(Checkout<DB>),
    /// A task of ours runs a statement on it and gives it back here.
    Away(oneshot::Receiver<Checkout<DB>>),
    /// The task died with it.
    Gone,
}

/// A connection on which every statement is followed: what `&mut *conn` and `&mut *tx` deref to, and an
/// [`Executor`](sqlx::Executor).
///
/// Reads pass through. A write outside a transaction invalidates when it has committed; inside one, when the
/// transaction's `COMMIT` has returned. `BEGIN`, `COMMIT`, `SAVEPOINT` and their kin sent as text count like the methods.
///
/// # Cancel safety
/// A statement that can change something is run to its end even if the future is dropped; the connection's next use
/// waits for it.
pub struct CachedConnection<DB: Backend> {
    slot: Slot<DB>,
    /// The depth of nested transactions that the connection must be rolled back to before its next use, because a
    /// `Transaction` further in was dropped while the connection was away. `usize::MAX`: none.
    floor: usize,
    /// Where the clock stood before the transaction that is open began, if somebody in a scope began it.
    pub(super) era: Option<Era>,
    core: Arc<Core<DB>>,
}

impl<DB: Backend> CachedConnection<DB> {
    pub(crate) async fn acquire(core: &Arc<Core<DB>>) -> Result<Self, Error> {
        let connection = core.inner.acquire().await?;
        Ok(Self::new(core, connection))
    }

    pub(crate) fn new(core: &Arc<Core<DB>>, connection: sqlx::pool::PoolConnection<DB>) -> Self {
        CachedConnection {
            slot: Slot::Here(Checkout::new(core.clone(), connection)),
            floor: usize::MAX,
            era: None,
            core: core.clone(),
        }
    }

    pub(crate) fn core(&self) -> &Arc<Core<DB>> {
        &self.core
    }

    /// Begins a transaction, or a savepoint where one is open.
    ///
    /// # Cancel safety
    /// If the future is dropped, what it began is rolled back.
    ///
    /// # Errors
    /// As sqlx's `Connection::begin`.
    pub async fn begin(&mut self) -> Result<Transaction<'_, DB>, Error> {
        Transaction::begin(self.into(), None).await
    }

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
        let mut query = OwnedQuery::take(query)?;
        let statement = self.core.statements.of(query.sql.as_str());
        self.note_read(&statement, &mut query).await?;
        let mut messages = self.start(statement, query).await?;
        let mut results = DB::QueryResult::default();
        loop {
            // Dropped here, the statement goes on.
            match messages.recv().await {
                Some(Message::Item(item)) => results.extend(item?.left()),
                Some(Message::Done(token)) => return Ok((results, token)),
                None => return Err(Error::WorkerCrashed),
            }
        }
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

    /// The connection itself, past the cache, for what has no place in [`Executor`](sqlx::Executor) (`COPY`, advisory
    /// lock guards).
    ///
    /// What is done through it goes unseen. So everything counts as changed by it, now and again when this connection
    /// is returned, and the connection is closed then instead of serving others. Strict reads in other processes are not
    /// held back in between.
    ///
    /// # Cancel safety
    /// Dropped while it waits for a statement that was abandoned, it changes nothing.
    ///
    /// # Errors
    /// `WorkerCrashed` if a statement that was abandoned on this connection has died with it.
    pub async fn unseen(&mut self) -> Result<&mut DB::Connection, Error> {
        if let Some(scope) = Scope::current() {
            scope.refuse("past the cache");
        }
        let checkout = self.ready().await?;
        checkout.lose_sight();
        Ok(checkout.connection())
    }

    /// The connection, as soon as no task of ours has it.
    pub(crate) async fn ready(&mut self) -> Result<&mut Checkout<DB>, Error> {
        if let Slot::Away(returned) = &mut self.slot {
            // Dropped here, the receiver stays in the slot and the next use goes on waiting.
            self.slot = match returned.await {
                Ok(checkout) => Slot::Here(checkout),
                Err(_) => Slot::Gone,
            };
        }
        match &mut self.slot {
            Slot::Here(checkout) => {
                checkout.roll_back_to(mem::replace(&mut self.floor, usize::MAX));
                Ok(checkout)
            }
            Slot::Away(_) | Slot::Gone => Err(Error::WorkerCrashed),
        }
    }

    /// Whether a statement may run without being followed: it reads, and not in a transaction that an error could end
    /// behind the ledger's back.
    pub(crate) async fn passes(&mut self, statement: &Statement) -> Result<bool, Error> {
        Ok(self.core.passes(statement) && self.ready().await?.reads_are_harmless(statement))
    }

    /// Runs a statement that can change something, in a task of its own. The stream is the answer; dropping it changes
    /// nothing.
    pub(crate) async fn run(
        &mut self,
        statement: Arc<Statement>,
        query: OwnedQuery<DB>,
    ) -> Result<BoxStream<'static, Item<DB>>, Error> {
        Ok(answers(self.start(statement, query).await?))
    }

    async fn start(
        &mut self,
        statement: Arc<Statement>,
        query: OwnedQuery<DB>,
    ) -> Result<mpsc::Receiver<Message<DB>>, Error> {
        self.ready().await?;
        let (sender, receiver) = mpsc::channel(ROWS_AHEAD);
        self.dispatch(|checkout| {
            Box::pin(async move { checkout.run(&statement, query, &sender).await })
        });
        Ok(receiver)
    }

    /// Runs transaction control, in a task of its own.
    pub(crate) async fn control(&mut self, control: Control) -> Result<Token, Error> {
        let scope = Scope::current();
        if !self.ready().await?.in_transaction() {
            let clock = self.core.engine.clock();
            self.era = scope.as_ref().map(|_| clock.era());
        }
        if let (Some(scope), Control::Begin(Some(sql))) = (scope, &control)
            && self.core.statements.of(sql.as_str()).plan.effects() != [Effect::Begin]
        {
            scope.refuse("write");
        }
        let (sender, receiver) = oneshot::channel();
        self.dispatch(|checkout| {
            Box::pin(async move {
                // Whoever asked may have gone; the connection knows the outcome all the same.
                let _ = sender.send(checkout.control(control).await);
            })
        });
        receiver.await.unwrap_or(Err(Error::WorkerCrashed))
    }

    /// Rolls back what is open further in than this depth: now, or before the next use if the connection is away.
    pub(crate) fn roll_back_to(&mut self, depth: usize) {
        match &mut self.slot {
            Slot::Here(checkout) => checkout.roll_back_to(depth),
            Slot::Away(_) | Slot::Gone => self.floor = self.floor.min(depth),
        }
    }
}

impl<DB: Backend> CachedConnection<DB> {
    fn dispatch<F>(&mut self, job: F)
    where
        F: for<'a> FnOnce(&'a mut Checkout<DB>) -> BoxFuture<'a, ()> + Send + 'static,
    {
        let (back, returned) = oneshot::channel();
        let Slot::Here(mut checkout) = mem::replace(&mut self.slot, Slot::Away(returned)) else {
            unreachable!("`ready` has been awaited");
        };
        let work = async move {
            job(&mut checkout).await;
            // Nobody waits for it any more: then it is settled and returned to the pool by being dropped here.
            drop(back.send(checkout));
        };
        self.core.spawn(work.instrument(span::write()));
    }
}

/// The rows and results of a statement that runs in a task.
fn answers<DB: Backend>(receiver: mpsc::Receiver<Message<DB>>) -> BoxStream<'static, Item<DB>> {
    Box::pin(stream::unfold(Some(receiver), |receiver| async move {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Message::Item(item)) => Some((item, Some(receiver))),
            Some(Message::Done(_)) => None,
            // The task died before it could say how the statement ended.
            None => Some((Err(Error::WorkerCrashed), None)),
        }
    }))
}

impl<DB: Backend> fmt::Debug for CachedConnection<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedConnection").finish_non_exhaustive()
    }
}

/// A connection that returns to the pool when it is dropped. What it has written and not committed is rolled back, and
/// what is in doubt is invalidated.
#[derive(Debug)]
pub struct CachedPoolConnection<DB: Backend>(pub(crate) CachedConnection<DB>);

impl<DB: Backend> Deref for CachedPoolConnection<DB> {
    type Target = CachedConnection<DB>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<DB: Backend> DerefMut for CachedPoolConnection<DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
