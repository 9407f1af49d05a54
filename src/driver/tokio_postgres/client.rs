//! The driver's verbs, once for pools, connections and transactions.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use tokio_postgres::types::{ToSql, Type};

use super::{
    CachedRow, Error, Rows, Statement, ToStatement, TokioPostgres,
    asked::{Asked, forget, noted},
    parameters::Encoded,
    query::{Item, OwnedQuery},
};
use crate::{
    cache::Token,
    driver::{CachedConnection, send::Items},
    pool::{CachedPool, Core},
};

/// What runs statements: `&CachedClient`, or `&mut` a connection or a transaction. Sealed.
///
/// The verbs are those of tokio-postgres. Each asks the database; [`cached`](CachedPool::cached) asks the cache first. What a
/// statement changes is invalidated when it has committed, on a pool before the verb returns.
///
/// A text is prepared to learn the types of its parameters: that of a read when it is first met, any other, and in a transaction,
/// each time. With a [`Statement`], which each connection prepares once, and with types of one's own nothing is asked. Dropped
/// futures, staleness and strict writes are as with sqlx.
///
/// # Cancel safety
/// A statement that can change something is run to its end even if the future is dropped, and so is its invalidation.
///
/// # Errors
/// The database's in [`Error::Postgres`]; the pool's in [`Error::Pool`]; arguments that do not fit. On a strict pool also
/// [`Error::Fence`], if the shared tier could not be told of a write first: it was not sent.
pub trait GenericClient: Runs {
    /// All rows.
    fn query<T: ?Sized + ToStatement>(
        self,
        statement: &T,
        params: &[&(dyn ToSql + Sync)],
    ) -> impl Future<Output = Result<Vec<CachedRow>, Error>> + Send {
        async move { Ok(ask(self, statement, params).await?.rows.into_vec()) }
    }

    /// The only row.
    ///
    /// # Errors
    /// [`Error::RowCount`] if there is none or more than one, and as all verbs.
    fn query_one<T: ?Sized + ToStatement>(
        self,
        statement: &T,
        params: &[&(dyn ToSql + Sync)],
    ) -> impl Future<Output = Result<CachedRow, Error>> + Send {
        async move { ask(self, statement, params).await?.rows.one() }
    }

    /// The only row, if there is one.
    ///
    /// # Errors
    /// [`Error::RowCount`] if there is more than one, and as all verbs.
    fn query_opt<T: ?Sized + ToStatement>(
        self,
        statement: &T,
        params: &[&(dyn ToSql + Sync)],
    ) -> impl Future<Output = Result<Option<CachedRow>, Error>> + Send {
        async move { ask(self, statement, params).await?.rows.opt() }
    }

    /// All rows of a text whose parameters are of the given types: the server is not asked for them.
    fn query_typed(
        mut self,
        statement: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> impl Future<Output = Result<Vec<CachedRow>, Error>> + Send {
        async move {
            let types = params.iter().map(|(_, kind)| kind.clone()).collect();
            let params: Vec<_> = params.iter().map(|&(param, _)| param).collect();
            let arguments = Encoded::new(&types, &params)?;
            let query = OwnedQuery::new(statement.into(), arguments);
            Ok(self.answer(query).await?.rows.into_vec())
        }
    }

    /// Runs a statement and tells how many rows it touched.
    fn execute<T: ?Sized + ToStatement>(
        self,
        statement: &T,
        params: &[&(dyn ToSql + Sync)],
    ) -> impl Future<Output = Result<u64, Error>> + Send {
        async move { Ok(ask(self, statement, params).await?.count) }
    }

    /// As [`execute`](Self::execute), and tells how far the clock had come when it was done: a read
    /// [`.after(&token)`](crate::CachedRead::after), in any process, is at least as new. Inside a transaction the token asks
    /// nothing of a read: take the one of [`commit_with_token`](crate::Transaction::commit_with_token).
    fn execute_with_token<T: ?Sized + ToStatement>(
        mut self,
        statement: &T,
        params: &[&(dyn ToSql + Sync)],
    ) -> impl Future<Output = Result<(u64, Token), Error>> + Send {
        async move {
            let asked = Asked::new(&mut self, statement.to_told(), params).await?;
            self.conclude(asked.query).await
        }
    }

    /// Runs any number of statements without parameters, by the simple protocol.
    fn batch_execute(mut self, statements: &str) -> impl Future<Output = Result<(), Error>> + Send {
        async move { self.answer(OwnedQuery::batch(statements)).await.map(drop) }
    }

    /// Learns the types of a statement, so that each connection that runs it later prepares it once.
    fn prepare(mut self, statement: &str) -> impl Future<Output = Result<Statement, Error>> + Send {
        async move { noted(self.describe(statement, || None).await) }
    }
}

impl<C: Runs> GenericClient for C {}

/// The sealed half of [`GenericClient`].
pub trait Runs: Sized + Send {
    #[doc(hidden)]
    fn inside(&self) -> Inside<'_>;

    /// Whether the types that were learnt elsewhere may be taken for those of here.
    #[doc(hidden)]
    fn may_guess(&mut self, text: &str) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Asks the server for the types of a text, unless somebody has `learnt` them by the time that it can be asked.
    #[doc(hidden)]
    fn describe(
        &mut self,
        text: &str,
        learnt: impl Fn() -> Option<Statement> + Send,
    ) -> impl Future<Output = Result<Statement, Error>> + Send;

    #[doc(hidden)]
    fn answer(&mut self, query: OwnedQuery) -> impl Future<Output = Result<Answer, Error>> + Send;

    /// Runs a statement as one that may change something.
    #[doc(hidden)]
    fn conclude(
        &mut self,
        query: OwnedQuery,
    ) -> impl Future<Output = Result<(u64, Token), Error>> + Send;
}

/// What stands behind one that runs statements.
#[derive(Clone, Copy)]
pub struct Inside<'c>(pub(super) &'c Arc<Core<TokioPostgres>>);

/// A statement's answer, whole.
#[derive(Debug)]
pub struct Answer {
    pub(super) rows: Rows,
    pub(super) count: u64,
}

impl Answer {
    async fn of(mut items: Items<'_, TokioPostgres>) -> Result<Self, Error> {
        let (mut rows, mut count) = (Vec::new(), 0);
        while let Some(item) = items.try_next().await? {
            match item {
                Item::Row(row) => rows.push(row),
                Item::Done(touched) => count = touched,
            }
        }
        Ok(Self {
            rows: Rows::new(&rows)?,
            count,
        })
    }
}

impl Runs for &CachedPool<TokioPostgres> {
    fn inside(&self) -> Inside<'_> {
        Inside(self.core())
    }

    async fn may_guess(&mut self, _: &str) -> Result<bool, Error> {
        Ok(true)
    }

    async fn describe(
        &mut self,
        text: &str,
        learnt: impl Fn() -> Option<Statement> + Send,
    ) -> Result<Statement, Error> {
        let connection = self.core().inner.get().await?;
        // Of many who meet a text at once, those who had to wait for a connection need not ask any more.
        if let Some(statement) = learnt() {
            return Ok(statement);
        }
        Ok(Statement::new(text, &connection.prepare(text).await?))
    }

    async fn answer(&mut self, query: OwnedQuery) -> Result<Answer, Error> {
        Answer::of(self.core().run(query)).await
    }

    async fn conclude(&mut self, query: OwnedQuery) -> Result<(u64, Token), Error> {
        let mut connection = CachedConnection::acquire(self.core()).await?;
        (&mut connection).conclude(query).await
    }
}

impl Runs for &mut CachedConnection<TokioPostgres> {
    fn inside(&self) -> Inside<'_> {
        Inside(self.core())
    }

    async fn may_guess(&mut self, text: &str) -> Result<bool, Error> {
        let statement = self.core().statements.of(text);
        let checkout = self.ready().await?;
        // A wrong guess ends a transaction, and names may mean something else here than elsewhere.
        Ok(!checkout.in_transaction() && !checkout.leads_elsewhere(&statement))
    }

    async fn describe(
        &mut self,
        text: &str,
        _: impl Fn() -> Option<Statement> + Send,
    ) -> Result<Statement, Error> {
        // On this one: it may have tables that no other has.
        let connection = self.ready().await?.connection();
        Ok(Statement::new(text, &connection.prepare(text).await?))
    }

    async fn answer(&mut self, query: OwnedQuery) -> Result<Answer, Error> {
        Answer::of(self.run(query).await?).await
    }

    async fn conclude(&mut self, query: OwnedQuery) -> Result<(u64, Token), Error> {
        let mut count = 0;
        let take = |item| match item {
            Item::Row(_) => {}
            Item::Done(touched) => count = touched,
        };
        let token = self.see_through(query, take).await?;
        Ok((count, token))
    }
}

async fn ask<C: Runs, T: ?Sized + ToStatement>(
    mut client: C,
    statement: &T,
    params: &[&(dyn ToSql + Sync)],
) -> Result<Answer, Error> {
    let told = statement.to_told();
    let asked = Asked::new(&mut client, told, params).await?;
    match client.answer(asked.query).await {
        Err(error) if asked.guessed && error.is_of_types() => {
            forget(&client, told);
            let asked = Asked::new(&mut client, told, params).await?;
            client.answer(asked.query).await
        }
        answer => answer,
    }
}
