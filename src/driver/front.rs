//! What the rooms that all front-ends share ask of one: its pool, its connections, its queries and its errors, in one sealed
//! trait.

use std::{error::Error as StdError, ops::DerefMut};

use futures_core::{future::BoxFuture, stream::BoxStream};

use super::identity::Identity;
use crate::{
    cache::Params,
    schema::{Canonical, Catalog, LoadError},
    sql::Dialect,
};

/// The bytes of the longest text that counts as a value. What is longer is hardly anybody's key.
pub(crate) const LONGEST: usize = 256;

/// What was bound, in order; `None` is NULL or unknown.
pub(crate) type Values = Vec<Option<Canonical>>;

/// What a loader of the catalog finds, or why it cannot.
pub(crate) type Loading<'c, T, E> = BoxFuture<'c, Result<T, LoadError<E>>>;

/// What a [`CachedPool`](crate::CachedPool) can stand before: sqlx's `Postgres`, `MySql` or `Sqlite`, or
/// `TokioPostgres`, each behind the feature of its name. Sealed.
pub trait Front: Sized + Send + 'static {
    /// The database system.
    const NAME: &'static str;

    /// The dialect of its SQL.
    const DIALECT: Dialect;

    /// The pool that is wrapped.
    type Pool: Clone + Send + Sync + 'static;

    /// A connection out of the pool, which returns when it is dropped.
    type Pooled: DerefMut<Target = Self::Connection> + Send + 'static;

    /// A connection.
    type Connection: Send;

    /// A statement with its arguments, owned, so that it can outlive the caller's future.
    type Query: Clone + Send + 'static;

    /// The statement that begins a transaction, where it is not the usual one.
    type Opening: Send + 'static;

    /// A row.
    type Row: Send + 'static;

    /// A part of an answer: a row, or what is said of a statement that has ended.
    type Item: Send + 'static;

    /// The driver's error.
    type Error: StdError + Send + Sync + 'static;

    /// The text of a query.
    fn text(query: &Self::Query) -> &str;

    /// The text that begins a transaction.
    fn opening(opening: &Self::Opening) -> &str;

    /// Writes types and bytes of bound arguments into a key, injectively. The query is as before afterwards.
    fn parameters(query: &mut Self::Query, key: &mut Params);

    /// The bound values, in order, each as far as its canonical form is known; `None` for NULL and for types without one. Empty
    /// if nothing is known. The query is as before afterwards.
    fn values(query: &mut Self::Query) -> Values;

    /// Proves on the driver that was linked what nobody has promised of it.
    ///
    /// # Errors
    /// [`ErrorKind::Keys`](crate::ErrorKind::Keys).
    fn prove() -> Result<(), crate::error::Error>;

    /// Takes a connection out of the pool.
    fn acquire(pool: &Self::Pool) -> BoxFuture<'_, Result<Self::Pooled, Self::Error>>;

    /// Takes a connection out of the pool if one is idle.
    fn try_acquire(pool: &Self::Pool) -> Option<Self::Pooled>;

    /// Closes a connection instead of returning it.
    fn discard(connection: Self::Pooled);

    /// Closes the pool, and waits for all connections.
    fn close(pool: &Self::Pool) -> BoxFuture<'_, ()>;

    /// Whether it was closed.
    fn is_closed(pool: &Self::Pool) -> bool;

    /// How many connections it has open, and how many of them are idle.
    fn size(pool: &Self::Pool) -> (u32, usize);

    /// What else its connections are told to set when they are made, where no connection shows it.
    fn given(pool: &Self::Pool) -> String;

    /// Reads what its connections have in common.
    fn session(
        connection: &mut Self::Connection,
    ) -> BoxFuture<'_, Result<Session, Unfit<Self::Error>>>;

    /// Asks which database it is, among those of all machines; of its own, if its answers may lag behind those of another
    /// server that says the same.
    fn identity(connection: &mut Self::Connection) -> BoxFuture<'_, Result<Identity, Self::Error>>;

    /// Whether some table keeps its rows when a transaction is rolled back.
    fn rollback_leaves_rows(
        connection: &mut Self::Connection,
    ) -> BoxFuture<'_, Result<bool, Self::Error>>;

    /// Asks where its connections look for a bare name.
    fn path(connection: &mut Self::Connection) -> Loading<'_, Vec<Box<str>>, Self::Error>;

    /// Reads the catalog.
    fn catalog(connection: &mut Self::Connection) -> Loading<'_, Catalog, Self::Error>;

    /// A text that is another one if the catalog has changed in a way that matters.
    fn fingerprint(connection: &mut Self::Connection) -> Loading<'_, String, Self::Error>;

    /// Runs a query on a connection.
    fn run(
        connection: &mut Self::Connection,
        query: Self::Query,
    ) -> BoxStream<'_, Result<Self::Item, Self::Error>>;

    /// Runs a query on a connection for its first row.
    fn first(
        connection: &mut Self::Connection,
        query: Self::Query,
    ) -> BoxFuture<'_, Result<Option<Self::Row>, Self::Error>>;

    /// Runs a query on any connection of a pool.
    fn run_anywhere(
        pool: &Self::Pool,
        query: Self::Query,
    ) -> BoxStream<'static, Result<Self::Item, Self::Error>>;

    /// Runs a query on any connection of a pool for its first row.
    fn first_anywhere(
        pool: &Self::Pool,
        query: Self::Query,
    ) -> BoxFuture<'static, Result<Option<Self::Row>, Self::Error>>;

    /// The row in an item, if it is one.
    fn row(item: Self::Item) -> Option<Self::Row>;

    /// The name of the savepoint that is made inside `depth` open transactions.
    fn savepoint(depth: usize) -> Box<str>;

    /// Begins a transaction inside `depth` others.
    fn begin(
        connection: &mut Self::Connection,
        depth: usize,
        opening: Option<Self::Opening>,
    ) -> BoxFuture<'_, Result<(), Self::Error>>;

    /// Commits the innermost of `depth` transactions.
    fn commit(
        connection: &mut Self::Connection,
        depth: usize,
    ) -> BoxFuture<'_, Result<(), Self::Error>>;

    /// Rolls the innermost of `depth` transactions back.
    fn rollback(
        connection: &mut Self::Connection,
        depth: usize,
    ) -> BoxFuture<'_, Result<(), Self::Error>>;

    /// Queues a rollback of the innermost of `depth` transactions: the server hears of it before anything else on this connection.
    fn queue_rollback(connection: &mut Self::Connection, depth: usize);

    /// Whether a connection answers, behind all that was sent on it.
    fn answers(connection: &mut Self::Connection) -> BoxFuture<'_, bool>;

    /// Whether a connection answers, behind what is queued, and no transaction is open on it as far as can be told.
    fn is_idle(connection: &mut Self::Connection) -> BoxFuture<'_, bool>;

    /// Ends whatever transaction is open on a connection that cannot be closed, and returns it.
    fn end_all(connection: Self::Pooled) -> BoxFuture<'static, ()>;

    /// How an error bears on what the server did.
    fn outcome(error: &Self::Error) -> Outcome;

    /// Whether an error says that the database cannot answer just now, rather than that the query is wrong. Only then may
    /// `stale_if_error` step in (RFC 5861 §4 speaks of the origin's errors, not of the client's).
    fn is_outage(error: &Self::Error) -> bool;

    /// An error of ours, as one of the driver's.
    fn fault(fault: Fault) -> Self::Error;
}

/// A pool that can be wrapped: sqlx's, and deadpool's of tokio-postgres clients. Sealed.
pub trait Wrap {
    /// The front-end that stands before it.
    type Front: Front<Pool = Self>;
}

/// What a pool's connections have in common and what changes the result of a query: read once, from one of them.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// Name and value of each part, in a fixed order.
    pub(crate) parts: Vec<(&'static str, String)>,
    /// Closing a connection may lose the database (SQLite in memory).
    pub(crate) lives_in_connection: bool,
}

impl Session {
    /// Whether a connection still has this session; not if it does not answer.
    pub(crate) async fn is_that_of<DB: Front>(&self, connection: &mut DB::Connection) -> bool {
        DB::session(connection)
            .await
            .is_ok_and(|session| session.parts == self.parts)
    }
}

/// Why there is no session to go by.
#[derive(Debug)]
pub enum Unfit<E> {
    /// The database did not tell.
    Unknown(E),
    /// No result can be kept under its settings.
    Settings(String),
}

impl<E> From<E> for Unfit<E> {
    fn from(error: E) -> Self {
        Unfit::Unknown(error)
    }
}

impl<E: StdError + Send + Sync + 'static> From<Unfit<E>> for crate::error::Error {
    fn from(unfit: Unfit<E>) -> Self {
        match unfit {
            Unfit::Unknown(source) => Self::session(source),
            Unfit::Settings(problem) => Self::unfit_pool(problem),
        }
    }
}

/// How an error bears on what the server did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The statement never left this process.
    NotSent,
    /// The server answered that it failed.
    Refused,
    /// Nobody knows: it may have happened, or may yet happen.
    Unknown,
}

/// What fails that is not the database's.
#[derive(Debug)]
pub enum Fault {
    /// A read allowed only a cached answer, and there is none.
    NotCached,
    /// A strict write was not sent, because other processes could not be told of it.
    Fence(Box<dyn StdError + Send + Sync>),
    /// The task that ran a statement ended before it.
    Lost,
}
