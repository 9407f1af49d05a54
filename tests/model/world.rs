//! The pool under test, and how tasks do their deeds on it.

use std::{str::FromStr, sync::Arc, time::Duration};

use cachedpool::{
    CachedPool,
    cache::{ManualTime, Sabotage, Time},
    observe::Stats,
};
use cachedpool_test_support::SqliteFile;
use futures_util::future::join_all;
use sqlx::{
    Error, Executor, Sqlite, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::task::yield_now;

use crate::{
    database,
    history::{Branch, Deed, Invalidation, Pace, Read, Route, Settings, Turn, Write},
    plain::State,
    reads,
    record::{Barrier, Effort, Expected, Look, Origin, Record},
    schedule::Schedule,
    writes,
};

/// Where no hint says otherwise, the pool under test keeps results so long …
pub(crate) const TTL: Duration = Duration::from_secs(20);
/// … those without rows so long …
pub(crate) const EMPTY_TTL: Duration = Duration::from_secs(5);
/// … and answers none that are older.
pub(crate) const MAX_STALE: Duration = Duration::from_secs(25);

/// No operation takes longer, however busy the machine is: it hangs.
const WATCHDOG: Duration = Duration::from_secs(120);

pub(crate) struct World {
    pub(crate) pool: CachedPool<Sqlite>,
    pub(crate) record: Record,
    pub(crate) schedule: Schedule,
    pub(crate) hand: ManualTime,
    /// What the tables hold before anybody writes.
    pub(crate) start: State,
    pub(crate) settings: Settings,
    /// Keeps the database for as long as the world is there.
    _file: SqliteFile,
}

/// When a write takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counts {
    /// When it returns.
    Alone,
    /// With its transaction, or when it returns if that has been ended by the database.
    InTransaction,
    /// Nobody knows.
    Unclear,
}

/// How a write went.
pub(crate) enum Written {
    Rows(u64),
    Failed(Error),
    Cut,
}

impl World {
    pub(crate) async fn new(
        settings: &Settings,
        tasks: usize,
        sabotage: Sabotage,
    ) -> Result<World, Box<dyn std::error::Error>> {
        let file = SqliteFile::new();
        let options = SqliteConnectOptions::from_str(&file.url())?
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Off)
            .busy_timeout(Duration::from_secs(5));
        let inner: SqlitePool = SqlitePoolOptions::new()
            .max_connections(16)
            .acquire_timeout(WATCHDOG)
            // One step less between a task and its query, so that cuts fall on more interesting ones.
            .test_before_acquire(false)
            .connect_with(options)
            .await?;
        let start = {
            let mut connection = inner.acquire().await?;
            database::create(&mut connection).await?;
            database::state(&mut connection).await?
        };
        let (time, hand) = Time::manual();
        let mut builder = CachedPool::builder(inner)
            .default_ttl(TTL)
            .empty_ttl(EMPTY_TTL)
            .max_stale(MAX_STALE)
            .local_capacity(settings.capacity)
            .statement_capacity(settings.statements)
            .max_rows(settings.max_rows)
            .max_in_flight(settings.max_in_flight)
            .max_refreshes(settings.max_refreshes)
            .ttl_jitter(settings.jitter)
            .time(time.clone())
            .sabotage(sabotage);
        if let Some(part) = settings.early_refresh {
            builder = builder.early_refresh(part);
        }
        if let Some(timeout) = settings.soft_timeout {
            builder = builder.soft_timeout(timeout);
        }
        Ok(World {
            pool: builder.build().await?,
            record: Record::new(time),
            schedule: Schedule::new(tasks),
            hand,
            start,
            settings: settings.clone(),
            _file: file,
        })
    }

    /// One task, from its first turn to its last.
    pub(crate) async fn task(self: Arc<Self>, turns: Vec<Turn>) {
        for turn in turns {
            for _ in 0..turn.yields {
                yield_now().await;
            }
            if tokio::time::timeout(WATCHDOG, self.deed(&turn.deed))
                .await
                .is_err()
            {
                self.record
                    .violation(format!("P8: this hangs: {:?}", turn.deed));
                break;
            }
            self.schedule.turned();
            let in_flight = self.pool.stats().in_flight;
            if in_flight > self.settings.max_in_flight as u64 {
                self.record
                    .violation(format!("P9: {in_flight} keys are being loaded"));
            }
        }
        self.schedule.ended();
    }

    async fn deed(&self, deed: &Deed) {
        match deed {
            Deed::Read(read, pace) => self.read(read, *pace).await,
            Deed::Race(branches) => self.race(branches).await,
            Deed::Write(write, route, pace) => self.write_alone(write, *route, *pace).await,
            Deed::Transaction(transaction) => self.transaction(transaction).await,
            Deed::Invalidate(what, pace) => self.invalidate(what, *pace).await,
            Deed::Tell(read, write, what) => {
                self.read(read, Pace::Through).await;
                self.write_alone(write, Route::Outside, Pace::Through).await;
                self.invalidate(what, Pace::Through).await;
                self.read(read, Pace::Through).await;
            }
            Deed::Pass(span) => self.hand.advance(*span),
        }
    }

    async fn race(&self, branches: &[Branch]) {
        self.schedule.branched(branches.len());
        let run = async |branch: &Branch| {
            if let Some((write, route, pace)) = &branch.write {
                self.write_alone(write, *route, *pace).await;
            }
            for (read, pace) in &branch.reads {
                self.read(read, *pace).await;
            }
            self.schedule.ended();
        };
        join_all(branches.iter().map(run)).await;
        self.schedule.joined();
    }

    pub(crate) async fn read(&self, read: &Read, pace: Pace) {
        let invoked = self.record.now();
        let answer = self.schedule.at(pace, reads::run(&self.pool, read)).await;
        let returned = self.record.now();
        let (result, about) = match answer {
            Some(Ok(Some((rows, about)))) => (Ok(rows), about),
            Some(Err(failure)) => (Err(failure), None),
            // It was not in the cache, which any read may find.
            Some(Ok(None)) => return,
            None => return self.record.cut(),
        };
        self.record.evidence().looks.push(Look {
            read: read.clone(),
            invoked,
            returned,
            result,
            about,
        });
    }

    async fn write_alone(&self, write: &Write, route: Route, pace: Pace) {
        let (version, written) = match route {
            Route::Pool => {
                self.write(&self.pool, write, pace, Origin::Pool, Counts::Alone)
                    .await
            }
            Route::Connection => match self.pool.acquire().await {
                Ok(mut connection) => {
                    self.write(&mut *connection, write, pace, Origin::Pool, Counts::Alone)
                        .await
                }
                Err(error) => {
                    return self.record.violation(format!("no connection: {error}"));
                }
            },
            // Never cut: that is sqlx's own affair.
            Route::Outside => {
                self.write(
                    self.pool.inner(),
                    write,
                    Pace::Through,
                    Origin::Outside,
                    Counts::Alone,
                )
                .await
            }
        };
        let expected = match &written {
            Written::Rows(rows) if *rows > 0 && write.leaves_version() => Expected::Committed,
            Written::Rows(_) => Expected::Undone,
            Written::Failed(error) => {
                if !write.can_fail_with(error) {
                    self.record
                        .violation(format!("P0: {write:?} failed: {error}"));
                }
                Expected::Undone
            }
            Written::Cut => Expected::Either,
        };
        self.record.expect(&[version], expected);
    }

    /// Runs a write under a version of its own. Its end is acknowledged unless it is unclear when it counts.
    pub(crate) async fn write<'e, E>(
        &self,
        executor: E,
        write: &Write,
        pace: Pace,
        origin: Origin,
        counts: Counts,
    ) -> (i64, Written)
    where
        E: Executor<'e, Database = Sqlite>,
    {
        let version = self.record.name();
        let effort = Effort {
            invoked: self.record.now(),
            acknowledged: None,
            origin,
        };
        self.record
            .evidence()
            .statements
            .insert(version, (effort.clone(), Expected::Either));
        let done = match self
            .schedule
            .at(pace, writes::run(executor, write, version))
            .await
        {
            Some(Ok(done)) => done,
            Some(Err(error)) => return (version, Written::Failed(error)),
            None => {
                self.record.cut();
                return (version, Written::Cut);
            }
        };
        if matches!(write, Write::Refused(..)) {
            self.record.violation(format!("P0: {write:?} succeeded"));
        }
        let effort = Effort {
            acknowledged: (counts != Counts::Unclear).then(|| self.record.now()),
            ..effort
        };
        let mut evidence = self.record.evidence();
        if let (&Write::Delete(table, id), Counts::Alone) = (write, counts) {
            for removed in done.removed {
                evidence
                    .deletions
                    .insert((table, id, removed), effort.clone());
            }
        }
        evidence
            .statements
            .insert(version, (effort, Expected::Either));
        (version, Written::Rows(done.rows))
    }

    async fn invalidate(&self, what: &Invalidation, pace: Pace) {
        let invoked = self.record.now();
        let call = async {
            match what {
                Invalidation::Tables(tables) => {
                    self.pool
                        .invalidate_tables(tables.iter().map(|table| table.name()))
                        .await
                }
                Invalidation::Tag => self.pool.invalidate_tags([reads::TAG]).await,
                Invalidation::All => self.pool.invalidate_all().await,
            }
        };
        match self.schedule.at(pace, call).await {
            Some(Ok(())) => {
                let returned = self.record.now();
                self.record.evidence().barriers.push(Barrier {
                    what: what.clone(),
                    invoked,
                    returned,
                });
            }
            Some(Err(error)) => self
                .record
                .violation(format!("an invalidation failed: {error}")),
            None => self.record.cut(),
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        self.pool.stats()
    }
}
