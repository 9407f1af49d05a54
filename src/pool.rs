//! The pool: a handle on the inner pool, the engine and what is known of each statement.

#[cfg(all(feature = "cdc", any(feature = "postgres", feature = "sqlite")))]
mod changes;
#[cfg(feature = "http")]
mod responses;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::runtime::Handle;

use crate::{
    builder::Builder,
    cache::{Engine, Scope, Tag, Tags},
    driver::{
        CachedConnection, CachedPoolConnection, Definitions, Front, Session, Transaction, Trouble,
        Wrap, identity::Identity, statement::Statements, whole::Home,
    },
    explain::PoolExplanation,
    observe::{EventStream, Stats},
    schema::Schema,
};

/// What all handles on a pool share.
pub(crate) struct Core<DB: Front> {
    pub(crate) inner: DB::Pool,
    pub(crate) engine: Arc<Engine>,
    pub(crate) database: Identity,
    pub(crate) statements: Statements,
    pub(crate) definitions: Definitions,
    pub(crate) session: Session,
    /// What the keys among processes have in common; `None` where there is no shared tier.
    pub(crate) home: Option<Home>,
    /// Some table keeps its rows when a transaction is rolled back. Set by `survey`, never taken back.
    pub(crate) rollback_leaves_rows: AtomicBool,
    pub(crate) runtime: Handle,
}

impl<DB: Front> Core<DB> {
    pub(crate) fn rollback_leaves_rows(&self) -> bool {
        // Relaxed: whoever asks has no other news to order it with.
        self.rollback_leaves_rows.load(Ordering::Relaxed)
    }

    /// Looks again whether some table keeps its rows when a transaction is rolled back, after the schema has changed.
    pub(crate) async fn survey(&self, connection: &mut DB::Connection) {
        // Without an answer the cautious one is taken.
        if DB::rollback_leaves_rows(connection).await.unwrap_or(true) {
            self.rollback_leaves_rows.store(true, Ordering::Relaxed);
        }
    }

    /// Runs a task on the runtime of whoever is here; the one of `build()` serves where there is none, and may have
    /// ended meanwhile.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        Handle::try_current()
            .as_ref()
            .unwrap_or(&self.runtime)
            .spawn(task);
    }
}

macro_rules! cached_pool {
    ($($default:tt)*) => {
        /// A sqlx pool whose reads can be cached and whose writes invalidate what they can have changed.
        ///
        /// `&CachedPool` is a sqlx [`Executor`](sqlx::Executor): reads pass through to the inner pool, writes invalidate once
        /// they have committed. `.cached(&pool)` on a query answers from the cache.
        /// Cloning is cheap and gives another handle on the same pool and cache.
        ///
        /// There is no `Deref` to the inner pool: a write through it would go unseen.
        ///
        /// # Example
        /// ```
        /// # #[cfg(feature = "sqlite")]
        /// # async fn example(sqlite: sqlx::SqlitePool) -> Result<(), Box<dyn std::error::Error>> {
        /// use cachedpool::{CachedPool, prelude::*};
        ///
        /// let pool = CachedPool::builder(sqlite).build().await?;
        /// let users: i64 = sqlx::query_scalar("SELECT count(*) FROM users").cached(&pool).fetch_one().await?;
        /// sqlx::query("DELETE FROM users WHERE id = ?").bind(7).execute(&pool).await?;
        /// // Not `users` again: the delete has invalidated it.
        /// let fewer: i64 = sqlx::query_scalar("SELECT count(*) FROM users").cached(&pool).fetch_one().await?;
        /// # let _ = (users, fewer);
        /// # Ok(())
        /// # }
        /// ```
        pub struct CachedPool<DB: Front $($default)*>(Arc<Core<DB>>);
    };
}

// A default that changed with the features would change what a dependent crate means by the name.
#[cfg(feature = "postgres")]
cached_pool!(= sqlx::Postgres);
#[cfg(not(feature = "postgres"))]
cached_pool!();

impl<DB: Front> CachedPool<DB> {
    /// Starts to wrap a pool.
    pub fn builder<P: Wrap<Front = DB>>(inner: P) -> Builder<DB>
    where
        DB: Front<Pool = P>,
    {
        Builder::new(inner)
    }

    pub(crate) fn new(core: Core<DB>) -> Self {
        CachedPool(Arc::new(core))
    }

    pub(crate) fn core(&self) -> &Arc<Core<DB>> {
        &self.0
    }

    /// The inner pool: the way past the cache.
    ///
    /// # Staleness
    /// What is written through it is not seen: cached results that depend on it stay until their time to live is over
    /// or they are invalidated by hand.
    pub fn inner(&self) -> &DB::Pool {
        &self.0.inner
    }

    /// Takes a connection out of the pool.
    ///
    /// # Cancel safety
    /// Dropping the future gives the place in the queue up.
    ///
    /// # Errors
    /// As the wrapped pool's own.
    pub async fn acquire(&self) -> Result<CachedPoolConnection<DB>, DB::Error> {
        Ok(CachedPoolConnection(
            CachedConnection::acquire(&self.0).await?,
        ))
    }

    /// Takes a connection out of the pool if one is idle.
    pub fn try_acquire(&self) -> Option<CachedPoolConnection<DB>> {
        let connection = DB::try_acquire(&self.0.inner)?;
        Some(CachedPoolConnection(CachedConnection::new(
            &self.0, connection,
        )))
    }

    /// Begins a transaction on a connection out of the pool.
    ///
    /// # Cancel safety
    /// If the future is dropped, what it began is rolled back.
    ///
    /// # Errors
    /// As the driver's own.
    pub async fn begin(&self) -> Result<Transaction<'static, DB>, DB::Error> {
        Transaction::begin(CachedConnection::acquire(&self.0).await?.into(), None).await
    }

    /// Reads the database's catalog again, for DDL that did not go through a pool, which is otherwise seen at the next look
    /// ([`schema_interval`](crate::Builder::schema_interval)).
    ///
    /// # Staleness
    /// Everything is invalidated, in all processes, also if the catalog looks the same: it does when two tables of one
    /// definition were renamed into each other, or one was dropped and made again.
    ///
    /// # Cancel safety
    /// Dropped, it leaves what was known before.
    ///
    /// # Errors
    /// What the database says, if the catalog cannot be read. What was known before stays.
    pub async fn reload_schema(&self) -> Result<(), crate::Error> {
        Scope::writes();
        let look = self.0.look_somewhere().await;
        self.0.engine.invalidate_all().delivered().await;
        look.map_err(|error| Trouble::Catalog(error).into())
    }

    /// Invalidates every cached result that reads one of these tables. A name without a schema stands for each table of that
    /// name; the partitions and children of a table, and what stands above it, count with it.
    ///
    /// # Staleness
    /// Once this has returned, no cached read that starts later in this process answers with a result that was loaded
    /// before. The other processes have been told by then, or, where the shared tier did not answer in time, are told as
    /// soon as it does: until then the call counts in `stats().pending_invalidations`, and other processes may answer
    /// with the older results for as long as [`max_staleness`](crate::Builder::max_staleness) allows.
    ///
    /// # Cancel safety
    /// Once polled, it is done here and on its way to the others; only the waiting ends.
    ///
    /// # Errors
    /// None today, also when the shared tier is away. A later version may report a table that the database does not have.
    pub async fn invalidate_tables<T: AsRef<str>>(
        &self,
        tables: impl IntoIterator<Item = T>,
    ) -> Result<(), crate::Error> {
        Scope::writes();
        let snapshot = self.0.statements.snapshot();
        let tags: Tags = tables
            .into_iter()
            .flat_map(|table| snapshot.written_by_hand(table.as_ref()))
            .collect();
        self.0.engine.invalidate(&tags).delivered().await;
        Ok(())
    }

    /// Invalidates every cached result that was given one of these tags.
    ///
    /// # Staleness
    /// As [`invalidate_tables`](Self::invalidate_tables).
    ///
    /// # Cancel safety
    /// As [`invalidate_tables`](Self::invalidate_tables).
    ///
    /// # Errors
    /// None today.
    pub async fn invalidate_tags<T: AsRef<str>>(
        &self,
        tags: impl IntoIterator<Item = T>,
    ) -> Result<(), crate::Error> {
        Scope::writes();
        let tags: Tags = tags
            .into_iter()
            .map(|tag| Tag::user(tag.as_ref()))
            .collect();
        self.0.engine.invalidate(&tags).delivered().await;
        Ok(())
    }

    /// Invalidates every cached result.
    ///
    /// # Staleness
    /// As [`invalidate_tables`](Self::invalidate_tables).
    ///
    /// # Cancel safety
    /// As [`invalidate_tables`](Self::invalidate_tables).
    ///
    /// # Errors
    /// None today.
    pub async fn invalidate_all(&self) -> Result<(), crate::Error> {
        Scope::writes();
        self.0.engine.invalidate_all().delivered().await;
        Ok(())
    }

    /// What the pool makes of a statement: its normal form, the tables it reads and writes, and whether its result is
    /// cached or why not. Runs nothing.
    pub fn explain(&self, sql: &str) -> PoolExplanation {
        let statement = self.0.statements.of(sql);
        let others = self.0.statements.all();
        PoolExplanation::new(&statement, others, &self.0.session)
    }

    /// The database's relations as the pool knows them now.
    pub fn schema(&self) -> Schema {
        Schema::new(self.0.statements.snapshot().graph.clone())
    }

    /// A snapshot of every counter.
    pub fn stats(&self) -> Stats {
        let mut stats = self.0.engine.stats();
        match &self.0.statements.snapshot().graph {
            Some(graph) => stats.relations = graph.len() as u64,
            None => stats.text_only = true,
        }
        stats
    }

    /// The events from now on. A listener that falls behind loses the oldest and learns how many.
    pub fn events(&self) -> EventStream {
        self.0.engine.events().subscribe()
    }

    /// Closes the inner pool and waits until all connections are returned, which includes writes whose callers have
    /// gone.
    ///
    /// # Cancel safety
    /// The pool stays closed; only the waiting ends.
    pub async fn close(&self) {
        DB::close(&self.0.inner).await;
    }

    /// Whether `close` has been called.
    pub fn is_closed(&self) -> bool {
        DB::is_closed(&self.0.inner)
    }

    /// How many connections the inner pool has open.
    pub fn size(&self) -> u32 {
        DB::size(&self.0.inner).0
    }

    /// How many connections of the inner pool are idle.
    pub fn num_idle(&self) -> usize {
        DB::size(&self.0.inner).1
    }
}

impl<DB: Front> Clone for CachedPool<DB> {
    fn clone(&self) -> Self {
        CachedPool(self.0.clone())
    }
}

impl<DB: Front> fmt::Debug for CachedPool<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedPool")
            .field("database", &DB::NAME)
            .field("size", &self.size())
            .field("idle", &self.num_idle())
            .finish_non_exhaustive()
    }
}
