//! Reads while Redis swallows packets, beside reads while it answers.
//!
//! `CACHEDPOOL_BENCH_REDIS=redis://127.0.0.1:6379 cargo bench --no-default-features --features sqlite,redis --bench away`
//!
//! Hits come from memory, which may answer for as long as `max_staleness` allows (a minute here). `past_the_lease` is what
//! comes after it: every read goes to the database and the shared tier costs nothing more.

use std::{env, net::SocketAddr, time::Duration};

use cachedpool::{CachedPool, prelude::*};
use cachedpool_test_support::{Proxy, SqliteFile};
use divan::Bencher;
use futures_util::FutureExt as _;
use tokio::runtime::Runtime;

const READ: &str = "SELECT id FROM items WHERE id = ?";

fn main() {
    if env::var_os("CACHEDPOOL_BENCH_REDIS").is_some() {
        divan::main();
    } else {
        println!("CACHEDPOOL_BENCH_REDIS names no server: nothing is measured.");
    }
}

/// How Redis is while it is measured.
#[derive(Clone, Copy)]
enum Redis {
    Healthy,
    BlackHoled,
}

struct Scene {
    runtime: Runtime,
    pool: CachedPool<sqlx::Sqlite>,
    _proxy: Proxy,
    _file: SqliteFile,
}

fn scene(redis: Redis, max_staleness: Duration) -> Scene {
    let runtime = Runtime::new().expect("a runtime starts");
    let (pool, proxy, file) = runtime.block_on(async {
        let url = env::var("CACHEDPOOL_BENCH_REDIS").expect("it was looked for");
        let server: SocketAddr = url
            .trim_start_matches("redis://")
            .trim_end_matches('/')
            .parse()
            .expect("redis://host:port");
        let proxy = Proxy::start(server).await;
        let file = SqliteFile::new();
        let sqlite = sqlx::SqlitePool::connect(&file.url())
            .await
            .expect("a file can be made");
        sqlx::raw_sql("CREATE TABLE items (id INTEGER PRIMARY KEY); INSERT INTO items VALUES (7)")
            .execute(&sqlite)
            .await
            .expect("a table can be made");
        let pool = CachedPool::builder(sqlite)
            .redis(format!("redis://{}", proxy.address()))
            .max_staleness(max_staleness)
            .require_shared()
            .build()
            .await
            .expect("Redis answers");
        read(&pool).await;
        if let Redis::BlackHoled = redis {
            proxy.stall();
            // Spends the one budget.
            pool.invalidate_all().await.expect("it does not fail");
            read(&pool).await;
        }
        (pool, proxy, file)
    });
    Scene {
        runtime,
        pool,
        _proxy: proxy,
        _file: file,
    }
}

async fn read(pool: &CachedPool<sqlx::Sqlite>) -> i64 {
    let read = sqlx::query_scalar(READ).bind(7_i64).cached(pool);
    read.fetch_one().await.expect("the row is there")
}

fn hit(bencher: Bencher<'_, '_>, redis: Redis) {
    let scene = scene(redis, Duration::from_secs(60));
    let _entered = scene.runtime.enter();
    bencher.bench_local(|| {
        read(&scene.pool)
            .now_or_never()
            .expect("a hit does not wait")
    });
}

#[divan::bench(sample_size = 1000)]
fn hit_while_it_answers(bencher: Bencher<'_, '_>) {
    hit(bencher, Redis::Healthy);
}

#[divan::bench(sample_size = 1000)]
fn hit_while_it_is_black_holed(bencher: Bencher<'_, '_>) {
    hit(bencher, Redis::BlackHoled);
}

#[divan::bench]
fn database_alone(bencher: Bencher<'_, '_>) {
    let scene = scene(Redis::Healthy, Duration::from_secs(60));
    let work = || sqlx::query_scalar::<_, i64>(READ).bind(7_i64);
    bencher.bench_local(|| {
        scene
            .runtime
            .block_on(work().fetch_one(scene.pool.inner()))
            .expect("the row is there")
    });
}

#[divan::bench]
fn past_the_lease(bencher: Bencher<'_, '_>) {
    let scene = scene(Redis::BlackHoled, Duration::from_millis(100));
    scene
        .runtime
        .block_on(async { tokio::time::sleep(Duration::from_millis(300)).await });
    bencher.bench_local(|| scene.runtime.block_on(read(&scene.pool)));
}
