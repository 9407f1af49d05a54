//! Connections that know what they have written.

use std::{
    fmt, mem,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use futures_core::future::BoxFuture;
use futures_util::stream;
use tokio::sync::{mpsc, oneshot};
use tracing::Instrument as _;

use super::{
    Transaction,
    checkout::{Checkout, Control, Message},
    front::{Fault, Front},
    ledger::Effect,
    send::Items,
    statement::Statement,
};
use crate::{
    cache::{Era, Scope, Token},
    observe::span,
    pool::Core,
};

/// How many rows of a `RETURNING` clause may wait for a caller who reads them slowly.
const ROWS_AHEAD: usize = 32;

/// Where the connection is just now.
enum Slot<DB: Front> {
    Here(Checkout<DB>),
    /// A task of ours runs a statement on it and gives it back here.
    Away(oneshot::Receiver<Checkout<DB>>),
    /// The task died with it.
    Gone,
}

/// A connection on which every statement is followed: what `*conn` and `*tx` deref to. With sqlx, `&mut *conn` is an `Executor`.
///
/// Reads pass through. A write outside a transaction invalidates when it has committed; inside one, when the
/// transaction's `COMMIT` has returned. `BEGIN`, `COMMIT`, `SAVEPOINT` and their kin sent as text count like the methods.
///
/// # Cancel safety
/// A statement that can change something is run to its end even if the future is dropped; the connection's next use
/// waits for it.
pub struct CachedConnection<DB: Front> {
    slot: Slot<DB>,
    /// The depth of nested transactions that the connection must be rolled back to before its next use, because a
    /// `Transaction` further in was dropped while the connection was away. `usize::MAX`: none.
    floor: usize,
    /// Where the clock stood before the transaction that is open began, if somebody in a scope began it.
    pub(super) era: Option<Era>,
    core: Arc<Core<DB>>,
}

impl<DB: Front> CachedConnection<DB> {
    pub(crate) async fn acquire(core: &Arc<Core<DB>>) -> Result<Self, DB::Error> {
        let connection = DB::acquire(&core.inner).await?;
        Ok(Self::new(core, connection))
    }

    pub(crate) fn new(core: &Arc<Core<DB>>, connection: DB::Pooled) -> Self {
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
    /// As the driver's own.
    pub async fn begin(&mut self) -> Result<Transaction<'_, DB>, DB::Error> {
        Transaction::begin(self.into(), None).await
    }

    /// The connection itself, past the cache, for what has no place among its verbs (`COPY`, advisory lock guards).
    ///
    /// What is done through it goes unseen. So everything counts as changed by it, now and again when this connection
    /// is returned, and the connection is closed then instead of serving others. What is on its way even then, since its future was
    /// dropped, is waited for, and everything counts as changed once more when it has ended. Strict reads in other processes are not
    /// held back in between.
    ///
    /// # Cancel safety
    /// Dropped while it waits for a statement that was abandoned, it changes nothing.
    ///
    /// # Errors
    /// If a statement that was abandoned on this connection has died with it.
    pub async fn unseen(&mut self) -> Result<&mut DB::Connection, DB::Error> {
        if let Some(scope) = Scope::current() {
            scope.refuse("past the cache");
        }
        let checkout = self.ready().await?;
        checkout.lose_sight();
        Ok(checkout.connection())
    }

    /// The connection, as soon as no task of ours has it.
    pub(crate) async fn ready(&mut self) -> Result<&mut Checkout<DB>, DB::Error> {
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
            Slot::Away(_) | Slot::Gone => Err(DB::fault(Fault::Lost)),
        }
    }

    /// Whether a statement may run without being followed: it reads, and not in a transaction that an error could end
    /// behind the ledger's back.
    pub(crate) async fn passes(&mut self, statement: &Statement) -> Result<bool, DB::Error> {
        Ok(self.core.passes(statement) && self.ready().await?.reads_are_harmless(statement))
    }

    /// Runs a statement that can change something, in a task of its own. The stream is the answer; dropping it changes
    /// nothing.
    pub(super) async fn follow(
        &mut self,
        statement: Arc<Statement>,
        query: DB::Query,
    ) -> Result<Items<'static, DB>, DB::Error> {
        Ok(answers(self.start(statement, query).await?))
    }

    /// Runs a statement to its end, whatever it is, and tells how far the clock had come when it was done.
    pub(super) async fn see_through(
        &mut self,
        mut query: DB::Query,
        mut take: impl FnMut(DB::Item),
    ) -> Result<Token, DB::Error> {
        let statement = self.core.statements.of(DB::text(&query));
        self.note_read(&statement, &mut query).await?;
        let mut messages = self.start(statement, query).await?;
        loop {
            // Dropped here, the statement goes on.
            match messages.recv().await {
                Some(Message::Item(item)) => take(item?),
                Some(Message::Done(token)) => return Ok(token),
                None => return Err(DB::fault(Fault::Lost)),
            }
        }
    }

    async fn start(
        &mut self,
        statement: Arc<Statement>,
        query: DB::Query,
    ) -> Result<mpsc::Receiver<Message<DB>>, DB::Error> {
        self.ready().await?;
        let (sender, receiver) = mpsc::channel(ROWS_AHEAD);
        self.dispatch(|checkout| {
            Box::pin(async move { checkout.run(&statement, query, &sender).await })
        });
        Ok(receiver)
    }

    /// Runs transaction control, in a task of its own.
    pub(crate) async fn control(&mut self, control: Control<DB>) -> Result<Token, DB::Error> {
        let scope = Scope::current();
        if !self.ready().await?.in_transaction() {
            let clock = self.core.engine.clock();
            self.era = scope.as_ref().map(|_| clock.era());
        }
        if let (Some(scope), Control::Begin(Some(opening))) = (scope, &control)
            && self.core.statements.of(DB::opening(opening)).plan.effects() != [Effect::Begin]
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
        receiver.await.unwrap_or(Err(DB::fault(Fault::Lost)))
    }

    /// Rolls back what is open further in than this depth: now, or before the next use if the connection is away.
    pub(crate) fn roll_back_to(&mut self, depth: usize) {
        match &mut self.slot {
            Slot::Here(checkout) => checkout.roll_back_to(depth),
            Slot::Away(_) | Slot::Gone => self.floor = self.floor.min(depth),
        }
    }
}

impl<DB: Front> CachedConnection<DB> {
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
fn answers<DB: Front>(receiver: mpsc::Receiver<Message<DB>>) -> Items<'static, DB> {
    Box::pin(stream::unfold(Some(receiver), |receiver| async move {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Message::Item(item)) => Some((item, Some(receiver))),
            Some(Message::Done(_)) => None,
            // The task died before it could say how the statement ended.
            None => Some((Err(DB::fault(Fault::Lost)), None)),
        }
    }))
}

impl<DB: Front> fmt::Debug for CachedConnection<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedConnection").finish_non_exhaustive()
    }
}

/// A connection that returns to the pool when it is dropped. What it has written and not committed is rolled back, and
/// what is in doubt is invalidated.
#[derive(Debug)]
pub struct CachedPoolConnection<DB: Front>(pub(crate) CachedConnection<DB>);

impl<DB: Front> Deref for CachedPoolConnection<DB> {
    type Target = CachedConnection<DB>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<DB: Front> DerefMut for CachedPoolConnection<DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
