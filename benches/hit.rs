//! What a cached read costs, beside its parts and beside sqlx alone, in one run.
//!
//! `cargo bench --no-default-features --features sqlite --bench hit`
//!
//! SQLite always. PostgreSQL too with the feature `postgres` and the address of an empty database in
//! `CACHEDPOOL_BENCH_PG`: one round trip there costs what an application pays, while SQLite's is a library call.
//!
//! `build` is sqlx's own builder alone, which every line below it contains; `moka_get` is the bare store with a key and a
//! value of the same shape. Hits are ready when they are polled first, so no runtime is in the figures of the upper half;
//! those from `plain` on go to the database and hold tokio's `block_on`. Allocations are counted in `tests/allocations`, since
//! counting takes time.

use std::{
    env,
    sync::{
        OnceLock,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
};

use cachedpool::{CachedPool, cache::Key};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

const ROWS: [i64; 4] = [1, 10, 100, 1000];

fn main() {
    let divan = divan::Divan::from_args();
    if env::var_os("CACHEDPOOL_BENCH_PG").is_some() {
        divan.main();
    } else {
        println!("CACHEDPOOL_BENCH_PG names no database: PostgreSQL is left out.");
        divan.skip_regex("postgres").main();
    }
}

#[derive(Clone, Debug, sqlx::FromRow, Serialize, Deserialize)]
struct User {
    id: i64,
    name: String,
    org: i64,
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime starts"))
}

/// A number that was not given out before.
fn unique() -> i64 {
    static NEXT: AtomicI64 = AtomicI64::new(1);
    NEXT.fetch_add(1, Relaxed)
}

#[divan::bench(sample_size = 1000)]
fn moka_get(bencher: divan::Bencher<'_, '_>) {
    use std::{any::TypeId, hint::black_box, sync::Arc};

    let key = Key {
        statement: 7,
        row: TypeId::of::<User>(),
        shape: cachedpool::cache::Shape::All,
        params: [&b"INT8"[..], &7_i64.to_le_bytes()].concat().into(),
    };
    let cache: moka::sync::Cache<Key, Arc<Vec<User>>, foldhash::quality::RandomState> =
        moka::sync::Cache::builder()
            .max_capacity(1000)
            .build_with_hasher(foldhash::quality::RandomState::default());
    cache.insert(key.clone(), Arc::default());
    bencher.bench_local(|| cache.get(black_box(&key)));
}

/// The same benches for one database. `$param` are its first two placeholders.
macro_rules! benches {
    ($database:ident, $Row:ty, $first:literal, $second:literal, $connect:expr) => {
        mod $database {
            use std::hint::black_box;

            use cachedpool::prelude::*;
            use divan::Bencher;
            use futures_util::FutureExt as _;
            use sqlx::{Row as _, query::{Query, QueryAs}};

            use super::*;

            const SELECT: &str = concat!("SELECT id, name, org FROM bench_users WHERE id <= ", $first);
            /// The second condition holds always: it makes each key another.
            const UNIQUE: &str = concat!(
                "SELECT id, name, org FROM bench_users WHERE id <= ", $first, " AND id <> - ", $second
            );

            const UPDATE: &str =
                concat!("UPDATE bench_users SET org = ", $first, " WHERE id = ", $second);

            type Database = <$Row as sqlx::Row>::Database;
            type Arguments = <Database as sqlx::Database>::Arguments;
            type Pool = CachedPool<Database>;

            fn pool() -> &'static Pool {
                static POOL: OnceLock<Pool> = OnceLock::new();
                POOL.get_or_init(|| {
                    runtime().block_on(async {
                        let inner = $connect.await.expect("the database answers");
                        let pool = CachedPool::builder(inner).build().await.expect("a pool is built");
                        for sql in [
                            "DROP TABLE IF EXISTS bench_users",
                            "CREATE TABLE bench_users (id BIGINT PRIMARY KEY, name TEXT NOT NULL, org BIGINT NOT NULL)",
                            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) \
                             INSERT INTO bench_users SELECT i, 'user number ' || i, i % 10 FROM n",
                        ] {
                            sqlx::query(sql).execute(&pool).await.expect("the table is made");
                        }
                        pool
                    })
                })
            }

            fn select(rows: i64) -> QueryAs<'static, Database, User, Arguments> {
                sqlx::query_as(SELECT).bind(black_box(rows))
            }

            /// What no read asked for before.
            fn unasked(rows: i64) -> QueryAs<'static, Database, User, Arguments> {
                sqlx::query_as(UNIQUE).bind(rows).bind(unique())
            }

            /// A write that is told to the readers of one row.
            fn update() -> Query<'static, Database, Arguments> {
                sqlx::query(UPDATE).bind(black_box(3_i64)).bind(black_box(7_i64))
            }

            /// As the macros build it: the mapping is a closure.
            macro_rules! mapped {
                ($rows:expr) => {
                    sqlx::query::<Database>(SELECT)
                        .bind(black_box::<i64>($rows))
                        .map(|row: $Row| row.get::<i64, _>(0))
                };
            }

            /// Loads, then measures a future that is ready at once.
            macro_rules! hit {
                ($bencher:expr, $read:expr) => {{
                    let read = $read;
                    runtime().block_on(read()).expect("the database answers");
                    $bencher.bench_local(|| read().now_or_never().expect("a hit waits for nothing"));
                }};
            }

            macro_rules! wait {
                ($bencher:expr, $read:expr) => {{
                    let read = $read;
                    $bencher.bench_local(|| runtime().block_on(read()).expect("the database answers"));
                }};
            }

            #[divan::bench(sample_size = 1000)]
            fn a_build(bencher: Bencher<'_, '_>) {
                pool();
                bencher.bench_local(|| select(1));
            }

            #[divan::bench(sample_size = 1000)]
            fn a_build_mapped(bencher: Bencher<'_, '_>) {
                pool();
                bencher.bench_local(|| mapped!(1));
            }

            #[divan::bench(args = ROWS, sample_size = 1000)]
            fn b_hit_all_shared(bencher: Bencher<'_, '_>, rows: i64) {
                hit!(bencher, || select(rows).cached(pool()).fetch_all_shared());
            }

            #[divan::bench(sample_size = 1000)]
            fn b_hit_one_shared(bencher: Bencher<'_, '_>) {
                hit!(bencher, || select(1).cached(pool()).fetch_one_shared());
            }

            #[divan::bench(sample_size = 1000)]
            fn b_hit_one_owned(bencher: Bencher<'_, '_>) {
                hit!(bencher, || select(1).cached(pool()).fetch_one());
            }

            #[divan::bench(args = ROWS, sample_size = 1000)]
            fn b_hit_mapped_shared(bencher: Bencher<'_, '_>, rows: i64) {
                hit!(bencher, || mapped!(rows).cached(pool()).fetch_all_shared());
            }

            #[divan::bench(sample_size = 1000)]
            fn b_hit_with_tag_and_scope(bencher: Bencher<'_, '_>) {
                hit!(bencher, || select(1).cached(pool()).tag("org:7").scope(7).fetch_all_shared());
            }

            #[divan::bench(args = ROWS)]
            fn c_plain(bencher: Bencher<'_, '_>, rows: i64) {
                wait!(bencher, || select(rows).fetch_all(pool().inner()));
            }

            #[divan::bench(args = ROWS)]
            fn d_refresh(bencher: Bencher<'_, '_>, rows: i64) {
                wait!(bencher, || select(rows).cached(pool()).refresh().fetch_all_shared());
            }

            #[divan::bench(args = ROWS)]
            fn e_plain_unique(bencher: Bencher<'_, '_>, rows: i64) {
                wait!(bencher, || unasked(rows)
                    .fetch_all(pool().inner()));
            }

            #[divan::bench(args = ROWS)]
            fn f_miss_unique(bencher: Bencher<'_, '_>, rows: i64) {
                wait!(bencher, || unasked(rows)
                    .cached(pool())
                    .fetch_all_shared());
            }

            #[divan::bench]
            fn h_plain_update(bencher: Bencher<'_, '_>) {
                wait!(bencher, || update().execute(pool().inner()));
            }

            /// The same through the pool: what it takes longer is a task, the ledger and the clock.
            #[divan::bench]
            fn i_pinned_update(bencher: Bencher<'_, '_>) {
                wait!(bencher, || update().execute(pool()));
            }

            #[divan::bench(args = [10, 10_000], sample_size = 1000)]
            fn g_invalidate_tables(bencher: Bencher<'_, '_>, entries: i64) {
                runtime().block_on(async {
                    for _ in 0..entries {
                        unasked(1)
                            .cached(pool()).fetch_all_shared().await.expect("the database answers");
                    }
                });
                hit!(bencher, || pool().invalidate_tables(["bench_users"]));
            }
        }
    };
}

benches!(
    sqlite,
    sqlx::sqlite::SqliteRow,
    "?",
    "?",
    sqlx::sqlite::SqlitePoolOptions::new()
        .max_connections(1)
        .connect("sqlite::memory:")
);

#[cfg(feature = "postgres")]
benches!(
    postgres,
    sqlx::postgres::PgRow,
    "$1",
    "$2",
    sqlx::PgPool::connect(&env::var("CACHEDPOOL_BENCH_PG").expect("asked for by `main`"))
);
