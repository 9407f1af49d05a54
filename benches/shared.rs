//! The shared tier beside the bare commands of the same bytes, in one run.
//!
//! `cargo bench --no-default-features --features redis --bench shared`, with the address of a Redis in
//! `CACHEDPOOL_BENCH_REDIS`. Both sides use one multiplexed connection each, and hold tokio's `block_on`.

use std::{env, sync::LazyLock, time::Duration};

use cachedpool::{
    cache::shared::{SharedTier, Step},
    tier::{Redis, RedisTier},
};
use divan::{Bencher, black_box};
use redis::aio::MultiplexedConnection;
use tokio::runtime::Runtime;

/// About the sizes of results with 1 and 100 rows.
const SIZES: [usize; 2] = [60, 6_000];

/// Two tags.
const SLOTS: [u16; 2] = [7, 4711];

fn main() {
    if env::var_os("CACHEDPOOL_BENCH_REDIS").is_some() {
        divan::main();
    } else {
        println!("CACHEDPOOL_BENCH_REDIS names no Redis: nothing is measured.");
    }
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime starts"));

fn url() -> String {
    env::var("CACHEDPOOL_BENCH_REDIS").expect("main has looked")
}

fn tier() -> RedisTier {
    let settings = Redis::new(url()).namespace("cachedpool-bench");
    let tier = RedisTier::new(settings, None).expect("the address can be read");
    RUNTIME
        .block_on(tier.beat(Duration::from_secs(3600)))
        .expect("Redis is there");
    tier
}

fn bare() -> MultiplexedConnection {
    let client = redis::Client::open(url()).expect("the address can be read");
    RUNTIME
        .block_on(client.get_multiplexed_async_connection())
        .expect("Redis is there")
}

#[divan::bench(args = SIZES, sample_count = 5000, sample_size = 1)]
fn get(bencher: Bencher, bytes: usize) {
    let mut connection = bare();
    let key = "cachedpool-bench-bare";
    let set = redis::cmd("SET").arg(key).arg(vec![b'x'; bytes]).to_owned();
    RUNTIME
        .block_on(set.exec_async(&mut connection))
        .expect("Redis takes it");
    bencher.bench_local(|| {
        let get = redis::cmd("GET").arg(key).to_owned();
        let value: redis::RedisResult<Vec<u8>> = RUNTIME.block_on(get.query_async(&mut connection));
        black_box(value.expect("Redis answers"))
    });
}

#[divan::bench(args = SIZES, sample_count = 5000, sample_size = 1)]
fn fetch(bencher: Bencher, bytes: usize) {
    let tier = tier();
    let life = Duration::from_secs(60);
    RUNTIME
        .block_on(tier.store("entry", vec![b'x'; bytes], life))
        .expect("Redis takes it");
    bencher.bench_local(|| {
        let fetched = RUNTIME.block_on(tier.fetch("entry", &SLOTS));
        let fetched = fetched.expect("Redis answers");
        assert!(fetched.entry.is_some(), "the entry is alive");
        black_box(fetched)
    });
}

#[divan::bench(sample_count = 5000, sample_size = 1)]
fn incr(bencher: Bencher) {
    let mut connection = bare();
    bencher.bench_local(|| {
        let incr = redis::cmd("INCR").arg("cachedpool-bench-number").to_owned();
        let value: redis::RedisResult<u64> = RUNTIME.block_on(incr.query_async(&mut connection));
        black_box(value.expect("Redis answers"))
    });
}

#[divan::bench(sample_count = 5000, sample_size = 1)]
fn advance(bencher: Bencher) {
    let tier = tier();
    let step = Step {
        slot: 7,
        moves: true,
        releases: None,
    };
    bencher.bench_local(|| {
        let moved = RUNTIME.block_on(tier.advance(&[step]));
        black_box(moved.expect("Redis answers"))
    });
}
