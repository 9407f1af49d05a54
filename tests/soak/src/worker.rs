//! One process of those that are checked: reads and writes, and tells what it saw.
//!
//! It ends when its input does, so that it never outlives the process that judges it.

mod reads;
mod tell;
mod writes;

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use cachedpool::{CachedPool, Token};
use sqlx::{Executor, PgPool};
use tokio::{
    io::{AsyncBufReadExt, BufReader, stdin},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    clock::{self, nap},
    options::Options,
    pool::{self, Follows, Settings},
    record::{Demand, Effort, NO_TOKEN, Office, Record, Seen},
    worker::tell::Tell,
    world::{self, Zipf},
};

use reads::Known;

const READERS: u64 = 4;
/// Each has at most one write on its way: so many at most have an unknown outcome when a process is killed.
const WRITERS: u64 = 3;
/// Nothing may take longer, whatever the fault: it would be hanging.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the judge is told how far it may judge.
const MARKS: Duration = Duration::from_millis(50);

/// How often the row is read that shows when others' writes are seen.
const LOOKS: Duration = Duration::from_millis(1);

/// To build a pool.
const ATTEMPTS: usize = 50;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(200);

/// What all tasks of a worker share.
pub(crate) struct Worker {
    pool: CachedPool,
    demand: Demand,
    follows: Follows,
    tell: Tell,
    known: Known,
    ids: Zipf,
    tables: Zipf,
    outside_tables: Zipf,
    /// How many changes of others had been followed at the last mark. Relaxed: one task marks at a time.
    followed: AtomicU64,
    /// Whether this process led then.
    leads: AtomicBool,
}

/// What one attempt came to.
enum Outcome {
    Done,
    /// The database did not answer, or did not do it.
    Failed(Effort),
    /// What must never be.
    Wrong(String),
}

/// Makes the tables that workers use.
pub(crate) async fn create_world(postgres: &str, options: &Options) -> Result<(), sqlx::Error> {
    let pool = PgPool::connect(postgres).await?;
    let mut statements = world::create();
    if options.outside.is_some() {
        statements.extend(world::outside::create());
    }
    for statement in statements {
        pool.execute(sqlx::AssertSqlSafe(statement)).await?;
    }
    pool.close().await;
    Ok(())
}

/// Works until its input ends.
pub(crate) async fn work(settings: Settings, seed: u64) -> Result<(), Box<dyn Error>> {
    let worker = Arc::new(Worker {
        pool: open(&settings).await?,
        demand: settings.demand,
        follows: settings.follows,
        tell: Tell::new(),
        known: Known::default(),
        ids: Zipf::new(usize::try_from(world::ROWS)?),
        tables: Zipf::new(usize::from(world::SINGLES)),
        outside_tables: Zipf::new(world::outside::TABLES.count()),
        followed: AtomicU64::new(0),
        leads: AtomicBool::new(false),
    });
    let (stop, stopped) = watch::channel(());
    let mut tasks = JoinSet::new();
    for task in 0..READERS + WRITERS {
        let mut random = fastrand::Rng::with_seed(seed ^ (task + 1).wrapping_mul(0x9e37_79b9));
        let (worker, stopped) = (worker.clone(), stopped.clone());
        tasks.spawn(async move {
            while !stopped.has_changed().unwrap_or(true) {
                if task < READERS {
                    worker.attempt(Effort::Read, &mut random).await;
                    sleep(Duration::from_micros(random.u64(200..2_000))).await;
                } else {
                    worker.attempt(Effort::Write, &mut random).await;
                    sleep(Duration::from_millis(random.u64(40..900))).await;
                }
            }
        });
    }
    if settings.follows == Follows::Changes {
        let (worker, stopped) = (worker.clone(), stopped.clone());
        tasks.spawn(async move {
            let mut last = 0;
            while !stopped.has_changed().unwrap_or(true) {
                worker.look_out(&mut last).await;
                sleep(LOOKS).await;
            }
        });
    }
    let marking = tokio::spawn({
        let worker = worker.clone();
        async move {
            loop {
                worker.mark();
                if let Some(delay) = nap(MARKS).await {
                    worker.tell.now(|_| Record::Delayed(delay));
                }
            }
        }
    });
    worker.listen().await;
    drop(stop);
    while tasks.join_next().await.transpose()?.is_some() {}
    marking.abort();
    worker.tell.mark();
    Ok(())
}

/// A worker may be hired while PostgreSQL is away.
async fn open(settings: &Settings) -> Result<CachedPool, Box<dyn Error>> {
    for _ in 0..ATTEMPTS {
        if let Ok(pool) = pool::open(settings).await {
            return Ok(pool);
        }
        sleep(BETWEEN_ATTEMPTS).await;
    }
    pool::open(settings).await
}

impl Worker {
    /// Hears of what other processes wrote.
    async fn listen(&self) {
        let mut lines = BufReader::new(stdin()).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let heard = line.split_once(' ').and_then(|(left, token)| {
                let token = match token {
                    NO_TOKEN => None,
                    token => Some(token.parse::<Token>().ok()?),
                };
                Some((left.parse::<Seen>().ok()?, token))
            });
            match heard {
                Some((left, token)) => self.known.learn(left, token),
                None => self
                    .tell
                    .now(|_| Record::Wrong(format!("no write can be read from {line:?}"))),
            }
        }
    }

    /// Tells how far the others know what was written here, and the judge what was done.
    fn mark(&self) {
        let before = clock::now();
        let stats = self.pool.stats();
        if stats.pending_invalidations == 0 {
            self.tell.now(|_| Record::Delivered(before));
        }
        let office = match stats.changes_leader {
            true => Office::Leader,
            false => Office::Follower,
        };
        if self.leads.swap(stats.changes_leader, Ordering::Relaxed) != stats.changes_leader {
            self.tell.now(|_| Record::Office(office));
        }
        let followed = stats.changes_followed;
        if self.followed.swap(followed, Ordering::Relaxed) != followed {
            self.tell.now(|_| Record::Lag {
                last: stats.change_lag_micros,
                worst: stats.worst_change_lag_micros,
            });
        }
        self.tell.mark();
    }

    async fn attempt(&self, effort: Effort, random: &mut fastrand::Rng) {
        let attempt = async {
            match effort {
                Effort::Read => self.read(random).await,
                Effort::Write => self.write(random).await,
            }
        };
        match timeout(PATIENCE, attempt).await {
            Ok(Outcome::Done) => {}
            Ok(Outcome::Failed(effort)) => {
                self.tell.now(|_| Record::Failed(effort));
                sleep(Duration::from_millis(20)).await;
            }
            Ok(Outcome::Wrong(what)) => self.tell.now(|_| Record::Wrong(what)),
            Err(_) => self
                .tell
                .now(|_| Record::Wrong(format!("a {effort:?} did not end within {PATIENCE:?}"))),
        }
    }
}
