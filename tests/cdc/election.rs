//! Several processes on one Redis, of which one follows for all: that it is one, that all hear by it, and that another takes
//! its place, whatever happened to it.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use cachedpool::{
    CachedPool, SchemaMode, Source,
    cache::Sabotage,
    cdc::{LogicalReplication, drop_slot},
    is_not_cached,
    prelude::*,
    tier::Redis,
};
use cachedpool_test_support::{OwnRedis, Proxy, logical_postgres, redis, wait_until};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Postgres};

use super::kit::{SOON, USERS, builder};

const COUNT: &str = "SELECT count(*) FROM users";

/// How old an answer may be that was given without a word from the server.
const STALENESS: Duration = Duration::from_secs(1);

/// Of the machine, between a look at the watch and what is measured.
const SLACK: Duration = Duration::from_millis(50);

/// Ends the stream of this database.
const END: &str = "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots \
                   WHERE database = current_database()";

/// A database, a Redis, and somebody of whom no pool knows anything.
struct Town {
    url: String,
    redis: String,
    namespace: String,
    outside: PgConnection,
}

impl Town {
    async fn new() -> Self {
        Self::at(redis().await.url()).await
    }

    async fn at(redis: impl Into<String>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let url = logical_postgres().await.fresh_database().await;
        let mut outside = PgConnection::connect(&url).await.unwrap();
        outside.execute(USERS).await.unwrap();
        let namespace = format!("election-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        Self {
            url,
            redis: redis.into(),
            namespace,
            outside,
        }
    }

    /// Its Redis, by whatever road.
    fn redis_at(&self, url: &str) -> Redis {
        Redis::new(url).namespace(&self.namespace)
    }

    async fn pool(&self) -> CachedPool<Postgres> {
        pool(&self.url, self.redis_at(&self.redis), Sabotage::None).await
    }

    async fn pools<const N: usize>(&self) -> [CachedPool<Postgres>; N] {
        let mut pools = Vec::new();
        for _ in 0..N {
            pools.push(self.pool().await);
        }
        are_live(&pools).await;
        pools.try_into().unwrap()
    }

    async fn write(&mut self, sql: &str) {
        self.outside
            .execute(AssertSqlSafe(sql.to_owned()))
            .await
            .unwrap();
    }

    /// Holds that no second one stays; the server takes that of a connection away a moment after its end.
    async fn has_one_slot(&mut self) {
        let slots = "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()";
        wait_until(SOON, "one slot is left", async || {
            let count = sqlx::query_scalar::<_, i64>(slots).fetch_one(&mut self.outside);
            count.await.unwrap() == 1
        })
        .await;
    }

    /// Who sends the changes, if anybody does.
    async fn stream(&mut self) -> Option<i32> {
        let stream =
            "SELECT active_pid FROM pg_replication_slots WHERE database = current_database()";
        let found = sqlx::query_scalar(stream).fetch_optional(&mut self.outside);
        found.await.unwrap().flatten()
    }

    /// Writes past the pools, and holds that each of them answers with what was true before for no longer than it may.
    async fn is_seen_by(&mut self, pools: &[CachedPool<Postgres>], id: i64) {
        for pool in pools {
            warm(pool).await;
        }
        let before = read(&pools[0]).await.0;
        self.write(&format!("INSERT INTO users VALUES ({id}, 1, 'x')"))
            .await;
        catch_up(pools, before, Instant::now()).await;
    }
}

/// Holds that each of them answers with `before`, which was true until `written`, for no longer than it may.
async fn catch_up(pools: &[CachedPool<Postgres>], before: i64, written: Instant) {
    for pool in pools {
        wait_until(SOON, "the write is seen", async || {
            let age = written.elapsed();
            let (count, source) = read(pool).await;
            let is_stale = count == before;
            assert!(!is_stale || age <= STALENESS + SLACK, "{source:?} {age:?}");
            !is_stale
        })
        .await;
    }
}

fn hasty() -> LogicalReplication {
    LogicalReplication::new()
        .create_publication()
        .max_staleness(STALENESS)
}

async fn pool(url: &str, redis: Redis, sabotage: Sabotage) -> CachedPool<Postgres> {
    let builder = builder(url).redis_with(redis).follow_changes(hasty());
    builder.sabotage(sabotage).build().await.unwrap()
}

fn leaders(pools: &[CachedPool<Postgres>]) -> Vec<usize> {
    let leads = |&index: &usize| pools[index].stats().changes_leader;
    (0..pools.len()).filter(leads).collect()
}

/// Which one leads, as soon as one does.
async fn leader(pools: &[CachedPool<Postgres>]) -> usize {
    let mut found = Vec::new();
    wait_until(SOON, "one leads", async || {
        found = leaders(pools);
        found.len() == 1
    })
    .await;
    found[0]
}

/// Waits until all hear, by one of them.
async fn are_live(pools: &[CachedPool<Postgres>]) {
    wait_until(SOON, "all hear by one", async || {
        let live = pools.iter().all(|pool| pool.stats().changes_live);
        live && leaders(pools).len() == 1
    })
    .await;
}

async fn read(pool: &CachedPool<Postgres>) -> (i64, Source) {
    let read = sqlx::query_scalar::<_, i64>(COUNT).cached(pool);
    let read = read.fetch_one_shared().await.unwrap();
    (*read, read.source())
}

/// Reads until memory answers.
async fn warm(pool: &CachedPool<Postgres>) {
    wait_until(SOON, "memory answers", async || {
        read(pool).await.1 == Source::Local
    })
    .await;
}

#[tokio::test]
async fn three_pools_follow_by_one_slot_and_all_see_what_others_write() {
    let mut town = Town::new().await;
    let pools = town.pools::<3>().await;
    town.has_one_slot().await;
    for id in 200..220 {
        town.is_seen_by(&pools, id).await;
    }
    let stats = pools.each_ref().map(CachedPool::stats);
    // Only one after the other can have led, should the machine have stood still: nobody follows what another follows too.
    let followed: u64 = stats.iter().map(|stats| stats.changes_followed).sum();
    assert!((1..=20).contains(&followed), "{followed}");
    for stats in &stats {
        let is_following = stats.changes_followed > 0;
        assert_eq!(stats.worst_change_lag_micros > 0, is_following);
    }
    town.has_one_slot().await;
}

#[tokio::test]
async fn a_leader_whose_stream_is_ended_is_followed_by_one_and_nothing_is_missed() {
    let mut town = Town::new().await;
    let pools = town.pools::<3>().await;
    for id in 300..305 {
        let mut before = None;
        wait_until(SOON, "there is a stream", async || {
            before = town.stream().await;
            before.is_some()
        })
        .await;
        town.write(END).await;
        // The write that nobody may have heard, and one that somebody must.
        town.is_seen_by(&pools, id).await;
        wait_until(SOON, "there is another stream", async || {
            let now = town.stream().await;
            now.is_some() && now != before
        })
        .await;
        are_live(&pools).await;
        town.has_one_slot().await;
    }
}

#[tokio::test]
async fn a_write_in_the_gap_between_two_leaders_is_not_answered_stale() {
    let mut town = Town::new().await;
    let mut pools = town.pools::<3>().await.to_vec();
    for id in 400..402 {
        for pool in &pools {
            warm(pool).await;
        }
        let before = read(&pools[0]).await.0;
        drop(pools.swap_remove(leader(&pools).await));
        town.write(&format!("INSERT INTO users VALUES ({id}, 1, 'x')"))
            .await;
        let written = Instant::now();
        // Also while nobody leads, and when somebody does again.
        while written.elapsed() < 3 * STALENESS {
            for pool in &pools {
                let age = written.elapsed();
                let (count, source) = read(pool).await;
                let is_stale = count == before;
                assert!(!is_stale || age <= STALENESS + SLACK, "{source:?} {age:?}");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        are_live(&pools).await;
        town.has_one_slot().await;
        pools.push(town.pool().await);
        are_live(&pools).await;
    }
}

/// Lets nobody connect to the database, and ends its stream.
async fn nobody_leads(town: &mut Town, admin: &mut PgConnection) {
    let database: String = sqlx::query_scalar("SELECT current_database()")
        .fetch_one(&mut town.outside)
        .await
        .unwrap();
    let close = format!("ALTER DATABASE \"{database}\" ALLOW_CONNECTIONS false");
    admin.execute(AssertSqlSafe(close)).await.unwrap();
    town.write(END).await;
}

#[tokio::test]
async fn followers_answer_nothing_from_the_cache_while_nobody_leads() {
    for sabotage in [Sabotage::None, Sabotage::IgnoreOutsiders] {
        let mut town = Town::new().await;
        let pool = async |sabotage| {
            let builder = builder(&town.url).redis_with(town.redis_at(&town.redis));
            // The silence of Redis ends nothing here: it is about that of the leader.
            let builder = builder.max_staleness(SOON).follow_changes(hasty());
            builder.sabotage(sabotage).build().await.unwrap()
        };
        let first = pool(Sabotage::None).await;
        wait_until(SOON, "it leads", async || first.stats().changes_leader).await;
        let pools = [first, pool(sabotage).await];
        are_live(&pools).await;
        warm(&pools[1]).await;
        let (server, _) = town.url.rsplit_once('/').unwrap();
        let options = town.url.split_once('?').map_or("", |(_, options)| options);
        let admin = format!("{server}/postgres?{options}");
        let mut admin = PgConnection::connect(&admin).await.unwrap();
        nobody_leads(&mut town, &mut admin).await;
        town.write("INSERT INTO users VALUES (101, 1, 'x')").await;
        wait_until(SOON, "the follower is blind", async || {
            !pools[1].stats().changes_live
        })
        .await;
        tokio::time::sleep(STALENESS).await;
        assert!(pools[1].stats().shared_live);
        let blind = sqlx::query_scalar::<_, i64>(COUNT).cached(&pools[1]);
        let answer = blind.only_if_cached().fetch_one().await;
        match sabotage {
            Sabotage::None => assert!(is_not_cached(&answer.unwrap_err())),
            _ => assert_eq!(answer.unwrap(), 100, "the older answer"),
        }
    }
}

#[tokio::test]
async fn the_end_of_the_leaders_runtime_is_the_end_of_its_lead() {
    let mut town = Town::new().await;
    let (url, redis) = (town.url.clone(), town.redis_at(&town.redis));
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let leader = runtime.block_on(pool(&url, redis, Sabotage::None));
        sender.send(leader).ok().unwrap();
        runtime.block_on(ended).unwrap();
        runtime.shutdown_background();
    });
    let leader = receiver.await.unwrap();
    wait_until(SOON, "it leads", async || leader.stats().changes_leader).await;
    let other = town.pool().await;
    wait_until(SOON, "it hears", async || other.stats().changes_live).await;
    assert!(!other.stats().changes_leader);
    end.send(()).unwrap();
    thread.join().unwrap();
    wait_until(SOON, "another leads", async || other.stats().changes_leader).await;
    town.is_seen_by(&[other], 500).await;
}

#[tokio::test]
async fn a_slot_that_stays_elects_as_well() {
    let mut town = Town::new().await;
    let name = format!("kept_{}", town.namespace.replace('-', "_"));
    let pool = || {
        let settings = hasty().durable_slot(&name);
        let builder = builder(&town.url).redis_with(town.redis_at(&town.redis));
        builder.follow_changes(settings).build()
    };
    let mut pools = vec![
        pool().await.unwrap(),
        pool().await.unwrap(),
        pool().await.unwrap(),
    ];
    are_live(&pools).await;
    while pools.len() > 1 {
        town.is_seen_by(&pools, 500).await;
        drop(pools.swap_remove(leader(&pools).await));
        town.write("DELETE FROM users WHERE id = 500").await;
        are_live(&pools).await;
        for pool in &pools {
            assert_eq!(read(pool).await.0, 100);
        }
        town.has_one_slot().await;
    }
    drop(pools);
    let inner = sqlx::PgPool::connect(&town.url).await.unwrap();
    wait_until(SOON, "nobody uses it", async || {
        drop_slot(&inner, &name).await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn a_leader_that_is_cut_off_from_the_shared_clock_makes_way() {
    let mut town = Town::new().await;
    let mut parts = town.redis.split('/');
    let upstream = parts.find(|part| part.starts_with("127.")).unwrap();
    let proxy = Proxy::start(upstream.parse().unwrap()).await;
    let road = town.redis_at(&format!("redis://{}", proxy.address()));
    let cut_off = pool(&town.url, road, Sabotage::None).await;
    wait_until(SOON, "it leads", async || cut_off.stats().changes_leader).await;
    let others = [town.pool().await, town.pool().await];
    wait_until(SOON, "the others hear", async || {
        others.iter().all(|pool| pool.stats().changes_live)
    })
    .await;
    assert!(leaders(&others).is_empty());
    proxy.cut();
    are_live(&others).await;
    assert!(!cut_off.stats().changes_leader);
    town.is_seen_by(&others, 600).await;
    town.has_one_slot().await;
    proxy.pass();
    let all = [&others[..], &[cut_off]].concat();
    are_live(&all).await;
    town.is_seen_by(&all, 601).await;
}

#[tokio::test]
async fn a_leader_to_whom_the_server_does_not_get_through_is_replaced() {
    let mut town = Town::new().await;
    let upstream = town
        .url
        .split(['@', '/'])
        .find(|part| part.starts_with("127."));
    let upstream = upstream.unwrap().to_owned();
    let proxy = Proxy::start(upstream.parse().unwrap()).await;
    let through = town.url.replace(&upstream, &proxy.address().to_string());
    let deaf = pool(&through, town.redis_at(&town.redis), Sabotage::None).await;
    wait_until(SOON, "it leads", async || deaf.stats().changes_leader).await;
    let others = [town.pool().await, town.pool().await];
    wait_until(SOON, "the others hear", async || {
        others.iter().all(|pool| pool.stats().changes_live)
    })
    .await;
    for pool in &others {
        warm(pool).await;
    }
    // Its connections stay open: the server has to find out.
    proxy.stall();
    town.is_seen_by(&others, 700).await;
    are_live(&others).await;
    town.is_seen_by(&others, 701).await;
    town.has_one_slot().await;
}

#[tokio::test]
async fn a_redis_that_comes_back_empty_or_was_emptied_is_led_again() {
    let redis = tokio::task::spawn_blocking(|| OwnRedis::start(&["--save", ""]));
    let redis = redis.await.unwrap();
    let mut town = Town::at(redis.url()).await;
    let pools = town.pools::<2>().await;
    town.is_seen_by(&pools, 800).await;
    redis.tell(&["FLUSHALL"]);
    town.is_seen_by(&pools, 801).await;
    are_live(&pools).await;
    redis.kill();
    town.write("INSERT INTO users VALUES (802, 1, 'x')").await;
    let written = Instant::now();
    redis.revive();
    catch_up(&pools, 102, written).await;
    are_live(&pools).await;
    town.is_seen_by(&pools, 803).await;
    town.has_one_slot().await;
}

#[tokio::test]
async fn pools_of_different_databases_on_one_clock_do_not_follow_for_each_other() {
    let one = Town::new().await;
    let mut other = Town::new().await;
    other.namespace.clone_from(&one.namespace);
    let [of_one] = one.pools::<1>().await;
    let of_other = other.pools::<2>().await;
    assert!(of_one.stats().changes_leader);
    assert_eq!(leaders(&of_other).len(), 1);
    other.is_seen_by(&of_other, 900).await;
    other.has_one_slot().await;
}

#[tokio::test]
async fn a_pool_that_goes_by_texts_alone_takes_no_word_of_one_that_knows_more() {
    let mut town = Town::new().await;
    town.write("CREATE VIEW members AS SELECT id FROM users WHERE org = 1")
        .await;
    let knowing = town.pool().await;
    are_live(std::slice::from_ref(&knowing)).await;
    let by_texts = builder(&town.url)
        .redis_with(town.redis_at(&town.redis))
        .follow_changes(hasty())
        .schema(SchemaMode::TextOnly)
        .build()
        .await
        .unwrap();
    let members = async || {
        let read = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM members").cached(&by_texts);
        let read = read.fetch_one_shared().await.unwrap();
        (*read, read.source())
    };
    wait_until(SOON, "memory answers", async || {
        members().await == (10, Source::Local)
    })
    .await;
    town.write("INSERT INTO users VALUES (101, 1, 'x')").await;
    wait_until(SOON, "the write is seen", async || members().await.0 == 11).await;
}
