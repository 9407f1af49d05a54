//! What is done to the servers and workers, and undone.
//!
//! Every fault hits all processes alike. One process alone that is cut off from Redis while it writes is a declared
//! degraded mode: what it could not tell, the others cannot know.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use cachedpool_test_support::{Packets, Proxy, Victim, Way, wait_until};
use tokio::time::{Instant, sleep};

use crate::{
    crew::{Crew, News},
    options::Options,
    outside,
};

/// A replica must have caught up by then.
const SYNCHRONISED: Duration = Duration::from_secs(30);
/// Half of what a slow Redis takes for an answer.
const SLOW: Duration = Duration::from_millis(100);
/// What fills Redis's memory goes away by itself.
const FILL: &str = "for i = 1, 200 do redis.call('SET', 'filler:' .. ARGV[1] .. ':' .. i, string.rep('x', 4096), 'PX', 5000) end";

/// Ends all streams of changes.
const END_STREAMS: &str =
    "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active";
/// The same, and what is left of their slots.
const DROP_SLOTS: &str = "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active; \
                          SELECT pg_sleep(0.02); \
                          SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active";
/// How often the server is told so.
const TIMES: u32 = 3;
/// Between two changes of definitions.
const BETWEEN: Duration = Duration::from_millis(100);

macro_rules! faults {
    ($($(#[$doc:meta])* $Fault:ident = $name:literal,)+) => {
        /// What can be done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Fault {
            $($(#[$doc])* $Fault,)+
        }

        impl Fault {
            /// All of them.
            pub(crate) const ALL: &[Fault] = &[$(Fault::$Fault,)+];

            /// Its name on the command line.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Fault::$Fault => $name,)+
                }
            }
        }
    };
}

faults! {
    /// Redis stops in the middle of what it does, and goes on later.
    RedisPause = "redis-pause",
    /// Redis is killed and comes back with nothing.
    RedisRestartEmpty = "redis-restart-empty",
    /// Redis is killed and comes back with what it held a while ago.
    RedisRestartOldDump = "redis-restart-old-dump",
    /// A replica that has missed writes takes Redis's place.
    ReplicaPromoted = "replica-promoted",
    /// Redis is emptied, twice.
    FlushAll = "flushall",
    /// What clients send to Redis is lost.
    DropIn = "drop-in",
    /// What Redis answers is lost.
    DropOut = "drop-out",
    /// Redis takes 200 ms for each answer.
    RedisSlow = "redis-slow",
    /// All connections to Redis are reset, and all attempts to make new ones.
    RedisCut = "redis-cut",
    /// Redis evicts what was not used lately, and at last everything, and then refuses writes.
    MemoryFull = "memory-full",
    /// A worker is killed, at any moment or with commits that it never heard the end of.
    WorkerKilled = "worker-killed",
    /// PostgreSQL is killed and comes back.
    PostgresRestart = "postgres-restart",
    /// The streams of changes are ended by the server.
    ConsumerCut = "consumer-cut",
    /// The process that follows the changes is killed.
    ConsumerKilled = "consumer-killed",
    /// The process that follows the changes stops in the middle of what it does, and goes on later.
    ConsumerStopped = "consumer-stopped",
    /// The replication slots are dropped under those who read them.
    SlotDropped = "slot-dropped",
    /// Nothing comes from PostgreSQL any more, and all connections stay open.
    StreamHeld = "stream-held",
    /// Others write a million rows in one transaction.
    LargeTransaction = "large-transaction",
    /// Others change definitions.
    Ddl = "ddl",
}

/// Whom a fault hits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Redis,
    Postgres,
    Worker,
}

impl Fault {
    /// The one of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name)
    }

    /// Whom it hits. Two that hit the same one cannot happen at once.
    pub(crate) fn target(self) -> Target {
        match self {
            Self::WorkerKilled | Self::ConsumerKilled | Self::ConsumerStopped => Target::Worker,
            Self::PostgresRestart
            | Self::ConsumerCut
            | Self::SlotDropped
            | Self::StreamHeld
            | Self::LargeTransaction
            | Self::Ddl => Target::Postgres,
            _ => Target::Redis,
        }
    }
}

impl Fault {
    /// Whether it means nothing to pools that do not follow the changes of others.
    pub(crate) fn is_of_the_feed(self) -> bool {
        matches!(
            self,
            Self::ConsumerCut
                | Self::ConsumerKilled
                | Self::ConsumerStopped
                | Self::SlotDropped
                | Self::StreamHeld
                | Self::LargeTransaction
                | Self::Ddl
        )
    }
}

/// The servers, and the road to Redis that all workers take.
pub(crate) struct Stage {
    pub(crate) postgres: Victim,
    /// The second one is of use to `replica-promoted` only.
    redis: [Victim; 2],
    primary: AtomicUsize,
    road: Proxy,
}

impl Stage {
    /// Starts the servers.
    pub(crate) async fn build(options: &Options) -> Self {
        let settings: &[&str] = match options.outside {
            // Streams that died with their process are given up late.
            Some(_) => &[
                "wal_level=logical",
                "max_wal_senders=50",
                "max_replication_slots=50",
            ],
            None => &[],
        };
        let redis = || Victim::redis(&["--repl-diskless-sync-delay", "0"]);
        let (postgres, first, second) =
            tokio::join!(Victim::postgres_with(settings), redis(), redis());
        let road = Proxy::start(first.address()).await;
        Self {
            postgres,
            redis: [first, second],
            primary: AtomicUsize::new(0),
            road,
        }
    }

    /// Where workers find Redis, whichever it is.
    pub(crate) fn redis(&self) -> SocketAddr {
        self.road.address()
    }

    /// Does it, lets it last for `span`, and undoes it.
    pub(crate) async fn inject(
        &self,
        fault: Fault,
        span: Duration,
        crew: &Crew,
        random: &mut fastrand::Rng,
    ) {
        let redis = self.primary();
        match fault {
            Fault::RedisPause => {
                redis.pause().await;
                sleep(span).await;
                redis.unpause().await;
            }
            Fault::RedisRestartEmpty => {
                redis.run(&["rm", "-f", "dump.rdb"]).await;
                redis.kill().await;
                sleep(span.mul_f64(random.f64())).await;
                redis.start().await;
            }
            Fault::RedisRestartOldDump => {
                redis.run(&["redis-cli", "SAVE"]).await;
                sleep(span).await;
                redis.kill().await;
                // Mostly so fast that nobody notices by the time that passed.
                if random.u8(..4) == 0 {
                    sleep(span.mul_f64(random.f64())).await;
                }
                redis.start().await;
            }
            Fault::ReplicaPromoted => self.promote(span).await,
            Fault::FlushAll => {
                redis.run(&["redis-cli", "FLUSHALL"]).await;
                sleep(span).await;
                redis.run(&["redis-cli", "FLUSHALL"]).await;
            }
            Fault::DropIn => lose(redis, Packets::In, span).await,
            Fault::DropOut => lose(redis, Packets::Out, span).await,
            Fault::RedisSlow => {
                self.road.ways(Way::Delay(SLOW), Way::Delay(SLOW));
                sleep(span).await;
                self.road.pass();
            }
            Fault::RedisCut => {
                self.road.cut();
                sleep(span).await;
                self.road.pass();
            }
            Fault::MemoryFull => fill(redis, span).await,
            Fault::WorkerKilled => {
                let place = random.usize(..crew.places());
                if random.u8(..4) == 0 {
                    crew.kill(place).await;
                } else {
                    crew.kill_unaware(place, span / 2).await;
                }
                sleep(span).await;
                crew.hire(place).await;
            }
            Fault::PostgresRestart => {
                self.postgres.kill().await;
                sleep(span.mul_f64(random.f64())).await;
                self.postgres.start().await;
            }
            Fault::ConsumerCut => self.repeat(span, END_STREAMS).await,
            Fault::SlotDropped => self.repeat(span, DROP_SLOTS).await,
            Fault::ConsumerKilled => {
                let place = leader(crew, random);
                crew.kill(place).await;
                sleep(span).await;
                crew.hire(place).await;
            }
            Fault::ConsumerStopped => crew.stop(leader(crew, random), span).await,
            Fault::StreamHeld => crew.hold(span).await,
            Fault::LargeTransaction => {
                let written = outside::write_large(&self.url(), crew).await;
                must(written, "a large transaction", crew).await;
            }
            Fault::Ddl => {
                let end = Instant::now() + span;
                while Instant::now() < end {
                    let altered = outside::alter(&self.url(), random).await;
                    must(altered, "a change of definitions", crew).await;
                    sleep(BETWEEN).await;
                }
            }
        }
    }

    /// Where the checker finds PostgreSQL.
    pub(crate) fn url(&self) -> String {
        let address = self.postgres.address();
        format!("postgres://postgres:test@{address}/postgres?sslmode=disable")
    }

    /// Tells PostgreSQL the same several times.
    async fn repeat(&self, span: Duration, sql: &str) {
        for _ in 0..TIMES {
            // A slot may be gone, or somebody's again, before it is dropped.
            let tell = format!("psql -U postgres -c \"{sql}\" || true");
            self.postgres.run(&["sh", "-c", &tell]).await;
            sleep(span / TIMES).await;
        }
    }

    fn primary(&self) -> &Victim {
        // Relaxed: one fault at a time hits Redis, in one task.
        &self.redis[self.primary.load(Ordering::Relaxed)]
    }

    /// For `span`, the replica misses what is written; then it is the primary.
    async fn promote(&self, span: Duration) {
        let replica = 1 - self.primary.load(Ordering::Relaxed);
        let (primary, promoted) = (self.primary(), &self.redis[replica]);
        let address = primary.address_inside().await;
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        promoted
            .run(&["redis-cli", "REPLICAOF", &host, &port])
            .await;
        wait_until(SYNCHRONISED, "the replica catches up", async || {
            let state = promoted.run(&["redis-cli", "INFO", "replication"]).await;
            state.contains("master_link_status:up")
        })
        .await;
        promoted.run(&["redis-cli", "REPLICAOF", "NO", "ONE"]).await;
        sleep(span).await;
        self.road.retarget(promoted.address());
        self.primary.store(replica, Ordering::Relaxed);
    }
}

/// A fault that did not happen would show nothing.
async fn must(done: Result<(), sqlx::Error>, what: &str, crew: &Crew) {
    if let Err(error) = done {
        let trouble = format!("{what} is refused: {error}");
        crew.report(News::Trouble(trouble)).await;
    }
}

/// Whom it hits that hits the one who follows the changes: anybody while nobody does.
fn leader(crew: &Crew, random: &mut fastrand::Rng) -> usize {
    crew.leader()
        .unwrap_or_else(|| random.usize(..crew.places()))
}

async fn lose(redis: &Victim, packets: Packets, span: Duration) {
    redis.lose(packets).await;
    sleep(span).await;
    redis.find(packets).await;
}

async fn fill(redis: &Victim, span: Duration) {
    let limit = async |bytes: u64| {
        let bytes = bytes.to_string();
        redis
            .run(&["redis-cli", "CONFIG", "SET", "maxmemory", &bytes])
            .await;
    };
    redis
        .run(&[
            "redis-cli",
            "CONFIG",
            "SET",
            "maxmemory-policy",
            "allkeys-lru",
        ])
        .await;
    let memory = redis.run(&["redis-cli", "INFO", "memory"]).await;
    let used = memory
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:")?.trim().parse().ok())
        .unwrap_or(0);
    limit(used + (1 << 20)).await;
    let end = Instant::now() + span / 2;
    let mut round = 0;
    while Instant::now() < end {
        round += 1;
        redis
            .run(&["redis-cli", "EVAL", FILL, "0", &round.to_string()])
            .await;
    }
    // Less than Redis needs for itself: nothing can stay, and nothing new is taken.
    limit(1).await;
    sleep(span / 2).await;
    limit(0).await;
}
