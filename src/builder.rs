//! Settings of a pool, checked and put together.

#[cfg(all(feature = "cdc", any(feature = "postgres", feature = "sqlite")))]
mod changes;
#[cfg(feature = "redis")]
mod redis;
mod rules;
mod schema;
mod shared;

use std::{fmt, sync::Arc, time::Duration};

use futures_core::future::BoxFuture;
use tokio::runtime::Handle;

use crate::{
    Error,
    cache::{Consistency, Engine, EngineSettings, Terms, Time},
    driver::{
        Definitions, Front, RowTags, SchemaMode,
        identity::{self, Identity},
        statement::Statements,
        watch,
        whole::Home,
    },
    observe::{Hook, Invalidation},
    pool::{CachedPool, Core},
    tier::LocalTier,
};
use shared::Shared;

/// Settings of a [`CachedPool`]; made by [`CachedPool::builder`].
#[must_use = "nothing is built until `build().await`"]
pub struct Builder<DB: Front> {
    inner: DB::Pool,
    terms: Terms,
    engine: EngineSettings,
    local_capacity: u64,
    statement_capacity: usize,
    definitions: Definitions,
    row_tags: RowTags,
    schema_interval: Duration,
    /// Somebody declared a function or a table without a name.
    unnamed: bool,
    shared: Shared,
    /// The engine of another pool.
    beside: Option<(Arc<Engine>, Identity)>,
    follow: Option<Follow<DB>>,
    time: Time,
}

/// Begins to follow the writes of others.
type Follow<DB> =
    Box<dyn FnOnce(CachedPool<DB>) -> BoxFuture<'static, Result<(), Error>> + Send + Sync>;

impl<DB: Front> Builder<DB> {
    pub(crate) fn new(inner: DB::Pool) -> Self {
        Builder {
            inner,
            terms: Terms::default(),
            engine: EngineSettings::default(),
            local_capacity: 64 << 20,
            statement_capacity: 10_000,
            definitions: Definitions::default(),
            row_tags: RowTags::default(),
            schema_interval: Duration::from_secs(10),
            unnamed: false,
            shared: Shared::default(),
            beside: None,
            follow: None,
            time: Time::real(),
        }
    }

    /// How long a result is fresh where neither the query nor its SQL says otherwise. Default: one minute.
    pub fn default_ttl(mut self, ttl: Duration) -> Self {
        self.terms.ttl = ttl;
        self
    }

    /// The most that the time to live is for a result without rows. Default: 5 s.
    pub fn empty_ttl(mut self, ttl: Duration) -> Self {
        self.terms.empty_ttl = ttl;
        self
    }

    /// The default of [`CachePolicy::stale_while_revalidate`](crate::CachePolicy::stale_while_revalidate). Default: zero.
    pub fn default_stale_while_revalidate(mut self, window: Duration) -> Self {
        self.terms.stale_while_revalidate = window;
        self
    }

    /// The default of [`CachePolicy::stale_if_error`](crate::CachePolicy::stale_if_error). Default: zero.
    pub fn default_stale_if_error(mut self, window: Duration) -> Self {
        self.terms.stale_if_error = window;
        self
    }

    /// The age past which nothing is ever served stale, whatever a query asks for. Default: 24 hours.
    pub fn max_stale(mut self, age: Duration) -> Self {
        self.terms.max_stale = age;
        self
    }

    /// The part of its time to live, 0 to below 1, that an entry may lose so that entries loaded together do not expire
    /// together. Default: 0.1.
    pub fn ttl_jitter(mut self, part: f64) -> Self {
        self.engine.ttl_jitter = part;
        self
    }

    /// What a cached read guarantees while a write is on its way. Default: [`Consistency::Bounded`].
    ///
    /// With a shared tier, the writes of a strict pool also hold back the strict reads of other processes; see
    /// [`Consistency::Strict`].
    pub fn consistency(mut self, consistency: Consistency) -> Self {
        self.terms.consistency = consistency;
        self.shared.settings.fences = consistency == Consistency::Strict;
        self
    }

    /// The most bytes that results may take in this process, weighed by their encoded size. Default: 64 MiB.
    pub fn local_capacity(mut self, bytes: u64) -> Self {
        self.local_capacity = bytes;
        self
    }

    /// The most rows of a result that is kept; a bigger one is returned and not stored. Default: 100,000.
    pub fn max_rows(mut self, rows: usize) -> Self {
        self.terms.max_rows = rows;
        self
    }

    /// The most bytes of a result that is kept; a bigger one is returned and not stored. Default: 8 MiB.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.terms.max_bytes = bytes;
        self
    }

    /// How many distinct SQL texts are remembered. Default: 10,000.
    pub fn statement_capacity(mut self, texts: usize) -> Self {
        self.statement_capacity = texts;
        self
    }

    /// How many background refreshes may run at once; past it they are skipped and counted. Default: 64.
    pub fn max_refreshes(mut self, refreshes: usize) -> Self {
        self.engine.max_refreshes = refreshes;
        self
    }

    /// How many loads may be shared by waiters at once; past it each caller loads for itself. Default: 65,536.
    pub fn max_in_flight(mut self, flights: usize) -> Self {
        self.engine.max_in_flight = flights;
        self
    }

    /// How long a load may take before a result within its `stale_if_error` window is answered instead. Default: none.
    ///
    /// The load goes on in the background; only that of a query with a closure for a row mapping (`.map()`, the macros)
    /// is given up.
    pub fn soft_timeout(mut self, timeout: Duration) -> Self {
        self.engine.soft_timeout = Some(timeout);
        self
    }

    /// How long a read waits for another's load of the same before it loads for itself. Default: 5 s.
    pub fn patience(mut self, time: Duration) -> Self {
        self.engine.patience = time;
        self
    }

    /// The part of its time to live, above 0 and below 1, after which a fresh hit starts a refresh in the background.
    /// Default: none.
    pub fn early_refresh(mut self, part: f64) -> Self {
        self.engine.early_refresh = Some(part);
        self
    }

    /// How long nothing that depends on a write is cached when nobody knows whether the server has carried it out (the
    /// connection broke under it): the server may do so later. Default: one minute.
    pub fn quarantine(mut self, time: Duration) -> Self {
        self.engine.quarantine = time;
        self
    }

    /// Lets a test turn the clock. Not covered by semver.
    #[cfg(feature = "testing")]
    pub fn time(mut self, time: Time) -> Self {
        self.time = time;
        self
    }

    /// Switches a mechanism off so that a test can show that it notices. Not covered by semver.
    #[cfg(feature = "testing")]
    pub fn sabotage(mut self, sabotage: crate::cache::Sabotage) -> Self {
        self.engine.sabotage = sabotage;
        self
    }

    /// Checks the settings, asks the database what its connections have in common, and proves on the linked sqlx that
    /// different arguments give different keys, and that bound values are read as they are.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    ///
    /// # Errors
    /// A setting that cannot be (the error names it), a database that does not answer, connections that cannot be cached
    /// (autocommit off, READ UNCOMMITTED), a version of sqlx whose arguments keys cannot be made from, or a shared tier that
    /// cannot work as it is set up (wrong password, missing permission, unknown version). A shared tier that is merely away is
    /// an error only with [`require_shared`](Self::require_shared).
    pub async fn build(mut self) -> Result<CachedPool<DB>, Error> {
        self.check()?;
        DB::prove()?;
        let runtime = Handle::try_current().map_err(|_| Error::no_runtime())?;
        let mut connection = DB::acquire(&self.inner).await.map_err(Error::session)?;
        let session = DB::session(&mut connection).await?;
        let rollback_leaves_rows = DB::rollback_leaves_rows(&mut connection)
            .await
            .map_err(Error::session)?;
        let database = DB::identity(&mut connection)
            .await
            .map_err(Error::session)?;
        let opened = self.shared.open()?;
        let is_shared = match &self.beside {
            Some((_, other)) if other.is_another(&database) => {
                return Err(Error::invalid("beside", "is a pool on another database"));
            }
            Some((engine, _)) => engine.is_shared(),
            None => opened.is_some(),
        };
        let home = match is_shared {
            true => {
                let given = ("given", DB::given(&self.inner));
                let session = [&session.parts[..], &[given]].concat();
                let executable = identity::executable().await;
                let generation = &self.shared.generation;
                Some(Home::new(
                    DB::NAME,
                    &database,
                    &session,
                    executable,
                    generation,
                ))
            }
            false => None,
        };
        drop(connection);
        let shared = opened
            .as_ref()
            .map(|opened| (opened.tier.clone(), self.shared.settings.clone()));
        let own = || {
            let local = LocalTier::new(self.local_capacity);
            Engine::new(
                self.engine,
                shared,
                Arc::new(local),
                self.time,
                runtime.clone(),
            )
        };
        let engine = self.beside.map_or_else(own, |(engine, _)| engine);
        if let Some(opened) = opened {
            self.shared.prove(opened, &engine).await?;
        }
        // Only now: what other processes define is heard of from here on.
        let functions = self.definitions.declarations.functions.clone();
        let mut connection = DB::acquire(&self.inner).await.map_err(Error::session)?;
        let snapshot = self.definitions.first::<DB>(&engine, &mut connection).await;
        let snapshot = snapshot.map_err(Error::from)?;
        drop(connection);
        let statements = Statements::new(
            functions,
            (self.terms, self.row_tags),
            self.statement_capacity,
            snapshot,
            engine.clone(),
        );
        let interval = self.schema_interval;
        let watched = self.definitions.mode == SchemaMode::Catalog;
        let pool = CachedPool::new(Core {
            inner: self.inner,
            engine,
            database,
            statements,
            definitions: self.definitions,
            session,
            home,
            rollback_leaves_rows: rollback_leaves_rows.into(),
            runtime,
        });
        if watched {
            watch(pool.core(), interval);
        }
        if let Some(follow) = self.follow {
            follow(pool.clone()).await?;
        }
        Ok(pool)
    }

    /// Shares the cache of another pool on the same database, also one of another driver: what is written through one of them
    /// invalidates what was read through the other, at once. Each keeps its own results. That one follows the writes
    /// from outside (`follow_changes`), for both.
    ///
    /// Memory, time, events and the shared tier are the other pool's, and so are the settings of these in that pool's builder; here
    /// they have no effect.
    ///
    /// # Errors
    /// [`build`](Self::build) refuses a pool on another database of PostgreSQL, if both tell which they are: a standby does not, and a
    /// role that may not call `pg_control_system()` is not told.
    pub fn beside<D: Front>(mut self, other: &CachedPool<D>) -> Self {
        let other = other.core();
        self.beside = Some((other.engine.clone(), other.database.clone()));
        self
    }

    /// Calls `call` at each invalidation by this process, to purge what is kept elsewhere: the responses in a CDN, by the tags that
    /// a `Cache-Tag` header named. It is called when the write has committed and before its caller goes on, so it should
    /// only hand the tags on. If it panics, that is ignored.
    ///
    /// # Staleness
    /// Each process is told of its own writes and calls, not of those of others. What comes of it is up to what is called:
    /// until the purge has arrived there, a CDN answers with what it has.
    pub fn on_invalidation(mut self, call: impl Fn(&Invalidation) + Send + Sync + 'static) -> Self {
        self.engine.hook = Some(Hook::new(call));
        self
    }
}

impl<DB: Front> fmt::Debug for Builder<DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("terms", &self.terms)
            .finish_non_exhaustive()
    }
}
